//! reference: to whom, whatever the form in which it is written.

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use super::token::Token;
use crate::path::{items, member};
use crate::table::Alternative;
use crate::truth::Truth;

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Asked {
    /// `Type/id`
    Of(String, String),
    /// `id`, of any type that the element may refer to
    Id(String),
    Url(String),
    /// `:identifier`
    Identifier(Token),
}

impl Asked {
    pub fn parse(value: &str) -> Self {
        if is_url(value) {
            return Self::Url(value.to_owned());
        }
        match value.split_once('/') {
            Some((kind, id)) => Self::Of(kind.to_owned(), id.to_owned()),
            None => Self::Id(value.to_owned()),
        }
    }
}

fn is_url(text: &str) -> bool {
    text.contains("://") || text.starts_with("urn:")
}

/// To whom a stored reference refers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Resource(String, String),
    Url(String),
}

impl Target {
    /// The type, also of a resource on another server.
    fn resource_type(&self) -> Option<&str> {
        match self {
            Self::Resource(resource_type, _) => Some(resource_type),
            Self::Url(url) => {
                let (before, id) = url.rsplit_once('/')?;
                let (base, resource_type) = before.rsplit_once('/')?;
                let good = base.contains("://") && !id.is_empty() && is_type(resource_type);
                good.then_some(resource_type)
            }
        }
    }
}

fn is_type(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_uppercase())
        && text.chars().all(|letter| letter.is_ascii_alphabetic())
}

/// All that the text of a reference may mean: a contained resource's id need not be unique.
fn targets(text: &str, root: &Map<String, Value>) -> Option<Vec<Target>> {
    let text = match text.split_once("/_history/") {
        Some((before, _)) => before,
        None => text,
    };
    if text == "#" {
        // The resource itself.
        let name = |member| root.get(member).and_then(Value::as_str);
        let (resource_type, id) = (name("resourceType")?, name("id"));
        let target = id.map(|id| Target::Resource(resource_type.to_owned(), id.to_owned()));
        return Some(target.into_iter().collect());
    }
    if let Some(id) = text.strip_prefix('#') {
        let contained = items(root, "contained")?;
        let found: Vec<Target> = contained
            .iter()
            .filter_map(|resource| {
                let name = |member| resource.get(member).and_then(Value::as_str);
                (name("id") == Some(id)).then_some(name("resourceType"))?
            })
            .map(|resource_type| Target::Resource(resource_type.to_owned(), id.to_owned()))
            .collect();
        // Whom it means, nobody can say.
        return (!found.is_empty()).then_some(found);
    }
    Some(match text.split_once('/') {
        Some((resource_type, id))
            if is_type(resource_type) && !id.is_empty() && !id.contains('/') =>
        {
            vec![Target::Resource(resource_type.to_owned(), id.to_owned())]
        }
        _ => vec![Target::Url(text.to_owned())],
    })
}

/// Is that an element that the parameter searches?
pub fn is_searched(element: &Value, alternative: &Alternative, root: &Map<String, Value>) -> Truth {
    let Some(only) = &alternative.only else {
        return Some(true);
    };
    let element = element.as_object()?;
    if alternative.datatype == "Resource" {
        return match member(element, "resourceType") {
            None => Some(false),
            Some(resource_type) => Some(resource_type.as_str()? == only),
        };
    }
    let Some(reference) = member(element, "reference") else {
        return Some(false);
    };
    let targets = targets(reference.as_str()?, root)?;
    Some(
        targets
            .iter()
            .any(|target| target.resource_type() == Some(only.as_str())),
    )
}

pub fn fits(
    asked: &Asked,
    element: &Value,
    alternative: &Alternative,
    root: &Map<String, Value>,
) -> Result<Truth> {
    Ok(match alternative.datatype.as_str() {
        "canonical" | "uri" => element.as_str().map(|text| match asked {
            Asked::Url(url) => text == url,
            Asked::Of(resource_type, id) => text == format!("{resource_type}/{id}"),
            Asked::Id(id) => text == id,
            Asked::Identifier(_) => false,
        }),
        "Resource" => inline(asked, element),
        "Reference" => {
            let Some(object) = element.as_object() else {
                return Ok(None);
            };
            if let Asked::Identifier(token) = asked {
                return match member(object, "identifier") {
                    None => Ok(Some(false)),
                    Some(identifier) => token.fits(identifier, "Identifier"),
                };
            }
            match member(object, "reference") {
                None => Some(false),
                Some(reference) => reference
                    .as_str()
                    .and_then(|text| targets(text, root))
                    .map(|targets| targets.iter().any(|target| is(asked, target, alternative))),
            }
        }
        other => bail!("no reference: {other}"),
    })
}

