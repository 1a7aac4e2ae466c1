//! What protection puts on a table: row security, the visible policies, the triggers.

use super::protect::not_installed;
use crate::catalog::catalog;
use crate::error::{Error, Result};
use crate::node::privilege::AsOwner;
use crate::node::relation;
use pgrx::prelude::*;
use pgrx::spi::{SpiClient, SpiError};

/// The visible policies: name, kind, condition. The restrictive one stands for ours, and lets no permissive policy of the
/// owner's open the table to a session without the library. The permissive one never opens anything; it has PostgreSQL
/// ask, where otherwise it would answer a session without the library with silence instead of an error.
const POLICIES: [(&str, &str, &str); 2] = [
    ("fhir_access", "RESTRICTIVE", "fhir_access.enforced()"),
    (
        "fhir_access_loaded",
        "PERMISSIVE",
        "NOT fhir_access.enforced()",
    ),
];

/// The triggers: name, when, for what, and function. The row trigger's name is late in the alphabet, so that it fires
/// after the user's own.
const TRIGGERS: [(&str, &str, &str, &str); 2] = [
    (
        "zzz_fhir_access",
        "BEFORE INSERT OR UPDATE OR DELETE",
        "ROW",
        "enforce_write",
    ),
    (
        "fhir_access_truncate",
        "BEFORE TRUNCATE",
        "STATEMENT",
        "enforce_truncate",
    ),
];

/// One of our name that is not what we would make is in the way.
const HAS_FOREIGN: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_policy
     WHERE polrelid OPERATOR(pg_catalog.=) $1 AND polname OPERATOR(pg_catalog.=) $2::pg_catalog.text
       AND (pg_catalog.pg_get_expr(polqual, polrelid) IS NULL
            OR pg_catalog.pg_get_expr(polqual, polrelid) OPERATOR(pg_catalog.!~) 'fhir_access\\.enforced\\(\\)'))
    OR EXISTS (SELECT FROM pg_catalog.pg_trigger
     WHERE tgrelid OPERATOR(pg_catalog.=) $1 AND tgname OPERATOR(pg_catalog.=) $2::pg_catalog.text
       AND (SELECT pronamespace FROM pg_catalog.pg_proc WHERE oid OPERATOR(pg_catalog.=) tgfoid)
           OPERATOR(pg_catalog.<>) 'fhir_access'::pg_catalog.regnamespace::pg_catalog.oid)";

const HAS_POLICY: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_policy
     WHERE polrelid OPERATOR(pg_catalog.=) $1 AND polname OPERATOR(pg_catalog.=) $2::pg_catalog.text)";

const HAS_TRIGGER: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger
     WHERE tgrelid OPERATOR(pg_catalog.=) $1 AND tgname OPERATOR(pg_catalog.=) $2::pg_catalog.text)";

/// Not one that a partition has from its parent, and loses with it.
const HAS_OWN_TRIGGER: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger
     WHERE tgrelid OPERATOR(pg_catalog.=) $1 AND tgname OPERATOR(pg_catalog.=) $2::pg_catalog.text
       AND tgparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid)";

type Spied<T> = std::result::Result<T, SpiError>;

/// Refuses a table on which something else has one of our names.
pub fn check_names(oid: pg_sys::Oid) -> Result<()> {
    let Some(catalog) = catalog() else {
        return Err(not_installed());
    };
    // For its search_path: the text of an expression depends on it.
    let _owner = AsOwner::of_extension(&catalog);
    let names = POLICIES
        .iter()
        .map(|(name, ..)| *name)
        .chain(TRIGGERS.iter().map(|(name, ..)| *name));
    for name in names {
        let taken = Spi::connect(|client| has(client, HAS_FOREIGN, oid, name))
            .map_err(|error| Error::Internal(error.to_string()))?;
        if taken {
            return Err(Error::WrongRelation {
                message: format!(
                    "{} has a policy or trigger of its own named {name}",
                    relation::qualified_name(oid)
                ),
                hint: "Rename or drop it.".to_owned(),
            });
        }
    }
    Ok(())
}

/// Puts on a table what is not there yet. The caller's right to it has been checked.
pub fn create(oid: pg_sys::Oid) -> Result<()> {
    let Some(catalog) = catalog() else {
        return Err(not_installed());
    };
    // Our trigger functions are not for everybody to make triggers of, so this takes the extension's owner.
    let _owner = AsOwner::of_extension(&catalog);
    Spi::connect_mut(|client| create_all(client, oid))
        .map_err(|error| Error::Internal(error.to_string()))
}

fn create_all(client: &mut SpiClient<'_>, oid: pg_sys::Oid) -> Spied<()> {
    let table = relation::qualified_name(oid);
    if !relation::row_security_forced(oid) {
        run(
            client,
            &format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"),
        )?;
    }
    for (name, kind, condition) in POLICIES {
        if !has(client, HAS_POLICY, oid, name)? {
            run(
                client,
                &format!(
                    "CREATE POLICY {name} ON {table} AS {kind} USING ({condition}) WITH CHECK ({condition})"
                ),
            )?;
        }
    }
    for (name, when, each, function) in TRIGGERS {
        if !has(client, HAS_TRIGGER, oid, name)? {
            run(
                client,
                &format!(
                    "CREATE TRIGGER {name} {when} ON {table} FOR EACH {each} EXECUTE FUNCTION fhir_access.{function}()"
                ),
            )?;
        }
        run(
            client,
            &format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"),
        )?;
    }
    Ok(())
}

/// Takes from a table what [`create`] put there, with the caller's rights. Row security stays on.
pub fn drop(oid: pg_sys::Oid) -> Result<()> {
    Spi::connect_mut(|client| drop_all(client, oid))
        .map_err(|error| Error::Internal(error.to_string()))
}

fn drop_all(client: &mut SpiClient<'_>, oid: pg_sys::Oid) -> Spied<()> {
    let table = relation::qualified_name(oid);
    for (name, ..) in POLICIES {
        if has(client, HAS_POLICY, oid, name)? {
            run(client, &format!("DROP POLICY {name} ON {table}"))?;
        }
    }
    for (name, ..) in TRIGGERS {
        if has(client, HAS_OWN_TRIGGER, oid, name)? {
            run(client, &format!("DROP TRIGGER {name} ON {table}"))?;
        }
    }
    Ok(())
}

fn run(client: &mut SpiClient<'_>, statement: &str) -> Spied<()> {
    client.update(statement, None, &[]).map(|_| ())
}

fn has(client: &SpiClient<'_>, query: &str, oid: pg_sys::Oid, name: &str) -> Spied<bool> {
    let found = client.select(query, Some(1), &[oid.into(), name.into()])?;
    Ok(found.first().get::<bool>(1)?.unwrap_or(false))
}
