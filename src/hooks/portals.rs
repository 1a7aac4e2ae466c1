//! Portals that keep rows of their own (`WITH HOLD` after its commit, `RETURNING` after its first fetch), which the
//! executor's fence no longer sees.
//!
//! When the session's context changes they are switched off at once: to PostgreSQL such a portal "cannot be run". When
//! the context that one was made for is back, it is switched on again.

use super::standard;
use crate::session::{self, Fingerprint};
use pgrx::pg_sys;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};

struct Kept {
    name: CString,
    /// With the name it tells a portal from a later one of the same name.
    created: pg_sys::TimestampTz,
    fingerprint: Fingerprint,
    switched_off: bool,
}

thread_local! {
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
    static UNSETTLED: Cell<bool> = const { Cell::new(false) };
}

/// Remembers the portal that is being run, when it will keep rows of a plan with this fence.
pub fn remember(fingerprint: Fingerprint) {
    // SAFETY: the active portal is null or valid.
    if let Some(portal) = unsafe { pg_sys::ActivePortal.as_ref() } {
        let holds = portal.cursorOptions & pg_sys::CURSOR_OPT_HOLD as i32 != 0;
        if holds || portal.strategy != pg_sys::PortalStrategy::PORTAL_ONE_SELECT {
            keep(portal, fingerprint);
        }
    }
}

/// Remembers the portal that runs a utility statement which returns rows of another (`EXECUTE`, `FETCH`, `CALL`,
/// `EXPLAIN`): it keeps them all.
pub fn remember_utility() {
    // SAFETY: as above.
    if let Some(portal) = unsafe { pg_sys::ActivePortal.as_ref() }
        && portal.strategy == pg_sys::PortalStrategy::PORTAL_UTIL_SELECT
        && let Ok(session) = session::current()
    {
        keep(portal, session.fingerprint);
    }
}

fn keep(portal: &pg_sys::PortalData, fingerprint: Fingerprint) {
    // SAFETY: a portal's name is a C string.
    let name = unsafe { CStr::from_ptr(portal.name) }.to_owned();
    KEPT.with_borrow_mut(|kept| {
        kept.retain(|known| known.name != name && !known.find().is_null());
        kept.push(Kept {
            name,
            created: portal.creation_time,
            fingerprint,
            switched_off: false,
        });
    });
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
        kept.retain(|portal| !portal.find().is_null());
        for portal in kept {
            portal.switch(current == Some(portal.fingerprint));
        }
    });
    UNSETTLED.set(false);
}

/// Was the portal of this name switched off?
pub fn is_switched_off(name: &CStr) -> bool {
    KEPT.with_borrow(|kept| {
        kept.iter().any(|portal| {
            portal.name.as_c_str() == name && portal.switched_off && !portal.find().is_null()
        })
    })
}

impl Kept {
    /// Only between "ready" and "failed", and only where the rows are stored already: then the portal's query is over,
    /// and nothing of PostgreSQL's handling of failed portals (PortalDrop, AtSubAbort_Portals) has resources to release
    /// that a fetch would need again. Before, the executor's fence does the work.
    fn switch(&mut self, on: bool) {
        let portal = self.find();
        // SAFETY: null, or a portal that was found just now; its status is a plain field.
        let Some(portal) = (unsafe { portal.as_mut() }) else {
            return;
        };
        if portal.holdStore.is_null() {
            return;
        }
        if on && self.switched_off && portal.status == pg_sys::PortalStatus::PORTAL_FAILED {
            portal.status = pg_sys::PortalStatus::PORTAL_READY;
            self.switched_off = false;
        } else if !on && portal.status == pg_sys::PortalStatus::PORTAL_READY {
            portal.status = pg_sys::PortalStatus::PORTAL_FAILED;
            // Where there is none, PostgreSQL is done with it (and would wonder at finding one).
            if portal.cleanup.is_some() {
                portal.cleanup = Some(clean_up);
            }
            self.switched_off = true;
        }
    }

    /// The portal, if it is still there.
    fn find(&self) -> pg_sys::Portal {
        // SAFETY: a look-up in the backend's own table.
        unsafe {
            let portal = pg_sys::GetPortalByName(self.name.as_ptr());
            if portal.is_null() || (*portal).creation_time != self.created {
                std::ptr::null_mut()
            } else {
                portal
            }
        }
    }
}

/// Stands in for PostgreSQL's own `PortalCleanup` at a portal that was switched off: nothing of it failed, and PostgreSQL
/// must not release its locks as if it had (PortalDrop looks at the status after this). A plain frame.
unsafe extern "C-unwind" fn clean_up(portal: pg_sys::Portal) {
    // SAFETY: called by PostgreSQL with a portal that is being closed.
    unsafe {
        if is_kept_off(portal) {
            (*portal).status = pg_sys::PortalStatus::PORTAL_READY;
        }
        standard::portal_cleanup(portal);
    }
}

/// Is it we who switched this portal off, and not an error?
fn is_kept_off(portal: pg_sys::Portal) -> bool {
    KEPT.with(|kept| match kept.try_borrow() {
        Ok(kept) => kept
            .iter()
            .any(|known| known.switched_off && known.find() == portal),
        Err(_) => false,
    })
}
