//! URI parameters: letter by letter, `:below` and `:above`.

use crate::support::check;

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn plain() {
    let url = r#"{"url":"http://x/a"}"#;
    check(
        "ValueSet",
        &[
            ("url=http://x/a", url, YES),
            ("url=http://x/A", url, NO),
            ("url=http://x/a/", url, NO),
            ("url=http://x", url, NO),
            ("url=y,http://x/a", url, YES),
            ("url:not=http://x/a", url, NO),
            ("url:not=http://x/b", url, YES),
            ("url:missing=true", url, NO),
            ("url:missing=true", "{}", YES),
            ("url=http://x/a", r#"{"url":["http://x/a"]}"#, None),
            ("url=http://x/a", r#"{"url":5}"#, None),
            ("url=urn:oid:1.2", r#"{"url":"urn:oid:1.2"}"#, YES),
            // A canonical is compared with its version.
            (
                "_profile=http://x|1",
                r#"{"meta":{"profile":["http://x|1"]}}"#,
                YES,
            ),
            (
                "_profile=http://x",
                r#"{"meta":{"profile":["http://x|1"]}}"#,
                NO,
            ),
            ("_source=urn:a#b", r#"{"meta":{"source":"urn:a#b"}}"#, YES),
        ],
    );
}

#[test]
fn below() {
    for (asked, stored, expected) in [
        ("http://a/b", "http://a/b", YES),
        ("http://a/b", "http://a/b/", YES),
        ("http://a/b", "http://a/b/c", YES),
        ("http://a/b", "http://a/b/c/d", YES),
        ("http://a/b", "http://a/bc", NO),
        ("http://a/b", "http://a", NO),
        ("http://a/b", "http://A/b", NO),
        ("http://a/b/", "http://a/b", YES),
        ("http://a/b/", "http://a/b/c", YES),
        ("http://a", "http://a/b", YES),
        ("http://a", "http://ab", NO),
        ("http://a", "https://a/b", NO),
        ("http://a/b", "http://a/b?x", NO),
        ("http://a/b", "urn:a", NO),
        ("http://a/b", "", NO),
        ("http://z,http://a", "http://a/b", YES),
    ] {
        let json = format!(r#"{{"url":"{stored}"}}"#);
        check(
            "ValueSet",
            &[(&format!("url:below={asked}"), &json, expected)],
        );
        let several = format!(r#"{{"meta":{{"profile":["http://q","{stored}"]}}}}"#);
        check(
            "ValueSet",
            &[(&format!("_profile:below={asked}"), &several, expected)],
        );
    }
    check(
        "ValueSet",
        &[
            ("url:below=http://a", "{}", NO),
            ("url:below=http://a", r#"{"url":5}"#, None),
            (
                "_profile:below=http://a",
                r#"{"meta":{"profile":[5,"http://a/b"]}}"#,
                YES,
            ),
            (
                "_profile:below=http://a",
                r#"{"meta":{"profile":"http://a/b"}}"#,
                None,
            ),
        ],
    );
}

#[test]
fn above() {
    for (asked, stored, expected) in [
        ("http://a/b/c", "http://a/b/c", YES),
        ("http://a/b/c", "http://a/b", YES),
        ("http://a/b/c", "http://a/b/", YES),
        ("http://a/b/c", "http://a", YES),
        ("http://a/b/c", "http://a/", YES),
        ("http://a/b/c/", "http://a/b/c", YES),
        ("http://a/b/c", "http://a/b/c/d", NO),
        ("http://a/b/c", "http://a/b/x", NO),
        ("http://a/b/c", "http://a/bb", NO),
        ("http://a/b/c", "http:", NO),
        ("http://a/b/c", "http:/", NO),
        ("http://a/b/c", "http://", NO),
        ("http://a", "http://a", YES),
        ("http://a", "http://", NO),
        ("https://%C3%A9/%C3%A9/x", "https://é/é", YES),
    ] {
        let json = format!(r#"{{"url":"{stored}"}}"#);
        check(
            "ValueSet",
            &[(&format!("url:above={asked}"), &json, expected)],
        );
    }
}
