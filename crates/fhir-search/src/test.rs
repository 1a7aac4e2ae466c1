//! The exact meaning of one condition: what it looks at and which values it accepts.

mod evaluate;
mod one_place;
mod pieces;
mod reference;
mod text;
mod token;

pub use text::ParseTestError;
pub(crate) use text::{Scanner, write_paths, write_quoted};

use evaluate::or;
pub(crate) use evaluate::{all, and, any, each, items, member};
use one_place::Place;
pub(crate) use pieces::each_piece;
pub(crate) use reference::{Document, Found, irregular, last_two, relative};
pub(crate) use token::{Half, each_token};

use std::collections::HashSet;

use crate::choice::Choices;
use crate::fold;
use crate::path::{Leaf, Path, Step};
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

/// What a [`Test`] asks of the project that a resource belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectTest<'a> {
    /// It is one of these.
    Is(&'a [String]),
    /// There is one.
    Present,
}

impl Test {
    /// What this asks of `meta.project`, if it asks that and nothing else: a table may hold the project in a column.
    pub fn of_project(&self) -> Option<ProjectTest<'_>> {
        let Test::Elements(elements) = self else {
            return None;
        };
        let [path] = elements.paths.as_slice() else {
            return None;
        };
        let steps = path.steps.iter().map(|step| step.member.as_str());
        if path.leaf != Leaf::Text || !steps.eq(["meta", "project"]) {
            return None;
        }
        match &elements.op {
            TestOp::Equals(ids) => Some(ProjectTest::Is(ids)),
            TestOp::Present { types } if types.is_empty() => Some(ProjectTest::Present),
            _ => None,
        }
    }

    /// As `evaluate`, for a row that holds its project in a column beside the document: `holds` answers for that. What
    /// is asked of the project is true where neither says otherwise, false where both do not say so, and unknown in between.
    pub fn evaluate_beside(
        &self,
        document: jsonb::Value<'_>,
        holds: impl FnOnce(ProjectTest<'_>) -> bool,
    ) -> Option<bool> {
        let said = self.evaluate(document);
        let Some(asked) = self.of_project() else {
            return said;
        };
        let is_present = matches!(asked, ProjectTest::Present);
        let is_silent = || {
            let presence = self.presence();
            presence.and_then(|presence| presence.evaluate(document)) == Some(false)
        };
        match (holds(asked), said) {
            (true, _) if is_present => Some(true),
            (false, Some(true)) if is_present => Some(true),
            (true, Some(true)) => Some(true),
            (true, _) if is_silent() => Some(true),
            (false, Some(false)) => Some(false),
            _ => None,
        }
    }

    /// Whether this holds, or there is nothing at the places that it looks at.
    pub fn evaluate_if_present(&self, document: jsonb::Value<'_>) -> Option<bool> {
        match self.at_one_place(document) {
            Place::Empty => Some(true),
            Place::Answers(said) => said,
            Place::Other => {
                let presence = self.presence();
                let is_absent = presence
                    .and_then(|presence| presence.evaluate(document))
                    .map(|present| !present);
                or(self.evaluate(document), is_absent)
            }
        }
    }

    /// Whether all of the document's own members that this looks at `may` be looked at.
    pub fn looks_only_at(&self, may: &impl Fn(&str) -> bool) -> bool {
        let (parts, context) = match self {
            Test::Elements(elements) => (std::slice::from_ref(elements), None),
            Test::Composite { context, parts } => (parts.as_slice(), context.first()),
        };
        context.is_none_or(|step| may(&step.member))
            && parts.iter().flat_map(|part| &part.paths).all(|path| {
                // What is referred to may be in the document, too.
                let refers = matches!(path.leaf, Leaf::Reference | Leaf::Resource);
                let first = context.or(path.steps.first());
                first.is_some_and(|step| may(&step.member)) && (!refers || may("contained"))
            })
    }

    /// Whether there are elements at the places that this test looks at.
    pub fn presence(&self) -> Option<Test> {
        let Test::Elements(elements) = self else {
            return None;
        };
        let op = TestOp::Present { types: Vec::new() };
        Some(Test::new(elements.paths.clone(), op))
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_a_column() {
        let one: Test = r#"equals(meta.project:text) "a""#.parse().unwrap();
        let there = one.presence().unwrap();
        let document = |project: &str| {
            let meta = match project {
                "" => "{}".to_owned(),
                project => format!(r#"{{"meta": {{"project": {project}}}}}"#),
            };
            jsonb::from_json(&meta).unwrap()
        };
        for (project, column, is, is_there) in [
            (r#""a""#, Some("a"), Some(true), true),
            ("", Some("a"), Some(true), true),
            (r#""b""#, Some("a"), None, true),
            ("1", Some("a"), None, true),
            (r#""a""#, Some("b"), None, true),
            (r#""b""#, Some("b"), Some(false), true),
            ("", Some("b"), Some(false), true),
            (r#""a""#, None, None, true),
            (r#""b""#, None, Some(false), true),
            ("", None, Some(false), false),
        ] {
            let bytes = document(project);
            let value = jsonb::Value::parse(&bytes).unwrap();
            let holds = |asked: ProjectTest<'_>| match (asked, column) {
                (ProjectTest::Is(ids), Some(column)) => ids.iter().any(|id| id == column),
                (_, column) => column.is_some(),
            };
            let found = one.evaluate_beside(value, holds);
            assert_eq!(found, is, "{project} {column:?}");
            let found = there.evaluate_beside(value, holds) == Some(true);
            assert_eq!(found, is_there, "{project} {column:?}");
        }
    }

    #[test]
    fn of_project() {
        let read = |text: &str| text.parse::<Test>().unwrap();
        let one = read(r#"equals(meta.project:text) "a", "b""#);
        let ids = ["a".to_owned(), "b".to_owned()];
        assert_eq!(one.of_project(), Some(ProjectTest::Is(&ids)));
        let there = one.presence().unwrap();
        assert_eq!(there.of_project(), Some(ProjectTest::Present));
        assert_eq!(there.to_string(), "present(meta.project:text)");
        for other in [
            r#"equals(meta.source:text) "a""#,
            r#"equals(meta.project:text, meta.source:text) "a""#,
            r#"equals(meta.project.name:text) "a""#,
            r#"starts(meta.project:text) "a""#,
        ] {
            assert_eq!(read(other).of_project(), None, "{other}");
        }
    }
}
