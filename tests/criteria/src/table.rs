//! The tables of parameters and compartments, as `crates/fhir-search/data/README.md` describes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    String,
    Token,
    Reference,
    Date,
    Number,
    Quantity,
    Uri,
    Composite,
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "token" => Self::Token,
            "reference" => Self::Reference,
            "date" => Self::Date,
            "number" => Self::Number,
            "quantity" => Self::Quantity,
            "uri" => Self::Uri,
            "composite" => Self::Composite,
            _ => return None,
        })
    }

    /// Are its values ranges, with prefixes?
    pub fn is_ranged(self) -> bool {
        matches!(self, Self::Date | Self::Number | Self::Quantity)
    }
}

/// A step of a path: a member, and which of its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub member: String,
    /// An array is expected.
    pub many: bool,
    /// Only the first item.
    pub first: bool,
    /// Only the items of which this member is this text.
    pub filter: Option<(String, String)>,
}

/// Where elements are, and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Counted from the resource, also within a composite.
    pub absolute: bool,
    pub steps: Vec<Step>,
    pub datatype: String,
    /// The types a Reference may refer to; none: any.
    pub targets: Vec<String>,
    /// Only references to (or inline resources of) that type.
    pub only: Option<String>,
}

impl Alternative {
    /// The member's name without its datatype: `effective` of `effectiveDateTime`.
    pub fn choice(&self) -> String {
        let member = self.choice_member();
        let mut letters = self.datatype.chars();
        let suffix: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(letters)
            .collect();
        member.strip_suffix(&suffix).unwrap_or(member).to_owned()
    }

    /// The last step's member.
    pub fn choice_member(&self) -> &str {
        self.steps.last().map_or("", |step| &step.member)
    }

    /// The steps before the last.
    pub fn parents(&self) -> &[Step] {
        self.steps.split_last().map_or(&[], |(_, parents)| parents)
    }
}

/// A part of a composite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub kind: Kind,
    pub alternatives: Vec<Alternative>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    Elements(Vec<Alternative>),
    /// The contexts, each as steps from the resource, and the parts.
    Composite(Vec<Vec<Step>>, Vec<Part>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    pub kind: Kind,
    pub search: Search,
}

/// Per compartment's type and resource type: the parameters by which a resource belongs to it.
type Compartments = BTreeMap<String, BTreeMap<String, Vec<String>>>;

#[derive(Debug, Default)]
pub struct Table {
    types: BTreeMap<String, Vec<Parameter>>,
    compartments: Compartments,
}

impl Table {
    /// Reads the tables of the repository.
    pub fn load() -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/fhir-search/data");
        let read = |name: &str| {
            fs::read_to_string(folder.join(name)).with_context(|| format!("cannot read {name}"))
        };
        let mut table = Self {
            types: parameters(&read("parameters.txt")?)?,
            ..Self::default()
        };
        for file in ["compartment-patient.txt", "compartments-hl7.txt"] {
            compartments(&read(file)?, &mut table.compartments)?;
        }
        Ok(table)
    }

    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// The parameters of a type, with those of all resources.
    pub fn parameters(&self, resource_type: &str) -> impl Iterator<Item = &Parameter> {
        [resource_type, "Resource"]
            .into_iter()
            .filter_map(|name| self.types.get(name))
            .flatten()
    }

    pub fn parameter(&self, resource_type: &str, name: &str) -> Option<&Parameter> {
        self.parameters(resource_type)
            .find(|parameter| parameter.name == name)
    }

    pub fn compartments(&self) -> impl Iterator<Item = &str> {
        self.compartments.keys().map(String::as_str)
    }

    /// The parameters by which resources of that type belong to a compartment.
    pub fn members(&self, compartment: &str, resource_type: &str) -> &[String] {
        self.compartments
            .get(compartment)
            .and_then(|types| types.get(resource_type))
            .map_or(&[], Vec::as_slice)
    }
}

/// Parameters that cannot be criteria are left out.
fn parameters(text: &str) -> Result<BTreeMap<String, Vec<Parameter>>> {
    let mut types: BTreeMap<String, Vec<Parameter>> = BTreeMap::new();
    let mut current = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(line) = line.strip_prefix(' ') else {
            current = Some(types.entry(line.to_owned()).or_default());
            continue;
        };
        let parameters = current.as_mut().context("a parameter before any type")?;
        parameters.extend(parameter(line).with_context(|| line.to_owned())?);
    }
    Ok(types)
}

fn parameter(line: &str) -> Result<Option<Parameter>> {
    let (name, rest) = line.split_once(' ').context("no kind")?;
    let (kind, rest) = rest.split_once(' ').context("no path")?;
    if rest.starts_with("- ") {
        return Ok(None);
    }
    let kind = Kind::named(kind).context("an unknown kind")?;
    let search = if kind == Kind::Composite {
        composite(rest)?
    } else {
        Search::Elements(alternatives(rest)?)
    };
    Ok(Some(Parameter {
        name: name.to_owned(),
        kind,
        search,
    }))
}

