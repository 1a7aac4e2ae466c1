//! What protection puts on a table: row security, the visible policies, the triggers.

use super::protect::not_installed;
use crate::catalog::catalog;
use crate::error::{Error, Result};
use crate::node::privilege::AsOwner;
use crate::node::relation;
use pgrx::prelude::*;
use pgrx::spi::{SpiClient, SpiError};

/// The visible policies. The restrictive one stands for ours, and lets no permissive policy of the owner's open the table
/// to a session without the library; the permissive one has it answer such a session with an error, not with silence.
const POLICIES: [(&str, &str); 2] = [
    ("fhir_access", "RESTRICTIVE"),
    ("fhir_access_loaded", "PERMISSIVE"),
];

/// The triggers: name, when, and function. The row trigger's name is late in the alphabet, so that it fires after the
/// user's own.
const TRIGGERS: [(&str, &str, &str, &str); 2] = [
    (
        "zzz_fhir_access",
        "BEFORE INSERT OR UPDATE OR DELETE",
        "FOR EACH ROW",
        "enforce_write",
    ),
    (
        "fhir_access_truncate",
        "BEFORE TRUNCATE",
        "FOR EACH STATEMENT",
        "enforce_truncate",
    ),
];

/// Puts on a table what is not there yet. The caller's right to it has been checked.
pub fn create(oid: pg_sys::Oid) -> Result<()> {
    let Some(catalog) = catalog() else {
        return Err(not_installed());
    };
    // Our trigger functions are not for everybody to make triggers of, so this takes the extension's owner.
    let _owner = AsOwner::of(catalog.owner);
    Spi::connect_mut(|client| create_all(client, oid))
        .map_err(|error| Error::Unsupported(error.to_string()))
}

fn create_all(client: &mut SpiClient<'_>, oid: pg_sys::Oid) -> std::result::Result<(), SpiError> {
    let table = relation::qualified_name(oid);
    let run = |client: &mut SpiClient<'_>, statement: String| {
        client.update(&statement, None, &[]).map(|_| ())
    };
    if !relation::row_security_forced(oid) {
        run(
            client,
            format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"),
        )?;
    }
    for (name, kind) in POLICIES {
        if !has(
            client,
            "SELECT EXISTS (SELECT FROM pg_policy WHERE polrelid = $1 AND polname = $2::text)",
            oid,
            name,
        )? {
            run(
                client,
                format!(
                    "CREATE POLICY {name} ON {table} AS {kind}
                     USING (fhir_access.enforced()) WITH CHECK (fhir_access.enforced())"
                ),
            )?;
        }
    }
    for (name, when, each, function) in TRIGGERS {
        if !has(
            client,
            "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1 AND tgname = $2::text)",
            oid,
            name,
        )? {
            run(
                client,
                format!(
                    "CREATE TRIGGER {name} {when} ON {table} {each} EXECUTE FUNCTION fhir_access.{function}()"
                ),
            )?;
        }
        run(
            client,
            format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"),
        )?;
    }
    Ok(())
}

/// Takes from a table what [`create`] put there, with the caller's rights. Row security stays on.
pub fn drop(oid: pg_sys::Oid) -> Result<()> {
    Spi::connect_mut(|client| drop_all(client, oid))
        .map_err(|error| Error::Unsupported(error.to_string()))
}

fn drop_all(client: &mut SpiClient<'_>, oid: pg_sys::Oid) -> std::result::Result<(), SpiError> {
    let table = relation::qualified_name(oid);
    for (name, _) in POLICIES {
        client.update(
            &format!("DROP POLICY IF EXISTS {name} ON {table}"),
            None,
            &[],
        )?;
    }
    for (name, ..) in TRIGGERS {
        // A partition's row trigger goes with its parent's.
        let inherited = has(
            client,
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger
                             WHERE tgrelid OPERATOR(pg_catalog.=) $1
                               AND tgname OPERATOR(pg_catalog.=) $2::pg_catalog.text
                               AND tgparentid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid)",
            oid,
            name,
        )?;
        if !inherited {
            client.update(
                &format!("DROP TRIGGER IF EXISTS {name} ON {table}"),
                None,
                &[],
            )?;
        }
    }
    Ok(())
}

fn has(
    client: &SpiClient<'_>,
    query: &str,
    oid: pg_sys::Oid,
    name: &str,
) -> std::result::Result<bool, SpiError> {
    Ok(client
        .select(query, Some(1), &[oid.into(), name.into()])?
        .first()
        .get::<bool>(1)?
        .unwrap_or(false))
}
