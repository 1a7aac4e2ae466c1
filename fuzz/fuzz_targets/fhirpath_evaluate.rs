//! An expression, a line `---`, and a document: evaluation gives a value or an error within its steps, and the static
//! checks come to an end.
//!
//! The document is JSON, or else taken as the bytes of a binary `jsonb`, corrupt or not.
#![no_main]

use std::cell::Cell;

use fhir_model::TypeId;
use fhirpath::{CheckContext, Context, Expression, Limits, Variable, VariableType, Verdict};
use jsonb::{Node, Value};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

#[path = "../mutator.rs"]
mod mutator;

/// More than the seeds need, and little enough for thousands of runs in a second.
const STEPS: u64 = 20_000;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutator::expression(data, size, max_size, seed)
});

fuzz_target!(|data: &[u8]| {
    let (source, document) = mutator::split(data);
    let Ok(source) = std::str::from_utf8(source) else {
        return;
    };
    let Ok(expression) = Expression::new(source, &Limits::default()) else {
        return;
    };
    let bytes = std::str::from_utf8(document)
        .ok()
        .and_then(|text| jsonb::from_json(text).ok());
    let document = Value::parse(bytes.as_deref().unwrap_or(document)).ok();
    check_statically(&expression, document);
    // An update that changed nothing, and a create.
    for before in [document, None] {
        let calls = Cell::new(0_u32);
        let count = || calls.set(calls.get() + 1);
        let context = Context::new(document)
            .variable("before", Variable::Document(before))
            .variable("after", Variable::Document(document))
            .variable("profile", Variable::Reference("Practitioner/alice"))
            .variable("state", Variable::Text("CA"))
            .steps(STEPS)
            .on_progress(&count);
        check(&expression, &context);
    }
});

/// The checks know the type of the document, which may be anything.
fn check_statically(expression: &Expression, document: Option<Value<'_>>) {
    let resource_type = document.and_then(|document| document.as_object()?.get("resourceType"));
    let context = CheckContext {
        resource_type: resource_type.and_then(|name| TypeId::named(name.as_str()?)),
        variables: &[
            ("before", VariableType::Document(None)),
            ("after", VariableType::Document(None)),
            ("profile", VariableType::Reference),
            ("state", VariableType::Text),
        ],
        condition: true,
    };
    for issue in fhirpath::check(expression.source(), expression.ast(), &context) {
        assert!(issue.excerpt(expression.source()).len() < 800);
        assert!(issue.to_string().len() < 600);
    }
}

/// The value and the verdict are two views of the same.
fn check(expression: &Expression, context: &Context<'_>) {
    let verdict = expression.verdict(context);
    let value = expression.evaluate(context);
    match (&verdict, value.as_deref()) {
        (Verdict::True, Ok([node])) => assert_eq!(boolean(node), Some(true)),
        (Verdict::False, Ok([node])) => assert_eq!(boolean(node), Some(false)),
        (Verdict::NotBoolean(_), Ok([_])) | (Verdict::Empty, Ok([])) => {}
        (Verdict::Several, Ok([_, _, ..])) => {}
        // What only one of them meets: the value of an element that the other does not look at, or the end of the budget.
        (Verdict::Error(_), _) | (_, Err(_)) => {}
        (verdict, Ok(value)) => panic!("{verdict:?} of {} items", value.len()),
    }
    if let Verdict::Error(error) = &verdict {
        assert!(expression.source().get(error.span().range()).is_some());
        assert!(error.to_string().len() < 300);
    }
}

fn boolean(node: &Node<'_>) -> Option<bool> {
    match node {
        Node::Bool(value) | Node::Value(Value::Bool(value)) => Some(*value),
        _ => None,
    }
}
