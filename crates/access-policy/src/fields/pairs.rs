//! Which element of a new array is which of the stored one. [`FieldSet::try_restore`](super::FieldSet::try_restore) says by
//! which rules.

use jsonb::{Corrupt, Value};

use super::FieldError;
use super::content::{Content, NOTHING};
use super::likeness::Likeness;
use super::nested::Place;
use super::rule::{Found, Rule, is_field, told};
use super::scope::Scope;

/// An array in the new and in the stored document. Primitives and their siblings are two lanes, of which the elements at one
/// place belong together.
pub(super) struct Lane<'s, 'a> {
    pub(super) scope: Scope<'s>,
    pub(super) new: Vec<Value<'a>>,
    pub(super) old: Vec<Value<'a>>,
}

/// Which element of the stored array each element of the new one is matched with.
pub(super) struct Pairs {
    pub(super) partner: Vec<Option<usize>>,
    pub(super) taken: Vec<bool>,
}

/// The new elements, or the stored ones.
#[derive(Clone, Copy)]
enum Side {
    New,
    Old,
}

/// What of a value is compared.
type Read = for<'s, 'v> fn(Scope<'s>, Option<Value<'v>>) -> Result<Content, Corrupt>;

impl<'s, 'a> Lane<'s, 'a> {
    fn get(&self, side: Side, place: usize) -> Option<Value<'a>> {
        match side {
            Side::New => self.new.get(place).copied(),
            Side::Old => self.old.get(place).copied(),
        }
    }

    /// The elements that are no fields themselves.
    pub(super) fn without_fields(&self) -> Lane<'s, 'a> {
        let rules = self.scope.kept.rules();
        let visible = |values: &[Value<'a>]| -> Vec<Value<'a>> {
            let visible = values.iter().filter(|value| !is_field(rules, **value));
            visible.copied().collect()
        };
        Lane {
            scope: self.scope,
            new: visible(&self.new),
            old: visible(&self.old),
        }
    }

    fn id(&self, side: Side, place: usize) -> Option<Id<'a>> {
        let Value::Object(object) = self.get(side, place)? else {
            return None;
        };
        let rules = self.scope.kept.rules();
        // What an entry of a Bundle is about, not which entry it is.
        if rules
            .iter()
            .any(|rule| matches!(rule, Rule::Places(Place::Entry, _)))
            && let Some(Value::Object(resource)) = object.get("resource")
            && let Found::Inside(inside) = self.scope.kept.enter(object).look_up(b"resource")
            && let Some(id) = told(inside.as_slice(), resource, "id").text()
        {
            let kind = told(inside.as_slice(), resource, "resourceType").text();
            return Some((kind, id));
        }
        let id = told(rules, object, "id").text()?;
        let kind = rules.iter().find_map(|rule| match rule {
            Rule::Urls(_) => told(rules, object, "url").text(),
            Rule::Resources(_) => told(rules, object, "resourceType").text(),
            Rule::Paths(_) | Rule::Places(..) => None,
        });
        Some((kind, id))
    }
}

/// An element's id, and what it is: ids of resources of two types are two.
type Id<'a> = (Option<&'a str>, &'a str);

impl Pairs {
    /// No element is matched with any.
    pub(super) fn none(lanes: &[Lane<'_, '_>]) -> Self {
        let length = |of: fn(&Lane<'_, '_>) -> usize| lanes.iter().map(of).max().unwrap_or(0);
        Pairs {
            partner: vec![None; length(|lane| lane.new.len())],
            taken: vec![false; length(|lane| lane.old.len())],
        }
    }

