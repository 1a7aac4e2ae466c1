//! `MERGE`: what an action that leaves the resource alone says of it.
//!
//! Where another action of the statement sets the resource, PostgreSQL tells the triggers of each row that it is set. So that
//! nobody has to guess then whether a hidden field was sent, such an action sets it to what its user can read of it.

use super::Rewriter;
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
            let resource = mask.resource();
            let (setting, others): (Vec<_>, Vec<_>) =
                PgList::<pg_sys::MergeAction>::from_pg((*query).mergeActionList)
                    .iter_ptr()
                    .filter(|action| (**action).commandType == pg_sys::CmdType::CMD_UPDATE)
                    .partition(|action| sets((**action).targetList, resource.number));
            if setting.is_empty() {
                return;
            }
            let name = CString::new(resource.name.as_str()).unwrap_or_default();
            for action in others {
                let variable = pg_sys::makeVar(
                    target,
                    resource.number,
                    resource.type_oid,
                    -1,
                    pg_sys::InvalidOid,
                    0,
                );
                let entry = pg_sys::makeTargetEntry(
                    variable.cast(),
                    resource.number,
                    pg_sys::pstrdup(name.as_ptr()),
                    false,
                );
                (*action).targetList = pg_sys::lappend((*action).targetList, entry.cast());
            }
        }
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
