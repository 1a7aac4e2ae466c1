//! Prepared statements whose plans take turns.
//!
//! PostgreSQL keeps one generic plan for a prepared statement, and what is kept here has to be copied twice before it runs: by the
//! planner's hook, and by PostgreSQL, which copies the statement besides. A plan that PostgreSQL has made such a copy of is therefore
//! kept as it is, in PostgreSQL's own form, and put in its place in the statement whenever its session is back; when the session
//! changes, it is taken out before it can be used.
//!
//! Nothing rests on that alone: the fence compares the session when a plan runs, and all that PostgreSQL asks of a plan of its own
//! before it is used (is it valid, is the statement, for this user and search path; the locks) it asks of one that was put in.
//! A plan is put in only where it was made of this statement's very tree, is still kept, and the settings are those it was made under.

use super::packed::{fetch, packed};
use super::{FOUND, GENERATION, Holder, KEPT, Key, STALE, planning};
use crate::hooks::executor;
use crate::hooks::leakproof::analyze;
use crate::node::quiet;
use crate::session::{self, Fingerprint};
use crate::settings;
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::rc::Rc;

/// So many statements take turns at most. The plans of others are found by the planner's hook.
const MOST: usize = 64;

/// After so many changes of the session without being used, a statement's plans are not put in until it was planned again.
const IDLE: u32 = 8;

/// Is a statement's tree still there? It goes with the statement, and whenever PostgreSQL analyses that again.
pub type Alive = Rc<Cell<bool>>;

/// A statement.
struct Turn {
    /// There as long as its tree is.
    source: *mut pg_sys::CachedPlanSource,
    alive: Alive,
    key: Key,
    /// How often it had been used, with generic plans and with others, when its plan was put in, if it was.
    before: Option<(i64, i64)>,
    /// Changes of the session since it was used.
    idle: u32,
}

/// A plan of which PostgreSQL is about to make its own copy.
#[derive(Clone, Copy)]
pub struct Fresh {
    pub key: Key,
    pub fingerprint: Fingerprint,
    pub serial: u32,
    pub generation: u64,
}

thread_local! {
    static TURNS: RefCell<Vec<Turn>> = const { RefCell::new(Vec::new()) };
    static FRESH: Cell<Option<Fresh>> = const { Cell::new(None) };
    /// The membership that the plans in the statements were made for.
    static MADE_FOR: RefCell<String> = const { RefCell::new(String::new()) };
    /// Plans were taken out, and others may be put in.
    static UNSETTLED: Cell<bool> = const { Cell::new(false) };
    /// The statement that `EXECUTE` named last.
    static NAMED: RefCell<CString> = RefCell::default();
}

/// The plan that the planner's hook hands out now.
pub fn hand_out(fresh: Fresh) {
    FRESH.set(Some(fresh));
}

/// `EXECUTE` names this statement.
pub fn name(name: &CStr) {
    NAMED.with_borrow_mut(|named| {
        if named.as_c_str() != name {
            *named = name.to_owned();
        }
    });
}

/// A statement is about to run: if PostgreSQL has made its own copy of a plan just now, that is what is kept.
pub fn adopt() {
    if let Some(fresh) = FRESH.take()
        && fresh.generation == GENERATION.get()
    {
        // SAFETY: what is active is null or a portal, with a name or none.
        unsafe {
            if let Some(portal) = pg_sys::ActivePortal.as_ref() {
                match portal.prepStmtName.is_null() {
                    true => NAMED.with_borrow(|named| adopt_from(named.as_ptr(), fresh)),
                    false => adopt_from(portal.prepStmtName, fresh),
                }
            }
        }
    }
}

/// # Safety
/// `name` must be a C string.
unsafe fn adopt_from(name: *const c_char, fresh: Fresh) {
    // SAFETY: a look-up in the backend's own table; a statement has a source, whose plan is null or one.
    unsafe {
        let Some(statement) = pg_sys::FetchPreparedStatement(name, false).as_ref() else {
            return;
        };
        let source = statement.plansource;
        let Some(plan) = own_plan(source, &fresh.key) else {
            return;
        };
        let stmt = only_statement(plan);
        if stmt.is_null() || executor::serial_of(stmt) != Some(fresh.serial) {
            return;
        }
        let Some(alive) = turn(source, &fresh.key) else {
            return;
        };
        KEPT.with_borrow_mut(|kept| {
            let key = (fresh.key, fresh.fingerprint);
            if STALE.get()
                || kept
                    .plans
                    .peek(&key)
                    .is_none_or(|kept| kept.serial != fresh.serial)
            {
                return;
            }
            let (own, span) = packed(plan, stmt);
            let Some(mut kept_plan) = kept.plans.take(&key) else {
                return;
            };
            kept_plan.plan = only_statement(own);
            let weight =
                size_of_val(&kept_plan) + pg_sys::MemoryContextMemAllocated((*own).context, true);
            kept_plan.holder = Holder::Shared {
                plan: own,
                alive,
                cost: (*(*stmt).planTree).total_cost,
                span,
            };
            kept.plans
                .put(key, kept_plan, weight, settings::kept_plans());
        });
    }
}

