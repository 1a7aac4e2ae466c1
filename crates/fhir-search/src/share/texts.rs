//! What is known of keys that are texts, several in a document.

use std::collections::HashMap;

/// Statistics of texts, as PostgreSQL keeps them of a column of arrays: which are the most frequent ones, and some of the others.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// The share of documents that have a text.
    frequent: HashMap<Box<[u8]>, f64>,
    /// The share of documents that have a text which is not among the frequent ones.
    rare: f64,
    /// How many texts that are not frequent a document has.
    others: f64,
    /// Some of the texts that are not frequent.
    sample: Vec<Box<[u8]>>,
    /// The share of documents that have any text.
    some: f64,
}

/// What [`Texts`] is made of.
#[derive(Debug, Clone, Default)]
pub struct TextsBuilder {
    /// The share of documents that have a text, for the most frequent texts.
    pub frequent: Vec<(Box<[u8]>, f64)>,
    /// How many texts that can be, at most: with so many, others may be as frequent as the last of them.
    pub most: usize,
    /// How many texts a document has.
    pub texts: f64,
    /// How many documents were looked at.
    pub looked_at: f64,
    /// The texts of some documents.
    pub samples: Vec<Box<[u8]>>,
    /// The share of documents without texts.
    pub none: f64,
}

/// Where the first letters of a text are those of others, each further letter is that of so many of these.
const NEXT_LETTER: f64 = 0.15;

impl TextsBuilder {
    /// The statistics.
    pub fn build(self) -> Texts {
        let least = self
            .frequent
            .iter()
            .map(|(_, share)| *share)
            .fold(f64::INFINITY, f64::min);
        let in_all: f64 = self.frequent.iter().map(|(_, share)| share).sum();
        // PostgreSQL keeps what it finds at least so often among so many texts (see compute_array_stats).
        let documents = self.looked_at.max(1.0);
        let width = (self.most.saturating_add(10)) as f64 * 1000.0 / 7.0;
        let kept_from = (9.0 * self.texts * documents / width).max(1.0) / documents;
        let rare = if self.frequent.len() >= self.most {
            least
        } else {
            least.min(kept_from)
        };
        let frequent: HashMap<Box<[u8]>, f64> = self.frequent.into_iter().collect();
        let others = self.samples.into_iter();
        Texts {
            rare: (rare / 2.0).clamp(0.0, 1.0),
            others: (self.texts - in_all).max(0.0),
            sample: others.filter(|text| !frequent.contains_key(text)).collect(),
            some: (1.0 - self.none).clamp(0.0, 1.0),
            frequent,
        }
    }
}

impl Texts {
    /// The share of documents that have any text.
    pub fn some(&self) -> f64 {
        self.some
    }

    /// The share of documents that have this text.
    pub fn one(&self, text: &[u8]) -> f64 {
        self.frequent.get(text).copied().unwrap_or(self.rare)
    }

    /// The share of documents that have one of these texts.
    pub fn any<'a>(&self, wanted: impl Iterator<Item = &'a [u8]>) -> f64 {
        none_of(wanted.map(|text| self.one(text)))
    }

    /// The share of documents with a text that starts with one of these.
    pub fn starting<'a>(&self, wanted: impl Iterator<Item = &'a [u8]>) -> f64 {
        none_of(wanted.map(|start| {
            let frequent = self.frequent_ones(|text| text.starts_with(start));
            let others = (1..=start.len()).rev().find_map(|length| {
                let beginning = start.get(..length)?;
                let found = self.found(|text| text.starts_with(beginning))?;
                let further = i32::try_from(start.len() - length).unwrap_or(i32::MAX);
                Some(found * NEXT_LETTER.powi(further))
            });
            let others = others.unwrap_or_else(|| self.not_found());
            (frequent + others).min(1.0)
        }))
    }

    /// The share of documents with a text that contains one of these.
    pub fn containing<'a>(&self, wanted: impl Iterator<Item = &'a [u8]>) -> f64 {
        none_of(wanted.map(|part| {
            let is_in = |text: &[u8]| {
                !part.is_empty() && text.windows(part.len()).any(|window| window == part)
            };
            let frequent = self.frequent_ones(is_in);
            let others = self.found(is_in).unwrap_or_else(|| self.not_found());
            (frequent + others).min(1.0)
        }))
    }

    /// The share of documents with a frequent text of this kind.
    fn frequent_ones(&self, is_one: impl Fn(&[u8]) -> bool) -> f64 {
        let ones = self.frequent.iter().filter(|(text, _)| is_one(text));
        none_of(ones.map(|(_, share)| *share))
    }

    /// The share of documents with another text of this kind; `None` where the sample has none.
    fn found(&self, is_one: impl Fn(&[u8]) -> bool) -> Option<f64> {
        let found = self.sample.iter().filter(|text| is_one(text)).count();
        let each = self.others / self.sample.len().max(1) as f64;
        (found > 0).then(|| (found as f64 * each).min(1.0))
    }

    /// The share of documents with a text of a kind that the sample has none of.
    fn not_found(&self) -> f64 {
        match (self.others, self.sample.len()) {
            (others, _) if others <= self.rare => self.rare.min(others),
            (others, 0) => others.min(self.rare),
            (others, sampled) => others.min(1.0) / (2.0 * (sampled + 1) as f64),
        }
    }
}

/// The share of documents in which at least one of these is, if they have nothing to do with each other.
fn none_of(shares: impl Iterator<Item = f64>) -> f64 {
    let without: f64 = shares.map(|share| 1.0 - share.clamp(0.0, 1.0)).product();
    1.0 - without
}
