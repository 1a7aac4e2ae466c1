//! The documents of patients, unpacked.
//!
//! PostgreSQL stores a long document compressed, and to unpack it is most of what it costs to look a patient up. What comes
//! out depends on nothing but the compressed bytes. So these are what the last ones are known by, and all of them are compared:
//! whichever row, statement or transaction they come from, the document is the same.

use crate::document::Format;
use crate::node::row::JsonbDatum;
use pgrx::prelude::*;
use pgrx::varlena::{varatt_is_1b_e, varatt_is_4b_c, varsize_any};
use std::cell::RefCell;
use std::rc::Rc;

/// So many are kept.
const MOST: usize = 16;

/// The longest document that is kept, in bytes.
const LONGEST: usize = 64 * 1024;

struct Known {
    compressed: Vec<u8>,
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

/// The document that a value of a column of this format holds; `None` where it holds none.
///
/// # Safety
/// `datum` must be a value of such a column, not NULL.
pub unsafe fn read(format: Format, datum: pg_sys::Datum) -> Option<Document> {
    if format != Format::Jsonb {
        // SAFETY: by the caller's promise.
        return unsafe { format.read(datum) }.map(Document::Read);
    }
    // SAFETY: by the caller's promise.
    let (datum, compressed) = unsafe { fetched(datum) };
    if let Some(document) = compressed.and_then(known) {
        return Some(Document::Known(document));
    }
    // SAFETY: it holds what the value of the column holds.
    let document = unsafe { format.read(datum) }?;
    if let Some(compressed) = compressed
        && document.bytes().len() <= LONGEST
    {
        keep(compressed, document.bytes());
    }
    Some(Document::Read(document))
}

/// The value, fetched from its TOAST table if it is there, and its bytes, if they are compressed.
///
/// # Safety
/// `datum` must be a varlena.
unsafe fn fetched<'a>(datum: pg_sys::Datum) -> (pg_sys::Datum, Option<&'a [u8]>) {
    // SAFETY: by the caller's promise; what is fetched lives in the current memory context, and has as many bytes as it says.
    unsafe {
        let mut stored = datum.cast_mut_ptr::<pg_sys::varlena>();
        if varatt_is_1b_e(stored) {
            stored = pg_sys::detoast_external_attr(stored);
        }
        let compressed = varatt_is_4b_c(stored)
            .then(|| std::slice::from_raw_parts(stored.cast::<u8>(), varsize_any(stored)));
        (pg_sys::Datum::from(stored), compressed)
    }
}

fn known(compressed: &[u8]) -> Option<Rc<[u8]>> {
    KNOWN.with_borrow(|known| {
        let found = known
            .iter()
            .rev()
            .find(|one| one.compressed == compressed)?;
        Some(Rc::clone(&found.document))
    })
}

fn keep(compressed: &[u8], document: &[u8]) {
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= MOST {
            known.remove(0);
        }
        known.push(Known {
            compressed: compressed.to_vec(),
            document: document.into(),
        });
    });
}
