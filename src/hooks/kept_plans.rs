//! Plans that are kept across switches of membership.
//!
//! A plan holds the constants of one session, so PostgreSQL's plan cache, which keeps one plan for a statement, makes another at each
//! switch. Here a backend keeps the finished plans of statements that come again, one for each session context, and the planner's
//! hook hands out a copy instead of planning, masking and checking once more.
//!
//! Only plans that no parameter's value went into are kept. One is handed out where the statement's tree is equal to the one that it
//! was made of, and the context's fingerprint, the user, the options and the settings that plans depend on are the same; the fence
//! compares the fingerprint again when it runs. It is forgotten whenever PostgreSQL would forget a plan that depends on the same
//! relations, functions and types, also when a transaction rolls its own changes back, and whenever something changes that
//! protection is made of: a document, the registry, a protected relation, a role.

mod packed;
mod planning;
mod statement;
pub mod turns;

use super::{executor, leakproof};
use crate::node::generations::Generations;
use crate::node::kept_nodes::Context;
use crate::node::quick::{Mixer, QuickMap};
use crate::node::tree;
use crate::session::{self, Fingerprint};
use crate::settings;
use pgrx::PgList;
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char};
use std::hash::{Hash, Hasher};
use std::mem::ManuallyDrop;
use std::rc::{Rc, Weak};
use turns::Fresh;

/// A statement and what its plan depends on, but for the session's context. Nothing of it is trusted alone: trees are compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    text: u64,
    user: pg_sys::Oid,
    security: i32,
    options: i32,
    settings: u64,
    /// Are its parameters [plain](leakproof::silent::are_plain)? Others may not be asked for where a hidden row could be met.
    takes_parameters: bool,
}

/// The tree that plans were made of.
struct Statement {
    query: *mut pg_sys::Query,
    _context: Context,
}

struct Plan {
    plan: *mut pg_sys::PlannedStmt,
    statement: Rc<Statement>,
    /// The plan carries it, and so does each copy.
    serial: u32,
    holder: Holder,
}

/// Where a plan is that is kept.
enum Holder {
    /// In a memory context of its own.
    Own { _context: Context },
    /// PostgreSQL made its own copy: that one, which it counts us for. It is good for the statement whose tree is alive or not.
    Shared {
        plan: *mut pg_sys::CachedPlan,
        alive: turns::Alive,
        /// What PostgreSQL expects it to cost.
        cost: f64,
        /// How much memory it takes, in one piece.
        span: usize,
    },
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Holder::Shared { plan, .. } = self
            && !std::thread::panicking()
        {
            // SAFETY: counted when it was shared; PostgreSQL frees it when nobody has it any more.
            unsafe { pg_sys::ReleaseCachedPlan(*plan, std::ptr::null_mut()) };
        }
    }
}

#[derive(Default)]
struct Kept {
    plans: Generations<(Key, Fingerprint), Plan>,
    statements: QuickMap<Key, Weak<Statement>>,
}

/// So many texts of statements that reach something protected are recognized, by their hashes: a statement is kept when it comes
/// for the second time.
const SEEN: usize = 4096;

/// From so many statements on, those are forgotten that have no plan any more.
const CROWDED: usize = 1024;

thread_local! {
    // Not dropped with the process, which has no memory contexts any more when it ends.
    static KEPT: RefCell<ManuallyDrop<Kept>> = RefCell::default();
    static SEEN_TEXTS: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    /// Grows with every message that could make a plan a bad one.
    static GENERATION: Cell<u64> = const { Cell::new(0) };
    /// A message came while the plans were being looked at.
    static STALE: Cell<bool> = const { Cell::new(false) };
    static FOUND: Cell<i64> = const { Cell::new(0) };
    /// The last plan that was kept.
    static SERIAL: Cell<u32> = const { Cell::new(0) };
}

/// What to do with the plan of a statement that was not found. Nothing in it needs to be dropped.
#[derive(Clone, Copy)]
pub enum Note {
    /// Nothing.
    Nothing,
    /// Remember the text, if the plan reaches something protected.
    Seen(u64),
    /// Keep it.
    Keep(Wanted),
}

/// A plan that is to be kept.
#[derive(Clone, Copy)]
pub struct Wanted {
    key: Key,
    fingerprint: Fingerprint,
    /// The statement's tree, before it was masked.
    query: *mut pg_sys::Query,
    generation: u64,
}

/// Registers the callbacks for what plans depend on.
pub fn install() {
    use pg_sys::SysCacheIdentifier as cache;
    // What PostgreSQL's plan cache listens to; and roles, by which is decided who is subject to policies.
    let caches = [
        cache::PROCOID,
        cache::TYPEOID,
        cache::NAMESPACEOID,
        cache::OPEROID,
        cache::AMOPOPID,
        cache::FOREIGNSERVEROID,
        cache::FOREIGNDATAWRAPPEROID,
        cache::AUTHOID,
        cache::AUTHMEMROLEMEM,
    ];
    for cache in caches {
        // SAFETY: the callback is a guarded function that touches only this backend's caches.
        unsafe {
            pg_sys::CacheRegisterSyscacheCallback(
                cache as i32,
                Some(object_changed),
                pg_sys::Datum::from(0),
            );
        }
    }
}

