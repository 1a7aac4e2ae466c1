//! What is known of keys that are ordered: times and numbers.

/// Statistics of a key, as PostgreSQL keeps them of a column.
#[derive(Debug, Clone, Default)]
pub struct Ordered {
    missing: f64,
    common: Vec<(f64, f64)>,
    common_in_all: f64,
    histogram: Vec<f64>,
    distinct: f64,
}

impl Ordered {
    /// `missing`: the share of documents without the key. `common`: frequent values, each with its share. `histogram`: values that
    /// part all others into groups of the same size, in order. `distinct`: how many values there are.
    pub fn new(missing: f64, common: Vec<(f64, f64)>, histogram: Vec<f64>, distinct: f64) -> Self {
        let common_in_all = common.iter().map(|(_, share)| share).sum();
        Ordered {
            missing: missing.clamp(0.0, 1.0),
            common,
            common_in_all,
            histogram,
            distinct,
        }
    }

    /// The share of documents that have the key.
    pub fn present(&self) -> f64 {
        1.0 - self.missing
    }

    /// The share of documents whose key is less than this, or, `or_equal`, not greater.
    pub fn below(&self, value: f64, or_equal: bool) -> f64 {
        let common = self.common.iter();
        let below = common.filter(|(of, _)| *of < value || (or_equal && *of == value));
        let share: f64 = below.map(|(_, share)| share).sum();
        (share + self.others() * self.position(value)).clamp(0.0, self.present())
    }

    /// The share of documents whose key is this.
    pub fn equal(&self, value: f64) -> f64 {
        if let Some((_, share)) = self.common.iter().find(|(of, _)| *of == value) {
            return *share;
        }
        let outside = match (self.histogram.first(), self.histogram.last()) {
            (Some(first), Some(last)) => value < *first || value > *last,
            _ => true,
        };
        let values = (self.distinct - self.common.len() as f64).max(1.0);
        let share = self.others() / values;
        if outside { share / 10.0 } else { share }
    }

    /// The share of documents whose key is none of the common values.
    fn others(&self) -> f64 {
        (self.present() - self.common_in_all).max(0.0)
    }

    /// How much of the histogram is below a value.
    fn position(&self, value: f64) -> f64 {
        let groups = self.histogram.len().saturating_sub(1);
        let after = self.histogram.partition_point(|bound| *bound < value);
        let bounds = after
            .checked_sub(1)
            .and_then(|before| Some((before, self.histogram.get(before)?)))
            .zip(self.histogram.get(after));
        let Some(((before, low), high)) = bounds else {
            // Before the first bound, or behind the last.
            return match (self.histogram.is_empty(), after) {
                (true, _) => 0.5,
                (false, 0) => 0.0,
                (false, _) => 1.0,
            };
        };
        let within = match high - low {
            width if width.is_finite() && width > 0.0 => (value - low) / width,
            _ => 0.5,
        };
        (before as f64 + within) / groups.max(1) as f64
    }
}
