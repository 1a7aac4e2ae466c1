//! What is hidden of resources inside rows, and of narratives.

use super::*;
use access_policy::fields::FieldSet;

const POLICY: &str = r#""resource":[
    {"resourceType":"Patient","criteria":"Patient?_id=1","hiddenFields":["name"]},
    {"resourceType":"Patient","interaction":["search","create"],"hiddenFields":["telecom","extension('u')"]},
    {"resourceType":"Patient","hiddenFields":["never"]},
    {"resourceType":"Group","interaction":["search"],"hiddenFields":["code"]},
    {"resourceType":"Observation"},
    {"resourceType":"Binary","hiddenFields":["data"]},
    {"resourceType":"Bundle"},
    {"resourceType":"*","criteria":"*?_compartment=Patient/1","hiddenFields":["note"]}]"#;

/// What each of the entries for the type hides.
fn hidden(access: &EffectiveAccess, resource_type: &str, interaction: Interaction) -> Vec<String> {
    let grants = access.entries_for(resource_type, interaction).unwrap();
    let hidden = |entry| access.hidden_by(entry, resource_type, interaction);
    grants
        .iter()
        .map(|grant| hidden(grant.entry).to_string())
        .collect()
}

fn under(hide_narrative: bool, policy_members: &str) -> EffectiveAccess {
    let settings = Settings {
        hide_narrative,
        ..Settings::default()
    };
    Documents::default()
        .with(&[&policy("a", policy_members)])
        .resolve_under(&settings, &membership(A))
        .unwrap()
}

#[test]
fn each_type_has_what_its_entries_may_hide() {
    let access = under(false, POLICY);
    let inside =
        "Group:code,Binary:data,Patient:name,Patient:telecom,Patient:extension('u'),*:note";
    assert_eq!(
        hidden(&access, "Patient", Interaction::Search),
        [
            format!("name,{inside}"),
            format!("telecom,extension('u'),{inside}")
        ]
    );
    // An entry that hides nothing shows its rows as they are; but a Bundle is made of others.
    assert_eq!(hidden(&access, "Observation", Interaction::Search), [""]);
    assert_eq!(hidden(&access, "Bundle", Interaction::Search), [inside]);
    // A Binary holds no resource, but for one that FHIR does not know.
    let binary = hidden(&access, "Binary", Interaction::Search);
    assert_eq!(binary, [format!("data,{inside}")]);
}

#[test]
fn where_no_entry_grants_the_interaction_all_count() {
    let policy = r#""resource":[
        {"resourceType":"Patient","criteria":"Patient?_id=1","interaction":["search"],"hiddenFields":["name"]},
        {"resourceType":"Patient","interaction":["read"],"hiddenFields":["telecom"]},
        {"resourceType":"Group","interaction":["update"],"hiddenFields":["code"]},
        {"resourceType":"Bundle"}]"#;
    let access = under(false, policy);
    for (interaction, expected) in [
        (Interaction::Search, "Group:code,Patient:name"),
        (Interaction::Read, "Group:code,Patient:telecom"),
        (
            Interaction::History,
            "Group:code,Patient:name,Patient:telecom",
        ),
        (Interaction::Update, "Group:code"),
        // What is written under no entry for its type was not shown under one either.
        (Interaction::Create, ""),
    ] {
        assert_eq!(hidden(&access, "Bundle", interaction), [expected]);
    }
}

#[test]
fn narratives_go_where_something_is_hidden() {
    let access = under(true, POLICY);
    let inside =
        "Group:code,Binary:data,Patient:name,Patient:telecom,Patient:extension('u'),*:note,*:text";
    let patient = hidden(&access, "Patient", Interaction::Search);
    assert_eq!(patient.first().unwrap(), &format!("name,text,{inside}"));
    assert_eq!(hidden(&access, "Observation", Interaction::Search), [""]);
    assert_eq!(hidden(&access, "Bundle", Interaction::Search), [inside]);
    let nothing = under(true, r#""resource":[{"resourceType":"*"}]"#);
    assert_eq!(hidden(&nothing, "Bundle", Interaction::Search), [""]);
    assert_ne!(access.fingerprint(), under(false, POLICY).fingerprint());
}

#[test]
fn very_many_fields_hide_what_is_inside_whole() {
    let fields: Vec<String> = (0..1000)
        .map(|i| {
            format!(
                "\"aField{i}.that.has.quite.a.long.name.after.a.while.as.it.were.{i}\"",
                i = format!("x{i}")
            )
        })
        .collect();
    let fields = fields.join(",");
    let members = format!(
        r#""resource":[{{"resourceType":"Patient","hiddenFields":[{fields}]}},{{"resourceType":"Bundle"}}]"#
    );
    let access = under(false, &members);
    let bundle = hidden(&access, "Bundle", Interaction::Search);
    let whole: FieldSet = bundle.first().unwrap().parse().unwrap();
    for path in [
        "contained",
        "entry.resource",
        "entry.response.outcome",
        "parameter.resource",
        "parameter.part",
    ] {
        assert!(whole.covers(path), "{path}");
    }
    assert_eq!(
        bundle,
        ["entry.resource,entry.response.outcome,contained,parameter.part,parameter.resource"]
    );
}