    pub(super) fn find(lanes: &[Lane<'_, '_>]) -> Result<Self, FieldError> {
        let mut pairs = Self::none(lanes);
        let (new, old) = (pairs.partner.len(), pairs.taken.len());
        let ids = |side, length| -> Vec<Option<Id<'_>>> {
            let id = |place| lanes.iter().find_map(|lane| lane.id(side, place));
            (0..length).map(id).collect()
        };
        let (new_ids, old_ids) = (ids(Side::New, new), ids(Side::Old, old));
        let two_ids = |i: usize, j: usize| {
            matches!(
                (new_ids.get(i), old_ids.get(j)),
                (Some(Some(_)), Some(Some(_)))
            )
        };
        let are_two = |i: usize, j: usize| two_ids(i, j) || !may_be_one(lanes, i, j);
        let alike = |i: usize, j: usize| !are_two(i, j) && same_kind(lanes, i, j);
        if new == 1 && old == 1 {
            // Their content need not be read: whether it is the same or not, they are a pair.
            let same_id = new_ids == old_ids && may_be_one(lanes, 0, 0);
            if same_id || alike(0, 0) {
                pairs.pair(0, 0);
            }
            return Ok(pairs);
        }
        if repeat(&new_ids) || repeat(&old_ids) {
            pairs.match_repeated(lanes, &new_ids, &old_ids)?;
        }
        pairs.match_equal(&new_ids, &old_ids);
        pairs.match_content(lanes, |scope, value| scope.seen(value))?;
        if !lanes.iter().all(|lane| lane.scope.sees_the_rest()) {
            pairs.match_content(lanes, |scope, value| scope.rest(value))?;
        }
        match lanes {
            [lane] => pairs.match_likeness(lane, are_two)?,
            [primitives, ..] => pairs.match_primitives(primitives)?,
            [] => {}
        }
        pairs.match_stretches(alike);
        Ok(pairs)
    }

    fn is_complete(&self) -> bool {
        !self.partner.contains(&None) || !self.taken.contains(&false)
    }

    /// Matches those with the same id and of which the same can be seen: the id alone does not tell which is which.
    fn match_repeated(
        &mut self,
        lanes: &[Lane<'_, '_>],
        new_ids: &[Option<Id<'_>>],
        old_ids: &[Option<Id<'_>>],
    ) -> Result<(), FieldError> {
        let seen: Read = |scope, value| scope.seen(value);
        let keys = |side, ids: &[Option<Id<'_>>]| contents(lanes, seen, side, ids, Option::is_some);
        let (new, old) = (keys(Side::New, new_ids)?, keys(Side::Old, old_ids)?);
        self.match_equal(&with_ids(new_ids, new), &with_ids(old_ids, old));
        Ok(())
    }

    /// Matches those of which the same can be seen.
    fn match_content(&mut self, lanes: &[Lane<'_, '_>], content: Read) -> Result<(), FieldError> {
        if self.is_complete() {
            return Ok(());
        }
        let new = contents(lanes, content, Side::New, &self.partner, Option::is_none)?;
        let old = contents(lanes, content, Side::Old, &self.taken, |taken| !taken)?;
        self.match_equal(&new, &old);
        Ok(())
    }

    /// Matches equal primitives, whatever their siblings have become.
    fn match_primitives(&mut self, primitives: &Lane<'_, '_>) -> Result<(), FieldError> {
        let lane = std::slice::from_ref(primitives);
        let said = |contents: Vec<Option<[Content; 2]>>| -> Vec<_> {
            let said = |both: Option<[Content; 2]>| both.filter(|both| *both != [NOTHING; 2]);
            contents.into_iter().map(said).collect()
        };
        let rest: Read = |scope, value| scope.rest(value);
        let new = contents(lane, rest, Side::New, &self.partner, Option::is_none)?;
        let old = contents(lane, rest, Side::Old, &self.taken, |taken| !taken)?;
        self.match_equal(&said(new), &said(old));
        Ok(())
    }

    /// Matches those with equal keys: at the same place first, then in order.
    fn match_equal<K: Ord>(&mut self, new: &[Option<K>], old: &[Option<K>]) {
        for (i, (a, b)) in new.iter().zip(old).enumerate() {
            if a.is_some() && a == b {
                self.pair(i, i);
            }
        }
        let mut new_left: Vec<(&K, usize)> = Vec::new();
        for (i, key) in new.iter().enumerate() {
            if let (Some(key), Some(None)) = (key, self.partner.get(i)) {
                new_left.push((key, i));
            }
        }
        let mut old_left: Vec<(&K, usize)> = Vec::new();
        for (j, key) in old.iter().enumerate() {
            if let (Some(key), Some(false)) = (key, self.taken.get(j)) {
                old_left.push((key, j));
            }
        }
        new_left.sort_unstable();
        old_left.sort_unstable();
        let mut old_left = old_left.into_iter().peekable();
        for (key, i) in new_left {
            while old_left.next_if(|(other, _)| *other < key).is_some() {}
            if let Some((_, j)) = old_left.next_if(|(other, _)| *other == key) {
                self.pair(i, j);
            }
        }
    }

    /// Matches objects that have most of what can be seen of them in common.
    fn match_likeness(
        &mut self,
        lane: &Lane<'_, '_>,
        are_two: impl Fn(usize, usize) -> bool,
    ) -> Result<(), FieldError> {
        if self.is_complete() {
            return Ok(());
        }
        let mut left = Vec::new();
        for (j, (value, taken)) in lane.old.iter().zip(&self.taken).enumerate() {
            if !taken {
                left.push((j, lane.scope.seen_members(*value)?));
            }
        }
        let likeness = Likeness::of(left);
        for (i, value) in lane.new.iter().enumerate() {
            if self.partner.get(i) != Some(&None) {
                continue;
            }
            let members = lane.scope.seen_members(*value)?;
            let free = |j: usize| self.taken.get(j) == Some(&false) && !are_two(i, j);
            if let Some(j) = likeness.most_alike(i, &members, free) {
                self.pair(i, j);
            }
        }
        Ok(())
    }

    /// Matches by place: what is left between two neighbours that are matched (or an end of the array), in order, where it is
    /// as much in both documents.
    fn match_stretches(&mut self, alike: impl Fn(usize, usize) -> bool) {
        let mut left = Vec::new();
        for (j, taken) in self.taken.iter().enumerate() {
            if !taken {
                left.push(j);
            }
        }
        let mut place = 0;
        // Where the stretch begins in the stored array, if it does.
        let mut before = Some(0_usize);
        while let Some(partner) = self.partner.get(place) {
            if let Some(j) = partner {
                before = j.checked_add(1);
                place = place.saturating_add(1);
                continue;
            }
            let rest = self.partner.get(place..).unwrap_or_default();
            let length = rest.iter().take_while(|partner| partner.is_none()).count();
            let end = place.saturating_add(length);
            let after = match self.partner.get(end) {
                Some(partner) => *partner,
                None => Some(self.taken.len()),
            };
            let until = |end: Option<usize>| end.map(|end| left.partition_point(|j| *j < end));
            if let (Some(first), Some(last)) = (until(before), until(after))
                && let Some(between) = left.get(first..last)
                && between.len() == length
            {
                for (i, j) in (place..end).zip(between) {
                    if alike(i, *j) {
                        self.pair(i, *j);
                    }
                }
            }
            place = end;
        }
    }

    /// Matches `new[i]` with `old[j]` if neither has a partner.
    fn pair(&mut self, i: usize, j: usize) {
        if let (Some(partner @ None), Some(taken @ false)) =
            (self.partner.get_mut(i), self.taken.get_mut(j))
        {
            *partner = Some(j);
            *taken = true;
        }
    }
}

/// Whether some id stands there more than once.
fn repeat(ids: &[Option<Id<'_>>]) -> bool {
    let mut ids: Vec<Id<'_>> = ids.iter().flatten().copied().collect();
    ids.sort_unstable();
    ids.windows(2).any(|pair| pair.first() == pair.last())
}

/// Each content with the id of its element; `None` where that has none.
fn with_ids<'a>(
    ids: &[Option<Id<'a>>],
    contents: Vec<Option<[Content; 2]>>,
) -> Vec<Option<(Id<'a>, [Content; 2])>> {
    let both = ids.iter().copied().zip(contents);
    both.map(|(id, content)| id.zip(content)).collect()
}

/// What can be seen of each element that is still open; `None` for the others.
fn contents<T>(
    lanes: &[Lane<'_, '_>],
    content: Read,
    side: Side,
    states: &[T],
    is_open: fn(&T) -> bool,
) -> Result<Vec<Option<[Content; 2]>>, FieldError> {
    let mut all = Vec::with_capacity(states.len());
    for (place, state) in states.iter().enumerate() {
        if !is_open(state) {
            all.push(None);
            continue;
        }
        let mut both = [NOTHING; 2];
        for (slot, lane) in both.iter_mut().zip(lanes) {
            *slot = content(lane.scope, lane.get(side, place))?;
        }
        all.push(Some(both));
    }
    Ok(all)
}

/// Whether an element of the new array and one of the stored array may be one by what tells extensions and resources apart.
fn may_be_one(lanes: &[Lane<'_, '_>], i: usize, j: usize) -> bool {
    lanes.iter().all(
        |lane| match (lane.get(Side::New, i), lane.get(Side::Old, j)) {
            (Some(new), Some(old)) => lane.scope.may_be_one(new, old),
            _ => true,
        },
    )
}

/// Whether two elements may be one: both objects, both arrays, or a primitive with its sibling.
fn same_kind(lanes: &[Lane<'_, '_>], i: usize, j: usize) -> bool {
    let [lane] = lanes else {
        return true;
    };
    matches!(
        (lane.get(Side::New, i), lane.get(Side::Old, j)),
        (Some(Value::Object(_)), Some(Value::Object(_)))
            | (Some(Value::Array(_)), Some(Value::Array(_)))
    )
}
