//! HL7's security label `REDACTED`: it tells a reader that something of a document may be withheld.
//!
//! It is put on what is shown and says nothing of what is stored. So a document that is written back has it exactly where the
//! stored one has.

use std::borrow::Cow;

use jsonb::{Node, Object, Patch, Value};

use super::FieldError;

const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
const CODE: &str = "REDACTED";
const DISPLAY: &str = "redacted";

const META: &str = "meta";
const SECURITY: &str = "security";

/// The document with the label in `meta.security`; `None` where it has it already, or where nothing can be put there.
pub(super) fn mark(document: Value<'_>) -> Result<Option<Vec<u8>>, FieldError> {
    let Value::Object(object) = document else {
        return Ok(None);
    };
    let room = match object.get(META) {
        None | Some(Value::Null) => true,
        Some(Value::Object(meta)) => {
            let security = meta.get(SECURITY);
            matches!(security, None | Some(Value::Null | Value::Array(_))) && !is_labelled(document)
        }
        Some(_) => false,
    };
    if !room {
        return Ok(None);
    }
    let member = |name: &'static str, text: &'static str| {
        (Cow::Borrowed(name), Node::String(Cow::Borrowed(text)))
    };
    let label = Node::Object(vec![
        member("system", SYSTEM),
        member("code", CODE),
        member("display", DISPLAY),
    ]);
    super::write(&with_label(object, label)?, document.byte_len()).map(Some)
}

/// The document `new`, which is to be stored in the place of `stored`, with the label if that has it and without if not; `None`
/// when that is `new` itself.
///
/// # Errors
/// [`FieldError`]; the write must be refused then.
pub fn label_as_stored(
    new: Value<'_>,
    stored: Option<Value<'_>>,
) -> Result<Option<Vec<u8>>, FieldError> {
    let Value::Object(object) = new else {
        return Ok(None);
    };
    let node = match (is_labelled(new), stored.and_then(label_of)) {
        (false, Some(label)) => with_label(object, Node::Value(label))?,
        (true, None) => without_label(object, stored)?,
        _ => return Ok(None),
    };
    super::write(&node, new.byte_len()).map(Some)
}

/// The security labels of a document.
fn security(document: Value<'_>) -> Option<Value<'_>> {
    document.as_object()?.get(META)?.as_object()?.get(SECURITY)
}

/// The label itself, as it stands in a document.
fn label_of(document: Value<'_>) -> Option<Value<'_>> {
    match security(document)? {
        Value::Array(labels) => labels.iter().find(|label| is_label(*label)),
        one => Some(one).filter(|label| is_label(*label)),
    }
}

fn is_labelled(document: Value<'_>) -> bool {
    label_of(document).is_some()
}

fn is_label(value: Value<'_>) -> bool {
    let Value::Object(coding) = value else {
        return false;
    };
    let says = |key, text: &str| coding.get(key).and_then(|value| value.as_str()) == Some(text);
    says("code", CODE) && says("system", SYSTEM)
}

/// The document with one more label. What stands in the way, and is neither an object nor a list, goes.
fn with_label<'a>(document: Object<'a>, label: Node<'a>) -> Result<Node<'a>, FieldError> {
    let meta = document.get(META).and_then(|meta| meta.as_object());
    let labels = match meta.and_then(|meta| meta.get(SECURITY)) {
        Some(Value::Array(labels)) => {
            let labels = labels.try_iter().map(|label| label.map(Node::Value));
            labels.collect::<Result<_, _>>()?
        }
        Some(one @ Value::Object(_)) => vec![Node::Value(one)],
        _ => Vec::new(),
    };
    let labels = Node::Array(labels.into_iter().chain([label]).collect());
    let meta = match meta {
        Some(meta) => with_member(meta, SECURITY, labels)?,
        None => Node::Object(vec![(Cow::Borrowed(SECURITY), labels)]),
    };
    with_member(document, META, meta)
}

fn with_member<'a>(
    object: Object<'a>,
    key: &'static str,
    node: Node<'a>,
) -> Result<Node<'a>, FieldError> {
    let mut members = Vec::with_capacity(object.len().saturating_add(1));
    for member in object.try_iter() {
        let (other, value) = member?;
        if other != key {
            members.push((Cow::Borrowed(other), Node::Value(value)));
        }
    }
    members.push((Cow::Borrowed(key), node));
    Ok(Node::Object(members))
}

/// The document without the label, and without what was there only to hold it.
fn without_label<'a>(
    document: Object<'a>,
    stored: Option<Value<'_>>,
) -> Result<Node<'a>, FieldError> {
    let Some(Value::Object(meta)) = document.get(META) else {
        return Ok(Node::Value(Value::Object(document)));
    };
    let labels = match meta.get(SECURITY) {
        Some(Value::Array(labels)) => {
            let mut others = Patch::array(labels);
            let mut left = labels.len();
            for (i, label) in labels.try_iter().enumerate() {
                if is_label(label?) {
                    others.remove(i);
                    left = left.saturating_sub(1);
                }
            }
            (left > 0).then_some(Node::Patch(others))
        }
        _ => None,
    };
    let stored_meta = stored.and_then(|stored| stored.as_object()?.get(META));
    let stored_labels = stored_meta.and_then(|meta| meta.as_object()?.get(SECURITY));
    let labels = labels.or(stored_labels.map(|_| Node::Array(Vec::new())));
    let meta = match labels {
        Some(labels) => Some(with_member(meta, SECURITY, labels)?),
        None if meta.len() > 1 || stored_meta.is_some() => Some(without_member(meta, SECURITY)?),
        None => None,
    };
    match meta {
        Some(meta) => with_member(document, META, meta),
        None => without_member(document, META),
    }
}

fn without_member<'a>(object: Object<'a>, key: &str) -> Result<Node<'a>, FieldError> {
    let mut patch = Patch::object(object);
    for (i, other) in object.keys().enumerate() {
        if other? == key.as_bytes() {
            patch.remove(i);
        }
    }
    Ok(Node::Patch(patch))
}
