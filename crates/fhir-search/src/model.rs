//! The resource types of FHIR R4 and Medplum and the tree of their elements, from `data/elements.txt`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

static SOURCE: &str = include_str!("../data/elements.txt");

/// Types that no document has.
const ABSTRACT: [&str; 2] = ["Resource", "DomainResource"];

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

#[derive(Debug, Default)]
struct Element {
    name: &'static str,
    choice: bool,
    types: Vec<&'static str>,
    repeats: Option<&'static str>,
    children: Vec<Element>,
}

#[derive(Debug, Default)]
struct Type {
    kind: &'static str,
    base: &'static str,
    children: Vec<Element>,
}

static TYPES: LazyLock<HashMap<&'static str, Type>> = LazyLock::new(read);

static RESOURCES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    SOURCE
        .lines()
        .filter_map(|line| {
            line.strip_prefix("resource ")
                .or_else(|| line.strip_prefix("undescribed "))
        })
        .filter_map(|rest| rest.split(' ').next())
        .filter(|name| !ABSTRACT.contains(name))
        .collect()
});

/// Whether `name` is a resource type of FHIR R4 or one of Medplum's own (`AccessPolicy`, `Project`, `Bot`, …).
pub fn is_resource_type(name: &str) -> bool {
    RESOURCES.contains(name)
}

/// All resource types, in no particular order.
pub fn resource_types() -> impl Iterator<Item = &'static str> {
    RESOURCES.iter().copied()
}

/// The resource type that was probably meant by `name`.
pub fn similar_resource_type(name: &str) -> Option<&'static str> {
    similar(name, resource_types())
}

