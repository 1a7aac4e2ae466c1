//! `unprotect()`.

use super::objects;
use super::protect::{not_installed, with_children};
use crate::catalog::{Catalog, catalog};
use crate::error::{Error, OrRaise, Result};
use crate::node::privilege::AsOwner;
use crate::node::relation;
use pgrx::prelude::*;

/// Removes the policy, the triggers and the registration, from partitions and children too. Row security stays on, so
/// the table is closed to everybody who is subject to it until somebody opens it on purpose.
#[pg_extern(sql = "
CREATE FUNCTION fhir_access.unprotect(relation regclass)
    RETURNS void LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn unprotect(relation: pg_sys::Oid) {
    unprotect_tree(relation).or_raise();
}

fn unprotect_tree(root: pg_sys::Oid) -> Result<()> {
    let Some(catalog) = catalog() else {
        return Err(not_installed());
    };
    if relation::kind(root).is_none() {
        return forget(&catalog, root);
    }
    if matches!(crate::registry::protected(root), Ok(None)) {
        return Err(Error::WrongRelation {
            message: format!("{} is not protected", relation::qualified_name(root)),
            hint: "fhir_access.protected_relation lists what is.".to_owned(),
        }
        .about(root));
    }
    if catalog.holds(root) {
        return Err(Error::WrongRelation {
            message: format!(
                "{} belongs to fhir_access itself",
                relation::qualified_name(root)
            ),
            hint: "The documents are protected as long as the extension is there; REVOKE privileges on their tables to close them."
                .to_owned(),
        }
        .about(root));
    }
    if let Some(parent) = protected_parent(root)? {
        return Err(Error::WrongRelation {
            message: format!(
                "{} is protected as a part of {parent}",
                relation::qualified_name(root)
            ),
            hint: format!("SELECT fhir_access.unprotect('{parent}'); or detach it first."),
        }
        .about(root));
    }
    let tree = with_children(root)?;
    // The registration goes first: our event trigger watches over what is registered.
    for oid in &tree {
        forget(&catalog, *oid)?;
    }
    for oid in tree.into_iter().rev() {
        objects::drop(oid)?;
    }
    pgrx::notice!(
        "{} is no longer protected; its row security stays on, so it is closed to every role that is subject to it",
        relation::qualified_name(root)
    );
    Ok(())
}

/// Takes a relation out of the registry, one that is gone too.
fn forget(catalog: &Catalog, oid: pg_sys::Oid) -> Result<()> {
    let _owner = AsOwner::of_extension(catalog);
    Spi::run_with_args(
        "DELETE FROM fhir_access.protection WHERE relation::pg_catalog.oid OPERATOR(pg_catalog.=) $1",
        &[oid.into()],
    )
    .map_err(|error| Error::Internal(error.to_string()))
}

/// The protected relation that this one is a partition or child of, if any.
fn protected_parent(oid: pg_sys::Oid) -> Result<Option<String>> {
    let parents: Vec<pg_sys::Oid> = Spi::connect(|client| {
        client
            .select(
                "SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid OPERATOR(pg_catalog.=) $1",
                None,
                &[oid.into()],
            )?
            .filter_map(|row| row.get::<pg_sys::Oid>(1).transpose())
            .collect::<std::result::Result<_, _>>()
    })
    .map_err(|error| Error::Internal(error.to_string()))?;
    for parent in parents {
        if !matches!(crate::registry::protected(parent), Ok(None)) {
            return Ok(Some(relation::qualified_name(parent)));
        }
    }
    Ok(None)
}
