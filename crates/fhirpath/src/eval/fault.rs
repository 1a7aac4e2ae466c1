//! What can go wrong while an expression is evaluated.

use thiserror::Error;

use crate::span::Span;

/// Why an expression has no value, and where in it. Neither holds a value of a document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{fault}")]
pub struct EvalError {
    fault: Fault,
    span: Option<Span>,
}

/// Why an expression has no value. Texts name types, functions and operators, never values of a document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// More steps than the caller allows.
    #[error("the evaluation takes too many steps")]
    Budget,
    /// Several items where one is needed.
    #[error("`{0}` needs a single item and there are several")]
    Several(&'static str),
    /// An operator between types that it is not defined for.
    #[error("`{operator}` is not defined for {left} and {right}")]
    Operands {
        /// As written.
        operator: &'static str,
        /// The type on the left.
        left: &'static str,
        /// The type on the right.
        right: &'static str,
    },
    /// A function on a type that it is not defined for.
    #[error("{function}() is not defined for {found}")]
    Input {
        /// Its name.
        function: &'static str,
        /// The type found.
        found: &'static str,
    },
    /// An argument of a wrong type or value.
    #[error("{function}() needs {expected}")]
    Argument {
        /// Its name.
        function: &'static str,
        /// What was needed, as words for a message: `a string as its first argument`.
        expected: &'static str,
    },
    /// A regular expression that is none, or is too large. What the text is does not appear: it may come from a document.
    #[error("the regular expression is invalid or too large")]
    Regex,
    /// A string beyond the limit.
    #[error("a string is longer than {0} bytes")]
    TextTooLong(usize),
    /// An element whose JSON does not fit its FHIR type.
    #[error("an element that should hold {0} holds something else")]
    WrongJson(&'static str),
    /// A variable that nobody gave.
    #[error("the variable %{0} is not defined")]
    UndefinedVariable(Box<str>),
    /// `defineVariable()` with a name that is taken.
    #[error("a variable of that name exists already")]
    VariableExists,
    /// A look at something that only a server could resolve.
    #[error("{0} cannot be decided inside the database")]
    Undecidable(&'static str),
    /// A literal that is no value of the language.
    #[error("{0}")]
    Literal(&'static str),
    /// Anything else that the expression got wrong.
    #[error("{0}")]
    Other(&'static str),
}

impl EvalError {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, span: None }
    }

    /// The same with a place, unless it has one: the innermost counts.
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The part of the expression that could not be evaluated.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span.unwrap_or_default()
    }
}

impl From<Fault> for EvalError {
    fn from(fault: Fault) -> Self {
        Self::new(fault)
    }
}
