//! Members of a document's `meta`, set and removed.

use crate::error::{Error, Result};
use jsonb::{Node, Object, Patch, Value};
use std::borrow::Cow;

const META: &str = "meta";

/// So much longer a document may become, in bytes, before its memory has to grow.
const ROOM: usize = 256;

/// What becomes of one member of `meta`.
pub enum Edit<'a> {
    Keep,
    Remove,
    Set(Node<'a>),
}

impl<'a> Edit<'a> {
    /// These items; FHIR has no empty arrays.
    pub fn list(items: Vec<Node<'a>>) -> Edit<'a> {
        match items.is_empty() {
            true => Edit::Remove,
            false => Edit::Set(Node::Array(items)),
        }
    }

    /// Is this how it is already?
    fn is_idle(&self, meta: Option<Object<'_>>, name: &str) -> bool {
        let found = meta.and_then(|meta| meta.get(name));
        match self {
            Edit::Keep => true,
            Edit::Remove => found.is_none(),
            Edit::Set(value) => found.is_some_and(|found| is_same(value, found)),
        }
    }
}

/// Whether writing `node` in the place of `value` would change nothing.
fn is_same(node: &Node<'_>, value: Value<'_>) -> bool {
    match (node, value) {
        (Node::Value(node), value) => *node == value,
        (Node::String(node), Value::String(value)) => *node == value,
        (Node::Array(nodes), Value::Array(values)) => {
            nodes.len() == values.len()
                && nodes
                    .iter()
                    .zip(values.iter())
                    .all(|(node, value)| is_same(node, value))
        }
        (Node::Object(members), Value::Object(object)) => {
            members.len() == object.len()
                && members
                    .iter()
                    .all(|(name, node)| object.get(name).is_some_and(|value| is_same(node, value)))
        }
        _ => false,
    }
}

/// The document with these members of its `meta` edited; `None` where they are so already.
pub fn rewrite<const N: usize>(
    document: Value<'_>,
    edits: [(&str, Edit<'_>); N],
) -> Result<Option<Vec<u8>>> {
    let Value::Object(object) = document else {
        return Ok(None);
    };
    let meta = match object.get(META) {
        Some(Value::Object(meta)) => Some(meta),
        _ => None,
    };
    if edits.iter().all(|(name, edit)| edit.is_idle(meta, name)) {
        return Ok(None);
    }
    let is_edited = |name: &str| {
        edits
            .iter()
            .any(|(edited, edit)| *edited == name && !matches!(edit, Edit::Keep))
    };
    let kept = meta.into_iter().flat_map(|meta| meta.iter());
    let mut members: Vec<(Cow<'_, str>, Node<'_>)> = kept
        .filter(|(name, _)| !is_edited(name))
        .map(|(name, value)| (Cow::Borrowed(name), Node::Value(value)))
        .collect();
    for (name, edit) in edits {
        if let Edit::Set(value) = edit {
            members.push((Cow::Owned(name.to_owned()), value));
        }
    }
    // FHIR has no empty objects.
    let members = (!members.is_empty()).then_some(Node::Object(members));
    let capacity = document.byte_len().saturating_add(ROOM);
    jsonb::encode_with_capacity(&with_meta(object, members), capacity)
        .map(Some)
        .map_err(|_| Error::InvalidResource("the resource is too large".to_owned()))
}

/// The document with this in the place of its `meta`. All else is copied as it stands.
fn with_meta<'a>(document: Object<'a>, meta: Option<Node<'a>>) -> Node<'a> {
    if let Some(place) = document.position(META) {
        let mut patch = Patch::object(document);
        match meta {
            Some(meta) => patch.replace(place, meta),
            None => patch.remove(place),
        }
        return Node::Patch(patch);
    }
    let members = document.iter();
    let members = members.map(|(name, value)| (Cow::Borrowed(name), Node::Value(value)));
    let meta = meta.map(|meta| (Cow::Borrowed(META), meta));
    Node::Object(members.chain(meta).collect())
}
