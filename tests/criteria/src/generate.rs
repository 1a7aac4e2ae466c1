//! Criteria of all kinds, most of them made from what the documents hold, so that many grant.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use crate::dice::Dice;
use crate::documents::Documents;
use crate::path::{Found, walk};
use crate::plant;
use crate::table::{Alternative, Kind, Parameter, Search, Table};
use crate::values;

/// A criteria, and what it is counted as.
#[derive(Debug, Clone)]
pub struct Generated {
    pub resource_type: String,
    pub text: String,
    /// The kind of its first condition, or the name of a special one.
    pub kind: &'static str,
    /// Its modifiers and prefixes.
    pub forms: Vec<String>,
}

/// What is generated, and how many of a hundred.
const SHARES: [(&str, Option<Kind>, usize); 11] = [
    ("string", Some(Kind::String), 12),
    ("token", Some(Kind::Token), 16),
    ("reference", Some(Kind::Reference), 14),
    ("date", Some(Kind::Date), 14),
    ("number", Some(Kind::Number), 7),
    ("quantity", Some(Kind::Quantity), 12),
    ("uri", Some(Kind::Uri), 8),
    ("composite", Some(Kind::Composite), 8),
    ("_id", None, 2),
    ("_project", None, 2),
    ("_compartment", None, 5),
];

/// The names under which pairs are counted.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    SHARES.into_iter().map(|(name, _, _)| name)
}

pub struct Generator<'t> {
    table: &'t Table,
    documents: &'t Documents,
    /// Per kind: each type with one of its parameters.
    parameters: BTreeMap<Kind, Vec<(&'t str, &'t Parameter)>>,
    dice: Dice,
}

impl<'t> Generator<'t> {
    pub fn new(table: &'t Table, documents: &'t Documents, seed: u64) -> Self {
        let mut parameters: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for resource_type in documents.keys() {
            for parameter in table.parameters(resource_type) {
                let all = parameters.entry(parameter.kind).or_default();
                let of_all_types = parameter.name.starts_with('_');
                // Those of all resources would be most of a kind.
                if !of_all_types || all.len() % 8 == 0 {
                    all.push((resource_type.as_str(), parameter));
                }
            }
        }
        Self {
            table,
            documents,
            parameters,
            dice: Dice::new(seed, 1),
        }
    }

    pub fn next(&mut self) -> Generated {
        let mut lot = self
            .dice
            .below(SHARES.iter().map(|(_, _, share)| share).sum());
        let (name, kind, _) = SHARES
            .into_iter()
            .find(|(_, _, share)| match lot.checked_sub(*share) {
                Some(rest) => {
                    lot = rest;
                    false
                }
                None => true,
            })
            .unwrap_or(SHARES[0]);
        let mut forms = Vec::new();
        let (resource_type, first) = match kind.and_then(|kind| self.parameters.get(&kind)) {
            Some(parameters) => {
                let (resource_type, parameter) = self.dice.pick(parameters);
                (
                    resource_type,
                    self.condition(resource_type, parameter, &mut forms),
                )
            }
            None => {
                let types: Vec<&'t String> = self.documents.keys().collect();
                let resource_type = self.dice.pick(&types).as_str();
                (resource_type, self.special(resource_type, name, &mut forms))
            }
        };
        let mut text = format!("{resource_type}?{first}");
        if self.dice.chance(15) {
            let others: Vec<&Parameter> = self.table.parameters(resource_type).collect();
            let other = self.dice.pick(&others);
            let second = self.condition(resource_type, other, &mut forms);
            text = format!("{text}&{second}");
            forms.push("&".to_owned());
        }
        Generated {
            resource_type: resource_type.to_owned(),
            text,
            kind: name,
            forms,
        }
    }

