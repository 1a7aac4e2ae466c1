//! HL7's FHIRPath suite for R4, evaluated: all of it but the tests in `not-followed.txt`, each of which has its reason
//! there. Skipped where the suite is not beside the repository.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fhir_model::TypeId;
use fhirpath::{CheckContext, Context, Expr, Expression, Limits, Literal, Severity, Unit};
use jsonb::{Node, Value};
use serde_json::Value as Json;

/// At least so many tests pass, whatever stands in the list.
const LEAST: usize = 930;

/// Tests in the suite.
const ALL: usize = 935;

/// An item of a result: the name of its type, and its value.
type Typed<'a> = (String, Node<'a>);

/// A line of `not-followed.txt`.
struct NotFollowed {
    group: String,
    name: String,
    expression: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/fhirpath")
}

fn not_followed() -> Vec<NotFollowed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/not-followed.txt");
    let text = fs::read_to_string(path).expect("the list");
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
            let [group, name, expression, reason] = fields.as_slice() else {
                panic!("not four fields: {line}");
            };
            assert!(reason.len() > 20, "no reason: {line}");
            NotFollowed {
                group: (*group).to_owned(),
                name: (*name).to_owned(),
                expression: (*expression).to_owned(),
            }
        })
        .collect()
}

impl NotFollowed {
    fn is(&self, test: &Json) -> bool {
        test["group"] == *self.group
            && test["name"] == *self.name
            && on_one_line(&test["expression"]).starts_with(&self.expression)
    }
}

