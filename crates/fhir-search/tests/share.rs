//! Shares of documents from statistics of keys.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::rc::Rc;

use fhir_search::keys::Paths;
use fhir_search::share::{AnyKey, Ordered, Statistics, TextKey, Texts, TextsBuilder, share_of_all};
use fhir_search::{Key, Test};

/// Statistics of one key of each kind, whatever the paths.
#[derive(Default)]
struct Known {
    texts: Option<Rc<Texts>>,
    unit: Option<Rc<Texts>>,
    low: Option<Rc<Ordered>>,
    high: Option<Rc<Ordered>>,
}

impl Statistics for Known {
    fn texts(&self, key: TextKey, _: &Paths) -> Option<Rc<Texts>> {
        match key {
            TextKey::Unit => self.unit.clone(),
            _ => self.texts.clone(),
        }
    }

    fn ordered(&self, key: Key, _: &Paths) -> Option<Rc<Ordered>> {
        match key {
            Key::Earliest | Key::Lowest => self.low.clone(),
            _ => self.high.clone(),
        }
    }
}

fn text(text: &str) -> Box<[u8]> {
    text.as_bytes().into()
}

fn texts(frequent: &[(&str, f64)], samples: &[&str], a_document: f64) -> Rc<Texts> {
    let builder = TextsBuilder {
        frequent: frequent
            .iter()
            .map(|(one, share)| (text(one), *share))
            .collect(),
        most: 1000,
        texts: a_document,
        looked_at: 30_000.0,
        samples: samples.iter().map(|one| text(one)).collect(),
        none: 0.0,
    };
    Rc::new(builder.build())
}

#[track_caller]
fn test(text: &str) -> Test {
    match text.parse() {
        Ok(test) => test,
        Err(error) => panic!("{text}: {error}"),
    }
}

/// `at most a factor of 1.5 apart`
fn near(found: Option<f64>, expected: f64) {
    let found = found.unwrap_or(f64::NAN);
    assert!(
        found / expected < 1.5 && expected / found < 1.5,
        "{found} instead of {expected}"
    );
}

#[test]
fn tokens() {
    let known = Known {
        texts: Some(texts(
            &[("final", 0.9), ("amended", 0.09), ("draft", 0.001)],
            &[],
            1.0,
        )),
        ..Known::default()
    };
    let share = |text: &str| test(text).share(&known);
    near(share("token(status:text) \"final\""), 0.9);
    near(share("token(status:text) \"draft\""), 0.001);
    near(share("token(status:text) \"amended\", \"draft\""), 0.091);
    // What is not among the frequent ones is rarer than what would be.
    let rare = share("token(status:text) \"nobody\"").unwrap();
    assert!(rare < 0.0001 && rare > 0.0, "{rare}");
    assert_eq!(share("date(birthDate:date) eq\"2000\""), None);
}

#[test]
fn beginnings() {
    let known = Known {
        texts: Some(texts(
            &[("smith", 0.5), ("smythe", 0.1), ("jones", 0.2)],
            &["abel", "adams", "zeta", "xylo"],
            1.0,
        )),
        ..Known::default()
    };
    let share = |text: &str| test(text).share(&known);
    near(share("starts(name*.family:text) \"sm\""), 0.55);
    near(share("starts(name*.family:text) \"j\""), 0.2);
    // Two of the four that stand for the other 20 %.
    near(share("starts(name*.family:text) \"a\""), 0.1);
    near(share("contains(name*.family:text) \"ylo\""), 0.05);
    let longer = share("starts(name*.family:text) \"adamson\"").unwrap();
    assert!(longer > 0.0 && longer < 0.05, "{longer}");
    assert!(share("starts(name*.family:text) \"q\"").unwrap() < 0.05);
}

/// Days from 2000 to 2020, each as long as a day.
fn days() -> Known {
    const DAY: f64 = 86_400e6;
    let bounds = |shift: f64| {
        (0..=100)
            .map(|part| f64::from(part) * 73.05 * DAY + shift)
            .collect()
    };
    Known {
        low: Some(Rc::new(Ordered::new(0.0, Vec::new(), bounds(0.0), 7305.0))),
        high: Some(Rc::new(Ordered::new(0.0, Vec::new(), bounds(DAY), 7305.0))),
        ..Known::default()
    }
}

