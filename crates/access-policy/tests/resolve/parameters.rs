//! Points 1 to 4: order, parameters, no policy, definitions.

use super::*;

#[test]
fn point_1_access_policy_comes_first_then_access_in_order() {
    let a = policy(
        "a",
        r#""resource":[{"resourceType":"Patient","criteria":"Patient?_id=%x"}]"#,
    );
    let b = policy(
        "b",
        r#""resource":[{"resourceType":"Patient"},{"resourceType":"Observation"}]"#,
    );
    let instance = |id: &str, x: &str| {
        format!(
            r#"{{"policy":{{"reference":"AccessPolicy/{id}"}},"parameter":[{{"name":"x","valueString":"{x}"}}]}}"#
        )
    };
    let members = format!(
        r#""access":[{},{},{}],"accessPolicy":{{"reference":"AccessPolicy/b"}}"#,
        instance("a", "1"),
        instance("b", "-"),
        instance("a", "2")
    );
    let access = access(&[&a, &b], &members).unwrap();
    assert_eq!(
        origins(&access)[..6],
        [
            "AccessPolicy/b resource[0]",
            "AccessPolicy/b resource[1]",
            "AccessPolicy/a resource[0]",
            "AccessPolicy/b resource[0]",
            "AccessPolicy/b resource[1]",
            "AccessPolicy/a resource[0]",
        ]
    );
    let Origin::Policy { instance, .. } = &access.entries[5].origin else {
        panic!("an entry of a policy");
    };
    assert_eq!(instance.to_string(), "access[2]");
    assert_eq!(
        access.entries[5].parameters.value("x").unwrap().as_str(),
        "2"
    );
    let policies: Vec<&str> = access.policies.iter().map(|policy| &**policy).collect();
    assert_eq!(policies, ["b", "a"]);
}

#[test]
fn point_2_built_in_parameters() {
    let a = policy(
        "a",
        r#""resource":[{"resourceType":"Observation","criteria":"Observation?_compartment=%patient"},
                       {"resourceType":"Patient","criteria":"Patient?general-practitioner=%profile"}]"#,
    );
    let plain = access(
        &[&a],
        r#""profile":{"reference":"Practitioner/p"},"accessPolicy":{"reference":"AccessPolicy/a"}"#,
    )
    .unwrap();
    assert_eq!(
        predicates(&plain, "Observation", Interaction::Search),
        [literal("Observation?_compartment=Practitioner/p")]
    );
    let child = access(
        &[&a],
        r#""profile":{"reference":"Practitioner/p"},"access":[{"policy":{"reference":"AccessPolicy/a"},
           "parameter":[{"name":"patient","valueReference":{"reference":"Patient/c"}}]}]"#,
    )
    .unwrap();
    assert_eq!(
        predicates(&child, "Observation", Interaction::Search),
        [literal("Observation?_compartment=Patient/c")]
    );
    assert_eq!(
        predicates(&child, "Patient", Interaction::Search),
        [literal("Patient?general-practitioner=Practitioner/p")]
    );
}

#[test]
fn point_2_undefined_variables_make_the_membership_unusable() {
    for (members, place) in [
        (
            r#""resource":[{"resourceType":"Patient"},{"resourceType":"Patient","criteria":"Patient?general-practitioner=%profile"}]"#,
            "resource[1].criteria",
        ),
        (
            r#""resource":[{"resourceType":"*","criteria":"*?_compartment=%profile"}]"#,
            "resource[0].criteria",
        ),
        (
            r#""resource":[{"resourceType":"Patient","compartment":{"reference":"%profile"}}]"#,
            "resource[0].compartment",
        ),
        (r#""compartment":{"reference":"%profile"}"#, "compartment"),
    ] {
        let error = access(&[&policy("a", members)], A).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "AccessPolicy/a {place} uses %profile, which ProjectMembership/m accessPolicy does not define"
            )
        );
        assert_eq!(
            error.hint().as_deref(),
            Some("give the membership a profile")
        );
    }
}

#[test]
fn point_2_values_that_do_not_fit_are_refused_without_repeating_them() {
    let a = policy("a", r#""compartment":{"reference":"%account"}"#);
    let members = r#""access":[{"policy":{"reference":"AccessPolicy/a"},
        "parameter":[{"name":"account","valueString":"secret,more"}]}]"#;
    let error = access(&[&a], members).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the value of %account in ProjectMembership/m access[0] does not fit AccessPolicy/a compartment"
    );
    assert!(!format!("{error:?} {:?}", error.hint()).contains("secret"));
}