    fn condition(
        &mut self,
        resource_type: &'t str,
        parameter: &'t Parameter,
        forms: &mut Vec<String>,
    ) -> String {
        if parameter.name == "_id" {
            return self.special(resource_type, "_id", forms);
        }
        let mut modifier = match self.dice.below(100) {
            0..10 => Some("not".to_owned()),
            10..16 if parameter.kind != Kind::Composite => {
                forms.push(":missing".to_owned());
                return format!("{}:missing={}", parameter.name, self.dice.chance(50));
            }
            _ => None,
        };
        let mut target = None;
        let mut how = None;
        if modifier.is_none()
            && let Search::Elements(alternatives) = &parameter.search
        {
            how = values::how(&mut self.dice, parameter.kind, alternatives);
            modifier = how.map(str::to_owned);
            if how == Some("Type") {
                target = values::target(&mut self.dice, alternatives);
                modifier.clone_from(&target);
            }
        }
        let count = if self.dice.chance(25) {
            2 + self.dice.below(3)
        } else {
            1
        };
        let values: Vec<String> = (0..count)
            .map(|_| self.value(resource_type, parameter, how, target.as_deref(), forms))
            .collect();
        if count > 1 {
            forms.push(",".to_owned());
        }
        match &modifier {
            Some(_) if target.is_some() => forms.push(":Type".to_owned()),
            Some(modifier) => forms.push(format!(":{modifier}")),
            None => {}
        }
        let modifier = modifier
            .map(|modifier| format!(":{modifier}"))
            .unwrap_or_default();
        let values = self.encode(&values.join(","));
        format!("{}{modifier}={values}", parameter.name)
    }

    /// A value that a document holds, or one that might be held.
    fn value(
        &mut self,
        resource_type: &str,
        parameter: &Parameter,
        how: Option<&str>,
        target: Option<&str>,
        forms: &mut Vec<String>,
    ) -> String {
        let documents = &self.documents[resource_type];
        loop {
            let mut root = self.dice.one(documents);
            let mut value = None;
            for _ in 0..6 {
                value = match &parameter.search {
                    Search::Elements(alternatives) => {
                        self.held(root, root, parameter.kind, alternatives, how, target)
                    }
                    Search::Composite(contexts, parts) => {
                        let context = self.dice.one(contexts);
                        let found = walk(Found::Element(root), context);
                        let found = self.dice.pick_of(found);
                        found.and_then(|found| {
                            let Found::Element(context) = found else {
                                return None;
                            };
                            let values: Option<Vec<String>> = parts
                                .iter()
                                .map(|part| {
                                    let held = self.held(
                                        context,
                                        root,
                                        part.kind,
                                        &part.alternatives,
                                        None,
                                        None,
                                    );
                                    let made = || {
                                        self.made(root, part.kind, &part.alternatives, None, None)
                                    };
                                    held.or_else(made)
                                })
                                .collect();
                            values.map(|values| values.join("$"))
                        })
                    }
                };
                if value.is_some() {
                    break;
                }
                root = self.dice.one(documents);
            }
            let value =
                value
                    .filter(|_| !self.dice.chance(12))
                    .or_else(|| match &parameter.search {
                        Search::Elements(alternatives) => {
                            self.made(root, parameter.kind, alternatives, how, target)
                        }
                        Search::Composite(_, parts) => {
                            let values: Option<Vec<String>> = parts
                                .iter()
                                .map(|part| {
                                    self.made(root, part.kind, &part.alternatives, None, None)
                                })
                                .collect();
                            values.map(|values| values.join("$"))
                        }
                    });
            if let Some(value) = value {
                if parameter.kind.is_ranged() {
                    let prefix = value
                        .get(..2)
                        .filter(|prefix| prefix.bytes().all(|byte| byte.is_ascii_lowercase()));
                    forms.push(prefix.unwrap_or("(none)").to_owned());
                }
                return value;
            }
        }
    }

