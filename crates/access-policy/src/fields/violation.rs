//! Which fields a new document would change, were they not put back.

use std::collections::{BTreeMap, BTreeSet};

use jsonb::{Object, Value};

use super::FieldError;
use super::aligned::{Aligned, elements};
use super::content::same;
use super::pairs::Lane;
use super::remove::deeper;
use super::restore::Matched;
use super::rule::{Rule, are_told_by_object, is_field, text};
use super::scope::{BothKnown, Cover, Inner, Scope};

/// The paths of the fields that differ in `new` and `old`, sorted; without `old`, of those that are in `new`.
pub(super) fn changed(
    rules: &[Rule<'_>],
    new: Value<'_>,
    old: Option<Value<'_>>,
) -> Result<Vec<String>, FieldError> {
    let scope = Scope {
        kept: Cover::Inside(rules),
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
        let rules = scope.kept.rules();
        if is_array(new) || is_array(old) {
            let (new, old) = (elements(new)?, elements(old)?);
            let mut lane = Lane { scope, new, old };
            if are_told_by_object(rules) {
                self.fields(rules, &lane)?;
                lane = lane.without_fields();
            }
            let matched = Matched::of(std::slice::from_ref(&lane), inner)?;
            return self.lane(&lane, &matched, inner);
        }
        if let (Some(one), Some(other)) = (new, old)
            && !scope.may_be_one(one, other)
        {
            self.value(scope, new, None, depth)?;
            return self.value(scope, None, old, depth);
        }
        if are_told_by_object(rules) {
            let lane = Lane {
                scope,
                new: elements(new)?,
                old: elements(old)?,
            };
            self.fields(rules, &lane)?;
            if [new, old]
                .into_iter()
                .flatten()
                .any(|value| is_field(rules, value))
            {
                return Ok(());
            }
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
        let Some(object) = old.or(new) else {
            return Ok(());
        };
        let inner = scope.enter(object);
        let aligned = old
            .map(|old| Aligned::find(&inner, new, old, depth))
            .transpose()?
            .unwrap_or_default();
        let of = |object: Option<Object<'a>>, key| object.and_then(|object| object.get(key));
        for member in new.iter().flat_map(Object::try_iter) {
            let (key, value) = member?;
            if !aligned.has(key) {
                self.member(&inner, key, Some(value), of(old, key), depth)?;
            }
        }
        for member in old.iter().flat_map(Object::try_iter) {
            let (key, value) = member?;
            if !aligned.has(key) && of(new, key).is_none() {
                self.member(&inner, key, None, Some(value), depth)?;
            }
        }
        for sibling in aligned.siblings() {
            let keys = [sibling.primitive(), sibling.key()];
            let below = keys.map(|key| inner.member(key.as_bytes()));
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
        inner: &Inner<'_>,
        key: &'a str,
        new: Option<Value<'a>>,
        old: Option<Value<'a>>,
        depth: usize,
    ) -> Result<(), FieldError> {
        let below = inner.member(key.as_bytes());
        self.path.push(key);
        self.value(below.scope(), new, old, depth)?;
        self.path.pop();
        Ok(())
    }

    /// Extensions that are fields themselves, by URL: those of one are compared in their order.
    fn fields(&mut self, rules: &[Rule<'_>], lane: &Lane<'_, 'a>) -> Result<(), FieldError> {
        type ByUrl<'a> = BTreeMap<&'a str, Vec<Value<'a>>>;
        let by_url = |values: &[Value<'a>]| {
            let mut fields = ByUrl::new();
            for value in values.iter().filter(|value| is_field(rules, **value)) {
                let url = value.as_object().and_then(|object| text(object, "url"));
                fields.entry(url.unwrap_or("")).or_default().push(*value);
            }
            fields
        };
        let (new, old) = (by_url(&lane.new), by_url(&lane.old));
        for url in new.keys().chain(old.keys()) {
            let [mut new, mut old] =
                [&new, &old].map(|fields| fields.get(url).into_iter().flatten());
            loop {
                let pair = (new.next().copied(), old.next().copied());
                if pair == (None, None) {
                    break;
                }
                if !same(pair.0, pair.1)? {
                    self.changed
                        .insert(format!("{}('{url}')", self.path.join(".")));
                    break;
                }
            }
        }
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
