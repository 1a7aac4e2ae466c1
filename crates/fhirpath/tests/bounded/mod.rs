//! Evaluations that must end: on a 2 MB stack, within their steps and a little time.
#![allow(dead_code)] // not every test program needs everything

use std::fmt::Write as _;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fhirpath::{Context, DEFAULT_STEPS, Expression, Fault, Limits, Variable, Verdict};
use jsonb::Value;

/// Without optimisation, on a busy machine, [`DEFAULT_STEPS`] take a small part of this.
const LONGEST: Duration = Duration::from_secs(20);

pub const MANY: usize = 100_000;

/// The parser's depth bounds the stack; its other limits, which keep long texts out of the evaluator, are off here.
pub fn limits() -> Limits {
    Limits {
        length: usize::MAX,
        nodes: usize::MAX,
        ..Limits::default()
    }
}

pub const PATIENT: &str = r#"{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"given": ["Ann", "Jim"]}]}"#;

/// What the expression says about the document within so many steps; on a small stack, and soon.
pub fn verdict_within(source: &str, document: &[u8], steps: u64) -> Verdict {
    let (done, result) = mpsc::channel();
    let (text, bytes) = (source.to_owned(), document.to_vec());
    let shown: String = source.chars().take(80).collect();
    let worker = thread::Builder::new().stack_size(2 * 1024 * 1024);
    let worker = worker.spawn(move || {
        let resource = Value::parse(&bytes).ok();
        let expression = Expression::new(&text, &limits()).expect("an expression");
        let context = Context::new(resource)
            .variable("before", Variable::Document(resource))
            .variable("after", Variable::Document(resource))
            .steps(steps);
        let begun = Instant::now();
        let verdict = expression.verdict(&context);
        done.send((verdict, begun.elapsed()))
            .expect("somebody listens");
    });
    let (verdict, time) = match result.recv_timeout(6 * LONGEST) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs: {shown}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("panics: {shown}"),
    };
    worker.expect("a thread").join().expect("no panic");
    assert!(time < LONGEST, "{time:?}: {shown}");
    verdict
}

pub fn verdict(source: &str, json: &str) -> Verdict {
    let document = jsonb::from_json(json).expect("JSON");
    verdict_within(source, &document, DEFAULT_STEPS)
}

pub fn fault(verdict: Verdict) -> Fault {
    match verdict {
        Verdict::Error(error) => error.fault().clone(),
        verdict => panic!("{verdict:?}"),
    }
}

/// A Patient with so many names of so many given names each.
pub fn patient_of(names: usize, given: usize) -> Vec<u8> {
    let mut json = String::from(r#"{"resourceType": "Patient", "name": ["#);
    for name in 0..names {
        json.push_str(if name == 0 {
            "{\"given\": ["
        } else {
            ",{\"given\": ["
        });
        for given in 0..given {
            let comma = if given == 0 { "" } else { "," };
            write!(json, "{comma}\"g{name}-{given}\"").unwrap();
        }
        json.push_str("]}");
    }
    json.push_str("]}");
    jsonb::from_json(&json).expect("JSON")
}
