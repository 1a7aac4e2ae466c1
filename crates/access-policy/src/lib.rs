//! Access control documents (`AccessPolicy`, `ProjectMembership`, `Project`, in Medplum's JSON form) and what they mean
//! together.
//!
//! Each phase has its own types, so that a half-processed document cannot be used by mistake:
//!
//! 1. JSON text is read with its limits (size, depth, duplicate keys): `json`.
//! 2. Shapes and values are checked and every finding is collected with its JSON path: [`validate`], [`AccessPolicy`],
//!    [`ProjectMembership`], [`Project`]. Criteria, FHIRPath expressions and IP rules are parsed here, once per document.
//! 3. A membership and the policies it names become one [`EffectiveAccess`]: [`resolve`].
//!
//! Nothing here knows about PostgreSQL; documents come from a [`DocumentSource`].
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

mod admin_types;
mod constraint;
mod effective;
mod entry;
mod error;
pub mod fields;
mod finding;
mod interaction;
pub mod ip;
mod json;
mod membership;
mod parameters;
mod policy;
mod project;
mod reference;
mod shape;
mod template;
mod validate;

pub use admin_types::{ADMIN_TYPES, CLOSED_TYPES, is_admin_type, is_closed_type};
pub use constraint::{AFTER, BEFORE, Constraint, expression_hint};
pub use effective::{
    DocumentSource, EffectiveAccess, Entry, Grant, IpVerdict, LinkedProject, Origin, RuleRef,
    Settings, resolve, resolve_id,
};
pub use entry::{PolicyEntry, TypeSelector};
pub use error::{AccessError, VariableUse};
pub use finding::{Finding, Severity, has_errors};
pub use interaction::{Interaction, Interactions};
pub use membership::{Access, Instance, ProjectMembership};
pub use parameters::{ParameterValue, Parameters};
pub use policy::AccessPolicy;
pub use project::Project;
pub use reference::is_id;
pub use template::CompartmentTemplate;
pub use validate::{validate, validate_with};
