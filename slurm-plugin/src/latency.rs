//! How long slurmctld has waited for verdicts: a histogram since its start, for whoever wants proof.
//!
//! Counting takes no lock and no memory, because it happens on every call; reading it is the loader's work.
//!
//! On a busy machine a thread is taken off its processor for milliseconds at a time, whatever it is about. Whoever
//! measures is also told of the calls to which that did not happen: what those took, waiting for a lock of ours
//! included, is the plugin's own time.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::ffi::host;

/// Buckets per doubling, as a power of two: what is told is at most an eighth too much.
const FINE: u32 = 3;
/// Nothing is told apart beyond 2^36 ns, which is more than a minute.
const DOUBLINGS: usize = 36;
const BUCKETS: usize = (DOUBLINGS - FINE as usize + 1) << FINE;

/// Spans of time by their length.
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    slowest: AtomicU64,
}

impl Histogram {
    pub(crate) const fn new() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], slowest: AtomicU64::new(0) }
    }

    fn count(&self, span: Duration) {
        let nanoseconds = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(bucket_of(nanoseconds)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.slowest.fetch_max(nanoseconds, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub(crate) fn figures(&self) -> Figures {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let (calls, slowest): (u64, u64) = (counts.iter().sum(), self.slowest.load(Ordering::Relaxed));
        // The end of the bucket in which the call stands that this many of a thousand do not exceed.
        let within = |thousandths: u64| {
            let rank = u64::max(1, (calls * thousandths).div_ceil(1_000));
            let mut passed = 0;
            let found = counts.iter().position(|count| {
                passed += count;
                passed >= rank
            });
            found.map_or(0, end_of).min(slowest)
        };
        Figures { calls, median: within(500), p99: within(990), p999: within(999), slowest }
    }
}

/// The calls of one kind.
pub(crate) struct Calls {
    all: Histogram,
    /// Those that kept their processor; counted while somebody measures.
    undisturbed: Histogram,
    measured: AtomicBool,
}

impl Calls {
    pub(crate) const fn new() -> Self {
        Self { all: Histogram::new(), undisturbed: Histogram::new(), measured: AtomicBool::new(false) }
    }

    /// From now on it is looked whether calls keep their processor, which costs each of them a fraction of a microsecond.
    pub(crate) fn measure(&self) {
        self.measured.store(true, Ordering::Relaxed);
    }

    /// Runs `body` and counts how long it took.
    pub(crate) fn timed<T>(&self, body: impl FnOnce() -> T) -> T {
        let before = self.measured.load(Ordering::Relaxed).then(host::preempted);
        let begun = Instant::now();
        let value = body();
        let span = begun.elapsed();
        self.all.count(span);
        if before.is_some_and(|before| host::preempted() == before) {
            self.undisturbed.count(span);
        }
        value
    }
}

fn bucket_of(nanoseconds: u64) -> usize {
    let doubling = u64::BITS - (nanoseconds >> FINE).leading_zeros();
    // Below 2^FINE each nanosecond has a bucket; above, the first bits behind the leading one choose.
    let shift = doubling.saturating_sub(1);
    let fine = (nanoseconds >> shift) as usize;
    ((shift as usize) << FINE).saturating_add(fine).min(BUCKETS - 1)
}

/// The largest number of nanoseconds in a bucket.
fn end_of(bucket: usize) -> u64 {
    let fine = 1_usize << FINE;
    if bucket < 2 * fine {
        return bucket as u64;
    }
    let shift = bucket / fine - 1;
    (((bucket % fine + fine + 1) as u64) << shift) - 1
}

/// What is told of a histogram, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) calls: u64,
    median: u64,
    p99: u64,
    p999: u64,
    slowest: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, p99, p999, slowest] = [self.median, self.p99, self.p999, self.slowest].map(Micros);
        write!(f, "median {median} us, 99 % within {p99} us, 99.9 % within {p999} us, slowest {slowest} us")
    }
}

