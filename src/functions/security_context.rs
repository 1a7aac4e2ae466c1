//! What the rows of Binary are granted by, besides an entry of a policy: that the resource which their `securityContext`
//! refers to may be read.

use super::{argument, version_1};
use crate::error::{Error, OrRaise, Result};
use crate::node::{privilege, statement};
use crate::predicate::readable;
use crate::session::{self, Fingerprint, is_id};
use jsonb::Value;
use pgrx::PgMemoryContexts;
use pgrx::prelude::*;
use std::collections::HashMap;

version_1!(pg_finfo_fhir_access_security_context_readable);

/// `fhir_access.security_context_readable(resource jsonb) → boolean`
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn fhir_access_security_context_readable(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls with the declared argument, not NULL.
    unsafe {
        let resource = argument(fcinfo, 0);
        let answer = match target(resource.value().or_raise()) {
            Target::None => true,
            Target::Unresolvable => false,
            Target::Resource(resource_type, id) => {
                Answers::at(fcinfo).of(resource_type, id).or_raise()
            }
        };
        pg_sys::Datum::from(answer)
    }
}

/// What a `securityContext` refers to.
#[derive(Debug, PartialEq)]
enum Target<'a> {
    /// There is none.
    None,
    /// Nothing that could be looked up, or nothing that may be: a Binary is not granted by another one.
    Unresolvable,
    /// A resource of this type and id.
    Resource(&'a str, &'a str),
}

fn target(document: Value<'_>) -> Target<'_> {
    let Value::Object(document) = document else {
        return Target::Unresolvable;
    };
    let Some(context) = document.get("securityContext") else {
        return Target::None;
    };
    let reference = context
        .as_object()
        .and_then(|context| context.get("reference"))
        .and_then(|reference| reference.as_str());
    match reference.and_then(resource) {
        Some((resource_type, id)) if resource_type != "Binary" => {
            Target::Resource(resource_type, id)
        }
        _ => Target::Unresolvable,
    }
}

/// The type and id in `Type/id` or `Type/id/_history/version`.
fn resource(reference: &str) -> Option<(&str, &str)> {
    let current = match reference.split_once("/_history/") {
        Some((current, version)) => Some(current).filter(|_| is_id(version))?,
        None => reference,
    };
    current.split_once('/').filter(|(resource_type, id)| {
        is_id(id) && fhir_search::model::is_resource_type(resource_type)
    })
}

/// So many answers are remembered at one place of a statement.
const REMEMBERED: usize = 10_000;

/// The answers that a statement got, while neither its session nor what it sees of the database changes.
struct Answers {
    session: Fingerprint,
    seen: Option<Seen>,
    known: HashMap<String, bool>,
}

impl Answers {
    /// The answers at this call site.
    ///
    /// # Safety
    /// `fcinfo` must be the call info of a function that uses `fn_extra` for nothing else.
    unsafe fn at<'a>(fcinfo: pg_sys::FunctionCallInfo) -> &'a mut Answers {
        // SAFETY: fn_extra is null or was set here; the answers are dropped with fn_mcxt.
        unsafe {
            let site = (*fcinfo).flinfo;
            if (*site).fn_extra.is_null() {
                let answers = Answers {
                    session: Fingerprint::default(),
                    seen: None,
                    known: HashMap::new(),
                };
                let place = PgMemoryContexts::For((*site).fn_mcxt).leak_and_drop_on_delete(answers);
                (*site).fn_extra = place.cast();
            }
            &mut *(*site).fn_extra.cast::<Answers>()
        }
    }

    fn of(&mut self, resource_type: &str, id: &str) -> Result<bool> {
        let session = session::current()?;
        // Its statement asks it of rows that another session found, where a function has switched the session since. (What
        // runs past row security is a question of its own, in the middle of some statement.)
        if !privilege::keeps_foreign_key()
            && statement::fence().is_some_and(|fence| fence != session.fingerprint)
        {
            return Err(Error::Fence);
        }
        let seen = Seen::now();
        if self.session != session.fingerprint
            || self.seen != seen
            || seen.is_none()
            || self.known.len() >= REMEMBERED
        {
            self.known.clear();
            self.session = session.fingerprint;
            self.seen = seen;
        }
        let reference = format!("{resource_type}/{id}");
        if let Some(answer) = self.known.get(&reference) {
            return Ok(*answer);
        }
        let answer = readable::is_readable(&session, resource_type, id)?;
        self.known.insert(reference, answer);
        Ok(answer)
    }
}

/// What tells the active snapshot from others of this session.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    oldest: pg_sys::TransactionId,
    next: pg_sys::TransactionId,
    running: [i64; 2],
    command: pg_sys::CommandId,
}

impl Seen {
    fn now() -> Option<Seen> {
        // SAFETY: an active snapshot stays as it is while it is looked at.
        unsafe {
            if !pg_sys::ActiveSnapshotSet() {
                return None;
            }
            let snapshot = pg_sys::GetActiveSnapshot().as_ref()?;
            Some(Seen {
                oldest: snapshot.xmin,
                next: snapshot.xmax,
                running: [snapshot.xcnt.into(), snapshot.subxcnt.into()],
                command: snapshot.curcid,
            })
        }
    }
}