fn on_one_line(expression: &Json) -> String {
    let words = expression
        .as_str()
        .expect("an expression")
        .split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn follows_the_suite() {
    let Ok(text) = fs::read_to_string(folder().join("tests-fhir-r4.json")) else {
        println!("skipped: HL7's suite is not at ../shared beside the repository");
        return;
    };
    let tests: Vec<Json> = serde_json::from_str(&text).expect("the suite is JSON");
    assert_eq!(tests.len(), ALL);
    let listed = not_followed();
    for entry in &listed {
        let found = tests.iter().filter(|test| entry.is(test)).count();
        assert_eq!(found, 1, "tests that {} of the list names", entry.name);
    }

    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut surprises = Vec::new();
    let mut passed = 0;
    for test in &tests {
        let is_listed = listed.iter().any(|entry| entry.is(test));
        let counts = groups
            .entry(test["group"].as_str().expect("a group"))
            .or_default();
        let result = run(test);
        match &result {
            Ok(()) => {
                passed += 1;
                counts.0 += 1;
            }
            Err(_) => counts.1 += 1,
        }
        let place = || {
            format!(
                "{} {}: {}",
                test["group"],
                test["name"],
                on_one_line(&test["expression"])
            )
        };
        match result {
            Ok(()) if is_listed => surprises.push(format!("{}\n  passes, and is listed", place())),
            Err(why) if !is_listed => surprises.push(format!("{}\n  {why}", place())),
            _ => {}
        }
    }
    for (group, (passed, failed)) in &groups {
        let shown = if *failed > 0 { "| " } else { "" };
        println!("{shown}{group}: {passed} passed, {failed} failed");
    }
    println!(
        "| HL7's suite: {passed} of {ALL} pass, {} are listed as not followed",
        listed.len()
    );
    assert!(
        surprises.is_empty(),
        "{}\n{passed} passed",
        surprises.join("\n")
    );
    assert!(passed >= LEAST, "{passed} pass");
}

/// Runs one test; the error says what is not as expected.
fn run(test: &Json) -> Result<(), String> {
    let source = test["expression"].as_str().expect("an expression");
    let document = test["input"].as_str().map(|name| {
        let text = fs::read_to_string(folder().join("input").join(name)).expect("an input");
        jsonb::from_json(&text).expect("JSON")
    });
    let resource = document
        .as_deref()
        .map(|bytes| Value::parse(bytes).expect("a document"));
    let outputs = test["outputs"].as_array().expect("a list");
    let may_fail = !test["invalid"].is_null();
    let result = evaluate(source, resource, test, |items| {
        if may_fail && outputs.is_empty() {
            return Err(format!(
                "{} should fail, and is {}",
                test["invalid"],
                show(items)
            ));
        }
        compare(items, test, outputs)
    });
    match result {
        Ok(compared) => compared,
        Err(_) if may_fail => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Evaluates, and hands the items on; the outer error is the expression's own.
fn evaluate<T>(
    source: &str,
    resource: Option<Value<'_>>,
    test: &Json,
    use_items: impl FnOnce(&[Typed<'_>]) -> T,
) -> Result<T, String> {
    let expression =
        Expression::new(source, &Limits::default()).map_err(|error| format!("refused: {error}"))?;
    if test["invalid"] == "syntax" {
        // Nothing but the parser may refuse these.
        return Ok(use_items(&[]));
    }
    if test["mode"] == "strict" || test["invalid"] == "semantic" {
        check(&expression, resource, test["mode"] == "strict")?;
    }
    let now = chrono::DateTime::from_timestamp(1_750_000_000, 0).expect("a time");
    let context = Context::new(resource).now(now.fixed_offset());
    let items = expression
        .evaluate_typed(&context)
        .map_err(|error| format!("failed: {error}"))?;
    Ok(use_items(&items))
}

/// The static checks. In the suite's strict mode, what looks wrong is wrong.
fn check(expression: &Expression, resource: Option<Value<'_>>, strict: bool) -> Result<(), String> {
    let resource_type = resource.and_then(|resource| resource.as_object()?.get("resourceType"));
    let context = CheckContext {
        resource_type: resource_type.and_then(|name| TypeId::named(name.as_str()?)),
        ..CheckContext::default()
    };
    let issues = fhirpath::check(expression.source(), expression.ast(), &context);
    let is_wrong = |severity| strict || severity == Severity::Error;
    match issues.iter().find(|issue| is_wrong(issue.severity)) {
        Some(issue) => Err(format!("refused by the checks: {issue}")),
        None => Ok(()),
    }
}

fn compare(items: &[Typed<'_>], test: &Json, outputs: &[Json]) -> Result<(), String> {
    let differs = || {
        format!(
            "expected {}, found {}",
            Json::from(outputs.to_vec()),
            show(items)
        )
    };
    if test["predicate"] == true {
        let truth = match items {
            [] => false,
            [(_, node)] => boolean(node).unwrap_or(true),
            _ => true,
        };
        let expected = outputs
            .first()
            .is_some_and(|output| output["value"] == "true");
        return if truth == expected {
            Ok(())
        } else {
            Err(differs())
        };
    }
    if items.len() != outputs.len() {
        return Err(differs());
    }
    let mut left: Vec<&Typed<'_>> = items.iter().collect();
    for output in outputs {
        let place = if test["ordered"] == false {
            left.iter().position(|item| is_as_expected(item, output))
        } else {
            left.first()
                .filter(|item| is_as_expected(item, output))
                .map(|_| 0)
        };
        left.remove(place.ok_or_else(differs)?);
    }
    Ok(())
}

/// Whether an item has the type and the value that an output says. Without a type, the value says it.
fn is_as_expected((type_name, node): &Typed<'_>, output: &Json) -> bool {
    let text = output["value"].as_str().expect("a value");
    let found_type = type_name.rsplit('.').next().unwrap_or_default();
    let expected_type = output["type"].as_str();
    if expected_type.is_some_and(|expected| !expected.eq_ignore_ascii_case(found_type)) {
        return false;
    }
    match (expected_type, node_text(node)) {
        (Some("string" | "code" | "id"), Some(found)) => found == text,
        (_, Some(found)) => match found_type.to_ascii_lowercase().as_str() {
            "boolean" | "integer" => found == text,
            "decimal" => same_number(&found, text),
            "date" | "datetime" => same_literal(&format!("@{found}"), text),
            "time" => same_literal(&format!("@T{found}"), text),
            _ => false,
        },
        (_, None) => found_type == "Quantity" && is_quantity(node, text),
    }
}

/// A simple value's JSON text, without quotes.
fn node_text(node: &Node<'_>) -> Option<String> {
    match node {
        Node::Bool(value) | Node::Value(Value::Bool(value)) => Some(value.to_string()),
        Node::String(text) => Some(text.to_string()),
        Node::Value(Value::String(text)) => Some((*text).to_owned()),
        Node::Decimal(value) => Some(value.as_number().to_decimal()),
        Node::Value(Value::Number(value)) => Some(value.to_decimal()),
        _ => None,
    }
}

fn boolean(node: &Node<'_>) -> Option<bool> {
    match node {
        Node::Bool(value) | Node::Value(Value::Bool(value)) => Some(*value),
        _ => None,
    }
}

/// Numbers are the same whatever their trailing zeros.
fn same_number(left: &str, right: &str) -> bool {
    match (jsonb::Decimal::parse(left), jsonb::Decimal::parse(right)) {
        (Ok(left), Ok(right)) => left.as_number().compare(&right.as_number()).is_eq(),
        _ => false,
    }
}

/// Dates and times are the same with the same precision. A DateTime that is a date may be written without its `T`.
fn same_literal(left: &str, right: &str) -> bool {
    let read = |text: &str| literal(text.strip_suffix('T').unwrap_or(text));
    read(left).is_some() && read(left) == read(right)
}

fn literal(text: &str) -> Option<Literal> {
    let ast = fhirpath::parse(text).ok()?;
    match &ast[ast.root()].expr {
        Expr::Literal(literal) => Some(literal.clone()),
        _ => None,
    }
}

/// `{"value": 1.5, "code": "cm", …}` against `1.5 'cm'`.
fn is_quantity(node: &Node<'_>, text: &str) -> bool {
    let Some(Literal::Quantity(expected)) = literal(text) else {
        return false;
    };
    let bytes = jsonb::encode(node).expect("small enough");
    let object = Value::parse(&bytes).expect("a document").as_object();
    let member = |name: &str| object.and_then(|object| object.get(name));
    let unit = match &expected.unit {
        Unit::Calendar(unit) => ("unit", unit.word()),
        Unit::Ucum(code) => ("code", &**code),
    };
    let Some(Value::Number(value)) = member("value") else {
        return false;
    };
    same_number(&value.to_decimal(), &expected.value)
        && member(unit.0).and_then(|value| value.as_str()) == Some(unit.1)
}

fn show(items: &[Typed<'_>]) -> String {
    let one = |(name, node): &Typed<'_>| {
        let bytes = jsonb::encode(node).expect("small enough");
        let text = jsonb::to_json(Value::parse(&bytes).expect("a document"));
        format!("{name} {}", text.chars().take(80).collect::<String>())
    };
    let all: Vec<String> = items.iter().map(one).collect();
    format!("[{}]", all.join(", "))
}
