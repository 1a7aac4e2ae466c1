//! Putting stored fields back into a new document. [`FieldSet::try_restore`](super::FieldSet::try_restore) says by which rules.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use jsonb::{Array, Node, Object, Value};

use super::FieldError;
use super::remove::{carries, deeper, remove};
use super::trie::{Found, Trie, look_up};

/// `new` with the fields that `tries` name taken from `old`; `None` when that is `new` itself.
pub(super) fn restore<'a>(
    tries: &[&Trie],
    new: Value<'a>,
    old: Value<'a>,
    depth: usize,
) -> Result<Option<Node<'a>>, FieldError> {
    let inner = deeper(depth, new)?.max(deeper(depth, old)?);
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => restore_members(tries, new, old, inner),
        (Value::Array(new), Value::Array(old)) => {
            restore_elements(tries, &elements(new)?, &elements(old)?, inner)
        }
        _ if !carries(tries, old, depth)? => remove(tries, new, depth),
        (Value::Array(new), old) => restore_elements(tries, &elements(new)?, &[old], inner),
        (new @ Value::Object(_), Value::Array(old)) => {
            let one = restore_elements(tries, &[new], &elements(old)?, inner)?;
            Ok(Some(
                one.unwrap_or_else(|| Node::Array(vec![Node::Value(new)])),
            ))
        }
        (_, old) => only_fields(tries, old, depth),
    }
}

/// Members: the field of `old` where it is one of the set, the member of `new` otherwise.
fn restore_members<'a>(
    tries: &[&Trie],
    new: Object<'a>,
    old: Object<'a>,
    depth: usize,
) -> Result<Option<Node<'a>>, FieldError> {
    let mut members = Vec::with_capacity(new.len().saturating_add(old.len()));
    let mut changed = false;
    for member in new.try_iter() {
        let (key, value) = member?;
        let stored = old.get(key);
        let node = match (look_up(tries, key.as_bytes()), stored) {
            (Found::Nothing, _) => None,
            (Found::Field, None) => {
                changed = true;
                continue;
            }
            (Found::Field, Some(stored)) => (stored != value).then_some(Node::Value(stored)),
            (Found::Inside(inside), None) => remove(inside.as_slice(), value, depth)?,
            (Found::Inside(inside), Some(stored)) => {
                restore(inside.as_slice(), value, stored, depth)?
            }
        };
        changed |= node.is_some();
        members.push((Cow::Borrowed(key), node.unwrap_or(Node::Value(value))));
    }
    for member in old.try_iter() {
        let (key, stored) = member?;
        let node = match look_up(tries, key.as_bytes()) {
            Found::Nothing => None,
            _ if new.get(key).is_some() => None,
            Found::Field => Some(Node::Value(stored)),
            Found::Inside(inside) => only_fields(inside.as_slice(), stored, depth)?,
        };
        if let Some(node) = node {
            changed = true;
            members.push((Cow::Borrowed(key), node));
        }
    }
    Ok(changed.then_some(Node::Object(members)))
}

/// What comes back of a stored value that the new document lacks: of an object just the fields of the set, of an array the
/// elements that have one, whole (and its `null`s: in a primitive's sibling they keep the places). `None` when there is no field.
fn only_fields<'a>(
    tries: &[&Trie],
    old: Value<'a>,
    depth: usize,
) -> Result<Option<Node<'a>>, FieldError> {
    let inner = deeper(depth, old)?;
    match old {
        Value::Object(object) => {
            let mut members = Vec::new();
            for member in object.try_iter() {
                let (key, stored) = member?;
                let node = match look_up(tries, key.as_bytes()) {
                    Found::Nothing => None,
                    Found::Field => Some(Node::Value(stored)),
                    Found::Inside(inside) => only_fields(inside.as_slice(), stored, inner)?,
                };
                if let Some(node) = node {
                    members.push((Cow::Borrowed(key), node));
                }
            }
            Ok((!members.is_empty()).then_some(Node::Object(members)))
        }
        Value::Array(array) => {
            let mut kept = Vec::new();
            let mut any = false;
            for element in array.try_iter() {
                let element = element?;
                let carried = carries(tries, element, inner)?;
                any |= carried;
                if carried || element == Value::Null {
                    kept.push(Node::Value(element));
                }
            }
            Ok(any.then_some(Node::Array(kept)))
        }
        _ => Ok(None),
    }
}

