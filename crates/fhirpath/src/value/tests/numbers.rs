//! Numbers, strings and truth values.

use super::*;

#[test]
fn compares_numbers() {
    check(&[
        ("1 = 1", "true"),
        ("1 = 2", "false"),
        ("1.10 = 1.1", "true"),
        ("0.0 = 0", "true"),
        ("-0.0 = 0", "true"),
        ("1 != 1.0", "false"),
        ("9223372036854775807 = 9223372036854775807.0", "true"),
        (
            "9223372036854775807 = 9223372036854775806.9999999999",
            "false",
        ),
        (
            "9223372036854775807 < 9223372036854775807.0000000001",
            "true",
        ),
        ("1 < 1.2", "true"),
        ("1.0 >= 1", "true"),
        ("-3 != 3", "true"),
        ("1 < -2", "false"),
        ("0.1 + 0.2 = 0.3", "true"),
        ("1 = '1'", "false"),
        ("1 = true", "false"),
        ("true = true", "true"),
        ("true != false", "true"),
        ("1 = @2015", "false"),
    ]);
}

#[test]
fn equivalence_rounds_to_the_lesser_precision() {
    check(&[
        ("1.10 ~ 1.1", "true"),
        ("1.2 / 1.8 ~ 0.67", "true"),
        ("1.2 / 1.8 ~ 0.6", "false"),
        ("0.0 ~ 0", "true"),
        ("1 ~ 1.4", "true"),
        ("1 ~ 1.5", "false"),
        ("2 ~ 1.5", "true"),
        ("-2 ~ -1.5", "true"),
        // Zeros at the end do not count.
        ("1.50 ~ 1.46", "true"),
        ("100 ~ 99.9", "true"),
        ("1 ~ '1'", "false"),
        ("1 ~ 2", "false"),
        ("{} ~ {}", "true"),
    ]);
}

#[test]
fn arithmetic_on_numbers() {
    check(&[
        ("1 + 1", "2"),
        ("1.2 + 1.80", "3.00"),
        ("1 + 0.5", "1.5"),
        ("1.8 - 1.2", "0.6"),
        ("1.2 * 1.8", "2.16"),
        ("1 / 2", "0.5"),
        ("4 / 2", "2"),
        ("4.0 / 2.0", "2"),
        ("10.00 / 4", "2.50"),
        ("1 / 3", "0.3333333333333333333333333333"),
        ("-2 / 3", "-0.6666666666666666666666666667"),
        ("200 / 3", "66.66666666666666666666666667"),
        ("1 / 0", "{}"),
        ("1 / 0.0", "{}"),
        ("5 div 2", "2"),
        ("-5 div 2", "-2"),
        ("5.5 div 0.7", "7"),
        ("2.2 div 1.8", "1"),
        ("5 div 0", "{}"),
        ("5 div 0.0", "{}"),
        ("5 mod 2", "1"),
        ("-5 mod 2", "-1"),
        ("5 mod -2", "1"),
        ("5.5 mod 0.7", "0.6"),
        ("2.2 mod 1.8", "0.4"),
        ("5 mod 0", "{}"),
        ("-(-3)", "3"),
        ("-(1.50)", "-1.50"),
        ("-true", "fault"),
        ("-'a'", "fault"),
        ("1 + true", "fault"),
        (
            "1 + 'a'",
            "fault: `+` is not defined for Integer and String",
        ),
    ]);
}

#[test]
fn overflow_is_empty() {
    check(&[
        ("9223372036854775807 + 1", "{}"),
        ("-9223372036854775807 - 2", "{}"),
        ("9223372036854775807 * 2", "{}"),
        ("(-9223372036854775807 - 1) div -1", "{}"),
        ("(-9223372036854775807 - 1) mod -1", "0"),
        ("-(-9223372036854775807 - 1)", "{}"),
        ("9223372036854775807.0 + 1", "9223372036854775808.0"),
        ("9223372036854775807.0 * 2", "18446744073709551614.0"),
        ("(-9223372036854775807 - 1) / -1", "9223372036854775808"),
    ]);
}

#[test]
fn strings() {
    check(&[
        ("'a' = 'a'", "true"),
        ("'a' = 'A'", "false"),
        ("'a' ~ 'A'", "true"),
        ("'STRASSE' ~ 'straße'", "true"),
        ("'ΟΔΟΣ' ~ 'οδος'", "true"),
        ("'a b' ~ 'a\\tb'", "true"),
        ("'a\u{a0}b' ~ 'a\\nb'", "true"),
        ("'a  b' ~ 'a b'", "false"),
        ("'a b' ~ 'ab'", "false"),
        ("'a' < 'b'", "true"),
        ("'A' < 'a'", "true"),
        ("'\u{ffff}' < '\u{1f600}'", "true"),
        ("'a' + 'b'", "'ab'"),
        ("'a' + {}", "{}"),
        ("'a' & 'b'", "'ab'"),
        ("'a' & {}", "'a'"),
        (
            "'a' & 1",
            "fault: `&` is not defined for String and Integer",
        ),
        (
            "'a' - 'b'",
            "fault: `-` is not defined for String and String",
        ),
        (
            "'a' < 1",
            "fault: `<` is not defined for String and Integer",
        ),
        ("true < false", "fault"),
        ("true + true", "fault"),
        ("'a' div 'b'", "fault"),
    ]);
}

#[test]
fn long_strings_are_charged_and_bounded() {
    let half = Scalar::String("x".repeat(MAX_TEXT / 2).into());
    let work = Work::new(10_000_000, None);
    let whole = add(&half, &half, &work).unwrap().unwrap();
    let one = Scalar::String("x".into());
    assert_eq!(
        concatenate(&whole, &one, &work).unwrap_err(),
        Fault::TextTooLong(MAX_TEXT)
    );
    let little = Work::new(100, None);
    assert_eq!(equal(&whole, &whole, &little).unwrap_err(), Fault::Budget);
    assert_eq!(
        equivalent(&whole, &one, &little).unwrap_err(),
        Fault::Budget
    );
    assert_eq!(add(&half, &half, &little).unwrap_err(), Fault::Budget);
}

#[test]
fn equal_values_share_a_bucket() {
    for (left, right) in [
        ("1", "1.00"),
        ("0", "-0.0"),
        ("1", "1 '1'"),
        ("1", "100 '%'"),
        ("4 'g'", "4000.0 'mg'"),
        ("32 '[degF]'", "0 'Cel'"),
        ("1 year", "12 months"),
        ("1 year", "365 days"),
        ("7 days", "1 'wk'"),
        ("1 '[lb_av]'", "453.59237 'g'"),
        ("5 '[iU]/L'", "5000 'u[iU]/mL'"),
        ("@2015-02-04", "@2015-02-04T"),
        ("@2015-02-04T10:00Z", "@2015-02-04T12:00+02:00"),
        ("@2015-02-04T10:00:00.10", "@2015-02-04T10:00:00.1"),
        ("@T10:00:00.0", "@T10:00:00"),
    ] {
        let source = format!("{left} = {right}");
        assert_eq!(answer(&source), "true", "{source}");
        let bucket = |source: &str| {
            let ast = crate::parse(source).unwrap();
            evaluate(&ast, ast.root())
                .unwrap()
                .unwrap()
                .unwrap()
                .bucket()
        };
        assert_eq!(bucket(left), bucket(right), "{source}");
    }
}