/// Nanoseconds as microseconds with a tenth, rounded up.
struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.div_ceil(100);
        write!(f, "{}.{}", tenths / 10, tenths % 10)
    }
}

/// The figures are written to the log after so many calls, if nobody asks for another number.
pub(crate) const CALLS: u64 = 10_000;
/// And so long after the last time, if there were any calls.
const PAUSE: Duration = Duration::from_secs(600);

/// The calm rhythm of one histogram's line in the log.
pub(crate) struct Report {
    what: &'static str,
    counted: &'static Calls,
    calls: u64,
    told: u64,
    told_at: Instant,
}

impl Report {
    /// A line after so many `calls`, and every ten minutes in which there were any.
    pub(crate) fn new(what: &'static str, counted: &'static Calls, calls: u64, now: Instant) -> Self {
        Self { what, counted, calls, told: 0, told_at: now }
    }

    /// The line that is due, if one is.
    pub(crate) fn due(&mut self, now: Instant) -> Option<String> {
        let figures = self.counted.all.figures();
        let new = figures.calls.saturating_sub(self.told);
        if new < self.calls && (new == 0 || now.duration_since(self.told_at) < PAUSE) {
            return None;
        }
        (self.told, self.told_at) = (figures.calls, now);
        let undisturbed = match self.counted.undisturbed.figures() {
            Figures { calls: 0, .. } => String::new(),
            some => format!("; {} of them kept their processor: {some}", some.calls),
        };
        Some(format!("{} {} since start: {figures}{undisturbed}", figures.calls, self.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_any_span_then_its_bucket_ends_at_most_an_eighth_later() {
        for exponent in 0..DOUBLINGS as u32 {
            for span in [1_u64 << exponent, (1 << exponent) + 1, (1 << exponent) * 5 / 3] {
                let end = end_of(bucket_of(span));
                assert!(end >= span && end - span <= span / 8, "{span} ns in a bucket that ends at {end} ns");
            }
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn given_a_hundred_calls_then_median_and_slowest_are_told() {
        let histogram = Histogram::new();
        (1..=100).for_each(|n| histogram.count(Duration::from_nanos(n * 100)));
        let figures = histogram.figures();
        assert!((5_000..5_700).contains(&figures.median), "{figures}");
        assert_eq!((figures.calls, figures.p999, figures.slowest), (100, 10_000, 10_000));
        assert!(figures.to_string().ends_with("slowest 10.0 us"), "{figures}");
        assert_eq!(Histogram::new().figures().to_string().matches("0.0 us").count(), 4);
    }

    #[test]
    fn given_calls_then_the_log_hears_of_them_calmly() {
        static COUNTED: Calls = Calls::new();
        let start = Instant::now();
        let mut report = Report::new("submissions", &COUNTED, CALLS, start);
        assert_eq!(report.due(start + PAUSE), None, "nothing to tell");
        COUNTED.all.count(Duration::from_nanos(5));
        assert_eq!(report.due(start), None, "not yet");
        let line = report.due(start + PAUSE).unwrap();
        assert!(line.starts_with("1 submissions since start: median 0.1 us"), "{line}");
        (0..CALLS).for_each(|_| COUNTED.all.count(Duration::from_nanos(5)));
        assert!(report.due(start + PAUSE).is_some());
        assert_eq!(report.due(start + PAUSE), None, "told already");
    }

    #[test]
    fn given_somebody_who_measures_then_calls_that_kept_their_processor_are_told_apart() {
        static COUNTED: Calls = Calls::new();
        let start = Instant::now();
        let mut report = Report::new("updates", &COUNTED, 1, start);
        COUNTED.timed(|| ());
        assert!(!report.due(start).unwrap().contains("processor"), "nobody measured");
        COUNTED.measure();
        // Some of a thousand calls of nothing are not disturbed, on the busiest of machines.
        (0..1_000).for_each(|_| COUNTED.timed(|| ()));
        let line = report.due(start).unwrap();
        assert!(
            line.starts_with("1001 updates since start: ") && line.contains(" of them kept their processor: "),
            "{line}"
        );
    }
}
