//! Criteria made from real documents, evaluated on real documents: by the compiled predicate and by a slow evaluator that
//! is written from the specification and shares nothing with the compiler but the table of parameters.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use fhir_search::table::{self, Alternative, Kind};
use fhir_search::{Criteria, model};
use serde_json::Value;
use support::{Document, Nothing, data};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The elements at a path; every array is walked.
fn elements<'a>(document: &'a Value, alternative: &Alternative) -> Vec<&'a Value> {
    fn flat<'a>(value: &'a Value, into: &mut Vec<&'a Value>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| flat(item, into)),
            Value::Null => {}
            value => into.push(value),
        }
    }
    let mut found = vec![document];
    for step in &alternative.path.steps {
        let mut next = Vec::new();
        for value in found {
            flat(&value[&step.member], &mut next);
        }
        if let Some(filter) = &step.filter {
            next.retain(|value| value[&filter.member] == filter.value.as_str());
        }
        found = next;
    }
    found
}

/// The system and code of the tokens of an element.
fn tokens(datatype: &str, value: &Value) -> Vec<(Option<String>, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match datatype {
        "CodeableConcept" => value["coding"].as_array().map_or(Vec::new(), |codings| {
            codings
                .iter()
                .map(|coding| (text(&coding["system"]), text(&coding["code"])))
                .collect()
        }),
        "Coding" => vec![(text(&value["system"]), text(&value["code"]))],
        "Identifier" | "ContactPoint" => vec![(text(&value["system"]), text(&value["value"]))],
        "boolean" => vec![(None, value.as_bool().map(|value| value.to_string()))],
        _ => vec![(None, text(value))],
    }
}

/// What a Reference refers to, as it is compared.
fn reference(value: &Value, document: &Value) -> Option<String> {
    let text = value["reference"].as_str()?;
    if let Some(id) = text.strip_prefix('#') {
        if id.is_empty() {
            return Some(format!(
                "{}/{}",
                document["resourceType"].as_str()?,
                document["id"].as_str()?
            ));
        }
        let contained = document["contained"]
            .as_array()?
            .iter()
            .find(|found| found["id"] == id)?;
        return Some(format!("{}/{id}", contained["resourceType"].as_str()?));
    }
    Some(text.split("/_history/").next().unwrap().to_owned())
}

fn strings(datatype: &str, value: &Value) -> Vec<String> {
    let names: &[&str] = match datatype {
        "HumanName" => &["text", "family", "given", "prefix", "suffix"],
        "Address" => &[
            "text",
            "line",
            "city",
            "district",
            "state",
            "postalCode",
            "country",
        ],
        _ => return value.as_str().map(str::to_owned).into_iter().collect(),
    };
    let found = names.iter().flat_map(|name| match &value[*name] {
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    });
    found
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

fn folded(text: &str) -> String {
    let stripped: String = text
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .collect();
    stripped.to_uppercase().to_lowercase().replace('ς', "σ")
}

/// A value of a parameter, as the specification has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Code(String),
    SystemCode(String, String),
    NoSystem(String),
    System(String),
    Reference(String),
    Id(String),
    Text(String),
    Uri(String),
}

impl Asked {
    /// As it is written in criteria.
    fn written(&self) -> String {
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
            Asked::Code(text)
            | Asked::Reference(text)
            | Asked::Id(text)
            | Asked::Text(text)
            | Asked::Uri(text) => escaped(text),
        }
    }

    /// Whether an element has the value.
    fn fits(&self, alternative: &Alternative, value: &Value, document: &Value) -> bool {
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
fn values(kind: Kind, alternatives: &[Alternative], document: &Value) -> BTreeSet<Asked> {
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
                _ => {}
            }
        }
    }
    asked
}

