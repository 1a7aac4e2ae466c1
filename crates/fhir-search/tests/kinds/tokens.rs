//! Token parameters, their `:text`, and the one parameter that asks for truth.

use crate::support::check;

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn systems() {
    let both = r#"{"identifier":[{"system":"s","value":"v"},{"value":"w"},{"system":"t"}]}"#;
    check(
        "Patient",
        &[
            ("identifier=v", both, YES),
            ("identifier=V", both, NO),
            ("identifier=w", both, YES),
            ("identifier=s|v", both, YES),
            ("identifier=t|v", both, NO),
            ("identifier=s|w", both, NO),
            ("identifier=|v", both, NO),
            ("identifier=|w", both, YES),
            ("identifier=s|", both, YES),
            ("identifier=t|", both, YES),
            ("identifier=u|", both, NO),
            ("identifier=x,|w", both, YES),
            (r"identifier=s\|v", both, NO),
            (
                r"identifier=s\|v",
                r#"{"identifier":[{"value":"s|v"}]}"#,
                YES,
            ),
            (
                r"identifier=a\|b|c\|d",
                r#"{"identifier":[{"system":"a|b","value":"c|d"}]}"#,
                YES,
            ),
            ("identifier:not=s|v", both, NO),
            ("identifier:not=s|x", both, YES),
            ("identifier:not=s|x", "{}", YES),
            ("identifier:missing=false", both, YES),
            // What is known may be enough.
            (
                "identifier=v",
                r#"{"identifier":[{"system":5,"value":"v"}]}"#,
                YES,
            ),
            (
                "identifier=|v",
                r#"{"identifier":[{"system":5,"value":"v"}]}"#,
                None,
            ),
            (
                "identifier=s|",
                r#"{"identifier":[{"system":"s","value":5}]}"#,
                YES,
            ),
            (
                "identifier=s|v",
                r#"{"identifier":[{"system":"s","value":5}]}"#,
                None,
            ),
            (
                "identifier=v",
                r#"{"identifier":[{"system":"s","value":5}]}"#,
                None,
            ),
        ],
    );
    check(
        "Observation",
        &[
            (
                "code=c",
                r#"{"code":{"coding":[{"code":"b"},{"code":"c"}]}}"#,
                YES,
            ),
            (
                "code=s|c",
                r#"{"code":{"coding":[{"system":"s","code":"b"},{"system":"t","code":"c"}]}}"#,
                NO,
            ),
            ("code=c", r#"{"code":{"text":"c"}}"#, NO),
            ("code=c", r#"{"code":{"coding":[{"display":"c"}]}}"#, NO),
            ("code=c", r#"{"code":{"coding":[null,{"code":"c"}]}}"#, YES),
            ("status=final", r#"{"status":"final"}"#, YES),
            ("status=Final", r#"{"status":"final"}"#, NO),
            ("status=|final", r#"{"status":"final"}"#, YES),
        ],
    );
    check(
        "Patient",
        &[
            ("active=true", r#"{"active":true}"#, YES),
            ("active=false", r#"{"active":true}"#, NO),
            ("active=true,false", r#"{"active":true}"#, YES),
            ("active=|true", r#"{"active":true}"#, YES),
            ("active=true", r#"{"active":"true"}"#, None),
            (
                "phone=5",
                r#"{"telecom":[{"system":"phone","value":"5"}]}"#,
                YES,
            ),
            (
                "phone=5",
                r#"{"telecom":[{"system":"email","value":"5"}]}"#,
                NO,
            ),
            (
                "telecom=phone|5",
                r#"{"telecom":[{"system":"phone","value":"5"}]}"#,
                YES,
            ),
        ],
    );
}

#[test]
fn text() {
    let code =
        r#"{"code":{"text":"Blood Préssure","coding":[{"code":"85354-9","display":"BP panel"}]}}"#;
    check(
        "Observation",
        &[
            ("code:text=blood", code, YES),
            ("code:text=BLOOD PRESS", code, YES),
            ("code:text=bp", code, YES),
            ("code:text=pressure", code, NO), // as a string parameter: from the start
            ("code:text=85354", code, NO),
            ("code:text=x,bp", code, YES),
            ("code:text=bp", "{}", NO),
            ("code:text=bp", r#"{"code":{"text":5}}"#, None),
            (
                "code:text=bp",
                r#"{"code":{"text":5,"coding":[{"display":"BP"}]}}"#,
                YES,
            ),
            ("code:text=bp", r#"{"code":{"text":"BP","coding":{}}}"#, YES),
            ("code:text=bp", r#"{"code":{"text":"x","coding":{}}}"#, None),
            (
                "code:text=bp",
                r#"{"code":{"coding":[null,{"display":"BP"}]}}"#,
                YES,
            ),
            ("_tag:text=a", r#"{"meta":{"tag":[{"display":"A"}]}}"#, YES),
            ("_tag:text=a", r#"{"meta":{"tag":[{"code":"A"}]}}"#, NO),
            (
                "identifier:text=mrn",
                r#"{"identifier":[{"type":{"text":"MRN"},"value":"1"}]}"#,
                YES,
            ),
            (
                "identifier:text=1",
                r#"{"identifier":[{"type":{"text":"MRN"},"value":"1"}]}"#,
                NO,
            ),
            (
                "identifier:text=mrn",
                r#"{"identifier":[{"type":{"coding":[{"display":"MRN"}]}}]}"#,
                NO,
            ),
            (
                "identifier:text=mrn",
                r#"{"identifier":[{"type":"MRN"}]}"#,
                None,
            ),
            (
                "identifier:text=mrn",
                r#"{"identifier":[{"value":"1"}]}"#,
                NO,
            ),
        ],
    );
}

#[test]
fn truth() {
    check(
        "Patient",
        &[
            ("deceased=true", r#"{"deceasedBoolean":true}"#, YES),
            ("deceased=true", r#"{"deceasedDateTime":"2020"}"#, YES),
            ("deceased=true", r#"{"deceasedBoolean":false}"#, NO),
            ("deceased=true", "{}", NO),
            ("deceased=false", "{}", YES),
            ("deceased=false", r#"{"deceasedBoolean":false}"#, YES),
            ("deceased=false", r#"{"deceasedBoolean":true}"#, NO),
            ("deceased=true,false", "{}", YES),
            ("deceased:not=true", r#"{"deceasedDateTime":"2020"}"#, NO),
            ("deceased:not=true", "{}", YES),
            ("deceased:missing=true", "{}", YES),
            ("deceased:missing=true", r#"{"deceasedBoolean":false}"#, NO),
            (
                "deceased=false",
                r#"{"deceasedBoolean":"no","deceasedDateTime":5}"#,
                None,
            ),
            ("deceased=true", r#"{"deceasedBoolean":"no"}"#, None),
            ("deceased=true", r#"{"deceasedDateTime":"soon"}"#, None),
            (
                "deceased=true",
                r#"{"deceasedBoolean":5,"deceasedDateTime":"2020"}"#,
                YES,
            ),
            ("deceased=false", r#"{"deceasedBoolean":[false]}"#, None),
        ],
    );
}
