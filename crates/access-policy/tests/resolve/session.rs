//! The whole of a session: wildcards, compartments, addresses, limits, the fingerprint.

use super::*;

#[test]
fn wildcard_criteria_are_bound_for_each_type() {
    let a = policy(
        "a",
        r#""resource":[{"resourceType":"*","criteria":"*?_compartment=%patient","readonly":true},
                       {"resourceType":"Patient","compartment":{"reference":"%patient"},"criteria":"Patient?_id=1"}]"#,
    );
    let access = access(
        &[&a],
        r#""profile":{"reference":"Patient/p"},"accessPolicy":{"reference":"AccessPolicy/a"}"#,
    )
    .unwrap();
    for resource_type in ["Observation", "Encounter"] {
        assert_eq!(
            predicates(&access, resource_type, Interaction::Search),
            [literal(&format!("{resource_type}?_compartment=Patient/p"))]
        );
        assert_eq!(allowed(&access, resource_type), READ);
    }
    assert_eq!(
        predicates(&access, "Patient", Interaction::Update),
        [Predicate::And(vec![
            literal("Patient?_id=1"),
            literal("Patient?_compartment=Patient/p")
        ])]
    );
    assert_eq!(
        access.entries[1].criteria().as_deref(),
        Some("Patient?_id=1&_compartment=%patient")
    );
}

#[test]
fn the_last_policy_with_a_compartment_decides_it() {
    let a = policy("a", r#""compartment":{"reference":"Organization/%o.id"}"#);
    let b = policy("b", PATIENTS);
    let instance = |id: &str, o: &str| {
        format!(
            r#"{{"policy":{{"reference":"AccessPolicy/{id}"}},
                "parameter":[{{"name":"o","valueReference":{{"reference":"Organization/{o}"}}}}]}}"#
        )
    };
    let members = format!(
        r#""access":[{},{},{}]"#,
        instance("a", "1"),
        instance("a", "2"),
        instance("b", "3")
    );
    let access = access(&[&a, &b], &members).unwrap();
    assert_eq!(access.compartment.as_deref(), Some("Organization/2"));
}

#[test]
fn ip_rules_of_all_policies_in_order() {
    let a = policy(
        "a",
        r#""ipAccessRule":[{"value":"10.1.","action":"block"},{"value":"10.","action":"allow"}]"#,
    );
    let b = policy(
        "b",
        r#""ipAccessRule":[{"value":"10.0.0.0/8","action":"block"},{"value":"192.0.2.1","action":"block"}]"#,
    );
    let both = r#""accessPolicy":{"reference":"AccessPolicy/a"},"access":[{"policy":{"reference":"AccessPolicy/b"}},
        {"policy":{"reference":"AccessPolicy/a"}}]"#;
    let access = access(&[&a, &b], both).unwrap();
    assert_eq!(access.ip_rules.len(), 4);
    let verdict = |address: &str| {
        access
            .ip_verdict(Some(address.parse().unwrap()))
            .to_string()
    };
    assert_eq!(
        verdict("10.1.0.1"),
        "blocked by AccessPolicy/a ipAccessRule[0]"
    );
    assert_eq!(
        verdict("10.2.0.1"),
        "allowed by AccessPolicy/a ipAccessRule[1]"
    );
    assert_eq!(
        verdict("192.0.2.1"),
        "blocked by AccessPolicy/b ipAccessRule[1]"
    );
    assert_eq!(verdict("192.0.2.10"), "no rule matches");
    assert_eq!(access.ip_verdict(None), IpVerdict::Unknown);
    assert!(!access.ip_verdict(None).is_allowed());
}

