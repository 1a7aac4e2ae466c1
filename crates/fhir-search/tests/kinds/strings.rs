//! String parameters: plain, `:exact` and `:contains`.

use crate::support::check;

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn starts() {
    let name = r#"{"name":[{"text":"Dr. Ünal","family":"Müller-Straße","given":["Jürgen","Ḿary Ann"],"prefix":["Frau"],"suffix":["III"],"use":"old"}]}"#;
    check(
        "Patient",
        &[
            ("name=muller", name, YES),
            ("name=M%C3%9CLLER", name, YES),
            ("name=Mu%CC%88ller", name, YES),
            ("name=m%C3%BCller-stras", name, YES),
            ("name=muller-strasse", name, YES),
            ("name=MULLER-STRA%E1%BA%9EE", name, YES),
            ("name=ller", name, NO),
            ("name=ann", name, NO),
            ("name=mary a", name, YES),
            ("name=mary%20ann", name, YES),
            ("name=frau", name, YES),
            ("name=iii", name, YES),
            ("name=dr.", name, YES),
            ("name=old", name, NO),
            ("name=x,iii", name, YES),
            ("name=%EF%BC%A9", name, YES), // a wide I is an I
            ("family=muller", name, YES),
            ("family=jurgen", name, NO),
            ("given=jurgen", name, YES),
            ("name:not=muller", name, NO),
            ("name:not=x", name, YES),
            ("name:missing=false", name, YES),
            ("name:missing=true", "{}", YES),
            ("name:missing=true", r#"{"name":[{}]}"#, YES),
            ("name=m", "{}", NO),
            ("name:not=m", "{}", YES),
        ],
    );
    let address = r#"{"address":[{"use":"home","line":["1 Main St.","Flat 2"],"city":"Århus","postalCode":"8000","district":"D","state":"S","country":"DK","text":"all"}]}"#;
    check(
        "Patient",
        &[
            ("address=1 main", address, YES),
            ("address=flat", address, YES),
            ("address=arhus", address, YES),
            ("address=80", address, YES),
            ("address=d", address, YES),
            ("address=s", address, YES),
            ("address=dk", address, YES),
            ("address=all", address, YES),
            ("address=home", address, NO),
            ("address-city=arhus", address, YES),
            ("address-city=dk", address, NO),
        ],
    );
}

#[test]
fn exact() {
    let name = r#"{"name":[{"text":"All","family":"Müller","given":["Ann","Mary Ann"],"prefix":["Dr"],"suffix":["X"]}],"address":[{"line":["A b"],"city":"Paris"}]}"#;
    check(
        "Patient",
        &[
            ("name:exact=M%C3%BCller", name, YES),
            ("name:exact=Mu%CC%88ller", name, NO),
            ("name:exact=Muller", name, NO),
            ("name:exact=m%C3%BCller", name, NO),
            ("name:exact=M%C3%BCll", name, NO),
            ("name:exact=All", name, YES),
            ("name:exact=Ann", name, YES),
            ("name:exact=Mary Ann", name, YES),
            ("name:exact=Dr", name, YES),
            ("name:exact=X", name, YES),
            ("name:exact=x,X", name, YES),
            ("given:exact=Ann", name, YES),
            ("given:exact=M%C3%BCller", name, NO),
            ("address:exact=A b", name, YES),
            ("address:exact=Paris", name, YES),
            ("address-city:exact=paris", name, NO),
            // Known where it fits; unknown where something beside it is wrongly typed and nothing fits.
            ("name:exact=Ann", r#"{"name":[{"given":[5,"Ann"]}]}"#, YES),
            ("name:exact=Bob", r#"{"name":[{"given":[5,"Ann"]}]}"#, None),
            ("name:exact=Ann", r#"{"name":[{"given":"Ann"}]}"#, None),
            ("name:exact=Ann", r#"{"name":{"family":"Ann"}}"#, None),
            ("name:exact=Ann", r#"{"name":[{"given":[["Ann"]]}]}"#, None),
            (
                "name:exact=%CC%81",
                r#"{"name":[{"family":"\u0301"}]}"#,
                YES,
            ),
        ],
    );
    check(
        "Observation",
        &[
            ("value-string:exact=A", r#"{"valueString":"A"}"#, YES),
            (
                "value-string:exact=A",
                r#"{"valueCodeableConcept":{"text":"A"}}"#,
                YES,
            ),
            ("value-string:exact=A", r#"{"valueString":"a"}"#, NO),
            (
                r"value-string:exact=a\,b\|c\$d\\",
                r#"{"valueString":"a,b|c$d\\"}"#,
                YES,
            ),
            (
                "value-string:exact=a|b$c",
                r#"{"valueString":"a|b$c"}"#,
                YES,
            ),
        ],
    );
}

#[test]
fn contains() {
    let name = r#"{"name":[{"family":"Müller-Straße","given":["Mary Ann"]}]}"#;
    check(
        "Patient",
        &[
            ("name:contains=ller", name, YES),
            ("name:contains=%C3%9CLL", name, YES),
            ("name:contains=strasse", name, YES),
            ("name:contains=SSE", name, YES),
            ("name:contains=y a", name, YES),
            ("name:contains=muller", name, YES),
            ("name:contains=ann mary", name, NO),
            ("name:contains=eM", name, NO), // not across two parts
            ("family:contains=ann", name, NO),
            ("given:contains=x,nn", name, YES),
            ("name:contains=a", "{}", NO),
            ("name:contains=a", r#"{"name":[{"family":5}]}"#, None),
            (
                "name:contains=a",
                r#"{"name":[{"family":5,"given":["ba"]}]}"#,
                YES,
            ),
            (
                "name:contains=a",
                r#"{"name":[null,{"given":[null,"ba"]}]}"#,
                YES,
            ),
        ],
    );
}
