//! Conditions that an index can answer, for a [`Test`]: they hold wherever the test is true.

mod documents;
mod ranges;

use std::fmt;

use jsonb::Decimal;
use serde_json::Value;

use crate::keys::{CUT_KEY_BYTES, MOST_KEY_BYTES, Paths, token_key};
use crate::path::{Leaf, Path};
use crate::range::Unit;
use crate::test::{Elements, Test, TestOp};

/// A condition that an index can answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// The condition; true wherever the test is, but for [`Lookup::regular_only`].
    pub condition: Condition,
    /// The test is true wherever the condition is: nothing else needs to be asked.
    pub decides: bool,
    /// It may miss documents with irregular references ([`has_irregular_references`](crate::has_irregular_references)).
    pub regular_only: bool,
}

/// What the index is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// `document @> any of these`: one GIN index on the document.
    Contains(Vec<Value>),
    /// `targets(document, paths)`: one is one of these.
    Targets(Paths, Vec<String>),
    /// `tokens(document, paths)`: one is one of these.
    Tokens(Paths, Vec<String>),
    /// `strings(document, paths)`: one starts with one of these.
    StringsStartWith(Paths, Vec<String>),
    /// `strings(document, paths)`: one contains one of these.
    StringsContain(Paths, Vec<String>),
    /// `uris(document, paths)`: one is one of these.
    Uris(Paths, Vec<String>),
    /// `uris(document, paths)`: one is one of these, or starts with one of these and a slash.
    UrisBelow(Paths, Vec<String>),
    /// One of these comparisons of keys holds.
    Compare(Paths, Vec<Comparisons>),
}

/// Comparisons of keys with constants, all of which must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparisons {
    /// The comparisons.
    pub all: Vec<Comparison>,
    /// The columns of the B-tree index that answers all of them best.
    pub columns: Vec<Key>,
}

/// `key operator constant`
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The key.
    pub key: Key,
    /// The operator.
    pub operator: Operator,
    /// The constant.
    pub with: KeyValue,
}

/// The keys of a range: see [`Paths`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// [`Paths::earliest`]
    Earliest,
    /// [`Paths::latest`]
    Latest,
    /// [`Paths::lowest`]
    Lowest,
    /// [`Paths::highest`]
    Highest,
    /// [`Paths::unit`]
    Unit,
}

/// How keys are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
}

impl Operator {
    /// As SQL has it.
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Equal => "=",
            Operator::GreaterOrEqual => ">=",
            Operator::Greater => ">",
        }
    }
}

/// The value of a key; `Display` is as PostgreSQL reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyValue {
    /// Microseconds since 2000-01-01 UTC.
    Time(i64),
    /// A number.
    Number(Decimal),
    /// A text.
    Text(String),
}

impl fmt::Display for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyValue::Time(at) => crate::range::write_time(f, *at),
            KeyValue::Number(number) => write!(f, "{:?}", number.as_number()),
            KeyValue::Text(text) => f.write_str(text),
        }
    }
}

impl Test {
    /// The conditions by which an index can find what the test is true for, the best first: one that decides is asked alone,
    /// those that do not may be asked together.
    pub fn lookups(&self) -> Vec<Lookup> {
        match self {
            Test::Elements(elements) => elements.lookups(),
            Test::Composite { context, parts } => {
                let mut found: Vec<Lookup> = documents::of_composite(context, parts)
                    .into_iter()
                    .collect();
                for part in parts {
                    let below = |path: &Path| Path {
                        steps: context.iter().chain(&path.steps).cloned().collect(),
                        leaf: path.leaf,
                    };
                    let whole =
                        Elements::new(part.paths.iter().map(below).collect(), part.op.clone());
                    let others = whole
                        .lookups()
                        .into_iter()
                        .filter(|lookup| !matches!(lookup.condition, Condition::Contains(_)));
                    found.extend(others.map(|lookup| Lookup {
                        decides: false,
                        ..lookup
                    }));
                }
                found
            }
        }
    }
}

