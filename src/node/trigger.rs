//! Is the trigger that enforces writes where it must be?

use super::scan;
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

/// Does `relation` have the trigger, firing always, on everything? Read from the catalog, without a lock on the relation.
pub fn is_active(relation: pg_sys::Oid) -> bool {
    let active = scan::trigger(relation, NAME, |columns| {
        let column = |attribute: u32| {
            let place = usize::try_from(attribute).ok()?.checked_sub(1)?;
            columns.get(place).copied().flatten()
        };
        // SAFETY: the columns have the types that pg_trigger gives them.
        unsafe {
            let function = pg_sys::Oid::from_datum(column(pg_sys::Anum_pg_trigger_tgfoid)?, false)?;
            let kind = i16::from_datum(column(pg_sys::Anum_pg_trigger_tgtype)?, false)?;
            let enabled = i8::from_datum(column(pg_sys::Anum_pg_trigger_tgenabled)?, false)?;
            let columns_named =
                column(pg_sys::Anum_pg_trigger_tgattr)?.cast_mut_ptr::<pg_sys::int2vector>();
            Some(
                enabled == pg_sys::TRIGGER_FIRES_ALWAYS as i8
                    && i32::from(kind) == BEFORE_EVERY_ROW
                    && column(pg_sys::Anum_pg_trigger_tgqual).is_none()
                    && (*columns_named).dim1 == 0
                    && is_ours(function),
            )
        }
    });
    active.flatten().unwrap_or(false)
}
