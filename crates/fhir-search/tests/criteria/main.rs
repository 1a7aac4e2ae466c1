//! The syntax of criteria, their errors, and what variables can and cannot do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod errors;
mod limits;
mod malformed;
mod meaning;
mod refused;
mod values;
mod variables;
