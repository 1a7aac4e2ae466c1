use super::*;

#[test]
fn matching() {
    let url = "'http://fhir.org/guides/cqf/common/Library/FHIR-ModelInfo|4.0.1'";
    for (function, pattern, expected) in [
        ("matches", "library", "false"),
        ("matches", "Library", "true"),
        ("matches", "^Library$", "false"),
        ("matches", ".*Library.*", "true"),
        ("matches", "Measure", "false"),
        ("matchesFull", "Library", "false"),
        ("matchesFull", "^Library$", "false"),
        ("matchesFull", ".*Library.*", "true"),
        ("matchesFull", "^.*Library.*$", "true"),
    ] {
        check(&[(&format!("{url}.{function}('{pattern}')"), expected)]);
    }
    check(&[
        ("'FHIR'.matches('FHIR')", "true"),
        ("'FHIR'.matches('fhir')", "false"),
        ("'FHIR'.matches('fhir', 'i')", "true"),
        ("'FHIR'.matchesFull('fh', 'i')", "false"),
        ("'A\\n\\t\\tB'.matches('A.*B')", "true"),
        ("'A\\nB'.matches('^B$')", "false"),
        ("'A\\nB'.matches('^B$', 'm')", "true"),
        ("'A\\nB'.matches('^b$', 'mi')", "true"),
        ("'A\\nB'.matchesFull('B', 'm')", "false"),
        ("'A\\nB'.matchesFull('^A$', 'm')", "false"),
        ("'A\\n'.matches('A$')", "false"),
        ("'N8000123123'.matches('^N[0-9]{8}$')", "false"),
        ("'N8000123123'.matches('N[0-9]{8}')", "true"),
        ("'N8000123123'.matchesFull('N[0-9]{8}')", "false"),
        ("'N8000123123'.matchesFull('N[0-9]{10}')", "true"),
        ("'äö'.matches('^\\\\w+$')", "true"),
        ("'😀'.matchesFull('.')", "true"),
        ("''.matches('')", "true"),
        ("'x'.matches('')", "true"),
        ("'x'.matchesFull('')", "false"),
        ("'FHIR'.matches({})", ""),
        ("{}.matches('FHIR')", ""),
    ]);
    // Whole means whole, whatever the text of the pattern is.
    check(&[
        ("'ab'.matchesFull('a|ab')", "true"),
        ("'abc'.matchesFull('a|ab')", "false"),
        ("'a'.matchesFull('(?x)a # )')", "true"),
        ("'b'.matchesFull('(?x)a # )')", "false"),
    ]);
}

#[test]
fn replacing_matches() {
    let date = r"'11/30/1972'.replaceMatches('\\b(?<month>\\d{1,2})/(?<day>\\d{1,2})/(?<year>\\d{2,4})\\b', '${day}-${month}-${year}')";
    check(&[
        (date, "'30-11-1972'"),
        ("'123456'.replaceMatches('234', 'X')", "'1X56'"),
        ("'123456'.replaceMatches('234', '')", "'156'"),
        ("'abc'.replaceMatches('', 'x')", "'abc'"),
        ("'abc123'.replaceMatches('[0-9]', '-')", "'abc---'"),
        ("'abc'.replaceMatches('x', '-')", "'abc'"),
        ("'abc'.replaceMatches('B', '-', 'i')", "'a-c'"),
        ("'a\\nb'.replaceMatches('^', '> ', 'm')", "'> a\\n> b'"),
        ("''.replaceMatches('^', 'x')", "'x'"),
        ("'123'.replaceMatches({}, 'X')", ""),
        ("'123'.replaceMatches('2', {})", ""),
    ]);
    // Empty matches: before, between and after characters, never twice at one place.
    check(&[
        ("'äb'.replaceMatches('x*', '-')", "'-ä-b-'"),
        ("'axxb'.replaceMatches('x*', '-')", "'-a-b-'"),
        ("'aa'.replaceMatches('a|$', '-')", "'--'"),
        ("'ab'.replaceMatches('\\\\b', '|')", "'|ab|'"),
    ]);
}

