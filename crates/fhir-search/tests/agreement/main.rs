//! Criteria made from real documents, evaluated on real documents: by the compiled predicate and by a slow evaluator that
//! is written from the specification and shares nothing with the compiler but the table of parameters.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod asked;
mod elements;
mod ranges;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use asked::{Asked, values};
use elements::{elements, reference};
use fhir_search::{Criteria, table};
use support::{Checked, Document, Nothing, data, predicate as predicate_of};

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
            let alternatives = parameter.elements();
            if alternatives.is_empty()
                || code == "_id"
                || alternatives.iter().any(|found| found.datatype == "truth")
            {
                continue;
            }
            let mut asked: BTreeSet<Asked> = BTreeSet::new();
            for document in sample.iter().take(12) {
                asked.extend(
                    values(parameter.kind, alternatives, &document.json)
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
                let predicate = Checked::new(&criteria.bind(&Nothing).unwrap());
                let negated = Checked::new(&predicate_of(&text.replacen('=', ":not=", 1)));
                for document in &sample {
                    let expected = alternatives.iter().any(|alternative| {
                        let found = elements(&document.json, alternative);
                        found
                            .into_iter()
                            .any(|value| asked.fits(alternative, value, &document.json))
                    });
                    let found = predicate.holds(document);
                    assert_eq!(
                        found == Some(true),
                        expected,
                        "{text} on {} {:?}",
                        document.json["id"],
                        found
                    );
                    assert_eq!(
                        negated.holds(document),
                        found.map(|found| !found),
                        "{text}, negated"
                    );
                    pairs += 1;
                    granted += usize::from(expected);
                }
            }
            for (missing, asks_missing) in [("true", true), ("false", false)] {
                let text = format!("{kind}?{code}:missing={missing}");
                let predicate = Checked::new(&predicate_of(&text));
                for document in &sample {
                    let there = alternatives.iter().any(|alternative| {
                        elements(&document.json, alternative)
                            .into_iter()
                            .any(|value| {
                                !alternative.only_targets
                                    || value["resourceType"]
                                        .as_str()
                                        .is_some_and(|found| alternative.targets.contains(&found))
                                    || reference(value, &document.json).is_some_and(|found| {
                                        let kind = found.rsplit('/').nth(1).unwrap_or_default();
                                        alternative.targets.contains(&kind)
                                    })
                            })
                    });
                    let found = predicate.holds(document);
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
    let definition = include_str!("../../data/compartment-patient.txt");
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
                    let alternatives = table::parameter(kind, code).unwrap();
                    alternatives.elements().iter().any(|alternative| {
                        let found = elements(&document.json, alternative);
                        found.into_iter().any(|value| {
                            reference(value, &document.json).as_deref() == Some(&target)
                        })
                    })
                });
            let predicate = predicates
                .entry(kind)
                .or_insert_with(|| Checked::new(&criteria.bind_for(kind, &Nothing).unwrap()));
            let found = predicate.holds(document);
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
    let (pairs, granted) = agree(&documents, 25);
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
    let (pairs, granted) = agree(&documents, 25);
    let every_fourth: Vec<Document> = documents.into_iter().step_by(4).collect();
    let compartments = compartments(&every_fourth);
    println!("{pairs} pairs, {granted} granted; {compartments} in compartments");
    assert!(
        pairs > 40_000 && granted > 5_000 && compartments > 50,
        "{pairs} {granted} {compartments}"
    );
}
