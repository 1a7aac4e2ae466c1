//! Who is asking, as far as it is known already: nothing here reads a document or raises an error.

use crate::{session, settings};
use audit_event::Actor;
use pgrx::prelude::*;
use std::cell::OnceCell;
use std::ffi::{CStr, c_char};

/// The one on whose behalf something is done as the database role `role`.
pub fn actor(role: pg_sys::Oid) -> Actor {
    // SAFETY: reads the backend's state.
    let session_role = unsafe { pg_sys::GetSessionUserId() };
    let role_name = name_of_role(role);
    let session_role = if session_role == role {
        role_name.clone()
    } else {
        name_of_role(session_role)
    };
    let mut actor = Actor {
        membership: None,
        profile: None,
        role: role_name,
        session_role,
        // SAFETY: a setting of PostgreSQL's, null or a C string.
        application: unsafe { text(pg_sys::application_name) },
        address: None,
        database: database(),
    };
    let setting = settings::membership();
    match session::known().filter(|_| !setting.trim().is_empty()) {
        Some(session) => {
            actor.membership = Some(match &session.access.membership {
                Some(id) => label(id),
                None => MEMBERSHIP.to_owned(),
            });
            actor.profile.clone_from(&session.access.profile);
            actor.address = session.client_ip;
        }
        None => {
            actor.membership = in_setting(setting.trim());
            actor.address = session::client_address();
        }
    }
    actor
}

const MEMBERSHIP: &str = "ProjectMembership";

/// The membership that the setting names, before it is looked for. Of a whole document only that it is one.
fn in_setting(setting: &str) -> Option<String> {
    match setting
        .strip_prefix("ProjectMembership/")
        .unwrap_or(setting)
    {
        "" => None,
        document if document.starts_with('{') => Some(MEMBERSHIP.to_owned()),
        id => Some(label(id)),
    }
}

fn label(id: &str) -> String {
    format!("{MEMBERSHIP}/{id}")
}

fn name_of_role(role: pg_sys::Oid) -> String {
    // SAFETY: a catalog look-up, in a transaction; null where the role is gone.
    let name = unsafe {
        if pg_sys::IsTransactionState() {
            text(pg_sys::GetUserNameFromId(role, true))
        } else {
            String::new()
        }
    };
    if name.is_empty() {
        role.to_u32().to_string()
    } else {
        name
    }
}

thread_local! {
    static DATABASE: OnceCell<String> = const { OnceCell::new() };
}

/// The name of the database. It stays as long as somebody is connected.
fn database() -> String {
    DATABASE.with(|known| {
        if let Some(name) = known.get() {
            return name.clone();
        }
        // SAFETY: a catalog look-up, in a transaction.
        let name = unsafe {
            if !pg_sys::IsTransactionState() {
                return String::new();
            }
            text(pg_sys::get_database_name(pg_sys::MyDatabaseId))
        };
        known.get_or_init(|| name).clone()
    })
}

/// # Safety
/// `text` must be null or a C string.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: by the caller's promise.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}
