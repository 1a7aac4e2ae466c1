//! The share of documents for which a test holds, from statistics of its keys: what a planner needs to know.
//!
//! A test may be answered by several conditions ([`Test::lookups`]), whichever index there is; they all hold for the same
//! documents, so statistics of the keys of any of them tell the share.

mod ordered;
mod texts;

pub use ordered::Ordered;
pub use texts::{Texts, TextsBuilder};

use std::rc::Rc;

use crate::fold::fold;
use crate::keys::Paths;
use crate::lookup::{Comparison, Comparisons, Condition, Key, KeyValue, Lookup, Operator};
use crate::path::Leaf;
use crate::test::{Elements, Test, TestOp};

/// A function of a document that gives texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextKey {
    /// [`Paths::strings`]
    Strings,
    /// [`Paths::uris`]
    Uris,
    /// [`Paths::tokens`]
    Tokens,
    /// [`Paths::targets`]
    Targets,
    /// [`Paths::unit`]: at most one.
    Unit,
}

/// What is known of keys.
pub trait Statistics {
    /// Of texts.
    fn texts(&self, key: TextKey, paths: &Paths) -> Option<Rc<Texts>>;
    /// Of keys that are ordered, other than units.
    fn ordered(&self, key: Key, paths: &Paths) -> Option<Rc<Ordered>>;
}

/// Nothing is said to be rarer.
const LEAST: f64 = 1e-9;

impl Test {
    /// The share of documents that pass, where the statistics tell. Where they tell only of more documents than pass, of those.
    pub fn share(&self, statistics: &impl Statistics) -> Option<f64> {
        if let Test::Elements(elements) = self
            && let Some(share) = elements.share(statistics)
        {
            return Some(share);
        }
        let lookups = match self {
            Test::Elements(elements) => elements.lookups_of_keys(),
            Test::Composite { .. } => self.lookups(),
        };
        let share = |lookup: &Lookup| lookup.condition.share(statistics);
        let deciding = lookups.iter().filter(|lookup| lookup.decides);
        deciding.clone().find_map(share).or_else(|| {
            lookups
                .iter()
                .filter(|lookup| !lookup.decides)
                .filter_map(share)
                .reduce(f64::min)
        })
    }
}

/// The share of documents that pass all of these tests, of which the last is at most as frequent as the others let it be: dates and
/// numbers of the same elements are not independent. `None` where the statistics tell nothing, or where the tests have nothing
/// to do with each other.
pub fn share_of_all(tests: &[&Test], statistics: &impl Statistics) -> Option<f64> {
    let lookups: Vec<Vec<Lookup>> = tests.iter().map(|test| test.lookups()).collect();
    let mut on: Option<&Paths> = None;
    let mut conditions: Vec<&[Comparisons]> = Vec::new();
    for lookups in &lookups {
        let (paths, alternatives) = lookups.iter().find_map(|lookup| match &lookup.condition {
            Condition::Compare(paths, alternatives) if lookup.decides => {
                Some((paths, alternatives.as_slice()))
            }
            _ => None,
        })?;
        if on.is_some_and(|on| on != paths) {
            return None;
        }
        on = Some(paths);
        conditions.push(alternatives);
    }
    compared(on?, &conditions, statistics)
}

/// So many ways to satisfy several conditions are looked at.
const MOST_WAYS: usize = 64;

/// The share of documents of which each of `conditions` holds: one of its alternatives, which exclude each other.
pub fn compared(
    paths: &Paths,
    conditions: &[&[Comparisons]],
    statistics: &impl Statistics,
) -> Option<f64> {
    let mut ways: Vec<Vec<Comparison>> = vec![Vec::new()];
    for alternatives in conditions {
        if ways.len().saturating_mul(alternatives.len()) > MOST_WAYS {
            return None;
        }
        ways = ways
            .iter()
            .flat_map(|way| {
                let with = |one: &Comparisons| [way.as_slice(), one.all.as_slice()].concat();
                alternatives.iter().map(with)
            })
            .collect();
    }
    let shares = ways.iter().map(|way| all(way, paths, statistics));
    Some(shares.sum::<Option<f64>>()?.clamp(LEAST, 1.0))
}

impl Elements {
    /// What has no condition that an index could answer, and yet statistics.
    fn share(&self, statistics: &impl Statistics) -> Option<f64> {
        let paths = &Paths::from(self.paths.clone());
        match &self.op {
            TestOp::Present { types } if types.is_empty() => self.present(paths, statistics),
            TestOp::Equals(texts) if self.paths.iter().any(|path| path.leaf != Leaf::Text) => {
                let strings = statistics.texts(TextKey::Strings, paths)?;
                let folded: Vec<String> = texts.iter().map(|text| fold(text)).collect();
                Some(strings.any(folded.iter().map(String::as_bytes)))
            }
            _ => None,
        }
    }

