//! What a document's references say about it: whether they are in regular form, and which patients it belongs to.

use std::collections::HashSet;

use jsonb::{Corrupt, Value};

use crate::compartment;
use crate::progress::tick;
use crate::test::{Document, Found, each, irregular};

/// Whether a document holds a reference that is not compared as it is stored: with a version (`Patient/1/_history/2`) or
/// contained (`#p`). On such a document the containment that the [`Lookup`](crate::Lookup) of a test of references asks for is
/// sufficient, not necessary.
pub fn has_irregular_references(document: Value<'_>) -> bool {
    if !document.as_bytes().is_some_and(may_hold_one) {
        return false;
    }
    let mut left = vec![document];
    while let Some(value) = left.pop() {
        tick();
        let is_readable = match value {
            Value::Array(items) => keep(&mut left, items.containers()),
            Value::Object(members) => {
                let reference = members.get("reference");
                if reference
                    .and_then(|value| value.as_str())
                    .is_some_and(irregular)
                {
                    return true;
                }
                keep(&mut left, members.containers())
            }
            _ => true,
        };
        if !is_readable {
            return true;
        }
    }
    false
}

/// Many documents have neither of the characters by which such a reference is known. They are looked for in as many bytes at once as
/// the processor compares.
fn may_hold_one(document: &[u8]) -> bool {
    let add = |found: u8, byte: &u8| found | u8::from(*byte == b'#') | u8::from(*byte == b'_');
    let (parts, rest) = document.as_chunks::<32>();
    let is_in = |part: &[u8]| part.iter().fold(0, add) != 0;
    parts.iter().any(|part| is_in(part)) || is_in(rest)
}

/// Adds what can be read to what is left to look at; says whether all could be read.
fn keep<'a>(
    left: &mut Vec<Value<'a>>,
    mut children: impl Iterator<Item = Result<Value<'a>, Corrupt>>,
) -> bool {
    children.all(|child| child.map(|child| left.push(child)).is_ok())
}

/// The ids of the patients that a document of `resource_type` belongs to by the R4 patient compartment definition, in
/// the order of the definition, each once. A contained patient is not one.
pub fn referenced_patients(resource_type: &str, document: Value<'_>) -> Vec<String> {
    /// Most belong to one patient; so many are compared one by one.
    const FEW: usize = 8;
    let mut seen = HashSet::new();
    let mut ids: Vec<String> = Vec::new();
    let mut is_new = |ids: &[String], id: &str| match ids.len() {
        ..FEW => !ids.iter().any(|known| known == id),
        _ => {
            if seen.is_empty() {
                seen.extend(ids.iter().cloned());
            }
            seen.insert(id.to_owned())
        }
    };
    let document = &Document::from(document);
    for alternative in compartment::of_patient(resource_type) {
        each(document.root, &alternative.path.steps, &mut |value| {
            let stored = value.as_object()?.get("reference")?.as_str()?;
            if let Some(Found::Resource("Patient", id)) = Found::read(value, document)
                && !stored.starts_with('#')
                && is_new(&ids, id)
            {
                ids.push(id.to_owned());
            }
            Some(false)
        });
    }
    ids
}

/// The members of a document of `resource_type` in which [`referenced_patients`] looks.
pub fn members_with_patients(resource_type: &str) -> impl Iterator<Item = &'static str> {
    let alternatives = compartment::of_patient(resource_type).iter();
    alternatives.filter_map(|alternative| Some(alternative.path.steps.first()?.member.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members() {
        let of = |resource_type| members_with_patients(resource_type).collect::<Vec<_>>();
        assert_eq!(of("Observation"), ["subject", "performer"]);
        assert_eq!(of("Organization"), Vec::<&str>::new());
    }

    fn with<T>(json: &str, check: impl FnOnce(Value<'_>) -> T) -> T {
        let bytes = jsonb::from_json(json).unwrap();
        check(Value::parse(&bytes).unwrap())
    }

    #[test]
    fn irregular_references() {
        for (json, expected) in [
            (r#"{"subject":{"reference":"Patient/1"}}"#, false),
            (r#"{"subject":{"reference":"Patient/1/_history/2"}}"#, true),
            (r##"{"a":[{"b":[[{"reference":"#x"}]]}]}"##, true),
            (
                r#"{"subject":{"reference":"http://x/Patient/1/_history/2"}}"#,
                true,
            ),
            (
                r#"{"reference":5,"a":{"reference":{"reference":null}}}"#,
                false,
            ),
            (r##"{"display":"#x"}"##, false),
            (
                r##"{"display":"#x","a":[1,{"b":{"reference":"#y"}}]}"##,
                true,
            ),
            (r#"{"_reference":"/_history/","a":[[],{}]}"#, false),
            ("7", false),
        ] {
            assert_eq!(with(json, has_irregular_references), expected, "{json}");
        }
    }

    #[test]
    fn many_patients() {
        let ids: Vec<String> = (0..40).map(|n| format!("p{}", n % 13)).collect();
        let references = ids
            .iter()
            .map(|id| format!(r#"{{"reference":"Patient/{id}"}}"#));
        let json = format!(
            r#"{{"resourceType":"Observation","performer":[{}]}}"#,
            references.collect::<Vec<_>>().join(",")
        );
        let found = with(&json, |document| {
            referenced_patients("Observation", document)
        });
        assert_eq!(found, ids.get(..13).unwrap());
    }

    #[test]
    fn patients() {
        let json = r##"{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"c"}],
            "subject":{"reference":"Patient/1/_history/3"},
            "performer":[{"reference":"Practitioner/9"},{"reference":"#c"},{"reference":"Patient/2"},{"reference":"Patient/1"},5]}"##;
        assert_eq!(
            with(json, |document| referenced_patients(
                "Observation",
                document
            )),
            ["1", "2"]
        );
        assert!(
            with(json, |document| referenced_patients(
                "Organization",
                document
            ))
            .is_empty()
        );
        assert!(
            with("[]", |document| referenced_patients(
                "Observation",
                document
            ))
            .is_empty()
        );
    }
}
