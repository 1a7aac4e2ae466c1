//! `protect()`.

mod fitness;
mod options;
mod untyped;

use super::objects;
use crate::catalog::catalog;
use crate::document::Format;
use crate::error::{Error, OrRaise, Result};
use crate::functions::require_preloaded;
use crate::node::privilege::AsOwner;
use crate::node::relation;
use crate::predicate::identifier;
use options::{DerivedColumns, given, text};
use pgrx::prelude::*;
use std::ffi::CStr;

/// Protects a table that holds one FHIR resource per row: row security on and forced, the marker policy, the triggers,
/// the registry; likewise every partition and child. Calling it again changes what differs and nothing else.
#[pg_extern(sql = "
CREATE FUNCTION fhir_access.protect(relation regclass, resource_type text DEFAULT NULL,
                                    resource_column name DEFAULT 'resource', id_column name DEFAULT 'id',
                                    resource_type_column name DEFAULT NULL,
                                    derived_columns jsonb DEFAULT NULL, project_column name DEFAULT NULL,
                                    history_of regclass DEFAULT NULL, version_column name DEFAULT NULL)
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
#[allow(clippy::too_many_arguments)] // they are the SQL function's, which names them
fn protect(
    relation: Option<pg_sys::Oid>,
    resource_type: Option<&str>,
    resource_column: Option<&CStr>,
    id_column: Option<&CStr>,
    resource_type_column: Option<&CStr>,
    derived_columns: Option<pgrx::JsonB>,
    project_column: Option<&CStr>,
    history_of: Option<pg_sys::Oid>,
    version_column: Option<&CStr>,
) {
    let layout = || {
        let layout = Layout {
            resource_type: resource_type.map(str::to_owned),
            resource_column: text(given(resource_column, "resource_column")?),
            id_column: text(given(id_column, "id_column")?),
            resource_type_column: resource_type_column.map(text),
            derived_columns: options::derived_columns(derived_columns)?,
            project_column: project_column.map(text),
            history_of,
            version_column: version_column.map(text),
        };
        Ok((given(relation, "relation")?, layout))
    };
    let (relation, layout) = layout().or_raise();
    protect_tree(relation, &layout).or_raise();
}

/// How a table holds resources, as its owner says.
pub struct Layout {
    /// The FHIR type of its rows; `None` where each row says of which type it is.
    pub resource_type: Option<String>,
    /// The column that holds the resource.
    pub resource_column: String,
    /// The column that holds the resource's id.
    pub id_column: String,
    /// The column that holds a row's type; without one and without a type of all rows, the document says it.
    pub resource_type_column: Option<String>,
    /// The columns that repeat elements of the resource.
    pub derived_columns: DerivedColumns,
    /// The column that holds the row's project.
    pub project_column: Option<String>,
    /// Where the rows are versions of resources: the table of the resources as they are now.
    pub history_of: Option<pg_sys::Oid>,
    /// The column that holds the version; without one it is the document's own.
    pub version_column: Option<String>,
}

fn protect_tree(root: pg_sys::Oid, layout: &Layout) -> Result<()> {
    require_preloaded()?;
    require_setting()?;
    require_utf8()?;
    match (&layout.resource_type, &layout.resource_type_column) {
        (Some(_), Some(_)) => {
            return Err(Error::Argument {
                message: "both a resource type and a column of resource types are given".to_owned(),
                hint: "Give resource_type where all rows are of one type, resource_type_column where each row says its own.".to_owned(),
            });
        }
        (Some(resource_type), None) => check_type(resource_type)?,
        (None, _) => {}
    }
    if layout.history_of.is_none() && layout.version_column.is_some() {
        return Err(Error::Argument {
            message: "version_column is for the history of a table".to_owned(),
            hint: "Name the table of the current resources with history_of => …, or leave version_column away."
                .to_owned(),
        });
    }
    options::check_paths(layout.resource_type.as_deref(), &layout.derived_columns)?;
    if layout.history_of.is_some() && layout.resource_type.is_none() {
        return Err(Error::Argument {
            message: "a history is of one resource type".to_owned(),
            hint: "Give the resource_type of the versions; those of each type have a table of their own."
                .to_owned(),
        });
    }
    if relation::kind(root).is_none() {
        return Err(Error::NoRelation(root.to_u32()));
    }
    for relation in with_children(root)? {
        fitness::check(relation, layout).map_err(|error| error.about(relation))?;
    }
    // Nobody writes meanwhile: what the registry says of the rows must stay true.
    for relation in with_children(root)? {
        relation::lock_against_writers(relation);
    }
    // All are registered before the first is altered: our event trigger looks for children that are not.
    for relation in with_children(root)? {
        register(relation, layout)?;
    }
    for relation in with_children(root)? {
        objects::create(relation)?;
    }
    untyped::warn(root)
}