fn is(asked: &Asked, target: &Target, alternative: &Alternative) -> bool {
    match (asked, target) {
        (Asked::Of(resource_type, id), Target::Resource(stored, stored_id)) => {
            resource_type == stored && id == stored_id
        }
        (Asked::Id(id), Target::Resource(stored, stored_id)) => {
            let allowed = alternative.targets.is_empty() || alternative.targets.contains(stored);
            id == stored_id && allowed
        }
        (Asked::Url(url), Target::Url(stored)) => url == stored,
        _ => false,
    }
}

/// A resource that stands there itself, as a Bundle's first.
fn inline(asked: &Asked, element: &Value) -> Truth {
    let element = element.as_object()?;
    let text = |name| match member(element, name) {
        None => Some(""),
        Some(text) => text.as_str(),
    };
    match asked {
        Asked::Of(resource_type, id) => {
            Some(text("resourceType")? == resource_type && text("id")? == id)
        }
        Asked::Id(id) => Some(text("id")? == id),
        Asked::Url(_) | Asked::Identifier(_) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn alternative(targets: &[&str], only: Option<&str>) -> Alternative {
        Alternative {
            absolute: false,
            steps: vec![],
            datatype: "Reference".to_owned(),
            targets: targets.iter().map(|target| (*target).to_owned()).collect(),
            only: only.map(str::to_owned),
        }
    }

    fn refers(value: &str, text: &str, targets: &[&str]) -> Truth {
        let root = json!({"contained": [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Group", "id": "p"}]});
        let element = json!({"reference": text});
        let alternative = alternative(targets, None);
        fits(
            &Asked::parse(value),
            &element,
            &alternative,
            root.as_object().unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn examples_of_the_specification() {
        assert_eq!(
            refers("Practitioner/23", "Practitioner/23", &[]),
            Some(true)
        );
        assert_eq!(refers("23", "Practitioner/23", &[]), Some(true));
        assert_eq!(refers("23", "Practitioner/23", &["Patient"]), Some(false));
        assert_eq!(refers("Patient/23", "Practitioner/23", &[]), Some(false));
        let url = "http://acme.org/fhir/Practitioner/23";
        assert_eq!(refers(url, url, &[]), Some(true));
        assert_eq!(refers("Practitioner/23", url, &[]), Some(false));
    }

    #[test]
    fn other_forms() {
        assert_eq!(refers("Patient/p", "Patient/p/_history/2", &[]), Some(true));
        assert_eq!(refers("Patient/p", "#p", &[]), Some(true));
        assert_eq!(refers("Group/p", "#p", &[]), Some(true));
        assert_eq!(refers("Device/p", "#p", &[]), Some(false));
        assert_eq!(refers("p", "#q", &[]), None);
        assert_eq!(
            refers("http://a/Patient/1", "http://a/Patient/1/_history/3", &[]),
            Some(true)
        );
    }

    #[test]
    fn references_to_one_type_only() {
        let root = json!({});
        let of_patients = alternative(&[], Some("Patient"));
        let is = |element: Value| is_searched(&element, &of_patients, root.as_object().unwrap());
        assert_eq!(is(json!({"reference": "Patient/1"})), Some(true));
        assert_eq!(is(json!({"reference": "Group/1"})), Some(false));
        assert_eq!(
            is(json!({"reference": "https://a/b/Patient/1"})),
            Some(true)
        );
        assert_eq!(is(json!({"reference": "urn:uuid:1"})), Some(false));
        assert_eq!(
            is(json!({"reference": "urn:uuid:1", "type": "Patient"})),
            Some(false)
        );
        assert_eq!(is(json!({"reference": 5})), None);
        assert_eq!(is(json!("Patient/1")), None);
    }
}
