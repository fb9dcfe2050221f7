//! Random numbers that are the same everywhere: splitmix64, one stream per thing that happens.
//!
//! A stream per plan and per part keeps everything else as it was when plans are left out to shrink a failure.

/// One stream.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of `seed` for the thing `name`.
    pub(crate) fn of(seed: u64, name: u64) -> Self {
        let mut random = Self(seed ^ name.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        random.next();
        random
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number of `[from, to]`.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from + 1)
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// One of them.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[(self.next() % of.len() as u64) as usize]
    }

    /// A number of `[from, to]`, small ones as often as large ones.
    pub(crate) fn magnitude(&mut self, from: u64, to: u64) -> u64 {
        let mut top = to;
        while top > from * 2 && self.chance(60) {
            top /= 2;
        }
        self.between(from, top.max(from))
    }
}
