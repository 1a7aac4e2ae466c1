//! Paths of elements, as policies write them.

use crate::element::ElementDef;
use crate::names::{is_resource_type, similar};
use crate::types::{Kind, TypeId};

/// What is known about a field path of a resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathCheck {
    /// The type has such an element.
    Known,
    /// The type has no such element; perhaps another one was meant (the whole path, corrected).
    Unknown {
        /// A path that exists.
        suggestion: Option<String>,
    },
    /// The path cannot be used at all, and why.
    Invalid(String),
}

/// Checks a path as `hiddenFields` and `readonlyFields` use it: `name.family`, `value[x]`, `valueQuantity`,
/// `subject.display`. Arrays are not marked in it.
///
/// `resourceType` and `id` of the resource itself are [`PathCheck::Invalid`], because no document can be without them.
pub fn check_path(resource_type: &str, path: &str) -> PathCheck {
    let root = TypeId::named(resource_type).filter(|_| is_resource_type(resource_type));
    let Some(root) = root else {
        return PathCheck::Invalid(format!("{resource_type:?} is not a resource type"));
    };
    if path == "id" || path == "resourceType" {
        return PathCheck::Invalid(format!("{path} cannot be hidden or readonly"));
    }
    let is_name = |part: &str| {
        let name = part.strip_suffix("[x]").unwrap_or(part);
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
    };
    if path.len() > 1_000 || !path.split('.').all(is_name) {
        return PathCheck::Invalid(
            "a path is a list of element names separated by dots, such as name.family".to_owned(),
        );
    }
    let mut types = vec![root];
    let mut done = Vec::new();
    let mut parts = path.split('.');
    while let Some(part) = parts.next() {
        match child(&types, part) {
            Ok(Some(next)) => types = next,
            Ok(None) => return PathCheck::Known,
            Err(suggestion) => {
                let suggestion = suggestion.map(|name| {
                    let rest = parts.map(str::to_owned);
                    done.into_iter()
                        .chain([name])
                        .chain(rest)
                        .collect::<Vec<_>>()
                        .join(".")
                });
                return PathCheck::Unknown { suggestion };
            }
        }
        done.push(part.to_owned());
    }
    PathCheck::Known
}

/// The types that the member `name` of these types may have: `Ok(None)` is "anything goes from here on", `Err` the
/// name that was probably meant.
fn child(types: &[TypeId], name: &str) -> Result<Option<Vec<TypeId>>, Option<String>> {
    // A contained resource may be of any type.
    let is_open = |found: &TypeId| {
        !found.is_described() || (found.kind() == Kind::Resource && found.is_abstract())
    };
    if types.iter().any(is_open) {
        return Ok(None);
    }
    if let Some(next) = types.iter().find_map(|found| member(*found, name)) {
        return Ok(Some(next));
    }
    let names: Vec<String> = types
        .iter()
        .flat_map(|found| found.elements())
        .flat_map(|element| json_names(*element))
        .collect();
    Err(similar(name, names.iter().map(String::as_str)).map(str::to_owned))
}

/// The types of a member: `value[x]`, `valueQuantity`, or the plain name; also a primitive's sibling, `_birthDate`.
fn member(parent: TypeId, name: &str) -> Option<Vec<TypeId>> {
    let plain = name.strip_prefix('_').unwrap_or(name);
    let element = |name: &str, choice: bool| {
        parent
            .element(name)
            .filter(|element| element.is_choice() == choice)
    };
    let types = match plain.strip_suffix("[x]") {
        Some(choice) => element(choice, true)?.types().to_vec(),
        None => match element(plain, false) {
            Some(element) => element.types().to_vec(),
            None => vec![parent.choice_of(plain)?.1],
        },
    };
    let is_primitive = |found: &TypeId| found.kind() == Kind::Primitive;
    (plain == name || types.iter().any(is_primitive)).then_some(types)
}

fn json_names(element: ElementDef) -> Vec<String> {
    if !element.is_choice() {
        return vec![element.name().to_owned()];
    }
    let concrete = element.members().map(|(name, _)| name.to_owned());
    std::iter::once(format!("{}[x]", element.name()))
        .chain(concrete)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (name, path) in [
            ("Patient", "name"),
            ("Patient", "name.family"),
            ("Patient", "_birthDate"),
            ("Patient", "birthDate"),
            ("Patient", "contact.name.given"),
            ("Patient", "deceased[x]"),
            ("Patient", "deceasedBoolean"),
            ("Patient", "meta.account"),
            ("Patient", "meta.tag.code"),
            ("Patient", "extension.valueCodeableConcept.coding"),
            ("Patient", "contained.anything.at.all"),
            ("Patient", "name.id"),
            ("Observation", "value[x]"),
            ("Observation", "valueQuantity.value"),
            ("Observation", "value[x].unit"),
            ("Observation", "subject.display"),
            ("Observation", "subject.identifier.assigner.display"),
            ("Observation", "component.referenceRange.low"),
            ("Questionnaire", "item.item.item.text"),
            ("Bundle", "entry.resource.name"),
            ("Project", "secret.valueString"),
            ("Cron", "whatever.it.holds"),
            ("Parameters", "parameter.part.part.name"),
        ] {
            assert_eq!(check_path(name, path), PathCheck::Known, "{name} {path}");
        }
        for (name, path, expected) in [
            ("Patient", "nmae", Some("name")),
            ("Patient", "name.famly", Some("name.family")),
            ("Patient", "nmae.family", Some("name.family")),
            ("Observation", "valueQuantty", Some("valueQuantity")),
            ("Observation", "value", None),
            ("Patient", "_name", Some("name")),
            ("Patient", "birthDate.x", None),
            ("Patient", "zzz", None),
        ] {
            let unknown = PathCheck::Unknown {
                suggestion: expected.map(str::to_owned),
            };
            assert_eq!(check_path(name, path), unknown, "{name} {path}");
        }
        for (name, path) in [
            ("Patient", ""),
            ("Patient", "id"),
            ("Patient", "resourceType"),
            ("Patient", "name."),
            ("Patient", "name[0]"),
            ("Patient", "a b"),
            ("Nonsense", "name"),
        ] {
            assert!(
                matches!(check_path(name, path), PathCheck::Invalid(_)),
                "{name} {path}"
            );
        }
    }
}
