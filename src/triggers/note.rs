//! Notes that one firing of the write trigger leaves for a later one of the same statement.

use crate::node::statement;
use pgrx::prelude::*;
use std::cell::RefCell;

/// Notes about the rows that running statements have written last. A note is good for its own statement in its own
/// subtransaction only, so no rollback can leave one behind to be believed.
pub struct Notes<T>(RefCell<Vec<Note<T>>>);

struct Note<T> {
    transaction: pg_sys::TransactionId,
    statement: u32,
    about: T,
}

impl<T> Notes<T> {
    /// No notes.
    pub const fn new() -> Notes<T> {
        Notes(RefCell::new(Vec::new()))
    }

    /// Leaves a note in place of the statement's last one. Those of the statements around this one stay, of which it may
    /// be a trigger's; those of statements that are over go.
    pub fn leave(&self, about: T) {
        let current = number();
        // SAFETY: the statement writes, so its transaction gets an id anyway.
        let transaction = unsafe { pg_sys::GetCurrentTransactionId() };
        let mut notes = self.0.borrow_mut();
        notes.retain(|note| note.statement != current && statement::is_running(note.statement));
        notes.push(Note {
            transaction,
            statement: current,
            about,
        });
    }

    /// Shows this statement's note, if there is one, to `look`.
    pub fn look<R>(&self, look: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut notes = self.0.borrow_mut();
        notes
            .iter_mut()
            .find(|note| note.is_of_this_statement())
            .map(|note| look(&mut note.about))
    }

    /// Takes this statement's note, if it is the wanted one.
    pub fn take(&self, wanted: impl Fn(&T) -> bool) -> Option<T> {
        let mut notes = self.0.borrow_mut();
        let place = notes
            .iter()
            .position(|note| note.is_of_this_statement() && wanted(&note.about))?;
        Some(notes.swap_remove(place).about)
    }
}

impl<T> Note<T> {
    fn is_of_this_statement(&self) -> bool {
        // SAFETY: reads the transaction's state.
        let transaction = unsafe { pg_sys::GetCurrentTransactionIdIfAny() };
        self.transaction == transaction && self.statement == number()
    }
}

/// The number of the running statement; 0 where there is none, which is no statement's.
fn number() -> u32 {
    statement::running().map_or(0, |running| running.number)
}
