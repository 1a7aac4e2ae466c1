//! Facts about relations, and relations that close themselves.

use pgrx::prelude::*;
use std::ffi::{CStr, CString};

/// An open relation with a lock held to the end of the transaction; closed when dropped.
pub struct OpenRelation {
    relation: pg_sys::Relation,
}

impl OpenRelation {
    /// Opens `oid` with an AccessShareLock.
    pub fn open(oid: pg_sys::Oid) -> OpenRelation {
        // SAFETY: table_open raises an error where there is no such table.
        let relation =
            unsafe { pg_sys::table_open(oid, pg_sys::AccessShareLock as pg_sys::LOCKMODE) };
        OpenRelation { relation }
    }

    /// The pointer that PostgreSQL's functions want.
    pub fn as_ptr(&self) -> pg_sys::Relation {
        self.relation
    }

    /// Is there a row at this place, by what this transaction has done so far?
    pub fn has_row(&self, mut place: pg_sys::ItemPointerData) -> bool {
        // SAFETY: the relation is open; the slot is made for it and dropped here.
        unsafe {
            let methods = (*self.relation).rd_tableam.as_ref();
            let Some(fetch) = methods.and_then(|methods| methods.tuple_fetch_row_version) else {
                return true;
            };
            let slot = pg_sys::table_slot_create(self.relation, std::ptr::null_mut());
            let found = pg_sys::ffi::pg_guard_ffi_boundary(|| {
                let now = &raw mut pg_sys::SnapshotSelfData;
                fetch(self.relation, &mut place, now, slot)
            });
            pg_sys::ExecDropSingleTupleTableSlot(slot);
            found
        }
    }

    /// The columns of the relation.
    pub fn tuple_desc(&self) -> pg_sys::TupleDesc {
        // SAFETY: the relation is open.
        unsafe { (*self.relation).rd_att }
    }
}

impl Drop for OpenRelation {
    fn drop(&mut self) {
        // While an error is on its way the resource owner closes the relation; calling PostgreSQL then is not allowed.
        if !std::thread::panicking() {
            // SAFETY: opened in `open`, closed once, the lock stays.
            unsafe { pg_sys::table_close(self.relation, pg_sys::NoLock as pg_sys::LOCKMODE) };
        }
    }
}

/// One column of a relation.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its number, from 1.
    pub number: i16,
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_oid: pg_sys::Oid,
    /// Its collation; invalid where its type has none.
    pub collation: pg_sys::Oid,
    /// Is it computed from other columns and stored?
    pub generated: bool,
    /// Has its type a modifier, such as a length?
    pub limited: bool,
    /// Of a varchar with a length: how many characters it takes.
    pub length: Option<usize>,
}

/// The columns of `descriptor` that are not dropped.
pub fn columns(descriptor: pg_sys::TupleDesc) -> Vec<Column> {
    // SAFETY: a tuple descriptor holds natts attributes.
    unsafe {
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        let attributes = (*descriptor).attrs.as_slice(count);
        attributes
            .iter()
            .filter(|attribute| !attribute.attisdropped)
            .map(|attribute| Column {
                number: attribute.attnum,
                name: CStr::from_ptr(attribute.attname.data.as_ptr())
                    .to_string_lossy()
                    .into_owned(),
                type_oid: attribute.atttypid,
                collation: attribute.attcollation,
                generated: attribute.attgenerated != 0,
                limited: attribute.atttypmod != -1,
                length: match attribute.atttypid {
                    // The modifier counts the header of the stored value, too.
                    pg_sys::VARCHAROID => usize::try_from(attribute.atttypmod)
                        .ok()
                        .map(|modifier| modifier.saturating_sub(pg_sys::VARHDRSZ)),
                    _ => None,
                },
            })
            .collect()
    }
}

