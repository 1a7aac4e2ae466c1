//! Thousands of mutated expressions, checked and evaluated on a 2 MB stack: each ends within its steps, with a value or
//! an error.
//!
//! When the program ends without a word, the stack overflowed: `mutation-….txt` in cargo's folder for temporary files
//! holds the expression.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod mutate;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use fhirpath::{CheckContext, Context, Expression, Function, Limits, Variable, Verdict};
use jsonb::Value;
use mutate::{Random, mutate};

/// Mutations of each set of expressions that are evaluated: what is no expression any more comes on top.
const COUNT: usize = 5_000;

/// Steps of one evaluation.
const STEPS: u64 = 20_000;

/// Code without optimisation, on a busy machine, needs a small part of this for so many steps.
const LONGEST: Duration = Duration::from_secs(10);

/// Without a word in this time, an evaluation hangs.
const SILENCE: Duration = Duration::from_secs(120);

/// An expression and a document that it is about.
struct Seed {
    expression: String,
    document: Vec<u8>,
}

/// What became of the mutations.
#[derive(Default)]
struct Outcomes {
    values: usize,
    faults: usize,
    refused: usize,
    slowest: Duration,
    slowest_expression: String,
}

fn seeds_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus-seed")
}

fn own_expressions() -> Vec<String> {
    let text = fs::read_to_string(seeds_folder().join("expressions.txt")).expect("the seeds");
    text.lines().map(str::to_owned).collect()
}

/// Every expression with one of the documents, in turn.
fn own_seeds() -> Vec<Seed> {
    let mut paths: Vec<PathBuf> = fs::read_dir(seeds_folder().join("documents"))
        .expect("the documents")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let documents: Vec<Vec<u8>> = paths.iter().map(|path| document(path)).collect();
    let pair = |(position, expression): (usize, String)| Seed {
        expression,
        document: documents[position % documents.len()].clone(),
    };
    own_expressions()
        .into_iter()
        .enumerate()
        .map(pair)
        .collect()
}

/// HL7's expressions with their documents; `None` where the suite is not beside the repository.
fn suite_seeds() -> Option<Vec<Seed>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/fhirpath");
    let text = fs::read_to_string(folder.join("tests-fhir-r4.json")).ok()?;
    let tests: Vec<serde_json::Value> = serde_json::from_str(&text).expect("the suite is JSON");
    let seed = |test: &serde_json::Value| Seed {
        expression: test["expression"].as_str().expect("a text").to_owned(),
        document: match test["input"].as_str() {
            Some(name) => document(&folder.join("input").join(name)),
            None => Vec::new(),
        },
    };
    Some(tests.iter().map(seed).collect())
}

fn document(path: &Path) -> Vec<u8> {
    let text = fs::read_to_string(path).expect("a document");
    jsonb::from_json(&text).expect("JSON")
}

/// Evaluates mutations of the seeds on a thread with a small stack, and sees that it goes on.
fn run(name: &'static str, seeds: Vec<Seed>) -> Outcomes {
    let (progress, seen) = mpsc::channel();
    let worker = thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(move || work(name, &seeds, &progress))
        .expect("a thread");
    let mut last = String::new();
    loop {
        match seen.recv_timeout(SILENCE) {
            Ok(expression) => last = expression,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("hangs: {last}"),
        }
    }
    match worker.join() {
        Ok(outcomes) => outcomes,
        Err(_) => panic!("panics: {last}"),
    }
}

fn work(name: &str, seeds: &[Seed], progress: &Sender<String>) -> Outcomes {
    let current = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutation-{name}.txt"));
    let mut outcomes = Outcomes::default();
    let mut random = Random::new(20_150_204);
    while outcomes.values + outcomes.faults < COUNT {
        let seed = &seeds[random.below(seeds.len())];
        let other = &seeds[random.below(seeds.len())];
        let source = mutate(&mut random, &seed.expression, &other.expression);
        fs::write(&current, &source).expect("a temporary file");
        progress.send(source.clone()).expect("somebody listens");
        let begun = Instant::now();
        evaluate(&source, &seed.document, &mut outcomes);
        let time = begun.elapsed();
        assert!(time < LONGEST, "{time:?}");
        if time > outcomes.slowest {
            outcomes.slowest = time;
            outcomes.slowest_expression = source.chars().take(100).collect();
        }
    }
    fs::remove_file(&current).expect("a temporary file");
    outcomes
}

fn evaluate(source: &str, document: &[u8], outcomes: &mut Outcomes) {
    let Ok(expression) = Expression::new(source, &Limits::default()) else {
        outcomes.refused += 1;
        return;
    };
    for issue in fhirpath::check(source, expression.ast(), &CheckContext::default()) {
        assert!(source.get(issue.span.range()).is_some());
    }
    let resource = Value::parse(document).ok();
    let context = Context::new(resource)
        .variable("before", Variable::Document(None))
        .variable("after", Variable::Document(resource))
        .variable("profile", Variable::Reference("Practitioner/alice"))
        .variable("state", Variable::Text("CA"))
        .steps(STEPS);
    let verdict = expression.verdict(&context);
    match expression.evaluate(&context) {
        Ok(value) => {
            if !matches!(verdict, Verdict::Error(_)) {
                assert_eq!(verdict == Verdict::Empty, value.is_empty());
                assert_eq!(verdict == Verdict::Several, value.len() > 1);
            }
            outcomes.values += 1;
        }
        Err(error) => {
            assert!(source.get(error.span().range()).is_some());
            outcomes.faults += 1;
        }
    }
}

/// Shown by `cargo xtask test`, and no good when next to nothing was evaluated.
fn report(name: &str, outcomes: &Outcomes) {
    println!(
        "| mutations of {name}: {} values, {} faults, {} refused; slowest {:.1?}: {}",
        outcomes.values,
        outcomes.faults,
        outcomes.refused,
        outcomes.slowest,
        outcomes.slowest_expression.replace('\n', " "),
    );
    assert!(outcomes.values > COUNT / 5, "few have a value");
    assert!(outcomes.faults > COUNT / 20, "few fail");
    assert!(outcomes.refused < 2 * COUNT, "most are no expressions");
}

#[test]
fn mutations_of_own_expressions_end() {
    report("own expressions", &run("own", own_seeds()));
}

#[test]
fn mutations_of_the_suite_end() {
    let Some(seeds) = suite_seeds() else {
        println!("skipped: HL7's suite is not at ../shared beside the repository");
        return;
    };
    report("HL7's suite", &run("suite", seeds));
}

/// The seeds are what fuzzing begins with, too: they must name everything.
#[test]
fn the_seeds_are_expressions_and_call_every_function() {
    let expressions = own_expressions();
    for expression in &expressions {
        let prepared = Expression::new(expression, &Limits::default());
        assert!(prepared.is_ok(), "{expression}: {prepared:?}");
    }
    let all = expressions.join("\n");
    for function in Function::ALL {
        let call = format!("{}(", function.name());
        assert!(all.contains(&call), "no seed calls {call})");
    }
}

#[test]
fn a_seed_gives_the_same_mutations_again() {
    let make = || mutate(&mut Random::new(7), "a.where(b = 'c').d or e", "f | g");
    assert_eq!(make(), make());
    let many: std::collections::BTreeSet<String> = (0..200)
        .map(|seed| mutate(&mut Random::new(seed), "a.where(b = 'c').d or e", "f | g"))
        .collect();
    assert!(many.len() > 150, "{}", many.len());
}
