//! FHIRPath 2.0 (normative release N1): source text to syntax tree.
//!
//! ```
//! let source = "%before.exists() implies %before.status != 'final'";
//! let ast = fhirpath::parse(source)?;
//! assert_eq!(ast.to_string(), source);
//!
//! let error = fhirpath::parse("name.where(use = 'official'").unwrap_err();
//! assert_eq!(error.offset(), 27);
//! assert_eq!(error.expected(), Some("an operator, `,` or `)`"));
//! # Ok::<(), fhirpath::SyntaxError>(())
//! ```
//!
//! The grammar is `fhirpath.g4` of <http://hl7.org/fhirpath/N1>, with its operator precedence. The parser is stricter
//! where the grammar accepts text that has no meaning (see [`SyntaxErrorKind`]), and more lenient in one place: the
//! words of calendar units (`day`, `months`, …) are ordinary names wherever they do not follow a number.
//!
//! Expressions are hostile input. Nothing here recurses: the parser keeps its open constructs on the heap, the tree is
//! a flat arena ([`Ast`]), so that parsing, printing, comparing and dropping need the same small stack for every
//! input, and work grows linearly with the text. [`Limits`] bounds length, nesting and size.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod ast;
mod check;
mod context;
mod error;
mod eval;
mod expression;
mod function;
mod functions;
mod item;
mod limits;
mod literal;
mod navigate;
mod operator;
mod output;
mod parser;
mod prepare;
mod print;
mod span;
mod temporal;
mod text;
mod token;
mod types;
mod value;

pub use ast::{Ast, Expr, Name, Node, NodeId, Special, TypeName};
pub use check::{CheckContext, Issue, Severity, VariableType, check};
pub use context::{Context, DEFAULT_STEPS, Variable};
pub use error::{SyntaxError, SyntaxErrorKind};
pub use eval::{EvalError, Fault};
pub use expression::{Expression, Verdict};
pub use function::{Argument, Function, Group};
pub use limits::Limits;
pub use literal::{CalendarUnit, Literal, Quantity, Unit};
pub use operator::{BinaryOp, TypeOp, UnaryOp};
pub use print::Printed;
pub use span::{Span, excerpt};
pub use temporal::{Date, DateTime, Fraction, InvalidTemporal, Offset, Time};
pub use value::{Decimal, Scalar, Text};

/// Parses one FHIRPath expression within the default [`Limits`].
///
/// # Errors
/// [`SyntaxError`] for the first place where the text is not FHIRPath, with its position and what was expected there.
pub fn parse(source: &str) -> Result<Ast, SyntaxError> {
    parse_with(source, &Limits::default())
}

/// Parses one FHIRPath expression within the given limits.
///
/// # Errors
/// As [`parse`]; exceeding a limit is an error too.
pub fn parse_with(source: &str, limits: &Limits) -> Result<Ast, SyntaxError> {
    parser::parse(source, limits)
}
