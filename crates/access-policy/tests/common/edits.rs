//! Documents as a client changes them.
#![allow(clippy::unwrap_used, clippy::panic)]

use jsonb::{Node, Value};

/// A document as a tree that can be edited.
pub fn owned(document: &[u8]) -> Node<'static> {
    fn copy(value: Value<'_>) -> Node<'static> {
        match value {
            Value::Object(object) => {
                let member = |(key, value): (&str, _)| (key.to_owned().into(), copy(value));
                Node::Object(object.iter().map(member).collect())
            }
            Value::Array(array) => Node::Array(array.iter().map(copy).collect()),
            Value::Null => Node::Null,
            Value::Bool(value) => Node::Bool(value),
            Value::String(text) => Node::String(text.to_owned().into()),
            Value::Number(_) => panic!("no numbers are generated"),
        }
    }
    copy(Value::parse(document).unwrap())
}

/// One edit somewhere in a document, chosen by numbers.
pub fn edit(
    node: &mut Node<'static>,
    choices: &mut impl Iterator<Item = usize>,
    with: &Node<'static>,
) {
    let choice = choices.next().unwrap_or(0);
    match node {
        Node::Array(elements) if !elements.is_empty() => {
            let at = choices.next().unwrap_or(0) % elements.len();
            match choice % 7 {
                0 => drop(elements.remove(at)),
                1 => elements.insert(at, with.clone()),
                2 => elements.push(with.clone()),
                3 => elements.rotate_left(at),
                4 => elements.swap(0, at),
                _ => edit(elements.get_mut(at).unwrap(), choices, with),
            }
        }
        Node::Object(members) if !members.is_empty() => {
            let at = choices.next().unwrap_or(0) % members.len();
            match choice % 7 {
                0 => drop(members.remove(at)),
                1 => members.push(("text".into(), with.clone())),
                2 => members.push(("name".into(), with.clone())),
                _ => edit(&mut members.get_mut(at).unwrap().1, choices, with),
            }
        }
        other => *other = with.clone(),
    }
}
