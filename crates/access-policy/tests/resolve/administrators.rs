//! Points 5 to 7: administrators, unusable memberships, projects.

use super::*;

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
            literal("ProjectMembership?project=Project/own"),
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
        // What sessions are resolved from decides, not its tags.
        assert_eq!(
            scope("ProjectMembership", interaction),
            literal("ProjectMembership?project=Project/own")
        );
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
