//! Who is asking: from the settings and the stored documents to the effective access of this session.
//!
//! Resolved once per membership and kept per backend, until a document changes anywhere (an invalidation message says
//! so, on commit elsewhere, at the next command here, and on rollback).

mod documents;
mod name;
pub mod reach;
mod table;

use crate::error::{Error, Result};
use crate::hooks::kept_plans::{self, turns};
use crate::hooks::{executor, portals};
use crate::node::generations::Generations;
use crate::registry::Protected;
use crate::settings;
use access_policy::{EffectiveAccess, Interaction, IpVerdict, Settings};
use fhir_search::Predicate;
use pgrx::direct_function_call;
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;

use name::Name;
use reach::Reach;
use table::Several;
pub use table::TableReach;

pub use documents::{is_id, project_of_policy};

/// What identifies a plan's context: equal where the same rows, fields and writes are permitted.
pub type Fingerprint = [u8; 16];

/// A membership in force.
#[derive(Debug)]
#[repr(C)] // What each statement asks for is at hand with the counter before it.
pub struct Session {
    /// What plans are compared by.
    pub fingerprint: Fingerprint,
    /// What it may do.
    pub access: EffectiveAccess,
    /// Where the client is, if that is known.
    pub client_ip: Option<IpAddr>,
    /// What the IP rules say of it.
    pub verdict: IpVerdict,
    reached: RefCell<HashMap<(String, Interaction), Rc<Reach>>>,
    reached_of_several: RefCell<HashMap<TypesKey, Rc<Several>>>,
}

