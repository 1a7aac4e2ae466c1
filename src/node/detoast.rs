//! Values of variable length outside of their storage, without calling PostgreSQL where they are already: each call sets up where an
//! error would jump to, which takes longer than to look at a short text.

use pgrx::prelude::*;

/// The value with a header of four bytes: itself, or a copy in the current memory context.
///
/// # Safety
/// `datum` must be a value of variable length, not NULL.
pub unsafe fn whole(datum: pg_sys::Datum) -> *mut pg_sys::varlena {
    let stored = datum.cast_mut_ptr::<pg_sys::varlena>();
    // SAFETY: by the caller's promise; every such value has a header.
    unsafe {
        if pgrx::varatt_is_4b_u(stored) {
            stored
        } else {
            pg_sys::pg_detoast_datum(stored)
        }
    }
}

/// The value with a header of four bytes or of one: itself, or a copy in the current memory context.
///
/// # Safety
/// As above.
pub unsafe fn packed(datum: pg_sys::Datum) -> *mut pg_sys::varlena {
    let stored = datum.cast_mut_ptr::<pg_sys::varlena>();
    // SAFETY: as above.
    unsafe {
        let is_short = pgrx::varatt_is_1b(stored) && !pgrx::varatt_is_1b_e(stored);
        if is_short || pgrx::varatt_is_4b_u(stored) {
            stored
        } else {
            pg_sys::pg_detoast_datum_packed(stored)
        }
    }
}
