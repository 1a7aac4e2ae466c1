//! `MERGE`: what an action that leaves the resource alone, or a column derived from it, says of it.
//!
//! Where another action of the statement sets the resource, PostgreSQL tells the triggers of each row that it is set. So that
//! nobody has to guess then whether a hidden field was sent, such an action sets it to what its user can read of it.

use super::Rewriter;
use crate::node::relation::Column;
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::CString;

impl Rewriter {
    /// Has each updating action of a `MERGE` set the resource, if one of them does and something of it may be hidden.
    ///
    /// # Safety
    /// `query` must be the query on top of the levels, not rewritten yet.
    pub(super) unsafe fn complete_merge(&self, query: *mut pg_sys::Query) {
        // SAFETY: by the caller's promise; the list holds MergeAction nodes, whose target lists hold TargetEntry nodes.
        unsafe {
            if (*query).commandType != pg_sys::CmdType::CMD_MERGE {
                return;
            }
            let target = (*query).resultRelation;
            let place = usize::try_from(target).unwrap_or(0).wrapping_sub(1);
            let Some(mask) = self
                .levels
                .last()
                .and_then(|level| level.masks.get(place))
                .and_then(Option::as_ref)
            else {
                return;
            };
            let updates: Vec<_> = PgList::<pg_sys::MergeAction>::from_pg((*query).mergeActionList)
                .iter_ptr()
                .filter(|action| (**action).commandType == pg_sys::CmdType::CMD_UPDATE)
                .collect();
            for column in mask.written_columns() {
                let (setting, others): (Vec<_>, Vec<_>) = updates
                    .iter()
                    .copied()
                    .partition(|action| sets((**action).targetList, column.number));
                if !setting.is_empty() {
                    others
                        .into_iter()
                        .for_each(|action| set_to_itself(action, target, column));
                }
            }
        }
    }
}

/// Adds to an action that it sets a column to what is there.
///
/// # Safety
/// `action` must be a MergeAction of the query that has `target` among its range table entries, with this column.
unsafe fn set_to_itself(action: *mut pg_sys::MergeAction, target: i32, column: &Column) {
    // SAFETY: by the caller's promise; the nodes are new.
    unsafe {
        let name = CString::new(column.name.as_str()).unwrap_or_default();
        let collation = pg_sys::get_typcollation(column.type_oid);
        let variable = pg_sys::makeVar(target, column.number, column.type_oid, -1, collation, 0);
        let entry = pg_sys::makeTargetEntry(
            variable.cast(),
            column.number,
            pg_sys::pstrdup(name.as_ptr()),
            false,
        );
        (*action).targetList = pg_sys::lappend((*action).targetList, entry.cast());
    }
}

/// Is the column with this number among those that a target list sets?
///
/// # Safety
/// `list` must be a target list.
unsafe fn sets(list: *mut pg_sys::List, number: i16) -> bool {
    // SAFETY: by the caller's promise.
    unsafe {
        PgList::<pg_sys::TargetEntry>::from_pg(list)
            .iter_ptr()
            .any(|entry| !(*entry).resjunk && (*entry).resno == number)
    }
}