/// The generic plan in a statement, if that is one that plans can be put into.
///
/// # Safety
/// `source` must be the source of a prepared statement.
unsafe fn own_plan(
    source: *const pg_sys::CachedPlanSource,
    key: &Key,
) -> Option<*mut pg_sys::CachedPlan> {
    // SAFETY: by the caller's promise.
    unsafe {
        let plan = (*source).gplan;
        let is_good = takes_plans(source, key) && !plan.is_null() && is_whole(plan);
        is_good.then_some(plan)
    }
}

/// Would PostgreSQL use a plan that is in this statement, for this user?
///
/// # Safety
/// `source` must be the source of a prepared statement.
unsafe fn takes_plans(source: *const pg_sys::CachedPlanSource, key: &Key) -> bool {
    // SAFETY: by the caller's promise.
    let source = unsafe { &*source };
    source.is_valid
        && source.is_complete
        && source.is_saved
        && !source.is_oneshot
        && source.dependsOnRLS
        && source.rewriteRoleId == key.user
        && !source.query_context.is_null()
}

/// Is a plan valid, and for longer than a transaction?
///
/// # Safety
/// `plan` must be a plan of PostgreSQL's.
unsafe fn is_whole(plan: *const pg_sys::CachedPlan) -> bool {
    // SAFETY: by the caller's promise.
    let plan = unsafe { &*plan };
    plan.is_valid
        && plan.is_saved
        && !plan.is_oneshot
        && plan.saved_xmin == pg_sys::InvalidTransactionId
}

/// The statement in a plan that is made of one, or null.
///
/// # Safety
/// `plan` must be a plan of PostgreSQL's.
unsafe fn only_statement(plan: *const pg_sys::CachedPlan) -> *mut pg_sys::PlannedStmt {
    // SAFETY: by the caller's promise: a list of so many planned statements.
    unsafe {
        match (*plan).stmt_list.as_ref() {
            Some(list) if list.length == 1 => (*list.elements).ptr_value.cast(),
            _ => ptr::null_mut(),
        }
    }
}

/// The turn of this statement, a new one if there is none.
///
/// # Safety
/// `source` must be the source of a prepared statement, with a tree.
unsafe fn turn(source: *mut pg_sys::CachedPlanSource, key: &Key) -> Option<Alive> {
    TURNS.with_borrow_mut(|turns| {
        turns.retain(|turn| turn.alive.get());
        if let Some(turn) = turns.iter_mut().find(|turn| turn.source == source) {
            turn.key = *key;
            turn.idle = 0;
            // What was put in was used, if the statement was used more often than with the plan that has come in its place.
            // SAFETY: by the caller's promise.
            let (generic, _) = uses(unsafe { &*source });
            if turn
                .before
                .take()
                .is_some_and(|(before, _)| generic.saturating_sub(before) > 1)
            {
                FOUND.set(FOUND.get().wrapping_add(1));
            }
            return Some(Rc::clone(&turn.alive));
        }
        if turns.len() >= MOST {
            return None;
        }
        // SAFETY: by the caller's promise: the context of the tree, which calls this back once, before it goes.
        let alive = unsafe {
            let context = (*source).query_context;
            let callback =
                pg_sys::MemoryContextAlloc(context, size_of::<pg_sys::MemoryContextCallback>())
                    .cast::<pg_sys::MemoryContextCallback>();
            let alive = Rc::new(Cell::new(true));
            callback.write(pg_sys::MemoryContextCallback {
                func: Some(tree_goes),
                arg: Rc::into_raw(Rc::clone(&alive)).cast_mut().cast(),
                next: ptr::null_mut(),
            });
            pg_sys::MemoryContextRegisterResetCallback(context, callback);
            alive
        };
        turns.push(Turn {
            source,
            alive: Rc::clone(&alive),
            key: *key,
            before: None,
            idle: 0,
        });
        Some(alive)
    })
}

/// A plain frame: it calls nothing that could raise an error. The statement itself is still there: its tree goes first.
unsafe extern "C-unwind" fn tree_goes(alive: *mut c_void) {
    // SAFETY: what was handed over above, once.
    let alive = unsafe { Rc::from_raw(alive.cast_const().cast::<Cell<bool>>()) };
    // A plan that was found in the statement stays counted. (With the process the table may be gone.)
    let _ = TURNS.try_with(|turns| {
        if let Ok(turns) = turns.try_borrow()
            && let Some(turn) = turns.iter().find(|turn| Rc::ptr_eq(&turn.alive, &alive))
            // SAFETY: the tree is only about to go.
            && unsafe { turn.has_found() }
        {
            FOUND.set(FOUND.get().wrapping_add(1));
        }
    });
    alive.set(false);
}

