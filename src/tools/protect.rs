//! `protect()`.

use super::objects;
use crate::catalog::catalog;
use crate::error::{Error, OrRaise, Result};
use crate::functions::require_preloaded;
use crate::node::privilege::{self, AsOwner};
use crate::node::relation::{self, Column, OpenRelation};
use crate::predicate::identifier;
use pgrx::prelude::*;
use std::ffi::CStr;

/// Protects a table that holds one FHIR resource per row: row security on and forced, the marker policy, the triggers,
/// the registry; likewise every partition and child. Calling it again changes what differs and nothing else.
#[pg_extern(sql = "
CREATE FUNCTION fhir_access.protect(relation regclass, resource_type text,
                                    resource_column name DEFAULT 'resource', id_column name DEFAULT 'id')
    RETURNS void LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn protect(relation: pg_sys::Oid, resource_type: &str, resource_column: &CStr, id_column: &CStr) {
    // A name is a zero-terminated string; in a UTF8 database, which is checked below, it is UTF-8.
    let (resource_column, id_column) = (
        resource_column.to_string_lossy(),
        id_column.to_string_lossy(),
    );
    protect_tree(relation, resource_type, &resource_column, &id_column).or_raise();
}

fn protect_tree(
    root: pg_sys::Oid,
    resource_type: &str,
    resource_column: &str,
    id_column: &str,
) -> Result<()> {
    require_preloaded()?;
    require_setting()?;
    require_utf8()?;
    if resource_type == "Binary" {
        return Err(Error::Argument {
            message: "protection of Binary is not supported yet".to_owned(),
            hint: "Binary is granted by its securityContext, which a later version evaluates."
                .to_owned(),
        });
    }
    if !fhir_search::model::is_resource_type(resource_type) {
        let hint = fhir_search::model::similar_resource_type(resource_type)
            .map(|suggestion| format!("Did you mean \"{suggestion}\"?"))
            .unwrap_or_else(|| {
                "Resource types are written as in FHIR: Patient, Observation, ….".to_owned()
            });
        return Err(Error::Argument {
            message: format!("unknown resource type \"{resource_type}\""),
            hint,
        });
    }
    if relation::kind(root).is_none() {
        return Err(Error::NoRelation(root.to_u32()));
    }
    for relation in with_children(root)? {
        check_relation(relation, resource_column, id_column)
            .map_err(|error| error.about(relation))?;
    }
    // Nobody writes meanwhile: what the registry says of the rows must stay true.
    for relation in with_children(root)? {
        relation::lock_against_writers(relation);
    }
    // All are registered before the first is altered: our event trigger looks for children that are not.
    for relation in with_children(root)? {
        register(relation, resource_type, resource_column, id_column)?;
    }
    for relation in with_children(root)? {
        objects::create(relation)?;
    }
    Ok(())
}

/// The library must come with every session of the database, not only with this one.
fn require_setting() -> Result<()> {
    let named = [c"session_preload_libraries", c"shared_preload_libraries"]
        .iter()
        .any(|setting| {
            // SAFETY: both settings exist; the value is a C string or null.
            unsafe {
                let value = pg_sys::GetConfigOption(setting.as_ptr(), true, false);
                !value.is_null()
                    && CStr::from_ptr(value)
                        .to_string_lossy()
                        .split(',')
                        .map(|library| library.trim().trim_matches('"'))
                        .any(|library| {
                            library == "fhir_access" || library.ends_with("/fhir_access")
                        })
            }
        });
    if named {
        return Ok(());
    }
    Err(Error::NotReady {
        message: "fhir_access is not in session_preload_libraries".to_owned(),
        hint: "ALTER DATABASE … SET session_preload_libraries = 'fhir_access'; then connect again."
            .to_owned(),
    })
}

fn require_utf8() -> Result<()> {
    // SAFETY: reads the database's encoding.
    if unsafe { pg_sys::GetDatabaseEncoding() } == pg_sys::pg_enc::PG_UTF8 as i32 {
        return Ok(());
    }
    Err(Error::NotReady {
        message: "the database's encoding is not UTF8".to_owned(),
        hint: "FHIR resources are UTF-8; create the database with ENCODING 'UTF8'.".to_owned(),
    })
}

/// The relation, its partitions and its children, at every level.
pub fn with_children(root: pg_sys::Oid) -> Result<Vec<pg_sys::Oid>> {
    Spi::connect(|client| {
        client
            .select(
                "WITH RECURSIVE tree(oid) AS (
                     SELECT $1::pg_catalog.oid
                     UNION
                     SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree t ON i.inhparent OPERATOR(pg_catalog.=) t.oid)
                 SELECT oid FROM tree",
                None,
                &[root.into()],
            )?
            .filter_map(|row| row.get::<pg_sys::Oid>(1).transpose())
            .collect::<std::result::Result<Vec<_>, _>>()
    })
    .map_err(|error| Error::Internal(error.to_string()))
}

/// The types of id columns: of each, a value has one text form, and a text one value.
const ID_TYPES: [pg_sys::Oid; 5] = [
    pg_sys::TEXTOID,
    pg_sys::VARCHAROID,
    pg_sys::UUIDOID,
    pg_sys::INT4OID,
    pg_sys::INT8OID,
];

