//! Many texts that are looked for at once, at the start of a text or anywhere in it.

use super::cut::{cut, may_be_cut};
use std::ops::Range;

/// Texts to look for: [cut](cut), none of them empty, sorted by bytes, none the beginning of another (which it would find
/// anyway).
pub struct Needles {
    text: Vec<u8>,
    places: Vec<Range<usize>>,
    first_bytes: [bool; 256],
}

impl Needles {
    /// Prepares `texts`. An empty one finds nothing and is left out.
    pub fn new<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Needles {
        let mut text = Vec::new();
        let mut places = Vec::new();
        let mut first_bytes = [false; 256];
        for needle in texts {
            let start = text.len();
            if let Some(first) = needle.first() {
                text.extend_from_slice(cut(needle));
                places.push(start..text.len());
                if let Some(flag) = first_bytes.get_mut(usize::from(*first)) {
                    *flag = true;
                }
            }
        }
        places.sort_unstable_by(|one, other| slice(&text, one).cmp(slice(&text, other)));
        // Those that begin with a text follow it directly.
        places.dedup_by(|next, kept| slice(&text, next).starts_with(slice(&text, kept)));
        Needles {
            text,
            places,
            first_bytes,
        }
    }

    /// The texts, sorted.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.places.iter().map(|place| slice(&self.text, place))
    }

    /// Does `text` start with one of them?
    pub fn start(&self, text: &[u8]) -> bool {
        // The one that it starts with sorts before it, and anything in between would start with that one.
        let after = self
            .places
            .partition_point(|place| slice(&self.text, place) <= text);
        after
            .checked_sub(1)
            .and_then(|before| self.places.get(before))
            .is_some_and(|place| text.starts_with(slice(&self.text, place)))
    }

    /// Does `text` contain one of them? One that may be cut may contain anything behind the cut.
    pub fn are_in(&self, text: &[u8]) -> bool {
        if self.places.is_empty() {
            return false;
        }
        if may_be_cut(text) {
            return true;
        }
        if let [place] = self.places.as_slice() {
            return is_in(slice(&self.text, place), text);
        }
        text.iter().enumerate().any(|(place, byte)| {
            self.first_bytes
                .get(usize::from(*byte))
                .is_some_and(|first| *first)
                && text.get(place..).is_some_and(|rest| self.start(rest))
        })
    }
}

/// Is `needle`, which is not empty, somewhere in `text`?
fn is_in(needle: &[u8], text: &[u8]) -> bool {
    let first = needle.first();
    text.windows(needle.len().max(1))
        .any(|part| part.first() == first && part == needle)
}

fn slice<'a>(text: &'a [u8], place: &Range<usize>) -> &'a [u8] {
    text.get(place.clone()).unwrap_or_default()
}