    fn present(&self, paths: &Paths, statistics: &impl Statistics) -> Option<f64> {
        let texts = [
            TextKey::Tokens,
            TextKey::Targets,
            TextKey::Strings,
            TextKey::Uris,
        ];
        let ordered = [Key::Earliest, Key::Latest, Key::Lowest, Key::Highest];
        let of_texts = texts
            .into_iter()
            .find_map(|key| Some(statistics.texts(key, paths)?.some()));
        of_texts.or_else(|| {
            ordered
                .into_iter()
                .find_map(|key| Some(statistics.ordered(key, paths)?.present()))
        })
    }
}

impl Condition {
    /// The share of documents for which it holds, where the statistics tell. Of containment they tell nothing here: the other
    /// conditions of the same test do.
    pub fn share(&self, statistics: &impl Statistics) -> Option<f64> {
        let any = |key, paths, wanted: &[String]| {
            let texts = statistics.texts(key, paths)?;
            Some(texts.any(wanted.iter().map(String::as_bytes)))
        };
        match self {
            Condition::Contains(_) => None,
            Condition::Targets(paths, wanted) => any(TextKey::Targets, paths, wanted),
            Condition::Tokens(paths, wanted) => any(TextKey::Tokens, paths, wanted),
            Condition::Uris(paths, wanted) => any(TextKey::Uris, paths, wanted),
            Condition::StringsStartWith(paths, wanted) => {
                let texts = statistics.texts(TextKey::Strings, paths)?;
                Some(texts.starting(wanted.iter().map(String::as_bytes)))
            }
            Condition::StringsContain(paths, wanted) => {
                let texts = statistics.texts(TextKey::Strings, paths)?;
                Some(texts.containing(wanted.iter().map(String::as_bytes)))
            }
            Condition::UrisBelow(paths, wanted) => {
                let texts = statistics.texts(TextKey::Uris, paths)?;
                let is = texts.any(wanted.iter().map(String::as_bytes));
                let below: Vec<String> = wanted.iter().map(|uri| format!("{uri}/")).collect();
                let below = texts.starting(below.iter().map(String::as_bytes));
                Some(either(is, below))
            }
            Condition::Compare(paths, alternatives) => compared(paths, &[alternatives], statistics),
        }
    }
}

/// One of two things that have nothing to do with each other.
fn either(one: f64, other: f64) -> f64 {
    one + other - one * other
}

/// The values of one key between which comparisons leave it.
#[derive(Clone, Copy)]
struct Between {
    key: Key,
    share: f64,
    /// Where there is such a bound: how many documents have the key above the lower one, and below the upper one.
    above: Option<f64>,
    below: Option<f64>,
}

/// Comparisons of the keys of the same elements are not independent: what begins after a time ends after it.
fn all(comparisons: &[Comparison], paths: &Paths, statistics: &impl Statistics) -> Option<f64> {
    let mut between: Vec<Between> = Vec::new();
    let mut present = 1.0_f64;
    let mut of_unit = 1.0_f64;
    for comparison in comparisons {
        if comparison.key == Key::Unit {
            let KeyValue::Text(unit) = &comparison.with else {
                return None;
            };
            let units = statistics.texts(TextKey::Unit, paths)?;
            of_unit = units.any([unit.as_bytes()].into_iter());
            continue;
        }
        let key = comparison.key;
        if between.iter().any(|found| found.key == key) {
            continue;
        }
        let known = statistics.ordered(key, paths)?;
        present = present.min(known.present());
        between.push(of_key(key, comparisons, &known)?);
    }
    let shares = between.iter().map(|between| between.share);
    let least = shares.reduce(f64::min).unwrap_or(1.0);
    let of = |keys: [Key; 2]| between.iter().find(|between| keys.contains(&between.key));
    // What begins before one time and ends after another: all that begins before the one, but for what is over by the other.
    let overlap = of([Key::Earliest, Key::Lowest])
        .and_then(|begins| begins.below)
        .zip(of([Key::Latest, Key::Highest]).and_then(|ends| ends.above))
        .map(|(begins, ends)| begins + ends - present);
    let share = overlap.map_or(least, |overlap| least.min(overlap));
    let share = share.clamp(LEAST, 1.0);
    if between.is_empty() {
        return Some(of_unit);
    }
    // Numbers have to do with their unit: the more frequent of the two counts by its square root.
    let of_those = (share / present.max(LEAST)).min(1.0);
    Some(match of_unit {
        1.0 => share,
        of_unit => of_unit.min(of_those) * of_unit.max(of_those).sqrt(),
    })
}

