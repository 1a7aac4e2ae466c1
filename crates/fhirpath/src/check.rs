//! What can be said about an expression before it meets a document.
//!
//! The check infers for every part of an expression which types its items can have and whether there can be several,
//! and reports what can never be right (an [`Severity::Error`]) or is probably not meant (a [`Severity::Warning`]).
//! Where a type is not known (`children()`, a contained resource, a resource type whose elements nobody described),
//! everything below it is not known either and nothing is reported: what the check calls an error never works.
//!
//! It takes the tree's left chains in a loop and recurses into other operands only, as the evaluator does, and visits
//! every node once.

mod arguments;
mod functions;
mod members;
mod operators;
mod report;
mod shape;
mod typed;
mod variables;
mod walk;

use std::fmt;

use fhir_model::TypeId;

use crate::ast::Ast;
use crate::span::{self, Span};
use walk::Check;

/// What an expression is checked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckContext<'c> {
    /// The type of the resource that the expression is evaluated on; `None` where it can be of any type.
    pub resource_type: Option<TypeId>,
    /// The variables that the caller will give, by name without `%`.
    pub variables: &'c [(&'c str, VariableType)],
    /// Whether the expression must say yes or no: then its value must be able to be one boolean.
    pub condition: bool,
}

/// What a variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableType {
    /// A resource of this type, or of any; or nothing.
    Document(Option<TypeId>),
    /// A string.
    Text,
    /// A reference, `Type/id`.
    Reference,
    /// A string or a reference: which of them is not known.
    TextOrReference,
}

/// Something that is wrong with an expression, or looks wrong. `Display` is one sentence without the position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is in the source.
    pub span: Span,
    /// What it is. Quotes the expression, nothing else.
    pub message: String,
    /// What could be written instead.
    pub hint: Option<String>,
}

/// How bad an issue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It can never work: the expression, or a part of it, fails or has no value whatever the document is.
    Error,
    /// It works for some documents, and is probably not meant.
    Warning,
}

/// Reports what is wrong with the expression `ast`, parsed from `source`, in the order of evaluation. After some
/// errors it stops, and of many warnings it gives the first.
#[must_use]
pub fn check(source: &str, ast: &Ast, context: &CheckContext<'_>) -> Vec<Issue> {
    Check::new(source, ast, context).run()
}

impl Issue {
    /// The place in `source` (the text that was checked), as [`excerpt`](crate::excerpt) draws it.
    #[must_use]
    pub fn excerpt(&self, source: &str) -> String {
        span::excerpt(source, self.span)
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
