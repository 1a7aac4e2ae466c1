//! The exact meaning of one condition: what it looks at and which values it accepts.

mod evaluate;
mod pieces;
mod reference;
mod text;
mod token;

pub use text::ParseTestError;
pub(crate) use text::{Scanner, write_paths, write_quoted};

pub(crate) use evaluate::{all, and, any, each, items, member};
pub(crate) use pieces::each_piece;
pub(crate) use reference::{Document, Found, irregular, last_two, relative};
pub(crate) use token::{Half, each_token};

use std::collections::HashSet;

use crate::choice::Choices;
use crate::fold;
use crate::path::{Path, Step};
use crate::range::{Amount, Moment, Unit};

/// An exact, three-valued condition on a document.
///
/// `Display` and `FromStr` round-trip through compact readable text, for example
/// `token(identifier*:Identifier) "urn:mrn"|"42"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Some element at one of the paths satisfies the condition.
    Elements(Elements),
    /// Some element satisfies all of the conditions, each of which looks at its parts.
    Composite {
        /// The way to the element.
        context: Vec<Step>,
        /// The conditions, at least one; their paths start at the element.
        parts: Vec<Elements>,
    },
}

/// Elements, and what is asked of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elements {
    /// Where they are; any of them may satisfy the condition.
    pub paths: Vec<Path>,
    /// What is asked.
    pub op: TestOp,
    /// The paths again, for what is asked of a range.
    choices: Choices,
}

/// What a [`Test`] asks of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestOp {
    /// The element is there; when `types` are given, as a reference to one of these types (sorted, distinct).
    Present {
        /// Resource types, or none for any element.
        types: Vec<String>,
    },
    /// One of these tokens (sorted, distinct).
    Token(Vec<Token>),
    /// A reference to one of these.
    Reference {
        /// `Type/id` or absolute URLs (sorted, distinct).
        targets: Vec<String>,
        /// Ids of any type (sorted, distinct).
        ids: Vec<String>,
        /// The types that are referred to; empty means any resource type.
        types: Vec<String>,
    },
    /// A string part that starts with one of these folded texts (sorted, distinct, none empty). Of an element with a code:
    /// the text beside the code.
    StartsWith(Vec<String>),
    /// A string part with one of these folded texts in it (sorted, distinct, none empty).
    Contains(Vec<String>),
    /// A string part that is exactly one of these (sorted, distinct).
    Equals(Vec<String>),
    /// A URI that is one of these, or below it (sorted, distinct, none empty, without a slash at the end).
    Below(Vec<String>),
    /// A range of time that compares with one of these.
    Date(Vec<Moment>),
    /// A number, or a range of numbers, that compares with one of these.
    Number(Vec<Amount>),
    /// A quantity, or a range of them, that compares with one of these.
    Quantity(Vec<(Amount, Unit)>),
    /// Whether some element is there and not `false`.
    Truth(bool),
}

/// A token value: a code with what is asked of its system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The code; `None` means any code of the system.
    pub code: Option<String>,
    /// The system.
    pub system: TokenSystem,
}

/// What a [`Token`] asks of the system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenSystem {
    /// `code`: any or none.
    Any,
    /// `|code`: none.
    None,
    /// `system|code`: this one.
    Is(String),
}

impl Test {
    /// A test of elements in normal form: values sorted and distinct, strings folded.
    pub fn new(paths: Vec<Path>, op: TestOp) -> Self {
        Test::Elements(Elements::new(paths, op))
    }
}

impl Elements {
    /// As [`Test::new`].
    pub fn new(paths: Vec<Path>, op: TestOp) -> Self {
        let op = match op {
            TestOp::Token(tokens) => TestOp::Token(distinct(tokens)),
            TestOp::Equals(values) => TestOp::Equals(distinct(values)),
            TestOp::StartsWith(values) => {
                let mut prefixes = folded(&values);
                // Those that begin with another follow it directly, and find nothing that it would not.
                prefixes.dedup_by(|next, kept| next.starts_with(kept.as_str()));
                TestOp::StartsWith(prefixes)
            }
            TestOp::Contains(values) => TestOp::Contains(folded(&values)),
            TestOp::Below(values) => {
                let trimmed = values
                    .iter()
                    .map(|uri| uri.trim_end_matches('/').to_owned());
                TestOp::Below(distinct(trimmed.filter(|uri| !uri.is_empty()).collect()))
            }
            TestOp::Reference {
                targets,
                ids,
                types,
            } => TestOp::Reference {
                targets: distinct(targets),
                ids: distinct(ids),
                types: distinct(types),
            },
            TestOp::Present { types } => TestOp::Present {
                types: distinct(types),
            },
            TestOp::Date(values) => TestOp::Date(each_once(values, ToString::to_string)),
            TestOp::Number(values) => TestOp::Number(each_once(values, ToString::to_string)),
            TestOp::Quantity(values) => TestOp::Quantity(each_once(values, |(amount, unit)| {
                format!("{amount}{unit}")
            })),
            TestOp::Truth(_) => op,
        };
        let choices = paths.as_slice().into();
        Self { paths, op, choices }
    }
}

impl TestOp {
    /// Nothing is asked for, so nothing satisfies it.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            TestOp::Token(values) => values.is_empty(),
            TestOp::StartsWith(values)
            | TestOp::Contains(values)
            | TestOp::Equals(values)
            | TestOp::Below(values) => values.is_empty(),
            TestOp::Reference { targets, ids, .. } => targets.is_empty() && ids.is_empty(),
            TestOp::Date(values) => values.is_empty(),
            TestOp::Number(values) => values.is_empty(),
            TestOp::Quantity(values) => values.is_empty(),
            TestOp::Present { .. } | TestOp::Truth(_) => false,
        }
    }
}

fn folded(values: &[String]) -> Vec<String> {
    let mut folded: Vec<String> = values.iter().map(|value| fold::fold(value)).collect();
    folded.retain(|value| !value.is_empty());
    distinct(folded)
}

/// The values in their order, without those that are written like an earlier one.
fn each_once<T>(mut values: Vec<T>, written: impl Fn(&T) -> String) -> Vec<T> {
    let mut seen = HashSet::new();
    values.retain(|value| seen.insert(written(value)));
    values
}

fn distinct<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}