/// How many documents have this key between its bounds.
fn of_key(key: Key, comparisons: &[Comparison], known: &Ordered) -> Option<Between> {
    let (mut low, mut high) = (0.0_f64, known.present());
    let (mut above, mut below) = (false, false);
    let mut equal = None;
    for comparison in comparisons.iter().filter(|other| other.key == key) {
        let with = comparison.with.as_number()?;
        match comparison.operator {
            Operator::Less => high = high.min(known.below(with, false)),
            Operator::LessOrEqual => high = high.min(known.below(with, true)),
            Operator::GreaterOrEqual => low = low.max(known.below(with, false)),
            Operator::Greater => low = low.max(known.below(with, true)),
            Operator::Equal => equal = Some(known.equal(with)),
        }
        match comparison.operator {
            Operator::Less | Operator::LessOrEqual => below = true,
            Operator::GreaterOrEqual | Operator::Greater => above = true,
            Operator::Equal => {}
        }
    }
    Some(Between {
        key,
        share: equal.unwrap_or((high - low).max(LEAST)),
        above: above.then_some(known.present() - low),
        below: below.then_some(high),
    })
}

impl KeyValue {
    fn as_number(&self) -> Option<f64> {
        match self {
            KeyValue::Time(at) => Some(time(*at)),
            KeyValue::Number(_) => self.to_string().parse().ok(),
            KeyValue::Text(_) => None,
        }
    }
}

/// A time as [`Ordered`] has it: microseconds, which lose what no date in use has.
pub fn time(at: i64) -> f64 {
    match at {
        i64::MIN => f64::NEG_INFINITY,
        i64::MAX => f64::INFINITY,
        at => at as f64,
    }
}

/// A key of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnyKey {
    /// Of texts.
    Texts(TextKey),
    /// Of an order; not the unit.
    Ordered(Key),
}

impl Test {
    /// The keys whose statistics tell the share, none where nothing does.
    pub fn telling(&self) -> Vec<(AnyKey, Paths)> {
        if let Test::Elements(elements) = self
            && let Some(key) = elements.telling()
        {
            return vec![(key, Paths::from(elements.paths.clone()))];
        }
        let lookups = self.lookups();
        let decides = lookups.iter().any(|lookup| lookup.decides);
        let mut found: Vec<(AnyKey, Paths)> = Vec::new();
        for lookup in lookups.iter().filter(|lookup| lookup.decides == decides) {
            found.extend(lookup.condition.telling());
            if decides && !found.is_empty() {
                break;
            }
        }
        found.sort_by_cached_key(|(key, paths)| (*key, paths.to_string()));
        found.dedup();
        found
    }
}

impl Elements {
    fn telling(&self) -> Option<AnyKey> {
        match &self.op {
            TestOp::Present { types } if types.is_empty() => match self.paths.first()?.leaf {
                Leaf::Boolean
                | Leaf::Text
                | Leaf::Coding
                | Leaf::CodeableConcept
                | Leaf::Identifier
                | Leaf::ContactPoint => Some(AnyKey::Texts(TextKey::Tokens)),
                Leaf::Reference | Leaf::Resource => Some(AnyKey::Texts(TextKey::Targets)),
                Leaf::HumanName | Leaf::Address => Some(AnyKey::Texts(TextKey::Strings)),
                Leaf::Date | Leaf::DateTime | Leaf::Instant | Leaf::Period | Leaf::Timing => {
                    Some(AnyKey::Ordered(Key::Earliest))
                }
                Leaf::Number
                | Leaf::Quantity
                | Leaf::Age
                | Leaf::Duration
                | Leaf::Money
                | Leaf::Range
                | Leaf::SampledData => Some(AnyKey::Ordered(Key::Lowest)),
                Leaf::Object | Leaf::Truth => None,
            },
            TestOp::Equals(_) if self.paths.iter().any(|path| path.leaf != Leaf::Text) => {
                Some(AnyKey::Texts(TextKey::Strings))
            }
            _ => None,
        }
    }
}

impl Condition {
    fn telling(&self) -> Vec<(AnyKey, Paths)> {
        let texts = |key, paths: &Paths| vec![(AnyKey::Texts(key), paths.clone())];
        match self {
            Condition::Contains(_) => Vec::new(),
            Condition::Targets(paths, _) => texts(TextKey::Targets, paths),
            Condition::Tokens(paths, _) => texts(TextKey::Tokens, paths),
            Condition::Uris(paths, _) | Condition::UrisBelow(paths, _) => {
                texts(TextKey::Uris, paths)
            }
            Condition::StringsStartWith(paths, _) | Condition::StringsContain(paths, _) => {
                texts(TextKey::Strings, paths)
            }
            Condition::Compare(paths, alternatives) => {
                let compared = alternatives.iter().flat_map(|one| &one.all);
                let key = |one: &Comparison| match one.key {
                    Key::Unit => AnyKey::Texts(TextKey::Unit),
                    key => AnyKey::Ordered(key),
                };
                compared.map(|one| (key(one), paths.clone())).collect()
            }
        }
    }
}