fn composite(text: &str) -> Result<Search> {
    let mut parts = text.split(" $ ");
    let contexts = parts.next().context("no context")?;
    let contexts = contexts
        .split(" | ")
        .map(|context| {
            if context == "." {
                Ok(vec![])
            } else {
                steps(context)
            }
        })
        .collect::<Result<_>>()?;
    let parts = parts
        .map(|part| {
            let (kind, rest) = part.split_once(' ').context("no kind")?;
            Ok(Part {
                kind: Kind::named(kind).context("an unknown kind")?,
                alternatives: alternatives(rest)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok(Search::Composite(contexts, parts))
}

fn alternatives(text: &str) -> Result<Vec<Alternative>> {
    text.split(" | ").map(alternative).collect()
}

fn alternative(text: &str) -> Result<Alternative> {
    let (absolute, text) = match text.strip_prefix('/') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (path, datatype) = text.rsplit_once(':').context("no datatype")?;
    let mut targets = Vec::new();
    let mut only = None;
    let datatype = if let Some((datatype, list)) = datatype.split_once('(') {
        let list = list.strip_suffix(')').context("no )")?;
        targets = list.split('|').map(str::to_owned).collect();
        datatype
    } else if let Some((datatype, target)) = datatype.split_once('!') {
        only = Some(target.to_owned());
        datatype
    } else {
        datatype
    };
    Ok(Alternative {
        absolute,
        steps: steps(path)?,
        datatype: datatype.to_owned(),
        targets,
        only,
    })
}

fn steps(path: &str) -> Result<Vec<Step>> {
    path.split('.').map(step).collect()
}

fn step(text: &str) -> Result<Step> {
    let (text, bracket) = match text.split_once('[') {
        Some((text, bracket)) => (text, Some(bracket.strip_suffix(']').context("no ]")?)),
        None => (text, None),
    };
    let (member, many) = match text.strip_suffix('*') {
        Some(member) => (member, true),
        None => (text, false),
    };
    let (mut first, mut filter) = (false, None);
    match bracket {
        None => {}
        Some("0") => first = true,
        Some(condition) => {
            let (member, value) = condition.split_once('=').context("no condition")?;
            filter = Some((member.to_owned(), value.trim_matches('"').to_owned()));
        }
    }
    if member.is_empty() || !member.chars().all(|letter| letter.is_ascii_alphanumeric()) {
        bail!("not a member: {text}");
    }
    Ok(Step {
        member: member.to_owned(),
        many,
        first,
        filter,
    })
}

fn compartments(text: &str, all: &mut Compartments) -> Result<()> {
    let mut current = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(line) = line.strip_prefix(' ') else {
            current = Some(all.entry(line.to_owned()).or_default());
            continue;
        };
        let types = current.as_mut().context("a type before any compartment")?;
        let mut words = line.split(' ').map(str::to_owned);
        let resource_type = words.next().context("no type")?;
        types.insert(resource_type, words.collect());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_tables() {
        let table = Table::load().unwrap();
        assert!(table.types().count() > 140);
        let phone = table.parameter("Patient", "phone").unwrap();
        let Search::Elements(alternatives) = &phone.search else {
            panic!("{phone:?}");
        };
        let [phone] = alternatives.as_slice() else {
            panic!("{alternatives:?}");
        };
        assert_eq!(phone.datatype, "ContactPoint");
        assert_eq!(
            phone.steps,
            [Step {
                member: "telecom".to_owned(),
                many: true,
                first: false,
                filter: Some(("system".to_owned(), "phone".to_owned())),
            }]
        );
        assert_eq!(
            table.members("Patient", "Condition"),
            ["patient", "asserter"]
        );
        assert_eq!(table.compartments().count(), 5);
    }

    #[test]
    fn every_compartment_names_references() {
        let table = Table::load().unwrap();
        for (compartment, types) in &table.compartments {
            for (resource_type, names) in types {
                for name in names {
                    let parameter = table.parameter(resource_type, name);
                    assert_eq!(
                        parameter.map(|parameter| parameter.kind),
                        Some(Kind::Reference),
                        "{compartment}: {resource_type} {name}"
                    );
                }
            }
        }
    }

    #[test]
    fn reads_composites() {
        let line = "combo-code-value-quantity composite . | component* $ token code:CodeableConcept \
                    $ quantity valueQuantity:Quantity | /valueRange:Range";
        let parameter = parameter(line).unwrap().unwrap();
        let Search::Composite(contexts, parts) = parameter.search else {
            panic!("{parameter:?}");
        };
        assert_eq!(contexts.len(), 2);
        assert!(contexts[0].is_empty() && contexts[1][0].many);
        assert_eq!(parts.len(), 2);
        assert!(!parts[1].alternatives[0].absolute && parts[1].alternatives[1].absolute);
        assert_eq!(parts[1].alternatives[1].choice(), "value");
    }
}
