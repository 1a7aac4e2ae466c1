//! How long a text in an index can be. GIN and btree take keys of some 2,700 bytes; a document with a longer text must be
//! stored all the same.
//!
//! A text of more than [`LONGEST`] bytes is cut: it keeps the most whole characters that fit, so 997 to 1,000 bytes. The
//! index functions cut what they return, the operators and the operator class cut what is looked for. A lookup then
//! finds all rows that it should and, for texts that [may be cut](may_be_cut), perhaps others.

use fhir_search::keys::{CUT_KEY_BYTES, MOST_KEY_BYTES};

/// The most bytes that a text in an index has.
pub const LONGEST: usize = MOST_KEY_BYTES;

/// What an index holds of `text`, which is UTF-8.
pub fn cut(text: &[u8]) -> &[u8] {
    if text.len() <= LONGEST {
        return text;
    }
    let continues = |place: &usize| text.get(*place).is_some_and(|byte| byte & 0xC0 == 0x80);
    // A character has at most four bytes. (Bytes that are not UTF-8 are cut somewhere, too.)
    let end = (CUT_KEY_BYTES..=LONGEST)
        .rev()
        .find(|place| !continues(place))
        .unwrap_or(LONGEST);
    text.get(..end).unwrap_or(text)
}

/// Is `text` so long that the text of which an index holds as much may go on? A lookup for such a text finds more than it
/// should, and the exact test must be asked too.
pub fn may_be_cut(text: &[u8]) -> bool {
    text.len() >= CUT_KEY_BYTES
}
