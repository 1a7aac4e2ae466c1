//! FHIR R4 search criteria as access policies use them: `Type?name=value&…` in, a predicate over stored documents out.
//!
//! The phases, each with its own types:
//! 1. [`Criteria::parse`] checks the text against the [`table`] of search parameters (from HL7's and Medplum's
//!    definitions, see `data/README.md`); what is unknown or not supported is an error with a position.
//! 2. [`Criteria::bind_for`] puts the values of a membership's parameters in ([`Bindings`]), always as data.
//! 3. The result is a [`Predicate`]: constants, the row's id, and exact [`Test`]s of the document.
//! 4. [`Test::lookups`] gives the conditions by which an index can find what a test is true for: containment in the document, or
//!    comparisons of [`keys`].
//!
//! [`Test::evaluate`] reads PostgreSQL's binary `jsonb` and is three-valued: what is wrongly typed is unknown, and
//! unknown never grants, not even under `:not`.
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

mod choice;
mod compartment;
mod criteria;
mod fold;
pub mod keys;
mod lookup;
mod lower;
mod path;
mod predicate;
mod progress;
mod range;
mod references;
pub mod share;
pub mod table;
mod test;

pub use fhir_model as model;

pub use criteria::{BindError, Binding, Bindings, Criteria, CriteriaError};
pub use lookup::{Comparison, Comparisons, Condition, Key, KeyValue, Lookup, Operator};
pub use path::{Filter, Leaf, Path, Step};
pub use predicate::{Candidate, Predicate};
pub use progress::on_progress;
pub use range::{Amount, Moment, Prefix, Span, Unit};
pub use references::{has_irregular_references, members_with_patients, referenced_patients};
pub use test::{Elements, ParseTestError, ProjectTest, Test, TestOp, Token, TokenSystem};
