//! What says which parts of a value are fields of a set, and looking a member's key up in it.
//!
//! Nearly always that is a trie alone. Extensions and resources inside a document are told apart by what they say of themselves,
//! their URL and their type: an object is therefore [entered](enter) before its members are looked up.

use std::borrow::Cow;

use jsonb::{Object, Value};

use super::nested::{Nested, Place};
use super::trie::{self, Below, Trie};

/// What says which parts of a value are fields: of an array, of each element.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule<'t> {
    /// Paths from here.
    Paths(&'t Trie),
    /// Extensions, by their URL.
    Urls(&'t [(Box<str>, Below)]),
    /// Resources, by their type.
    Resources(&'t Nested),
    /// An object in which resources stand.
    Places(Place, &'t Nested),
}

/// What the set says about one member.
pub(super) enum Found<'t> {
    /// No path goes through it.
    Nothing,
    /// It is a field of the set.
    Field,
    /// Fields of the set may be inside it.
    Inside(Rules<'t>),
}

/// The rules that apply inside one member: nearly always one.
pub(super) enum Rules<'t> {
    One([Rule<'t>; 1]),
    Many(Vec<Rule<'t>>),
}

/// An object, seen from inside.
pub(super) enum Entered<'r, 't> {
    /// It is a field itself.
    Field,
    /// Its members may be, or have, fields.
    Members(Members<'r, 't>),
}

/// What says which members of one object are fields.
pub(super) struct Members<'r, 't>(Cow<'r, [Rule<'t>]>);

impl<'t> Rule<'t> {
    /// Whether it takes the object to tell what of it is a field.
    fn is_told_by_object(self) -> bool {
        matches!(self, Rule::Urls(_) | Rule::Resources(_))
    }

    /// Whether it is the other rule.
    pub(super) fn is_same(self, other: Rule<'_>) -> bool {
        match (self, other) {
            (Rule::Paths(one), Rule::Paths(other)) => std::ptr::eq(one, other),
            (Rule::Urls(one), Rule::Urls(other)) => std::ptr::eq(one, other),
            (Rule::Resources(one), Rule::Resources(other)) => std::ptr::eq(one, other),
            (Rule::Places(place, one), Rule::Places(other_place, other)) => {
                place == other_place && std::ptr::eq(one, other)
            }
            _ => false,
        }
    }
}

/// Whether some of the rules take an object to tell what of it is a field.
pub(super) fn are_told_by_object(rules: &[Rule<'_>]) -> bool {
    rules.iter().any(|rule| rule.is_told_by_object())
}

/// Whether two values under such rules may be one and the same, changed: the same fields are looked for in both. An extension is
/// another one under another URL, a resource is of another type or has another id.
pub(super) fn may_be_one(rules: &[Rule<'_>], one: Value<'_>, other: Value<'_>) -> bool {
    if !are_told_by_object(rules) {
        return true;
    }
    let (Value::Object(one), Value::Object(other)) = (one, other) else {
        return matches!((one, other), (Value::Array(_), Value::Array(_)));
    };
    // What is a field itself tells nothing: it is not what was sent for it, and a guess would be confirmed.
    let differ = |key| match (told(rules, one, key), told(rules, other, key)) {
        (Told::Field, _) | (_, Told::Field) => false,
        (one, other) => one != other,
    };
    rules.iter().all(|rule| match rule {
        Rule::Urls(_) => !differ("url"),
        Rule::Resources(_) => {
            let have_ids = text(one, "id").is_some() && text(other, "id").is_some();
            let two = have_ids && differ("id");
            !(two || differ("resourceType"))
        }
        Rule::Paths(_) | Rule::Places(..) => true,
    })
}

/// What an object says of itself under a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told<'a> {
    Text(Option<&'a str>),
    /// What stands there is a field.
    Field,
}

impl<'a> Told<'a> {
    /// The text, if it is one and no field.
    pub(super) fn text(self) -> Option<&'a str> {
        match self {
            Told::Text(text) => text,
            Told::Field => None,
        }
    }
}

/// What an object under these rules says of itself under `key`.
pub(super) fn told<'a>(rules: &[Rule<'_>], object: Object<'a>, key: &str) -> Told<'a> {
    match enter(rules, object) {
        Entered::Members(members) if matches!(members.look_up(key.as_bytes()), Found::Field) => {
            Told::Field
        }
        _ => Told::Text(text(object, key)),
    }
}

pub(super) fn text<'a>(object: Object<'a>, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

/// What the rules, which apply to a value, say about the object that it is.
#[inline]
pub(super) fn enter<'r, 't>(rules: &'r [Rule<'t>], object: Object<'_>) -> Entered<'r, 't> {
    if !are_told_by_object(rules) {
        return Entered::Members(Members(Cow::Borrowed(rules)));
    }
    told_by(rules, object)
}

/// The same, where it takes the object.
fn told_by<'r, 't>(rules: &'r [Rule<'t>], object: Object<'_>) -> Entered<'r, 't> {
    let mut inner = Vec::new();
    for rule in rules {
        match rule {
            Rule::Paths(_) | Rule::Places(..) => inner.push(*rule),
            Rule::Urls(urls) => {
                let url = text(object, "url");
                match url.and_then(|url| trie::find(urls, url.as_bytes())) {
                    Some(Below::Field) => return Entered::Field,
                    Some(Below::Inside(trie)) => inner.push(Rule::Paths(trie)),
                    None => {}
                }
            }
            Rule::Resources(nested) => nested.rules_of(text(object, "resourceType"), &mut inner),
        }
    }
    Entered::Members(Members(Cow::Owned(inner)))
}

/// Whether the value is a field itself.
pub(super) fn is_field(rules: &[Rule<'_>], value: Value<'_>) -> bool {
    match value {
        Value::Object(object) => matches!(enter(rules, object), Entered::Field),
        _ => false,
    }
}

impl<'t> Members<'_, 't> {
    /// The same, on its own.
    pub(super) fn into_owned<'o>(self) -> Members<'o, 't> {
        Members(Cow::Owned(self.0.into_owned()))
    }

    /// What is said about the member `key`.
    pub(super) fn look_up(&self, key: &[u8]) -> Found<'t> {
        look_up(&self.0, key)
    }
}

