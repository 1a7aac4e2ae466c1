//! The accounts of patients, remembered while a statement runs: one that writes many rows asks for the same patients again
//! and again, and has them as they were when it first asked.

use crate::node::statement;
use crate::session::{Fingerprint, Session};
use crate::triggers::note::Notes;
use std::collections::HashMap;

/// So many lists of patients are remembered for one statement.
const MOST: usize = 10_000;

/// The accounts, or `None` where none of the patients is stored.
pub type Found = Option<Vec<String>>;

struct Known {
    /// What patients there are, and which tables hold them, is the session's.
    session: Fingerprint,
    accounts: HashMap<Vec<String>, Found>,
}

thread_local! {
    static KNOWN: Notes<Known> = const { Notes::new() };
}

/// What the same statement found for these patients, if it asked for them before.
pub fn recall(session: &Session, patients: &[String]) -> Option<Found> {
    statement::running()?;
    let look = |known: &mut Known| {
        let is_same = known.session == session.fingerprint;
        known.accounts.get(patients).filter(|_| is_same).cloned()
    };
    KNOWN.with(|notes| notes.look(look)).flatten()
}

/// Keeps what was found for these patients.
pub fn remember(session: &Session, patients: Vec<String>, found: &Found) {
    if statement::running().is_none() {
        return;
    }
    KNOWN.with(|notes| {
        let kept = notes.look(|known| {
            if known.session != session.fingerprint || known.accounts.len() >= MOST {
                known.session = session.fingerprint;
                known.accounts.clear();
            }
            known.accounts.insert(patients.clone(), found.clone());
        });
        if kept.is_none() {
            notes.leave(Known {
                session: session.fingerprint,
                accounts: HashMap::from([(patients, found.clone())]),
            });
        }
    });
}
