//! Counting what passed, failed and was skipped.

use std::fmt;

/// Results of tests.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    passed: usize,
    failed: Vec<String>,
    skipped: Vec<String>,
    unnamed_failures: usize,
    unnamed_skips: usize,
}

impl Tally {
    /// So many that passed.
    pub fn passed(count: usize) -> Self {
        Self {
            passed: count,
            ..Self::default()
        }
    }

    /// One that failed.
    pub fn failed(name: &str) -> Self {
        Self {
            failed: vec![name.to_owned()],
            ..Self::default()
        }
    }

    /// One that was skipped, and why.
    pub fn skipped(name: &str, why: &str) -> Self {
        Self {
            skipped: vec![format!("{name}: {why}")],
            ..Self::default()
        }
    }

    /// One that passed or failed.
    pub fn of(name: &str, good: bool) -> Self {
        if good {
            Self::passed(1)
        } else {
            Self::failed(name)
        }
    }

    /// Counts read from the output of a test program. What `name` says of failures is all that is known of them.
    pub fn counted(name: &str, passed: usize, failed: usize, skipped: usize) -> Self {
        let mut tally = Self::passed(passed);
        if failed > 0 {
            tally.failed.push(name.to_owned());
            tally.unnamed_failures = failed - 1;
        }
        if skipped > 0 {
            tally.skipped.push(name.to_owned());
            tally.unnamed_skips = skipped - 1;
        }
        tally
    }

    /// Adds another one's results.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.skipped.extend(other.skipped);
        self.unnamed_failures += other.unnamed_failures;
        self.unnamed_skips += other.unnamed_skips;
    }

    /// What failed.
    pub fn failures(&self) -> &[String] {
        &self.failed
    }

    /// What was skipped.
    pub fn skips(&self) -> &[String] {
        &self.skipped
    }

    /// Whether something passed and nothing failed.
    pub fn is_good(&self) -> bool {
        self.failed.is_empty() && self.passed > 0
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} passed, {} failed, {} skipped",
            self.passed,
            self.failed.len() + self.unnamed_failures,
            self.skipped.len() + self.unnamed_skips,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up() {
        let mut tally = Tally::passed(3);
        tally.add(Tally::of("a", true));
        tally.add(Tally::of("b", false));
        tally.add(Tally::skipped("c", "not here"));
        tally.add(Tally::counted("d", 10, 2, 3));
        assert_eq!(tally.to_string(), "14 passed, 3 failed, 4 skipped");
        assert_eq!(tally.failures(), ["b", "d"]);
        assert!(!tally.is_good());
        assert!(!Tally::default().is_good() && Tally::default().is_empty());
        assert!(Tally::passed(1).is_good());
    }
}