/// Is this a type whose resources can be protected?
fn check_type(resource_type: &str) -> Result<()> {
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

fn register(oid: pg_sys::Oid, layout: &Layout) -> Result<()> {
    let Some(catalog) = catalog() else {
        return Err(not_installed());
    };
    let table = relation::qualified_name(oid);
    let types = match &layout.resource_type {
        Some(_) => None,
        None => Some(irregular_types(oid, &table, &layout.resource_column)?),
    };
    let irregular = match &types {
        Some(types) => !types.is_empty(),
        None => has_irregular_references(oid, &table, &layout.resource_column)?,
    };
    let _owner = AsOwner::of_extension(&catalog);
    let insert = "INSERT INTO fhir_access.protection AS p (relation, resource_type, resource_column, id_column, irregular_references,
                                               resource_type_column, irregular_types, derived_columns, project_column,
                                               history_of, version_column)
         VALUES ($1, $2, $3::text::name, $4::text::name, $5, $6::text::name, $7, $8, $9::text::name, $10, $11::text::name)
         ON CONFLICT (relation) DO UPDATE
            SET resource_type = excluded.resource_type, resource_column = excluded.resource_column,
                id_column = excluded.id_column, resource_type_column = excluded.resource_type_column,
                irregular_references = p.irregular_references OR excluded.irregular_references,
                irregular_types = excluded.irregular_types,
                derived_columns = excluded.derived_columns, project_column = excluded.project_column,
                history_of = excluded.history_of, version_column = excluded.version_column
          WHERE (p.resource_type, p.resource_column, p.id_column, p.irregular_references, p.resource_type_column,
                 p.irregular_types, p.derived_columns, p.project_column, p.history_of, p.version_column)
             IS DISTINCT FROM (excluded.resource_type, excluded.resource_column, excluded.id_column,
                               p.irregular_references OR excluded.irregular_references, excluded.resource_type_column,
                               excluded.irregular_types, excluded.derived_columns, excluded.project_column,
                               excluded.history_of, excluded.version_column)";
    Spi::connect_mut(|client| {
        client.update(
                insert,
                None,
                &[
                    oid.into(),
                    layout.resource_type.as_deref().into(),
                    layout.resource_column.as_str().into(),
                    layout.id_column.as_str().into(),
                    irregular.into(),
                    layout.resource_type_column.as_deref().into(),
                    types.into(),
                    options::registered(&layout.derived_columns).into(),
                    layout.project_column.as_deref().into(),
                    layout.history_of.into(),
                    layout.version_column.as_deref().into(),
                ],
            )?;
        // A table and its partitions are read with one predicate.
        client.update(
            "UPDATE fhir_access.protection SET irregular_references = true
              WHERE resource_type = $1 AND NOT irregular_references
                AND EXISTS (SELECT FROM fhir_access.protection q WHERE q.resource_type = $1 AND q.irregular_references)",
            None,
            &[layout.resource_type.as_deref().into()],
        )?;
        client
            .update(
                "WITH every (types) AS (
                     SELECT ARRAY(SELECT DISTINCT t FROM fhir_access.protection p, pg_catalog.unnest(p.irregular_types) t ORDER BY t))
                 UPDATE fhir_access.protection SET irregular_types = types, irregular_references = types <> '{}'
                   FROM every
                  WHERE resource_type IS NULL
                    AND (irregular_types, irregular_references) IS DISTINCT FROM (types, types <> '{}')",
                None,
                &[],
            )
            .map(|_| ())
    })
    .map_err(|error| Error::Internal(error.to_string()))
}

/// Does a row hold a reference that equality on the stored text cannot find?
fn has_irregular_references(oid: pg_sys::Oid, table: &str, resource_column: &str) -> Result<bool> {
    let document = document(oid, resource_column);
    let query = format!(
        "SELECT EXISTS (SELECT FROM {table} t WHERE fhir_access.has_irregular_references({document}))"
    );
    let _owner = AsOwner::of_table(oid)?;
    Spi::connect(|client| client.select(&query, Some(1), &[])?.first().get::<bool>(1))
        .map(|found| found.unwrap_or(true))
        .map_err(|error| Error::Internal(error.to_string()))
}

/// The document in a row `t` of a table, as jsonb.
fn document(oid: pg_sys::Oid, resource_column: &str) -> String {
    let columns = relation::columns(relation::OpenRelation::open(oid).tuple_desc());
    let column = format!("t.{}", identifier(resource_column));
    let is_text = |column: &relation::Column| {
        column.name == resource_column && Format::of(column.type_oid) == Some(Format::Text)
    };
    match columns.iter().any(is_text) {
        true => format!("fhir_access.document({column})"),
        false => column,
    }
}

/// As [`has_irregular_references`], of a table of all types: the types of such rows.
fn irregular_types(oid: pg_sys::Oid, table: &str, resource_column: &str) -> Result<Vec<String>> {
    let document = document(oid, resource_column);
    let query = format!(
        "SELECT DISTINCT {document} OPERATOR(pg_catalog.->>) 'resourceType'
           FROM {table} t WHERE fhir_access.has_irregular_references({document})"
    );
    let _owner = AsOwner::of_table(oid)?;
    let found: Vec<Option<String>> = Spi::connect(|client| {
        client
            .select(&query, None, &[])?
            .map(|row| row.get::<String>(1))
            .collect::<std::result::Result<Vec<_>, _>>()
    })
    .map_err(|error| Error::Internal(error.to_string()))?;
    let mut types: Vec<String> = found
        .into_iter()
        .flatten()
        .filter(|name| fhir_search::model::is_resource_type(name))
        .collect();
    types.sort_unstable();
    Ok(types)
}

/// What to say where there is no registry.
pub fn not_installed() -> Error {
    Error::NotReady {
        message: "the extension fhir_access is not installed".to_owned(),
        hint: "CREATE EXTENSION fhir_access in this database.".to_owned(),
    }
}
