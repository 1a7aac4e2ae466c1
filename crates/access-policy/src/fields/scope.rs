//! What a field set says about one place of a document while two documents are walked together.

use jsonb::{Corrupt, Object, Value};

use super::content::{Content, Known, content, members};
use super::rule::{self, Entered, Found, Rule, Rules};

/// What of one value is in a set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cover<'s> {
    /// The value itself.
    Whole,
    /// What these name inside it; nothing where there are none.
    Inside(&'s [Rule<'s>]),
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

/// The [`Scope`] of an object, seen from inside.
pub(super) struct Inner<'s> {
    kept: Entered<'s, 's>,
    unseen: Entered<'s, 's>,
    known: &'s BothKnown,
}

/// The [`Scope`] of a member, with room for what it borrows.
pub(super) struct Below<'t> {
    kept: Found<'t>,
    unseen: Found<'t>,
    known: &'t BothKnown,
}

impl<'s> Cover<'s> {
    /// The rules inside it: none where the value itself is in the set, and nothing further is asked.
    pub(super) fn rules(self) -> &'s [Rule<'s>] {
        match self {
            Cover::Whole => &[],
            Cover::Inside(rules) => rules,
        }
    }

    /// What it says of an object's members.
    pub(super) fn enter(self, object: Object<'_>) -> Entered<'s, 's> {
        match self {
            Cover::Whole => Entered::Field,
            Cover::Inside(rules) => rule::enter(rules, object),
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
                        .all(|(one, other)| one.is_same(*other))
            }
            _ => false,
        }
    }

    /// What is in the sets of the members of an object.
    pub(super) fn enter(self, object: Object<'_>) -> Inner<'s> {
        Inner {
            kept: self.kept.enter(object),
            unseen: self.unseen.enter(object),
            known: self.known,
        }
    }

    /// Whether two values under it may be one and the same, changed.
    pub(super) fn may_be_one(self, one: Value<'_>, other: Value<'_>) -> bool {
        rule::may_be_one(self.kept.rules(), one, other)
    }
}

impl<'s> Inner<'s> {
    /// Whether the member `key` neither is nor has a field to keep.
    pub(super) fn is_nothing(&self, key: &[u8]) -> bool {
        matches!(self.kept.look_up(key), Found::Nothing)
    }

    /// What is in the sets of the member `key`.
    pub(super) fn member(&self, key: &[u8]) -> Below<'s> {
        Below {
            kept: self.kept.look_up(key),
            unseen: self.unseen.look_up(key),
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
        Found::Inside(Rules::One(one)) => Cover::Inside(one),
        Found::Inside(Rules::Many(many)) => Cover::Inside(many),
    }
}
