//! Range table entries: which of them must be enforced, whether their predicates are there and this session's, and the
//! mark of those that the rewriter has seen.

use crate::catalog::{self, catalog};
use crate::error::{Error, Result};
use crate::hooks::{mark, row_security};
use crate::node::{privilege, relation};
use crate::registry::{self, Protected};
use crate::session::{Fingerprint, Session, TableReach};
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::{CStr, CString};
use std::rc::Rc;

/// Says on a range table entry that its predicates are there and its references masked, followed by which table's columns are:
/// a partition's entry is a copy of its parent's. It stands in a field that entries of relations do not use and that survives
/// copying and flattening.
const MARK: &str = "fhir_access: masked";

/// Must policies be enforced on this range table entry? So it is for a protected relation, when the current user or the
/// one whose rights the entry uses (a view's owner) is subject to policies.
///
/// # Safety
/// `entry` must be a range table entry.
pub unsafe fn is_enforceable(entry: *const pg_sys::RangeTblEntry) -> Result<bool> {
    // SAFETY: by the caller's promise.
    unsafe { Ok(enforced(entry)?.is_some()) }
}

/// Has the rewriter seen this entry?
///
/// # Safety
/// `entry` must be a range table entry.
pub unsafe fn is_marked(entry: *const pg_sys::RangeTblEntry) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { mark_of(entry).is_some() }
}

/// What the mark says after its beginning.
///
/// # Safety
/// `entry` must be a range table entry.
unsafe fn mark_of<'a>(entry: *const pg_sys::RangeTblEntry) -> Option<&'a str> {
    // SAFETY: by the caller's promise; a name is a C string that lives as long as its entry.
    unsafe {
        if (*entry).enrname.is_null() {
            return None;
        }
        CStr::from_ptr((*entry).enrname)
            .to_str()
            .ok()?
            .strip_prefix(MARK)
    }
}

/// The columns of a marked entry to which no expression of the statement may refer, by their numbers in its own table.
///
/// # Safety
/// `entry` must be a range table entry.
pub unsafe fn masked_columns(entry: *const pg_sys::RangeTblEntry) -> Vec<i16> {
    // SAFETY: by the caller's promise; the catalog is asked for names of columns.
    unsafe {
        let Some((table, columns)) = mark_of(entry).and_then(|mark| mark.trim().split_once(':'))
        else {
            return Vec::new();
        };
        let table = pg_sys::Oid::from(table.parse::<u32>().unwrap_or_default());
        let columns = columns.split(',').filter_map(|column| column.parse().ok());
        if (*entry).rtekind != pg_sys::RTEKind::RTE_RELATION || (*entry).relid == table {
            return columns.collect();
        }
        columns
            .filter_map(|column: i16| {
                if column <= 0 {
                    return Some(column);
                }
                let name = pg_sys::get_attname(table, column, true);
                let here = (!name.is_null()).then(|| pg_sys::get_attnum((*entry).relid, name));
                here.filter(|number| *number > 0)
            })
            .collect()
    }
}

/// The protection that must be enforced on this entry, if any.
///
/// # Safety
/// `entry` must be a range table entry.
pub unsafe fn enforced(entry: *const pg_sys::RangeTblEntry) -> Result<Option<Rc<Protected>>> {
    // SAFETY: by the caller's promise.
    unsafe {
        // The entry of an upsert's EXCLUDED names the relation too, but as a row type: it holds what was given.
        let table = [pg_sys::RELKIND_RELATION, pg_sys::RELKIND_PARTITIONED_TABLE]
            .contains(&((*entry).relkind as u8));
        if (*entry).rtekind != pg_sys::RTEKind::RTE_RELATION || !table {
            return Ok(None);
        }
        let oid = (*entry).relid;
        let known = registry::protected(oid);
        if matches!(known, Ok(None)) {
            return Ok(None);
        }
        let subject =
            privilege::is_subject(oid) || privilege::role_is_subject((*entry).checkAsUser);
        if subject { known } else { Ok(None) }
    }
}

/// Whose rights decided whether PostgreSQL applied row security to this entry.
///
/// # Safety
/// `entry` must be a range table entry.
pub unsafe fn effective_user(entry: *const pg_sys::RangeTblEntry) -> pg_sys::Oid {
    // SAFETY: by the caller's promise.
    unsafe {
        match (*entry).checkAsUser {
            pg_sys::InvalidOid => pg_sys::GetUserId(),
            user => user,
        }
    }
}

