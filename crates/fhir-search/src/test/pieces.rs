//! The string parts of elements: what string parameters and `:text` search.

use jsonb::Value;

use super::evaluate::{any, items, member, or};
use crate::path::Leaf;

/// Calls `visit` for the string parts of an element, until it says true.
pub(crate) fn each_piece<'a>(
    leaf: Leaf,
    value: Value<'a>,
    visit: &mut impl FnMut(&'a str) -> bool,
) -> Option<bool> {
    let (texts, lists): (&[&str], &[&str]) = match leaf {
        Leaf::HumanName => (&["family", "text"], &["given", "prefix", "suffix"]),
        Leaf::Address => (
            &["city", "district", "state", "postalCode", "country", "text"],
            &["line"],
        ),
        Leaf::Coding => (&["display"], &[]),
        Leaf::CodeableConcept => {
            value.as_object()?;
            let text = member(value, "text").map(|text| text.is_some_and(&mut *visit));
            let displays = match items(value, "coding") {
                Some(mut codings) => any(&mut codings, |coding| match coding {
                    Value::Null => Some(false),
                    coding => each_piece(Leaf::Coding, coding, visit),
                }),
                None => None,
            };
            return or(text, displays);
        }
        Leaf::Identifier => {
            return match value.as_object()?.get("type") {
                None | Some(Value::Null) => Some(false),
                Some(found) => {
                    found.as_object()?;
                    member(found, "text").map(|text| text.is_some_and(visit))
                }
            };
        }
        _ => return value.as_str().map(visit),
    };
    value.as_object()?;
    let single = any(texts.iter(), |name| {
        member(value, name).map(|text| text.is_some_and(&mut *visit))
    });
    let listed = any(lists.iter(), |name| {
        any(items(value, name)?, |item| match item {
            Value::Null => Some(false),
            item => item.as_str().map(&mut *visit),
        })
    });
    or(single, listed)
}
