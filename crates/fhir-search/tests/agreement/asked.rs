//! Values to ask for, made from documents, and whether an element has them, as the specification says it.

use std::collections::BTreeSet;

use fhir_search::model;
use fhir_search::table::{Alternative, Kind};
use serde_json::Value;

use crate::elements::{elements, folded, reference, strings, tokens};
use crate::ranges::{Unit, date_fits, dates, number_fits, numbers};

/// A value of a parameter, as the specification has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    Code(String),
    SystemCode(String, String),
    NoSystem(String),
    System(String),
    Reference(String),
    Id(String),
    Text(String),
    Uri(String),
    Date(&'static str, String),
    Number(&'static str, String, Unit),
}

impl Asked {
    /// As it is written in criteria.
    pub fn written(&self) -> String {
        fn escaped(text: &str) -> String {
            let mut out = String::new();
            for letter in text.chars() {
                match letter {
                    ',' | '|' | '$' | '\\' => out.extend(['\\', letter]),
                    '%' | '&' | '#' | '+' | ' ' => {
                        out.push_str(&format!("%{:02X}", u32::from(letter)))
                    }
                    letter => out.push(letter),
                }
            }
            out
        }
        match self {
            Asked::SystemCode(system, code) => format!("{}|{}", escaped(system), escaped(code)),
            Asked::NoSystem(code) => format!("|{}", escaped(code)),
            Asked::System(system) => format!("{}|", escaped(system)),
            Asked::Date(prefix, text) => format!("{prefix}{}", escaped(text)),
            Asked::Number(prefix, text, Unit::Any) => format!("{prefix}{text}"),
            Asked::Number(prefix, text, Unit::Named(name)) => {
                format!("{prefix}{text}||{}", escaped(name))
            }
            Asked::Number(prefix, text, Unit::Coded(system, code)) => {
                format!("{prefix}{text}|{}|{}", escaped(system), escaped(code))
            }
            Asked::Code(text)
            | Asked::Reference(text)
            | Asked::Id(text)
            | Asked::Text(text)
            | Asked::Uri(text) => escaped(text),
        }
    }

    /// Whether an element has the value.
    pub fn fits(&self, alternative: &Alternative, value: &Value, document: &Value) -> bool {
        let pairs = || tokens(alternative.datatype, value).into_iter();
        match self {
            Asked::Code(code) => pairs().any(|(_, found)| found.as_ref() == Some(code)),
            Asked::SystemCode(system, code) => {
                pairs().any(|pair| pair == (Some(system.clone()), Some(code.clone())))
            }
            Asked::NoSystem(code) => pairs().any(|pair| pair == (None, Some(code.clone()))),
            Asked::System(system) => pairs().any(|(found, _)| found.as_ref() == Some(system)),
            Asked::Text(text) => strings(alternative.datatype, value)
                .iter()
                .any(|found| folded(found).starts_with(&folded(text))),
            Asked::Uri(text) => value == text.as_str(),
            Asked::Date(prefix, text) => date_fits(prefix, text, alternative.datatype, value),
            Asked::Number(prefix, text, unit) => {
                number_fits(prefix, text, unit, alternative.datatype, value)
            }
            Asked::Reference(text) | Asked::Id(text) if alternative.datatype != "Reference" => {
                value == text.as_str()
            }
            Asked::Reference(text) => {
                let of_type = |found: &str| {
                    !alternative.only_targets || {
                        let kind = found.rsplit('/').nth(1).unwrap_or_default();
                        alternative.targets.contains(&kind)
                    }
                };
                reference(value, document).is_some_and(|found| found == *text && of_type(&found))
            }
            Asked::Id(id) => {
                reference(value, document).is_some_and(|found| match found.split_once('/') {
                    Some((kind, found)) => {
                        found == id
                            && model::is_resource_type(kind)
                            && (alternative.targets.is_empty()
                                || alternative.targets.contains(&kind))
                    }
                    None => false,
                })
            }
        }
    }
}

/// Values for a parameter taken from a document.
pub fn values(kind: Kind, alternatives: &[Alternative], document: &Value) -> BTreeSet<Asked> {
    let mut asked = BTreeSet::new();
    for alternative in alternatives {
        for value in elements(document, alternative) {
            match kind {
                Kind::Token => {
                    for (system, code) in tokens(alternative.datatype, value) {
                        let has_system =
                            ["Coding", "CodeableConcept", "Identifier", "ContactPoint"]
                                .contains(&alternative.datatype);
                        if let Some(system) = system.clone().filter(|_| has_system) {
                            asked.insert(Asked::System(system));
                        }
                        if let Some(code) = code {
                            asked.insert(Asked::Code(code.clone()));
                            asked.insert(Asked::NoSystem(code.clone()));
                            if let Some(system) = system.filter(|_| has_system) {
                                asked.insert(Asked::SystemCode(system, code));
                            }
                        }
                    }
                }
                Kind::Reference if alternative.datatype == "Reference" => {
                    if let Some(found) = reference(value, document) {
                        if let Some((kind, id)) = found
                            .split_once('/')
                            .filter(|(kind, _)| model::is_resource_type(kind))
                        {
                            asked.insert(Asked::Id(id.to_owned()));
                            asked.insert(Asked::Reference(format!("{kind}/{id}")));
                        } else {
                            asked.insert(Asked::Reference(found));
                        }
                    }
                }
                Kind::Reference => {
                    asked.extend(value.as_str().map(|text| Asked::Reference(text.to_owned())));
                }
                Kind::String => {
                    for text in strings(alternative.datatype, value) {
                        let half: String = text
                            .chars()
                            .take(text.chars().count().div_ceil(2))
                            .collect();
                        asked.insert(Asked::Text(half.to_uppercase()));
                        asked.insert(Asked::Text(text));
                    }
                }
                Kind::Uri => asked.extend(value.as_str().map(|text| Asked::Uri(text.to_owned()))),
                Kind::Date => asked.extend(dates(value)),
                Kind::Number | Kind::Quantity => {
                    asked.extend(numbers(alternative.datatype, value));
                }
                Kind::Composite | Kind::Special => {}
            }
        }
    }
    asked
}