#[test]
fn no_rules_allow_an_unknown_address() {
    let access = access(&[], r#""active":true"#).unwrap();
    assert_eq!(access.ip_verdict(None), IpVerdict::NoRules);
    assert!(
        access
            .ip_verdict(Some("192.0.2.1".parse().unwrap()))
            .is_allowed()
    );
}

#[test]
fn an_unknown_address_is_decided_by_the_first_wildcard_only() {
    for (action, expected) in [("allow", true), ("block", false)] {
        let a = policy(
            "a",
            &format!(
                r#""ipAccessRule":[{{"value":"10.","action":"block"}},{{"value":"*","action":"{action}"}}]"#
            ),
        );
        assert_eq!(
            access(&[&a], A).unwrap().ip_verdict(None).is_allowed(),
            expected
        );
    }
}

#[test]
fn instances_may_not_multiply_without_end() {
    let many = vec![r#"{"resourceType":"Patient"}"#; 5_000].join(",");
    let a = policy("a", &format!(r#""resource":[{many}]"#));
    let instances = |n: usize| {
        let instance = r#"{"policy":{"reference":"AccessPolicy/a"}}"#;
        format!(r#""access":[{}]"#, vec![instance; n].join(","))
    };
    assert_eq!(access(&[&a], &instances(1)).unwrap().entries.len(), 5_002);
    assert!(matches!(
        access(&[&a], &instances(5)).unwrap_err(),
        AccessError::TooLarge { .. }
    ));

    let criteria = vec!["%x"; 1_000].join(",");
    let long = policy(
        "a",
        &format!(
            r#""resource":[{{"resourceType":"Patient","criteria":"Patient?_id={criteria}"}}]"#
        ),
    );
    let value = "1".repeat(100_000);
    let members = format!(
        r#""access":[{{"policy":{{"reference":"AccessPolicy/a"}},
            "parameter":[{{"name":"x","valueString":"{value}"}}]}}]"#
    );
    assert!(matches!(
        access(&[&long], &members).unwrap_err(),
        AccessError::TooLarge { .. }
    ));
}

#[test]
fn fields_of_all_policies_together_are_bounded_and_instances_share_them() {
    let url = "u".repeat(500);
    let fields = |entry: usize| {
        let paths: Vec<String> = (0..500)
            .map(|n| format!(r#""extension('{url}{entry}-{n}')""#))
            .collect();
        paths.join(",")
    };
    let entries = |n: usize| {
        let one = |entry| {
            let fields = fields(entry);
            format!(r#"{{"resourceType":"Patient","hiddenFields":[{fields}]}}"#)
        };
        (0..n).map(one).collect::<Vec<_>>().join(",")
    };
    let members = |n: usize| {
        let instance = r#"{"policy":{"reference":"AccessPolicy/a"}}"#;
        format!(r#""access":[{}]"#, vec![instance; n].join(","))
    };
    let some = policy("a", &format!(r#""resource":[{}]"#, entries(3)));
    assert!(access(&[&some], &members(100)).is_ok());
    let more = policy("a", &format!(r#""resource":[{}]"#, entries(5)));
    assert!(matches!(
        access(&[&more], &members(1)).unwrap_err(),
        AccessError::TooLarge { .. }
    ));
}

#[test]
fn the_fingerprint_follows_meaning_and_not_the_order_of_keys() {
    let a = policy(
        "a",
        r#""resource":[{"resourceType":"Patient","criteria":"Patient?_id=%x","hiddenFields":["name","address"]}]"#,
    );
    let reordered = r#"{"resource":[{"hiddenFields":["name","address"],"criteria":"Patient?_id=%x",
        "resourceType":"Patient"}],"id":"a","resourceType":"AccessPolicy","name":"words only"}"#;
    let instance = |parameters: &str| {
        format!(
            r#""access":[{{"policy":{{"reference":"AccessPolicy/a"}},"parameter":[{parameters}]}}]"#
        )
    };
    let x1 = r#"{"name":"x","valueString":"1"}"#;
    let y2 = r#"{"name":"y","valueString":"2"}"#;
    let of = |policy: &str, members: &str| access(&[policy], members).unwrap().fingerprint();
    let base = of(&a, &instance(&format!("{x1},{y2}")));
    assert_eq!(base, of(reordered, &instance(&format!("{y2},{x1}"))));

    let changed = |old: &str, new: &str| a.replace(old, new);
    let members = instance(&format!("{x1},{y2}"));
    let mut seen = vec![base];
    for other in [
        of(&changed("_id=%x", "_id=%y"), &members),
        of(&changed("\"name\",", ""), &members),
        of(&changed("hiddenFields", "readonlyFields"), &members),
        of(
            &changed("\"criteria\"", "\"readonly\":true,\"criteria\""),
            &members,
        ),
        of(
            &changed(
                "\"resource\"",
                "\"compartment\":{\"reference\":\"Patient/1\"},\"resource\"",
            ),
            &members,
        ),
        of(
            &changed(
                "\"resource\"",
                "\"ipAccessRule\":[{\"value\":\"*\",\"action\":\"allow\"}],\"resource\"",
            ),
            &members,
        ),
        of(
            &changed(
                "\"resource\"",
                "\"ipAccessRule\":[{\"value\":\"*\",\"action\":\"block\"}],\"resource\"",
            ),
            &members,
        ),
        of(&a, &instance(r#"{"name":"x","valueString":"2"}"#)),
        of(&a, &instance(x1)),
        of(&a, &format!(r#"{members},"admin":true"#)),
        of(
            &a,
            &format!(r#"{members},"profile":{{"reference":"Patient/1"}}"#),
        ),
    ] {
        assert!(!seen.contains(&other));
        seen.push(other);
    }
}