/// Row security for an entry that PostgreSQL exempts, because it belongs to the view of a superuser.
///
/// # Safety
/// `entry` must be the entry with this number of `query`.
pub unsafe fn add_predicates(
    query: *mut pg_sys::Query,
    entry: *mut pg_sys::RangeTblEntry,
    number: i32,
    session: &Session,
    protected: &Rc<Protected>,
    reach: &TableReach,
) -> Result<()> {
    // SAFETY: by the caller's promise; the expressions are new and belong to this query alone.
    unsafe {
        let target = (*query).resultRelation == number;
        let command = (*query).commandType;
        if !(target && command == pg_sys::CmdType::CMD_INSERT) {
            let qual = row_security::search_qual(session, protected, reach)?;
            pg_sys::ChangeVarNodes(qual, 1, number, 0);
            (*entry).securityQuals = pg_sys::lappend((*entry).securityQuals, qual.cast());
        }
        if target {
            for check in row_security::checks(session, protected, query, entry)? {
                pg_sys::ChangeVarNodes((*check).qual, 1, number, 0);
                (*query).withCheckOptions =
                    pg_sys::lappend((*query).withCheckOptions, check.cast());
            }
        }
    }
    Ok(())
}

/// Puts the predicates in their places, which row security's hook has left closed.
///
/// # Safety
/// `entry` must be the entry with this number of its query, with marks that were checked.
pub unsafe fn fill_in(
    entry: *mut pg_sys::RangeTblEntry,
    number: i32,
    session: &Session,
    protected: &Rc<Protected>,
    reach: &TableReach,
) -> Result<()> {
    // SAFETY: by the caller's promise; the expression is new and belongs to this query alone.
    unsafe {
        let mut quals = std::ptr::null_mut();
        let mut ours: *mut pg_sys::Node = std::ptr::null_mut();
        for qual in PgList::<pg_sys::Node>::from_pg((*entry).securityQuals).iter_ptr() {
            let qual = match mark::of(qual) {
                None => qual,
                // An UPDATE has several: what is found to be changed, and to be read.
                Some(_) if !ours.is_null() => continue,
                Some(_) => {
                    ours = row_security::search_qual(session, protected, reach)?;
                    pg_sys::ChangeVarNodes(ours, 1, number, 0);
                    ours
                }
            };
            quals = pg_sys::lappend(quals, qual.cast());
        }
        (*entry).securityQuals = quals;
    }
    Ok(())
}

/// Makes sure that the places are there which PostgreSQL put predicates of ours in.
///
/// # Safety
/// `entry` must be an entry of `query`.
pub unsafe fn check_marks(
    query: *const pg_sys::Query,
    entry: *const pg_sys::RangeTblEntry,
    target: bool,
    fingerprint: Fingerprint,
) -> Result<()> {
    // SAFETY: by the caller's promise.
    let marks = unsafe { marks(query, entry, target) };
    let is_ours = |mark: &Fingerprint| [mark::OPEN, fingerprint].contains(mark);
    match !marks.is_empty() && marks.iter().all(is_ours) {
        true => Ok(()),
        false => Err(Error::Fence),
    }
}

/// Are there predicates of ours on this entry, and all of them this session's? Checks may be open still: nothing passes one that
/// stays so.
///
/// # Safety
/// `entry` must be an entry of `query`.
pub unsafe fn has_predicates(
    query: *const pg_sys::Query,
    entry: *const pg_sys::RangeTblEntry,
    target: bool,
    fingerprint: Fingerprint,
) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        let found = found_marks(entry);
        let all = marks(query, entry, target);
        !all.is_empty()
            && found.iter().all(|mark| *mark == fingerprint)
            && all
                .iter()
                .all(|mark| [mark::OPEN, fingerprint].contains(mark))
    }
}

/// The marks on what is asked of the rows that are found.
///
/// # Safety
/// `entry` must be an entry of a query.
unsafe fn found_marks(entry: *const pg_sys::RangeTblEntry) -> Vec<Fingerprint> {
    // SAFETY: by the caller's promise.
    unsafe {
        let quals = PgList::<pg_sys::Node>::from_pg((*entry).securityQuals);
        quals.iter_ptr().filter_map(|qual| mark::of(qual)).collect()
    }
}

/// The same, with those on what is asked of the rows that are left behind.
///
/// # Safety
/// `entry` must be an entry of `query`.
unsafe fn marks(
    query: *const pg_sys::Query,
    entry: *const pg_sys::RangeTblEntry,
    target: bool,
) -> Vec<Fingerprint> {
    // SAFETY: by the caller's promise.
    unsafe {
        let mut marks = found_marks(entry);
        if target {
            let checks = PgList::<pg_sys::WithCheckOption>::from_pg((*query).withCheckOptions);
            marks.extend(
                checks
                    .iter_ptr()
                    .filter_map(|check| mark::of((*check).qual)),
            );
        }
        marks
    }
}

