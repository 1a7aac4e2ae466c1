//! Can a table be protected? What `protect()` asks before it changes anything.

use super::Layout;
use crate::catalog::catalog;
use crate::document::Format;
use crate::error::{Error, Result};
use crate::node::privilege;
use crate::node::relation::{self, Column, OpenRelation};
use crate::registry::{self, types};
use crate::tools::objects;
use pgrx::prelude::*;

/// The types of id columns: of each, a value has one text form, and a text one value.
const ID_TYPES: [pg_sys::Oid; 5] = [
    pg_sys::TEXTOID,
    pg_sys::VARCHAROID,
    pg_sys::UUIDOID,
    pg_sys::INT4OID,
    pg_sys::INT8OID,
];

/// Can this relation be protected? Every reason why not is found before anything is changed.
pub fn check(oid: pg_sys::Oid, layout: &Layout) -> Result<()> {
    let (resource_column, id_column) = (&layout.resource_column, &layout.id_column);
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
        if catalog().is_some_and(|catalog| catalog.holds(oid)) {
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
    if let Some(type_column) = &layout.resource_type_column {
        let column = find(type_column)?;
        if [resource.number, id.number].contains(&column.number) || !types::is_usable(&column) {
            return Err(wrong(
                &format!("cannot keep resource types in \"{type_column}\""),
                "A column of resource types is one of its own, of type text, varchar, name or an enum, with a deterministic collation.",
            )
            .about_column(oid, type_column));
        }
    }
    if !ID_TYPES.contains(&id.type_oid) {
        return Err(wrong(
            &format!("keeps its ids in \"{id_column}\", which is of a type that ids cannot have"),
            "An id column is of type text, varchar, uuid, integer or bigint.",
        )
        .about_column(oid, id_column));
    }
    if Format::of(resource.type_oid).is_none() || resource.limited {
        return Err(wrong(
            &format!("keeps its resources in \"{resource_column}\", which is of a type that cannot hold them"),
            "A resource column is of type jsonb, json or text, or of type varchar without a length.",
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
    let types = match &layout.resource_type_column {
        Some(name) => Some(find(name)?),
        None => None,
    };
    let taken: Vec<&Column> = [&resource, &id].into_iter().chain(&types).collect();
    check_columns(layout, &taken, &find, &|name, what, hint| {
        wrong(what, hint).about_column(oid, name)
    })?;
    if let Some(version_column) = &layout.version_column {
        let version = find(version_column)?;
        if !ID_TYPES.contains(&version.type_oid) {
            return Err(wrong(
                &format!("keeps its versions in \"{version_column}\", which is of a type that versions cannot have"),
                "A version column is of type text, varchar, uuid, integer or bigint.",
            )
            .about_column(oid, version_column));
        }
    }
    match layout.history_of {
        Some(current) if current == oid => Err(wrong(
            "cannot be the history of itself",
            "Name the table of the current resources with history_of => ….",
        )),
        Some(current) => check_current(&name, layout, &id, current),
        None => Ok(()),
    }
}

/// Can the columns beside the resource and the id be what the layout says they are?
fn check_columns(
    layout: &Layout,
    taken: &[&Column],
    find: &impl Fn(&str) -> Result<Column>,
    wrong: &impl Fn(&str, &str, &str) -> Error,
) -> Result<()> {
    let is_taken = |name: &str| taken.iter().any(|column| column.name == name);
    for name in layout.derived_columns.keys() {
        find(name)?;
        if is_taken(name) {
            return Err(wrong(
                name,
                &format!(
                    "cannot have \"{name}\" as a derived column, which is there for something else"
                ),
                "Name columns that repeat a part of the resource.",
            ));
        }
    }
    let Some(name) = &layout.project_column else {
        return Ok(());
    };
    let project = find(name)?;
    let what = if is_taken(name) || layout.derived_columns.contains_key(name) {
        "which is there for something else"
    } else if !registry::is_of_projects(&project) {
        "which is of a type or collation that ids of projects cannot have"
    } else if project.generated {
        "which is computed from other columns"
    } else {
        return Ok(());
    };
    Err(wrong(
        name,
        &format!("cannot keep its projects in \"{name}\", {what}"),
        "A project column is of type text, varchar or uuid, with a deterministic collation, and fhir_access fills it. Without one, meta.project in the resource counts.",
    ))
}

/// Can the rows of `current` judge the versions in `history`, whose ids are in the column `id`?
fn check_current(history: &str, layout: &Layout, id: &Column, current: pg_sys::Oid) -> Result<()> {
    if relation::kind(current).is_none() {
        return Err(Error::NoRelation(current.to_u32()));
    }
    let unfit = match registry::protected(current)? {
        None => Some("is not protected"),
        Some(found) => registry::unfit_as_current(&found, layout.resource_type.as_deref(), id),
    };
    match unfit {
        None => Ok(()),
        Some(unfit) => Err(Error::WrongRelation {
            message: format!(
                "{history} cannot be the history of {}, which {unfit}",
                relation::qualified_name(current)
            ),
            hint: "Protect the table of the current resources first; both hold one type, and the same ids."
                .to_owned(),
        }),
    }
}
