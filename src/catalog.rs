//! Where the extension's own objects are in this database, and the caches' invalidation.
//!
//! In a database without the extension everything here answers "absent", and the hooks do nothing.

use crate::hooks::kept_plans;
use crate::node::scan::{self, Key};
use crate::{registry, session};
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::CStr;

/// The OIDs of the extension's objects.
#[derive(Clone, Copy, Debug)]
pub struct Catalog {
    /// The schema `fhir_access`.
    pub schema: pg_sys::Oid,
    /// The table of AccessPolicy documents.
    pub access_policy: pg_sys::Oid,
    /// The table of ProjectMembership documents.
    pub project_membership: pg_sys::Oid,
    /// The table of Project documents.
    pub project: pg_sys::Oid,
    /// The registry of protected relations.
    pub protection: pg_sys::Oid,
    /// Who owns the registry, and so the extension.
    pub owner: pg_sys::Oid,
}

impl Catalog {
    /// Is this a relation of the extension's own schema?
    pub fn holds(&self, relation: pg_sys::Oid) -> bool {
        // SAFETY: a look-up in the catalogs.
        unsafe { pg_sys::get_rel_namespace(relation) == self.schema }
    }

    /// The type of the documents in a relation, if it is one of the documents' tables.
    pub fn document_type(&self, relation: pg_sys::Oid) -> Option<&'static str> {
        [
            (self.access_policy, "AccessPolicy"),
            (self.project_membership, "ProjectMembership"),
            (self.project, "Project"),
        ]
        .into_iter()
        .find_map(|(known, name)| (known == relation).then_some(name))
    }
}

#[derive(Clone, Copy)]
enum Lookup {
    Unknown,
    Absent,
    Present(Catalog),
}

thread_local! {
    static LOOKUP: Cell<Lookup> = const { Cell::new(Lookup::Unknown) };
    static PRELOADED: Cell<bool> = const { Cell::new(false) };
}

/// Registers the invalidation callbacks; notes whether the session is only starting.
pub fn init() {
    // SAFETY: the callbacks are guarded functions that touch only this backend's caches and PostgreSQL's plan cache.
    unsafe {
        // Before the first statement there is no query text; a parallel worker loads what its leader had.
        PRELOADED.set(pg_sys::debug_query_string.is_null() || pg_sys::ParallelWorkerNumber >= 0);
        pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::from(0));
        pg_sys::ResetPlanCache();
    }
}

/// Was the library loaded before the session's first statement?
pub fn preloaded() -> bool {
    PRELOADED.get()
}

/// The extension's objects, where the extension is installed. Needs a transaction; without one: `None`.
pub fn catalog() -> Option<Catalog> {
    match LOOKUP.get() {
        Lookup::Present(catalog) => Some(catalog),
        Lookup::Absent => None,
        Lookup::Unknown => look_up(),
    }
}

/// The place of `extnamespace` among the columns of `pg_extension`.
const SCHEMA: usize = pg_sys::Anum_pg_extension_extnamespace as usize - 1;

fn look_up() -> Option<Catalog> {
    // SAFETY: syscache look-ups inside a transaction; the strings are constants.
    unsafe {
        if !pg_sys::IsTransactionState() {
            return None;
        }
        let extension = pg_sys::get_extension_oid(c"fhir_access".as_ptr(), true);
        if extension == pg_sys::InvalidOid {
            LOOKUP.set(Lookup::Absent);
            return None;
        }
        let schema = scan::by_key(
            pg_sys::ExtensionRelationId,
            Key::Oid(extension),
            |columns| pg_sys::Oid::from_datum(columns.get(SCHEMA).copied().flatten()?, false),
        )??;
        let table = |name: &CStr| {
            let oid = pg_sys::get_relname_relid(name.as_ptr(), schema);
            (oid != pg_sys::InvalidOid).then_some(oid)
        };
        let protection = table(c"protection")?;
        let catalog = Catalog {
            schema,
            access_policy: table(c"access_policy")?,
            project_membership: table(c"project_membership")?,
            project: table(c"project")?,
            protection,
            owner: crate::node::relation::owner(protection)?,
        };
        LOOKUP.set(Lookup::Present(catalog));
        Some(catalog)
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    let Lookup::Present(catalog) = LOOKUP.get() else {
        // Nothing is kept but that there is nothing; this may be one of our tables coming.
        LOOKUP.set(Lookup::Unknown);
        registry::forget_all();
        kept_plans::forget_all();
        return;
    };
    let documents = [
        catalog.access_policy,
        catalog.project_membership,
        catalog.project,
    ];
    if relation == pg_sys::InvalidOid || relation == catalog.protection {
        // The registry changed, or went with the extension, or anything may have. Once the look-up is forgotten no message
        // tells of what was found by it, so that is forgotten first.
        registry::forget_all();
        session::documents_changed();
        LOOKUP.set(Lookup::Unknown);
    } else if documents.contains(&relation) {
        session::documents_changed();
    } else if registry::forget(relation) {
        kept_plans::forget_all();
    } else {
        kept_plans::relation_changed(relation);
    }
}

/// A function of the extension's, with these types of arguments, if it is there.
pub fn function(name: &CStr, arguments: &[pg_sys::Oid]) -> Option<pg_sys::Oid> {
    let schema = catalog()?.schema;
    let count = i32::try_from(arguments.len()).ok()?;
    // SAFETY: look-ups in the catalogs; the name's parts are copied into the current memory context.
    unsafe {
        let schema = pg_sys::get_namespace_name(schema);
        if schema.is_null() {
            return None;
        }
        let part = |name| pg_sys::makeString(pg_sys::pstrdup(name)).cast();
        let full = pg_sys::lappend(std::ptr::null_mut(), part(schema));
        let full = pg_sys::lappend(full, part(name.as_ptr()));
        let function = pg_sys::LookupFuncName(full, count, arguments.as_ptr(), true);
        (function != pg_sys::InvalidOid).then_some(function)
    }
}
