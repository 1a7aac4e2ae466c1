//! What each kind of parameter means, case by case; every case is also asked of the lookups and negated.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod composites;
mod dates;
mod numbers;
mod periods;
mod quantities;
mod references;
mod strings;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
mod unknown;
mod uris;