/// Takes the conditions of row security off an entry of which all rows are seen: with them, PostgreSQL would take care that the
/// statement's own conditions tell nothing of the rows that they hide, and plan for rows that it may know nothing of.
///
/// # Safety
/// `entry` must be an entry whose marks were checked.
pub unsafe fn lift_what_is_true(entry: *mut pg_sys::RangeTblEntry) {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let quals = PgList::<pg_sys::Node>::from_pg((*entry).securityQuals);
        if quals.iter_ptr().all(|qual| is_true(qual)) {
            (*entry).securityQuals = std::ptr::null_mut();
        }
    }
}

/// Is a condition of row security true of every row, without a look at it?
///
/// # Safety
/// `qual` must be a node.
unsafe fn is_true(qual: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let qual = mark::marked(qual).unwrap_or(qual);
        match (*qual).type_ {
            pg_sys::NodeTag::T_Const => {
                let constant = &*qual.cast::<pg_sys::Const>();
                constant.consttype == pg_sys::BOOLOID
                    && bool::from_datum(constant.constvalue, constant.constisnull) == Some(true)
            }
            // Permissive policies: ours among them.
            pg_sys::NodeTag::T_BoolExpr => {
                let expression = &*qual.cast::<pg_sys::BoolExpr>();
                expression.boolop == pg_sys::BoolExprType::OR_EXPR
                    && PgList::<pg_sys::Node>::from_pg(expression.args)
                        .iter_ptr()
                        .any(|part| pgrx::is_a(part, pg_sys::NodeTag::T_Const) && is_true(part))
            }
            // In a session that loaded the library at its start the marker policy asks nothing more.
            _ => catalog::preloaded() && row_security::is_marker(qual),
        }
    }
}

/// Something that protection stands on is not there.
pub fn not_ready(relation: pg_sys::Oid, what: &str, how: &str) -> Error {
    Error::NotReady {
        message: format!(
            "{what} of the protected relation {} {how}",
            relation::qualified_name(relation)
        ),
        hint: if catalog().is_some_and(|catalog| catalog.holds(relation)) {
            "SELECT * FROM fhir_access.doctor() tells what to do.".to_owned()
        } else {
            "Call fhir_access.protect() again, or fhir_access.unprotect() to give protection up."
                .to_owned()
        },
    }
    .about(relation)
}

/// Refuses `COPY` of a protected relation whose row security is switched off: PostgreSQL would copy it without planning.
pub fn check_copy(oid: pg_sys::Oid) -> Result<()> {
    match registry::protected(oid)? {
        Some(_) if privilege::is_subject(oid) && !relation::row_security_forced(oid) => {
            Err(not_ready(oid, "row security", "is switched off"))
        }
        _ => Ok(()),
    }
}

/// Is this an entry of a protected relation, whoever asks?
///
/// # Safety
/// `entry` must be a range table entry.
pub unsafe fn is_registered(entry: *const pg_sys::RangeTblEntry) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION
            && !matches!(registry::protected((*entry).relid), Ok(None))
    }
}

/// Marks an entry as seen; `columns` are those that are masked.
///
/// # Safety
/// `entry` must be a range table entry.
pub unsafe fn mark_as_seen(entry: *mut pg_sys::RangeTblEntry, columns: &[i16]) {
    let mut mark = MARK.to_owned();
    if !columns.is_empty() {
        let columns: Vec<String> = columns.iter().map(i16::to_string).collect();
        // SAFETY: by the caller's promise.
        let table = unsafe { (*entry).relid };
        mark.push_str(&format!(" {}:{}", table.to_u32(), columns.join(",")));
    }
    let mark = CString::new(mark).unwrap_or_default();
    // SAFETY: by the caller's promise; the name is copied into the current memory context.
    unsafe { (*entry).enrname = pg_sys::pstrdup(mark.as_ptr()) };
}

/// Refuses to write to a relation whose trigger, or that of a partition which may take the row, is not as `protect` made it.
///
/// # Safety
/// `entry` must be a range table entry.
pub unsafe fn check_target(entry: *const pg_sys::RangeTblEntry) -> Result<()> {
    // SAFETY: by the caller's promise.
    let Some(protected) = (unsafe { enforced(entry)? }) else {
        return Ok(());
    };
    match protected.without_trigger() {
        None => Ok(()),
        Some(relation) => Err(not_ready(
            relation,
            "the trigger zzz_fhir_access",
            "is missing, disabled or not fhir_access's own",
        )),
    }
}
