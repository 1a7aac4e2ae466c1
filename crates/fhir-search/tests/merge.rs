//! Alternatives that differ in their values only become one condition; others stay apart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use fhir_search::{Binding, Condition, Criteria, Predicate, Test, TestOp};
use support::{Always, predicate};

/// The alternative of criteria of one type, as an access policy's entries are.
fn any(texts: &[&str]) -> String {
    Predicate::any(texts.iter().map(|text| predicate(text))).to_string()
}

/// The criteria bound once for each of many patients.
fn for_patients(text: &str, count: usize) -> Predicate {
    let kind = text.split('?').next().unwrap();
    let criteria = Criteria::parse(kind, text).unwrap();
    Predicate::any((0..count).map(|id| {
        let patient = Binding::Reference(format!("Patient/{id:05}"));
        criteria.bind(&Always(patient)).unwrap()
    }))
}

fn targets(predicate: &Predicate) -> usize {
    match predicate {
        Predicate::Test(Test::Elements(elements)) => match &elements.op {
            TestOp::Reference { targets, ids, .. } => {
                assert!(ids.is_empty());
                assert!(targets.is_sorted(), "sorted, as a test looks them up");
                targets.len()
            }
            op => panic!("{op:?}"),
        },
        other => panic!("{other}"),
    }
}

