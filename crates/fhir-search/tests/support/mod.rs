//! Slow, obvious helpers for tests: jsonb containment, evaluation of predicates, and the data sets.
#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::path::Path;

use fhir_search::{Binding, Bindings, Predicate, has_irregular_references};
use serde_json::Value;

/// No variable is defined.
pub struct Nothing;

impl Bindings for Nothing {
    fn get(&self, _: &str) -> Option<Binding> {
        None
    }
}

/// PostgreSQL's `@>` below the root: objects by member, arrays as sets, scalars by value.
pub fn contains(document: &Value, part: &Value) -> bool {
    match (document, part) {
        (Value::Object(document), Value::Object(part)) => part
            .iter()
            .all(|(key, part)| document.get(key).is_some_and(|found| contains(found, part))),
        (Value::Array(document), Value::Array(part)) => part
            .iter()
            .all(|part| document.iter().any(|found| contains(found, part))),
        (document, part) => document == part,
    }
}

/// A document in both forms.
pub struct Document {
    pub json: Value,
    pub binary: Vec<u8>,
}

impl Document {
    pub fn new(text: &str) -> Self {
        Self {
            json: serde_json::from_str(text).unwrap(),
            binary: jsonb::from_json(text).unwrap(),
        }
    }

    pub fn value(&self) -> jsonb::Value<'_> {
        jsonb::Value::parse(&self.binary).unwrap()
    }

    pub fn kind(&self) -> &str {
        self.json["resourceType"].as_str().unwrap_or_default()
    }

    /// The predicate's truth, by its exact tests. Checks on the way that containment means what it promises and that
    /// the tests survive their text form.
    pub fn holds(&self, predicate: &Predicate) -> Option<bool> {
        match predicate {
            Predicate::Constant(value) => Some(*value),
            Predicate::And(parts) => {
                let found: Vec<_> = parts.iter().map(|part| self.holds(part)).collect();
                if found.contains(&Some(false)) {
                    Some(false)
                } else if found.contains(&None) {
                    None
                } else {
                    Some(true)
                }
            }
            Predicate::Or(parts) => {
                let found: Vec<_> = parts.iter().map(|part| self.holds(part)).collect();
                if found.contains(&Some(true)) {
                    Some(true)
                } else if found.contains(&None) {
                    None
                } else {
                    Some(false)
                }
            }
            Predicate::Not(inner) => self.holds(inner).map(|value| !value),
            Predicate::Id(ids) => Some(ids.iter().any(|id| self.json["id"] == id.as_str())),
            Predicate::Match(found) => {
                let exact = found.exact.evaluate(self.value());
                let contained = found.contains.iter().any(|part| contains(&self.json, part));
                if contained {
                    assert_eq!(
                        exact,
                        Some(true),
                        "containment suffices: {} {}",
                        found.exact,
                        self.json
                    );
                }
                let regular = !found.references || !has_irregular_references(self.value());
                if !found.contains.is_empty() && regular {
                    assert_eq!(
                        exact == Some(true),
                        contained,
                        "containment is exact: {} {}",
                        found.exact,
                        self.json
                    );
                }
                exact
            }
        }
    }
}

/// The lines of a data set beside the repository, or `None` (with a note) where it is not there.
pub fn data(file: &str) -> Option<impl Iterator<Item = String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(file);
    match std::fs::File::open(&path) {
        Ok(file) => Some(
            BufReader::new(flate2::read::GzDecoder::new(file))
                .lines()
                .map(Result::unwrap),
        ),
        Err(_) => {
            println!("skipped: {file} is not there");
            None
        }
    }
}
