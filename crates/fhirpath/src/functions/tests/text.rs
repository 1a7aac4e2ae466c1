use super::*;

#[test]
fn positions_count_characters() {
    check(&[
        ("'LogicalModel-Person'.indexOf('-')", "12"),
        ("'LogicalModel-Person'.indexOf('z')", "-1"),
        ("'LogicalModel-Person'.indexOf('')", "0"),
        ("''.indexOf('')", "0"),
        ("''.indexOf('a')", "-1"),
        ("'äöü😀x'.indexOf('x')", "4"),
        ("'abc'.indexOf('abcd')", "-1"),
        ("'abc abc'.lastIndexOf('a')", "4"),
        ("'äbc äbc'.lastIndexOf('ä')", "4"),
        ("'abcdefg'.lastIndexOf('bc')", "1"),
        ("'abcdefg'.lastIndexOf('x')", "-1"),
        ("'abcdefg'.lastIndexOf('abcdefg')", "0"),
        ("'aaa'.lastIndexOf('aa')", "1"),
        ("'abc'.lastIndexOf('')", "0"),
        ("{}.indexOf('-')", ""),
        ("'a'.lastIndexOf({})", ""),
        ("'123456'.length()", "6"),
        ("''.length()", "0"),
        ("'ä😀e\\u0301'.length()", "4"),
    ]);
}

#[test]
fn substrings() {
    check(&[
        ("'12345'.substring(2)", "'345'"),
        ("'12345'.substring(2, 1)", "'3'"),
        ("'12345'.substring(2, 5)", "'345'"),
        ("'12345'.substring(0)", "'12345'"),
        ("'12345'.substring(4)", "'5'"),
        ("'12345'.substring(5)", ""),
        ("'12345'.substring(25)", ""),
        ("'12345'.substring(-1)", ""),
        ("'12345'.substring(-1, 3)", ""),
        ("'12345'.substring(-1, -1)", ""),
        ("'12345'.substring(3, 0)", "''"),
        ("'12345'.substring(3, -1)", "''"),
        ("''.substring(0)", ""),
        ("''.substring(0, 0)", ""),
        ("'ä😀x'.substring(1, 1)", "'😀'"),
        ("'ä😀x'.substring(2)", "'x'"),
        ("'12345'.substring(9223372036854775807)", ""),
        ("'12345'.substring(1, 9223372036854775807)", "'2345'"),
        (
            "'LogicalModel-Person'.substring(0, 'LogicalModel-Person'.indexOf('-'))",
            "'LogicalModel'",
        ),
        ("{}.substring(25)", ""),
    ]);
    let expected = "integers as its start and length";
    check_faults(&[
        ("'1'.substring('0')", argument("substring", expected)),
        ("'1'.substring(0.0)", argument("substring", expected)),
        ("'1'.substring(0, true)", argument("substring", expected)),
        ("1.substring(0)", input("substring", "Integer")),
    ]);
}

#[test]
fn parts_of_strings() {
    check(&[
        ("'12345'.startsWith('12')", "true"),
        ("'12345'.startsWith('13')", "false"),
        ("'12345'.startsWith('123456')", "false"),
        ("'12345'.startsWith('')", "true"),
        ("''.startsWith('')", "true"),
        ("'12345'.endsWith('45')", "true"),
        ("'12345'.endsWith('35')", "false"),
        ("'12345'.endsWith('012345')", "false"),
        ("'12345'.endsWith('')", "true"),
        ("'12345'.contains('234')", "true"),
        ("'12345'.contains('6')", "false"),
        ("'12345'.contains('012345')", "false"),
        ("'12345'.contains('')", "true"),
        ("'ÄÖ'.contains('ä')", "false"),
        ("'12345'.contains({})", ""),
    ]);
    let expected = "a string as its argument";
    check_faults(&[
        ("12.startsWith('1')", input("startsWith", "Integer")),
        ("@2012.endsWith('2')", input("endsWith", "Date")),
        ("true.contains('t')", input("contains", "Boolean")),
        ("'12'.contains(1)", argument("contains", expected)),
        ("'12'.indexOf(1)", argument("indexOf", expected)),
        ("1.5.lastIndexOf('.')", input("lastIndexOf", "Decimal")),
        ("1 'mg'.length()", input("length", "Quantity")),
    ]);
}

#[test]
fn cases() {
    check(&[
        ("'t'.upper()", "'T'"),
        ("'T'.upper()", "'T'"),
        ("'AbC'.lower()", "'abc'"),
        ("''.upper()", "''"),
        ("'straße'.upper()", "'STRASSE'"),
        ("'ÄÖ'.lower()", "'äö'"),
        ("'ΟΔΟΣ'.lower()", "'οδος'"),
        ("'İ'.lower()", "'i̇'"),
    ]);
    check_faults(&[("@T12.upper()", input("upper", "Time"))]);
}

#[test]
fn replacing() {
    check(&[
        ("'123456'.replace('234', 'X')", "'1X56'"),
        ("'abc'.replace('', 'x')", "'xaxbxcx'"),
        ("''.replace('', 'x')", "'x'"),
        ("'ä😀'.replace('', '-')", "'-ä-😀-'"),
        ("'123456'.replace('234', '')", "'156'"),
        ("'aaa'.replace('aa', 'b')", "'ba'"),
        ("'abc'.replace('x', 'y')", "'abc'"),
        ("'abc'.replace('b', '$1')", "'a$1c'"),
        ("'123'.replace({}, 'X')", ""),
        ("'123'.replace('2', {})", ""),
    ]);
    let expected = "a string as its pattern and one as its substitution";
    check_faults(&[
        ("'1'.replace(1, 'a')", argument("replace", expected)),
        ("'1'.replace('1', 2)", argument("replace", expected)),
    ]);
}

#[test]
fn pieces() {
    check(&[
        ("'t2'.toChars()", "'t' | '2'"),
        ("'ä😀'.toChars()", "'ä' | '😀'"),
        ("''.toChars()", ""),
        ("'A,B,C'.split(',')", "'A' | 'B' | 'C'"),
        ("'ABC'.split(',')", "'ABC'"),
        ("'A,,C'.split(',')", "'A' | '' | 'C'"),
        ("',,'.split(',')", "'' | '' | ''"),
        ("''.split(',')", "''"),
        ("'abc'.split('')", "'a' | 'b' | 'c'"),
        (
            "'[stop]ONE[stop][stop]TWO[stop][stop][stop]THREE[stop][stop]'.split('[stop]').count()",
            "9",
        ),
        ("' 123456 '.trim()", "'123456'"),
        ("'\\t\\r\\n 1 2 \\n'.trim()", "'1 2'"),
        ("'      '.trim()", "''"),
        ("''.trim()", "''"),
        ("'\\u00a0x\\u00a0'.trim().length()", "3"),
    ]);
    check_faults(&[(
        "'a'.split(1)",
        argument("split", "a string as its argument"),
    )]);
}