#[test]
fn dates() {
    let known = days();
    for paths in [
        "birthDate:date",
        "effectiveDateTime:dateTime, effectivePeriod:Period",
    ] {
        let share = |asked: &str| test(&format!("date({paths}) {asked}")).share(&known);
        near(share("eq\"2005\""), 0.05);
        near(share("eq\"2005-05-05\""), 1.0 / 7305.0);
        near(share("ge\"2015\""), 0.25);
        near(share("gt\"2014\""), 0.25);
        near(share("lt\"2001\""), 0.05);
        near(share("le\"2000\""), 0.05);
        near(share("sa\"2009\""), 0.5);
        near(share("eb\"2010\""), 0.5);
        near(share("ap\"2005-05\""), 1.0 / 240.0);
        assert!(share("gt\"2030\"").unwrap() < 0.001);
    }
}

#[test]
fn bounds_of_one_date() {
    let known = days();
    let since = test("date(birthDate:date) ge\"2010\"");
    let until = test("date(birthDate:date) lt\"2011\"");
    near(share_of_all(&[&since, &until], &known), 0.05);
    near(share_of_all(&[&until, &since], &known), 0.05);
    let others = test("date(deceasedDateTime:dateTime) lt\"2011\"");
    assert_eq!(share_of_all(&[&since, &others], &known), None);
    let token = test("token(status:text) \"final\"");
    assert_eq!(share_of_all(&[&since, &token], &known), None);
}

#[test]
fn common_values_and_missing_ones() {
    let half = Ordered::new(0.5, vec![(7.0, 0.3)], vec![0.0, 10.0], 10.0);
    near(Some(half.equal(7.0)), 0.3);
    near(Some(half.below(7.0, false)), 0.14);
    near(Some(half.below(7.0, true)), 0.44);
    assert_eq!(half.below(f64::INFINITY, false), 0.5);
    assert_eq!(half.below(-1.0, false), 0.0);
    assert!(half.equal(99.0) < half.equal(5.0));
    let nothing = Ordered::default();
    assert!((0.0..=1.0).contains(&nothing.below(1.0, true)));
    assert!((0.0..=1.0).contains(&nothing.equal(f64::NAN)));
}

#[test]
fn quantities_have_to_do_with_their_units() {
    let numbers = |shift: f64| Ordered::new(0.0, Vec::new(), vec![shift, 100.0 + shift], 1000.0);
    let known = Known {
        low: Some(Rc::new(numbers(0.0))),
        high: Some(Rc::new(numbers(0.0))),
        unit: Some(texts(&[("u|kg", 0.1), ("u|cm", 0.9)], &[], 1.0)),
        ..Known::default()
    };
    let heavy = test("quantity(valueQuantity:Quantity) gt\"90\"|\"u\"|\"kg\"").share(&known);
    let heavy = heavy.unwrap();
    assert!(heavy > 0.01 && heavy < 0.1, "{heavy}");
}

#[test]
fn what_tells() {
    let telling = |text: &str| -> Vec<(AnyKey, String)> {
        let keys = test(text).telling().into_iter();
        keys.map(|(key, paths)| (key, paths.to_string())).collect()
    };
    let one = |key, paths: &str| vec![(AnyKey::Texts(key), paths.to_owned())];
    assert_eq!(
        telling("token(status:text) \"final\""),
        one(TextKey::Tokens, "status:text")
    );
    assert_eq!(
        telling("present(status:text)"),
        one(TextKey::Tokens, "status:text")
    );
    assert_eq!(
        telling("starts(name*:HumanName) \"a\""),
        one(TextKey::Strings, "name*:HumanName")
    );
    assert_eq!(
        telling("reference(subject:Reference) \"Patient/1\""),
        one(TextKey::Targets, "subject:Reference")
    );
    let keys: Vec<AnyKey> = telling("date(birthDate:date) eq\"2000\"")
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(
        keys,
        [AnyKey::Ordered(Key::Earliest), AnyKey::Ordered(Key::Latest)]
    );
    assert!(telling("true(deceasedBoolean:truth, deceasedDateTime:truth)").is_empty());
}
