//! Which fields a new document would change, were they not put back.

use std::collections::BTreeSet;

use jsonb::{Object, Value};

use super::FieldError;
use super::aligned::{Aligned, elements};
use super::content::same;
use super::pairs::Lane;
use super::remove::deeper;
use super::restore::Matched;
use super::scope::{BothKnown, Cover, Scope};
use super::trie::Trie;

/// The paths of the fields that differ in `new` and `old`, sorted; without `old`, of those that are in `new`.
pub(super) fn changed(
    trie: &Trie,
    new: Value<'_>,
    old: Option<Value<'_>>,
) -> Result<Vec<String>, FieldError> {
    let scope = Scope {
        kept: Cover::Inside(&[trie]),
        // Nothing that was not to be seen is left in the documents.
        unseen: Cover::Inside(&[]),
        known: &BothKnown::default(),
    };
    let mut comparison = Comparison::default();
    comparison.value(scope, Some(new), old, 0)?;
    Ok(comparison.changed.into_iter().collect())
}

#[derive(Default)]
struct Comparison<'a> {
    path: Vec<&'a str>,
    changed: BTreeSet<String>,
}

impl<'a> Comparison<'a> {
    fn value(
        &mut self,
        scope: Scope<'_>,
        new: Option<Value<'a>>,
        old: Option<Value<'a>>,
        depth: usize,
    ) -> Result<(), FieldError> {
        let mut inner = depth;
        match scope.kept {
            Cover::Inside([]) => return Ok(()),
            Cover::Inside(_) => {}
            Cover::Whole => {
                if !same(new, old)? {
                    self.changed.insert(self.path.join("."));
                }
                return Ok(());
            }
        }
        for value in new.iter().chain(&old) {
            inner = inner.max(deeper(depth, *value)?);
        }
        let is_array = |value| matches!(value, Some(Value::Array(_)));
        if is_array(new) || is_array(old) {
            let (new, old) = (elements(new)?, elements(old)?);
            let lane = Lane { scope, new, old };
            let matched = Matched::of(std::slice::from_ref(&lane), inner)?;
            return self.lane(&lane, &matched, inner);
        }
        let object = |value: Option<Value<'a>>| value.and_then(|value| value.as_object());
        self.members(scope, object(new), object(old), inner)
    }

    fn members(
        &mut self,
        scope: Scope<'_>,
        new: Option<Object<'a>>,
        old: Option<Object<'a>>,
        depth: usize,
    ) -> Result<(), FieldError> {
        let aligned = old
            .map(|old| Aligned::find(scope, new, old, depth))
            .transpose()?
            .unwrap_or_default();
        let of = |object: Option<Object<'a>>, key| object.and_then(|object| object.get(key));
        for member in new.iter().flat_map(Object::try_iter) {
            let (key, value) = member?;
            if !aligned.has(key) {
                self.member(scope, key, Some(value), of(old, key), depth)?;
            }
        }
        for member in old.iter().flat_map(Object::try_iter) {
            let (key, value) = member?;
            if !aligned.has(key) && of(new, key).is_none() {
                self.member(scope, key, None, Some(value), depth)?;
            }
        }
        for sibling in aligned.siblings() {
            let keys = [sibling.primitive(), sibling.key()];
            let below = keys.map(|key| scope.member(key));
            let lanes = sibling.lanes(below.each_ref(), new, old)?;
            let matched = Matched::of(&lanes, depth)?;
            for (key, lane) in keys.into_iter().zip(&lanes) {
                self.path.push(key);
                self.lane(lane, &matched, depth)?;
                self.path.pop();
            }
        }
        Ok(())
    }

    fn member(
        &mut self,
        scope: Scope<'_>,
        key: &'a str,
        new: Option<Value<'a>>,
        old: Option<Value<'a>>,
        depth: usize,
    ) -> Result<(), FieldError> {
        let below = scope.member(key);
        self.path.push(key);
        self.value(below.scope(), new, old, depth)?;
        self.path.pop();
        Ok(())
    }

    fn lane(
        &mut self,
        lane: &Lane<'_, 'a>,
        matched: &Matched,
        depth: usize,
    ) -> Result<(), FieldError> {
        for (place, partner) in matched.pairs.partner.iter().enumerate() {
            let new = lane.new.get(place).copied();
            let old = partner.and_then(|j| lane.old.get(j)).copied();
            self.value(lane.scope, new, old, depth)?;
        }
        for (old, taken) in lane.old.iter().zip(&matched.pairs.taken) {
            if !taken {
                self.value(lane.scope, None, Some(*old), depth)?;
            }
        }
        Ok(())
    }
}
