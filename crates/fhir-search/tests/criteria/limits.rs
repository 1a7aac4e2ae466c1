//! Bounded work.

use fhir_search::{Criteria, Predicate};

use crate::values::{bind, one, parse};

#[test]
fn limits() {
    let long = format!("Patient?gender={}", "a".repeat(1 << 19));
    assert!(
        Criteria::parse("Patient", &long)
            .unwrap_err()
            .message
            .contains("longer")
    );
    let longest = format!("Patient?gender={}", "a".repeat((1 << 19) - 15));
    assert!(Criteria::parse("Patient", &longest).is_ok());
    let many = format!("Patient?gender={}", vec!["a"; 10_001].join(","));
    assert_eq!(
        Criteria::parse("Patient", &many).unwrap_err().message,
        "more than 10000 values"
    );
    let spread = format!(
        "Patient?{}",
        vec![format!("gender={}", vec!["a"; 100].join(",")); 101].join("&")
    );
    assert_eq!(
        Criteria::parse("Patient", &spread).unwrap_err().message,
        "more than 10000 values"
    );
    let parameters = format!("Patient?{}", vec!["gender=a"; 1_001].join("&"));
    assert_eq!(
        Criteria::parse("Patient", &parameters).unwrap_err().message,
        "more than 1000 parameters"
    );
    let name = format!("Patient?{}=1", "x".repeat(1_000_000));
    let error = Criteria::parse("Patient", &name).unwrap_err();
    assert!(error.message.len() < 200, "{}", error.message.len());
    // 10,000 ids of four types on one path: too many documents, still exact.
    let ids: Vec<String> = (0..10_000).map(|id| id.to_string()).collect();
    let Predicate::Test(test) = bind(&format!("Observation?subject={}", ids.join(","))) else {
        panic!("one test expected");
    };
    assert_eq!(test.lookups(), []);
}

/// Elements of a list in a variable, of all variables together.
#[test]
fn lists() {
    let list = |count: usize| {
        let items: Vec<String> = (0..count).map(|at| format!("a{at}")).collect();
        one(&items.join(","))
    };
    let fits = |text: &str, count: usize| parse(text).bind(&list(count)).is_ok();
    assert!(fits("Patient?name=%x", 10_000));
    assert!(!fits("Patient?name=%x", 10_001));
    assert!(!fits("Patient?name=%x", 50_000));
    assert!(fits("Patient?name=a,%x", 9_999));
    assert!(!fits("Patient?name=a,%x", 10_000));
    assert!(fits("Patient?name=%x&given=%x", 5_000));
    assert!(!fits("Patient?name=%x&given=%x", 5_001));
    assert!(!fits("Patient?name=%x&gender=a,b", 9_999));
    let error = parse("Patient?name=%x&given=%x").bind(&list(6_000));
    assert_eq!(
        error.unwrap_err().to_string(),
        "parameter %x does not fit search parameter given: expected at most 10000 values in all"
    );
    let hundred_thousand = vec!["1"; 100_000].join(",");
    for text in [
        "Patient?_id=",
        "Patient?birthdate=",
        "Observation?value-quantity=",
        "Observation?component-code-value-quantity=",
    ] {
        let error = Criteria::parse(
            text.split('?').next().unwrap(),
            &format!("{text}{hundred_thousand}"),
        );
        assert_eq!(error.unwrap_err().message, "more than 10000 values");
        let error = parse(&format!("{text}%x")).bind(&one(&hundred_thousand));
        assert!(error.unwrap_err().to_string().contains("10000"), "{text}");
    }
}

/// One value of a megabyte, of each kind.
#[test]
fn long_values() {
    for letter in ["a", "1", "é", "|"] {
        let long = letter.repeat(1_000_000 / letter.len());
        for text in [
            "Patient?_id=",
            "Patient?birthdate=",
            "Patient?name=",
            "Patient?name:contains=",
            "Patient?identifier=",
            "ChargeItem?factor-override=",
            "Observation?value-quantity=",
            "Observation?subject=",
            "ValueSet?url:above=",
            "ValueSet?url:below=http://a/",
            "Observation?component-code-value-quantity=",
        ] {
            let kind = text.split('?').next().unwrap();
            let error = Criteria::parse(kind, &format!("{text}{long}")).unwrap_err();
            assert!(
                error.message.contains("longer than 524288 bytes"),
                "{error}"
            );
            let error = parse(&format!("{text}%x")).bind(&one(&long)).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("at most 524288 bytes"), "{message}");
            // As much as is allowed is read, or refused in few words.
            let half = &long[..long.floor_char_boundary(300_000)];
            match parse(&format!("{text}%x")).bind(&one(half)) {
                Ok(predicate) => assert!(predicate.to_string().len() < 5_000_000, "{text}"),
                Err(error) => assert!(error.to_string().len() < 300, "{text}"),
            }
        }
    }
}

/// What `:above` asks for grows with the square of the URL, which is therefore bounded.
#[test]
fn above() {
    let url = |segments: usize| format!("http://a{}", "/b".repeat(segments - 1));
    let found = bind(&format!("ValueSet?url:above={}", url(20)));
    assert_eq!(found.to_string().matches("http://a").count(), 40);
    for (url, expected) in [
        (url(21), "20 segments"),
        (
            "http://a".to_owned() + &"/".repeat(500_000) + "b",
            "1000 bytes",
        ),
    ] {
        let error = Criteria::parse("ValueSet", &format!("ValueSet?url:above={url}")).unwrap_err();
        assert_eq!(
            error.message,
            format!("search parameter url: expected a URL of at most {expected}")
        );
        let criteria = parse("ValueSet?url:above=%x");
        assert!(criteria.bind(&one(&url)).is_err());
    }
}

/// As many values as there may be, of the kinds that become the most conditions.
#[test]
fn most_values() {
    for (text, tests) in [
        ("Observation?combo-code-value-quantity=%x", 20_000),
        ("Observation?_compartment=%x", 10),
        ("Patient?birthdate=%x", 1),
        ("Observation?code=%x", 2),
    ] {
        let composite = text.contains("code-value");
        let values = (0..10_000).map(|at| {
            if composite {
                format!("c{at}$gt{at}")
            } else if text.contains("birthdate") {
                format!("{:04}-{:02}", 1_000 + at / 12, 1 + at % 12)
            } else {
                at.to_string()
            }
        });
        let list = values.collect::<Vec<_>>().join(",");
        let found = parse(text).bind(&one(&list)).unwrap();
        assert!(found.to_string().len() < 10_000_000, "{text}");
        let alternatives = match &found {
            Predicate::Or(parts) => parts.len(),
            _ => 1,
        };
        assert!(alternatives <= tests, "{text}: {alternatives}");
    }
}
