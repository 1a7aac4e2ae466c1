//! What the owner of a table has put on it besides: restrictive policies of its own, which narrow what a `SELECT` finds. The
//! functions that find a row past row security ask them of that row, as whoever calls.

use crate::error::{Error, Result};
use crate::hooks::row_security;
use crate::node::relation::OpenRelation;
use pgrx::PgList;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use std::ffi::CStr;

/// The name of the row in these conditions.
const ROW: &CStr = c"r";

/// The restrictive policies of a table that hold for what the current user reads.
pub struct Narrowed {
    /// Each as a condition on the row, written for the current `search_path`.
    conditions: Vec<String>,
    row_type: pg_sys::Oid,
}

impl Narrowed {
    /// No policies.
    pub fn by_nothing() -> Narrowed {
        Narrowed {
            conditions: Vec::new(),
            row_type: pg_sys::InvalidOid,
        }
    }

    /// Those of `relation`.
    pub fn of(relation: pg_sys::Oid) -> Narrowed {
        let open = OpenRelation::open(relation);
        // SAFETY: the policies of an open relation stay while it is open; deparsing only reads them.
        unsafe {
            let Some(policies) = (*open.as_ptr()).rd_rsdesc.as_ref() else {
                return Narrowed::by_nothing();
            };
            let conditions = PgList::<pg_sys::RowSecurityPolicy>::from_pg(policies.policies)
                .iter_ptr()
                .filter(|policy| {
                    let policy = &**policy;
                    !policy.permissive
                        && [b'*', b'r'].contains(&(policy.polcmd as u8))
                        && !policy.qual.is_null()
                        && !row_security::is_marker(policy.qual.cast())
                        && is_for_current_user(policy)
                })
                .map(|policy| {
                    let context = pg_sys::deparse_context_for(ROW.as_ptr(), relation);
                    let text =
                        pg_sys::deparse_expression((*policy).qual.cast(), context, true, false);
                    CStr::from_ptr(text).to_string_lossy().into_owned()
                })
                .collect();
            Narrowed {
                conditions,
                row_type: (*(*open.as_ptr()).rd_rel).reltype,
            }
        }
    }

    /// Is there nothing to ask?
    pub fn is_nothing(&self) -> bool {
        self.conditions.is_empty()
    }

    /// May the current user see this row of the table, as far as its policies go?
    pub fn permits(&self, row: pg_sys::Datum) -> Result<bool> {
        if self.is_nothing() {
            return Ok(true);
        }
        let query = format!(
            "SELECT (({})) IS TRUE FROM pg_catalog.unnest(ARRAY[$1]) AS {}",
            self.conditions.join(") AND ("),
            ROW.to_string_lossy()
        );
        Spi::connect(|client| {
            // SAFETY: the datum is a row of this type.
            let row = unsafe { DatumWithOid::new(row, self.row_type) };
            client.select(&query, Some(1), &[row])?.first().get(1)
        })
        .map(|permitted| permitted.unwrap_or(false))
        .map_err(|error| Error::Internal(error.to_string()))
    }
}

/// # Safety
/// The roles of the policy must be an array of OIDs.
unsafe fn is_for_current_user(policy: &pg_sys::RowSecurityPolicy) -> bool {
    // SAFETY: by the caller's promise; role 0 is everybody.
    unsafe {
        let user = pg_sys::GetUserId();
        let roles = Vec::<pg_sys::Oid>::from_datum(pg_sys::Datum::from(policy.roles), false);
        roles
            .unwrap_or_default()
            .into_iter()
            .any(|role| role == pg_sys::InvalidOid || pg_sys::has_privs_of_role(user, role))
    }
}
