//! The one error of this crate: why a text is not an acceptable expression, and where.

use thiserror::Error;

use crate::span::{self, Span};
use crate::temporal::InvalidTemporal;

/// Why a text is not an acceptable FHIRPath expression, and where. `Display` is one sentence without the position.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct SyntaxError {
    kind: SyntaxErrorKind,
    span: Span,
    hint: Option<Box<str>>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SyntaxErrorKind {
    /// A token that cannot stand here.
    #[error("unexpected `{found}`, expected {expected}")]
    Unexpected {
        /// The token as written, shortened when it is long.
        found: Box<str>,
        /// What could have stood here, as words for a message.
        expected: &'static str,
    },
    /// The text ends too early.
    #[error("unexpected end of the expression, expected {expected}")]
    UnexpectedEnd {
        /// What could have stood here, as words for a message.
        expected: &'static str,
    },
    /// A character that starts no token.
    #[error("unexpected character {0:?}")]
    UnexpectedCharacter(char),
    /// `'` without its closing quote.
    #[error("the string is not closed")]
    UnterminatedString,
    /// `` ` `` without its closing backtick.
    #[error("the delimited identifier is not closed")]
    UnterminatedIdentifier,
    /// `/*` without `*/`.
    #[error("the comment is not closed")]
    UnterminatedComment,
    /// A backslash that does not start one of `\' \" \` \\ \/ \f \n \r \t \uXXXX`, or half of a surrogate pair. The
    /// grammar tolerates others, but engines disagree on what they stand for.
    #[error("invalid escape sequence")]
    InvalidEscape,
    /// An empty delimited identifier or external constant name. The grammar allows it, nothing can have that name.
    #[error("a name cannot be empty")]
    EmptyName,
    /// `$` with another word than `this`, `index` or `total`.
    #[error("unknown variable `{0}`, expected `$this`, `$index` or `$total`")]
    UnknownSpecial(Box<str>),
    /// A date or time literal that is no date or time.
    #[error("invalid date or time: {0}")]
    InvalidTemporal(#[from] InvalidTemporal),
    /// An integer literal above `i64::MAX`.
    #[error("the integer is too large")]
    IntegerTooLarge,
    /// A function that does not exist; case matters.
    #[error("there is no function {0}()")]
    UnknownFunction(Box<str>),
    /// Too few or too many arguments.
    #[error("{function}() takes {}", arguments(*least, *most))]
    Arguments {
        /// Its name.
        function: &'static str,
        /// How many it needs.
        least: usize,
        /// How many it can take; `None` is any number.
        most: Option<usize>,
    },
    /// A type that neither FHIR R4 nor the language has.
    #[error("there is no type of this name")]
    UnknownType,
    /// More bytes than [`Limits::length`](crate::Limits::length).
    #[error("the expression is longer than {0} bytes")]
    TooLong(usize),
    /// More open constructs than [`Limits::depth`](crate::Limits::depth).
    #[error("the expression nests deeper than {0} levels")]
    TooDeep(usize),
    /// More nodes than [`Limits::nodes`](crate::Limits::nodes).
    #[error("the expression has more than {0} parts")]
    TooManyNodes(usize),
}

impl SyntaxError {
    pub(crate) fn new(kind: SyntaxErrorKind, span: Span) -> Self {
        Self {
            kind,
            span,
            hint: None,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<Box<str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &SyntaxErrorKind {
        &self.kind
    }

    /// The offending bytes of the source; empty at the end of the text.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// Byte offset of the offending place, from 0 to the length of the source.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.span.start as usize
    }

    /// What could have stood there, as words for a message, where that can be said.
    #[must_use]
    pub fn expected(&self) -> Option<&'static str> {
        match self.kind {
            SyntaxErrorKind::Unexpected { expected, .. }
            | SyntaxErrorKind::UnexpectedEnd { expected } => Some(expected),
            SyntaxErrorKind::UnknownSpecial(_) => Some("`$this`, `$index` or `$total`"),
            _ => None,
        }
    }

    /// How to repair common mistakes.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The place in `source` (the text that was parsed), as [`excerpt`](crate::excerpt) draws it.
    #[must_use]
    pub fn excerpt(&self, source: &str) -> String {
        span::excerpt(source, self.span)
    }
}

/// `no arguments`, `1 or 2 arguments`, `at least 1 argument`.
fn arguments(least: usize, most: Option<usize>) -> String {
    let plural = |count| if count == 1 { "" } else { "s" };
    match most {
        Some(0) => "no arguments".to_owned(),
        Some(most) if most == least => format!("{least} argument{}", plural(least)),
        Some(most) => format!("{least} to {most} arguments"),
        None => format!("at least {least} argument{}", plural(least)),
    }
}
