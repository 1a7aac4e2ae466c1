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

/// What `:above` asks for grows with the square of the URL, which is therefore bounded.
#[test]
fn above() {
    let url = |segments: usize| format!("http://a{}", "/b".repeat(segments - 1));
    let found = bind(&format!("ValueSet?url:above={}", url(50)));
    assert_eq!(found.to_string().matches("http://a").count(), 100);
    for url in [url(51), "http://a".to_owned() + &"/".repeat(500_000) + "b"] {
        let error = Criteria::parse("ValueSet", &format!("ValueSet?url:above={url}")).unwrap_err();
        assert_eq!(
            error.message,
            "search parameter url: expected a URL of at most 50 segments"
        );
        let criteria = parse("ValueSet?url:above=%x");
        assert!(criteria.bind(&one(&url)).is_err());
    }
}
