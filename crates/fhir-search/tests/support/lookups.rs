//! Slow, obvious evaluation of what an index is asked, and the check that it means what it promises.

use std::cmp::Ordering;

use bigdecimal::BigDecimal;
use fhir_search::keys::{Bound, Paths};
use fhir_search::{
    Comparison, Condition, Key, KeyValue, Lookup, Operator, Test, TestOp, has_irregular_references,
};
use serde_json::Value;

use super::Document;

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

fn bound(found: Bound<jsonb::Decimal>) -> Bound<BigDecimal> {
    match found {
        Bound::NegativeInfinity => Bound::NegativeInfinity,
        Bound::At(number) => Bound::At(exact(&number)),
        Bound::Infinity => Bound::Infinity,
    }
}

fn exact(number: &jsonb::Decimal) -> BigDecimal {
    number.as_number().to_decimal().parse().unwrap()
}

/// SQL's comparison of a key, which is NULL where the document has none, with a constant.
fn compares(document: &Document, paths: &Paths, comparison: &Comparison) -> bool {
    let value = document.value();
    let number = |found: Option<Bound<jsonb::Decimal>>, with: &jsonb::Decimal| match bound(found?) {
        Bound::NegativeInfinity => Some(Ordering::Less),
        Bound::At(number) => Some(number.cmp(&exact(with))),
        Bound::Infinity => Some(Ordering::Greater),
    };
    let ordering = match (comparison.key, &comparison.with) {
        (Key::Earliest, KeyValue::Time(with)) => paths.earliest(value).map(|key| key.cmp(with)),
        (Key::Latest, KeyValue::Time(with)) => paths.latest(value).map(|key| key.cmp(with)),
        (Key::Lowest, KeyValue::Number(with)) => number(paths.lowest(value), with),
        (Key::Highest, KeyValue::Number(with)) => number(paths.highest(value), with),
        (Key::Unit, KeyValue::Text(with)) => {
            assert_eq!(comparison.operator, Operator::Equal);
            paths.unit(value).map(|key| key.cmp(with))
        }
        (key, with) => panic!("{key:?} is not compared with {with:?}"),
    };
    ordering.is_some_and(|ordering| match comparison.operator {
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Equal => ordering.is_eq(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::Greater => ordering.is_gt(),
    })
}

/// Whether an index would find the document.
pub fn finds(document: &Document, condition: &Condition) -> bool {
    let value = document.value();
    let any = |found: Vec<String>, asked: &[String], fits: fn(&str, &str) -> bool| {
        found
            .iter()
            .any(|found| asked.iter().any(|asked| fits(found, asked)))
    };
    match condition {
        Condition::Contains(parts) => parts.iter().any(|part| contains(&document.json, part)),
        Condition::Targets(paths, asked) => {
            any(paths.targets(value), asked, |found, asked| found == asked)
        }
        Condition::Tokens(paths, asked) => {
            any(paths.tokens(value), asked, |found, asked| found == asked)
        }
        Condition::Uris(paths, asked) => {
            any(paths.uris(value), asked, |found, asked| found == asked)
        }
        Condition::StringsStartWith(paths, asked) => {
            any(paths.strings(value), asked, |found, asked| {
                found.starts_with(asked)
            })
        }
        Condition::StringsContain(paths, asked) => {
            any(paths.strings(value), asked, |found, asked| {
                found.contains(asked)
            })
        }
        Condition::UrisBelow(paths, asked) => any(paths.uris(value), asked, |found, asked| {
            found == asked || found.starts_with(&format!("{asked}/"))
        }),
        Condition::Compare(paths, alternatives) => alternatives.iter().any(|alternative| {
            alternative
                .all
                .iter()
                .all(|comparison| compares(document, paths, comparison))
        }),
    }
}

/// The paths that a condition's keys are of.
pub fn key_paths(condition: &Condition) -> Option<&Paths> {
    match condition {
        Condition::Contains(_) => None,
        Condition::Targets(paths, _)
        | Condition::Tokens(paths, _)
        | Condition::Uris(paths, _)
        | Condition::StringsStartWith(paths, _)
        | Condition::StringsContain(paths, _)
        | Condition::UrisBelow(paths, _)
        | Condition::Compare(paths, _) => Some(paths),
    }
}

fn asks_references(test: &Test) -> bool {
    let is = |op: &TestOp| matches!(op, TestOp::Reference { .. });
    match test {
        Test::Elements(elements) => is(&elements.op),
        Test::Composite { parts, .. } => parts.iter().any(|part| is(&part.op)),
    }
}

/// Checks every lookup of a test on a document: it holds wherever the test is true, and the test is true wherever one that decides
/// holds.
pub fn check(test: &Test, lookups: &[Lookup], exact: Option<bool>, document: &Document) {
    for lookup in lookups {
        let found = finds(document, &lookup.condition);
        let may_miss = matches!(lookup.condition, Condition::Contains(_))
            && asks_references(test)
            && has_irregular_references(document.value());
        assert!(
            found || exact != Some(true) || may_miss,
            "{test} is true, but {lookup:?} does not find {}",
            document.json
        );
        assert!(
            !found || !lookup.decides || exact == Some(true),
            "{test} is {exact:?}, but {lookup:?} decides for {}",
            document.json
        );
    }
}

/// What must be right of a test's lookups whatever the document.
pub fn check_form(test: &Test, lookups: &[Lookup]) {
    // Codes without their systems come before those with them, although they only narrow.
    let by_code =
        |lookup: &&Lookup| !lookup.decides && matches!(lookup.condition, Condition::Contains(_));
    let others: Vec<&Lookup> = lookups.iter().filter(|lookup| !by_code(lookup)).collect();
    if let Some(narrows) = others.iter().position(|lookup| !lookup.decides) {
        let rest = &others[narrows..];
        let sorted = rest.iter().all(|lookup| !lookup.decides);
        assert!(
            sorted || matches!(test, Test::Composite { .. }),
            "the best first: {test}"
        );
    }
    for lookup in lookups {
        if let Some(paths) = key_paths(&lookup.condition) {
            let again: Paths = paths.to_string().parse().unwrap();
            assert_eq!(&again, paths, "an index names the same paths");
        }
        match &lookup.condition {
            Condition::Contains(parts) => assert!(!parts.is_empty()),
            Condition::Targets(_, asked)
            | Condition::Tokens(_, asked)
            | Condition::Uris(_, asked)
            | Condition::StringsStartWith(_, asked)
            | Condition::StringsContain(_, asked)
            | Condition::UrisBelow(_, asked) => assert!(!asked.is_empty()),
            Condition::Compare(_, alternatives) => {
                assert!(!alternatives.is_empty());
                for alternative in alternatives {
                    let keys = || alternative.all.iter().map(|comparison| comparison.key);
                    assert!(
                        keys().all(|key| alternative.columns.contains(&key)),
                        "the index has the keys: {alternative:?}"
                    );
                    assert!(
                        alternative
                            .columns
                            .first()
                            .is_some_and(|first| keys().any(|key| key == *first)),
                        "the index's first column is compared: {alternative:?}"
                    );
                }
            }
        }
    }
}
