//! The nine points of "Effective access", one test or more each: parameters (1 to 4), administrators, memberships and
//! projects (5 to 7), and what holds for the session as a whole.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../common/mod.rs"]
mod common;

mod administrators;
mod inside;
mod parameters;
mod session;

use access_policy::{
    ADMIN_TYPES, AccessError, CLOSED_TYPES, EffectiveAccess, Interaction, IpVerdict, Origin,
    ProjectMembership, Settings, resolve, resolve_id,
};
use common::{Documents, allowed, fields, literal, predicates};
use fhir_search::Predicate;

const ALL: &str = "read vread search history create update delete";
const READ: &str = "read vread search history";

/// A policy with the id and these members.
fn policy(id: &str, members: &str) -> String {
    format!(r#"{{"resourceType":"AccessPolicy","id":"{id}",{members}}}"#)
}

/// A membership with the id `m` and these members.
fn membership(members: &str) -> String {
    format!(r#"{{"resourceType":"ProjectMembership","id":"m",{members}}}"#)
}

/// The access of a membership under these documents.
fn access(documents: &[&str], members: &str) -> Result<EffectiveAccess, AccessError> {
    Documents::default()
        .with(documents)
        .resolve(&membership(members))
}

fn origins(access: &EffectiveAccess) -> Vec<String> {
    access
        .entries
        .iter()
        .map(|entry| entry.origin.to_string())
        .collect()
}

const PATIENTS: &str = r#""resource":[{"resourceType":"Patient"}]"#;
const A: &str = r#""accessPolicy":{"reference":"AccessPolicy/a"}"#;
