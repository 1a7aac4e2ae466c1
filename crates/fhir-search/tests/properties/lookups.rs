//! Random criteria on random and on broken documents: lookups mean what they promise, and merging changes no truth.

use fhir_search::Predicate;
use proptest::prelude::*;

use crate::document::{damage, document};
use crate::support::{Document, predicate};
use crate::tape::{Tape, criteria};

fn tape(length: usize) -> impl Strategy<Value = Tape> {
    prop::collection::vec(any::<u16>(), 0..length).prop_map(Tape::new)
}

/// A document, and the same with one place broken and with some.
fn documents(of: &mut Tape, by: &mut Tape) -> Vec<Document> {
    let mut json = document(of);
    let mut found = vec![Document::new(&json.to_string())];
    for _ in 0..1 + by.next() % 4 {
        damage(by, &mut json);
        found.push(Document::new(&json.to_string()));
    }
    found
}

/// Kleene's truth of an alternative or a conjunction, by its parts' truths.
fn truth(parts: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let parts: Vec<_> = parts.collect();
    if parts.contains(&Some(decisive)) {
        Some(decisive)
    } else if parts.contains(&None) {
        None
    } else {
        Some(!decisive)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lookups(mut of in tape(200), mut by in tape(20), mut asked in tape(200)) {
        let documents = documents(&mut of, &mut by);
        for _ in 0..12 {
            let text = criteria(&mut asked);
            let found = predicate(&text);
            for document in &documents {
                let truth = document.holds(&found);
                prop_assert_eq!(document.holds(&found.clone().negated()), truth.map(|truth| !truth), "{}", text);
            }
        }
    }

    /// Alternatives of conditions and of conjunctions of them, merged as they may be.
    #[test]
    fn merging(mut of in tape(200), mut by in tape(20), mut asked in tape(200)) {
        let documents = documents(&mut of, &mut by);
        let some: Vec<Predicate> = (0..6).map(|_| predicate(&criteria(&mut asked))).collect();
        let pick = |tape: &mut Tape| some[tape.next() % some.len()].clone();
        let mut parts = Vec::new();
        for _ in 0..2 + asked.next() % 7 {
            let (kind, first, second) = (asked.next() % 5, pick(&mut asked), pick(&mut asked));
            parts.push(match kind {
                0 => first,
                1 => first.negated(),
                2 => Predicate::Or(vec![first, second]),
                _ => Predicate::all([first, second]),
            });
        }
        let merged = Predicate::any(parts.clone());
        let both = Predicate::all(parts.clone());
        for document in &documents {
            let truths = || parts.iter().map(|part| document.holds(part));
            prop_assert_eq!(document.holds(&merged), truth(truths(), true), "{}", merged);
            prop_assert_eq!(document.holds(&both), truth(truths(), false), "{}", both);
            prop_assert_eq!(
                document.holds(&merged.clone().negated()),
                truth(truths(), true).map(|truth| !truth)
            );
        }
    }
}
