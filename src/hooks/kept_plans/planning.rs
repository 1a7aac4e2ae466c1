//! What plans depend on beside the statement, the session's context and the catalogs: settings.

use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::CStr;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The settings that are looked at, found once.
#[derive(Default)]
struct Watched {
    /// How many settings there were at all then.
    count: i32,
    settings: Vec<*mut pg_sys::config_generic>,
}

thread_local! {
    static WATCHED: RefCell<Watched> = RefCell::default();
}

/// A number for the settings as they are, equal where they are equal.
pub fn settings() -> u64 {
    let mut hasher = DefaultHasher::new();
    WATCHED.with_borrow_mut(|watched| {
        // SAFETY: the array holds as many settings as PostgreSQL says, each as its type tells; they live as long as the backend.
        unsafe {
            let count = pg_sys::GetNumConfigOptions();
            if watched.count != count {
                let all = std::slice::from_raw_parts(
                    pg_sys::get_guc_variables(),
                    usize::try_from(count).unwrap_or(0),
                );
                watched.count = count;
                watched.settings = all
                    .iter()
                    .copied()
                    .filter(|setting| is_watched(*setting))
                    .collect();
            }
            for setting in &watched.settings {
                hash(*setting, &mut hasher);
            }
        }
    });
    hasher.finish()
}

/// Those that PostgreSQL plans by, those that functions may be parsed by which it inlines, and our own.
///
/// # Safety
/// `setting` must be a setting.
unsafe fn is_watched(setting: *mut pg_sys::config_generic) -> bool {
    use pg_sys::config_group as group;
    // SAFETY: by the caller's promise; a setting has a name.
    unsafe {
        match (*setting).group {
            group::CUSTOM_OPTIONS => {
                // The first two are in the session's fingerprint; recording is no matter of plans, nor is how many are kept.
                const OTHERS: [&[u8]; 4] = [
                    b"fhir_access.membership",
                    b"fhir_access.client_ip",
                    b"fhir_access.audit",
                    b"fhir_access.kept_plans",
                ];
                let name = CStr::from_ptr((*setting).name).to_bytes();
                name.starts_with(b"fhir_access.") && !OTHERS.contains(&name)
            }
            group::RESOURCES_MEM
            | group::RESOURCES_ASYNCHRONOUS
            | group::QUERY_TUNING_METHOD
            | group::QUERY_TUNING_COST
            | group::QUERY_TUNING_GEQO
            | group::QUERY_TUNING_OTHER
            | group::CLIENT_CONN_STATEMENT
            | group::CLIENT_CONN_LOCALE
            | group::COMPAT_OPTIONS_PREVIOUS
            | group::COMPAT_OPTIONS_CLIENT
            | group::DEVELOPER_OPTIONS => true,
            _ => false,
        }
    }
}

/// # Safety
/// `setting` must be a setting.
unsafe fn hash(setting: *mut pg_sys::config_generic, hasher: &mut DefaultHasher) {
    use pg_sys::config_type as kind;
    // SAFETY: by the caller's promise: the type says which structure begins with it, and each points to its variable.
    unsafe {
        match (*setting).vartype {
            kind::PGC_BOOL => (*(*setting.cast::<pg_sys::config_bool>()).variable).hash(hasher),
            kind::PGC_INT => (*(*setting.cast::<pg_sys::config_int>()).variable).hash(hasher),
            kind::PGC_REAL => (*(*setting.cast::<pg_sys::config_real>()).variable)
                .to_bits()
                .hash(hasher),
            kind::PGC_ENUM => (*(*setting.cast::<pg_sys::config_enum>()).variable).hash(hasher),
            _ => {
                let value = *(*setting.cast::<pg_sys::config_string>()).variable;
                match value.is_null() {
                    true => 0_u8.hash(hasher),
                    false => CStr::from_ptr(value).hash(hasher),
                }
            }
        }
    }
}
