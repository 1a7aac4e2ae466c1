//! Which fields a write would change, were they not put back.
#![allow(clippy::unwrap_used, clippy::panic)]

use access_policy::fields::FieldSet;
use jsonb::{Value, from_json};

/// Fields that a writer who cannot see `unseen` would change.
#[track_caller]
fn violations(kept: &str, unseen: &str, old: Option<&str>, new: &str) -> Vec<String> {
    let fields = |paths: &str| paths.parse::<FieldSet>().unwrap();
    let old = old.map(|old| from_json(old).unwrap());
    let new = from_json(new).unwrap();
    let old = old.as_deref().map(|old| Value::parse(old).unwrap());
    fields(kept)
        .violations(Value::parse(&new).unwrap(), old, &fields(unseen))
        .unwrap()
}

#[test]
fn violations_are_named_by_path() {
    let kept = "birthDate,value[x],i.value,telecom,name.given.id";
    let old = r#"{"birthDate": "d", "_birthDate": {"id": "b"}, "valueQuantity": {"value": 1.10}, "telecom": [{"value": "CANARY"}],
        "i": [{"s": "A", "value": "1"}, {"s": "B"}], "name": [{"given": ["a", "b"], "_given": [null, {"id": "x"}]}]}"#;
    let read = r#"{"birthDate": "d", "_birthDate": {"id": "b"}, "valueQuantity": {"value": 1.1},
        "i": [{"s": "B"}, {"s": "A", "value": "1"}], "name": [{"given": ["b", "a"], "_given": [{"id": "x"}]}]}"#;
    let none: [&str; 0] = [];
    assert_eq!(violations(kept, "telecom", Some(old), read), none);
    // What was left out, and what was added or changed.
    assert_eq!(
        violations(kept, "telecom", Some(old), "{}"),
        [
            "_birthDate",
            "birthDate",
            "i.value",
            "name._given.id",
            "valueQuantity"
        ]
    );
    assert_eq!(
        violations(
            kept,
            "telecom",
            Some(old),
            &read
                .replace("\"1\"", "\"2\"")
                .replace("\"x\"", "\"y\"")
                .replace("{\"s\": \"B\"}", "{\"s\": \"B\", \"value\": 0}")
        ),
        ["i.value", "name._given.id"]
    );
    // Of what cannot be seen, whether it is sent counts, not whether it is what is stored.
    for value in ["CANARY", "other"] {
        let sent = read.replacen(
            '{',
            &format!(r#"{{"telecom": [{{"value": "{value}"}}], "#),
            1,
        );
        assert_eq!(violations(kept, "telecom", Some(old), &sent), ["telecom"]);
        assert_eq!(violations("telecom", "telecom", None, &sent), ["telecom"]);
    }
    let empty = r#"{"telecom": null, "i": [{"value": []}]}"#;
    assert_eq!(violations(kept, "", None, empty), none);
    assert_eq!(violations(kept, "", None, read).len(), 5);
    // A field may be hidden in one that is readonly.
    let old = r#"{"name": [{"family": "F", "text": "T"}]}"#;
    let new = r#"{"name": [{"text": "T"}]}"#;
    assert_eq!(violations("name", "name.family", Some(old), new), none);
    let forged = r#"{"name": [{"text": "U", "family": "F"}]}"#;
    assert_eq!(
        violations("name", "name.family", Some(old), forged),
        ["name", "name.family"]
    );
}
