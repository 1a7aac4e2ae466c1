//! How a column holds documents: as `jsonb`, or as the text of JSON. Whatever reads a resource reads jsonb; text becomes that
//! here, as PostgreSQL's own cast would make it, but that what is no JSON is no document instead of an error.

use crate::error::Result;
use crate::node::row::{self, JsonbDatum};
use pgrx::prelude::*;
use std::cell::RefCell;

/// How a column holds documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Of type jsonb.
    Jsonb,
    /// Of type json, text or varchar: the same bytes, whichever it is.
    Text,
}

/// The longest text that is written, in bytes: jsonb's own limit on a document. A number such as `1e99999` is short only until
/// it is written.
const LONGEST: usize = 1 << 28;

/// The longest text of which the document is remembered, in bytes.
const REMEMBERED: usize = 1 << 20;

struct Last {
    text: Vec<u8>,
    document: Option<Vec<u8>>,
}

thread_local! {
    /// A row is asked several things, one after the other: its text is parsed once.
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

impl Format {
    /// The format of a column of this type, if it can hold documents at all.
    pub fn of(type_oid: pg_sys::Oid) -> Option<Format> {
        match type_oid {
            pg_sys::JSONBOID => Some(Format::Jsonb),
            pg_sys::JSONOID | pg_sys::TEXTOID | pg_sys::VARCHAROID => Some(Format::Text),
            _ => None,
        }
    }

    /// The document that a value of the column holds; `None` where it holds none.
    ///
    /// # Safety
    /// `datum` must be a value of a column of this format, not NULL.
    pub unsafe fn read(self, datum: pg_sys::Datum) -> Option<JsonbDatum> {
        // SAFETY: by the caller's promise; a varlena looks the same whatever is in it, and what is made here is jsonb.
        unsafe {
            let value = JsonbDatum::new(datum);
            match self {
                Format::Jsonb => Some(value),
                Format::Text => parsed(value.bytes()).map(|datum| JsonbDatum::new(datum)),
            }
        }
    }

    /// The value of the column that holds a document, given in jsonb's binary form; `None` where its text would be longer than
    /// a value can be.
    pub fn write(self, document: &[u8]) -> Result<Option<pg_sys::Datum>> {
        Ok(match self {
            Format::Jsonb => Some(row::jsonb_datum(document)),
            Format::Text => jsonb::to_json_within(row::parse(document)?, LONGEST)
                .map(|text| row::jsonb_datum(text.as_bytes())),
        })
    }
}

/// Has some object in this text two members of one name? jsonb keeps the last of them, and other readers may take the first.
pub fn has_duplicates(text: &[u8]) -> bool {
    std::str::from_utf8(text).map_or(true, jsonb::has_duplicate_keys)
}

/// A text as a jsonb datum, or `None` where it is no JSON that jsonb can hold.
fn parsed(text: &[u8]) -> Option<pg_sys::Datum> {
    let known = LAST.with_borrow(|last| {
        let last = last.as_ref().filter(|last| last.text == text)?;
        Some(last.document.as_deref().map(row::jsonb_datum))
    });
    if let Some(known) = known {
        return known;
    }
    let document = std::str::from_utf8(text)
        .ok()
        .and_then(|text| jsonb::from_json(text).ok());
    let datum = document.as_deref().map(row::jsonb_datum);
    LAST.with_borrow_mut(|last| {
        *last = (text.len() <= REMEMBERED).then(|| Last {
            text: text.to_vec(),
            document,
        });
    });
    datum
}
