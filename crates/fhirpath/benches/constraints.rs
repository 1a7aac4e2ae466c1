//! What a write constraint costs, from the bytes that a trigger holds: `cargo xtask bench fhirpath` holds the first two
//! against their bar.
//!
//! The expression is prepared, as it is once per session. Each iteration opens both documents, sets up the context and
//! takes the verdict.
#![allow(missing_docs, clippy::expect_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use fhirpath::{Context, Expression, Limits, Variable, Verdict};
use jsonb::Value;

/// An Observation of about 2.5 KB: own text, as a server stores it.
const OBSERVATION: &str = include_str!("observation.json");

/// Groups, names and expressions; the constraints are those of the policy in `xtask`'s benchmark of an UPDATE.
const EXPRESSIONS: [(&str, &str, &str); 9] = [
    (
        "constraint",
        "before",
        "%before.exists() implies %before.status != 'final'",
    ),
    (
        "constraint",
        "subject",
        "status = 'final' implies subject.exists()",
    ),
    (
        "other",
        "unchanged",
        "%before.exists() implies %before.subject.reference = %after.subject.reference",
    ),
    ("other", "profile", "performer.reference contains %profile"),
    (
        "other",
        "where",
        "code.coding.where(system = 'http://loinc.org' and code = '85354-9').exists()",
    ),
    (
        "other",
        "ofType",
        "component.value.ofType(Quantity).all(value < 300 and code = 'mm[Hg]')",
    ),
    ("other", "matches", "id.matches('^[a-z-]+[0-9]+$')"),
    ("other", "now", "effective < now() and issued >= effective"),
    (
        "other",
        "descendants",
        "descendants().where($this is Reference).count() = 6",
    ),
];

fn constraints(criterion: &mut Criterion) {
    let after = jsonb::from_json(OBSERVATION).expect("JSON");
    let before = OBSERVATION.replacen("\"final\"", "\"preliminary\"", 1);
    let before = jsonb::from_json(&before).expect("JSON");
    let text = jsonb::to_json(Value::parse(&after).expect("a document"));
    assert!((2_400..2_600).contains(&text.len()), "{} bytes", text.len());
    let now = chrono::DateTime::from_timestamp(1_751_500_000, 0).expect("a time");
    for (group, name, source) in EXPRESSIONS {
        let expression = Expression::new(source, &Limits::default()).expect("an expression");
        let verdict = |before: &[u8], after: &[u8]| {
            let before = Value::parse(before).ok();
            let after = Value::parse(after).ok();
            let context = Context::new(after)
                .variable("before", Variable::Document(before))
                .variable("after", Variable::Document(after))
                .variable("profile", Variable::Reference("Practitioner/gp7"))
                .now(now.fixed_offset());
            expression.verdict(&context)
        };
        assert_eq!(verdict(&before, &after), Verdict::True, "{source}");
        criterion
            .benchmark_group(group)
            .bench_function(name, |bencher| {
                bencher.iter(|| verdict(black_box(&before), black_box(&after)));
            });
    }
}

criterion_group!(benches, constraints);
criterion_main!(benches);
