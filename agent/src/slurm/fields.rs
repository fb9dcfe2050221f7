//! Reads the values that Slurm's commands print: durations, instants, TRES lists, `Key=value` records.

use std::collections::BTreeMap;

use bursar_policy::Timestamp;

/// The words Slurm prints where there is no value.
const NO_VALUE: [&str; 6] = ["", "None", "NONE", "Unknown", "N/A", "(null)"];

/// An instant printed with `SLURM_TIME_FORMAT=%s`; the outer `None` is a text that is no instant.
pub fn instant(text: &str) -> Option<Option<Timestamp>> {
    if NO_VALUE.contains(&text) {
        return Some(None);
    }
    text.parse().ok().filter(|&seconds: &i64| seconds >= 0).map(|seconds| Some(Timestamp(seconds)))
}

/// Seconds of `[days-][[hours:]minutes:]seconds`, as elapsed times and limits are printed.
///
/// One colon is minutes:seconds without days and hours:minutes with them, as in Slurm.
pub fn duration(text: &str) -> Option<u64> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(days.parse::<u64>().ok()?), rest),
        None => (None, text),
    };
    let numbers: Vec<u64> = rest.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match (days, numbers.as_slice()) {
        (_, [hours, minutes, seconds]) => (*hours, *minutes, *seconds),
        (Some(_), [hours, minutes]) => (*hours, *minutes, 0),
        (Some(_), [hours]) => (*hours, 0, 0),
        (None, [minutes, seconds]) => (0, *minutes, *seconds),
        (None, [seconds]) => (0, 0, *seconds),
        _ => return None,
    };
    days.unwrap_or(0)
        .checked_mul(86_400)?
        .checked_add(hours.checked_mul(3_600)?)?
        .checked_add(minutes.checked_mul(60)?)?
        .checked_add(seconds)
}

/// How long something may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// No value of its own; somebody else's applies.
    Unset,
    /// For ever.
    Unlimited,
    /// This many seconds.
    Seconds(u64),
}

impl TimeLimit {
    /// Reads `UNLIMITED`, an unset word, or a [`duration`].
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "UNLIMITED" | "INFINITE" => Some(Self::Unlimited),
            "NOT_SET" | "Partition_Limit" => Some(Self::Unset),
            text if NO_VALUE.contains(&text) => Some(Self::Unset),
            text => duration(text).map(Self::Seconds),
        }
    }

    /// Reads the same with plain numbers in minutes, as `OverTimeLimit=5` and `TimelimitRaw` are.
    pub fn parse_minutes(text: &str) -> Option<Self> {
        match text.parse::<u64>() {
            Ok(minutes) => minutes.checked_mul(60).map(Self::Seconds),
            Err(_) => Self::parse(text),
        }
    }
}

/// Counts by TRES name: `cpu`, `node`, `billing`, `mem` (MB), `gres/gpu`, `gres/gpu:a100`, ...
///
/// A typed gres is a part of the untyped one, never to be added to it.
pub type Tres = BTreeMap<String, u64>;

/// Reads `cpu=2,mem=1000M,node=1`; energy that was not collected is left out.
pub fn tres(text: &str) -> Option<Tres> {
    let mut all = Tres::new();
    if NO_VALUE.contains(&text) {
        return Some(all);
    }
    for part in text.split(',') {
        let (name, value) = part.rsplit_once('=')?;
        if name.is_empty() {
            return None;
        }
        let count = if name == "mem" || name.ends_with("/mem") { megabytes(value)? } else { value.parse().ok()? };
        // NO_VAL64, printed by 22.05 for energy without a plugin that measures it.
        if count < u64::MAX - 1 {
            all.insert(name.to_owned(), count);
        }
    }
    Some(all)
}

/// Megabytes of `4000M`, `62.50G`, `512000K` or a plain number, which is megabytes; fractions are rounded down.
pub fn megabytes(text: &str) -> Option<u64> {
    let (number, unit) = match text.char_indices().last()? {
        (at, unit) if unit.is_ascii_alphabetic() => (text.get(..at)?, unit.to_ascii_uppercase()),
        _ => (text, 'M'),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > 6 {
        return None;
    }
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let scaled = whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(fraction.parse().ok()?)?;
    let megabytes = match unit {
        'K' => scaled / 1024,
        'M' => scaled,
        'G' => scaled.checked_mul(1024)?,
        'T' => scaled.checked_mul(1024 * 1024)?,
        'P' => scaled.checked_mul(1024 * 1024 * 1024)?,
        _ => return None,
    };
    megabytes.checked_div(scale)
}

/// The `Key=value` words of one `scontrol -o` line; the first of a key wins, because free text comes last.
pub fn record(line: &str) -> BTreeMap<&str, &str> {
    let mut all = BTreeMap::new();
    for word in line.split_whitespace() {
        if let Some((key, value)) = word.split_once('=') {
            all.entry(key).or_insert(value);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_durations_as_slurm_prints_them_then_they_are_seconds() {
        for (text, seconds) in [
            ("0:26", 26),
            ("5:00", 300),
            ("00:10:00", 600),
            ("02:00:00", 7_200),
            ("1-00:00:00", 86_400),
            ("365-00:00:00", 31_536_000),
            ("1-2", 93_600),
            ("1-2:30", 95_400),
        ] {
            assert_eq!(duration(text), Some(seconds), "{text}");
        }
        for text in ["", "x", "1:2:3:4", "-", "1-", "UNLIMITED", "18446744073709551615-0:0:0"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(TimeLimit::parse("UNLIMITED"), Some(TimeLimit::Unlimited));
        assert_eq!(TimeLimit::parse("NONE"), Some(TimeLimit::Unset));
        assert_eq!(TimeLimit::parse_minutes("5"), Some(TimeLimit::Seconds(300)));
        assert_eq!(TimeLimit::parse_minutes("soon"), None);
    }

    #[test]
    fn given_tres_lists_then_memory_is_megabytes_and_uncollected_energy_is_left_out() {
        let read = tres("billing=2,cpu=2,energy=18446744073709551614,mem=62.50G,gres/gpu:a100=2,gres/gpu=2").unwrap();
        assert_eq!(read["mem"], 64_000);
        assert_eq!(read["gres/gpu"], 2);
        assert_eq!(read["gres/gpu:a100"], 2);
        assert!(!read.contains_key("energy"));
        assert_eq!(tres(""), Some(Tres::new()));
        for text in ["cpu", "cpu=", "=1", "cpu=two", "mem=1X", "cpu=1,,"] {
            assert_eq!(tres(text), None, "{text}");
        }
        assert_eq!(megabytes("1024K"), Some(1));
        assert_eq!(megabytes("0"), Some(0));
    }

    #[test]
    fn given_a_record_with_free_text_at_its_end_then_it_cannot_replace_a_key() {
        let read = record("NodeName=n1 CPUTot=8 OS=Linux 6.1 #1 SMP RealMemory=16000 Reason=x RealMemory=1");
        assert_eq!(read["RealMemory"], "16000");
        assert_eq!(read["OS"], "Linux");
    }
}
