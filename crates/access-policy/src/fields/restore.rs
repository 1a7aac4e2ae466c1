//! Putting stored fields back into a new document. [`FieldSet::try_restore`](super::FieldSet::try_restore) says by which rules.

use std::borrow::Cow;

use jsonb::{Node, Object, Value};

use super::FieldError;
use super::aligned::{Aligned, elements as all};
use super::pairs::{Lane, Pairs};
use super::remove::{TooDeep, carries, deeper, remove};
use super::scope::{Cover, Scope};

/// What a value of the new document becomes.
pub(super) enum Restored<'a> {
    /// What it is, or still is not.
    AsIs,
    /// It goes.
    Gone,
    /// Something else.
    Now(Node<'a>),
}

impl<'a> From<Option<Node<'a>>> for Restored<'a> {
    fn from(node: Option<Node<'a>>) -> Self {
        node.map_or(Restored::AsIs, Restored::Now)
    }
}

/// What the value in one place becomes, from what it is in the new document and in the stored one.
pub(super) fn restore<'a>(
    scope: Scope<'_>,
    new: Option<Value<'a>>,
    old: Option<Value<'a>>,
    depth: usize,
) -> Result<Restored<'a>, FieldError> {
    let tries = match scope.kept {
        Cover::Inside([]) => return Ok(Restored::AsIs),
        Cover::Inside(tries) => tries,
        Cover::Whole => {
            return Ok(match (new, old) {
                (_, Some(old)) if new != Some(old) => Restored::Now(Node::Value(old)),
                (Some(_), None) => Restored::Gone,
                _ => Restored::AsIs,
            });
        }
    };
    let Some(old) = old else {
        let removed = new
            .map(|new| remove(tries, new, depth, TooDeep::Refuse))
            .transpose()?;
        return Ok(removed.flatten().into());
    };
    let mut inner = deeper(depth, old)?;
    if let Some(new) = new {
        inner = inner.max(deeper(depth, new)?);
    }
    let lane = |new, old| Lane { scope, new, old };
    match (new, old) {
        (Some(Value::Object(new)), Value::Object(old)) => members(scope, Some(new), old, inner),
        (Some(Value::Array(_)), Value::Array(_)) => {
            elements(&lane(all(new)?, all(Some(old))?), inner)
        }
        (Some(new), old) if !carries(tries, old, depth)? => {
            Ok(remove(tries, new, depth, TooDeep::Refuse)?.into())
        }
        (Some(Value::Array(_)), old) => elements(&lane(all(new)?, vec![old]), inner),
        (Some(one @ Value::Object(_)), Value::Array(_)) => {
            Ok(match elements(&lane(vec![one], all(Some(old))?), inner)? {
                Restored::AsIs => Restored::Now(Node::Array(vec![Node::Value(one)])),
                restored => restored,
            })
        }
        (_, Value::Object(old)) => members(scope, None, old, inner),
        (_, Value::Array(_)) => elements(&lane(Vec::new(), all(Some(old))?), inner),
        _ => Ok(Restored::AsIs),
    }
}

/// Member by member. Of an object that the new document lacks just the fields come back.
fn members<'a>(
    scope: Scope<'_>,
    new: Option<Object<'a>>,
    old: Object<'a>,
    depth: usize,
) -> Result<Restored<'a>, FieldError> {
    let aligned = Aligned::find(scope, new, old, depth)?;
    let length = new.map_or(0, |new| new.len());
    let mut members = Vec::with_capacity(length.saturating_add(old.len()));
    let mut changed = false;
    let mut put = |key: &'a str, value: Option<Value<'a>>, restored| {
        let node = match (restored, value) {
            (Restored::AsIs, value) => value.map(Node::Value),
            (Restored::Gone, _) => {
                changed = true;
                None
            }
            (Restored::Now(node), _) => {
                changed = true;
                Some(node)
            }
        };
        members.extend(node.map(|node| (Cow::Borrowed(key), node)));
    };
    for member in new.iter().flat_map(Object::try_iter) {
        let (key, value) = member?;
        if aligned.has(key) {
            continue;
        }
        let below = scope.member(key);
        let restored = restore(below.scope(), Some(value), old.get(key), depth)?;
        put(key, Some(value), restored);
    }
    for member in old.try_iter() {
        let (key, stored) = member?;
        if aligned.has(key) || new.is_some_and(|new| new.get(key).is_some()) {
            continue;
        }
        let below = scope.member(key);
        put(
            key,
            None,
            restore(below.scope(), None, Some(stored), depth)?,
        );
    }
    for sibling in aligned.siblings() {
        let keys = [sibling.primitive(), sibling.key()];
        let below = keys.map(|key| scope.member(key));
        let lanes = sibling.lanes(below.each_ref(), new, Some(old))?;
        let matched = Matched::of(&lanes, depth)?;
        for (key, lane) in keys.into_iter().zip(&lanes) {
            let value = new.and_then(|new| new.get(key));
            put(key, value, matched.restore(lane, depth)?);
        }
    }
    // An object that is not there comes back when something of it does.
    let comes = changed && !(new.is_none() && members.is_empty());
    Ok(comes.then_some(Node::Object(members)).into())
}

