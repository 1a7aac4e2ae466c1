//! The documents whose containment a test comes to: `document @> {"code": {"coding": [{"code": "x"}]}}`.

use serde_json::{Map, Value, json};

use super::{Condition, Lookup};
use crate::path::{Filter, Leaf, Path, Step};
use crate::test::{Elements, TestOp, Token, TokenSystem, last_two, relative};

/// An id may be of at most so many types to be looked up as `Type/id`.
pub const MOST_TYPES: usize = 25;

/// The most documents that one condition may ask containment of.
pub const MOST: usize = 20_000;

/// The values that elements at a path have, and whether they are all there is to know.
struct Values {
    /// One of these is contained in the element.
    any: Vec<Value>,
    decides: bool,
}

/// What documents say of `system|code`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Systems {
    Asked,
    /// A code alone is in as few rows, and a system in most: to find rows that have both, a GIN index is searched for the system
    /// once for each row that has the code.
    LeftOut,
}

/// The documents for a test of elements, where containment can tell something.
pub fn of_elements(elements: &Elements) -> Option<Lookup> {
    let (documents, decides) = documents(elements, Systems::Asked)?;
    Some(Lookup {
        condition: Condition::Contains(documents),
        decides,
        regular_only: is_of_references(elements),
    })
}

/// The same by the codes alone, where systems are asked for, too.
pub fn by_code(elements: &Elements) -> Option<Lookup> {
    let TestOp::Token(tokens) = &elements.op else {
        return None;
    };
    let has_both =
        |token: &Token| token.code.is_some() && matches!(token.system, TokenSystem::Is(_));
    if !tokens.iter().any(has_both) {
        return None;
    }
    let (with_systems, _) = documents(elements, Systems::Asked)?;
    let (documents, _) = documents(elements, Systems::LeftOut)?;
    (documents != with_systems).then_some(Lookup {
        condition: Condition::Contains(documents),
        decides: false,
        regular_only: false,
    })
}

fn is_of_references(elements: &Elements) -> bool {
    let is_reference = |path: &Path| path.leaf == Leaf::Reference;
    matches!(elements.op, TestOp::Reference { .. }) && elements.paths.iter().any(is_reference)
}

/// For several tests of the parts of one element: the documents that have what every part asks for in the same element.
pub fn of_composite(context: &[Step], parts: &[Elements]) -> Option<Lookup> {
    composed(context, parts, Systems::Asked)
        .filter(|lookup| lookup.decides)
        .or_else(|| composed(context, parts, Systems::LeftOut))
}

fn composed(context: &[Step], parts: &[Elements], systems: Systems) -> Option<Lookup> {
    let mut whole = vec![json!({})];
    let mut decides = true;
    for part in parts {
        let Some((documents, decided)) = documents(part, systems) else {
            decides = false;
            continue;
        };
        decides &= decided;
        if whole.len().saturating_mul(documents.len()) > MOST {
            return None;
        }
        let merged = whole.iter().flat_map(|one| {
            let documents = documents.iter();
            documents.map(move |other| merged(one, other))
        });
        whole = merged.collect::<Option<Vec<Value>>>()?;
    }
    whole.retain(|document| *document != json!({}));
    let documents: Vec<Value> = whole
        .into_iter()
        .filter_map(|document| around(context, document))
        .collect();
    (!documents.is_empty()).then_some(Lookup {
        condition: Condition::Contains(documents),
        decides,
        regular_only: parts.iter().any(is_of_references),
    })
}

/// Both objects in one; `None` where they have a member in common.
fn merged(one: &Value, other: &Value) -> Option<Value> {
    let mut members = one.as_object()?.clone();
    for (name, value) in other.as_object()? {
        if members.insert(name.clone(), value.clone()).is_some() {
            return None;
        }
    }
    Some(Value::Object(members))
}

/// `None` when containment cannot narrow the test at all, or would take too many documents.
fn documents(elements: &Elements, systems: Systems) -> Option<(Vec<Value>, bool)> {
    let mut found = Vec::new();
    let mut decides = systems == Systems::Asked;
    for path in &elements.paths {
        let values = values(path, &elements.op, systems)?;
        // The first item of an array cannot be told from the others.
        decides &= values.decides
            && path
                .steps
                .iter()
                .all(|step| step.filter != Some(Filter::First));
        if found.len().saturating_add(values.any.len()) > MOST {
            return None;
        }
        found.extend(
            values
                .any
                .into_iter()
                .filter_map(|value| around(&path.steps, value)),
        );
    }
    (!found.is_empty()).then_some((found, decides))
}

