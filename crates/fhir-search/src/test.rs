//! The exact meaning of one condition: what it looks at and which values it accepts.

mod evaluate;
mod text;

pub use text::ParseTestError;
pub(crate) use text::{Scanner, write_quoted};

pub(crate) use evaluate::{Found, each, irregular, last_two, relative};

use crate::fold;
use crate::path::Path;

/// An exact, three-valued condition on a document: some element at one of the paths has one of the values.
///
/// `Display` and `FromStr` round-trip through compact readable text, for example
/// `token(identifier*:Identifier) "urn:mrn"|"42"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Test {
    /// The elements to look at; any of them may satisfy the condition.
    pub paths: Vec<Path>,
    /// What they are compared with.
    pub op: TestOp,
}

/// What a [`Test`] asks of an element.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
        /// Ids of any of `types` (sorted, distinct).
        ids: Vec<String>,
        /// The types that `ids` may belong to; empty means any resource type.
        types: Vec<String>,
    },
    /// A string part that starts with one of these folded texts (sorted, distinct, none empty).
    StartsWith(Vec<String>),
    /// Exactly one of these strings (sorted, distinct).
    Equals(Vec<String>),
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
    /// A test in normal form: values sorted and distinct, strings folded.
    pub fn new(paths: Vec<Path>, op: TestOp) -> Self {
        let op = match op {
            TestOp::Token(tokens) => TestOp::Token(distinct(tokens)),
            TestOp::Equals(values) => TestOp::Equals(distinct(values)),
            TestOp::StartsWith(values) => {
                let mut folded: Vec<String> =
                    values.iter().map(|value| fold::fold(value)).collect();
                folded.retain(|value| !value.is_empty());
                TestOp::StartsWith(distinct(folded))
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
            TestOp::Truth(_) => op,
        };
        Self { paths, op }
    }
}

fn distinct<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}
