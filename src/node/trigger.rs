//! Is the trigger that enforces writes where it must be?

use super::relation::OpenRelation;
use crate::catalog::catalog;
use pgrx::prelude::*;
use std::ffi::CStr;

/// The name of the row trigger on protected tables: late in the alphabet, so that it fires after the user's own.
pub const NAME: &CStr = c"zzz_fhir_access";

/// `BEFORE INSERT OR UPDATE OR DELETE … FOR EACH ROW`, as `pg_trigger.tgtype` has it.
const BEFORE_EVERY_ROW: i32 = (pg_sys::TRIGGER_TYPE_ROW
    | pg_sys::TRIGGER_TYPE_BEFORE
    | pg_sys::TRIGGER_TYPE_INSERT
    | pg_sys::TRIGGER_TYPE_UPDATE
    | pg_sys::TRIGGER_TYPE_DELETE) as i32;

/// Is this the function of our schema?
fn is_ours(function: pg_sys::Oid) -> bool {
    // SAFETY: look-ups by OID; the name is a C string or null.
    unsafe {
        let name = pg_sys::get_func_name(function);
        !name.is_null()
            && CStr::from_ptr(name) == c"enforce_write"
            && catalog()
                .is_some_and(|catalog| pg_sys::get_func_namespace(function) == catalog.schema)
    }
}

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
                    && i32::from(trigger.tgtype) == BEFORE_EVERY_ROW
                    && trigger.tgqual.is_null()
                    && trigger.tgnattr == 0
                    && is_ours(trigger.tgfoid)
            })
    }
}