fn elements<'a>(array: Array<'a>) -> Result<Vec<Value<'a>>, FieldError> {
    Ok(array.try_iter().collect::<Result<_, _>>()?)
}

/// The new elements, each with the fields of the stored element it is matched with, and the stored ones that would be lost.
fn restore_elements<'a>(
    tries: &[&Trie],
    new: &[Value<'a>],
    old: &[Value<'a>],
    depth: usize,
) -> Result<Option<Node<'a>>, FieldError> {
    let pairs = Pairs::find(tries, new, old, depth)?;
    let mut elements = Vec::with_capacity(new.len().max(old.len()));
    let mut changed = false;
    for (value, partner) in new.iter().zip(&pairs.partner) {
        let node = match partner.and_then(|j| old.get(j)) {
            Some(stored) => restore(tries, *value, *stored, depth)?,
            None => remove(tries, *value, depth)?,
        };
        changed |= node.is_some();
        elements.push(node.unwrap_or(Node::Value(*value)));
    }
    for (stored, taken) in old.iter().zip(&pairs.taken) {
        if !taken && carries(tries, *stored, depth)? {
            changed = true;
            elements.push(Node::Value(*stored));
        }
    }
    Ok(changed.then_some(Node::Array(elements)))
}

/// Which element of `old` each element of `new` is matched with.
struct Pairs {
    partner: Vec<Option<usize>>,
    taken: Vec<bool>,
}

impl Pairs {
    fn find(
        tries: &[&Trie],
        new: &[Value<'_>],
        old: &[Value<'_>],
        depth: usize,
    ) -> Result<Self, FieldError> {
        let mut pairs = Pairs {
            partner: vec![None; new.len()],
            taken: vec![false; old.len()],
        };
        let use_ids = !matches!(look_up(tries, b"id"), Found::Field);
        let id = |value: &Value<'_>| match value {
            Value::Object(object) if use_ids => object.get("id")?.as_str().map(str::to_owned),
            _ => None,
        };
        let new_ids: Vec<_> = new.iter().map(id).collect();
        let old_ids: Vec<_> = old.iter().map(id).collect();
        pairs.match_equal(&new_ids, &old_ids);
        if pairs.partner.contains(&None) {
            let visible = |values: &[Value<'_>], open: &dyn Fn(usize) -> bool| {
                values
                    .iter()
                    .enumerate()
                    .map(|(i, value)| match open(i) {
                        true => visible_part(tries, *value, depth).map(Some),
                        false => Ok(None),
                    })
                    .collect::<Result<Vec<_>, _>>()
            };
            let new_visible = visible(new, &|i| pairs.partner.get(i) == Some(&None))?;
            let old_visible = visible(old, &|j| pairs.taken.get(j) == Some(&false))?;
            pairs.match_equal(&new_visible, &old_visible);
        }
        for i in 0..new.len().min(old.len()) {
            let alike = match (new.get(i), old.get(i)) {
                (Some(Value::Object(_)), Some(Value::Object(_))) => !matches!(
                    (new_ids.get(i), old_ids.get(i)),
                    (Some(Some(_)), Some(Some(_)))
                ),
                (Some(Value::Array(_)), Some(Value::Array(_))) | (Some(Value::Null), _) => true,
                _ => false,
            };
            if alike {
                pairs.pair(i, i);
            }
        }
        Ok(pairs)
    }

    /// Matches those with equal keys: at the same index first, then in order.
    fn match_equal<K: Eq + std::hash::Hash>(&mut self, new: &[Option<K>], old: &[Option<K>]) {
        for (i, (a, b)) in new.iter().zip(old).enumerate() {
            if a.is_some() && a == b {
                self.pair(i, i);
            }
        }
        let mut places: HashMap<&K, VecDeque<usize>> = HashMap::new();
        for (j, key) in old.iter().enumerate() {
            if let (Some(key), Some(false)) = (key, self.taken.get(j)) {
                places.entry(key).or_default().push_back(j);
            }
        }
        for (i, key) in new.iter().enumerate() {
            if let (Some(key), Some(None)) = (key, self.partner.get(i))
                && let Some(j) = places.get_mut(key).and_then(VecDeque::pop_front)
            {
                self.pair(i, j);
            }
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

/// The binary form of a value without the fields of the set.
fn visible_part(tries: &[&Trie], value: Value<'_>, depth: usize) -> Result<Vec<u8>, FieldError> {
    let node = remove(tries, value, depth)?.unwrap_or(Node::Value(value));
    super::write(&node, value.byte_len())
}
