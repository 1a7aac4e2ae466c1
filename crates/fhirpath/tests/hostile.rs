//! Hostile expressions: huge, deep or broken ones give a result or an error on a 2 MB stack, in linear time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use fhirpath::{Ast, Expr, Limits, NodeId, SyntaxErrorKind, parse, parse_with};

const MANY: usize = 100_000;

const UNLIMITED: Limits = Limits {
    length: usize::MAX,
    depth: usize::MAX,
    nodes: usize::MAX,
};

fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(work)
        .expect("a thread")
        .join()
        .expect("no panic");
}

fn hostile() -> Vec<(&'static str, String)> {
    let chain = |first: &str, more: &str| first.to_owned() + &more.repeat(MANY);
    let nest =
        |open: &str, middle: &str, close: &str| open.repeat(MANY) + middle + &close.repeat(MANY);
    vec![
        ("parentheses", nest("(", "a", ")")),
        ("open parentheses", "(".repeat(MANY)),
        ("closing parentheses", chain("a", ")")),
        ("dots", chain("a", ".a")),
        ("or", chain("a", " or a")),
        ("implies to the right", nest("a implies (", "a", ")")),
        ("signs", chain("", "-") + "1"),
        ("indexes", chain("a", "[0]")),
        ("nested indexes", nest("a[", "0", "]")),
        ("open brackets", chain("a", "[")),
        ("nested calls", nest("f(", "a", ")")),
        ("chained calls", chain("a", ".where(b)")),
        ("arguments", format!("f({}a)", "a,".repeat(MANY))),
        ("is", chain("a", " is B")),
        ("long type name", chain("a is B", ".b")),
        (
            "climbing precedence",
            nest("a implies a or a and a in a = a < a | a + a * -(", "a", ")"),
        ),
        ("braces", "{".repeat(MANY)),
        ("long string", format!("'{}'", "é".repeat(MANY))),
        ("escapes", format!("'{}'", "\\u0041".repeat(MANY))),
        ("open string", format!("'{}", "\\'".repeat(MANY))),
        ("long name", "a".repeat(MANY)),
        ("long delimited name", format!("`{}`", "a ".repeat(MANY))),
        ("long integer", "9".repeat(MANY)),
        ("long decimal", format!("0.{}", "9".repeat(MANY))),
        ("zeros", "0".repeat(MANY)),
        ("long fraction", format!("@T10:00:00.{}", "9".repeat(MANY))),
        ("white space", chain("a", " ")),
        ("line comments", chain("a", "// x\n")),
        ("block comments", chain("a", "/* x */")),
        ("long comment", format!("/*{}*/a", "*".repeat(MANY))),
        ("open comment", chain("a ", "/*")),
        ("quotes", "'".repeat(MANY + 1)),
        ("at signs", "@2015-".repeat(MANY)),
        ("percent", "%".repeat(MANY)),
        ("other script", "ж".repeat(MANY)),
        ("null bytes", "\0".repeat(MANY)),
    ]
}

/// Everything that a caller can do with a tree.
fn exercise(ast: &Ast, source: &str) {
    let printed = ast.to_string();
    let again = parse_with(&printed, &UNLIMITED).unwrap();
    assert!(again == *ast);
    assert_eq!(again.to_string(), printed);
    let mut debug = String::new();
    write!(debug, "{ast:?}").unwrap();
    assert!(!debug.is_empty());
    drop(ast.clone());
    for node in ast.nodes() {
        assert!(source.get(node.span.range()).is_some());
    }
    drop(ast.type_name(ast.root()));
}

#[test]
fn without_limits_the_stack_is_enough() {
    on_small_stack(|| {
        let started = Instant::now();
        for (_, source) in hostile() {
            match parse_with(&source, &UNLIMITED) {
                Ok(ast) => exercise(&ast, &source),
                Err(error) => {
                    assert!(error.offset() <= source.len());
                    assert!(error.to_string().len() < 300);
                    assert!(error.excerpt(&source).len() < 800);
                }
            }
        }
        assert!(started.elapsed() < Duration::from_secs(120));
    });
}

#[test]
fn default_limits_refuse_quickly() {
    on_small_stack(|| {
        for (what, source) in hostile() {
            let started = Instant::now();
            let error = parse(&source).unwrap_err();
            assert_eq!(error.kind(), &SyntaxErrorKind::TooLong(64 * 1024), "{what}");
            assert!(started.elapsed() < Duration::from_secs(1), "{what}");
            assert!(error.excerpt(&source).len() < 800);
        }
    });
}

#[test]
fn a_deep_expression_within_the_length_is_refused_where_it_gets_too_deep() {
    let source = format!("{}a{}", "(".repeat(300), ")".repeat(300));
    let error = parse(&source).unwrap_err();
    assert_eq!(error.kind(), &SyntaxErrorKind::TooDeep(128));
    assert_eq!(error.offset(), 128);
    let chain = "a".to_owned() + &" or a".repeat(5_000);
    assert_eq!(parse(&chain).unwrap().nodes().len(), 10_001);
}

/// Nesting as the limit counts it: chains to the left are free.
fn nesting(ast: &Ast) -> usize {
    let mut depths: Vec<usize> = Vec::new();
    for node in ast.nodes() {
        let depth = |id: NodeId| {
            depths
                .get(id.index())
                .copied()
                .expect("operands come first")
        };
        let left = node.expr.left().map_or(0, depth);
        let nested = node.expr.nested().map(|id| depth(id) + 1).max();
        depths.push(left.max(nested.unwrap_or(0)));
    }
    depths.last().copied().unwrap_or(0)
}

#[test]
fn the_depth_limit_bounds_recursion_beside_the_left_chain() {
    let mut seen = Vec::new();
    for count in 1..40 {
        for (open, close) in [
            ("(a or ", ")"),
            ("f(b, ", ")"),
            ("a.b[", "].c"),
            ("-(", ").x"),
            ("1 + 2 * -(a is B).f(", ", 2)"),
        ] {
            let source = open.repeat(count) + "z" + &close.repeat(count);
            let limits = Limits {
                depth: 60,
                ..Limits::default()
            };
            if let Ok(ast) = parse_with(&source, &limits) {
                let depth = nesting(&ast);
                assert!(depth <= 60, "{source}");
                seen.push(depth);
            }
        }
    }
    assert_eq!(seen.iter().max(), Some(&60));
    let chain = parse("a.b.c[0].d or e or f").unwrap();
    assert_eq!(nesting(&chain), 1);
    assert!(matches!(chain[chain.root()].expr, Expr::Binary { .. }));
}
