//! `set_session()` and `session()`.

use crate::error::{Error, OrRaise};
use crate::{session, settings};
use pgrx::prelude::*;

/// Sets the membership and the client's address in one round trip; with the caller's own rights to set them.
///
/// `is_local`: until the end of the transaction, as `SET LOCAL`; otherwise for the session.
#[pg_extern(sql = "
CREATE FUNCTION fhir_access.set_session(membership text, client_ip text DEFAULT NULL, is_local boolean DEFAULT true)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn set_session(membership: Option<&str>, client_ip: Option<&str>, is_local: Option<bool>) {
    let is_local = is_local.unwrap_or(true);
    settings::set(
        c"fhir_access.membership",
        membership.unwrap_or_default(),
        is_local,
    )
    .or_raise();
    // Left out, the address stays as it is: an empty one would be the pooler's, where there is one.
    if let Some(client_ip) = client_ip {
        settings::set(c"fhir_access.client_ip", client_ip, is_local).or_raise();
    }
}

/// One row: who is asking, from where, under which policies. All NULL but the address when no membership is set.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)] // the row's columns
fn session() -> TableIterator<
    'static,
    (
        name!(membership, Option<String>),
        name!(profile, Option<String>),
        name!(project, Option<String>),
        name!(client_ip, Option<pgrx::datum::Inet>),
        name!(ip_verdict, Option<String>),
        name!(policies, Option<Vec<String>>),
        name!(fingerprint, Option<String>),
    ),
> {
    let session = match session::described() {
        Ok(session) => session,
        Err(Error::NoMembership) => {
            let address =
                session::client_address().map(|address| pgrx::datum::Inet(address.to_string()));
            return TableIterator::once((None, None, None, address, None, None, None));
        }
        Err(error) => error.raise(),
    };
    let access = &session.access;
    let fingerprint: String = session
        .fingerprint
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    TableIterator::once((
        access.membership.clone(),
        access.profile.clone(),
        access.project.clone(),
        session
            .client_ip
            .map(|address| pgrx::datum::Inet(address.to_string())),
        Some(session.verdict.to_string()),
        Some(access.policies.iter().map(ToString::to_string).collect()),
        Some(fingerprint),
    ))
}
