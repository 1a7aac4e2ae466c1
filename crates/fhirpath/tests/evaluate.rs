//! What expressions give, for what HL7's suite leaves out: variables, conditions, choice types beside look-alikes, and
//! documents that do not fit the model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shown;

use fhirpath::{Context, Expression, Limits, Variable, Verdict};
use jsonb::{Value, from_json};
use shown::on;

/// The result as text, with the variables of a constraint.
fn value(expression: &str, document: &str) -> String {
    let bytes = from_json(document).expect("JSON");
    let document = Value::parse(&bytes).expect("a document");
    on(
        expression,
        &Context::new(Some(document))
            .variable("before", Variable::Document(None))
            .variable("after", Variable::Document(Some(document)))
            .variable("profile", Variable::Reference("Practitioner/p1"))
            .variable("state", Variable::Text("CA")),
    )
}

#[track_caller]
fn table(document: &str, cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(&value(expression, document), expected, "{expression}");
    }
}

const PATIENT: &str = r##"{"resourceType": "Patient", "id": "p1", "active": true, "birthDate": "1974-12-25",
    "_birthDate": {"id": "b", "extension": [{"url": "http://x/time", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "name": [{"use": "official", "family": "Chalmers", "given": ["Peter", null, "James"],
              "_given": [null, {"extension": [{"url": "http://x/absent", "valueCode": "unknown"}]}, {"id": "j"}]},
             {"use": "usual", "given": ["Jim"]}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Acme", "active": false}],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "Practitioner/x1/_history/2"}, {"reference": "https://host/fhir/Organization/9"},
                            {"type": "Practitioner", "identifier": {"value": "7"}}, {"reference": "urn:uuid:4711"}],
    "multipleBirthInteger": 2, "multipleBirthish": 3}"##;

#[test]
fn variables() {
    table(
        PATIENT,
        &[
            (
                "%resource.id = %context.id and %rootResource.id = id",
                "true",
            ),
            (
                "name.where(%context.id = 'p1').use",
                r#""official" "usual""#,
            ),
            ("name.where($this.use = 'usual').given.first()", r#""Jim""#),
            ("%ucum", r#""http://unitsofmeasure.org""#),
            (
                "%`vs-x` & %'ext-y'",
                r#""http://hl7.org/fhir/ValueSet/xhttp://hl7.org/fhir/StructureDefinition/y""#,
            ),
            ("%before", ""),
            ("%before.exists()", "false"),
            ("%before.count()", "0"),
            ("%before.empty() and %after.exists()", "true"),
            ("%after.birthDate", r#""1974-12-25""#),
            ("%state", r#""CA""#),
            ("%state = 'CA'", "true"),
            ("%missing", "error: the variable %missing is not defined"),
            ("name.exists() or %missing", "true"),
            ("%profile", r#""Practitioner/p1""#),
            ("%profile = 'Practitioner/p1'", "true"),
            ("'Practitioner/p1' in (%profile | 'x')", "true"),
            ("%profile.reference = %profile", "true"),
            ("%profile.id", r#""p1""#),
            ("%profile.resolve() is Practitioner", "true"),
            ("%profile.resolve().id", r#""p1""#),
            (
                "%profile.resolve().active",
                "error: what a reference refers to cannot be decided inside the database",
            ),
            ("%profile is Patient", "false"),
            ("%profile.startsWith('Practitioner/')", "true"),
        ],
    );
}

#[test]
fn variables_that_the_expression_defines() {
    table(
        PATIENT,
        &[
            ("defineVariable('n', name.given).select(%n.count())", "4"),
            ("name.defineVariable('n', given).select(%n.count())", "4 4"),
            (
                "name.select(defineVariable('n', given).select(%n.count()))",
                "3 1",
            ),
            (
                "name.first().defineVariable('me').given.select(%me.family)",
                r#""Chalmers" "Chalmers" "Chalmers""#,
            ),
            (
                "defineVariable('a', 1).defineVariable('b', %a).select(%b)",
                "1",
            ),
            (
                "defineVariable('a', 1) | %a",
                "error: the variable %a is not defined",
            ),
            (
                "(defineVariable('a', 1).select(%a)) | (defineVariable('a', 2).select(%a))",
                "1 2",
            ),
            (
                "defineVariable('a', 1).defineVariable('a', 2)",
                "error: a variable of that name exists already",
            ),
            (
                "defineVariable('before', 1)",
                "error: a variable of that name exists already",
            ),
            (
                "defineVariable('ucum', 1)",
                "error: a variable of that name exists already",
            ),
            (
                "defineVariable('')",
                "error: defineVariable() needs a name as its first argument",
            ),
        ],
    );
}

#[test]
fn conditions() {
    table(
        PATIENT,
        &[
            ("(true | false).allTrue()", "false"),
            ("(true | false).anyTrue()", "true"),
            ("(true | false).allFalse()", "false"),
            ("(true | false).anyFalse()", "true"),
            ("{}.allTrue() and {}.allFalse()", "true"),
            ("{}.anyTrue() or {}.anyFalse()", "false"),
            ("(false).allFalse() and (false).anyFalse()", "true"),
            (
                "('x').anyTrue()",
                "error: anyTrue() is not defined for String",
            ),
            ("{} and false", "false"),
            ("{} and true", ""),
            ("{} or true", "true"),
            ("{} implies true", "true"),
            ("{} implies false", ""),
            ("true implies {}", ""),
            ("true xor {}", ""),
            (
                "name and true",
                "error: `and` needs a single item and there are several",
            ),
            ("active and true", "true"),
            ("active.not()", "false"),
            ("id.not()", "false"),
            ("{}.not()", ""),
            ("name.exists($index = 1 and use = 'usual')", "true"),
            ("name.select($index)", "0 1"),
            (
                "('a' | 'b').repeat(iif($this is String, $index, {}))",
                "0 1",
            ),
            ("{} xor true", ""),
            (
                "(1 | 2 | 3).aggregate($total + (7).select($total + $this), 0)",
                "49",
            ),
            ("name.all(use.exists())", "true"),
            ("{}.all(false)", "true"),
            (
                "$index",
                "error: $index has a value only inside the argument of a function such as where()",
            ),
            (
                "$total",
                "error: $total has a value only inside the argument of aggregate()",
            ),
        ],
    );
}

#[test]
fn choices_are_found_by_their_exact_names() {
    table(
        PATIENT,
        &[
            ("multipleBirth", "2"),
            ("multipleBirth is integer", "true"),
            ("multipleBirthInteger", ""),
            ("multipleBirthish", ""),
            ("deceased", ""),
        ],
    );
    let encounter = r#"{"resourceType": "Encounter", "statusHistory": [{"status": "planned"}],
                        "classHistory": [{"class": {"code": "x"}}]}"#;
    table(
        encounter,
        &[
            ("status.exists()", "false"),
            ("class.exists()", "false"),
            ("statusHistory.status", r#""planned""#),
            ("statusHistory.class", ""),
        ],
    );
    let observation = r#"{"resourceType": "Observation", "valueString": "x", "_valueString": {"id": "i"},
                          "_valueSet": {"id": "no"}, "valued": 1, "valuequantity": {"value": 2}}"#;
    table(
        observation,
        &[
            ("value", r#""x""#),
            ("value.id", r#""i""#),
            ("value is Quantity", "false"),
            ("value.ofType(string).length()", "1"),
        ],
    );
}

#[test]
fn primitives_and_their_extensions() {
    table(
        PATIENT,
        &[
            ("birthDate.id", r#""b""#),
            (
                "birthDate.extension('http://x/time').value",
                r#""1974-12-25T14:35:45-05:00""#,
            ),
            (
                "birthDate.extension('http://x/time').value is dateTime",
                "true",
            ),
            (
                "birthDate.extension('http://x/time').value > @1974-12-25T19:00:00Z",
                "true",
            ),
            ("name.first().given.count()", "3"),
            ("name.first().given.select(hasValue())", "true false true"),
            ("name.first().given.getValue()", ""),
            ("name.first().given[2].id", r#""j""#),
            ("name.first().given[1].exists()", "true"),
            ("name.first().given[1] = 'x'", ""),
            ("name.first().given[1] != 'x'", ""),
            ("'x' in name.first().given", ""),
            ("'Peter' in name.first().given", "true"),
            ("name.first().given[1].length()", ""),
            ("name.given.extension.value", r#""unknown""#),
            ("birthDate.children().count()", "2"),
        ],
    );
}

#[test]
fn references() {
    table(
        PATIENT,
        &[
            ("managingOrganization.resolve().name", r#""Acme""#),
            ("managingOrganization.resolve().active", "false"),
            ("%after.managingOrganization.resolve().name", r#""Acme""#),
            (
                "generalPractitioner.resolve().type().name",
                r#""Practitioner" "Organization" "Practitioner""#,
            ),
            (
                "generalPractitioner.where(resolve() is Organization).count()",
                "1",
            ),
            (
                "generalPractitioner.first().reference.resolve() is Practitioner",
                "true",
            ),
            (
                "generalPractitioner.first().resolve().name",
                "error: what a reference refers to cannot be decided inside the database",
            ),
            ("'Patient/7'.resolve() is Patient", "true"),
            ("'#nobody'.resolve()", ""),
            (
                "conformsTo('http://hl7.org/fhir/StructureDefinition/DomainResource')",
                "true",
            ),
            (
                "conformsTo('http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient')",
                "error: conformance to a profile cannot be decided inside the database",
            ),
            (
                "active.memberOf('http://x')",
                "error: membership in a value set cannot be decided inside the database",
            ),
        ],
    );
}

#[test]
fn documents_that_do_not_fit_the_model() {
    let document = r#"{"resourceType": "Observation", "status": {"a": 1}, "code": "text", "category": {"text": "one"},
        "subject": [{"reference": "Patient/1"}, {"reference": "Patient/2"}], "issued": "yesterday", "valueBoolean": "true",
        "note": [[{"text": "nested"}], null, {"text": "plain"}], "component": 7, "unknown": "x"}"#;
    table(
        document,
        &[
            ("status.exists()", "true"),
            (
                "status = 'final'",
                "error: an element that should hold code holds something else",
            ),
            (
                "status != 'final'",
                "error: an element that should hold code holds something else",
            ),
            ("code.coding.exists()", "false"),
            (
                "code = 'text'",
                "error: an element that should hold CodeableConcept holds something else",
            ),
            ("category.text", r#""one""#),
            (
                "subject.exists()",
                "error: an element that should hold one value holds something else",
            ),
            (
                "status.exists() and subject.reference != 'Patient/1'",
                "error: an element that should hold one value holds something else",
            ),
            (
                "issued < now()",
                "error: an element that should hold instant holds something else",
            ),
            ("value", r#""true""#),
            (
                "value = true",
                "error: an element that should hold boolean holds something else",
            ),
            (
                "value and true",
                "error: an element that should hold boolean holds something else",
            ),
            ("note.text", r#""plain""#),
            ("component.value", ""),
            ("unknown", ""),
            ("resourceType", r#""Observation""#),
            ("Patient", ""),
            (
                "Observation.status.exists() and Resource.id.empty()",
                "true",
            ),
        ],
    );
    for document in [
        "[]",
        "null",
        "7",
        r#""text""#,
        "{}",
        r#"{"resourceType": "Nonsense", "a": {"b": [1, 2]}}"#,
    ] {
        assert_eq!(
            value("Patient.name.exists()", document),
            "false",
            "{document}"
        );
        assert_eq!(value("status = 'final'", document), "", "{document}");
    }
    let unknown = r#"{"resourceType": "Nonsense", "a": {"b": [1, 2.50], "c": "x"}}"#;
    table(
        unknown,
        &[
            ("a.b", "1 2.50"),
            ("a.b.aggregate($this + $total, 0) = 3.5", "true"),
            ("a.c = 'x'", "true"),
        ],
    );
}

#[test]
fn sorting() {
    table(
        PATIENT,
        &[
            ("(3 | 1 | 2).sort()", "1 2 3"),
            ("(3 | 1 | 2).sort(-$this)", "3 2 1"),
            ("name.sort(use).use", r#""official" "usual""#),
            ("name.sort(-use).use", r#""usual" "official""#),
            ("name.sort(family).use", r#""usual" "official""#),
            ("name.sort(-family).use", r#""usual" "official""#),
            ("name.sort(given.count(), use).use", r#""usual" "official""#),
            (
                "(true | false).sort()",
                "error: `<` is not defined for Boolean and Boolean",
            ),
            ("name.sort()", "error: sort() is not defined for HumanName"),
            ("{}.sort()", ""),
        ],
    );
}

#[test]
fn what_cannot_be_told_is_not_false() {
    table(
        r#"{"resourceType": "Observation", "valueString": "a", "valueInteger": 1}"#,
        &[
            ("@2012 in (@2012-01 | @2013)", ""),
            ("(@2012 in (@2012-01 | @2013)).not()", ""),
            ("@2012-01 in (@2012 | @2012-01)", "true"),
            ("(@2012-01 | @2013) contains @2012", ""),
            ("@2014 in (@2012-01 | @2013)", "false"),
            ("(@2012 | @2013).subsetOf(@2012-01 | @2013)", ""),
            ("(@2014 | @2012).subsetOf(@2012-01 | @2013)", "false"),
            ("(@2012-01 | @2013).supersetOf(@2013)", "true"),
            ("1 'kg' in (1 'm' | 2 'kg')", ""),
            // A choice has one of its types.
            (
                "value != 'a'",
                "error: an element that should hold one value holds something else",
            ),
        ],
    );
}

#[test]
fn empty_arguments() {
    table(
        PATIENT,
        &[
            ("'abc'.substring(1, {})", r#""bc""#),
            ("'abc'.substring({}, 1)", ""),
            ("'abc'.indexOf({})", ""),
            ("{}.indexOf('a')", ""),
            ("'a' & {} & 'b'", r#""ab""#),
            ("'a' + {}", ""),
            ("1 < {}", ""),
            ("name.skip({})", ""),
            ("name[{}]", ""),
            ("{} in (1 | 2)", ""),
            ("1 in {}", "false"),
            ("{} = {}", ""),
            ("{} ~ {}", "true"),
        ],
    );
}

#[test]
fn verdicts() {
    let bytes = from_json(PATIENT).unwrap();
    let context = Context::new(Some(Value::parse(&bytes).unwrap()));
    let verdict = |expression: &str| {
        Expression::new(expression, &Limits::default())
            .unwrap()
            .verdict(&context)
    };
    assert_eq!(verdict("active"), Verdict::True);
    assert_eq!(verdict("active.not()"), Verdict::False);
    assert_eq!(verdict("deceased"), Verdict::Empty);
    assert_eq!(verdict("id"), Verdict::NotBoolean("id"));
    assert_eq!(verdict("'true'"), Verdict::NotBoolean("String"));
    assert_eq!(verdict("active | false"), Verdict::Several);
    assert_eq!(verdict("active.combine(active)"), Verdict::Several);
    assert!(matches!(verdict("name.single()"), Verdict::Error(_)));
    assert!(matches!(
        verdict("id.repeat($this & 'x')"),
        Verdict::Error(_)
    ));
}

#[test]
fn errors_name_the_place() {
    let bytes = from_json(PATIENT).unwrap();
    let context = Context::new(Some(Value::parse(&bytes).unwrap()));
    let source = "active and name.where(given.single() = 'x').exists()";
    let expression = Expression::new(source, &Limits::default()).unwrap();
    let error = expression.evaluate(&context).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`single` needs a single item and there are several"
    );
    assert_eq!(&source[error.span().range()], "given.single()");
}

#[test]
fn what_cannot_be_prepared() {
    for (expression, expected) in [
        ("name.whare(true)", "there is no function whare()"),
        ("name.where()", "where() takes 1 argument"),
        ("name.first(1)", "first() takes no arguments"),
        ("name.substring()", "substring() takes 1 to 2 arguments"),
        ("name is Foo", "there is no type of this name"),
        ("name.ofType(1 + 1)", "there is no type of this name"),
    ] {
        let error = Expression::new(expression, &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{expression}");
    }
}

#[test]
fn hints_on_what_cannot_be_prepared() {
    for (expression, expected) in [
        ("name.exist()", Some("did you mean `exists()`?")),
        ("name.whare(true)", Some("did you mean `where()`?")),
        ("name is HumanNmae", Some("did you mean `HumanName`?")),
        ("name.ofType(Patien)", Some("did you mean `Patient`?")),
        ("name.isEmpty()", Some("did you mean `empty()`?")),
        ("name.first(1)", None),
    ] {
        let error = Expression::new(expression, &Limits::default()).unwrap_err();
        assert_eq!(error.hint(), expected, "{expression}");
    }
}
