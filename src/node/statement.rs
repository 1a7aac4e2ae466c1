//! Which statement the executor runs now, and for whom: a note that hangs in PostgreSQL's stack of error callbacks while it
//! runs, because PostgreSQL itself puts that stack right whenever an error is caught.

use super::{quiet, row_security_error, withheld_error};
use crate::session::Fingerprint;
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};
use std::ffi::c_void;

thread_local! {
    static NEXT: Cell<u32> = const { Cell::new(1) };
    /// The statement whose row holds what its writer may not see, from our trigger until the next row.
    static HOLDING: Cell<Option<u32>> = const { Cell::new(None) };
    /// Which running statements were made for which session context.
    static FENCES: RefCell<Vec<(u32, Fingerprint)>> = const { RefCell::new(Vec::new()) };
}

/// What is known of a running statement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// The user that it runs as.
    pub user: pg_sys::Oid,
    /// Tells it from others of this session: later ones have greater numbers, and so have those that its triggers run.
    pub number: u32,
    /// Does it do `INSERT … ON CONFLICT DO UPDATE`, and no other writing?
    pub is_upsert: bool,
}

/// Numbers have 31 bits; the next one says whether it is an upsert.
const NUMBER: u32 = u32::MAX >> 1;

/// A note of the statement that starts now, to hang on top of `previous`; `fence` is the context that it was made for.
pub fn note(
    is_upsert: bool,
    fence: Option<Fingerprint>,
    previous: *mut pg_sys::ErrorContextCallback,
) -> pg_sys::ErrorContextCallback {
    let number = NEXT.replace((NEXT.get() & NUMBER).wrapping_add(1) & NUMBER);
    if let Some(fence) = fence {
        FENCES.with_borrow_mut(|fences| {
            fences.retain(|(number, _)| is_running(*number));
            fences.push((number, fence));
        });
    }
    let number = if is_upsert { number | !NUMBER } else { number };
    let user = quiet::user().to_u32();
    let both = (u64::from(number) << 32) | u64::from(user);
    let argument = std::ptr::without_provenance_mut(usize::try_from(both).unwrap_or(usize::MAX));
    pg_sys::ErrorContextCallback {
        previous,
        callback: Some(called),
        arg: argument,
    }
}

/// Explains what PostgreSQL says of our policies, and nothing else. Its address tells a note from other callbacks. The
/// compiler may merge functions that do the same, so this one does something that no other does.
unsafe extern "C-unwind" fn called(argument: *mut c_void) {
    std::hint::black_box(("fhir_access: a running statement", argument));
    // SAFETY: called by PostgreSQL while a report is being finished.
    unsafe {
        row_security_error::explain();
        if HOLDING.get() == Some(number_of(argument) & NUMBER) && withheld_error::may_quote() {
            let holding = HOLDING.take();
            withheld_error::withhold();
            HOLDING.set(holding);
        }
    }
}

/// Says whether the row that the innermost statement is about to store holds what its writer may not see, and an error of the
/// table's own expressions would show it.
pub fn hold(hidden: bool) {
    let holding = hidden.then(running).flatten();
    HOLDING.set(holding.map(|running| running.number));
}

/// The upper half of a note.
fn number_of(note: *mut c_void) -> u32 {
    let both = u64::try_from(note.addr()).unwrap_or(0);
    u32::try_from(both >> 32).unwrap_or(0)
}

/// The innermost statement that is not a foreign key's own; `None` outside of all (deferred checks at COMMIT).
pub fn running() -> Option<Running> {
    notes().next()
}

/// The context that the innermost statement was made for; `None` where it was made for any, or none is running.
pub fn fence() -> Option<Fingerprint> {
    let number = running()?.number;
    FENCES.with_borrow(|fences| {
        let is_its = |(of, _): &&(u32, Fingerprint)| *of == number;
        fences.iter().rev().find(is_its).map(|(_, fence)| *fence)
    })
}

/// Is the statement of this number still running, as the innermost or around it?
pub fn is_running(number: u32) -> bool {
    notes().any(|running| running.number == number)
}

/// The running statements, the innermost first.
fn notes() -> impl Iterator<Item = Running> {
    // SAFETY: the stack is a list of callbacks, each alive as long as it hangs there.
    let mut callback = unsafe { pg_sys::error_context_stack };
    std::iter::from_fn(move || {
        // SAFETY: as above.
        while let Some(entry) = unsafe { callback.as_ref() } {
            callback = entry.previous;
            let called = called as unsafe extern "C-unwind" fn(*mut c_void);
            if entry
                .callback
                .is_some_and(|found| std::ptr::fn_addr_eq(found, called))
            {
                let both = u64::try_from(entry.arg.addr()).unwrap_or(0);
                let user = u32::try_from(both & u64::from(u32::MAX)).unwrap_or(0);
                let number = number_of(entry.arg);
                return Some(Running {
                    user: pg_sys::Oid::from(user),
                    number: number & NUMBER,
                    is_upsert: number & !NUMBER != 0,
                });
            }
        }
        None
    })
}