/// The candidate that is nearest to a misspelt name, if any is near.
pub(crate) fn similar<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    // Long names are not misspelt ones, and the distance costs their product.
    if name.len() > 64 {
        return None;
    }
    let most = (name.chars().count() / 3).clamp(1, 4);
    candidates
        .map(|candidate| {
            (
                strsim::osa_distance(&name.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Checks a path as `hiddenFields` and `readonlyFields` use it: `name.family`, `value[x]`, `valueQuantity`,
/// `subject.display`. Arrays are not marked in it.
///
/// `resourceType` and `id` of the resource itself are [`PathCheck::Invalid`], because no document can be without them.
pub fn check_path(resource_type: &str, path: &str) -> PathCheck {
    let Some(root) = RESOURCES.get(resource_type) else {
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
    let mut place = Place::Types(vec![root]);
    let mut done = Vec::new();
    let mut parts = path.split('.');
    while let Some(part) = parts.next() {
        match place.child(part) {
            Ok(Some(next)) => place = next,
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

/// Where a path has come to.
enum Place {
    /// Below an element of these types.
    Types(Vec<&'static str>),
    /// Below an element with children of its own.
    Element(&'static Element),
}

impl Place {
    /// The element `name` below: `Ok(None)` is "anything goes from here on", `Err` the name that was probably meant.
    fn child(&self, name: &str) -> Result<Option<Place>, Option<String>> {
        let mut levels = Vec::new();
        let mut bases = match self {
            Place::Types(types) => types.clone(),
            Place::Element(element) => {
                levels.push(element.children.as_slice());
                element.types.clone()
            }
        };
        if bases.contains(&"Resource") {
            return Ok(None); // a contained resource may be of any type
        }
        while let Some(base) = bases.pop() {
            let Some(found) = TYPES.get(base) else {
                continue;
            };
            if found.kind == "undescribed" {
                return Ok(None);
            }
            levels.push(found.children.as_slice());
            bases.push(found.base);
        }
        for element in levels.iter().copied().flatten() {
            if let Some(types) = element.matches(name) {
                return Ok(Some(element.below(types)));
            }
        }
        let names: Vec<String> = levels
            .into_iter()
            .flatten()
            .flat_map(Element::json_names)
            .collect();
        Err(similar(name, names.iter().map(String::as_str)).map(str::to_owned))
    }
}

impl Element {
    /// The types that the member `name` of this element may have: `value[x]`, `valueQuantity`, or the plain name; also a
    /// primitive's sibling, `_birthDate`.
    fn matches(&self, name: &str) -> Option<Vec<&'static str>> {
        let plain = name.strip_prefix('_').unwrap_or(name);
        let is_primitive = |name: &&str| {
            TYPES
                .get(*name)
                .is_some_and(|found| found.kind == "primitive")
        };
        let types = if !self.choice {
            (plain == self.name).then(|| self.types.clone())
        } else if plain.strip_suffix("[x]") == Some(self.name) {
            Some(self.types.clone())
        } else {
            let suffix = plain.strip_prefix(self.name)?;
            let found = self.types.iter().find(|name| capitalised(name) == suffix);
            found.map(|name| vec![*name])
        };
        types.filter(|types| plain == name || types.iter().any(is_primitive))
    }

    fn below(&'static self, types: Vec<&'static str>) -> Place {
        if let Some(path) = self.repeats {
            return element_at(path).map_or(Place::Types(Vec::new()), Place::Element);
        }
        if self.children.is_empty() {
            Place::Types(types)
        } else {
            Place::Element(self)
        }
    }

    fn json_names(&self) -> Vec<String> {
        if !self.choice {
            return vec![self.name.to_owned()];
        }
        let concrete = self
            .types
            .iter()
            .map(|name| format!("{}{}", self.name, capitalised(name)));
        std::iter::once(format!("{}[x]", self.name))
            .chain(concrete)
            .collect()
    }
}

/// `dateTime` as it appears in `valueDateTime`.
fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

/// The element at a path such as `Questionnaire.item`.
fn element_at(path: &str) -> Option<&'static Element> {
    let mut parts = path.split('.');
    let mut children = &TYPES.get(parts.next()?)?.children;
    let mut found = None;
    for part in parts {
        let element = children.iter().find(|element| element.name == part)?;
        children = &element.children;
        found = Some(element);
    }
    found
}

fn read() -> HashMap<&'static str, Type> {
    let mut types = HashMap::new();
    let mut lines = SOURCE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .peekable();
    while let Some(line) = lines.next() {
        let mut words = line.split(' ');
        if let (Some(kind), Some(name), Some(base)) = (words.next(), words.next(), words.next()) {
            types.insert(
                name,
                Type {
                    kind,
                    base,
                    children: read_children(&mut lines, 1),
                },
            );
        }
    }
    types
}

/// Reads the lines indented by `depth` (as deep as R4's elements are nested) and, below each, its children.
fn read_children(
    lines: &mut std::iter::Peekable<impl Iterator<Item = &'static str>>,
    depth: usize,
) -> Vec<Element> {
    let mut elements = Vec::new();
    while let Some(line) = lines.next_if(|line| line.len() - line.trim_start().len() == depth) {
        let mut words = line.trim_start().split(' ');
        let name = words.next().unwrap_or_default();
        let name = name.strip_suffix('*').unwrap_or(name);
        let (name, choice) = name
            .strip_suffix("[x]")
            .map_or((name, false), |name| (name, true));
        let mut element = Element {
            name,
            choice,
            ..Element::default()
        };
        for word in words {
            match word.strip_prefix('#') {
                Some(path) => element.repeats = Some(path),
                None => element.types.push(word.split('(').next().unwrap_or(word)),
            }
        }
        element.children = read_children(lines, depth + 1);
        elements.push(element);
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        for name in [
            "Patient",
            "Observation",
            "AccessPolicy",
            "Bot",
            "Cron",
            "PackageRelease",
            "Enterprise",
        ] {
            assert!(is_resource_type(name), "{name}");
        }
        for name in [
            "Resource",
            "DomainResource",
            "HumanName",
            "patient",
            "",
            "*",
            "Base",
        ] {
            assert!(!is_resource_type(name), "{name}");
        }
        assert_eq!(similar_resource_type("Pateint"), Some("Patient"));
        assert_eq!(similar_resource_type("Xyzzy"), None);
    }

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
