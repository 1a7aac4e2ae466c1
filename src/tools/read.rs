//! `read()`: FHIR's `read` interaction, a resource by its type and id, for policies that allow it where they do not allow
//! `search`.

use super::explain::{relations_of, resource_type};
use super::stored::{Stored, masked};
use crate::audit;
use crate::error::{Error, OrRaise, Result};
use crate::functions::{argument, version_1};
use crate::node::{privilege, relation, row};
use crate::registry::Protected;
use crate::session;
use access_policy::Interaction;
use fhir_search::Predicate;
use pgrx::prelude::*;
use std::rc::Rc;

version_1!(pg_finfo_fhir_access_read);

/// `fhir_access.read(resource_type text, id text) → jsonb`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_read(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared arguments, not NULL.
    unsafe {
        let (resource_type, id) = (argument(fcinfo, 0), argument(fcinfo, 1));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match read(&text(resource_type.bytes()), &text(id.bytes())).or_raise() {
            Some(document) => row::jsonb_datum(&document),
            None => pgrx::fcinfo::pg_return_null(fcinfo),
        }
    }
}

/// The resource as the session's membership may read it, without what the entry that grants the reading hides; `None` where
/// there is none, or none that may be read.
fn read(resource_type: &str, id: &str) -> Result<Option<Vec<u8>>> {
    let resource_type = self::resource_type(resource_type)?;
    let relations = relations_of(resource_type)?;
    if let Some(first) = relations.first()
        && !relations.iter().any(may_select)
    {
        let name = relation::qualified_name(first.relation);
        return Err(Error::NoPrivilege(name).about(first.relation));
    }
    for protected in relations.iter().filter(|table| may_select(table)) {
        if let Some(document) = read_from(protected, resource_type, id)? {
            return Ok(Some(document));
        }
    }
    Ok(None)
}

/// May the user read the resources in a table, as far as privileges say?
pub fn may_select(table: &Rc<Protected>) -> bool {
    privilege::may_select(table.relation, table.resource.number)
}

fn read_from(protected: &Protected, resource_type: &str, id: &str) -> Result<Option<Vec<u8>>> {
    if !privilege::is_subject(protected.relation) {
        let stored = Stored::find(
            protected,
            resource_type,
            id,
            &[],
            &Predicate::Constant(true),
        )?;
        let document = stored.and_then(|stored| stored.document);
        if document.is_some() {
            audit::one(Interaction::Read, protected, resource_type, id, None)?;
        }
        return Ok(document);
    }
    let session = session::current()?;
    let reach = session.reach(resource_type, Interaction::Read)?;
    let Some(stored) =
        Stored::find_shown(protected, resource_type, id, &reach.entries, &reach.scope)?
    else {
        return Ok(None);
    };
    let entry = stored.place.and_then(|place| reach.entries.get(place));
    let (Some(entry), Some(document)) = (entry, stored.document) else {
        return Ok(None);
    };
    audit::one(Interaction::Read, protected, resource_type, id, Some(entry))?;
    masked(document, &entry.hidden).map(Some)
}
