//! Is the trigger that enforces writes where it must be?

use super::relation::OpenRelation;
use pgrx::prelude::*;
use std::ffi::CStr;

/// The name of the row trigger on protected tables: late in the alphabet, so that it fires after the user's own.
pub const NAME: &CStr = c"zzz_fhir_access";

/// Does `relation` have the trigger, firing always?
pub fn is_active(relation: pg_sys::Oid) -> bool {
    let open = OpenRelation::open(relation);
    // SAFETY: the descriptor of an open relation holds numtriggers triggers.
    unsafe {
        let Some(descriptor) = (*open.as_ptr()).trigdesc.as_ref() else {
            return false;
        };
        let count = usize::try_from(descriptor.numtriggers).unwrap_or(0);
        std::slice::from_raw_parts(descriptor.triggers, count)
            .iter()
            .any(|trigger| {
                CStr::from_ptr(trigger.tgname) == NAME
                    && trigger.tgenabled == pg_sys::TRIGGER_FIRES_ALWAYS as std::ffi::c_char
            })
    }
}
