//! What validation says about documents that are wrong, one line per finding.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use access_policy::{AccessPolicy, Project, ProjectMembership, has_errors, validate};

/// All findings of the document, one per line.
fn report(json: &str) -> String {
    let lines: Vec<String> = validate(json)
        .iter()
        .map(|finding| format!("{} {finding}", finding.severity))
        .collect();
    lines.join("\n")
}

/// Findings of a policy with this entry.
fn entry(json: &str) -> String {
    report(&format!(
        r#"{{"resourceType":"AccessPolicy","resource":[{json}]}}"#
    ))
}

/// Findings of a policy with this IP rule.
fn rule(json: &str) -> String {
    report(&format!(
        r#"{{"resourceType":"AccessPolicy","ipAccessRule":[{json}]}}"#
    ))
}

/// Findings of a membership with these further members.
fn membership(members: &str) -> String {
    report(&format!(
        r#"{{"resourceType":"ProjectMembership",{members}}}"#
    ))
}

/// Findings of a project with these further members.
fn project(members: &str) -> String {
    report(&format!(r#"{{"resourceType":"Project",{members}}}"#))
}

#[test]
fn all_findings_are_collected_in_document_order() {
    let text = r#"{
      "resourceType": "AccessPolicy",
      "nmae": "x",
      "resource": [
        {"resourceType": "Patient"},
        {"resourceType": "Pateint", "redonly": true},
        {"resourceType": "Patient", "criteria": "Patient?adress-state=CA", "hiddenFields": ["id"]},
        {"criteria": "Patient?_id=1"},
        {"resourceType": "Observation", "readonly": "yes", "interaction": ["read", "serach"]}
      ],
      "ipAccessRule": [{"value": "8.8.", "action": "alow"}, {"value": "localhost", "action": "block"}]
    }"#;
    assert_eq!(
        report(text),
        r#"warning nmae: unknown property "nmae": kept, without meaning (did you mean "name"?)
warning resource[1].redonly: unknown property "redonly": kept, without meaning (did you mean "readonly"?)
error resource[1].resourceType: unknown resource type "Pateint" (did you mean "Patient"?)
error resource[2].criteria: unknown search parameter "adress-state" for Patient (did you mean "address-state"?) at character 9
error resource[2].hiddenFields[0]: id cannot be hidden or readonly
error resource[3].resourceType: is required (name a resource type, or * for all)
error resource[4].readonly: must be true or false, not a string
error resource[4].interaction[1]: unknown interaction "serach" (did you mean "search"?)
error ipAccessRule[0].action: unknown action "alow": must be "allow" or "block" (did you mean "allow"?)
error ipAccessRule[1].value: must be *, an IPv4 or IPv6 address, whole leading octets of an IPv4 address such as 203.0.113. or 203.0.113, or a CIDR block such as 203.0.113.0/24"#
    );
}

#[test]
fn documents_as_a_whole() {
    for (json, expected) in [
        ("[]", "error must be an object, not an array"),
        ("null", "error must be an object, not null"),
        (
            "{}",
            "error resourceType: is required (must be one of: AccessPolicy, ProjectMembership, Project)",
        ),
        (
            r#"{"resourceType":1}"#,
            "error resourceType: must be a string, not a number",
        ),
        (
            r#"{"resourceType":"AcessPolicy"}"#,
            "error resourceType: \"AcessPolicy\" is no access control document (did you mean \"AccessPolicy\"?)",
        ),
        (
            r#"{"resourceType":"AccessPolicy","id":"a b"}"#,
            "error id: must be 1 to 64 letters, digits, hyphens and dots",
        ),
        (
            r#"{"resourceType":"AccessPolicy","resource":null}"#,
            "error resource: must be an array of objects, not null",
        ),
        (
            r#"{"resourceType":"AccessPolicy","resource":[1]}"#,
            "error resource[0]: must be an object, not a number",
        ),
        (
            r#"{"resourceType":"AccessPolicy","resource":[],"resource":[]}"#,
            "error resource: duplicate key \"resource\"",
        ),
        (
            r#"{"resourceType":"AccessPolicy","_name":{"extension":[]},"basedOn":[{"reference":"AccessPolicy/a"}]}"#,
            "",
        ),
        (r#"{"resourceType":"AccessPolicy","resource":[]}"#, ""),
    ] {
        assert_eq!(report(json), expected, "{json}");
    }
    assert!(report("{\"resourceType\": \"AccessPolicy\",}").contains("line 1 column 33"));
    assert!(report("// no\n{}").contains("line 1 column 1"));
}

#[test]
fn entries() {
    for (json, expected) in [
        (r#"{"resourceType":"*"}"#, ""),
        (r#"{"resourceType":"Patient","writeConstraint":[]}"#, ""),
        (
            r#"{"resourceType":"Binary","criteria":"Binary?_compartment=Patient/1"}"#,
            "error resource[0].criteria: Binary has no search parameters, so it cannot have criteria \
             (access to a Binary follows its securityContext)",
        ),
        (
            r#"{"resourceType":"Binary","compartment":{"reference":"Patient/1"}}"#,
            "error resource[0].compartment: Binary has no search parameters, so it cannot have criteria \
             (access to a Binary follows its securityContext)",
        ),
        (
            r#"{"resourceType":"Patient","compartment":{"reference":"Patient/1"}}"#,
            "",
        ),
        (
            r#"{"resourceType":"*","compartment":{"reference":"%patient"}}"#,
            "",
        ),
        (
            r#"{"resourceType":"Patient","compartment":{"reference":"Pateint/1"}}"#,
            "error resource[0].compartment.reference: must look like Type/id, %variable or Type/%variable, with a known \
             resource type",
        ),
        (
            r#"{"resourceType":"Patient","compartment":{"display":"x"}}"#,
            "error resource[0].compartment.reference: is required (logical references by identifier are not resolved)",
        ),
        (
            r#"{"resourceType":"Patient","readonly":true,"interaction":["create"]}"#,
            "warning resource[0].readonly: is ignored, because the entry lists its interactions",
        ),
        (
            r#"{"resourceType":"Patient","interaction":[]}"#,
            "warning resource[0].interaction: an empty list allows nothing",
        ),
        (
            r#"{"resourceType":"Patient","interaction":["patch"]}"#,
            "error resource[0].interaction[0]: unknown interaction \"patch\" \
             (known are: read vread search history create update delete)",
        ),
        (
            r#"{"resourceType":"Patient","interaction":"read"}"#,
            "error resource[0].interaction: must be an array of strings, not a string",
        ),
        (
            r#"{"resourceType":"Patient","criteria":""}"#,
            "error resource[0].criteria: must not be an empty string",
        ),
        (
            r#"{"resourceType":"ProjectMembership"}"#,
            "warning resource[0].resourceType: an entry for ProjectMembership counts only in a super admin project \
             and is dropped elsewhere",
        ),
    ] {
        assert_eq!(entry(json), expected, "{json}");
    }
}

#[test]
fn criteria_of_another_type_and_of_the_wildcard_are_refused() {
    for json in [
        r#"{"resourceType":"Patient","criteria":"Observation?_id=1"}"#,
        r#"{"resourceType":"*","criteria":"Patient?_id=1"}"#,
        r#"{"resourceType":"*","criteria":"*?_id=1"}"#,
        r#"{"resourceType":"Patient","criteria":"*?_compartment=Patient/1"}"#,
        r#"{"resourceType":"Patient","criteria":"?_id=1"}"#,
    ] {
        let report = entry(json);
        assert!(
            report.starts_with("error resource[0].criteria: "),
            "{json}: {report}"
        );
    }
    assert_eq!(
        entry(r#"{"resourceType":"*","criteria":"*?_compartment=%patient"}"#),
        ""
    );
}

#[test]
fn fields() {
    let copies = "warning resource[0].hiddenFields: what is hidden may also appear in text, contained, extension \
                  (hide these too, unless they never repeat it)";
    let named = "warning resource[0].hiddenFields: what is hidden may also appear in text, contained, extension, \
                 display of references to Patient (hide these too, unless they never repeat it)";
    let of_any = "warning resource[0].hiddenFields: what is hidden may also appear in text, contained, extension, \
                  display of references (hide these too, unless they never repeat it)";
    let of_references = "warning resource[0].hiddenFields: what is hidden may also appear in display of references to Patient \
                         (hide these too, unless they never repeat it)";
    for (json, expected) in [
        (
            r#"{"resourceType":"Patient","hiddenFields":["name"]}"#,
            named,
        ),
        (
            r#"{"resourceType":"Patient","hiddenFields":["telecom"]}"#,
            copies,
        ),
        (r#"{"resourceType":"*","hiddenFields":["telecom"]}"#, copies),
        (r#"{"resourceType":"*","hiddenFields":["name"]}"#, of_any),
        (
            r#"{"resourceType":"Patient","hiddenFields":["name.family"]}"#,
            named,
        ),
        (
            r#"{"resourceType":"Patient","hiddenFields":["name.period","name.extension('u')"]}"#,
            copies,
        ),
        (
            r#"{"resourceType":"Patient","hiddenFields":["name","text","contained","extension"]}"#,
            of_references,
        ),
        (
            r#"{"resourceType":"Patient","hiddenFields":["telecom","text","contained","extension"]}"#,
            "",
        ),
        (
            r#"{"resourceType":"Patient","hiddenFields":["extension('http://example.org/race')","birthDate.extension('u').valueDateTime","text","contained","extension"]}"#,
            "",
        ),
        (
            r#"{"resourceType":"Patient","readonlyFields":["extension('u')","name.extenson('v')"]}"#,
            "error resource[0].readonlyFields[1]: an extension is named by its URL in quotes, like extension('http://example.org/race')",
        ),
        (
            r#"{"resourceType":"Patient","readonlyFields":["telecom.extension('u').valueCoding","telecom.extension('u').valueNothing"]}"#,
            "warning resource[0].readonlyFields[1]: Patient has no element \"telecom.extension('u').valueNothing\" in FHIR R4",
        ),
        (
            r#"{"resourceType":"Observation","hiddenFields":["subject.reference","code.coding","value[x].coding.code","text","contained","extension","code.text"]}"#,
            "warning resource[0].hiddenFields[0]: what is hidden may also appear in \"subject.display\" (hide that too, unless it never repeats it)\n\
             warning resource[0].hiddenFields[2]: what is hidden may also appear in \"value[x].coding.display\" (hide that too, unless it never repeats it)\n\
             warning resource[0].hiddenFields[2]: what is hidden may also appear in \"value[x].text\" (hide that too, unless it never repeats it)",
        ),
        (
            r#"{"resourceType":"Observation","hiddenFields":["code.coding.code","code.coding.display","text","contained","extension"]}"#,
            "warning resource[0].hiddenFields[0]: what is hidden may also appear in \"code.text\" (hide that too, unless it never repeats it)\n\
             warning resource[0].hiddenFields[1]: what is hidden may also appear in \"code.text\" (hide that too, unless it never repeats it)",
        ),
        (
            r#"{"resourceType":"*","hiddenFields":["subject.reference","category.coding.code","identifier.identifier","text","contained","extension"]}"#,
            "warning resource[0].hiddenFields[0]: what is hidden may also appear in \"subject.display\" (hide that too, unless it never repeats it)\n\
             warning resource[0].hiddenFields[1]: what is hidden may also appear in \"category.coding.display\" (hide that too, unless it never repeats it)\n\
             warning resource[0].hiddenFields[1]: what is hidden may also appear in \"category.text\" (hide that too, unless it never repeats it)",
        ),
        (r#"{"resourceType":"Patient","hiddenFields":["text"]}"#, ""),
        (
            r#"{"resourceType":"Patient","readonlyFields":["name.family"]}"#,
            "",
        ),
        (
            r#"{"resourceType":"Patient","readonlyFields":["nmae"]}"#,
            "warning resource[0].readonlyFields[0]: Patient has no element \"nmae\" in FHIR R4 (did you mean \"name\"?)",
        ),
        (
            r#"{"resourceType":"Patient","readonlyFields":["resourceType"]}"#,
            "error resource[0].readonlyFields[0]: resourceType cannot be hidden or readonly",
        ),
        (
            r#"{"resourceType":"Patient","readonlyFields":[""]}"#,
            "error resource[0].readonlyFields[0]: must not be an empty string",
        ),
    ] {
        assert_eq!(entry(json), expected, "{json}");
    }
    for path in ["name..family", "na me", ".name", "name."] {
        for selector in ["Patient", "*"] {
            let report = entry(&format!(
                r#"{{"resourceType":"{selector}","readonlyFields":["{path}"]}}"#
            ));
            assert!(
                report.starts_with("error resource[0].readonlyFields[0]: "),
                "{path}: {report}"
            );
        }
    }
}

#[test]
fn ip_rules() {
    for (json, expected) in [
        (r#"{"value":"*","action":"block"}"#, ""),
        (
            r#"{"name":"x"}"#,
            "error ipAccessRule[0].value: is required\nerror ipAccessRule[0].action: is required",
        ),
        (
            r#"{"value":"10.1.2.3/8","action":"allow"}"#,
            "warning ipAccessRule[0].value: has bits set beyond the prefix of the CIDR block, which are ignored \
             (did you mean \"10.0.0.0/8\"?)",
        ),
        (
            r#"{"value":8,"action":true}"#,
            "error ipAccessRule[0].value: must be a string, not a number\n\
             error ipAccessRule[0].action: must be a string, not a boolean",
        ),
    ] {
        assert_eq!(rule(json), expected, "{json}");
    }
}

#[test]
fn memberships() {
    for (members, expected) in [
        (r#""active":true"#, ""),
        (
            r#""active":"false""#,
            "error active: must be true or false, not a string",
        ),
        (
            r#""accessPolicy":{"reference":"AccessPolicy/a b"}"#,
            "error accessPolicy.reference: must look like AccessPolicy/id",
        ),
        (
            r#""accessPolicy":{"reference":"Patient/a"}"#,
            "error accessPolicy.reference: must look like AccessPolicy/id",
        ),
        (
            r#""accessPolicy":null"#,
            "error accessPolicy: must be a Reference (an object), not null",
        ),
        (r#""access":[{}]"#, "error access[0].policy: is required"),
        (
            r#""access":[]"#,
            "error access: must not be an empty list \
             (leave it out if the membership is meant to reach all resource types of its project)",
        ),
        (
            r#""access":[],"accessPolicy":{"reference":"AccessPolicy/a"}"#,
            "",
        ),
        (
            r#""profile":{"reference":"Patient/1/_history/2"}"#,
            "error profile.reference: must look like Type/id, with a known resource type",
        ),
        (
            r#""project":{"reference":"p1"}"#,
            "error project.reference: must look like Project/id",
        ),
        (
            r#""admin":true"#,
            "warning admin: has no effect on a membership that names no project",
        ),
    ] {
        assert_eq!(membership(members), expected, "{members}");
    }
}

#[test]
fn parameters_are_checked_and_their_values_never_repeated() {
    let parameters = |json: &str| {
        membership(&format!(
            r#""access":[{{"policy":{{"reference":"AccessPolicy/a"}},"parameter":[{json}]}}]"#
        ))
    };
    let at = "access[0].parameter[0]";
    for (json, expected) in [
        (r#"{"name":"x","valueString":"secret"}"#, String::new()),
        (
            r#"{"name":"x"}"#,
            format!("error {at}: must have exactly one of valueString and valueReference"),
        ),
        (
            r#"{"name":"x","valueString":"secret","valueReference":{"reference":"Patient/secret"}}"#,
            format!("error {at}: must have exactly one of valueString and valueReference"),
        ),
        (r#"{"valueString":"secret"}"#, format!("error {at}.name: is required")),
        (
            r#"{"name":"profile","valueString":"secret"}"#,
            format!("error {at}.name: %profile is built in and cannot be redefined"),
        ),
        (
            r#"{"name":"a.b","valueString":"secret"}"#,
            format!("error {at}.name: must be 1 to 64 letters, digits, hyphens and underscores, starting with a letter or underscore"),
        ),
        (
            r#"{"name":"x","valueReference":{"reference":"secret"}}"#,
            format!("error {at}.valueReference.reference: must look like Type/id, with a known resource type"),
        ),
        (
            r#"{"name":"x","valueString":"secret\u0000"}"#,
            format!("error {at}.valueString: must not contain the character U+0000"),
        ),
        (
            r#"{"name":"x","valueString":["secret"]}"#,
            format!("error {at}.valueString: must be a string, not an array"),
        ),
        (
            r#"{"name":"x","valueString":"secret"},{"name":"x","valueString":"secret"}"#,
            "error access[0].parameter[1].name: is the name of an earlier parameter of the same access".to_owned(),
        ),
    ] {
        let report = parameters(json);
        assert_eq!(report, expected, "{json}");
        assert!(!report.contains("secret"));
    }
}

#[test]
fn projects() {
    for (members, expected) in [
        (
            r#""superAdmin":true,"link":[{"project":{"reference":"Project/b"}}],"exportedResourceType":["Patient"]"#,
            "",
        ),
        (r#""link":[{}]"#, "error link[0].project: is required"),
        (
            r#""link":[{"project":{"reference":"Patient/b"}}]"#,
            "error link[0].project.reference: must look like Project/id",
        ),
        (
            r#""exportedResourceType":["Pateint"]"#,
            "error exportedResourceType[0]: unknown resource type \"Pateint\" (did you mean \"Patient\"?)",
        ),
        (
            r#""exportedResourceType":[]"#,
            "error exportedResourceType: must not be an empty list (leave it out to export all resource types)",
        ),
        (
            r#""superAdmin":1"#,
            "error superAdmin: must be true or false, not a number",
        ),
        (r#""secret":[{"name":"x","valueString":"y"}]"#, ""),
    ] {
        assert_eq!(project(members), expected, "{members}");
    }
}

#[test]
fn a_document_of_another_type_is_refused() {
    let text = r#"{"resourceType":"Project"}"#;
    let findings = AccessPolicy::parse(text).unwrap_err();
    assert_eq!(
        findings[0].to_string(),
        "resourceType: must be \"AccessPolicy\""
    );
    assert!(ProjectMembership::parse(text).is_err());
    assert!(Project::parse(text).is_ok());
    assert!(Project::parse("{}").is_err());
}

#[test]
fn large_documents_work_and_have_limits() {
    let entry = r#"{"resourceType":"Patient","criteria":"Patient?_id=1"}"#;
    let policy = |n: usize| {
        format!(
            r#"{{"resourceType":"AccessPolicy","resource":[{}]}}"#,
            vec![entry; n].join(",")
        )
    };
    assert_eq!(
        AccessPolicy::parse(&policy(5_000)).unwrap().entries.len(),
        5_000
    );
    let findings = AccessPolicy::parse(&policy(10_000)).unwrap_err();
    assert_eq!(
        findings[0].to_string(),
        "resource: has 10000 elements, more than the 5000 allowed"
    );

    let unknown: Vec<String> = (0..200_000)
        .map(|n| format!("\"criteriA{n}\":{n}"))
        .collect();
    let findings = validate(&format!(
        r#"{{"resourceType":"AccessPolicy",{}}}"#,
        unknown.join(",")
    ));
    assert_eq!(findings.len(), 1_001);
    assert!(!has_errors(&findings));
}

#[test]
fn a_megabyte_of_criteria_is_answered() {
    let values = vec!["abc"; 250_000].join(",");
    let text = format!(
        r#"{{"resourceType":"AccessPolicy","resource":[{{"resourceType":"Patient","criteria":"Patient?_id={values}"}}]}}"#
    );
    match AccessPolicy::parse(&text) {
        Ok(policy) => assert_eq!(policy.entries.len(), 1),
        Err(findings) => {
            assert_eq!(findings.len(), 1);
            assert_eq!(findings[0].path, "resource[0].criteria");
            assert!(findings[0].to_string().len() < 1_000);
        }
    }
}
