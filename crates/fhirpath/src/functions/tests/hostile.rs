use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// Steps that an evaluation has unless the caller says otherwise.
const STEPS: u64 = crate::DEFAULT_STEPS;

fn with(text: &str, function: Function, args: &[&str]) -> Result<Values<'static>, Fault> {
    let args: Vec<_> = args.iter().map(|arg| string(arg, true)).collect();
    call(
        function,
        &string(text, true),
        &args,
        None,
        &Work::new(STEPS, None),
    )
}

/// Slow machines and debug builds included.
#[track_caller]
fn quick<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(60), "it took {taken:?}");
    result
}

#[test]
fn patterns_that_explode() {
    for pattern in [
        "(a{1000}){1000}",
        "((a{100}){100}){100}",
        "((((a?){15}){15}){15}){15}",
        "(?i)\\w{4000}",
        "\\pL{900}",
        "(?:\\w|a|b|ab)*a(\\w|a){300}z",
        "(\\w*\\d\\w*){900}",
        &"(".repeat(300),
        &format!("{}a{}", "(".repeat(300), ")".repeat(300)),
        &format!("{}a{}", "[".repeat(300), "]".repeat(300)),
        &"a".repeat(5_000),
        &format!("(?i){}", "[\u{0}-\u{10ffff}]".repeat(300)),
        &format!("(?i){}", "[^\\W]".repeat(400)),
        &"a{1000}".repeat(500),
    ] {
        let compiled = quick(|| compile(pattern, "", true, &Work::new(STEPS, None)).map(|_| ()));
        assert_eq!(compiled, Err(Fault::Regex), "{pattern}");
    }
}

#[test]
fn compiling_is_paid_for() {
    for pattern in ["\\pL{60}", "[\\w&&\\D]{50}"] {
        assert!(
            compile(pattern, "", false, &Work::new(STEPS, None)).is_ok(),
            "{pattern}"
        );
        let args = [string(pattern, true)];
        let matched = call(
            Function::Matches,
            &string("a", true),
            &args,
            None,
            &Work::new(100_000, None),
        );
        assert_eq!(matched.map(|_| ()), Err(Fault::Budget), "{pattern}");
    }
    assert!(with("a", Function::Matches, &["^\\pL{1,30}$"]).is_ok());
}

#[test]
fn searches_that_crawl() {
    let text = "ab".repeat(500_000);
    for pattern in [
        "(a|aa|aaa|b){0,800}z",
        "[ab]*a[ab]{4000}",
        "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*){50}z",
    ] {
        let matched = quick(|| with(&text, Function::Matches, &[pattern]));
        assert_eq!(matched.map(|_| ()), Err(Fault::Budget), "{pattern}");
    }
    // The usual ones have the means for long texts.
    for pattern in ["a+", "^[^@]+@example\\.org$", "(?:ab)*"] {
        assert!(
            quick(|| with(&text, Function::Matches, &[pattern])).is_ok(),
            "{pattern}"
        );
    }
    // Each of half a million searches would look at all that is left.
    let matched = quick(|| with(&text, Function::ReplaceMatches, &[".*z|a", "-"]));
    assert_eq!(matched.map(|_| ()), Err(Fault::Budget));
}

#[test]
fn results_that_explode() {
    let long = "a".repeat(100_000);
    let too_long = Err(Fault::TextTooLong(1 << 20));
    for (function, args) in [
        (Function::Replace, ["a", &long]),
        (Function::Replace, ["", &long]),
        (Function::ReplaceMatches, ["a", &long]),
        (Function::ReplaceMatches, ["a*?", &long]),
        (Function::ReplaceMatches, ["(a+)", &"$1".repeat(11)]),
    ] {
        let replaced = quick(|| with(&long, function, &args));
        assert_eq!(replaced.map(|_| ()), too_long, "{}", function.name());
    }
    let longest = "é".repeat(1 << 19);
    for (function, args) in [
        (Function::Encode, &["hex"][..]),
        (Function::Encode, &["base64"]),
        (Function::Replace, &["é", "éé"]),
    ] {
        let made = quick(|| with(&longest, function, args));
        assert_eq!(made.map(|_| ()), too_long, "{}", function.name());
    }
    let angles = "<".repeat(400_000);
    assert_eq!(
        with(&angles, Function::Escape, &["html"]).map(|_| ()),
        too_long
    );
    let grows = "ΐ".repeat(1 << 19);
    assert_eq!(with(&grows, Function::Upper, &[]).map(|_| ()), too_long);
}