    /// From an element that is there.
    fn held(
        &mut self,
        from: &Value,
        root: &Value,
        kind: Kind,
        alternatives: &[Alternative],
        how: Option<&str>,
        target: Option<&str>,
    ) -> Option<String> {
        let found: Vec<(&Alternative, &Value)> = alternatives
            .iter()
            .flat_map(|alternative| {
                let from = if alternative.absolute { root } else { from };
                walk(Found::Element(from), &alternative.steps)
                    .into_iter()
                    .map(move |found| (alternative, found))
            })
            .filter_map(|(alternative, found)| match found {
                Found::Element(element) => Some((alternative, element)),
                _ => None,
            })
            .collect();
        let (alternative, element) = self.dice.pick_of(found)?;
        values::value(
            &mut self.dice,
            kind,
            how,
            target,
            alternative,
            element,
            root,
        )
    }

    /// From an element made for it.
    fn made(
        &mut self,
        root: &Value,
        kind: Kind,
        alternatives: &[Alternative],
        how: Option<&str>,
        target: Option<&str>,
    ) -> Option<String> {
        let alternative = self.dice.one(alternatives);
        (0..20).find_map(|_| {
            let element = plant::element(&mut self.dice, alternative);
            values::value(
                &mut self.dice,
                kind,
                how,
                target,
                alternative,
                &element,
                root,
            )
        })
    }

    fn special(&mut self, resource_type: &str, name: &str, forms: &mut Vec<String>) -> String {
        let documents = &self.documents[resource_type];
        let count = 1 + self.dice.below(6);
        let values: Vec<String> = (0..count)
            .map(|_| {
                let document = self.dice.one(documents);
                match name {
                    "_id" => {
                        let id = values::escape(document["id"].as_str().unwrap_or_default());
                        let with_type = self.dice.chance(20);
                        if with_type {
                            format!("{resource_type}/{id}")
                        } else {
                            id
                        }
                    }
                    "_project" => self.dice.pick(&plant::IDS).to_owned(),
                    _ => self.compartment(resource_type, document),
                }
            })
            .collect();
        let not = name != "_compartment" && self.dice.chance(15);
        if not {
            forms.push(":not".to_owned());
        }
        let values = self.encode(&values.join(","));
        format!("{name}{}={values}", if not { ":not" } else { "" })
    }

    /// One that the document belongs to, or might.
    fn compartment(&mut self, resource_type: &str, document: &Value) -> String {
        let compartments: Vec<&str> = self.table.compartments().collect();
        let compartment = self.dice.pick(&compartments);
        if self.dice.chance(25) {
            if compartments.contains(&resource_type) && self.dice.chance(50) {
                return format!(
                    "{resource_type}/{}",
                    document["id"].as_str().unwrap_or_default()
                );
            }
            return format!(
                "{}/{}",
                self.dice.pick(&plant::TYPES),
                self.dice.pick(&plant::IDS)
            );
        }
        let members = self.table.members(compartment, resource_type);
        let held = (!members.is_empty())
            .then(|| self.dice.one(members))
            .and_then(|member| self.table.parameter(resource_type, member))
            .and_then(|parameter| match &parameter.search {
                Search::Elements(alternatives) => self.held(
                    document,
                    document,
                    Kind::Reference,
                    alternatives,
                    Some("whole"),
                    None,
                ),
                Search::Composite(..) => None,
            });
        held.unwrap_or_else(|| format!("{compartment}/{}", self.dice.pick(&plant::IDS)))
    }

    /// With percent signs where they are needed, or wherever they are allowed.
    fn encode(&mut self, text: &str) -> String {
        const MUCH: &AsciiSet = &CONTROLS
            .add(b' ')
            .add(b'"')
            .add(b'#')
            .add(b'%')
            .add(b'&')
            .add(b'+')
            .add(b'=')
            .add(b'\\');
        if self.dice.chance(50) {
            utf8_percent_encode(text, MUCH).to_string()
        } else {
            text.replace('%', "%25").replace('&', "%26")
        }
    }
}
