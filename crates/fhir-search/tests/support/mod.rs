//! Slow, obvious helpers for tests: evaluation of predicates and of what indexes are asked, and the data sets.
#![allow(dead_code)]

pub mod lookups;
pub mod ranges;

use std::io::{BufRead, BufReader};
use std::path::Path;

use fhir_search::{Binding, Bindings, Criteria, Lookup, Predicate, Test};
use serde_json::Value;

/// No variable is defined.
pub struct Nothing;

impl Bindings for Nothing {
    fn get(&self, _: &str) -> Option<Binding> {
        None
    }
}

/// Every variable has the same value.
pub struct Always(pub Binding);

impl Bindings for Always {
    fn get(&self, _: &str) -> Option<Binding> {
        Some(self.0.clone())
    }
}

/// The predicate of criteria without variables.
pub fn predicate(text: &str) -> Predicate {
    let kind = text.split('?').next().unwrap();
    Criteria::parse(kind, text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .bind(&Nothing)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Checks criteria `Type?{text}` against documents: what is true of them, false of them, or unknown.
pub fn check(kind: &str, cases: &[(&str, &str, Option<bool>)]) {
    for (text, json, expected) in cases {
        let document = Document::new(json);
        let found = predicate(&format!("{kind}?{text}"));
        assert_eq!(document.holds(&found), *expected, "{kind}?{text} on {json}");
        assert_eq!(
            document.holds(&found.negated()),
            expected.map(|expected| !expected),
            "not {kind}?{text} on {json}"
        );
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
            json: serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}")),
            binary: jsonb::from_json(text).unwrap(),
        }
    }

    pub fn value(&self) -> jsonb::Value<'_> {
        jsonb::Value::parse(&self.binary).unwrap()
    }

    pub fn kind(&self) -> &str {
        self.json["resourceType"].as_str().unwrap_or_default()
    }

    /// The predicate's truth: see [`Checked`].
    pub fn holds(&self, predicate: &Predicate) -> Option<bool> {
        Checked::new(predicate).holds(self)
    }
}

/// A predicate whose tests are checked while it is evaluated: that each survives its text form, that its lookups are well formed
/// and mean what they promise.
pub enum Checked {
    Constant(bool),
    And(Vec<Checked>),
    Or(Vec<Checked>),
    Not(Box<Checked>),
    Id(Vec<String>),
    Test(Test, Vec<Lookup>),
}

impl Checked {
    pub fn new(predicate: &Predicate) -> Self {
        let all = |parts: &[Predicate]| parts.iter().map(Checked::new).collect();
        match predicate {
            Predicate::Constant(value) => Checked::Constant(*value),
            Predicate::And(parts) => Checked::And(all(parts)),
            Predicate::Or(parts) => Checked::Or(all(parts)),
            Predicate::Not(inner) => Checked::Not(Box::new(Checked::new(inner))),
            Predicate::Id(ids) => Checked::Id(ids.clone()),
            Predicate::ResourceType(_) | Predicate::TypeAgrees => {
                panic!("criteria ask for no type: {predicate}")
            }
            Predicate::SecurityContext => panic!("no criteria says so"),
            Predicate::Test(test) => {
                let text = test.to_string();
                assert_eq!(text.parse::<Test>().as_ref(), Ok(test), "text form: {text}");
                let found = test.lookups();
                lookups::check_form(test, &found);
                Checked::Test(test.clone(), found)
            }
        }
    }

    /// The predicate's truth, by its exact tests.
    pub fn holds(&self, document: &Document) -> Option<bool> {
        let any = |parts: &[Checked], wanted: bool| {
            let found: Vec<_> = parts.iter().map(|part| part.holds(document)).collect();
            if found.contains(&Some(wanted)) {
                Some(wanted)
            } else if found.contains(&None) {
                None
            } else {
                Some(!wanted)
            }
        };
        match self {
            Checked::Constant(value) => Some(*value),
            Checked::And(parts) => any(parts, false),
            Checked::Or(parts) => any(parts, true),
            Checked::Not(inner) => inner.holds(document).map(|value| !value),
            Checked::Id(ids) => Some(ids.iter().any(|id| document.json["id"] == id.as_str())),
            Checked::Test(test, found) => {
                let exact = test.evaluate(document.value());
                lookups::check(test, found, exact, document);
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
