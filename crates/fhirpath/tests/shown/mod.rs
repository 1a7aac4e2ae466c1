//! The value of an expression as text.

use fhirpath::{Context, Expression, Limits};
use jsonb::{Value, encode, from_json, to_json};

/// The items as JSON, separated by blanks; or `error: …`, or `invalid: …` of what is no expression.
pub fn on(expression: &str, context: &Context<'_>) -> String {
    let expression = match Expression::new(expression, &Limits::default()) {
        Ok(expression) => expression,
        Err(error) => return format!("invalid: {error}"),
    };
    match expression.evaluate(context) {
        Ok(items) => {
            let texts = items.iter().map(|item| {
                let bytes = encode(item).expect("small");
                to_json(Value::parse(&bytes).expect("a value"))
            });
            texts.collect::<Vec<_>>().join(" ")
        }
        Err(error) => format!("error: {error}"),
    }
}

/// As [`on`], of a document alone.
#[allow(dead_code)] // not every test that has this module looks at documents without variables
pub fn value(expression: &str, document: &str) -> String {
    let bytes = from_json(document).expect("JSON");
    on(expression, &Context::new(Value::parse(&bytes).ok()))
}

/// Compares each expression's value on the document, without variables.
#[allow(dead_code)] // as above
#[track_caller]
pub fn table(document: &str, cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(&value(expression, document), expected, "{expression}");
    }
}
