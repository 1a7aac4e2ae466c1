//! The nine points of "Effective access", one test or more each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use access_policy::{
    ADMIN_TYPES, AccessError, CLOSED_TYPES, EffectiveAccess, Interaction, IpVerdict, Origin,
    ProjectMembership, Settings, resolve, resolve_id,
};
use common::{Documents, allowed, fields, literal, predicates};
use fhir_search::Predicate;

const ALL: &str = "read vread search history create update delete";
const READ: &str = "read vread search history";

/// A policy with the id and these members.
fn policy(id: &str, members: &str) -> String {
    format!(r#"{{"resourceType":"AccessPolicy","id":"{id}",{members}}}"#)
}

/// A membership with the id `m` and these members.
fn membership(members: &str) -> String {
    format!(r#"{{"resourceType":"ProjectMembership","id":"m",{members}}}"#)
}

/// The access of a membership under these documents.
fn access(documents: &[&str], members: &str) -> Result<EffectiveAccess, AccessError> {
    Documents::default()
        .with(documents)
        .resolve(&membership(members))
}

fn origins(access: &EffectiveAccess) -> Vec<String> {
    access
        .entries
        .iter()
        .map(|entry| entry.origin.to_string())
        .collect()
}

const PATIENTS: &str = r#""resource":[{"resourceType":"Patient"}]"#;
const A: &str = r#""accessPolicy":{"reference":"AccessPolicy/a"}"#;

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

#[test]
fn point_5_admin_and_closed_types_are_for_super_admins() {
    let mut entries: Vec<String> = ADMIN_TYPES
        .iter()
        .chain(&CLOSED_TYPES)
        .map(|name| format!(r#"{{"resourceType":"{name}"}}"#))
        .collect();
    entries.push(r#"{"resourceType":"*"}"#.to_owned());
    let named = policy("a", &format!(r#""resource":[{}]"#, entries.join(",")));
    let star = policy("s", r#""resource":[{"resourceType":"*","readonly":true}]"#);
    let only_user = policy(
        "u",
        r#""resource":[{"resourceType":"User","readonly":true}]"#,
    );
    let root = r#"{"resourceType":"Project","id":"root","superAdmin":true}"#;
    let plain = r#"{"resourceType":"Project","id":"plain"}"#;
    let documents = [named.as_str(), &star, &only_user, root, plain];
    let in_project = |project: &str, id: &str| {
        access(
            &documents,
            &format!(
                r#""project":{{"reference":"Project/{project}"}},"accessPolicy":{{"reference":"AccessPolicy/{id}"}}"#
            ),
        )
        .unwrap()
    };
    for name in ADMIN_TYPES.iter().chain(&CLOSED_TYPES) {
        assert_eq!(allowed(&in_project("plain", "a"), name), "", "{name}");
        assert_eq!(allowed(&in_project("plain", "s"), name), "", "{name}");
        assert_eq!(allowed(&in_project("root", "a"), name), ALL, "{name}");
    }
    assert_eq!(allowed(&in_project("plain", "a"), "Patient"), ALL);
    // A super admin project may name admin types, and gets the others without limits; `*` covers closed types there.
    assert_eq!(allowed(&in_project("root", "u"), "User"), READ);
    assert_eq!(allowed(&in_project("root", "u"), "Project"), ALL);
    assert_eq!(allowed(&in_project("root", "u"), "Login"), "");
    assert_eq!(allowed(&in_project("root", "s"), "Login"), READ);
    assert_eq!(allowed(&in_project("root", "s"), "Cron"), ALL);
}

#[test]
fn point_5_dropped_entries_do_not_need_their_variables() {
    let a = policy(
        "a",
        r#""resource":[{"resourceType":"User","criteria":"User?_id=%undefined"},{"resourceType":"Patient"}]"#,
    );
    assert_eq!(allowed(&access(&[&a], A).unwrap(), "Patient"), ALL);
}

#[test]
fn point_5_the_fixed_set_of_an_administrator() {
    let own =
        r#"{"resourceType":"Project","id":"own","link":[{"project":{"reference":"Project/lib"}}]}"#;
    let lib = r#"{"resourceType":"Project","id":"lib"}"#;
    let a = policy(
        "a",
        r#""resource":[{"resourceType":"Patient","readonly":true},{"resourceType":"User"}]"#,
    );
    let access = access(
        &[own, lib, &a],
        r#""admin":true,"project":{"reference":"Project/own"},"accessPolicy":{"reference":"AccessPolicy/a"}"#,
    )
    .unwrap();
    assert_eq!(allowed(&access, "Patient"), READ);
    assert_eq!(
        allowed(&access, "Project"),
        "read vread search history create update"
    );
    assert_eq!(allowed(&access, "ProjectMembership"), ALL);
    assert_eq!(allowed(&access, "UserSecurityRequest"), READ);
    assert_eq!(allowed(&access, "User"), ALL);
    for name in ["Package", "PackageRelease", "PackageInstallation"] {
        assert_eq!(allowed(&access, name), READ);
    }
    for name in ["AccessPolicy", "PasswordChangeRequest", "Cron", "Login"] {
        assert_eq!(allowed(&access, name), "", "{name}");
    }
    let first = |resource_type: &str, interaction| {
        let grants = access.entries_for(resource_type, interaction).unwrap();
        let entry = grants[0].entry;
        (
            grants[0].predicate.clone().into_owned(),
            fields(entry.hidden()),
            fields(entry.readonly()),
        )
    };
    let project = "strictMode,superAdmin,systemSecret".to_owned();
    let readonly = "features,link,systemSetting".to_owned();
    assert_eq!(
        first("Project", Interaction::Update),
        (
            literal("Project?_id=own"),
            project.clone(),
            readonly.clone()
        )
    );
    let search = access.entries_for("Project", Interaction::Search).unwrap();
    assert_eq!(*search[0].predicate, literal("Project?_id=lib"));
    assert_eq!(
        fields(search[0].entry.hidden()),
        "secret,setting,strictMode,superAdmin,systemSecret,systemSetting"
    );
    assert_eq!(*search[1].predicate, Predicate::Constant(true));
    assert_eq!(fields(search[1].entry.hidden()), project);
    assert_eq!(
        first("ProjectMembership", Interaction::Search),
        (
            literal("ProjectMembership?_project=own"),
            String::new(),
            "project,user".to_owned()
        )
    );
    assert_eq!(
        first("User", Interaction::Search),
        (
            literal("User?_project=own"),
            "mfaSecret,passwordHash".to_owned(),
            "email,emailVerified,mfaEnrolled,project".to_owned()
        )
    );
}

#[test]
fn point_5_an_administrator_of_no_project_administers_nothing() {
    let access = access(&[], r#""admin":true"#).unwrap();
    for name in ADMIN_TYPES {
        assert_eq!(allowed(&access, name), "", "{name}");
    }
    assert_eq!(allowed(&access, "Patient"), ALL);
}

#[test]
fn point_6_unusable_memberships_are_refused() {
    let a = policy("a", PATIENTS);
    let invalid = policy("invalid", r#""resource":[{"resourceType":"Pateint"}]"#);
    let documents = [a.as_str(), &invalid];
    for (members, expected) in [
        (
            r#""active":false,"accessPolicy":{"reference":"AccessPolicy/a"}"#,
            "ProjectMembership/m is not active",
        ),
        (
            r#""accessPolicy":{"reference":"AccessPolicy/none"}"#,
            "ProjectMembership/m accessPolicy names AccessPolicy/none, which does not exist",
        ),
        (
            r#""access":[{"policy":{"reference":"AccessPolicy/a"}},{"policy":{"reference":"AccessPolicy/none"}}]"#,
            "ProjectMembership/m access[1] names AccessPolicy/none, which does not exist",
        ),
        (
            r#""accessPolicy":{"reference":"AccessPolicy/invalid"}"#,
            "AccessPolicy/invalid is not valid: see resource[0].resourceType",
        ),
        (
            r#""project":{"reference":"Project/none"}"#,
            "ProjectMembership/m names Project/none, which does not exist",
        ),
    ] {
        let error = access(&documents, members).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().is_some());
    }
    let unknown = resolve_id(&Documents::default(), "m", &Settings::default()).unwrap_err();
    assert_eq!(unknown.to_string(), "ProjectMembership/m does not exist");
    let stored = Documents::default().with(&[&membership(A), &a]);
    assert!(resolve_id(&stored, "m", &Settings::default()).is_ok());
}

#[test]
fn point_7_project_isolation() {
    let own = r#"{"resourceType":"Project","id":"own","link":[{"project":{"reference":"Project/lib"}},
        {"project":{"reference":"Project/all"}},{"project":{"reference":"Project/gone"}},
        {"project":{"reference":"Project/own"}},{"project":{"reference":"Project/lib"}}]}"#;
    let lib = r#"{"resourceType":"Project","id":"lib","exportedResourceType":["ValueSet"],"superAdmin":true,
        "link":[{"project":{"reference":"Project/far"}}]}"#;
    let all = r#"{"resourceType":"Project","id":"all"}"#;
    let far = r#"{"resourceType":"Project","id":"far"}"#;
    let access = access(
        &[own, lib, all, far],
        r#""project":{"reference":"Project/own"}"#,
    )
    .unwrap();
    assert!(!access.super_admin);
    let scope = |resource_type: &str, interaction| {
        access.project_scope(resource_type, interaction).unwrap()
    };
    for interaction in Interaction::ALL {
        let (values, patients, projects) = if interaction.is_read() {
            (
                "ValueSet?_project=own,lib,all",
                "Patient?_project=own,all",
                vec!["own", "lib", "all"],
            )
        } else {
            ("ValueSet?_project=own", "Patient?_project=own", vec!["own"])
        };
        assert_eq!(scope("ValueSet", interaction), literal(values));
        assert_eq!(scope("Patient", interaction), literal(patients));
        let projects = projects.into_iter().map(str::to_owned).collect();
        assert_eq!(scope("Project", interaction), Predicate::Id(projects));
        assert_eq!(scope("User", interaction), literal("User?_project=own"));
    }
    assert!(
        access
            .project_scope("Pateint", Interaction::Search)
            .is_err()
    );
}

#[test]
fn point_7_no_project_and_a_super_admin_project_are_not_isolated() {
    let root = r#"{"resourceType":"Project","id":"root","superAdmin":true}"#;
    for members in [
        r#""active":true"#,
        r#""project":{"reference":"Project/root"}"#,
    ] {
        let access = access(&[root], members).unwrap();
        for interaction in Interaction::ALL {
            assert_eq!(
                access.project_scope("Patient", interaction).unwrap(),
                Predicate::Constant(true)
            );
        }
    }
}

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