/// An interaction on rows of these types, of all where there are none.
type TypesKey = (Interaction, Option<Vec<&'static str>>);

impl Session {
    /// What it takes in memory, roughly.
    fn weight(&self) -> usize {
        let entries = self.access.entries.len() + self.access.ip_rules.len();
        entries.saturating_mul(size_of::<access_policy::Entry>()) + EACH
    }

    /// What `interaction` reaches in the resources of a type; worked out once.
    pub fn reach(&self, resource_type: &str, interaction: Interaction) -> Result<Rc<Reach>> {
        let key = (resource_type.to_owned(), interaction);
        if let Some(reach) = self.reached.borrow().get(&key) {
            return Ok(Rc::clone(reach));
        }
        let reach = Rc::new(Reach::of(&self.access, resource_type, interaction)?);
        self.reached.borrow_mut().insert(key, Rc::clone(&reach));
        Ok(reach)
    }

    /// What `interaction` reaches in the rows of a table; of one of all types, in the rows of these types, where they are given.
    /// Worked out once.
    pub fn reach_on(
        &self,
        protected: &Protected,
        interaction: Interaction,
        types: Option<&[&'static str]>,
    ) -> Result<TableReach> {
        /// So many lists of types are remembered.
        const MOST: usize = 64;
        if let Some(resource_type) = protected.one_type() {
            let reach = self.reach(resource_type, interaction)?;
            return Ok(TableReach::One(reach, Predicate::Constant(true)));
        }
        if let Some([resource_type]) = types {
            let reach = self.reach(resource_type, interaction)?;
            return Ok(TableReach::One(reach, protected.of_type(resource_type)));
        }
        let key = (interaction, types.map(<[&str]>::to_vec));
        if let Some(reach) = self.reached_of_several.borrow().get(&key) {
            return Ok(TableReach::Several(Rc::clone(reach)));
        }
        let reach = Rc::new(match types {
            Some(types) => Several::of(&self.access, interaction, types.iter().copied())?,
            None => Several::of(
                &self.access,
                interaction,
                fhir_search::model::resource_types(),
            )?,
        });
        let mut reached = self.reached_of_several.borrow_mut();
        if reached.len() >= MOST {
            reached.clear();
        }
        reached.insert(key, Rc::clone(&reach));
        Ok(TableReach::Several(reach))
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    membership: Name,
    client_ip: String,
    require_policy: bool,
    hide_narrative: bool,
}

/// A session, and what is asked for first, which does not wait for the session to be fetched.
#[derive(Clone)]
struct Resolved {
    session: Rc<Session>,
    fingerprint: Fingerprint,
    is_allowed: bool,
}

/// The resolved memberships that a backend keeps may take so much memory, as far as can be told.
const MOST_KEPT: usize = 48 * 1024 * 1024;

/// What one takes beside its entries: what is found out about the types that are asked for.
const EACH: usize = 20 * 1024;

/// The longest membership in the setting itself, in bytes, that is kept when another one takes its place.
const KEPT_LENGTH: usize = 8 * 1024;

#[derive(Default)]
struct State {
    /// The session that the settings name now, once it was asked for and found permitted.
    current: Option<Rc<Session>>,
    resolved: Generations<Key, Resolved>,
    /// The membership that plans with a fence were made under since they were made invalid, if any were.
    planned: Option<String>,
    /// Was a plan made since then that has no fence, and yet what a session sees in it?
    folded: bool,
    /// Grows with every change of a document, so that what was being read meanwhile is not kept.
    generation: u64,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::default());
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

/// The session in force, or the reason why there is none.
pub fn current() -> Result<Rc<Session>> {
    ASKED.set(ASKED.get().wrapping_add(1));
    // Inside a transaction that already holds its locks nothing else looks for changes committed elsewhere.
    // SAFETY: allowed wherever relations may be locked, as in planning and at an executor's start.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    if let Some(session) = STATE.with_borrow(|state| state.current.clone()) {
        return Ok(session);
    }
    let (session, generation) = resolve()?;
    if !session.verdict.is_allowed() {
        return Err(Error::Address {
            address: session.client_ip,
            verdict: session.verdict.clone(),
        });
    }
    STATE.with_borrow_mut(|state| {
        if state.generation == generation {
            state.current = Some(Rc::clone(&session));
        }
    });
    Ok(session)
}

/// As [`current`], but a blocked address is no error: for the functions that explain a session.
pub fn described() -> Result<Rc<Session>> {
    ASKED.set(ASKED.get().wrapping_add(1));
    resolve().map(|(session, _)| session)
}

/// The session that the settings name, permitted or not, if its documents were read before. Asks the database nothing.
pub fn known() -> Option<Rc<Session>> {
    STATE.with(|state| {
        let state = state.try_borrow().ok()?;
        let current = state.current.clone();
        current.or_else(|| Some(Rc::clone(&state.resolved.peek(&key())?.session)))
    })
}

/// The fingerprint of the session that the settings name, if its documents were read before and it is permitted. Asks the database
/// nothing.
pub fn recalled() -> Option<Fingerprint> {
    STATE.with_borrow_mut(|state| {
        if let Some(current) = &state.current {
            return Some(current.fingerprint);
        }
        let resolved = state.resolved.get(&key(), MOST_KEPT)?;
        if !resolved.is_allowed {
            return None;
        }
        let fingerprint = resolved.fingerprint;
        state.current = Some(Rc::clone(&resolved.session));
        Some(fingerprint)
    })
}

fn key() -> Key {
    Key {
        membership: Name::of(settings::membership().trim()),
        client_ip: settings::client_ip(),
        require_policy: settings::require_policy(),
        hide_narrative: settings::hide_narrative(),
    }
}

fn resolve() -> Result<(Rc<Session>, u64)> {
    let key = key();
    let (known, generation) = STATE.with_borrow_mut(|state| {
        let known = state.resolved.get(&key, MOST_KEPT);
        let known = known.map(|known| Rc::clone(&known.session));
        (known, state.generation)
    });
    if let Some(session) = known {
        return Ok((session, generation));
    }
    let name = key.membership.as_str();
    if name.is_empty() {
        return Err(Error::NoMembership);
    }
    let membership = documents::membership(name)?;
    let settings = Settings {
        require_policy: key.require_policy,
        hide_narrative: key.hide_narrative,
    };
    let access = access_policy::resolve(&documents::Stored, &membership, &settings)?;
    let client_ip = client_address();
    let verdict = access.ip_verdict(client_ip);
    let fingerprint = access.fingerprint();
    let session = Rc::new(Session {
        access,
        client_ip,
        verdict,
        fingerprint,
        reached: RefCell::default(),
        reached_of_several: RefCell::default(),
    });
    STATE.with_borrow_mut(|state| {
        let length = key.membership.as_str().len();
        if state.generation == generation && length <= KEPT_LENGTH {
            let weight = session.weight() + length;
            let resolved = Resolved {
                fingerprint: session.fingerprint,
                is_allowed: session.verdict.is_allowed(),
                session: Rc::clone(&session),
            };
            state.resolved.put(key, resolved, weight, MOST_KEPT);
        }
    });
    Ok((session, generation))
}

/// A plan that is good for the session with this fingerprint is handed to PostgreSQL.
pub fn planned(fingerprint: Fingerprint) {
    STATE.with_borrow_mut(|state| {
        let membership = settings::membership();
        let is_current = |session: &Rc<Session>| session.fingerprint == fingerprint;
        let is_own = state.planned.as_ref().is_none_or(|own| *own == membership);
        // One that was switched to while the plan was made is not its own: no name is.
        state.planned = Some(
            match is_own && state.current.as_ref().is_some_and(is_current) {
                true => membership,
                false => String::new(),
            },
        );
    });
}

/// A plan was made that nothing protected is reached by, and that something went into which the session decides.
pub fn folded() {
    STATE.with_borrow_mut(|state| state.folded = true);
}

/// Grows whenever somebody asks for the session.
pub fn times_asked() -> u64 {
    ASKED.get()
}

/// The setting names another membership, or none: the next statement asks again. Plans are made again, unless they are this
/// membership's: one that comes back after none finds them. (Under none the fence holds them.)
pub fn membership_changed(membership: &str) {
    let others = STATE.with(|state| match state.try_borrow_mut() {
        Ok(mut state) => {
            state.current = None;
            let is_own = |planned: &String| planned == membership;
            let is_anothers = state.planned.as_ref().is_some_and(|own| !is_own(own));
            state.folded || !membership.is_empty() && is_anothers
        }
        Err(_) => true,
    });
    portals::switch_off();
    turns::membership_changed(membership);
    if others {
        renew_plans();
    }
}

/// The settings name another session now: the next statement asks again, and cached plans are made again.
pub fn context_changed() {
    STATE.with(|state| {
        if let Ok(mut state) = state.try_borrow_mut() {
            state.current = None;
        }
    });
    portals::switch_off();
    plans_changed();
}

/// A document changed: nothing that was derived from documents holds any more.
pub fn documents_changed() {
    documents::forget();
    STATE.with(|state| {
        if let Ok(mut state) = state.try_borrow_mut() {
            state.current = None;
            state.resolved.clear();
            state.generation = state.generation.wrapping_add(1);
        }
    });
    drop_plans();
}

/// The same session sees its rows in another form: cached plans are made again.
pub fn plans_changed() {
    turns::take_out();
    renew_plans();
}

fn renew_plans() {
    STATE.with(|state| {
        if let Ok(mut state) = state.try_borrow_mut() {
            state.planned = None;
            state.folded = false;
        }
    });
    executor::renew_plans();
}

fn drop_plans() {
    kept_plans::forget_all();
    portals::switch_off();
    // SAFETY: marks the backend's cached plans as invalid; allowed wherever invalidation callbacks run.
    unsafe { pg_sys::ResetPlanCache() };
}

/// Where the client is: what the setting says, or else the other end of the connection.
pub fn client_address() -> Option<IpAddr> {
    let setting = settings::client_ip();
    if setting.is_empty() {
        connection_address()
    } else {
        setting.parse().ok()
    }
}

/// The address of the database connection's other end; unknown on a Unix socket and in background processes.
fn connection_address() -> Option<IpAddr> {
    // SAFETY: without a client connection there is no port to ask; inet_client_addr returns NULL for Unix sockets.
    unsafe {
        if pg_sys::MyProcPort.is_null() {
            return None;
        }
        let address: Option<pgrx::datum::Inet> =
            direct_function_call(pg_sys::inet_client_addr, &[]);
        let address = address?.0;
        let host = address.split('/').next().unwrap_or_default();
        host.parse().ok()
    }
}
