//! The documents of patients, unpacked.
//!
//! PostgreSQL stores a long document compressed, and out of line where it is still long, and to unpack it is most of what it costs
//! to look a patient up. What comes out depends on nothing but what the row holds of it, by which the last ones are known:
//! * the compressed bytes, all of which are compared, whichever row, statement or transaction they come from;
//! * of one out of line the pointer to it and the transaction that wrote the row. A pointer has a number that no other value in
//!   that table has while it is there, and that comes again only when four billion others have been given; transactions have
//!   such numbers, too. Both would have to come again at once, in one session.

use crate::document::Format;
use crate::node::row::JsonbDatum;
use pgrx::prelude::*;
use pgrx::varlena::{varatt_is_1b_e, varatt_is_4b_c, varsize_any, vartag_external};
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

/// So many are kept.
const MOST: usize = 16;

/// The longest document that is kept, in bytes.
const LONGEST: usize = 64 * 1024;

struct Known {
    by: Vec<u8>,
    document: Rc<[u8]>,
}

thread_local! {
    /// Those that were unpacked last come last.
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

/// A document in jsonb's binary form.
pub enum Document {
    Read(JsonbDatum),
    Known(Rc<[u8]>),
}

impl Document {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Document::Read(document) => document.bytes(),
            Document::Known(document) => document,
        }
    }
}

/// The document that a value of a column of this format holds, in a row that `writer` wrote; `None` where it holds none.
///
/// # Safety
/// `datum` must be a value of such a column, not NULL, as it stands in the row.
pub unsafe fn read(
    format: Format,
    datum: pg_sys::Datum,
    writer: pg_sys::TransactionId,
) -> Option<Document> {
    let key = match format {
        // SAFETY: by the caller's promise.
        Format::Jsonb => unsafe { key(datum, writer) },
        Format::Text => None,
    };
    if let Some(document) = key.as_deref().and_then(known) {
        return Some(Document::Known(document));
    }
    // SAFETY: by the caller's promise.
    let document = unsafe { format.read(datum) }?;
    if let Some(key) = key
        && document.bytes().len() <= LONGEST
    {
        keep(&key, document.bytes());
    }
    Some(Document::Read(document))
}

/// What the document is known by; `None` of one that need not be unpacked.
///
/// # Safety
/// `datum` must be a varlena that stays for as long as the key is looked at.
unsafe fn key<'a>(datum: pg_sys::Datum, writer: pg_sys::TransactionId) -> Option<Cow<'a, [u8]>> {
    // SAFETY: by the caller's promise; a varlena, also a pointer to one, has as many bytes as its header says.
    unsafe {
        let stored = datum.cast_mut_ptr::<pg_sys::varlena>();
        let bytes = || std::slice::from_raw_parts(stored.cast::<u8>(), varsize_any(stored));
        if varatt_is_1b_e(stored) {
            let on_disk = pg_sys::vartag_external::VARTAG_ONDISK;
            let is_on_disk = u32::from(vartag_external(stored)) == on_disk;
            let writer = writer.into_inner().to_ne_bytes();
            return is_on_disk.then(|| Cow::Owned([bytes(), &writer].concat()));
        }
        varatt_is_4b_c(stored).then(|| Cow::Borrowed(bytes()))
    }
}

fn known(by: &[u8]) -> Option<Rc<[u8]>> {
    KNOWN.with_borrow(|known| {
        let found = known.iter().rev().find(|one| one.by == by)?;
        Some(Rc::clone(&found.document))
    })
}

fn keep(by: &[u8], document: &[u8]) {
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= MOST {
            known.remove(0);
        }
        known.push(Known {
            by: by.to_vec(),
            document: document.into(),
        });
    });
}
