//! Properties, for random criteria, tests and documents.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod document;
mod lookups;
mod parsing;
mod references;
#[path = "../support/mod.rs"]
mod support;
mod tape;
