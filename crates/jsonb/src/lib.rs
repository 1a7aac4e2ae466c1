//! PostgreSQL's binary `jsonb`, read and written in safe Rust.
//!
//! The bytes are those after the datum's varlena header, as `src/include/utils/jsonb.h` of PostgreSQL describes them:
//! the layout has been the same since version 9.4. Integers are in the machine's byte order, strings in UTF-8 (a
//! database in another encoding is not supported).
//!
//! * [`Value`] is a view into such bytes. Nothing is copied and nothing is read ahead: looking up one member of a large
//!   document costs that look-up.
//! * [`Node`] is an edited document: new structure whose leaves may be untouched [`Value`]s, or a [`Patch`] of a large
//!   container. [`encode`] writes it, and copies each untouched part as one slice, so that its bytes (the text `1.10` of a
//!   number, say) stay what they were.
//! * [`from_json`] and [`to_json`] translate from and to JSON text exactly as PostgreSQL's own input and output do.
//!
//! # Corrupt bytes
//! [`Value::parse`] checks the root; a part further down is checked when it is reached. Nothing panics, and no read goes
//! outside the bytes given. The plain accessors ([`Object::get`], [`Object::iter`], [`Array::get`], [`Array::iter`]) read a
//! corrupt child as [`Value::Null`] and a corrupt key as `""`; [`Object::try_iter`] and [`Array::try_iter`] say so instead,
//! and [`Value::verify`] checks a whole document. Whoever must not miss a member uses these.
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

mod compare;
mod contain;
mod encode;
mod layout;
mod node;
mod number;
mod patch;
mod read_text;
mod value;
mod verify;
mod write_text;

pub use encode::{TooLarge, encode, encode_with_capacity};
pub use node::Node;
pub use number::{Decimal, NotANumber, Number};
pub use patch::Patch;
pub use read_text::{JsonError, from_json, has_duplicate_keys, parse_json};
pub use value::{Array, ArrayIter, Object, ObjectIter, Value};
pub use write_text::{to_json, to_json_within};

/// The deepest nesting of containers that [`Value::verify`] and [`from_json`] accept.
pub const MAX_DEPTH: usize = 6_000;

/// The bytes are not a well-formed `jsonb` document; the text says what is wrong, never what the document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("corrupt jsonb: {0}")]
pub struct Corrupt(pub(crate) &'static str);