/// Every parameter of every document, asked of up to `most` documents of its type.
fn agree(documents: &[Document], most: usize) -> (usize, usize) {
    let mut by_type: BTreeMap<&str, Vec<&Document>> = BTreeMap::new();
    for document in documents {
        by_type.entry(document.kind()).or_default().push(document);
    }
    let (mut pairs, mut granted) = (0, 0);
    by_type.remove("Binary"); // has no criteria
    for (kind, documents) in by_type {
        let step = documents.len().div_ceil(most);
        let sample: Vec<&&Document> = documents.iter().step_by(step).collect();
        for code in table::codes(kind).collect::<BTreeSet<_>>() {
            let parameter = table::parameter(kind, code).unwrap();
            let Ok(alternatives) = parameter.alternatives else {
                continue;
            };
            if code == "_id" || alternatives.iter().any(|found| found.datatype == "truth") {
                continue;
            }
            let mut asked: BTreeSet<Asked> = BTreeSet::new();
            for document in sample.iter().take(12) {
                asked.extend(
                    values(parameter.kind, &alternatives, &document.json)
                        .into_iter()
                        .take(6),
                );
            }
            for asked in asked.into_iter().take(25) {
                let text = format!("{kind}?{code}={}", asked.written());
                let criteria = match Criteria::parse(kind, &text) {
                    Ok(criteria) => criteria,
                    // Some examples hold references in no form that criteria could name.
                    Err(error) => {
                        assert!(error.message.contains("expected"), "{text}: {error}");
                        continue;
                    }
                };
                let predicate = criteria.bind(&Nothing).unwrap();
                let negated = Criteria::parse(kind, &text.replacen('=', ":not=", 1))
                    .unwrap()
                    .bind(&Nothing)
                    .unwrap();
                for document in &sample {
                    let expected = alternatives.iter().any(|alternative| {
                        let found = elements(&document.json, alternative);
                        found
                            .into_iter()
                            .any(|value| asked.fits(alternative, value, &document.json))
                    });
                    let found = document.holds(&predicate);
                    assert_eq!(
                        found == Some(true),
                        expected,
                        "{text} on {} {:?}",
                        document.json["id"],
                        found
                    );
                    assert_eq!(
                        document.holds(&negated),
                        found.map(|found| !found),
                        "{text}, negated"
                    );
                    pairs += 1;
                    granted += usize::from(expected);
                }
            }
            for (missing, asks_missing) in [("true", true), ("false", false)] {
                let text = format!("{kind}?{code}:missing={missing}");
                let predicate = Criteria::parse(kind, &text)
                    .unwrap()
                    .bind(&Nothing)
                    .unwrap();
                for document in &sample {
                    let there = alternatives.iter().any(|alternative| {
                        elements(&document.json, alternative)
                            .into_iter()
                            .any(|value| {
                                !alternative.only_targets
                                    || reference(value, &document.json).is_some_and(|found| {
                                        let kind = found.rsplit('/').nth(1).unwrap_or_default();
                                        alternative.targets.contains(&kind)
                                    })
                            })
                    });
                    let found = document.holds(&predicate);
                    assert!(
                        found.is_none() || found == Some(there != asks_missing),
                        "{text} on {}",
                        document.json["id"]
                    );
                    pairs += 1;
                }
            }
        }
    }
    (pairs, granted)
}

/// `_compartment` against a walk over the definitions' parameters.
fn compartments(documents: &[Document]) -> usize {
    let definition = include_str!("../data/compartment-patient.txt");
    let mut codes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in definition.lines().filter_map(|line| line.strip_prefix(' ')) {
        let mut words = line.split(' ');
        codes.insert(words.next().unwrap(), words.collect());
    }
    let mut patients: BTreeSet<String> = BTreeSet::new();
    for document in documents
        .iter()
        .filter(|document| document.kind() == "Patient")
    {
        patients.extend(document.json["id"].as_str().map(str::to_owned));
    }
    let mut granted = 0;
    for id in patients.iter().take(15) {
        let target = format!("Patient/{id}");
        let criteria = Criteria::parse("*", &format!("*?_compartment={target}")).unwrap();
        let mut predicates = BTreeMap::new();
        for document in documents {
            let kind = document.kind();
            let expected = (kind == "Patient" && document.json["id"] == id.as_str())
                || codes.get(kind).into_iter().flatten().any(|code| {
                    let alternatives = table::parameter(kind, code).unwrap().alternatives.unwrap();
                    alternatives.iter().any(|alternative| {
                        let found = elements(&document.json, alternative);
                        found.into_iter().any(|value| {
                            reference(value, &document.json).as_deref() == Some(&target)
                        })
                    })
                });
            let predicate = predicates
                .entry(kind)
                .or_insert_with(|| criteria.bind_for(kind, &Nothing).unwrap());
            let found = document.holds(predicate);
            assert_eq!(
                found == Some(true),
                expected,
                "{target} and {kind}/{} {found:?}",
                document.json["id"]
            );
            granted += usize::from(expected);
        }
    }
    granted
}

#[test]
fn examples() {
    let Some(lines) = data("examples-r4.ndjson.gz") else {
        return;
    };
    let documents: Vec<Document> = lines.map(|line| Document::new(&line)).collect();
    assert_eq!(documents.len(), 817);
    let (pairs, granted) = agree(&documents, 40);
    let compartments = compartments(&documents);
    println!("{pairs} pairs, {granted} granted; {compartments} in compartments");
    assert!(
        pairs > 40_000 && granted > 5_000 && compartments > 100,
        "{pairs} {granted} {compartments}"
    );
}

#[test]
fn synthea() {
    let Some(lines) = data("synthea.ndjson.gz") else {
        return;
    };
    let documents: Vec<Document> = lines.map(|line| Document::new(&line)).collect();
    let (pairs, granted) = agree(&documents, 100);
    let every_fourth: Vec<Document> = documents.into_iter().step_by(4).collect();
    let compartments = compartments(&every_fourth);
    println!("{pairs} pairs, {granted} granted; {compartments} in compartments");
    assert!(
        pairs > 40_000 && granted > 5_000 && compartments > 50,
        "{pairs} {granted} {compartments}"
    );
}
