//! Portals that keep rows of their own (`WITH HOLD` after its commit, `RETURNING` after its first fetch), which the
//! executor's fence no longer sees.
//!
//! When the session's context changes they are switched off at once: to PostgreSQL such a portal "cannot be run". When
//! the context that one was made for is back, it is switched on again.

use crate::session::{self, Fingerprint};
use pgrx::pg_sys;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};

struct Kept {
    name: CString,
    fingerprint: Fingerprint,
    switched_off: bool,
}

thread_local! {
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
    static UNSETTLED: Cell<bool> = const { Cell::new(false) };
}

/// Remembers the portal that is being run, when it will keep rows of a plan with this fence.
pub fn remember(fingerprint: Fingerprint) {
    // SAFETY: the active portal is null or valid, and its name is a C string.
    unsafe {
        let Some(portal) = pg_sys::ActivePortal.as_ref() else {
            return;
        };
        let holds = portal.cursorOptions & pg_sys::CURSOR_OPT_HOLD as i32 != 0;
        if !holds && portal.strategy == pg_sys::PortalStrategy::PORTAL_ONE_SELECT {
            return;
        }
        let name = CStr::from_ptr(portal.name).to_owned();
        KEPT.with_borrow_mut(|kept| {
            kept.retain(|known| known.name != name && !find(&known.name).is_null());
            kept.push(Kept {
                name,
                fingerprint,
                switched_off: false,
            });
        });
    }
}

/// The context changed: nothing that was kept may come out, until [`settle`] has looked at it.
pub fn switch_off() {
    UNSETTLED.set(true);
    KEPT.with(|kept| {
        if let Ok(mut kept) = kept.try_borrow_mut() {
            kept.iter_mut().for_each(|portal| portal.switch(false));
        }
    });
}

/// Switches on again what was made for the context that the session has now.
pub fn settle() {
    if !UNSETTLED.get() || KEPT.with_borrow(Vec::is_empty) {
        return;
    }
    let current = session::current().ok().map(|session| session.fingerprint);
    KEPT.with_borrow_mut(|kept| {
        kept.retain(|portal| !find(&portal.name).is_null());
        for portal in kept {
            portal.switch(current == Some(portal.fingerprint));
        }
    });
    UNSETTLED.set(false);
}

/// Was the portal of this name switched off?
pub fn is_switched_off(name: &CStr) -> bool {
    KEPT.with_borrow(|kept| {
        kept.iter()
            .any(|portal| portal.name.as_c_str() == name && portal.switched_off)
    })
}

impl Kept {
    /// Only between "ready" and "failed": a portal that is running, or done, stays as it is.
    fn switch(&mut self, on: bool) {
        // SAFETY: found by name just now; a portal's status is a plain field.
        unsafe {
            let portal = find(&self.name);
            if portal.is_null() {
                return;
            }
            if on && self.switched_off && (*portal).status == pg_sys::PortalStatus::PORTAL_FAILED {
                (*portal).status = pg_sys::PortalStatus::PORTAL_READY;
                self.switched_off = false;
            } else if !on && (*portal).status == pg_sys::PortalStatus::PORTAL_READY {
                (*portal).status = pg_sys::PortalStatus::PORTAL_FAILED;
                self.switched_off = true;
            }
        }
    }
}

fn find(name: &CStr) -> pg_sys::Portal {
    // SAFETY: a look-up in the backend's own table.
    unsafe { pg_sys::GetPortalByName(name.as_ptr()) }
}