/// The type of the column with this number, from 1; `None` where there is none.
///
/// # Safety
/// `descriptor` must be valid.
pub unsafe fn type_of(descriptor: pg_sys::TupleDesc, number: i16) -> Option<pg_sys::Oid> {
    // SAFETY: by the caller's promise, natts attributes are there.
    let attributes = unsafe {
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        (*descriptor).attrs.as_slice(count)
    };
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    attributes.get(place).map(|attribute| attribute.atttypid)
}

/// Are texts of this column equal only where they are the same, letter by letter?
///
/// # Safety
/// `descriptor` must be valid.
pub unsafe fn has_plain_collation(descriptor: pg_sys::TupleDesc, number: i16) -> bool {
    // SAFETY: by the caller's promise, natts attributes are there.
    unsafe {
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        let place = usize::try_from(number).unwrap_or(0).wrapping_sub(1);
        (*descriptor)
            .attrs
            .as_slice(count)
            .get(place)
            .is_some_and(|attribute| {
                attribute.attcollation != pg_sys::InvalidOid
                    && pg_sys::get_collation_isdeterministic(attribute.attcollation)
            })
    }
}

/// The owner of a relation, if it exists.
pub fn owner(relation: pg_sys::Oid) -> Option<pg_sys::Oid> {
    class_field(relation, |class| class.relowner)
}

/// The relation's name without its schema, if it exists.
pub fn name(relation: pg_sys::Oid) -> Option<String> {
    class_field(relation, |class| {
        // SAFETY: a name is a C string.
        unsafe { CStr::from_ptr(class.relname.data.as_ptr()) }
            .to_string_lossy()
            .into_owned()
    })
}

/// Does row security apply to the relation, for its owner too?
pub fn row_security_forced(relation: pg_sys::Oid) -> bool {
    class_field(relation, |class| {
        class.relrowsecurity && class.relforcerowsecurity
    })
    .unwrap_or(false)
}

fn class_field<T>(
    relation: pg_sys::Oid,
    read: impl FnOnce(&pg_sys::FormData_pg_class) -> T,
) -> Option<T> {
    // SAFETY: the tuple is released after its fields were read; GETSTRUCT of a pg_class tuple is a FormData_pg_class.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::RELOID as i32,
            pg_sys::Datum::from(relation),
        );
        if tuple.is_null() {
            return None;
        }
        let value = read(&*(pg_sys::GETSTRUCT(tuple) as *const pg_sys::FormData_pg_class));
        pg_sys::ReleaseSysCache(tuple);
        Some(value)
    }
}

