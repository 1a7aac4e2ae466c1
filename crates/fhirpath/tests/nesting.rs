//! Every construct, nested as deeply as the parser admits, is evaluated on a 2 MB stack, in debug builds too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fhirpath::{Context, Expression, Limits, Variable};
use jsonb::{Value, from_json};

#[test]
fn the_deepest_nesting_fits_a_small_stack() {
    let nested = || {
        let bytes = from_json(r#"{"resourceType": "Patient", "id": "x"}"#).unwrap();
        let document = Value::parse(&bytes).unwrap();
        let context = Context::new(Some(document)).variable("x", Variable::Document(None));
        // Each with how many constructs it opens.
        for (open, close, constructs) in [
            ("where(", ")", 1),
            ("select(", ")", 1),
            ("exists(", ")", 1),
            ("all(", ")", 1),
            ("iif(true, ", ")", 1),
            ("iif(", ", true, false)", 1),
            ("-", "", 1),
            ("1 + (", ")", 2),
            ("true and (", ")", 2),
            ("(1 | 2)[", "]", 1),
            ("repeat(", ")", 1),
            ("aggregate(", ")", 1),
            ("defineVariable('a', ", ")", 1),
            ("sort(", ")", 1),
            ("'a'.substring(", ")", 1),
            ("combine(", ")", 1),
            ("%x.union(", ")", 1),
            ("join(", ")", 1),
            ("extension(", ")", 1),
            ("trace('a', ", ")", 1),
        ] {
            let times = Limits::default().depth / constructs;
            let text = |times| format!("{}true{}", open.repeat(times), close.repeat(times));
            let deepest = Expression::new(&text(times - 1), &Limits::default()).expect(open);
            // Whatever it says: it comes back.
            let first = deepest.verdict(&context);
            assert_eq!(first, deepest.verdict(&context), "{open}");
            assert!(
                Expression::new(&text(times + 1), &Limits::default()).is_err(),
                "{open}"
            );
        }
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(nested).unwrap().join().expect("no panic");
}
