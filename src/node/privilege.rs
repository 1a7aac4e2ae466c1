//! Who is subject to policies, and the switch to the extension's owner.

use super::{relation, statement};
use crate::catalog::Catalog;
use pgrx::prelude::*;

/// Is the current user subject to policies on `relation`? Superusers and roles with BYPASSRLS are not, nor is
/// PostgreSQL itself while it checks a foreign key on the owner's behalf.
pub fn is_subject(relation: pg_sys::Oid) -> bool {
    // SAFETY: plain look-ups in the catalogs.
    unsafe {
        let user = pg_sys::GetUserId();
        if pg_sys::has_bypassrls_privilege(user) {
            return false;
        }
        !(pg_sys::InNoForceRLSOperation() && relation::owner(relation) == Some(user))
    }
}

/// Is `user` subject to policies at all?
pub fn role_is_subject(user: pg_sys::Oid) -> bool {
    // SAFETY: a look-up in the catalogs.
    user != pg_sys::InvalidOid && unsafe { !pg_sys::has_bypassrls_privilege(user) }
}

/// May the current user do what a table's owner may?
pub fn owns(relation: pg_sys::Oid) -> bool {
    // SAFETY: plain look-ups in the catalogs.
    unsafe {
        pg_sys::superuser()
            || relation::owner(relation)
                .is_some_and(|owner| pg_sys::has_privs_of_role(pg_sys::GetUserId(), owner))
    }
}

/// May the current user read a column of a table, as far as privileges say?
pub fn may_select(relation: pg_sys::Oid, column: i16) -> bool {
    let right = pg_sys::ACL_SELECT as pg_sys::AclMode;
    // SAFETY: plain look-ups in the catalogs.
    unsafe {
        let user = pg_sys::GetUserId();
        let granted = pg_sys::AclResult::ACLCHECK_OK;
        pg_sys::pg_class_aclcheck(relation, user, right) == granted
            || pg_sys::pg_attribute_aclcheck(relation, column, user, right) == granted
    }
}

/// May the current user update some column of a table, as far as privileges say?
pub fn may_update(relation: pg_sys::Oid) -> bool {
    let right = pg_sys::ACL_UPDATE as pg_sys::AclMode;
    // SAFETY: plain look-ups in the catalogs.
    unsafe {
        let user = pg_sys::GetUserId();
        let granted = pg_sys::AclResult::ACLCHECK_OK;
        pg_sys::pg_class_aclcheck(relation, user, right) == granted
            || pg_sys::pg_attribute_aclcheck_all(
                relation,
                user,
                right,
                pg_sys::AclMaskHow::ACLMASK_ANY,
            ) == granted
    }
}

/// Does PostgreSQL keep a foreign key just now? What it reaches then are rows that the writer may not see.
pub fn keeps_foreign_key() -> bool {
    // SAFETY: reads the backend's state.
    unsafe { pg_sys::InNoForceRLSOperation() }
}

/// Is the user on whose behalf a row is written subject to policies?
pub fn writer_is_subject() -> bool {
    // SAFETY: a look-up in the catalogs.
    unsafe { !pg_sys::has_bypassrls_privilege(writer()) }
}

/// The user on whose behalf a row is written. The rows that a foreign key's action reaches are written by the table's owner;
/// they count as written by the user whose statement started it.
pub fn writer() -> pg_sys::Oid {
    // SAFETY: reads the backend's state.
    unsafe {
        if pg_sys::InNoForceRLSOperation() {
            statement::running().map_or_else(|| pg_sys::GetOuterUserId(), |running| running.user)
        } else {
            pg_sys::GetUserId()
        }
    }
}

/// Another user for the length of a scope. The previous one comes back when this is dropped, or with the transaction
/// where an error is raised.
///
/// The `search_path` is PostgreSQL's own meanwhile, and the operation is a restricted one.
pub struct AsOwner {
    user: pg_sys::Oid,
    context: i32,
    settings: i32,
}

impl AsOwner {
    /// The extension's owner, for its own tables and for DDL: for nothing that could run code of a user's.
    pub fn of_extension(catalog: &Catalog) -> AsOwner {
        AsOwner::switch(catalog.owner, 0)
    }

    /// The owner of a user's table, past its row security, for reads that a decision needs. Planning them may run code
    /// that the owner attached to the table (expressions of indexes and statistics): with the owner's rights, then.
    pub fn of_table(relation: pg_sys::Oid) -> crate::error::Result<AsOwner> {
        let owner = relation::owner(relation)
            .ok_or_else(|| crate::error::Error::NoRelation(relation.to_u32()))?;
        Ok(AsOwner::switch(owner, pg_sys::SECURITY_NOFORCE_RLS as i32))
    }

    fn switch(owner: pg_sys::Oid, row_security: i32) -> AsOwner {
        let mut user = pg_sys::InvalidOid;
        let mut context = 0;
        // SAFETY: the pair is restored in drop; an abort of the (sub)transaction restores it too.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            let local = (context & !(pg_sys::SECURITY_NOFORCE_RLS as i32))
                | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32
                | pg_sys::SECURITY_RESTRICTED_OPERATION as i32
                | row_security;
            pg_sys::SetUserIdAndSecContext(owner, local);
            let settings = pg_sys::NewGUCNestLevel();
            pg_sys::set_config_option(
                c"search_path".as_ptr(),
                c"pg_catalog, pg_temp".as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
            AsOwner {
                user,
                context,
                settings,
            }
        }
    }
}

impl Drop for AsOwner {
    fn drop(&mut self) {
        // SAFETY: the values come from GetUserIdAndSecContext. While an error is on its way, the abort restores both.
        unsafe {
            if !std::thread::panicking() {
                pg_sys::AtEOXact_GUC(false, self.settings);
            }
            pg_sys::SetUserIdAndSecContext(self.user, self.context);
        }
    }
}
