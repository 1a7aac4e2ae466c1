//! What a field set says about one place of a document while two documents are walked together.

use jsonb::{Corrupt, Value};

use super::content::{Content, Known, content, members};
use super::trie::{Found, Trie, Tries, look_up};

/// What of one value is in a set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cover<'s> {
    /// The value itself.
    Whole,
    /// What these name inside it; nothing where there are none.
    Inside(&'s [&'s Trie]),
}

/// What the fields to keep, and among them the fields that the writer could not see, have of one value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) kept: Cover<'s>,
    pub(super) unseen: Cover<'s>,
    pub(super) known: &'s BothKnown,
}

/// What is known of the contents without the fields of either set.
#[derive(Debug, Default)]
pub(super) struct BothKnown {
    pub(super) kept: Known,
    pub(super) unseen: Known,
}

/// The [`Scope`] of a member, with room for what it borrows.
pub(super) struct Below<'t> {
    kept: Found<'t>,
    unseen: Found<'t>,
    known: &'t BothKnown,
}

impl<'s> Cover<'s> {
    /// The tries inside it: none where the value itself is in the set, and nothing further is asked.
    pub(super) fn tries(self) -> &'s [&'s Trie] {
        match self {
            Cover::Whole => &[],
            Cover::Inside(tries) => tries,
        }
    }

    pub(super) fn is_nothing(self) -> bool {
        matches!(self, Cover::Inside([]))
    }
}

impl<'s> Scope<'s> {
    /// The content of `value` as the writer could see it.
    pub(super) fn seen(self, value: Option<Value<'_>>) -> Result<Content, Corrupt> {
        content(self.unseen, &self.known.unseen, value)
    }

    /// The content of `value` without any of the fields.
    pub(super) fn rest(self, value: Option<Value<'_>>) -> Result<Content, Corrupt> {
        content(self.kept, &self.known.kept, value)
    }

    /// The contents of the members of `value` as the writer could see them.
    pub(super) fn seen_members(self, value: Value<'_>) -> Result<Vec<Content>, Corrupt> {
        members(self.unseen, &self.known.unseen, value)
    }

    /// Whether the writer could see none of the fields: then there is nothing to see but the rest.
    pub(super) fn sees_the_rest(self) -> bool {
        match (self.kept, self.unseen) {
            (Cover::Whole, Cover::Whole) => true,
            (Cover::Inside(kept), Cover::Inside(unseen)) => {
                kept.len() == unseen.len()
                    && kept
                        .iter()
                        .zip(unseen)
                        .all(|(one, other)| std::ptr::eq(*one, *other))
            }
            _ => false,
        }
    }

    /// What is in the sets of the member `key` of an object.
    pub(super) fn member(self, key: &str) -> Below<'s> {
        Below {
            kept: look_up(self.kept.tries(), key.as_bytes()),
            unseen: look_up(self.unseen.tries(), key.as_bytes()),
            known: self.known,
        }
    }
}

impl Below<'_> {
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            kept: cover(&self.kept),
            unseen: cover(&self.unseen),
            known: self.known,
        }
    }
}

fn cover<'s>(found: &'s Found<'_>) -> Cover<'s> {
    match found {
        Found::Nothing => Cover::Inside(&[]),
        Found::Field => Cover::Whole,
        Found::Inside(Tries::One(one)) => Cover::Inside(one),
        Found::Inside(Tries::Many(many)) => Cover::Inside(many),
    }
}
