//! `WITH CHECK`: what must be true of the rows that a statement leaves behind.

use super::{Rewriter, entry, is_of_row_security};
use crate::error::{OrRaise, Result};
use crate::hooks::{mark, row_security};
use crate::node::tree;
use access_policy::Interaction;
use pgrx::PgList;
use pgrx::prelude::*;
use std::ffi::CStr;

impl Rewriter {
    /// `WITH CHECK`: of row security over the stored row; of a view, also of the row that an upsert finds, over the masked one.
    ///
    /// # Safety
    /// `query` must be the query on top of the levels.
    pub(super) unsafe fn checks(&mut self, query: *mut pg_sys::Query) {
        // SAFETY: the list holds WithCheckOption nodes.
        unsafe {
            let target = usize::try_from((*query).resultRelation)
                .unwrap_or(0)
                .saturating_sub(1);
            for check in
                PgList::<pg_sys::WithCheckOption>::from_pg((*query).withCheckOptions).iter_ptr()
            {
                let policy = (*check).polname;
                if !policy.is_null() && CStr::from_ptr(policy) == row_security::SEARCH_POLICY {
                    // Made to find stored rows by an index; here it judges a new one.
                    self.complete(query, check, Interaction::Search).or_raise();
                    continue;
                }
                if self.is_open(query, check).or_raise() {
                    let interaction = match (*check).kind {
                        pg_sys::WCOKind::WCO_RLS_INSERT_CHECK => Interaction::Create,
                        pg_sys::WCOKind::WCO_RLS_UPDATE_CHECK => Interaction::Update,
                        // Of a stored row that is to be changed.
                        _ => Interaction::Search,
                    };
                    self.complete(query, check, interaction).or_raise();
                    continue;
                }
                (*check).qual = if is_of_row_security((*check).kind) {
                    self.unmasked(target, (*check).qual)
                } else {
                    tree::mutate((*check).qual, self)
                };
            }
            drop_repeated(query);
        }
    }

    /// Is it a check of ours that row security's hook has left closed, or one on a table of all types?
    ///
    /// # Safety
    /// `check` must be a check on the target of `query`.
    unsafe fn is_open(
        &mut self,
        query: *mut pg_sys::Query,
        check: *const pg_sys::WithCheckOption,
    ) -> Result<bool> {
        // SAFETY: by the caller's promise.
        unsafe {
            match mark::of((*check).qual) {
                None => return Ok(false),
                Some(mark::OPEN) => return Ok(true),
                Some(_) => {}
            }
            let place = usize::try_from((*query).resultRelation)
                .unwrap_or(0)
                .saturating_sub(1);
            let Some(entry) = tree::range_table((*query).rtable).get(place).copied() else {
                return Ok(false);
            };
            let protected = entry::enforced(entry)?;
            Ok(protected.is_some_and(|protected| protected.one_type().is_none()))
        }
    }

    /// Makes a check anew: one of what is returned, which must find references in irregular form too, or one that was left closed.
    ///
    /// # Safety
    /// `check` must be a check of row security on the target of `query`, which must be on top of the levels.
    unsafe fn complete(
        &mut self,
        query: *mut pg_sys::Query,
        check: *mut pg_sys::WithCheckOption,
        interaction: Interaction,
    ) -> Result<()> {
        // SAFETY: by the caller's promise; the expression is new.
        unsafe {
            let number = (*query).resultRelation;
            let place = usize::try_from(number).unwrap_or(0).saturating_sub(1);
            let Some(entry) = tree::range_table((*query).rtable).get(place).copied() else {
                return Ok(());
            };
            if let Some(protected) = entry::enforced(entry)? {
                let session = self.session()?;
                let types = self
                    .levels
                    .last()
                    .and_then(|level| level.written.as_deref());
                let qual = row_security::written_qual(&session, &protected, interaction, types)?;
                pg_sys::ChangeVarNodes(qual, 1, number, 0);
                (*check).qual = qual;
            }
            Ok(())
        }
    }
}

/// Drops the check that what is returned may be read, where it asks of the same row what another check asks before it.
///
/// # Safety
/// `query` must be a query that may be scribbled on.
unsafe fn drop_repeated(query: *mut pg_sys::Query) {
    // SAFETY: by the caller's promise; the list holds WithCheckOption nodes, whose names are C strings or null.
    unsafe {
        let checks = PgList::<pg_sys::WithCheckOption>::from_pg((*query).withCheckOptions);
        let all: Vec<*mut pg_sys::WithCheckOption> = checks.iter_ptr().collect();
        let is_of_search = |check: *const pg_sys::WithCheckOption| {
            let policy = (*check).polname;
            is_of_row_security((*check).kind)
                && !policy.is_null()
                && CStr::from_ptr(policy) == row_security::SEARCH_POLICY
        };
        let condition = |check: *const pg_sys::WithCheckOption| {
            let qual = (*check).qual;
            mark::marked(qual).unwrap_or(qual)
        };
        let is_repeated = |place: usize, check: *const pg_sys::WithCheckOption| {
            is_of_search(check)
                && all.iter().take(place).any(|before| {
                    !is_of_search(*before)
                        && (**before).kind == (*check).kind
                        && pg_sys::equal(condition(*before).cast(), condition(check).cast())
                })
        };
        if !all.iter().any(|check| is_of_search(*check)) {
            return;
        }
        let mut left = std::ptr::null_mut();
        for (place, check) in all.iter().enumerate() {
            if !is_repeated(place, *check) {
                left = pg_sys::lappend(left, (*check).cast());
            }
        }
        (*query).withCheckOptions = left;
    }
}
