//! Properties: any text gives a result or an error with a sensible position; printing and parsing are inverse; and
//! the parser finds the structure that a text was made from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fhirpath::{Limits, parse, parse_with};
use proptest::prelude::*;

/// Seeds of mutations: every construct of the language.
const SEEDS: [&str; 12] = [
    "%before.exists() implies %before.status != 'final'",
    "Patient.name.where(use = 'official' and given.exists()).given[0] | {}",
    "Observation.value as Quantity > 4.50 'mg' or 1 is System.Integer.not()",
    "@2015-02-04T14:34:28.123+10:00 >= @2015 - 3 days and @T14:34 ~ @T14",
    "iif($this in ('a' | 'b'), $index mod 2 div 1, -$total * +3 / 7 & 'x')",
    "%`vs-administrative-gender` !~ %'ext-x' xor `a b`.contains contains in",
    "/* c */ a.is(FHIR.`Patient`) // end",
    r"'\'\\\/\f\r\n\t\u0041\uD83D\uDE00' = name.`div`",
    "repeat(item).select(code.coding.where(system = %loinc).code).distinct().count() <= 10",
    "a.b[c[d[0]]].e(f(g(h)), i)",
    "(((((1 + 2) * 3) - 4) is Integer) = true)",
    "defineVariable('v', a.all($this !~ 1 week)).where(%v < 007)",
];

/// An expression as text with parentheses around every operator; the parser's own view must agree.
fn expression() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        "[a-zA-Z_][a-zA-Z0-9_]{0,4}".prop_map(|name| format!("`{name}`")),
        Just("contains".to_owned()),
        Just("a".to_owned()),
        "[a-z éж\u{202e}\n\t-]{1,6}".prop_map(|name| format!("`{name}`")),
    ];
    let leaf = prop_oneof![
        name.clone(),
        name.clone().prop_map(|name| format!("%{name}")),
        prop::sample::select(vec!["$this", "$index", "$total", "{}", "true", "false"])
            .prop_map(str::to_owned),
        "[0-9]{1,12}",
        "[0-9]{1,5}\\.[0-9]{1,5}",
        (
            "[0-9]{1,5}(\\.[0-9]{1,5})?",
            prop::sample::select(vec!["day", "months", "'mg'", "'\\''", "''"])
        )
            .prop_map(|(value, unit)| format!("{value} {unit}")),
        "@[12][0-9]{3}(-(0[1-9]|1[0-2])(-[01][1-9])?)?T?",
        "@2020-02-(0[1-9]|2[0-9])T([01][0-9]|2[0-3])(:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,12})?)?)?(Z|[+-]0[0-9]:[0-5][0-9])?",
        "@T([01][0-9]|2[0-3])(:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?)?",
        "'([^'\\\\]|\\\\[nrtf'\"`/\\\\]|\\\\u00[0-9a-f]{2}){0,8}'",
    ];
    leaf.prop_recursive(8, 64, 4, move |inner| {
        let operators = vec![
            "implies", "or", "xor", "and", "in", "contains", "=", "~", "!=", "!~", "<", "<=", ">",
            ">=", "|", "+", "-", "&", "*", "/", "div", "mod",
        ];
        let types = vec!["is Boolean", "as FHIR.`Patient`", "is is", "as System.as"];
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(operators),
                inner.clone()
            )
                .prop_map(|(left, op, right)| format!("({left} {op} {right})")),
            (inner.clone(), prop::sample::select(types))
                .prop_map(|(left, right)| format!("({left} {right})")),
            inner.clone().prop_map(|it| format!("(-{it})")),
            (inner.clone(), name.clone()).prop_map(|(base, name)| format!("({base}).{name}")),
            (inner.clone(), inner.clone()).prop_map(|(base, index)| format!("({base})[{index}]")),
            (
                inner.clone(),
                name.clone(),
                prop::collection::vec(inner, 0..3)
            )
                .prop_map(|(base, name, args)| format!("({base}).{name}({})", args.join(", "))),
        ]
    })
}

/// A seed with some pieces cut out, doubled or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        prop_oneof![
            Just(String::new()),
            prop::sample::select(vec![
                "(",
                ")",
                "[",
                "]",
                "'",
                "`",
                "\\",
                "/*",
                "*/",
                "//",
                "@",
                "@T",
                ".",
                "%",
                "$",
                "-",
                " is ",
                "1",
                "\u{1F600}",
                "\0"
            ])
            .prop_map(str::to_owned),
            prop::sample::select(SEEDS.to_vec()).prop_map(str::to_owned),
            any::<char>().prop_map(String::from),
        ],
    );
    (
        prop::sample::select(SEEDS.to_vec()),
        prop::collection::vec(edit, 1..6),
    )
        .prop_map(|(seed, edits)| {
            let mut chars: Vec<char> = seed.chars().collect();
            for (from, length, text) in edits {
                let from = from.index(chars.len() + 1);
                let until = (from + length.index(8)).min(chars.len());
                chars.splice(from..until, text.chars());
            }
            chars.into_iter().collect()
        })
}

fn check(source: &str) -> Result<(), TestCaseError> {
    match parse(source) {
        Ok(ast) => {
            let printed = ast.to_string();
            let limits = Limits {
                length: usize::MAX,
                ..Limits::default()
            };
            let again = parse_with(&printed, &limits)
                .map_err(|error| TestCaseError::fail(format!("{printed}: {error}")))?;
            prop_assert_eq!(&again, &ast, "{}", printed);
            prop_assert_eq!(again.to_string(), printed);
            prop_assert!(
                ast.nodes()
                    .all(|node| source.get(node.span.range()).is_some())
            );
        }
        Err(error) => {
            prop_assert!(source.is_char_boundary(error.offset()), "{:?}", error);
            prop_assert!(source.get(error.span().range()).is_some(), "{:?}", error);
            prop_assert!(error.excerpt(source).ends_with('^'));
            prop_assert!(!error.to_string().is_empty());
        }
    }
    Ok(())
}

#[test]
fn seeds_are_expressions() {
    for seed in SEEDS {
        assert_eq!(parse(seed).map(|_| ()), Ok(()), "{seed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_handled(source in any::<String>()) {
        check(&source)?;
    }

    #[test]
    fn any_text_of_the_languages_characters_is_handled(source in "[a-c0-9 .,()\\[\\]{}%+*/&|=~!<>'`\\\\@$TZ:\n-]{0,60}") {
        check(&source)?;
    }

    #[test]
    fn mutations_are_handled(source in mutated()) {
        check(&source)?;
    }

    /// Parentheses that say what precedence says anyway change nothing: the printed text, which has only the needed
    /// ones, has the structure that the full ones spell out.
    #[test]
    fn printing_keeps_the_structure(source in expression()) {
        prop_assert!(parse(&source).is_ok(), "{}: {:?}", source, parse(&source));
        check(&source)?;
    }
}
