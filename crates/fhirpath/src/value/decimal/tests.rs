use super::*;

fn parse(text: &str) -> Option<String> {
    Decimal::parse(text).map(|number| number.to_string())
}

#[test]
fn reads_numbers() {
    for (text, expected) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.00", "0.00"),
        ("007", "7"),
        ("+1.50", "1.50"),
        ("-1.50", "-1.50"),
        ("0.05", "0.05"),
        ("-0.05", "-0.05"),
        ("1e3", "1000"),
        ("1.5E+3", "1500"),
        ("1.50e1", "15.0"),
        ("15e-1", "1.5"),
        ("1e-8", "0.00000001"),
        ("0e5", "0"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9223372036854775808"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("0.0000000000000000001", "0.0000000000000000001"),
        ("1234567890987654321.0", "1234567890987654321.0"),
    ] {
        assert_eq!(parse(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn refuses_other_text() {
    for text in [
        "", "-", "+", ".", "1.", ".5", "--1", "1e", "1e+", "e5", "1.5.5", "1,5", " 1", "1 ", "0x1",
        "١", "NaN", "inf", "1e1.5", "1e5e5",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn stays_within_its_bounds() {
    let most = "9".repeat(1_000);
    assert_eq!(parse(&most).as_deref(), Some(&*most));
    assert_eq!(parse(&format!("000{most}")).as_deref(), Some(&*most));
    let finest = format!("0.{}1", "0".repeat(999));
    assert_eq!(parse(&finest).as_deref(), Some(&*finest));
    for text in [
        &format!("1{}", "0".repeat(1_000)),
        &format!("0.{}1", "0".repeat(1_000)),
        &"9".repeat(100_000),
        "1e1000",
        "1e-1001",
        "1e999999999999999999999999",
        "1e-999999999999999999999999",
        "-1e9223372036854775808",
        "0e-1000000",
    ] {
        assert_eq!(parse(text), None, "{}", text.len());
    }
    assert_eq!(parse("1e999").map(|text| text.len()), Some(1_000));
    assert_eq!(parse("1e400").map(|text| text.len()), Some(401));
    assert_eq!(parse("0e1000000").as_deref(), Some("0"));

    let (most, finest) = (
        Decimal::parse(&most).unwrap(),
        Decimal::parse(&finest).unwrap(),
    );
    let one = Decimal::from_i64(1);
    assert_eq!(most.add(&one), None);
    assert_eq!(most.negate().subtract(&one), None);
    assert_eq!(most.multiply(&most), None);
    assert_eq!(finest.multiply(&finest), None);
    assert_eq!(most.divide(&finest), None);
    assert!(finest.divide(&most).unwrap().is_zero());
    assert_eq!(most.divide(&most), Some(one.clone()));
    assert_eq!(most.divide_whole(&finest), None);
    assert!(most.remainder(&finest).unwrap().is_zero());
    assert_eq!(most.add(&finest).unwrap().to_string().len(), 2_001);
    assert_eq!(
        Decimal::from_i64(10)
            .power(999)
            .map(|n| n.to_string().len()),
        Some(1_000)
    );
    assert_eq!(Decimal::from_i64(10).power(1_000), None);
    assert_eq!(Decimal::from_i64(2).power(u32::MAX), None);
    assert_eq!(one.power(u32::MAX), Some(one.clone()));
    assert_eq!(one.round(1_001, RoundingMode::HalfUp), None);
    assert_eq!(most.units(18), None);
    assert_eq!(most.to_i64(), None);
    assert_eq!(one.shifted(1_001), None);
    assert!(most.to_f64().is_infinite());
    assert_eq!(Decimal::from_f64(f64::NAN), None);
    assert_eq!(Decimal::from_f64(f64::INFINITY), None);
    assert_eq!(Decimal::from_f64(0.1).unwrap().to_string(), "0.1");
    assert_eq!(Decimal::from_f64(f64::MAX).unwrap().to_string().len(), 309);
}

#[test]
fn quotients_keep_28_digits_or_8_decimals() {
    for (dividend, divisor, expected) in [
        ("1", "8", "0.125"),
        ("1", "1024", "0.0009765625"),
        ("1", "1073741824", "0.000000000931322574615478515625"),
        ("10", "4", "2.5"),
        ("1.000", "1", "1.000"),
        ("1", "1.000", "1"),
        ("0.00", "7", "0.00"),
        ("1", "0.0003", "3333.333333333333333333333333"),
        ("1", "3000", "0.0003333333333333333333333333333"),
        ("1e30", "3", "333333333333333333333333333333.33333333"),
        ("1e30", "7.00", "142857142857142857142857142857.14285714"),
        ("2e30", "-3", "-666666666666666666666666666666.66666667"),
        (
            "9999999999999999999999999999",
            "10",
            "999999999999999999999999999.9",
        ),
        (
            "99999999999999999999999999999",
            "1e10",
            "10000000000000000000",
        ),
    ] {
        let number = |text| Decimal::parse(text).unwrap();
        let quotient = number(dividend).divide(&number(divisor)).unwrap();
        assert_eq!(quotient.to_string(), expected, "{dividend} / {divisor}");
    }
}

#[test]
fn whole_numbers() {
    for (text, whole) in [
        ("4.00", Some(4)),
        ("-4", Some(-4)),
        ("4.01", None),
        ("0.0", Some(0)),
        ("9223372036854775807.000", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("1e20", None),
    ] {
        let number = Decimal::parse(text).unwrap();
        assert_eq!(number.to_i64(), whole, "{text}");
        assert_eq!(number.is_integer(), text != "4.01", "{text}");
    }
    assert_eq!(Decimal::parse("-2.9").unwrap().units(0), Some(-2));
    assert_eq!(Decimal::parse("-2.987").unwrap().units(2), Some(-298));
    assert_eq!(Decimal::parse("2").unwrap().units(3), Some(2_000));
}
