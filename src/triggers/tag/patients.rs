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
    /// Those asked for last: most rows come after others of the same patient, or are the only one.
    last: (Vec<String>, Found),
    before: HashMap<Vec<String>, Found>,
}

thread_local! {
    static KNOWN: Notes<Known> = const { Notes::new() };
}

/// What the same statement found for these patients, if it asked for them before.
pub fn recall(session: &Session, patients: &[String]) -> Option<Found> {
    let look = |known: &mut Known| {
        if known.session != session.fingerprint {
            return None;
        }
        let (last, found) = &known.last;
        match last == patients {
            true => Some(found.clone()),
            false => known.before.get(patients).cloned(),
        }
    };
    KNOWN.with(|notes| notes.look(look)).flatten()
}

/// Keeps what was found for these patients.
pub fn remember(session: &Session, patients: Vec<String>, found: &Found) {
    if statement::running().is_none() {
        return;
    }
    let last = (patients, found.clone());
    KNOWN.with(|notes| {
        let mut last = Some(last);
        notes.look(|known| {
            let Some(last) = last.take() else { return };
            let (patients, found) = std::mem::replace(&mut known.last, last);
            if known.session != session.fingerprint || known.before.len() >= MOST {
                known.session = session.fingerprint;
                known.before.clear();
            } else {
                known.before.insert(patients, found);
            }
        });
        if let Some(last) = last {
            notes.leave(Known {
                session: session.fingerprint,
                last,
                before: HashMap::new(),
            });
        }
    });
}
