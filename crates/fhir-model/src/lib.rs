//! The types of FHIR R4 and of Medplum, their hierarchy and their elements.
//!
//! ```
//! use fhir_model::TypeId;
//!
//! let observation = TypeId::named("Observation").unwrap();
//! let value = observation.element("value").unwrap();
//! assert!(value.is_choice());
//! assert_eq!(value.member("valueQuantity"), TypeId::named("Quantity"));
//! assert!(observation.is_a(TypeId::named("DomainResource").unwrap()));
//! ```
//!
//! The table is text compiled into the program (`data/elements.txt`, see the README beside it) and read once, when it
//! is first used. Everything it gives out is `Copy` and lives as long as the program; looking a name up takes some ten
//! nanoseconds and allocates nothing.
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

mod element;
mod index;
mod names;
mod path;
mod read;
mod table;
mod types;

pub use element::ElementDef;
pub use names::{is_resource_type, resource_type, resource_types, similar, similar_resource_type};
pub use path::{PathCheck, check_path};
pub use types::{Kind, TypeId};