/// How many plans are kept, and roughly how many bytes they take.
pub fn kept_now() -> (usize, usize) {
    KEPT.with_borrow(|kept| match STALE.get() {
        true => (0, 0),
        false => (kept.plans.len(), kept.plans.weight()),
    })
}

/// How many plans this backend has found instead of making them.
pub fn found() -> i64 {
    FOUND.get().wrapping_add(turns::found_now())
}

fn text_of(query: &pg_sys::Query, text: *const c_char) -> u64 {
    let mut hasher = Mixer::default();
    if !text.is_null() {
        // SAFETY: the statement's source is a C string.
        hasher.write(unsafe { CStr::from_ptr(text) }.to_bytes());
    }
    (query.stmt_location, query.stmt_len, query.commandType).hash(&mut hasher);
    hasher.finish()
}

/// The place of a text among those that were seen.
fn place_of(text: u64) -> usize {
    usize::try_from(text % SEEN as u64).unwrap_or(0)
}

/// A copy of the plan that is kept for this statement, if one is; if none is, what to do with the plan when it is made.
///
/// # Safety
/// The arguments must be those of the planner's hook.
pub unsafe fn find(
    query: *mut pg_sys::Query,
    text: *const c_char,
    options: i32,
    parameters: pg_sys::ParamListInfo,
) -> (Option<*mut pg_sys::PlannedStmt>, Note) {
    let most = settings::kept_plans();
    if most == 0 || !parameters.is_null() || leakproof::analyze::is_running() {
        return (None, Note::Nothing);
    }
    // SAFETY: by the caller's promise.
    let text = text_of(unsafe { &*query }, text);
    if SEEN_TEXTS.with_borrow(|seen| seen.get(place_of(text)).copied()) != Some(text) {
        return (None, Note::Seen(text));
    }
    // What is wrong with the session is said where something protected is reached.
    let Ok(session) = session::current() else {
        return (None, Note::Nothing);
    };
    let fingerprint = session.fingerprint;
    // SAFETY: reads the backend's state; by the caller's promise.
    unsafe {
        let (mut user, mut security) = (pg_sys::InvalidOid, 0);
        pg_sys::GetUserIdAndSecContext(&mut user, &mut security);
        let key = Key {
            text,
            user,
            security,
            options,
            settings: planning::settings(),
            takes_parameters: leakproof::silent::are_plain(parameters),
        };
        let generation = GENERATION.get();
        if let Some((plan, serial)) = kept(&(key, fingerprint), query, most)
            && let Some(plan) = in_force(plan, fingerprint, generation)
        {
            turns::hand_out(Fresh {
                key,
                fingerprint,
                serial,
                generation,
            });
            (*plan).queryId = (*query).queryId;
            (*plan).stmt_location = (*query).stmt_location;
            (*plan).stmt_len = (*query).stmt_len;
            FOUND.set(FOUND.get().wrapping_add(1));
            session::planned(fingerprint);
            return (Some(plan), Note::Nothing);
        }
        if !statement::may_be_kept(query) {
            return (None, Note::Nothing);
        }
        let wanted = Wanted {
            key,
            fingerprint,
            query: pg_sys::copyObjectImpl(query.cast()).cast(),
            generation: GENERATION.get(),
        };
        (None, Note::Keep(wanted))
    }
}

/// The plan itself, and its number: it stays while no message comes.
///
/// # Safety
/// `query` must be a query.
unsafe fn kept(
    key: &(Key, Fingerprint),
    query: *const pg_sys::Query,
    most: usize,
) -> Option<(*mut pg_sys::PlannedStmt, u32)> {
    KEPT.with_borrow_mut(|kept| {
        if STALE.replace(false) {
            kept.plans.clear();
        }
        let plan = kept.plans.get(key, most)?;
        // SAFETY: by the caller's promise; comparing asks the database nothing.
        let is_same = unsafe { pg_sys::equal(plan.statement.query.cast(), query.cast()) };
        is_same.then_some((plan.plan, plan.serial))
    })
}

/// A copy of `plan`, once the relations are locked that it reaches, if it is good then.
///
/// # Safety
/// `plan` must be a plan that is kept since before the generation was read.
unsafe fn in_force(
    plan: *mut pg_sys::PlannedStmt,
    fingerprint: Fingerprint,
    generation: u64,
) -> Option<*mut pg_sys::PlannedStmt> {
    // SAFETY: by the caller's promise; the locks that planning would have taken, which the executor relies on.
    unsafe {
        let locks: Vec<(pg_sys::Oid, i32)> = tree::range_table((*plan).rtable)
            .into_iter()
            .filter(|entry| (**entry).rtekind == pg_sys::RTEKind::RTE_RELATION)
            .map(|entry| ((*entry).relid, (*entry).rellockmode))
            .collect();
        for (relation, mode) in locks {
            pg_sys::LockRelationOid(relation, mode);
        }
        // Messages may have come with the locks: then the plan may be gone.
        if GENERATION.get() != generation || executor::fence_of(plan) != Some(fingerprint) {
            return None;
        }
        Some(pg_sys::copyObjectImpl(plan.cast()).cast())
    }
}

