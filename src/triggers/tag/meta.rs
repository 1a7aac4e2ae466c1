//! Members of a document's `meta`, set and removed.

use crate::error::{Error, Result};
use jsonb::{Node, Object, Value};
use std::borrow::Cow;

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
    let meta = match object.get("meta") {
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
    let mut document: Vec<(Cow<'_, str>, Node<'_>)> = object
        .iter()
        .filter(|(name, _)| *name != "meta")
        .map(|(name, value)| (Cow::Borrowed(name), Node::Value(value)))
        .collect();
    // FHIR has no empty objects.
    if !members.is_empty() {
        document.push((Cow::Borrowed("meta"), Node::Object(members)));
    }
    jsonb::encode(&Node::Object(document))
        .map(Some)
        .map_err(|_| Error::InvalidResource("the resource is too large".to_owned()))
}