/// A caregiver's thousand patients.
#[test]
fn patients() {
    let observations = for_patients("Observation?_compartment=%patient", 1_000);
    assert_eq!(targets(&observations), 1_000);
    let Predicate::Test(test) = &observations else {
        panic!("{observations}");
    };
    let lookups = test.lookups();
    assert_eq!(lookups.len(), 2);
    assert!(lookups.iter().all(|lookup| lookup.decides));
    // One look at a thousand targets comes before four thousand documents.
    let [Condition::Targets(_, found), Condition::Contains(documents)] =
        [&lookups[0].condition, &lookups[1].condition]
    else {
        panic!("other lookups");
    };
    assert_eq!(found.len(), 1_000);
    assert_eq!(documents.len(), 4_000, "four elements");

    let Predicate::Or(parts) = for_patients("Patient?_compartment=%patient", 1_000) else {
        panic!("two alternatives");
    };
    let [Predicate::Id(ids), others] = parts.as_slice() else {
        panic!("{parts:?}");
    };
    assert_eq!(ids.len(), 1_000);
    assert!(ids.is_sorted());
    assert_eq!(targets(others), 1_000);

    let Predicate::And(parts) =
        for_patients("Observation?_compartment=%patient&status=final", 1_000)
    else {
        panic!("a conjunction");
    };
    assert_eq!(parts.len(), 2);
    assert_eq!(targets(&parts[0]), 1_000);
    assert_eq!(parts[1].to_string(), r#"token(status:text) "final""#);

    let Predicate::And(parts) = for_patients(
        "Patient?active=true&_compartment=%patient&gender:not=other",
        1_000,
    ) else {
        panic!("a conjunction");
    };
    let [active, Predicate::Or(either), not] = parts.as_slice() else {
        panic!("{parts:?}");
    };
    assert_eq!(active.to_string(), r#"token(active:boolean) "true""#);
    assert_eq!(not.to_string(), r#"not token(gender:text) "other""#);
    assert!(matches!(&either[0], Predicate::Id(ids) if ids.len() == 1_000));
    assert_eq!(targets(&either[1]), 1_000);
}

#[test]
fn values() {
    for (texts, expected) in [
        (
            &["Patient?_id=b", "Patient?_id=a", "Patient?_id=b"][..],
            r#"id "a", "b""#,
        ),
        (
            &["Patient?gender=b", "Patient?gender=a,b"],
            r#"token(gender:text) "a", "b""#,
        ),
        (
            &[
                "Patient?identifier=a",
                "Patient?identifier=s|b",
                "Patient?identifier=s|",
            ],
            r#"token(identifier*:Identifier) "s"|, "a", "s"|"b""#,
        ),
        (
            &["Patient?name=b", "Patient?name=A"],
            r#"starts(name*:HumanName) "a", "b""#,
        ),
        (
            &["Patient?name:exact=b", "Patient?name:exact=A"],
            r#"equals(name*:HumanName) "A", "b""#,
        ),
        (
            &["Patient?name:contains=b", "Patient?name:contains=A"],
            r#"contains(name*:HumanName) "a", "b""#,
        ),
        (
            &[
                "ValueSet?url:below=http://b",
                "ValueSet?url:below=http://a/",
            ],
            r#"below(url:text) "http://a", "http://b""#,
        ),
        (
            &["ValueSet?url:above=http://b", "ValueSet?url=http://a"],
            r#"equals(url:text) "http://a", "http://b", "http://b/""#,
        ),
        (
            &[
                "Patient?birthdate=2013",
                "Patient?birthdate=ge2012",
                "Patient?birthdate=2013",
            ],
            r#"date(birthDate:date) eq"2013", ge"2012""#,
        ),
        (
            &[
                "ChargeItem?factor-override=1",
                "ChargeItem?factor-override=gt2",
            ],
            r#"number(factorOverride:number) eq"1", gt"2""#,
        ),
        (
            &[
                "Encounter?length=1",
                "Encounter?length=gt2||h",
                "Encounter?length=1|s|h",
            ],
            r#"quantity(length:Duration) eq"1", gt"2"||"h", eq"1"|"s"|"h""#,
        ),
        (
            &["Condition?patient=Patient/2", "Condition?patient=Patient/1"],
            r#"reference(subject:Reference) "Patient/1", "Patient/2""#,
        ),
        (
            &["Condition?patient=2", "Condition?patient=1"],
            r#"reference(subject:Reference); id "1", "2"; of "Patient""#,
        ),
        (
            &["Patient?active:missing=true", "Patient?active:missing=true"],
            "not present(active:boolean)",
        ),
        (
            &["Patient?deceased=true", "Patient?deceased=true"],
            "true(deceasedBoolean:truth, deceasedDateTime:truth)",
        ),
        (
            &[
                "DocumentReference?relationship=a$1",
                "DocumentReference?relationship=a$1",
            ],
            r#"each(relatesTo*: token(code:text) "a" & reference(target:Reference); id "1"; of "DocumentReference")"#,
        ),
    ] {
        assert_eq!(any(texts), expected, "{texts:?}");
    }
}

#[test]
fn conjunctions() {
    for (texts, expected) in [
        // In the last, in the first, in the middle.
        (
            &[
                "Patient?gender=a&name=x",
                "Patient?gender=a&name=y",
                "Patient?gender=a&name=x",
            ][..],
            r#"token(gender:text) "a" and starts(name*:HumanName) "x", "y""#,
        ),
        (
            &["Patient?gender=a&name=x", "Patient?gender=b&name=x"],
            r#"token(gender:text) "a", "b" and starts(name*:HumanName) "x""#,
        ),
        (
            &[
                "Patient?_id=1&gender=a&birthdate=gt2013",
                "Patient?_id=1&gender=b&birthdate=gt2013",
                "Patient?_id=1&gender=c&birthdate=gt2013",
            ],
            r#"id "1" and token(gender:text) "a", "b", "c" and date(birthDate:date) gt"2013""#,
        ),
        // In two conjuncts: not the same as both lists.
        (
            &["Patient?gender=a&name=x", "Patient?gender=b&name=y"],
            r#"(token(gender:text) "a" and starts(name*:HumanName) "x") or (token(gender:text) "b" and starts(name*:HumanName) "y")"#,
        ),
        // The second joins the first, the third neither.
        (
            &[
                "Patient?gender=a&name=x",
                "Patient?gender=a&name=y",
                "Patient?gender=b&name=x",
            ],
            r#"(token(gender:text) "a" and starts(name*:HumanName) "x", "y") or (token(gender:text) "b" and starts(name*:HumanName) "x")"#,
        ),
        (
            &["Patient?gender=a&name=x", "Patient?gender=a"],
            r#"(token(gender:text) "a" and starts(name*:HumanName) "x") or token(gender:text) "a""#,
        ),
        (
            &["Patient?gender=a&name=x", "Patient?name=x&gender=a"],
            r#"(token(gender:text) "a" and starts(name*:HumanName) "x") or (starts(name*:HumanName) "x" and token(gender:text) "a")"#,
        ),
        (
            &["Patient?gender=a&name=x", "Patient?gender=a&name:exact=x"],
            r#"(token(gender:text) "a" and starts(name*:HumanName) "x") or (token(gender:text) "a" and equals(name*:HumanName) "x")"#,
        ),
        (
            &["Patient?gender=a&name:not=x", "Patient?gender=a&name:not=y"],
            r#"(token(gender:text) "a" and not starts(name*:HumanName) "x") or (token(gender:text) "a" and not starts(name*:HumanName) "y")"#,
        ),
        (
            &["Patient?gender=a&name:not=x", "Patient?gender=b&name:not=x"],
            r#"token(gender:text) "a", "b" and not starts(name*:HumanName) "x""#,
        ),
    ] {
        assert_eq!(any(texts), expected, "{texts:?}");
    }
}

/// What stays apart.
#[test]
fn apart() {
    for texts in [
        // Other elements.
        &["Patient?family=x", "Patient?given=x"][..],
        &["Patient?phone=x", "Patient?email=x"],
        // Another question of the same elements.
        &["Patient?name=x", "Patient?name:exact=x"],
        &["Patient?name=x", "Patient?name:contains=x"],
        &["ValueSet?url=http://x", "ValueSet?url:below=http://x"],
        &["Patient?identifier=x", "Patient?identifier:text=x"],
        &["Patient?active=true", "Patient?active:missing=false"],
        &[
            "Patient?active:missing=true",
            "Patient?active:missing=false",
        ],
        &["Patient?deceased=true", "Patient?deceased=false"],
        // What no index can answer must not take it from the others.
        &["Patient?identifier=x", "Patient?identifier=|x"],
        &["Observation?subject=Patient/1", "Observation?subject=1"],
        // Ids of other types.
        &["Condition?patient=1", "Condition?subject=1"],
        // Negations: not one of these is not the negation of one of these.
        &["Patient?gender:not=a", "Patient?gender:not=b"],
        &["Patient?gender=a", "Patient?gender:not=a"],
        &["Patient?_id=a", "Patient?_id:not=b"],
        &[
            "Condition?patient:missing=false",
            "Condition?subject:missing=false",
        ],
        &[
            "Observation?component-code-value-quantity=a$1",
            "Observation?component-code-value-quantity=a$2",
        ],
    ] {
        let parts: Vec<String> = texts
            .iter()
            .map(|text| predicate(text).to_string())
            .collect();
        assert_eq!(any(texts), parts.join(" or "), "{texts:?}");
    }
    // Constants.
    let code = || predicate("Condition?code=x");
    let with = |constant| Predicate::any([Predicate::Constant(constant), code()]);
    assert_eq!(with(false), code());
    assert_eq!(with(true), Predicate::Constant(true));
    assert_eq!(any(&[]), "false");
}

/// An alternative inside an alternative is neither lost nor merged with another of its shape.
#[test]
fn nested() {
    let or = |first: &str, second: &str| Predicate::Or(vec![predicate(first), predicate(second)]);
    let nested = |id: &str, name: &str| {
        Predicate::Or(vec![or(
            &format!("Patient?_id={id}"),
            &format!("Patient?name={name}"),
        )])
    };
    let found = Predicate::any([nested("1", "a"), nested("2", "b")]).to_string();
    for part in [r#""1""#, r#""2""#, r#""a""#, r#""b""#] {
        assert!(found.contains(part), "{found}");
    }
}

/// Many alternatives, different in two places or all the same.
#[test]
fn many() {
    let distinct = (0..5_000).map(|at| {
        let (one, other) = (at / 70, at % 70);
        predicate(&format!("Patient?gender={one}&name={other}"))
    });
    let distinct: Vec<Predicate> = distinct.collect();
    let same: Vec<Predicate> = (0..5_000).map(|_| distinct[0].clone()).collect();
    let merged = Predicate::any(distinct);
    assert!(!matches!(merged, Predicate::Constant(_)));
    assert!(matches!(Predicate::any(same), Predicate::And(_)));
}

/// Where a column holds the project besides, one list of two would grant a row whose column says one and whose document the other.
#[test]
fn projects_stay_apart() {
    let both = any(&["Patient?_project=a", "Patient?_project=b"]);
    assert_eq!(both.matches("meta.project").count(), 2, "{both}");
    let narrowed = any(&[
        "Patient?active=true&_project=a",
        "Patient?active=true&_project=b",
    ]);
    assert_eq!(narrowed.matches("meta.project").count(), 2, "{narrowed}");
    assert_eq!(
        any(&["Patient?_project=a", "Patient?_project=a"]),
        any(&["Patient?_project=a"])
    );
}

/// Instances with two parameters: those that have one in common are one alternative, in whatever order they come.
#[test]
fn instances_of_two_parameters() {
    let pairs = |count: usize, practitioners: usize| {
        let pair = |n: usize| {
            let who = n % practitioners;
            predicate(&format!(
                "Observation?subject=Patient/{n:05}&performer=Practitioner/{who}"
            ))
        };
        Predicate::any((0..count).map(pair))
    };
    let alternatives = |predicate: &Predicate| match predicate {
        Predicate::Or(alternatives) => alternatives.len(),
        _ => 1,
    };
    assert_eq!(alternatives(&pairs(1_000, 1)), 1);
    let some = pairs(1_000, 80);
    assert_eq!(alternatives(&some), 80);
    // Each patient is there once, with the one practitioner.
    assert_eq!(some.size(), 160);
    assert_eq!(some.to_string().matches("Patient/").count(), 1_000);
    let first = r#"Patient/00007", "Patient/00087", "Patient/00167""#;
    assert_eq!(some.to_string().matches(first).count(), 1);
    // Nothing in common: no two of them are one.
    assert_eq!(alternatives(&pairs(300, 300)), 300);
    assert_eq!(
        any(&[
            "Observation?subject=Patient/1&performer=Practitioner/1",
            "Observation?subject=Patient/1&performer=Practitioner/2",
            "Observation?subject=Patient/2&performer=Practitioner/2",
        ]),
        any(&[
            "Observation?subject=Patient/1&performer=Practitioner/1,Practitioner/2",
            "Observation?subject=Patient/2&performer=Practitioner/2",
        ])
    );
}