/// The name of a type with its schema, quoted where needed.
pub fn type_name(type_oid: pg_sys::Oid) -> String {
    // SAFETY: a catalog look-up; the name is a new C string.
    unsafe {
        let name = pg_sys::format_type_extended(
            type_oid,
            -1,
            pg_sys::FORMAT_TYPE_FORCE_QUALIFY as pg_sys::bits16,
        );
        CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

/// Has the enum type this label?
pub fn is_label(enum_type: pg_sys::Oid, label: &str) -> bool {
    let Ok(label) = CString::new(label) else {
        return false;
    };
    // SAFETY: a catalog look-up by the type and a label that is a C string.
    unsafe {
        pg_sys::SearchSysCacheExists(
            pg_sys::SysCacheIdentifier::ENUMTYPOIDNAME as i32,
            pg_sys::Datum::from(enum_type),
            pg_sys::Datum::from(label.as_ptr()),
            pg_sys::Datum::from(0),
            pg_sys::Datum::from(0),
        )
    }
}

/// `schema.table`, quoted where needed, for messages and SQL text.
pub fn qualified_name(relation: pg_sys::Oid) -> String {
    // SAFETY: look-ups by OID; both return null for a relation that is gone.
    unsafe {
        let name = pg_sys::get_rel_name(relation);
        if name.is_null() {
            return relation.to_u32().to_string();
        }
        let schema = pg_sys::get_namespace_name(pg_sys::get_rel_namespace(relation));
        let quoted = pg_sys::quote_qualified_identifier(schema, name);
        CStr::from_ptr(quoted).to_string_lossy().into_owned()
    }
}

/// `name` as that of something in the schema of `relation`, as SQL has it.
pub fn qualified_beside(relation: pg_sys::Oid, name: &str) -> String {
    let Ok(name) = CString::new(name) else {
        return String::new();
    };
    // SAFETY: look-ups by OID; quoting copies.
    unsafe {
        let schema = pg_sys::get_namespace_name(pg_sys::get_rel_namespace(relation));
        let quoted = pg_sys::quote_qualified_identifier(schema, name.as_ptr());
        CStr::from_ptr(quoted).to_string_lossy().into_owned()
    }
}

/// The names of the relation's schema and of itself, as the catalogs have them; `None` for a relation that is gone.
pub fn names(relation: pg_sys::Oid) -> Option<(String, String)> {
    // SAFETY: look-ups by OID; each gives a C string or null.
    unsafe {
        let text = |name: *mut std::ffi::c_char| {
            (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
        };
        let schema = pg_sys::get_namespace_name(pg_sys::get_rel_namespace(relation));
        Some((text(schema)?, text(pg_sys::get_rel_name(relation))?))
    }
}

/// Keeps writers away from a table until the transaction ends.
pub fn lock_against_writers(relation: pg_sys::Oid) {
    // SAFETY: waits for the lock, or raises an error.
    unsafe { pg_sys::LockRelationOid(relation, pg_sys::ShareRowExclusiveLock as pg_sys::LOCKMODE) };
}

/// Does the relation belong to a session alone?
pub fn is_temporary(relation: pg_sys::Oid) -> bool {
    class_field(relation, |class| {
        class.relpersistence as u8 == pg_sys::RELPERSISTENCE_TEMP
    })
    .unwrap_or(false)
}

/// The relation's kind, as in `pg_class.relkind`; `None` where it does not exist.
pub fn kind(relation: pg_sys::Oid) -> Option<u8> {
    class_field(relation, |class| class.relkind as u8)
}

unsafe extern "C-unwind" {
    fn find_all_inheritors(
        parent: pg_sys::Oid,
        lock: pg_sys::LOCKMODE,
        parents: *mut *mut pg_sys::List,
    ) -> *mut pg_sys::List;

    fn get_partition_ancestors(relation: pg_sys::Oid) -> *mut pg_sys::List;
}

/// The table that a relation is a partition of, at any level; itself where it is none.
pub fn root(relation: pg_sys::Oid) -> pg_sys::Oid {
    // SAFETY: a catalog look-up; an error in it becomes a panic here, and an error again at the boundary.
    unsafe {
        let ancestors = pg_sys::ffi::pg_guard_ffi_boundary(|| get_partition_ancestors(relation));
        pgrx::PgList::<std::ffi::c_void>::from_pg(ancestors)
            .iter_oid()
            .last()
            .unwrap_or(relation)
    }
}

/// May the relation have children? PostgreSQL does not take it back when the last one goes.
pub fn may_have_children(relation: pg_sys::Oid) -> bool {
    let relation = OpenRelation::open(relation);
    // SAFETY: an open relation has its pg_class row.
    unsafe { (*(*relation.as_ptr()).rd_rel).relhassubclass }
}

/// The partitions of a partitioned table, at every level; none for any other relation.
pub fn partitions(relation: pg_sys::Oid) -> Vec<pg_sys::Oid> {
    if kind(relation) != Some(pg_sys::RELKIND_PARTITIONED_TABLE) {
        return Vec::new();
    }
    // SAFETY: a catalog look-up without locks; an error in it becomes a panic here, and an error again at the boundary.
    unsafe {
        let found = pg_sys::ffi::pg_guard_ffi_boundary(|| {
            find_all_inheritors(
                relation,
                pg_sys::NoLock as pg_sys::LOCKMODE,
                std::ptr::null_mut(),
            )
        });
        pgrx::PgList::<std::ffi::c_void>::from_pg(found)
            .iter_oid()
            .filter(|oid| *oid != relation)
            .collect()
    }
}