impl Elements {
    fn lookups(&self) -> Vec<Lookup> {
        let mut found = self.lookups_of_keys();
        found.extend(documents::of_elements(self));
        // The best first: what decides, and of that what needs no second look at the document.
        found.sort_by_key(|lookup| {
            let looks_again = matches!(lookup.condition, Condition::Contains(_));
            (!lookup.decides, looks_again)
        });
        // Better than one that contains the systems, too.
        if let Some(lookup) = documents::by_code(self) {
            let is_containment =
                |lookup: &Lookup| matches!(lookup.condition, Condition::Contains(_));
            found.retain(|lookup| lookup.decides || !is_containment(lookup));
            let place = found.iter().position(is_containment);
            found.insert(place.unwrap_or(found.len()), lookup);
        }
        found
    }

    /// Those that ask for keys. (Documents of thousands of values take longer to make than a statement to plan.)
    pub(crate) fn lookups_of_keys(&self) -> Vec<Lookup> {
        let paths = || Paths::from(self.paths.clone());
        let exact = |condition, decides| Lookup {
            condition,
            decides,
            regular_only: false,
        };
        let decides = |condition| exact(condition, true);
        let mut found = Vec::new();
        match &self.op {
            TestOp::Present { .. } | TestOp::Truth(_) => {}
            TestOp::Token(tokens) => {
                let tokens: Vec<String> = tokens.iter().map(token_key).collect();
                if tokens.iter().all(|token| token.len() <= MOST_KEY_BYTES) {
                    found.push(decides(Condition::Tokens(paths(), tokens)));
                }
            }
            TestOp::Equals(texts) => {
                let plain = self.paths.iter().all(|path| path.leaf == Leaf::Text);
                if plain && texts.iter().all(|text| text.len() < CUT_KEY_BYTES) {
                    found.push(decides(Condition::Uris(paths(), texts.clone())));
                }
            }
            TestOp::Reference {
                targets,
                ids,
                types,
            } => {
                let all = documents::references(targets, ids, types);
                if let Some(all) = all.filter(|all| {
                    !all.is_empty() && all.iter().all(|target| target.len() <= MOST_KEY_BYTES)
                }) {
                    found.push(decides(Condition::Targets(paths(), all)));
                }
            }
            TestOp::StartsWith(values) => {
                let whole = values.iter().all(|value| value.len() < CUT_KEY_BYTES);
                let condition = Condition::StringsStartWith(paths(), values.clone());
                found.push(exact(condition, whole));
            }
            // What lies behind the cut of a long text is not known.
            TestOp::Contains(values) => {
                let condition = Condition::StringsContain(paths(), values.clone());
                found.push(exact(condition, false));
            }
            TestOp::Below(values) => {
                // With its slash.
                let whole = values.iter().all(|value| value.len() + 1 < CUT_KEY_BYTES);
                found.push(exact(Condition::UrisBelow(paths(), values.clone()), whole));
            }
            TestOp::Date(asked) => {
                let paths = paths();
                let points = self.paths.iter().all(|path| path.leaf.is_text());
                let comparisons = asked
                    .iter()
                    .map(|moment| ranges::time(moment, paths.is_single(), points));
                found.extend(ranges::lookup(&paths, comparisons));
            }
            TestOp::Number(asked) => {
                let paths = paths();
                let points = self.paths.iter().all(|path| path.leaf == Leaf::Number);
                let comparisons = asked
                    .iter()
                    .map(|amount| ranges::number(amount, &Unit::Any, paths.is_single(), points));
                found.extend(ranges::lookup(&paths, comparisons));
            }
            TestOp::Quantity(asked) => {
                let paths = paths();
                let comparisons = asked
                    .iter()
                    .map(|(amount, unit)| ranges::number(amount, unit, paths.is_single(), false));
                found.extend(ranges::lookup(&paths, comparisons));
            }
        }
        found
    }
}
