//! Random numbers that are the same everywhere: SplitMix64, seeded from a name and a number.

use crate::process::digest;

/// A stream of random numbers. Equal seeds give equal streams, on every machine and with every version of Rust.
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream of `name` number `index`: independent of all others, so that data stay the same when their number
    /// grows.
    pub fn new(name: &str, index: usize) -> Self {
        let mut random = Self {
            state: digest(name.as_bytes()),
        };
        random.state = random.next().wrapping_add(index as u64);
        random.next();
        random
    }

    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).unsigned_abs() + 1;
        low.saturating_add_unsigned(self.next() % span)
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of several things.
    #[allow(
        clippy::indexing_slicing,
        reason = "a remainder by N is below N, and N is not 0"
    )]
    pub fn pick<T: Copy, const N: usize>(&mut self, things: &[T; N]) -> T {
        const { assert!(N > 0) };
        things[(self.next() % N as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_fixed_and_differ() {
        let stream = |name, index| {
            let mut random = Random::new(name, index);
            (random.next(), random.next())
        };
        assert_eq!(stream("patient", 1), stream("patient", 1));
        assert_ne!(stream("patient", 1), stream("patient", 2));
        assert_ne!(stream("patient", 1), stream("staff", 1));
    }

    #[test]
    fn numbers_stay_in_range() {
        let mut random = Random::new("range", 0);
        for _ in 0..1000 {
            assert!((-3..=3).contains(&random.between(-3, 3)));
            assert!([1, 2, 3].contains(&random.pick(&[1, 2, 3])));
        }
        assert_eq!(random.between(5, 5), 5);
    }
}
