use super::*;

#[test]
fn encodings() {
    check(&[
        ("'test'.encode('base64')", "'dGVzdA=='"),
        ("'test'.encode('hex')", "'74657374'"),
        ("'subjects?_d'.encode('base64')", "'c3ViamVjdHM/X2Q='"),
        ("'subjects?_d'.encode('urlbase64')", "'c3ViamVjdHM_X2Q='"),
        ("'ä'.encode('hex')", "'c3a4'"),
        ("''.encode('base64')", "''"),
        ("'dGVzdA=='.decode('base64')", "'test'"),
        ("'dGVzdA'.decode('base64')", "'test'"),
        ("'74657374'.decode('hex')", "'test'"),
        ("'C3A4'.decode('hex')", "'ä'"),
        ("'c3ViamVjdHM/X2Q='.decode('base64')", "'subjects?_d'"),
        ("'c3ViamVjdHM_X2Q='.decode('urlbase64')", "'subjects?_d'"),
        ("''.decode('hex')", "''"),
        ("'test'.encode({})", ""),
    ]);
    // No text of that form, or none in UTF-8.
    check(&[
        ("'c3ViamVjdHM_X2Q='.decode('base64')", ""),
        ("'abc'.decode('hex')", ""),
        ("'xy'.decode('hex')", ""),
        ("'ä'.decode('hex')", ""),
        ("'ff'.decode('hex')", ""),
        ("'/w=='.decode('base64')", ""),
        ("'a'.decode('base64')", ""),
        ("'dGVz dA=='.decode('base64')", ""),
    ]);
    let expected = "'hex', 'base64' or 'urlbase64' as its argument";
    check_faults(&[
        ("'a'.encode('HEX')", argument("encode", expected)),
        ("'a'.decode('')", argument("decode", expected)),
        ("'a'.decode(16)", argument("decode", expected)),
        ("1.encode('hex')", input("encode", "Integer")),
    ]);
}

#[test]
fn escapes() {
    check(&[
        (r#"'"1<2"'.escape('html')"#, "'&quot;1&lt;2&quot;'"),
        (r#"'"1<2"'.escape('json')"#, r#"'\\"1<2\\"'"#),
        (r#"'&quot;1&lt;2&quot;'.unescape('html')"#, r#"'"1<2"'"#),
        (r#"'\"1<2\"'.unescape('json')"#, r#"'"1<2"'"#),
        (r"'a&b>c\'d'.escape('html')", "'a&amp;b&gt;c&#39;d'"),
        ("'äbc'.escape('html')", "'äbc'"),
        (r"'\\\n\r\t\f/ä'.escape('json')", r"'\\\\\\n\\r\\t\\f/ä'"),
        (
            r"'\u0008\u0001\u001f\u007f'.escape('json')",
            r"'\\b\\u0001\\u001f\u007f'",
        ),
        ("''.escape('json')", "''"),
    ]);
    check(&[
        ("'&amp;lt;'.unescape('html')", "'&lt;'"),
        ("'&#65;&#x41;&#X1F600;&apos;'.unescape('html')", r"'AA😀\''"),
        (
            "'a & b &c; &#; &#x; &#+5; &#xd800; &#0; &amp'.unescape('html')",
            "'a & b &c; &#; &#x; &#+5; &#xd800; &#0; &amp'",
        ),
        (
            "'&#99999999999999999999;'.unescape('html')",
            "'&#99999999999999999999;'",
        ),
        (
            r"'\\u00e4\\uD83D\\uDE00\\n\\/\\b'.unescape('json')",
            r"'ä😀\n/\u0008'",
        ),
        (r"'\\\\n'.unescape('json')", r"'\\n'"),
        (r"'plain'.unescape('json')", "'plain'"),
    ]);
    for bad in [
        r"\\",
        r"\\x",
        r"\\u12",
        r"\\u12ä4",
        r"\\uD83D",
        r"\\uD83Dx",
        r"\\uDE00\\uD83D",
        r"\\u+123",
        r"\\\'",
    ] {
        check(&[(&format!("'a{bad}'.unescape('json')"), "")]);
    }
    let expected = "'html' or 'json' as its argument";
    check_faults(&[
        ("'a'.escape('xml')", argument("escape", expected)),
        ("'a'.unescape(true)", argument("unescape", expected)),
        ("@2012.unescape('html')", input("unescape", "Date")),
    ]);
}
