//! What was permitted and recorded, and then rolled back: one more line, so that the log tells it by itself.
//!
//! The lines of writes carry the transaction's id and, below a savepoint, the subtransaction's. A line of a rollback with a
//! transaction alone takes back all lines of that transaction; one with a subtransaction takes back those before it, of the
//! same transaction, whose subtransaction is that one or greater: subtransactions within it got their ids later.

use super::line;
use audit_event::{Actor, Entity, Event, Kind, Outcome};
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};
use std::ffi::c_void;

#[derive(Default)]
struct Recorded {
    /// Lines by subtransaction, in ascending order.
    lines: Vec<(pg_sys::SubTransactionId, u64)>,
    /// Who wrote last.
    actor: Actor,
}

thread_local! {
    static RECORDED: RefCell<Recorded> = RefCell::new(Recorded::default());
    static WATCHES: Cell<bool> = const { Cell::new(false) };
}

/// The ids that the line of a write carries.
pub fn with_ids(entity: Entity) -> Entity {
    // SAFETY: the statement writes, so its transaction gets ids anyway.
    let (top, current) = unsafe {
        (
            pg_sys::GetTopFullTransactionId().value,
            pg_sys::GetCurrentFullTransactionId().value,
        )
    };
    with(entity, top, current)
}

fn with(entity: Entity, top: u64, current: u64) -> Entity {
    let entity = entity.with("transaction", top.to_string());
    if current == top {
        entity
    } else {
        entity.with("subtransaction", current.to_string())
    }
}

/// A line was written in the current subtransaction.
pub fn note(actor: Actor) {
    if !WATCHES.replace(true) {
        // SAFETY: the callbacks stay registered as long as the process lives, and do nothing in transactions without lines.
        unsafe {
            pg_sys::RegisterXactCallback(Some(at_end), std::ptr::null_mut());
            pg_sys::RegisterSubXactCallback(Some(at_end_of_part), std::ptr::null_mut());
        }
    }
    // SAFETY: reads the transaction's state.
    let current = unsafe { pg_sys::GetCurrentSubTransactionId() };
    RECORDED.with_borrow_mut(|recorded| {
        recorded.actor = actor;
        match recorded.lines.last_mut() {
            Some((subtransaction, lines)) if *subtransaction == current => *lines += 1,
            _ => recorded.lines.push((current, 1)),
        }
    });
}

#[pg_guard]
unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    let is_rolled_back = match event {
        pg_sys::XactEvent::XACT_EVENT_ABORT => true,
        pg_sys::XactEvent::XACT_EVENT_COMMIT | pg_sys::XactEvent::XACT_EVENT_PREPARE => false,
        _ => return,
    };
    let recorded = RECORDED.take();
    if is_rolled_back && !recorded.lines.is_empty() {
        // SAFETY: reads the transaction's state, which has its ids until the callbacks are through.
        let top = unsafe { pg_sys::GetTopFullTransactionIdIfAny().value };
        tell(&recorded.lines, &recorded.actor, top, top);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_end_of_part(
    event: pg_sys::SubXactEvent::Type,
    part: pg_sys::SubTransactionId,
    parent: pg_sys::SubTransactionId,
    _argument: *mut c_void,
) {
    RECORDED.with_borrow_mut(|recorded| {
        // Those within this part have ended before, and have become its own.
        let begin = recorded.lines.partition_point(|(id, _)| *id < part);
        let lines = recorded.lines.split_off(begin);
        if lines.is_empty() {
            return;
        }
        match event {
            pg_sys::SubXactEvent::SUBXACT_EVENT_COMMIT_SUB => {
                let count: u64 = lines.iter().map(|(_, lines)| lines).sum();
                match recorded.lines.last_mut() {
                    Some((id, lines)) if *id == parent => *lines += count,
                    _ => recorded.lines.push((parent, count)),
                }
            }
            pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB => {
                // SAFETY: as above.
                let (top, current) = unsafe {
                    (
                        pg_sys::GetTopFullTransactionIdIfAny().value,
                        pg_sys::GetCurrentFullTransactionIdIfAny().value,
                    )
                };
                tell(&lines, &recorded.actor, top, current);
            }
            _ => recorded.lines.extend(lines),
        }
    });
}

/// Nothing can be refused any more: a line that cannot be written now is missing.
fn tell(lines: &[(pg_sys::SubTransactionId, u64)], actor: &Actor, top: u64, current: u64) {
    let count: u64 = lines.iter().map(|(_, lines)| lines).sum();
    let mut event = Event::new(Kind::Transaction, Outcome::Failure, actor);
    event.recorded = line::now();
    event.description = Some(format!("rolled back, with {count} recorded writes"));
    event.entities.push(with(Entity::default(), top, current));
    let _ = line::record(&event);
}