#[test]
fn point_2_no_message_repeats_a_value_whatever_the_search_parameter() {
    let mut refused = 0;
    for criteria in [
        "Patient?_id=%x",
        "Patient?_id=Patient/%x.id",
        "Patient?active=%x",
        "Patient?active:missing=%x",
        "Patient?identifier=%x",
        "Patient?identifier=http://x|%x",
        "Patient?general-practitioner=%x",
        "Patient?general-practitioner=Practitioner/%x",
        "Patient?family=%x",
        "Patient?_compartment=%x",
        "Patient?_project=%x",
        "Patient?_tag=%x",
    ] {
        let a = policy(
            "a",
            &format!(r#""resource":[{{"resourceType":"Patient","criteria":"{criteria}"}}]"#),
        );
        for value in [
            "s3cr3t",
            "s3cr3t,",
            "s3cr3t\\\\",
            "s3cr3t\\\\x",
            "s3cr3t|s3cr3t|s3cr3t",
            "s3cr3t/s3cr3t",
            "Pateint/s3cr3t",
            "Patient/s3cr3t/_history/1",
            "s3cr3t s3cr3t",
            "\"s3cr3t",
            "&s3cr3t=%s3cr3t",
        ] {
            let value = serde_json::to_string(value).unwrap();
            let members = format!(
                r#""access":[{{"policy":{{"reference":"AccessPolicy/a"}},
                    "parameter":[{{"name":"x","valueString":{value}}}]}}]"#
            );
            if let Err(error) = access(&[&a], &members) {
                refused += 1;
                let said = format!("{error} {error:?} {:?}", error.hint());
                assert!(!said.contains("s3cr3t"), "{criteria}: {said}");
                assert!(
                    matches!(error, AccessError::VariableValue { .. }),
                    "{criteria}: {said}"
                );
            }
        }
    }
    assert!(refused > 40, "{refused}");
}

#[test]
fn point_2_the_longest_name_wins() {
    let a = policy(
        "a",
        r#""resource":[{"resourceType":"Patient","criteria":"Patient?organization=%org_parent"}]"#,
    );
    let members = r#""access":[{"policy":{"reference":"AccessPolicy/a"},"parameter":[
        {"name":"org","valueReference":{"reference":"Organization/child"}},
        {"name":"org_parent","valueReference":{"reference":"Organization/parent"}}]}]"#;
    assert_eq!(
        predicates(
            &access(&[&a], members).unwrap(),
            "Patient",
            Interaction::Search
        ),
        [literal("Patient?organization=Organization/parent")]
    );
    let members = r#""access":[{"policy":{"reference":"AccessPolicy/a"},"parameter":[
        {"name":"org","valueReference":{"reference":"Organization/child"}}]}]"#;
    assert!(matches!(
        access(&[&a], members).unwrap_err(),
        AccessError::UndefinedVariable(at) if at.variable == "org_parent"
    ));
}

#[test]
fn point_3_without_any_policy_all_types_unless_a_policy_is_required() {
    let everything = access(&[], r#""active":true"#).unwrap();
    assert_eq!(allowed(&everything, "Patient"), ALL);
    assert_eq!(allowed(&everything, "AccessPolicy"), "");
    assert_eq!(everything.entries[0].origin, Origin::NoPolicy);

    let document = ProjectMembership::parse(&membership(r#""active":true"#)).unwrap();
    let settings = Settings {
        require_policy: true,
        ..Settings::default()
    };
    let error = resolve(&Documents::default(), &document, &settings).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ProjectMembership/m has no access policy, and fhir_access.require_policy is on"
    );
}

#[test]
fn point_3_a_policy_without_resource_grants_nothing() {
    for members in [r#""name":"x""#, r#""resource":[]"#] {
        let nothing = access(&[&policy("a", members)], A).unwrap();
        assert_eq!(allowed(&nothing, "Patient"), "");
        assert_eq!(allowed(&nothing, "StructureDefinition"), READ);
    }
}

#[test]
fn point_4_definitions_are_readable_unless_named() {
    let a = policy(
        "a",
        r#""resource":[{"resourceType":"*","interaction":["create"]},{"resourceType":"SearchParameter","interaction":[]}]"#,
    );
    let access = access(&[&a], A).unwrap();
    assert_eq!(allowed(&access, "SearchParameter"), "create");
    assert_eq!(
        allowed(&access, "StructureDefinition"),
        "read vread search history create"
    );
}
