use super::*;

#[test]
fn whole_numbers() {
    check(&[
        ("1.ceiling()", "1"),
        ("(-1.1).ceiling()", "-1"),
        ("1.1.ceiling()", "2"),
        ("(-0.5).ceiling()", "0"),
        ("1.floor()", "1"),
        ("2.1.floor()", "2"),
        ("(-2.1).floor()", "-3"),
        ("101.truncate()", "101"),
        ("1.00000001.truncate()", "1"),
        ("(-1.56).truncate()", "-1"),
        ("2147483647.0.floor()", "2147483647"),
        ("9223372036854775806.1.ceiling()", "9223372036854775807"),
        (
            "(-9223372036854775808.9).truncate()",
            "-9223372036854775808",
        ),
    ]);
    // Beyond an Integer.
    check(&[
        ("9223372036854775807.1.ceiling()", ""),
        ("(-9223372036854775808.1).floor()", ""),
        ("99999999999999999999999999999999.5.truncate()", ""),
    ]);
    check_faults(&[
        ("'1'.floor()", input("floor", "String")),
        ("1.5 'mg'.ceiling()", input("ceiling", "Quantity")),
        ("true.truncate()", input("truncate", "Boolean")),
    ]);
}

#[test]
fn absolute_values() {
    check(&[
        ("(-5).abs()", "5"),
        ("(-5.50).abs()", "5.50"),
        ("5.abs()", "5"),
        ("0.abs()", "0"),
        ("(-5.5 'mg').abs()", "5.5 'mg'"),
        ("(-1 day).abs()", "1 day"),
        ("(-9223372036854775807).abs()", "9223372036854775807"),
    ]);
    let work = Work::new(100, None);
    let found = call(Function::Abs, &Scalar::Integer(i64::MIN), &[], None, &work);
    assert!(found.unwrap().is_empty());
    check_faults(&[("@2012.abs()", input("abs", "Date"))]);
}

#[test]
fn rounding() {
    check(&[
        ("1.round()", "1"),
        ("3.14159.round(3)", "3.142"),
        ("3.14159.round()", "3"),
        ("0.5.round()", "1"),
        ("1.5.round()", "2"),
        ("2.5.round()", "3"),
        ("(-0.5).round()", "-1"),
        ("(-1.5).round()", "-2"),
        ("(-1.4).round()", "-1"),
        ("9.995.round(2)", "10.00"),
        ("3.1.round(3)", "3.1"),
        ("3.1.round(9223372036854775807)", "3.1"),
        ("1.round(2)", "1"),
    ]);
    let expected = "an integer of 0 or more as its precision";
    check_faults(&[
        ("1.5.round(-1)", argument("round", expected)),
        ("1.5.round(1.0)", argument("round", expected)),
        ("'1.5'.round()", input("round", "String")),
    ]);
}

#[test]
fn roots() {
    check(&[
        ("81.sqrt()", "9"),
        ("0.sqrt()", "0"),
        ("0.00.sqrt()", "0"),
        ("6.25.sqrt()", "2.5"),
        ("0.0001.sqrt()", "0.01"),
        ("2.sqrt()", "1.4142135623731"),
        ("3.sqrt()", "1.73205080756888"),
        (
            "1524157875323883675019051998750190521.0.sqrt()",
            "1234567890123456789",
        ),
        (
            "0.000000000000000000015241578753238836750190519987501905210.sqrt()",
            "0.0000000001234567890123456789",
        ),
        ("(-1).sqrt()", ""),
        ("(-0.01).sqrt()", ""),
    ]);
    check_faults(&[("'4'.sqrt()", input("sqrt", "String"))]);
}

#[test]
fn powers() {
    check(&[
        ("2.power(3)", "8"),
        ("2.5.power(2)", "6.25"),
        ("2.power(0)", "1"),
        ("0.power(0)", "1"),
        ("0.power(5)", "0"),
        ("0.power(-1)", ""),
        ("2.power(30)", "1073741824"),
        ("2.power(62)", "4611686018427387904"),
        ("2.power(63)", ""),
        ("2.power(-1)", ""),
        ("1.power(-1)", "1"),
        ("(-1).power(-3)", "-1"),
        ("(-1).power(9223372036854775807)", "-1"),
        ("2.0.power(-1)", "0.5"),
        ("2.power(-1.0)", "0.5"),
        ("4.power(0.5)", "2"),
        ("4.power(1.5)", "8"),
        ("2.power(0.5)", "1.4142135623731"),
        ("(-1).power(0.5)", ""),
        ("(-8).power(0.25)", ""),
        ("(-2).power(3.0)", "-8"),
        ("1.1.power(10)", "2.5937424601"),
        ("10.power(9223372036854775807)", ""),
        ("10.0.power(-9223372036854775807)", ""),
        ("10.0.power(999)", &format!("1{}", "0".repeat(999))),
        ("10.0.power(4000000000)", ""),
        ("1.5.power(4294967295)", ""),
        ("1.0.power(99999999999999999999999.0)", "1"),
        ("10.0.power(400.5)", ""),
    ]);
    let expected = "a number as its exponent";
    check_faults(&[
        ("2.power('3')", argument("power", expected)),
        ("'2'.power(3)", input("power", "String")),
        ("2 'm'.power(2)", input("power", "Quantity")),
    ]);
}

#[test]
fn exponentials_and_logarithms() {
    check(&[
        ("0.exp()", "1"),
        ("(-0.0).exp()", "1"),
        ("1.exp()", "2.71828182845905"),
        ("(-1000).exp()", "0"),
        ("1000.exp()", ""),
        ("50.exp()", "5184705528587070000000"),
        ("1.ln()", "0"),
        ("1.0.ln()", "0"),
        ("2.ln()", "0.693147180559945"),
        ("0.ln()", ""),
        ("(-1).ln()", ""),
        ("16.log(2)", "4"),
        ("100.0.log(10.0)", "2"),
        ("1000.log(10)", "3"),
        ("8.log(0.5)", "-3"),
        ("8.log(1)", ""),
        ("1.log(1)", ""),
        ("8.log(0)", "0"),
        ("8.log(-2)", ""),
        ("0.log(10)", ""),
        ("{}.exp()", ""),
        ("16.log({})", ""),
    ]);
    check_faults(&[
        ("'1'.exp()", input("exp", "String")),
        ("1.log('e')", argument("log", "a number as its base")),
    ]);
}
