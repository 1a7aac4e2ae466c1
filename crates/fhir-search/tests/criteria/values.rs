//! The variables of these tests.

use std::collections::HashMap;

use fhir_search::{Binding, Bindings, Criteria, Predicate};

pub struct Values(HashMap<&'static str, Binding>);

impl Values {
    pub fn of<const N: usize>(values: [(&'static str, Binding); N]) -> Self {
        Values(HashMap::from(values))
    }
}

/// `%x` is this text.
pub fn one(text: &str) -> Values {
    Values::of([("x", Binding::String(text.to_owned()))])
}

impl Bindings for Values {
    fn get(&self, name: &str) -> Option<Binding> {
        self.0.get(name).cloned()
    }
}

pub fn values() -> Values {
    let text = |text: &str| Binding::String(text.to_owned());
    let reference = |text: &str| Binding::Reference(text.to_owned());
    Values(HashMap::from([
        ("profile", reference("Practitioner/p1")),
        ("patient", reference("Patient/1")),
        ("state", text("CA")),
        ("states", text(r"CA,NY,a\,b")),
        ("patients", text("Patient/1,Patient/2")),
        ("evil", text("x&_id=1")),
        ("org", text("o1")),
        ("org_parent", text("o2")),
        ("empty", text("")),
        ("hole", text("a,,b")),
        ("slash", text(r"a\b")),
        ("nul", text("a\0b")),
        ("mark", text("\u{301}")),
        ("broken", reference("nothing")),
    ]))
}

pub fn parse(text: &str) -> Criteria {
    let kind = text.split('?').next().unwrap();
    Criteria::parse(kind, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub fn bind(text: &str) -> Predicate {
    parse(text)
        .bind(&values())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}
