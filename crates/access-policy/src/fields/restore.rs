//! Putting stored fields back into a new document. [`FieldSet::try_restore`](super::FieldSet::try_restore) says by which rules.

use std::borrow::Cow;

use jsonb::{Node, Object, Patch, Value};

use super::FieldError;
use super::aligned::{Aligned, elements as all};
use super::pairs::{Lane, Pairs};
use super::remove::{Removed, TooDeep, carries, deeper, remove};
use super::rule::{are_told_by_object, is_field, may_be_one};
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

impl<'a> From<Removed<'a>> for Restored<'a> {
    fn from(removed: Removed<'a>) -> Self {
        match removed {
            Removed::AsIs => Restored::AsIs,
            Removed::Gone => Restored::Gone,
            Removed::Now(node) => Restored::Now(node),
        }
    }
}

/// What the value in one place becomes, from what it is in the new document and in the stored one.
pub(super) fn restore<'a>(
    scope: Scope<'_>,
    new: Option<Value<'a>>,
    old: Option<Value<'a>>,
    depth: usize,
) -> Result<Restored<'a>, FieldError> {
    let rules = match scope.kept {
        Cover::Inside([]) => return Ok(Restored::AsIs),
        Cover::Inside(rules) => rules,
        Cover::Whole => return Ok(field(new, old)),
    };
    let Some(old) = old else {
        return new.map_or(Ok(Restored::AsIs), |new| {
            Ok(remove(rules, new, depth, TooDeep::Refuse)?.into())
        });
    };
    let is_array = |value| matches!(value, Some(Value::Array(_)));
    if are_told_by_object(rules) && !is_array(new) && !is_array(Some(old)) {
        let is_same = new.is_some_and(|new| may_be_one(rules, new, old));
        if !is_same && carries(rules, old, depth)? {
            // Under another type or URL other fields would be hidden: what is stored stays what it is.
            return Ok(Restored::Now(Node::Value(old)));
        }
        if !is_same {
            return new.map_or(Ok(Restored::AsIs), |new| {
                Ok(remove(rules, new, depth, TooDeep::Refuse)?.into())
            });
        }
        if is_field(rules, old) {
            return Ok(field(new, Some(old)));
        }
    }
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
        (Some(new), old) if !carries(rules, old, depth)? => {
            Ok(remove(rules, new, depth, TooDeep::Refuse)?.into())
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

/// What a field becomes: what is stored.
fn field<'a>(new: Option<Value<'a>>, old: Option<Value<'a>>) -> Restored<'a> {
    match (new, old) {
        (_, Some(old)) if new != Some(old) => Restored::Now(Node::Value(old)),
        (Some(_), None) => Restored::Gone,
        _ => Restored::AsIs,
    }
}

/// Member by member. Of an object that the new document lacks just the fields come back.
fn members<'a>(
    scope: Scope<'_>,
    new: Option<Object<'a>>,
    old: Object<'a>,
    depth: usize,
) -> Result<Restored<'a>, FieldError> {
    let inner = scope.enter(old);
    let aligned = Aligned::find(&inner, new, old, depth)?;
    // Most members have no field in them: they stay, and nothing of them is looked at but the key.
    let mut changes = Changes::default();
    for (place, key) in new.iter().flat_map(Object::keys).enumerate() {
        let key = key?;
        if inner.is_nothing(key) {
            continue;
        }
        let below = inner.member(key);
        let Some((key, value)) = member_at(new, place)? else {
            continue;
        };
        if aligned.has(key) {
            continue;
        }
        match restore(below.scope(), Some(value), old.get(key), depth)? {
            // Nothing but extensions that may not be sent.
            Restored::Now(Node::Array(elements)) if elements.is_empty() => {
                changes.put(key, Some(place), Restored::Gone);
            }
            restored => changes.put(key, Some(place), restored),
        }
    }
    for (place, key) in old.keys().enumerate() {
        let key = key?;
        if inner.is_nothing(key) {
            continue;
        }
        let below = inner.member(key);
        let Some((key, stored)) = member_at(Some(old), place)? else {
            continue;
        };
        if aligned.has(key) || new.is_some_and(|new| new.position(key).is_some()) {
            continue;
        }
        let restored = restore(below.scope(), None, Some(stored), depth)?;
        changes.put(key, None, restored);
    }
    for sibling in aligned.siblings() {
        let keys = [sibling.primitive(), sibling.key()];
        let below = keys.map(|key| inner.member(key.as_bytes()));
        let lanes = sibling.lanes(below.each_ref(), new, Some(old))?;
        let matched = Matched::of(&lanes, depth)?;
        for (key, lane) in keys.into_iter().zip(&lanes) {
            let place = new.and_then(|new| new.position(key));
            changes.put(key, place, matched.restore(lane, depth)?);
        }
    }
    Ok(changes.made_in(new).into())
}

fn member_at<'a>(
    object: Option<Object<'a>>,
    place: usize,
) -> Result<Option<(&'a str, Value<'a>)>, FieldError> {
    Ok(object.map_or(Ok(None), |object| object.member_at(place))?)
}

/// What becomes of the members of an object, where they do not stay as they are.
#[derive(Default)]
struct Changes<'a> {
    /// Members that it has, by place.
    edits: Vec<(usize, Option<Node<'a>>)>,
    /// Members that it lacks.
    added: Vec<(&'a str, Node<'a>)>,
}