#[test]
fn many_pieces_are_paid_for() {
    let long = "a".repeat(2_000_000);
    for (function, args) in [
        (Function::ToChars, &[][..]),
        (Function::Split, &["a"]),
        (Function::Split, &[""]),
    ] {
        let pieces = quick(|| with(&long, function, args));
        assert_eq!(
            pieces.map(|_| ()),
            Err(Fault::Budget),
            "{}",
            function.name()
        );
    }
    let pieces = with(&long, Function::Length, &[]).unwrap();
    assert!(matches!(pieces.as_slice(), [Scalar::Integer(2_000_000)]));
}

#[test]
fn numbers_at_the_limits() {
    let long = format!("{}.{}", "9".repeat(1_000), "9".repeat(1_000));
    let args = [Scalar::Integer(i64::MAX)];
    for function in Function::ALL
        .iter()
        .filter(|f| f.group() == crate::Group::Scalar)
    {
        for input in [
            Scalar::Integer(i64::MIN),
            Scalar::Integer(i64::MAX),
            Scalar::Decimal(Decimal::parse(&long).unwrap()),
            Scalar::Decimal(Decimal::parse(&format!("-{long}")).unwrap()),
            Scalar::Decimal(Decimal::parse("1e-1000").unwrap()),
        ] {
            for args in [&args[..0], &args[..]] {
                // A value, none or a fault, but soon, and never a panic.
                let called = quick(|| call(*function, &input, args, None, &Work::new(STEPS, None)));
                assert!(called.is_ok() || called.is_err());
            }
        }
    }
}

/// Any value that is a bit like what functions expect.
fn values() -> impl Strategy<Value = Scalar<'static>> {
    let pick = |words: &'static [&'static str]| proptest::sample::select(words);
    prop_oneof![
        any::<bool>().prop_map(Scalar::Boolean),
        any::<i64>().prop_map(Scalar::Integer),
        (-50_i64..50).prop_map(Scalar::Integer),
        (any::<i64>(), 0_u32..30).prop_map(|(digits, scale)| Scalar::Decimal(
            Decimal::from_parts(digits.into(), scale).unwrap()
        )),
        ".{0,12}".prop_map(|text| Scalar::String(text.into())),
        "[-+.0-9' a-z$\\\\(){}*&#;u]{0,16}".prop_map(|text| Scalar::String(text.into())),
        pick(&[
            "hex",
            "base64",
            "urlbase64",
            "html",
            "json",
            "i",
            "m",
            "",
            "1 day",
            "g"
        ])
        .prop_map(|text| string(text, false)),
        pick(&["2015", "2016-02", "2016-02-29", "0001-01-01", "9999-12-31"])
            .prop_map(|text| Scalar::Date(text.parse().unwrap())),
        pick(&[
            "2015",
            "2016-02-29T23:59:59.999999-12:00",
            "0001-01-01T00+14:00",
            "9999-12-31T23:59"
        ])
        .prop_map(|text| Scalar::DateTime(text.parse().unwrap())),
        pick(&["00", "23:59", "12:00:00.1"]).prop_map(|text| Scalar::Time(text.parse().unwrap())),
        (
            any::<i64>(),
            0_u32..30,
            pick(&["g", "kg", "Cel", "[in_i]", "nonsense", "1"])
        )
            .prop_map(|(digits, scale, unit)| {
                Scalar::Quantity(Box::new(Quantity::new(
                    Decimal::from_parts(digits.into(), scale).unwrap(),
                    unit,
                )))
            }),
    ]
}