/// Element by element, and the stored ones that would be lost.
fn elements<'a>(lane: &Lane<'_, 'a>, depth: usize) -> Result<Restored<'a>, FieldError> {
    let lanes = std::slice::from_ref(lane);
    let matched = Matched::of(lanes, depth)?;
    matched.restore(lane, depth)
}

/// The arrays of some lanes, matched.
pub(super) struct Matched {
    pub(super) pairs: Pairs,
    /// The stored elements that would be lost, by place.
    lost: Vec<usize>,
}

impl Matched {
    pub(super) fn of(lanes: &[Lane<'_, '_>], depth: usize) -> Result<Self, FieldError> {
        let length = lanes.iter().map(|lane| lane.old.len()).max().unwrap_or(0);
        let mut carries = vec![false; length];
        for lane in lanes {
            for (value, carries) in lane.old.iter().zip(&mut carries) {
                *carries = *carries || lane.scope.carries(*value, depth)?;
            }
        }
        // Where nothing is stored, it does not matter which is which.
        let pairs = match carries.contains(&true) {
            true => Pairs::find(lanes)?,
            false => Pairs::none(lanes),
        };
        let is_lost = |place: &usize| pairs.taken.get(*place) == Some(&false);
        let is_nothing = |place: usize| {
            let mut values = lanes.iter().filter_map(|lane| lane.old.get(place));
            lanes.len() > 1 && values.all(|value| *value == Value::Null)
        };
        // Places that hold nothing stay in front of siblings that belong to no primitive.
        let mut lost: Vec<usize> = carries
            .iter()
            .enumerate()
            .filter(|(place, carries)| **carries || is_nothing(*place))
            .map(|(place, _)| place)
            .filter(is_lost)
            .collect();
        while lost
            .pop_if(|place| carries.get(*place) != Some(&true))
            .is_some()
        {}
        Ok(Matched { pairs, lost })
    }

    /// One of the lanes: each new element with the fields of the one it is matched with, then those that would be lost, whole.
    pub(super) fn restore<'a>(
        &self,
        lane: &Lane<'_, 'a>,
        depth: usize,
    ) -> Result<Restored<'a>, FieldError> {
        let mut elements = Vec::with_capacity(lane.new.len().max(lane.old.len()));
        let mut changed = false;
        for (place, partner) in self.pairs.partner.iter().enumerate() {
            let new = lane.new.get(place).copied();
            let old = partner.and_then(|j| lane.old.get(j)).copied();
            let node = match restore(lane.scope, new, old, depth)? {
                Restored::AsIs => new.map(Node::Value),
                Restored::Gone => {
                    changed = true;
                    Some(Node::Null)
                }
                Restored::Now(node) => {
                    changed = true;
                    Some(node)
                }
            };
            put_at(&mut elements, place, node);
        }
        for (place, j) in (self.pairs.partner.len()..).zip(&self.lost) {
            let stored = lane.old.get(*j).copied();
            changed |= stored.is_some();
            put_at(&mut elements, place, stored.map(Node::Value));
        }
        Ok(changed.then_some(Node::Array(elements)).into())
    }
}

/// Puts an element in its place. In a lane that is shorter than the other one there may be none at the places before.
fn put_at<'a>(elements: &mut Vec<Node<'a>>, place: usize, node: Option<Node<'a>>) {
    if let Some(node) = node {
        elements.resize(place, Node::Null);
        elements.push(node);
    }
}

impl Scope<'_> {
    /// Whether `value` is, or has, a field to keep.
    pub(super) fn carries(self, value: Value<'_>, depth: usize) -> Result<bool, FieldError> {
        match self.kept {
            Cover::Whole => Ok(value != Value::Null),
            Cover::Inside(tries) => carries(tries, value, depth),
        }
    }
}
