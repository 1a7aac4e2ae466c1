//! Refused expressions: where, why, what was expected, and the hint.
#![allow(clippy::unwrap_used)]

use fhirpath::{Limits, parse, parse_with};

#[test]
fn errors_say_where_and_what_was_expected() {
    for (source, offset, message, expected) in [
        (
            "",
            0,
            "unexpected end of the expression, expected an expression",
            Some("an expression"),
        ),
        (
            "2 + 2 /",
            7,
            "unexpected end of the expression, expected an expression",
            Some("an expression"),
        ),
        (
            "a b",
            2,
            "unexpected `b`, expected an operator or the end of the expression",
            Some("an operator or the end of the expression"),
        ),
        (
            "(a]",
            2,
            "unexpected `]`, expected an operator or `)`",
            Some("an operator or `)`"),
        ),
        (
            "a[0)",
            3,
            "unexpected `)`, expected an operator or `]`",
            Some("an operator or `]`"),
        ),
        (
            "f(a b)",
            4,
            "unexpected `b`, expected an operator, `,` or `)`",
            Some("an operator, `,` or `)`"),
        ),
        (
            "f(a,)",
            4,
            "unexpected `)`, expected an expression",
            Some("an expression"),
        ),
        (
            "a)",
            1,
            "unexpected `)`, expected an operator or the end of the expression",
            Some("an operator or the end of the expression"),
        ),
        (
            "a.1",
            2,
            "unexpected `1`, expected an element name or a function",
            Some("an element name or a function"),
        ),
        (
            "a.'b'",
            2,
            "unexpected `'b'`, expected an element name or a function",
            Some("an element name or a function"),
        ),
        (
            "a is 1",
            5,
            "unexpected `1`, expected a type name",
            Some("a type name"),
        ),
        ("{a}", 1, "unexpected `a`, expected `}`", Some("`}`")),
        (
            "%(a)",
            1,
            "unexpected `(`, expected the name of a variable",
            Some("the name of a variable"),
        ),
        (
            "1 `day`",
            2,
            "unexpected ``day``, expected an operator or the end of the expression",
            Some("an operator or the end of the expression"),
        ),
        ("a.``", 2, "a name cannot be empty", None),
        ("%''", 1, "a name cannot be empty", None),
        (
            "a + $thisx",
            4,
            "unknown variable `$thisx`, expected `$this`, `$index` or `$total`",
            Some("`$this`, `$index` or `$total`"),
        ),
        ("'ä' = 'x", 7, "the string is not closed", None),
        (
            "a = `b\\`",
            4,
            "the delimited identifier is not closed",
            None,
        ),
        (
            "2 + 2 /* not finished",
            6,
            "the comment is not closed",
            None,
        ),
        ("'ab\\d'", 3, "invalid escape sequence", None),
        ("a = \"b\"", 4, "unexpected character '\"'", None),
        ("äb", 0, "unexpected character 'ä'", None),
        (
            "a = @2015-02-30",
            4,
            "invalid date or time: the month has no such day",
            None,
        ),
        (
            "@2015-02-04Z",
            0,
            "invalid date or time: an offset from UTC needs a time of day",
            None,
        ),
        (
            "@T25",
            0,
            "invalid date or time: there is no such time of day",
            None,
        ),
        (
            "1 + 9223372036854775808",
            4,
            "the integer is too large",
            None,
        ),
        // The first mistake counts, also when a later one stops the lexer.
        (
            "a b 'c",
            2,
            "unexpected `b`",
            Some("an operator or the end of the expression"),
        ),
    ] {
        let error = parse(source).unwrap_err();
        assert_eq!(error.offset(), offset, "{source}: {error}");
        assert!(error.to_string().starts_with(message), "{source}: {error}");
        assert_eq!(error.expected(), expected, "{source}");
        assert!(error.excerpt(source).ends_with('^'));
    }
}

#[test]
fn hints_for_common_mistakes() {
    for (source, hint) in [
        ("a == b", "equality is a single `=`"),
        ("a || b", "write `or`"),
        ("a && b", "write `and`"),
        ("!a", "negation is a function"),
        ("text.div", "backticks"),
        ("a => b", "write `>=`"),
        ("a =< b", "write `<=`"),
        ("a <> b", "write `!=`"),
        ("a in ('b', 'c')", "joined by `|`"),
        ("not a", "`not()` stands behind"),
        ("(a and b", "the `(` at character 1 is still open"),
        ("f(g(a)", "the `(` at character 2 is still open"),
        ("a = \"b\"", "single quotes"),
        (r"matches('\d')", r"write \\ for a backslash"),
        ("@today", "@2015-02-04"),
    ] {
        let error = parse(source).unwrap_err();
        let found = error.hint().unwrap_or_default();
        assert!(found.contains(hint), "{source}: {found}");
    }
}

#[test]
fn limits_are_errors_with_a_position() {
    let limits = Limits {
        length: 20,
        depth: 3,
        nodes: 4,
    };
    for (source, message, offset) in [
        ("((a)) + -b", "", 0),
        ("a.b.c.d", "", 0),
        ("a.b.c.d.e", "the expression has more than 4 parts", 0),
        ("x+(((a)))", "the expression nests deeper than 3 levels", 4),
        ("----a", "the expression nests deeper than 3 levels", 3),
        (
            "f(f(f(f(a))))",
            "the expression nests deeper than 3 levels",
            7,
        ),
        (
            "a[a[a[a[0]]]]",
            "the expression nests deeper than 3 levels",
            7,
        ),
        (
            "a = 'äääääääääää'",
            "the expression is longer than 20 bytes",
            19,
        ),
    ] {
        match parse_with(source, &limits) {
            Ok(_) => assert_eq!(message, "", "{source}"),
            Err(error) => assert_eq!(
                (error.to_string().as_str(), error.offset()),
                (message, offset),
                "{source}"
            ),
        }
    }
}