/// Does as the note says with a finished plan, which has its fence if it reaches something protected.
///
/// # Safety
/// `plan` must be a finished plan.
pub unsafe fn note(plan: *mut pg_sys::PlannedStmt, note: Note) {
    // SAFETY: by the caller's promise.
    let Some(fingerprint) = (unsafe { executor::fence_of(plan) }) else {
        return;
    };
    match note {
        Note::Nothing => {}
        Note::Seen(text) => SEEN_TEXTS.with_borrow_mut(|seen| {
            if seen.is_empty() {
                seen.resize(SEEN, 0);
            }
            if let Some(place) = seen.get_mut(place_of(text)) {
                *place = text;
            }
        }),
        Note::Keep(wanted) => {
            // SAFETY: by the caller's promise.
            let is_transient = unsafe { (*plan).transientPlan };
            if fingerprint == wanted.fingerprint
                && wanted.generation == GENERATION.get()
                && !is_transient
            {
                // SAFETY: a finished plan, and the tree that it was made of.
                unsafe { keep(plan, wanted) }
            }
        }
    }
}

/// # Safety
/// `plan` must be a finished plan.
unsafe fn keep(plan: *mut pg_sys::PlannedStmt, wanted: Wanted) {
    // SAFETY: by the caller's promise; the query was copied for this.
    unsafe {
        let known =
            KEPT.with_borrow(|kept| kept.statements.get(&wanted.key).and_then(Weak::upgrade));
        let known = known.filter(|known| pg_sys::equal(known.query.cast(), wanted.query.cast()));
        // The plans of a statement share its tree: the first one weighs it, too.
        let mut weight = size_of::<Plan>();
        let statement = known.unwrap_or_else(|| {
            let (context, query) = Context::of(wanted.query.cast());
            weight += context.size();
            Rc::new(Statement {
                query: query.cast(),
                _context: context,
            })
        });
        statement::add_dependencies(plan, wanted.query);
        // The planner is done with them: they are in the nodes that scan.
        for entry in tree::range_table((*plan).rtable) {
            (*entry).securityQuals = std::ptr::null_mut();
        }
        let serial = SERIAL.get().wrapping_add(1);
        SERIAL.set(serial);
        executor::put_serial(plan, serial);
        let (context, copy) = Context::of(plan.cast());
        weight += context.size();
        KEPT.with_borrow_mut(|kept| {
            let kept = &mut **kept;
            if kept.statements.len() >= CROWDED {
                kept.statements.retain(|_, known| known.strong_count() > 0);
            }
            kept.statements
                .insert(wanted.key, Rc::downgrade(&statement));
            let plan = Plan {
                plan: copy.cast(),
                statement,
                serial,
                holder: Holder::Own { _context: context },
            };
            let key = (wanted.key, wanted.fingerprint);
            kept.plans.put(key, plan, weight, settings::kept_plans());
        });
        turns::hand_out(Fresh {
            key: wanted.key,
            fingerprint: wanted.fingerprint,
            serial,
            generation: wanted.generation,
        });
    }
}

/// Forgets all plans.
pub fn forget_all() {
    forget(|_| false);
}

/// A relation changed: forgets the plans that reach it, and those that write, which may reach partitions that they do not name.
pub fn relation_changed(relation: pg_sys::Oid) {
    forget(|plan| {
        // SAFETY: a plan that is kept.
        unsafe {
            (*plan.plan).commandType == pg_sys::CmdType::CMD_SELECT
                && !(*plan.plan).hasModifyingCTE
                && !pg_sys::list_member_oid((*plan.plan).relationOids, relation)
        }
    });
}

#[pg_guard]
unsafe extern "C-unwind" fn object_changed(_argument: pg_sys::Datum, cache: i32, hash: u32) {
    use pg_sys::SysCacheIdentifier::{PROCOID, TYPEOID};
    if executor::is_switching() {
        return;
    }
    if hash == 0 || ![PROCOID as i32, TYPEOID as i32].contains(&cache) {
        forget_all();
        return;
    }
    forget(|plan| {
        // SAFETY: a plan that is kept; the list holds PlanInvalItems.
        let items = unsafe { PgList::<pg_sys::PlanInvalItem>::from_pg((*plan.plan).invalItems) };
        items.iter_ptr().all(|item| {
            // SAFETY: an item of the list.
            let item = unsafe { &*item };
            item.cacheId != cache || item.hashValue != hash
        })
    });
}

/// Forgets what `good` says no to. May be called wherever messages are.
fn forget(good: impl Fn(&Plan) -> bool) {
    GENERATION.set(GENERATION.get().wrapping_add(1));
    KEPT.with(|kept| match kept.try_borrow_mut() {
        Ok(mut kept) if !kept.plans.is_empty() => kept.plans.retain(good),
        Ok(_) => {}
        Err(_) => STALE.set(true),
    });
}
