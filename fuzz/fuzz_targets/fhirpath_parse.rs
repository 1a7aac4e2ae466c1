//! Any bytes: the parser gives a tree or an error with a sensible position, and printing and parsing are inverse.
#![no_main]

use fhirpath::{Ast, Limits, SyntaxError, parse_with};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

#[path = "../mutator.rs"]
mod mutator;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutator::expression(data, size, max_size, seed)
});

fuzz_target!(|data: &[u8]| {
    let Ok(source) = std::str::from_utf8(data) else {
        return;
    };
    match parse_with(source, &Limits::default()) {
        Ok(ast) => check_tree(&ast, source),
        Err(error) => check_error(&error, source),
    }
});

fn check_tree(ast: &Ast, source: &str) {
    for node in ast.nodes() {
        assert!(source.get(node.span.range()).is_some());
    }
    let printed = ast.to_string();
    // It can be longer than what was written (escapes), and nest deeper: `a is B * c` has parentheses then.
    let limits = Limits {
        length: usize::MAX,
        depth: usize::MAX,
        ..Limits::default()
    };
    match parse_with(&printed, &limits) {
        Ok(again) => {
            assert!(again == *ast, "{printed} is another tree");
            assert_eq!(again.to_string(), printed);
        }
        Err(error) => panic!("{printed} does not parse: {error}"),
    }
}

fn check_error(error: &SyntaxError, source: &str) {
    assert!(source.get(error.span().range()).is_some());
    assert!(error.to_string().len() < 300);
    let excerpt = error.excerpt(source);
    assert!(excerpt.ends_with('^') && excerpt.len() < 800);
}
