use super::*;

#[test]
fn decimals() {
    check(&[
        ("1.587.lowBoundary()", "1.58650000"),
        ("1.587.lowBoundary(6)", "1.586500"),
        ("1.587.lowBoundary(2)", "1.58"),
        ("1.587.lowBoundary(0)", "1"),
        ("(-1.587).lowBoundary()", "-1.58750000"),
        ("(-1.587).lowBoundary(2)", "-1.59"),
        ("(-1.587).lowBoundary(0)", "-2"),
        ("1.lowBoundary(0)", "0"),
        ("1.lowBoundary()", "0.50000000"),
        ("120.lowBoundary(2)", "119.50"),
        ("12.500.lowBoundary(4)", "12.4995"),
        ("0.0034.lowBoundary(1)", "0.0"),
        ("(-0.0034).lowBoundary(1)", "0.0"),
        ("1.587.highBoundary()", "1.58750000"),
        ("1.587.highBoundary(2)", "1.59"),
        ("1.587.highBoundary(0)", "2"),
        ("(-1.587).highBoundary()", "-1.58650000"),
        ("(-1.587).highBoundary(2)", "-1.58"),
        ("1.highBoundary(0)", "2"),
        ("0.0034.highBoundary(1)", "0.0"),
        ("0.0034.highBoundary(2)", "0.00"),
        ("0.0034.highBoundary(3)", "0.004"),
        ("0.05.highBoundary(1)", "0.1"),
        ("0.highBoundary()", "0.50000000"),
        ("0.lowBoundary(0)", "-1"),
        ("1.5200.highBoundary(1)", "1.6"),
        ("1.123456789.highBoundary()", "1.1234567895"),
        ("1.587.lowBoundary(28)", "1.5865000000000000000000000000"),
    ]);
    for precision in ["-1", "29", "32", "39", "9223372036854775807"] {
        check(&[
            (&format!("1.587.lowBoundary({precision})"), ""),
            (&format!("1.587.highBoundary({precision})"), ""),
        ]);
    }
    check(&[
        ("1.587 'cm'.lowBoundary(8)", "1.58650000 'cm'"),
        ("1 day.highBoundary(1)", "1.5 days"),
        ("1.587.lowBoundary({})", ""),
    ]);
    let expected = "an integer as its precision";
    check_faults(&[
        ("1.5.lowBoundary(1.0)", argument("lowBoundary", expected)),
        ("'1.5'.lowBoundary()", input("lowBoundary", "String")),
        ("true.highBoundary()", input("highBoundary", "Boolean")),
    ]);
}

#[test]
fn dates() {
    check(&[
        ("@2014.lowBoundary()", "@2014-01-01"),
        ("@2014.highBoundary()", "@2014-12-31"),
        ("@2014.lowBoundary(6)", "@2014-01"),
        ("@2014.highBoundary(6)", "@2014-12"),
        ("@2014.highBoundary(4)", "@2014"),
        ("@2016-02.highBoundary(8)", "@2016-02-29"),
        ("@2015-02.highBoundary(8)", "@2015-02-28"),
        ("@2014-05-06.highBoundary(6)", "@2014-05"),
        ("@2014-05-06.lowBoundary(8)", "@2014-05-06"),
        ("@2014.lowBoundary(5)", ""),
        ("@2014.lowBoundary(0)", ""),
        ("@2014.lowBoundary(10)", ""),
        ("@2014.lowBoundary(17)", ""),
        ("@2014.lowBoundary(-4)", ""),
    ]);
}

#[test]
fn moments() {
    check(&[
        (
            "@2014-01-01T08.lowBoundary(17)",
            "@2014-01-01T08:00:00.000+14:00",
        ),
        (
            "@2014-01-01T08:05+08:00.lowBoundary(17)",
            "@2014-01-01T08:05:00.000+08:00",
        ),
        ("@2014-01-01T08.lowBoundary(8)", "@2014-01-01T"),
        (
            "@2014-01-01T08.highBoundary(17)",
            "@2014-01-01T08:59:59.999-12:00",
        ),
        (
            "@2014-01-01T08:05-05:00.highBoundary(17)",
            "@2014-01-01T08:05:59.999-05:00",
        ),
        ("@2014T.lowBoundary()", "@2014-01-01T00:00:00.000+14:00"),
        ("@2014-02T.highBoundary()", "@2014-02-28T23:59:59.999-12:00"),
        ("@2014-02T.highBoundary(10)", "@2014-02-28T23-12:00"),
        ("@2014-02T.highBoundary(12)", "@2014-02-28T23:59-12:00"),
        ("@2014-02T.highBoundary(14)", "@2014-02-28T23:59:59-12:00"),
        (
            "@2014-01-01T08:05:06.7Z.highBoundary()",
            "@2014-01-01T08:05:06.799Z",
        ),
        (
            "@2014-01-01T08:05:06.7Z.lowBoundary(16)",
            "@2014-01-01T08:05:06.70Z",
        ),
        (
            "@2014-01-01T08:05:06.123456Z.highBoundary(17)",
            "@2014-01-01T08:05:06.123Z",
        ),
        ("@2014T.highBoundary(6)", "@2014-12T"),
        ("@2014T.lowBoundary(9)", ""),
        ("@2014T.lowBoundary(11)", ""),
        ("@2014T.lowBoundary(18)", ""),
        ("@T10:30.lowBoundary(9)", "@T10:30:00.000"),
        ("@T10:30.highBoundary(9)", "@T10:30:59.999"),
        ("@T10.highBoundary()", "@T10:59:59.999"),
        ("@T10:30:15.highBoundary(2)", "@T10"),
        ("@T10:30.highBoundary(6)", "@T10:30:59"),
        ("@T10:30.highBoundary(10)", ""),
        ("@T10:30.highBoundary(3)", ""),
    ]);
}

#[test]
fn precisions() {
    check(&[
        ("1.58700.precision()", "5"),
        ("1.precision()", "0"),
        ("@2014.precision()", "4"),
        ("@2014-01.precision()", "6"),
        ("@2014-01-05.precision()", "8"),
        ("@2014T.precision()", "4"),
        ("@2014-01-05T10Z.precision()", "10"),
        ("@2014-01-05T10:30:00.000.precision()", "17"),
        ("@2014-01-05T10:30:00.precision()", "14"),
        ("@T10:30.precision()", "4"),
        ("@T10:30:00.000.precision()", "9"),
    ]);
    check_faults(&[
        ("'1'.precision()", input("precision", "String")),
        ("1 'm'.precision()", input("precision", "Quantity")),
    ]);
}

#[test]
fn comparable() {
    check(&[
        ("1 'cm'.comparable(1 '[in_i]')", "true"),
        ("1 'cm'.comparable(1 '[s]')", "false"),
        ("1 'cm'.comparable(1 's')", "false"),
        ("1 'cm'.comparable(1)", "false"),
        ("1.comparable(2.5)", "true"),
        ("1 day.comparable(1 'h')", "true"),
    ]);
    check_faults(&[
        (
            "1 'cm'.comparable('1 cm')",
            argument("comparable", "a quantity as its argument"),
        ),
        ("'1'.comparable(1 'cm')", input("comparable", "String")),
    ]);
}