/// The setting names this membership: plans of another one are taken out. Under none they stay, held by the fence.
pub fn membership_changed(membership: &str) {
    if membership.is_empty() {
        return;
    }
    MADE_FOR.with(|made_for| match made_for.try_borrow_mut() {
        Ok(mut made_for) if *made_for != membership => {
            made_for.clear();
            made_for.push_str(membership);
            take_out();
        }
        Ok(_) => {}
        Err(_) => take_out(),
    });
}

/// Takes all plans out: the next ones in these statements are made, or found, for whatever the session is then. Raises no error; may be
/// called wherever settings are assigned.
pub fn take_out() {
    UNSETTLED.set(true);
    TURNS.with(|turns| {
        let Ok(mut turns) = turns.try_borrow_mut() else {
            return;
        };
        for turn in turns.iter_mut().filter(|turn| turn.alive.get()) {
            // SAFETY: its tree is there, and so is the statement; its plan is null or one that it has counted.
            unsafe {
                let source = &mut *turn.source;
                let plan = std::mem::replace(&mut source.gplan, ptr::null_mut());
                if plan.is_null() {
                    continue;
                }
                // What another session's plan costs says nothing about this one's: PostgreSQL asks for it.
                source.generic_cost = -1.0;
                if turn.has_found() {
                    FOUND.set(FOUND.get().wrapping_add(1));
                }
                turn.idle = match turn.before.take() == Some(uses(source)) {
                    true => turn.idle.saturating_add(1),
                    false => 0,
                };
                quiet::release(plan, ptr::null_mut());
            }
        }
    });
}

/// How often a statement has been used, and with which plan.
fn uses(source: &pg_sys::CachedPlanSource) -> (i64, i64) {
    (source.num_generic_plans, source.num_custom_plans)
}

impl Turn {
    /// Was the plan used that was put in?
    ///
    /// # Safety
    /// Its tree must be there.
    unsafe fn has_found(&self) -> bool {
        // SAFETY: by the caller's promise.
        let (generic, _) = uses(unsafe { &*self.source });
        self.before.is_some_and(|(before, _)| generic > before)
    }
}

/// In how many statements the plan was used that is in them, and that was found there.
pub fn found_now() -> i64 {
    TURNS.with_borrow(|turns| {
        let mut found = 0;
        for turn in turns.iter().filter(|turn| turn.alive.get()) {
            // SAFETY: its tree is there.
            found += i64::from(unsafe { turn.has_found() });
        }
        found
    })
}

/// Puts the plans in that are kept for the session, if its membership was used before.
pub fn settle() {
    if !UNSETTLED.get() {
        return;
    }
    let is_empty = TURNS.with_borrow(|turns| turns.iter().all(|turn| turn.idle >= IDLE));
    if is_empty || analyze::is_running() || settings::kept_plans() == 0 {
        return;
    }
    let Some(fingerprint) = session::recalled() else {
        return;
    };
    UNSETTLED.set(false);
    put_in(fingerprint);
}

fn put_in(fingerprint: Fingerprint) {
    let settings = planning::settings();
    let most = settings::kept_plans();
    TURNS.with_borrow_mut(|turns| {
        KEPT.with_borrow_mut(|kept| {
            if STALE.get() {
                return;
            }
            for turn in turns.iter_mut() {
                // SAFETY: while its tree is there, so is the statement.
                let Some(source) = (unsafe { turn.alive.get().then(|| &mut *turn.source) }) else {
                    continue;
                };
                // SAFETY: as above.
                let is_open = source.gplan.is_null() && unsafe { takes_plans(source, &turn.key) };
                if !is_open || turn.idle >= IDLE {
                    continue;
                }
                let key = Key {
                    settings,
                    ..turn.key
                };
                let Some(kept) = kept.plans.get(&(key, fingerprint), most) else {
                    continue;
                };
                if let Holder::Shared {
                    plan,
                    alive,
                    cost,
                    span,
                } = &kept.holder
                    && Rc::ptr_eq(alive, &turn.alive)
                    // SAFETY: a plan that is kept is there.
                    && unsafe { is_whole(*plan) }
                {
                    fetch(*plan, *span);
                    // SAFETY: as above. From now on the statement has counted it, too.
                    unsafe {
                        (**plan).refcount += 1;
                        source.gplan = *plan;
                        source.generic_cost = *cost;
                    }
                    turn.before = Some(uses(source));
                }
            }
        });
    });
}