/// What the rules say about the member `key` of whichever object they apply to; nothing, where they are told by the object.
pub(super) fn look_up<'t>(rules: &[Rule<'t>], key: &[u8]) -> Found<'t> {
    let mut found = Found::Nothing;
    for rule in rules {
        match rule {
            Rule::Paths(trie) => trie.look_up(key, &mut found),
            Rule::Places(place, nested) => {
                if let Some(rule) = place.look_up(key, nested) {
                    found.inside(rule);
                }
            }
            Rule::Urls(_) | Rule::Resources(_) => {}
        }
    }
    found
}

impl<'t> Entered<'_, 't> {
    /// What is said about the member `key`.
    pub(super) fn look_up(&self, key: &[u8]) -> Found<'t> {
        match self {
            Entered::Field => Found::Field,
            Entered::Members(members) => members.look_up(key),
        }
    }
}

impl<'t> Found<'t> {
    /// Adds what one more step says.
    pub(super) fn add(&mut self, below: &'t Below) {
        match below {
            Below::Field => *self = Found::Field,
            Below::Inside(inside) => self.inside(Rule::Paths(inside)),
        }
    }

    /// Adds that fields may be inside it.
    pub(super) fn inside(&mut self, rule: Rule<'t>) {
        match self {
            Found::Field => {}
            Found::Nothing => *self = Found::Inside(Rules::One([rule])),
            Found::Inside(Rules::One([one])) => {
                *self = Found::Inside(Rules::Many(vec![*one, rule]))
            }
            Found::Inside(Rules::Many(many)) => many.push(rule),
        }
    }
}

impl<'t> Rules<'t> {
    pub(super) fn as_slice(&self) -> &[Rule<'t>] {
        match self {
            Rules::One(one) => one,
            Rules::Many(many) => many,
        }
    }
}