#[test]
fn substitutions() {
    for (substitution, expected) in [
        ("$1", "ab"),
        ("${1}", "ab"),
        ("${x}", "c"),
        ("$2$1", "cab"),
        ("$0$0", "abcabc"),
        ("$1x", "abx"),
        ("$12", "ab2"),
        ("$3", "$3"),
        ("$10", "ab0"),
        ("$$1", "$1"),
        ("$", "$"),
        ("5$", "5$"),
        ("${y}", "${y}"),
        ("${1", "${1"),
        ("${}", "${}"),
        ("${+1}", "${+1}"),
        ("$x", "$x"),
        ("$99999999999", "$99999999999"),
        ("ä$1ä", "äabä"),
    ] {
        let source = format!("'abc'.replaceMatches('(ab)(?<x>c)', '{substitution}')");
        check(&[(&source, &format!("'{expected}'"))]);
    }
    // A group that took no part is empty.
    check(&[("'b'.replaceMatches('(a)|b', '[$1]')", "'[]'")]);
}

#[test]
fn refuses_what_is_no_regular_expression() {
    for pattern in [
        "(",
        "a)|(?:b",
        "[",
        "a{2,1}",
        "(?<a>x)(?<a>y)",
        r"\\1",
        "(?=a)",
        "(?<!a)b",
        "*",
        r"\\p{Nothing}",
        "(?-u:\\\\xff)",
    ] {
        check_faults(&[
            (&format!("'a'.matches('{pattern}')"), Fault::Regex),
            (&format!("'a'.matchesFull('{pattern}')"), Fault::Regex),
            (
                &format!("'a'.replaceMatches('{pattern}', 'b')"),
                Fault::Regex,
            ),
        ]);
    }
    let flags = Fault::Other("a regular expression has the flags i and m");
    check_faults(&[
        ("'a'.matches('a', 'g')", flags.clone()),
        ("'a'.matches('a', 'I')", flags),
        (
            "'a'.matches('a', 1)",
            argument("matches", "a string as its flags"),
        ),
        (
            "'a'.matches(1)",
            argument("matches", "a string as its pattern"),
        ),
        (
            "'a'.replaceMatches('a', 1)",
            argument("replaceMatches", "a string as its substitution"),
        ),
        ("1.matches('a')", input("matches", "Integer")),
    ]);
}

#[test]
fn a_prepared_one_is_taken() {
    let prepared = compile("^b$", "i", false, &Work::new(1_000, None)).unwrap();
    let work = Work::new(100, None);
    let args = [string("a", true)];
    let found = call(
        Function::Matches,
        &string("B", true),
        &args,
        Some(&prepared),
        &work,
    );
    assert!(matches!(found.unwrap().as_slice(), [Scalar::Boolean(true)]));
    assert!(prepared.size() > 0);
}

#[test]
fn patterns_that_people_write_fit() {
    let date = concat!(
        r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)",
        r"(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1]))?)?"
    );
    for (pattern, text) in [
        (r"[A-Za-z0-9\-\.]{1,64}", "a-1.b"),
        (r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+", "urn:oid:1.2.30"),
        (r"[^\s]+(\s[^\s]+)*", "a code"),
        (r"^[\p{L}\s'-]{1,100}$", "Zoë O'Hara-Smith"),
        (r"^\w{1,64}@[\w.-]+$", "someone@example.org"),
        (r"(?i)^(mr|mrs|dr)\.?\s+\p{Lu}\p{L}+$", "Dr. Who"),
        (date, "1974-12-25"),
    ] {
        let regex = compile(pattern, "", true, &Work::new(1_000_000, None)).unwrap();
        let work = Work::new(1_000, None);
        let args = [string(pattern, true)];
        let found = call(
            Function::MatchesFull,
            &string(text, true),
            &args,
            Some(&regex),
            &work,
        );
        assert!(
            matches!(found.unwrap().as_slice(), [Scalar::Boolean(true)]),
            "{pattern}"
        );
    }
}
