//! From a resource to the elements that a parameter searches.

use serde_json::{Map, Value};

use crate::table::Step;
use crate::truth::Truth;

/// What is found at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found<'a> {
    /// Something is there.
    Element(&'a Value),
    /// Nobody can say what is there: what is, or what should hold it, is of the wrong type.
    Unknown,
}

/// Absent members and null hold nothing. Neither does an empty array, but only where an array belongs.
pub fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// All that is found from there by those steps.
pub fn walk<'a>(from: Found<'a>, steps: &[Step]) -> Vec<Found<'a>> {
    let mut nodes = vec![from];
    for step in steps {
        nodes = nodes
            .into_iter()
            .flat_map(|node| take(node, step))
            .collect();
    }
    nodes
}

fn take<'a>(node: Found<'a>, step: &Step) -> Vec<Found<'a>> {
    let Found::Element(Value::Object(object)) = node else {
        return vec![Found::Unknown];
    };
    let Some(value) = member(object, &step.member) else {
        return vec![];
    };
    let items = match (value, step.many) {
        (Value::Array(items), true) => items,
        (Value::Array(_), false) | (_, true) => return vec![Found::Unknown],
        (_, false) => return vec![Found::Element(value)],
    };
    items
        .iter()
        .take(if step.first { 1 } else { items.len() })
        // An array within an array, be it empty, is of the wrong type.
        .filter(|item| !item.is_null())
        .filter_map(|item| match fits_filter(item, step) {
            Some(true) => Some(Found::Element(item)),
            Some(false) => None,
            None => Some(Found::Unknown),
        })
        .collect()
}

fn fits_filter(item: &Value, step: &Step) -> Truth {
    let Some((name, wanted)) = &step.filter else {
        return Some(true);
    };
    is_text(member(item.as_object()?, name), wanted)
}

/// Is it this text, letter by letter? Unknown where it is no text.
pub fn is_text(value: Option<&Value>, wanted: &str) -> Truth {
    match value {
        None => Some(false),
        Some(Value::String(text)) => Some(text == wanted),
        Some(_) => None,
    }
}

/// The items of a member that is an array: unknown where it is none.
pub fn items<'a>(object: &'a Map<String, Value>, name: &str) -> Option<Vec<&'a Value>> {
    match member(object, name) {
        None => Some(vec![]),
        Some(Value::Array(items)) => Some(items.iter().filter(|item| !item.is_null()).collect()),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn step(member: &str, many: bool) -> Step {
        Step {
            member: member.to_owned(),
            many,
            first: false,
            filter: None,
        }
    }

    #[test]
    fn what_is_there() {
        let steps = [step("name", true), step("given", true)];
        let found = |resource: Value| {
            walk(Found::Element(&resource), &steps)
                .into_iter()
                .map(|found| match found {
                    Found::Element(value) => value.to_string(),
                    other => format!("{other:?}"),
                })
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            found(json!({"name": [{"given": ["A", null, "B"]}, {}]})),
            r#""A" "B""#
        );
        assert_eq!(
            found(json!({"name": [{"given": "A"}, {"given": []}]})),
            "Unknown"
        );
        assert_eq!(found(json!({"name": {"given": ["A"]}})), "Unknown");
        assert_eq!(found(json!({"name": ["A", null]})), "Unknown");
        assert_eq!(found(json!({"name": null})), "");
        assert_eq!(found(json!({})), "");
    }
}
