//! The parser survives anything, and tests survive their text form.

use fhir_search::keys::Paths;
use fhir_search::{
    Amount, Binding, Criteria, Elements, Filter, Leaf, Moment, Path, Step, Test, TestOp, Token,
    TokenSystem, Unit,
};
use proptest::prelude::*;

use crate::support::{Always, Document, lookups};

/// Text that is nearly criteria.
fn nearly_criteria() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("Patient?".to_owned()),
        Just("*?".to_owned()),
        "(_id|name|gender|identifier|link|_compartment|_tag|birthdate|phone|deceased|_lastUpdated|_profile|general-practitioner)(:not|:missing|:exact|:contains|:text|:identifier|:Practitioner|:above|:below|:x)?=",
        Just("&".to_owned()),
        Just(",".to_owned()),
        Just("|".to_owned()),
        Just("$".to_owned()),
        Just("\\".to_owned()),
        "(ge|lt|ne|ap|xx)?[0-9]{4}(-[0-9]{2})?",
        "%[0-9a-fA-F]{2}",
        "%[a-z_.-]{0,9}",
        "(Patient|Device|true|false|male|http://x|urn:)/?",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(any::<String>(), 0..4)
}

fn token() -> impl Strategy<Value = Token> {
    let system = prop_oneof![
        Just(TokenSystem::Any),
        Just(TokenSystem::None),
        any::<String>().prop_map(TokenSystem::Is),
    ];
    (any::<Option<String>>(), system).prop_filter_map("a system or a code", |(code, system)| {
        let code = if matches!(system, TokenSystem::Is(_)) {
            code
        } else {
            Some(code?)
        };
        Some(Token { code, system })
    })
}

fn path() -> impl Strategy<Value = Path> {
    let filter = prop_oneof![
        ("[a-z][A-Za-z0-9]{0,5}", any::<String>())
            .prop_map(|(member, value)| Filter::Where { member, value }),
        Just(Filter::First),
    ];
    let step = (
        "[a-z_][A-Za-z0-9_]{0,8}",
        any::<bool>(),
        prop::option::of(filter),
    )
        .prop_map(|(member, many, filter)| Step {
            member,
            many,
            filter,
        });
    let leaf = prop::sample::select(vec![
        Leaf::Boolean,
        Leaf::Number,
        Leaf::Text,
        Leaf::Coding,
        Leaf::CodeableConcept,
        Leaf::Identifier,
        Leaf::ContactPoint,
        Leaf::HumanName,
        Leaf::Address,
        Leaf::Reference,
        Leaf::Resource,
        Leaf::Date,
        Leaf::DateTime,
        Leaf::Instant,
        Leaf::Period,
        Leaf::Timing,
        Leaf::Quantity,
        Leaf::Age,
        Leaf::Duration,
        Leaf::Money,
        Leaf::Range,
        Leaf::SampledData,
        Leaf::Object,
        Leaf::Truth,
    ]);
    (prop::collection::vec(step, 1..4), leaf).prop_map(|(steps, leaf)| Path { steps, leaf })
}

fn moment() -> impl Strategy<Value = Moment> {
    "(|eq|ne|gt|lt|ge|le|sa|eb|ap)[12][0-9]{3}(-(0[1-9]|1[0-2])(-(0[1-9]|1[0-9]|2[0-8])(T(0[0-9]|1[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?(Z|[+-]0[0-9]:[0-5][0-9])?)?)?)?"
        .prop_map(|text| Moment::parse(&text).unwrap())
}

fn amount() -> impl Strategy<Value = Amount> {
    "(|eq|ne|gt|lt|ge|le|sa|eb|ap)-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?"
        .prop_map(|text| Amount::parse(&text).unwrap())
}

fn unit() -> impl Strategy<Value = Unit> {
    prop_oneof![
        Just(Unit::Any),
        any::<String>().prop_map(Unit::Named),
        any::<(String, String)>().prop_map(|(system, code)| Unit::Coded { system, code }),
    ]
}

fn elements() -> impl Strategy<Value = Elements> {
    let op = prop_oneof![
        texts().prop_map(|types| TestOp::Present { types }),
        prop::collection::vec(token(), 0..4).prop_map(TestOp::Token),
        (texts(), texts(), texts()).prop_map(|(targets, ids, types)| TestOp::Reference {
            targets,
            ids,
            types
        }),
        texts().prop_map(TestOp::StartsWith),
        texts().prop_map(TestOp::Contains),
        texts().prop_map(TestOp::Equals),
        texts().prop_map(TestOp::Below),
        prop::collection::vec(moment(), 0..4).prop_map(TestOp::Date),
        prop::collection::vec(amount(), 0..4).prop_map(TestOp::Number),
        prop::collection::vec((amount(), unit()), 0..4).prop_map(TestOp::Quantity),
        any::<bool>().prop_map(TestOp::Truth),
    ];
    (prop::collection::vec(path(), 1..4), op).prop_map(|(paths, op)| Elements::new(paths, op))
}

fn test() -> impl Strategy<Value = Test> {
    let composite = (path(), prop::collection::vec(elements(), 1..4)).prop_map(|(path, parts)| {
        Test::Composite {
            context: path.steps,
            parts,
        }
    });
    prop_oneof![3 => elements().prop_map(Test::Elements), 1 => composite]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_never_panics(text in nearly_criteria(), value in any::<String>()) {
        for kind in ["Patient", "*"] {
            match Criteria::parse(kind, &text) {
                Ok(criteria) => {
                    prop_assert!(criteria.variables().count() <= text.matches('%').count());
                    for binding in [Binding::String(value.clone()), Binding::Reference("Patient/1".to_owned())] {
                        if let Ok(predicate) = criteria.bind_for("Patient", &Always(binding)) {
                            prop_assert!(!predicate.to_string().is_empty());
                        }
                    }
                }
                Err(error) => {
                    prop_assert!(error.offset <= text.len() && text.is_char_boundary(error.offset), "{error}");
                    prop_assert!(!error.message.is_empty());
                }
            }
        }
    }

    #[test]
    fn text_form(test in test()) {
        let text = test.to_string();
        prop_assert_eq!(&text.parse::<Test>().unwrap(), &test, "{}", text);
        // Its lookups are well formed too, and hold for nothing where there is nothing.
        let found = test.lookups();
        for lookup in &found {
            if let Some(paths) = lookups::key_paths(&lookup.condition) {
                prop_assert_eq!(&paths.to_string().parse::<Paths>().unwrap(), paths);
            }
        }
        let empty = Document::new("{}");
        let exact = test.evaluate(empty.value());
        prop_assert!(exact == Some(false) || matches!(test, Test::Elements(Elements { op: TestOp::Truth(false), .. })) || exact.is_none(), "{} {:?}", test, exact);
    }

    #[test]
    fn reading_tests_never_panics(text in "(token|starts|present|reference|date|number|quantity|below|contains|equals|each|true|nottrue)\\([a-z*\\[\\]=\".:]{0,20}\\)?[ \"|,;a-z]{0,20}", any in any::<String>()) {
        for text in [text, any] {
            if let Ok(test) = text.parse::<Test>() {
                prop_assert_eq!(test.to_string().parse::<Test>().unwrap(), test);
            }
        }
    }
}
