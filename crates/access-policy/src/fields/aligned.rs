//! Arrays of primitives and their siblings: `given` and `_given`. What stands at one place in the two is one element.

use jsonb::{Array, Corrupt, Object, Value};

use super::FieldError;
use super::pairs::Lane;
use super::rule::are_told_by_object;
use super::scope::{Below, Cover, Inner, Scope};

/// The arrays of siblings in a stored object that hold a field, with or beside the primitives that they belong to.
#[derive(Default)]
pub(super) struct Aligned<'a> {
    /// In stored order of keys: by length, then bytes.
    siblings: Vec<Sibling<'a>>,
}

/// The key of one such array.
#[derive(Clone, Copy)]
pub(super) struct Sibling<'a> {
    key: &'a str,
    primitive: &'a str,
}

impl<'a> Aligned<'a> {
    /// Those to be restored together. Where one is hidden whole with its primitives, there is nothing to match.
    pub(super) fn find(
        inner: &Inner<'_>,
        new: Option<Object<'a>>,
        old: Object<'a>,
        depth: usize,
    ) -> Result<Self, FieldError> {
        let mut siblings = Vec::new();
        // Most objects have no siblings: their keys alone tell.
        let is_other = |key: Result<&[u8], Corrupt>| key.is_ok_and(|key| !key.starts_with(b"_"));
        if old.keys().all(is_other) {
            return Ok(Aligned { siblings });
        }
        for member in old.try_iter() {
            let (key, value) = member?;
            let (Some(primitive), Value::Array(values)) = (key.strip_prefix('_'), value) else {
                continue;
            };
            let is_array = |value| matches!(value, None | Some(Value::Array(_)));
            let are_arrays =
                is_array(old.get(primitive)) && is_array(new.and_then(|new| new.get(primitive)));
            if are_arrays
                && !primitive.starts_with('_')
                && are_primitives(inner.member(primitive.as_bytes()).scope().kept)
                && has_field(inner.member(key.as_bytes()).scope(), values, depth)?
            {
                siblings.push(Sibling { key, primitive });
            }
        }
        Ok(Aligned { siblings })
    }

    /// Whether the member `key` belongs to one of them.
    pub(super) fn has(&self, key: &str) -> bool {
        let key = key.strip_prefix('_').unwrap_or(key);
        let order = |sibling: &Sibling<'_>| {
            let other = sibling.primitive;
            other.len().cmp(&key.len()).then_with(|| other.cmp(key))
        };
        self.siblings.binary_search_by(order).is_ok()
    }

    pub(super) fn siblings(&self) -> &[Sibling<'a>] {
        &self.siblings
    }
}

impl<'a> Sibling<'a> {
    /// The key of the siblings.
    pub(super) fn key(self) -> &'a str {
        self.key
    }

    /// The key of the primitives.
    pub(super) fn primitive(self) -> &'a str {
        self.primitive
    }

    /// The two arrays, in both documents. `below` is the scope of the primitives and that of their siblings.
    pub(super) fn lanes<'s>(
        self,
        [primitives, siblings]: [&'s Below<'_>; 2],
        new: Option<Object<'a>>,
        old: Option<Object<'a>>,
    ) -> Result<[Lane<'s, 'a>; 2], FieldError> {
        let lane = |below: &'s Below<'_>, key| -> Result<Lane<'s, 'a>, FieldError> {
            Ok(Lane {
                scope: below.scope(),
                new: elements(new.and_then(|new| new.get(key)))?,
                old: elements(old.and_then(|old| old.get(key)))?,
            })
        };
        Ok([lane(primitives, self.primitive)?, lane(siblings, self.key)?])
    }
}

/// The elements of an array; an object is one of one.
pub(super) fn elements(value: Option<Value<'_>>) -> Result<Vec<Value<'_>>, FieldError> {
    match value {
        Some(Value::Array(array)) => Ok(array.try_iter().collect::<Result<_, _>>()?),
        Some(one @ Value::Object(_)) => Ok(vec![one]),
        _ => Ok(Vec::new()),
    }
}

/// Whether what is covered so may be primitives: they are not hidden whole, and are no extensions or resources.
fn are_primitives(cover: Cover<'_>) -> bool {
    match cover {
        Cover::Whole => false,
        Cover::Inside(rules) => !are_told_by_object(rules),
    }
}

fn has_field(scope: Scope<'_>, values: Array<'_>, depth: usize) -> Result<bool, FieldError> {
    if scope.kept.is_nothing() {
        return Ok(false);
    }
    for value in values.try_iter() {
        if scope.carries(value?, depth)? {
            return Ok(true);
        }
    }
    Ok(false)
}