impl<'a> Changes<'a> {
    fn put(&mut self, key: &'a str, place: Option<usize>, restored: Restored<'a>) {
        match (restored, place) {
            (Restored::AsIs, _) | (Restored::Gone, None) => {}
            (Restored::Gone, Some(place)) => self.edits.push((place, None)),
            (Restored::Now(node), Some(place)) => self.edits.push((place, Some(node))),
            (Restored::Now(node), None) => self.added.push((key, node)),
        }
    }

    /// The object with the changes; `None` where there are none. An object that is not there comes back when something of it does.
    fn made_in(mut self, object: Option<Object<'a>>) -> Option<Node<'a>> {
        let Some(object) = object else {
            let members = self.added.into_iter();
            let members: Vec<_> = members
                .map(|(key, node)| (Cow::Borrowed(key), node))
                .collect();
            return (!members.is_empty()).then_some(Node::Object(members));
        };
        if self.edits.is_empty() && self.added.is_empty() {
            return None;
        }
        self.edits.sort_by_key(|(place, _)| *place);
        let mut patch = Patch::object(object);
        for (place, node) in self.edits {
            match node {
                Some(node) => patch.replace(place, node),
                None => patch.remove(place),
            }
        }
        patch.add(self.added);
        Some(Node::Patch(patch))
    }
}

/// Element by element, and the stored ones that would be lost. Those that are fields themselves come back to where they were:
/// behind the same element as before, or to the front.
fn elements<'a>(lane: &Lane<'_, 'a>, depth: usize) -> Result<Restored<'a>, FieldError> {
    let rules = lane.scope.kept.rules();
    if !are_told_by_object(rules) {
        let matched = Matched::of(std::slice::from_ref(lane), depth)?;
        return matched.restore(lane, depth);
    }
    let others = lane.without_fields();
    let fields = lane.old.iter().copied().filter(|old| is_field(rules, *old));
    if others.new.len() == lane.new.len() && fields.clone().next().is_none() {
        let matched = Matched::of(std::slice::from_ref(lane), depth)?;
        return matched.restore(lane, depth);
    }
    let matched = Matched::completely(std::slice::from_ref(&others), depth)?;
    let others = match matched.restore(&others, depth)? {
        Restored::Now(Node::Array(elements)) => elements,
        _ => others.new.iter().copied().map(Node::Value).collect(),
    };
    let places = matched.places_behind();
    let mut returning = Vec::new();
    let mut before = 0_usize;
    for old in &lane.old {
        if is_field(rules, *old) {
            returning.push((places.get(before).copied().unwrap_or(0), *old));
        } else {
            before = before.saturating_add(1);
        }
    }
    returning.sort_by_key(|(place, _)| *place);
    let mut returning = returning.into_iter().peekable();
    let mut restored = Vec::with_capacity(others.len().saturating_add(returning.len()));
    for (place, other) in others.into_iter().enumerate() {
        while let Some((_, field)) = returning.next_if(|(at, _)| *at <= place) {
            restored.push(Node::Value(field));
        }
        restored.push(other);
    }
    restored.extend(returning.map(|(_, field)| Node::Value(field)));
    let unchanged = restored.len() == lane.new.len()
        && restored
            .iter()
            .zip(&lane.new)
            .all(|(node, new)| matches!(node, Node::Value(value) if value == new));
    Ok((!unchanged).then_some(Node::Array(restored)).into())
}

/// The arrays of some lanes, matched.
pub(super) struct Matched {
    pub(super) pairs: Pairs,
    /// The stored elements that would be lost, by place.
    lost: Vec<usize>,
}

impl Matched {
    pub(super) fn of(lanes: &[Lane<'_, '_>], depth: usize) -> Result<Self, FieldError> {
        Self::find(lanes, depth, false)
    }

    /// The same, where it matters which is which although they have no fields.
    fn completely(lanes: &[Lane<'_, '_>], depth: usize) -> Result<Self, FieldError> {
        Self::find(lanes, depth, true)
    }

    fn find(lanes: &[Lane<'_, '_>], depth: usize, matters: bool) -> Result<Self, FieldError> {
        let length = lanes.iter().map(|lane| lane.old.len()).max().unwrap_or(0);
        let mut carries = vec![false; length];
        for lane in lanes {
            for (value, carries) in lane.old.iter().zip(&mut carries) {
                *carries = *carries || lane.scope.carries(*value, depth)?;
            }
        }
        // Where nothing is stored, it does not matter which is which.
        let pairs = match matters || carries.contains(&true) {
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

    /// For each number of stored elements: the place in the new array behind what the last of so many is matched with, or the
    /// last before it that is matched with any.
    fn places_behind(&self) -> Vec<usize> {
        let mut places = vec![None; self.pairs.taken.len()];
        for (new, old) in self.pairs.partner.iter().enumerate() {
            if let Some(place) = old.and_then(|old| places.get_mut(old)) {
                *place = Some(new.saturating_add(1));
            }
        }
        let mut last = 0;
        let behind = places.into_iter().map(|place| {
            last = place.unwrap_or(last);
            last
        });
        std::iter::once(0).chain(behind).collect()
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