fn values(path: &Path, op: &TestOp, systems: Systems) -> Option<Values> {
    let leaf = path.leaf;
    match op {
        TestOp::Token(tokens) => {
            let exact =
                !leaf.has_system() || tokens.iter().all(|token| token.system != TokenSystem::None);
            let mut any: Vec<Value> = tokens
                .iter()
                .filter_map(|token| token_value(leaf, token, systems))
                .collect();
            // A code of several systems.
            any.dedup();
            Some(Values {
                any,
                decides: exact,
            })
        }
        TestOp::Equals(texts) => Some(Values {
            any: texts.iter().flat_map(|text| pieces(leaf, text)).collect(),
            decides: true,
        }),
        TestOp::Reference {
            targets,
            ids,
            types,
        } => {
            let all = references(targets, ids, types)?.into_iter();
            Some(Values {
                any: all.filter_map(|target| reference(leaf, &target)).collect(),
                decides: true,
            })
        }
        TestOp::Present { .. }
        | TestOp::StartsWith(_)
        | TestOp::Contains(_)
        | TestOp::Below(_)
        | TestOp::Date(_)
        | TestOp::Number(_)
        | TestOp::Quantity(_)
        | TestOp::Truth(_) => None,
    }
}

/// All that a test of references accepts, as it is compared, sorted; `None` when an id could be of too many types, or there are
/// too many.
pub fn references(targets: &[String], ids: &[String], types: &[String]) -> Option<Vec<String>> {
    if !ids.is_empty() && !(1..=MOST_TYPES).contains(&types.len()) {
        return None;
    }
    // One that is of another type is not meant, although something may refer to it.
    let of_type = |target: &&String| {
        let kind = relative(last_two(target)).map(|(kind, _)| kind);
        types.is_empty() || kind.is_some_and(|kind| types.iter().any(|name| name == kind))
    };
    let by_id = types
        .iter()
        .flat_map(|kind| ids.iter().map(move |id| format!("{kind}/{id}")));
    let named = targets.iter().filter(of_type).cloned();
    let mut all: Vec<String> = named.chain(by_id).take(MOST + 1).collect();
    all.sort_unstable();
    all.dedup();
    (all.len() <= MOST).then_some(all)
}

fn reference(leaf: Leaf, target: &str) -> Option<Value> {
    if leaf != Leaf::Resource {
        return Some(json!({ "reference": target }));
    }
    let (kind, id) = target.split_once('/')?;
    Some(json!({ "resourceType": kind, "id": id }))
}

/// What an element that has the token contains.
fn token_value(leaf: Leaf, token: &Token, systems: Systems) -> Option<Value> {
    let name = match leaf {
        Leaf::Coding | Leaf::CodeableConcept => "code",
        Leaf::Identifier | Leaf::ContactPoint => "value",
        _ if matches!(token.system, TokenSystem::Is(_)) => return None,
        Leaf::Boolean => {
            return match token.code.as_deref() {
                Some("true") => Some(json!(true)),
                Some("false") => Some(json!(false)),
                _ => None,
            };
        }
        _ => return token.code.as_deref().map(Value::from),
    };
    let mut members = Map::new();
    if let TokenSystem::Is(system) = &token.system
        && (systems == Systems::Asked || token.code.is_none())
    {
        members.insert("system".to_owned(), Value::from(system.as_str()));
    }
    if let Some(code) = &token.code {
        members.insert(name.to_owned(), Value::from(code.as_str()));
    }
    let value = Value::Object(members);
    Some(if leaf == Leaf::CodeableConcept {
        json!({ "coding": [value] })
    } else {
        value
    })
}

/// What an element contains one of whose string parts is the text.
fn pieces(leaf: Leaf, text: &str) -> Vec<Value> {
    let (texts, lists): (&[&str], &[&str]) = match leaf {
        Leaf::HumanName => (&["family", "text"], &["given", "prefix", "suffix"]),
        Leaf::Address => (
            &["city", "district", "state", "postalCode", "country", "text"],
            &["line"],
        ),
        _ => return vec![Value::from(text)],
    };
    let single = texts.iter().map(|name| json!({ *name: text }));
    let listed = lists.iter().map(|name| json!({ *name: [text] }));
    single.chain(listed).collect()
}

/// The smallest document that has `value` at the end of the steps; `None` when their own filter excludes it.
fn around(steps: &[Step], value: Value) -> Option<Value> {
    steps.iter().rev().try_fold(value, |mut value, step| {
        if let Some(Filter::Where {
            member,
            value: expected,
        }) = &step.filter
        {
            let expected = Value::from(expected.as_str());
            let members = value.as_object_mut()?;
            if members.get(member).is_some_and(|found| *found != expected) {
                return None;
            }
            members.insert(member.clone(), expected);
        }
        let value = if step.many {
            Value::Array(vec![value])
        } else {
            value
        };
        Some(Value::Object(Map::from_iter([(
            step.member.clone(),
            value,
        )])))
    })
}