/// Can this relation be protected? Every reason why not is found before anything is changed.
fn check_relation(oid: pg_sys::Oid, resource_column: &str, id_column: &str) -> Result<()> {
    let name = relation::qualified_name(oid);
    let wrong = |what: &str, hint: &str| Error::WrongRelation {
        message: format!("{name} {what}"),
        hint: hint.to_owned(),
    };
    let Some(kind) = relation::kind(oid) else {
        return Err(Error::NoRelation(oid.to_u32()));
    };
    // SAFETY: plain look-ups by OID.
    unsafe {
        if oid.to_u32() < pg_sys::FirstNormalObjectId || pg_sys::IsCatalogRelationOid(oid) {
            return Err(wrong(
                "is a system table",
                "Protect the tables that hold FHIR resources.",
            ));
        }
        if catalog().is_some_and(|catalog| pg_sys::get_rel_namespace(oid) == catalog.schema) {
            return Err(wrong(
                "belongs to fhir_access itself",
                "Protect the tables that hold FHIR resources.",
            ));
        }
        if !privilege::owns(oid) {
            return Err(Error::NotOwner(name));
        }
    }
    match kind {
        b'r' | b'p' => {}
        b'v' => {
            return Err(wrong(
                "is a view",
                "Protect the tables below it; the view then shows what its reader may see.",
            ));
        }
        b'm' => {
            return Err(wrong(
                "is a materialized view",
                "Its rows are copies; protect the tables it reads from.",
            ));
        }
        b'f' => {
            return Err(wrong(
                "is a foreign table",
                "Protect the table where it is stored.",
            ));
        }
        _ => {
            return Err(wrong(
                "is not a table",
                "Protect the tables that hold FHIR resources.",
            ));
        }
    }
    if relation::is_temporary(oid) {
        return Err(wrong(
            "is a temporary table",
            "Protect the tables that hold FHIR resources.",
        ));
    }
    objects::check_names(oid)?;
    let open = OpenRelation::open(oid);
    let columns = relation::columns(open.tuple_desc());
    let find = |column: &str| -> Result<Column> {
        columns
            .iter()
            .find(|known| known.name == column)
            .cloned()
            .ok_or_else(|| Error::NoColumn {
                relation: name.clone(),
                column: column.to_owned(),
            })
    };
    let resource = find(resource_column)?;
    let id = find(id_column)?;
    if !ID_TYPES.contains(&id.type_oid) {
        return Err(wrong(
            &format!("keeps its ids in \"{id_column}\", which is of a type that ids cannot have"),
            "An id column is of type text, varchar, uuid, integer or bigint.",
        )
        .about_column(oid, id_column));
    }
    if resource.type_oid != pg_sys::JSONBOID {
        return Err(wrong(
            &format!("keeps its resources in \"{resource_column}\", which is not of type jsonb"),
            "Only jsonb columns can be protected.",
        )
        .about_column(oid, resource_column));
    }
    if resource.generated {
        return Err(wrong(
            &format!("computes \"{resource_column}\" from other columns"),
            "Protect the table that stores the resources.",
        )
        .about_column(oid, resource_column));
    }
    Ok(())
}

fn register(
    oid: pg_sys::Oid,
    resource_type: &str,
    resource_column: &str,
    id_column: &str,
) -> Result<()> {
    let Some(catalog) = catalog() else {
        return Err(not_installed());
    };
    let table = relation::qualified_name(oid);
    let irregular = has_irregular_references(oid, &table, resource_column)?;
    let _owner = AsOwner::of_extension(&catalog);
    let insert = "INSERT INTO fhir_access.protection AS p (relation, resource_type, resource_column, id_column, irregular_references)
         VALUES ($1, $2, $3::text::name, $4::text::name, $5)
         ON CONFLICT (relation) DO UPDATE
            SET resource_type = excluded.resource_type, resource_column = excluded.resource_column,
                id_column = excluded.id_column,
                irregular_references = p.irregular_references OR excluded.irregular_references
          WHERE (p.resource_type, p.resource_column, p.id_column, p.irregular_references)
             IS DISTINCT FROM (excluded.resource_type, excluded.resource_column, excluded.id_column, excluded.irregular_references)";
    Spi::connect_mut(|client| {
        client.update(
                insert,
                None,
                &[
                    oid.into(),
                    resource_type.into(),
                    resource_column.into(),
                    id_column.into(),
                    irregular.into(),
                ],
            )?;
        // A table and its partitions are read with one predicate.
        client
            .update(
                "UPDATE fhir_access.protection SET irregular_references = true
                  WHERE resource_type = $1 AND NOT irregular_references
                    AND EXISTS (SELECT FROM fhir_access.protection q WHERE q.resource_type = $1 AND q.irregular_references)",
                None,
                &[resource_type.into()],
            )
            .map(|_| ())
    })
    .map_err(|error| Error::Internal(error.to_string()))
}

/// Does a row hold a reference that equality on the stored text cannot find?
fn has_irregular_references(oid: pg_sys::Oid, table: &str, resource_column: &str) -> Result<bool> {
    let query = format!(
        "SELECT EXISTS (SELECT FROM {table} t WHERE fhir_access.has_irregular_references(t.{}))",
        identifier(resource_column)
    );
    let _owner = AsOwner::of_table(oid)?;
    Spi::connect(|client| client.select(&query, Some(1), &[])?.first().get::<bool>(1))
        .map(|found| found.unwrap_or(true))
        .map_err(|error| Error::Internal(error.to_string()))
}

/// What to say where there is no registry.
pub fn not_installed() -> Error {
    Error::NotReady {
        message: "the extension fhir_access is not installed".to_owned(),
        hint: "CREATE EXTENSION fhir_access in this database.".to_owned(),
    }
}
