//! What plans depend on beside the statement, the session's context and the catalogs: settings.

use crate::node::quick::Mixer;
use crate::node::quiet;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::hash::Hasher;

/// The settings that are looked at, found once, with the values that they had last.
#[derive(Default)]
struct Watched {
    /// How many settings there were at all then.
    count: i32,
    bools: Vec<(*const bool, bool)>,
    numbers: Vec<(*const i32, i32)>,
    reals: Vec<(*const f64, u64)>,
    texts: Vec<(*const *mut c_char, Option<CString>)>,
    /// A number for these values.
    number: u64,
}

thread_local! {
    static WATCHED: RefCell<Watched> = RefCell::default();
}

/// A number for the settings, and where names are looked up, as they are: equal where they are equal.
pub fn settings() -> u64 {
    let mut mixer = Mixer::default();
    // The first table of its own that a session creates puts a schema before all others, of which no setting tells.
    let (mut temporary, mut toast) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
    // SAFETY: reads the backend's state.
    unsafe { quiet::temporary_schemas(&mut temporary, &mut toast) };
    mixer.write_u32(temporary.to_u32());
    WATCHED.with_borrow_mut(|watched| {
        let count = quiet::number_of_settings();
        // SAFETY: what is watched lives as long as the backend.
        unsafe {
            if watched.count != count {
                *watched = Watched::of(count);
            } else if !watched.is_current() {
                watched.look();
            }
        }
        mixer.write_u64(watched.number);
    });
    mixer.finish()
}

impl Watched {
    /// # Safety
    /// So many settings must be there.
    unsafe fn of(count: i32) -> Self {
        let mut watched = Watched {
            count,
            ..Watched::default()
        };
        // SAFETY: by the caller's promise.
        unsafe {
            let all = std::slice::from_raw_parts(
                pg_sys::get_guc_variables(),
                usize::try_from(count).unwrap_or(0),
            );
            for setting in all.iter().filter(|setting| is_watched(**setting)) {
                watched.watch(*setting);
            }
            watched.look();
        }
        watched
    }

    /// # Safety
    /// `setting` must be a setting.
    unsafe fn watch(&mut self, setting: *mut pg_sys::config_generic) {
        use pg_sys::config_type as kind;
        // SAFETY: by the caller's promise: the type says which structure begins with it, and each points to its variable.
        unsafe {
            match (*setting).vartype {
                kind::PGC_BOOL => {
                    let setting = &*setting.cast::<pg_sys::config_bool>();
                    self.bools.push((setting.variable, false));
                }
                kind::PGC_INT => {
                    let setting = &*setting.cast::<pg_sys::config_int>();
                    self.numbers.push((setting.variable, 0));
                }
                kind::PGC_REAL => {
                    let setting = &*setting.cast::<pg_sys::config_real>();
                    self.reals.push((setting.variable, 0));
                }
                kind::PGC_ENUM => {
                    let setting = &*setting.cast::<pg_sys::config_enum>();
                    self.numbers.push((setting.variable, 0));
                }
                _ => {
                    let setting = &*setting.cast::<pg_sys::config_string>();
                    self.texts.push((setting.variable, None));
                }
            }
        }
    }

    /// Are the values what they were last? Nearly always they are, and to compare them takes less than to mix them.
    ///
    /// # Safety
    /// What is watched must be there.
    unsafe fn is_current(&self) -> bool {
        // SAFETY: by the caller's promise.
        unsafe {
            let bools = self.bools.iter();
            let numbers = self.numbers.iter();
            let reals = self.reals.iter();
            let texts = self.texts.iter();
            bools.fold(true, |same, (now, last)| same & (**now == *last))
                && numbers.fold(true, |same, (now, last)| same & (**now == *last))
                && reals.fold(true, |same, (now, last)| {
                    same & ((**now).to_bits() == *last)
                })
                && texts.fold(true, |same, (now, last)| {
                    same & (text(*now) == last.as_deref())
                })
        }
    }

    /// # Safety
    /// What is watched must be there.
    unsafe fn look(&mut self) {
        let mut mixer = Mixer::default();
        // SAFETY: by the caller's promise.
        unsafe {
            for (now, last) in &mut self.bools {
                *last = **now;
                mixer.write_u8(u8::from(*last));
            }
            for (now, last) in &mut self.numbers {
                *last = **now;
                mixer.write_i32(*last);
            }
            for (now, last) in &mut self.reals {
                *last = (**now).to_bits();
                mixer.write_u64(*last);
            }
            for (now, last) in &mut self.texts {
                *last = text(*now).map(CStr::to_owned);
                match last {
                    Some(last) => mixer.write(last.to_bytes_with_nul()),
                    None => mixer.write_u8(1),
                }
            }
        }
        self.number = mixer.finish();
    }
}

/// # Safety
/// `variable` must be one that holds a setting's text, if any.
unsafe fn text<'a>(variable: *const *mut c_char) -> Option<&'a CStr> {
    // SAFETY: by the caller's promise.
    unsafe { (!(*variable).is_null()).then(|| CStr::from_ptr(*variable)) }
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
            group::DEVELOPER_OPTIONS => name == b"force_parallel_mode",
            _ => false,
        }
    }
}
