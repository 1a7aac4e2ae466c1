//! Where rows were found last, by their ids.
//!
//! A place is a hint and nothing more: whoever goes there looks whether the row is the wanted one and visible, and asks the
//! index where it is not. Where an index keeps ids unique, a visible row with the id is the one that the index would lead to.

use pgrx::prelude::*;
use std::cell::RefCell;

/// So many places are kept. Those of other ids take them over.
const MOST: usize = 256;

/// The longest id that is kept, in bytes.
const LONGEST: usize = 64;

/// What was looked for, and in which index.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The table.
    pub table: pg_sys::Oid,
    /// Its primary key.
    pub index: pg_sys::Oid,
    /// The only column of that, by its number.
    pub column: i16,
    /// The id, as it was asked for.
    pub id: &'a str,
}

struct Known {
    table: pg_sys::Oid,
    index: pg_sys::Oid,
    column: i16,
    id: Box<str>,
    place: (u32, u16),
}

impl Known {
    fn is(&self, wanted: Wanted<'_>) -> bool {
        let own = Wanted {
            table: self.table,
            index: self.index,
            column: self.column,
            id: &self.id,
        };
        own == wanted
    }
}

thread_local! {
    static KNOWN: RefCell<Vec<Option<Known>>> = const { RefCell::new(Vec::new()) };
}

/// Which of the places is for this id.
fn slot(wanted: Wanted<'_>) -> usize {
    // FNV-1a; whoever finds ids that take each other's place only makes them be looked up.
    let hash = wanted.id.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    usize::try_from(hash ^ wanted.table.to_u32()).unwrap_or(0) % MOST
}

/// The block and the number in it where the row was last.
pub fn recall(wanted: Wanted<'_>) -> Option<(u32, u16)> {
    KNOWN.with_borrow(|known| {
        let known = known.get(slot(wanted))?.as_ref()?;
        known.is(wanted).then_some(known.place)
    })
}

/// Keeps where the row was found.
pub fn remember(wanted: Wanted<'_>, place: (u32, u16)) {
    if wanted.id.len() > LONGEST {
        return;
    }
    KNOWN.with_borrow_mut(|known| {
        if known.is_empty() {
            known.resize_with(MOST, || None);
        }
        if let Some(slot) = known.get_mut(slot(wanted)) {
            *slot = Some(Known {
                table: wanted.table,
                index: wanted.index,
                column: wanted.column,
                id: wanted.id.into(),
                place,
            });
        }
    });
}

/// A relation changed, perhaps one that is an index: what was known by it goes.
pub fn forget(relation: pg_sys::Oid) {
    retain(|known| known.table != relation && known.index != relation);
}

/// Any relation may have changed.
pub fn forget_all() {
    retain(|_| false);
}

fn retain(stays: impl Fn(&Known) -> bool) {
    KNOWN.with(|known| {
        // A callback may come at any time; nothing that could call back is asked while places are being looked at.
        let Ok(mut known) = known.try_borrow_mut() else {
            return;
        };
        for slot in known.iter_mut() {
            if slot.as_ref().is_some_and(|known| !stays(known)) {
                *slot = None;
            }
        }
    });
}
