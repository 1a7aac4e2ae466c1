//! The functions people call: protecting tables, naming the session, and explaining what policies do.

mod check;
mod explain;
mod index_advice;
mod kept_plans;
mod narrowed;
mod objects;
mod protect;
mod read;
mod session;
mod statistics_advice;
mod stored;
mod unprotect;
pub mod validate;
mod vread;
