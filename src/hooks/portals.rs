//! Portals that may hand out rows of another session context, past the fence of their own plan: because they keep the rows
//! (`WITH HOLD` after its commit, `RETURNING` after its first fetch, `EXECUTE` in a cursor), or because a function in their
//! statement has read them, and a scan or a sort above it has them stored.
//!
//! What was read while a portal ran is noted with it. When the session's context changes, portals that keep their rows are
//! switched off at once: to PostgreSQL such a portal "cannot be run". When the context that one was made for is back, it
//! is switched on again. A portal whose query goes on is refused by the executor's fence ([`begun`]).

use super::standard;
use crate::node::quick::QuickMap;
use crate::node::quiet;
use crate::session::{self, Fingerprint};
use pgrx::pg_sys;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};

struct Kept {
    /// With the name it tells a portal from a later one of the same name.
    created: pg_sys::TimestampTz,
    /// The context that everything in it was read under; `None` when it was more than one, and it is good for none.
    fingerprint: Option<Fingerprint>,
    switched_off: bool,
}

/// From this size on, what is gone is looked for before something is added.
const CROWDED: usize = 64;

thread_local! {
    static KEPT: RefCell<QuickMap<CString, Kept>> = RefCell::default();
    static CROWD: Cell<usize> = const { Cell::new(CROWDED) };
    static UNSETTLED: Cell<bool> = const { Cell::new(false) };
}

/// Notes that the portal which is being run, if any, has begun to read under this context.
pub fn remember(fingerprint: Fingerprint) {
    // SAFETY: the active portal is null or valid.
    if let Some(portal) = unsafe { pg_sys::ActivePortal.as_ref() } {
        keep(portal, fingerprint);
    }
}

/// A portal that is only being started has read nothing yet, whatever another one of its name has.
pub fn start() {
    // SAFETY: the active portal is null or valid, and its name is a C string.
    unsafe {
        if let Some(portal) = pg_sys::ActivePortal.as_ref()
            && portal.status == pg_sys::PortalStatus::PORTAL_DEFINED
        {
            KEPT.with_borrow_mut(|kept| kept.remove(CStr::from_ptr(portal.name)));
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
    let name = unsafe { CStr::from_ptr(portal.name) };
    KEPT.with_borrow_mut(|kept| {
        if let Some(known) = kept
            .get_mut(name)
            .filter(|known| known.created == portal.creation_time)
        {
            if known.fingerprint != Some(fingerprint) {
                known.fingerprint = None;
            }
            return;
        }
        if kept.len() >= CROWD.get() {
            kept.retain(|name, known| !known.find(name).is_null());
            CROWD.set(CROWDED.max(kept.len() * 2));
        }
        let fingerprint = Some(fingerprint);
        kept.insert(
            name.to_owned(),
            Kept {
                created: portal.creation_time,
                fingerprint,
                switched_off: false,
            },
        );
    });
}

/// The context that the active portal has read under, if `query` is its own and it has begun; `None` in it when that was more than one.
/// (A function that switches and asks again within one run goes on working.)
pub fn begun(query: *const pg_sys::QueryDesc) -> Option<Option<Fingerprint>> {
    // SAFETY: the active portal is null or valid, and its name is a C string.
    unsafe {
        match pg_sys::ActivePortal.as_ref() {
            Some(portal) if std::ptr::eq(portal.queryDesc, query) => KEPT.with_borrow(|kept| {
                let known = kept.get(CStr::from_ptr(portal.name))?;
                (known.created == portal.creation_time).then_some(known.fingerprint)
            }),
            _ => None,
        }
    }
}

/// The context changed: nothing that was kept may come out, until [`settle`] has looked at it.
pub fn switch_off() {
    UNSETTLED.set(true);
    KEPT.with(|kept| {
        if let Ok(mut kept) = kept.try_borrow_mut() {
            kept.iter_mut()
                .for_each(|(name, portal)| portal.switch(name, false));
        }
    });
}

/// Is there nothing that was read?
pub fn is_empty() -> bool {
    KEPT.with_borrow(|kept| kept.is_empty())
}

/// Switches on again what was made for the context that the session has now.
pub fn settle() {
    if !UNSETTLED.get() {
        return;
    }
    let is_empty = KEPT.with_borrow_mut(|kept| {
        kept.retain(|name, portal| !portal.find(name).is_null());
        kept.is_empty()
    });
    if is_empty {
        return;
    }
    let current = session::current().ok().map(|session| session.fingerprint);
    KEPT.with_borrow_mut(|kept| {
        for (name, portal) in kept.iter_mut() {
            portal.switch(name, current.is_some() && current == portal.fingerprint);
        }
    });
    UNSETTLED.set(false);
}

/// Was the portal of this name switched off?
pub fn is_switched_off(name: &CStr) -> bool {
    KEPT.with_borrow(|kept| {
        kept.get(name)
            .is_some_and(|portal| portal.switched_off && !portal.find(name).is_null())
    })
}

impl Kept {
    /// Only between "ready" and "failed", and only where the rows are stored already: then the portal's query is over,
    /// and nothing of PostgreSQL's handling of failed portals (PortalDrop, AtSubAbort_Portals) has resources to release
    /// that a fetch would need again. Before, the executor's fence does the work.
    fn switch(&mut self, name: &CStr, on: bool) {
        let portal = self.find(name);
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
    fn find(&self, name: &CStr) -> pg_sys::Portal {
        // SAFETY: a look-up in the backend's own table.
        unsafe {
            let portal = quiet::portal(name.as_ptr());
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
            .any(|(name, known)| known.switched_off && known.find(name) == portal),
        Err(_) => false,
    })
}
