//! What plans depend on beside the statement, the session's context and the catalogs: settings.

use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::{CStr, c_char};
use std::hash::Hasher;

/// Where a setting's value is.
#[derive(Clone, Copy)]
enum Value {
    Bool(*const bool),
    Number(*const i32),
    Real(*const f64),
    Text(*const *mut c_char),
}

/// The settings that are looked at, found once.
#[derive(Default)]
struct Watched {
    /// How many settings there were at all then.
    count: i32,
    values: Vec<Value>,
}

thread_local! {
    static WATCHED: RefCell<Watched> = RefCell::default();
}

/// Mixes numbers quickly. Nothing that is found by it is taken for equal before it was compared, or else is no worse a plan than one
/// that was made a little earlier.
#[derive(Default)]
pub struct Mixer(u64);

impl Mixer {
    fn mix(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(26) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut number = [0; 8];
            for (to, from) in number.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.mix(u64::from_ne_bytes(number));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_i32(&mut self, number: i32) {
        self.mix(number.cast_unsigned().into());
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// A number for the settings, and where names are looked up, as they are: equal where they are equal.
pub fn settings() -> u64 {
    let mut mixer = Mixer::default();
    // The first table of its own that a session creates puts a schema before all others, of which no setting tells.
    let (mut temporary, mut toast) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
    // SAFETY: reads the backend's state.
    unsafe { pg_sys::GetTempNamespaceState(&mut temporary, &mut toast) };
    mixer.write_u32(temporary.to_u32());
    WATCHED.with_borrow_mut(|watched| {
        // SAFETY: the array holds as many settings as PostgreSQL says; what is watched lives as long as the backend.
        unsafe {
            let count = pg_sys::GetNumConfigOptions();
            if watched.count != count {
                let all = std::slice::from_raw_parts(
                    pg_sys::get_guc_variables(),
                    usize::try_from(count).unwrap_or(0),
                );
                watched.count = count;
                let watches = all.iter().filter(|setting| is_watched(**setting));
                watched.values = watches.map(|setting| value(*setting)).collect();
            }
            for value in &watched.values {
                match value {
                    Value::Bool(value) => mixer.write_u8(u8::from(**value)),
                    Value::Number(value) => mixer.write_i32(**value),
                    Value::Real(value) => mixer.write_u64((**value).to_bits()),
                    Value::Text(value) if (**value).is_null() => mixer.write_u8(1),
                    Value::Text(value) => mixer.write(CStr::from_ptr(**value).to_bytes_with_nul()),
                }
            }
        }
    });
    mixer.finish()
}

/// Those that PostgreSQL plans by, those that functions may be parsed by which it inlines, and our own.
///
/// # Safety
/// `setting` must be a setting.
unsafe fn is_watched(setting: *mut pg_sys::config_generic) -> bool {
    use pg_sys::config_group as group;
    // SAFETY: by the caller's promise; a setting has a name.
    unsafe {
        let name = CStr::from_ptr((*setting).name).to_bytes();
        match (*setting).group {
            group::CUSTOM_OPTIONS => {
                // The first two are in the session's fingerprint; recording is no matter of plans, nor is how many are kept.
                const OTHERS: [&[u8]; 4] = [
                    b"fhir_access.membership",
                    b"fhir_access.client_ip",
                    b"fhir_access.audit",
                    b"fhir_access.kept_plans",
                ];
                name.starts_with(b"fhir_access.") && !OTHERS.contains(&name)
            }
            group::RESOURCES_MEM
            | group::RESOURCES_ASYNCHRONOUS
            | group::QUERY_TUNING_METHOD
            | group::QUERY_TUNING_COST
            | group::QUERY_TUNING_GEQO
            | group::QUERY_TUNING_OTHER
            | group::CLIENT_CONN_LOCALE
            | group::COMPAT_OPTIONS_PREVIOUS
            | group::COMPAT_OPTIONS_CLIENT => true,
            group::CLIENT_CONN_STATEMENT => {
                const THESE: [&[u8]; 3] =
                    [b"search_path", b"row_security", b"session_replication_role"];
                THESE.contains(&name)
            }
            group::CLIENT_CONN_OTHER => name == b"gin_fuzzy_search_limit",
            group::DEVELOPER_OPTIONS => name == b"force_parallel_mode",
            _ => false,
        }
    }
}

/// # Safety
/// `setting` must be a setting.
unsafe fn value(setting: *mut pg_sys::config_generic) -> Value {
    use pg_sys::config_type as kind;
    // SAFETY: by the caller's promise: the type says which structure begins with it, and each points to its variable.
    unsafe {
        match (*setting).vartype {
            kind::PGC_BOOL => Value::Bool((*setting.cast::<pg_sys::config_bool>()).variable),
            kind::PGC_INT => Value::Number((*setting.cast::<pg_sys::config_int>()).variable),
            kind::PGC_REAL => Value::Real((*setting.cast::<pg_sys::config_real>()).variable),
            kind::PGC_ENUM => Value::Number((*setting.cast::<pg_sys::config_enum>()).variable),
            _ => Value::Text((*setting.cast::<pg_sys::config_string>()).variable),
        }
    }
}