proptest! {
    #[test]
    fn never_panics(
        function in proptest::sample::select(Function::ALL),
        input in values(),
        args in proptest::collection::vec(values(), 0..4),
    ) {
        let called = call(function, &input, &args, None, &Work::new(STEPS, None));
        prop_assert_ne!(called.map(|_| ()), Err(Fault::Budget));
    }

    #[test]
    fn what_is_encoded_decodes(text in ".{0,40}", format in proptest::sample::select(&["hex", "base64", "urlbase64"][..])) {
        let encoded = with(&text, Function::Encode, &[format]).unwrap();
        let [Scalar::String(encoded)] = encoded.as_slice() else { panic!("one string") };
        let decoded = with(encoded, Function::Decode, &[format]).unwrap();
        prop_assert!(matches!(decoded.as_slice(), [Scalar::String(decoded)] if **decoded == *text));
    }

    #[test]
    fn what_is_escaped_unescapes(text in "[ -~\\x00-\\x1fä😀]{0,40}", target in proptest::sample::select(&["html", "json"][..])) {
        let escaped = with(&text, Function::Escape, &[target]).unwrap();
        let [Scalar::String(escaped)] = escaped.as_slice() else { panic!("one string") };
        let unescaped = with(escaped, Function::Unescape, &[target]).unwrap();
        prop_assert!(matches!(unescaped.as_slice(), [Scalar::String(unescaped)] if **unescaped == *text));
    }

    #[test]
    fn strings_behave_as_sequences_of_characters(text in ".{0,20}", start in -3_i64..25, length in -3_i64..25) {
        let characters: Vec<char> = text.chars().collect();
        let args = [Scalar::Integer(start), Scalar::Integer(length)];
        let part = call(Function::Substring, &string(&text, true), &args, None, &Work::new(STEPS, None)).unwrap();
        let expected = usize::try_from(start).ok().filter(|start| *start < characters.len()).map(|start| {
            let length = usize::try_from(length).unwrap_or(0);
            characters[start..].iter().take(length).collect::<String>()
        });
        let part = part.first().map(|part| match part {
            Scalar::String(text) => text.to_string(),
            _ => panic!("a string"),
        });
        prop_assert_eq!(part, expected);
    }

    #[test]
    fn split_and_join(text in "[ab,ä]{0,20}", separator in "[,a]{1,2}") {
        let pieces = with(&text, Function::Split, &[&separator]).unwrap();
        let pieces: Vec<_> = pieces.iter().map(|piece| match piece {
            Scalar::String(piece) => piece.to_string(),
            _ => panic!("a string"),
        }).collect();
        prop_assert_eq!(pieces.join(&separator), text);
    }

    #[test]
    fn boundaries_enclose(digits in any::<i64>(), scale in 0_u32..12, precision in 0_i64..20) {
        let value = Decimal::from_parts(digits.into(), scale).unwrap();
        let args = [Scalar::Integer(precision)];
        let boundary = |function| match call(function, &Scalar::Decimal(value.clone()), &args, None, &Work::new(STEPS, None)).unwrap().first() {
            Some(Scalar::Decimal(boundary)) => boundary.clone(),
            _ => panic!("a decimal"),
        };
        let (low, high) = (boundary(Function::LowBoundary), boundary(Function::HighBoundary));
        prop_assert_eq!(i64::from(low.scale()), precision);
        // But for numbers that are nearest to zero.
        prop_assert!(low <= value && value <= high || (low.is_zero() && high.is_zero()));
    }

    #[test]
    fn roots_are_roots(digits in 0_i64..1_000_000_000_000, scale in 0_u32..9) {
        let root = Decimal::from_parts(digits.into(), scale).unwrap();
        let square = Scalar::Decimal(root.power(2).unwrap());
        let found = call(Function::Sqrt, &square, &[], None, &Work::new(STEPS, None)).unwrap();
        prop_assert!(matches!(found.first(), Some(Scalar::Decimal(found)) if *found == root));
    }

    #[test]
    fn conversions_read_what_they_write(value in values()) {
        let text = call(Function::ToString, &value, &[], None, &Work::new(STEPS, None)).unwrap();
        let back = match value {
            Scalar::Boolean(_) => Function::ToBoolean,
            Scalar::Decimal(_) => Function::ToDecimal,
            Scalar::Date(_) => Function::ToDate,
            Scalar::DateTime(_) => Function::ToDateTime,
            Scalar::Time(_) => Function::ToTime,
            Scalar::Quantity(_) => Function::ToQuantity,
            Scalar::String(_) | Scalar::Integer(_) => Function::ToString,
        };
        let again = call(back, &text[0], &[], None, &Work::new(STEPS, None)).unwrap();
        let same = match value {
            Scalar::Integer(_) => show(&again[0]) == show(&text[0]),
            _ => show(&again[0]) == show(&value),
        };
        prop_assert!(same);
    }
}
