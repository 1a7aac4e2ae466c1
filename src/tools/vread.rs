//! `vread()`: FHIR's `vread` interaction, one version of a resource.
//!
//! A version is judged as in a history table: on its own content and by the resource as it is now, both under `vread`, and it
//! comes without what either of the two entries hides.

use super::explain::{self, relations_of};
use super::read::may_select;
use super::stored::{Stored, masked};
use crate::audit;
use crate::error::{Error, OrRaise, Result};
use crate::functions::{argument, version_1};
use crate::node::{privilege, relation, row};
use crate::predicate::Style;
use crate::predicate::current::Judge;
use crate::registry::{self, Protected};
use crate::session;
use crate::session::reach::{Reach, ReachEntry};
use access_policy::Interaction;
use access_policy::fields::FieldSet;
use fhir_search::Predicate;
use pgrx::prelude::*;
use std::rc::Rc;

version_1!(pg_finfo_fhir_access_vread);

/// `fhir_access.vread(resource_type text, id text, version_id text) → jsonb`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_vread(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared arguments, not NULL.
    unsafe {
        let arguments = [
            argument(fcinfo, 0),
            argument(fcinfo, 1),
            argument(fcinfo, 2),
        ];
        let [resource_type, id, version] = arguments
            .each_ref()
            .map(|text| String::from_utf8_lossy(text.bytes()));
        match vread(&resource_type, &id, &version).or_raise() {
            Some(document) => row::jsonb_datum(&document),
            None => pgrx::fcinfo::pg_return_null(fcinfo),
        }
    }
}

/// The version as the session's membership may read it; `None` where there is none, or none that may be read.
fn vread(resource_type: &str, id: &str, version: &str) -> Result<Option<Vec<u8>>> {
    let resource_type = explain::resource_type(resource_type)?;
    let mut readable = Vec::new();
    let mut unreadable = None;
    for current in relations_of(resource_type)? {
        for versions in places(&current)? {
            if may_select(&versions) {
                readable.push((Rc::clone(&current), versions));
            } else {
                unreadable.get_or_insert(versions.relation);
            }
        }
    }
    if let Some(table) = unreadable.filter(|_| readable.is_empty()) {
        return Err(Error::NoPrivilege(relation::qualified_name(table)).about(table));
    }
    for (current, versions) in readable {
        let name = format!("{id}/_history/{version}");
        if !privilege::is_subject(versions.relation) {
            let everything = Predicate::Constant(true);
            let stored =
                Stored::find_version(&versions, resource_type, id, version, &[], &everything)?;
            if let Some(document) = stored.and_then(|stored| stored.document) {
                audit::one(Interaction::Vread, &versions, resource_type, &name, None)?;
                return Ok(Some(document));
            }
            continue;
        }
        let session = session::current()?;
        let reach = session.reach(resource_type, Interaction::Vread)?;
        let judged = Judged::of(&versions, &current, (resource_type, id), version, &reach)?;
        if let Some(Judged {
            granted: Some((entry, hidden)),
            document,
        }) = judged
        {
            audit::one(
                Interaction::Vread,
                &versions,
                resource_type,
                &name,
                Some(&entry),
            )?;
            return masked(document, &hidden).map(Some);
        }
    }
    Ok(None)
}

/// Where the versions of the resources in `current` are: in its histories, and the newest perhaps nowhere but there.
pub fn places(current: &Rc<Protected>) -> Result<Vec<Rc<Protected>>> {
    let mut places = vec![Rc::clone(current)];
    places.extend(registry::histories_of(current.relation)?);
    Ok(places)
}

/// A stored version, and what the policies say of it.
pub struct Judged {
    /// The entry that grants the version's own content, and all that is hidden; `None` where it is not granted.
    pub granted: Option<(Rc<ReachEntry>, FieldSet)>,
    /// The version as it is stored.
    pub document: Vec<u8>,
}

impl Judged {
    /// The version of this resource in `versions`, a history of `current` or that table itself; `None` where it is not there.
    pub fn of(
        versions: &Protected,
        current: &Protected,
        (resource_type, id): (&str, &str),
        version: &str,
        reach: &Reach,
    ) -> Result<Option<Judged>> {
        let found = Stored::find_version(
            versions,
            resource_type,
            id,
            version,
            &reach.entries,
            &reach.scope,
        )?;
        let Some(Stored {
            place,
            document: Some(document),
        }) = found
        else {
            return Ok(None);
        };
        let entry = |place: Option<usize>| reach.entries.get(place?).cloned();
        let now = if versions.relation == current.relation {
            entry(place).map(|entry| entry.hidden.clone())
        } else {
            match Stored::find(current, resource_type, id, &reach.entries, &reach.scope)? {
                Some(current) => entry(current.place).map(|entry| entry.hidden.clone()),
                // As for a list of versions: see `Judge::condition`.
                None => Some(reach.hidden_by_any()).filter(|_| reach.grants_what_is_gone()),
            }
        };
        let granted = entry(place).zip(now).map(|(entry, now)| {
            let hidden = entry.hidden.union(&now);
            (entry, hidden)
        });
        Ok(Some(Judged { granted, document }))
    }
}

/// What the current row must be like, beside what an entry says of a version: nothing where the rows are no versions.
pub fn condition_of_current(versions: &Protected, reach: &Reach) -> Result<Option<String>> {
    let Some(current) = versions.current()? else {
        return Ok(None);
    };
    let judge = Judge {
        versions,
        current: &current,
        reach,
    };
    Ok(judge.condition(Style::Readable))
}
