//! PostgreSQL's functions that raise no error and call nothing that could, and that are asked several times in each statement: called as
//! C would call them, without the guard that catches errors, which takes longer than they do.

use pgrx::pg_sys;
use std::ffi::{c_char, c_int};

unsafe extern "C" {
    /// The current user: a variable.
    #[link_name = "GetUserId"]
    pub safe fn user() -> pg_sys::Oid;

    /// Does what runs pass by row security? A bit of a variable.
    #[link_name = "InNoForceRLSOperation"]
    pub safe fn passes_by_row_security() -> bool;

    /// How many settings there are: a variable.
    #[link_name = "GetNumConfigOptions"]
    pub safe fn number_of_settings() -> c_int;

    /// The schemas of the session's own tables: two variables.
    #[link_name = "GetTempNamespaceState"]
    pub fn temporary_schemas(tables: *mut pg_sys::Oid, toast: *mut pg_sys::Oid);

    /// The portal of this name, or null: a look-up in the backend's table.
    #[link_name = "GetPortalByName"]
    pub fn portal(name: *const c_char) -> pg_sys::Portal;

    /// Counts a plan down, and frees it when nobody has it. With an owner it could raise an error.
    #[link_name = "ReleaseCachedPlan"]
    pub fn release(plan: *mut pg_sys::CachedPlan, owner: pg_sys::ResourceOwner);
}
