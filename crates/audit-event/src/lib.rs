//! One line of an audit trail: a FHIR R4 AuditEvent as JSON, in ASCII and without line breaks, whatever is in it.
//!
//! An [`Event`] has no place for a document or a value of one. What it does take is cut where it is longer than sane, so
//! that a line has a greatest length.
//!
//! ```
//! use audit_event::{Actor, Event, Kind, Outcome, TOKEN};
//!
//! let actor = Actor { role: "clinic_app".to_owned(), ..Actor::default() };
//! let line = Event::new(Kind::Search, Outcome::Success, &actor).line();
//! assert!(line.starts_with(TOKEN) && line.contains(r#""code":"search""#));
//! ```
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

mod event;
mod json;
mod text;

pub use event::{Actor, Detail, Entity, Event, Kind, Outcome};

/// What every line begins with, for whoever cuts them out of a log.
pub const TOKEN: &str = "fhir_access audit: ";
