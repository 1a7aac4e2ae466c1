//! Composite parameters: all parts hold for the same element.

use crate::support::check;

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

const PRESSURE: &str = r#"{"code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"component":[
    {"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":150,"system":"u","code":"mm[Hg]","unit":"mmHg"}},
    {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":90,"system":"u","code":"mm[Hg]","unit":"mmHg"}}]}"#;

#[test]
fn components() {
    check(
        "Observation",
        &[
            (
                "component-code-value-quantity=http://loinc.org|8480-6$gt140",
                PRESSURE,
                YES,
            ),
            (
                "component-code-value-quantity=http://loinc.org|8480-6$gt150",
                PRESSURE,
                NO,
            ),
            // Not two parts of two components.
            (
                "component-code-value-quantity=http://loinc.org|8462-4$gt140",
                PRESSURE,
                NO,
            ),
            (
                "component-code-value-quantity=8462-4$lt100||mmHg",
                PRESSURE,
                YES,
            ),
            (
                "component-code-value-quantity=8462-4$lt100|u|mm[Hg]",
                PRESSURE,
                YES,
            ),
            (
                "component-code-value-quantity=8462-4$lt100|u|kPa",
                PRESSURE,
                NO,
            ),
            (
                "component-code-value-quantity=x$1,8480-6$150",
                PRESSURE,
                YES,
            ),
            ("component-code-value-quantity=|8480-6$150", PRESSURE, NO),
            (
                "component-code-value-quantity:not=8480-6$gt140",
                PRESSURE,
                NO,
            ),
            (
                "component-code-value-quantity:not=8462-4$gt140",
                PRESSURE,
                YES,
            ),
            ("component-code-value-quantity:not=8462-4$gt140", "{}", YES),
            (
                "component-code-value-quantity=8480-6$ne1",
                r#"{"component":[{"code":{"coding":[{"code":"8480-6"}]}}]}"#,
                NO,
            ),
            // Wrongly typed: unknown where it matters.
            (
                "component-code-value-quantity=a$1",
                r#"{"component":[{"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":"1"}}]}"#,
                None,
            ),
            (
                "component-code-value-quantity=b$1",
                r#"{"component":[{"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":"1"}}]}"#,
                NO,
            ),
            (
                "component-code-value-quantity=a$1",
                r#"{"component":[5,{"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1}}]}"#,
                YES,
            ),
            (
                "component-code-value-quantity=a$1",
                r#"{"component":{"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1}}}"#,
                None,
            ),
            (
                "component-code-value-quantity=a$1",
                r#"{"component":[null]}"#,
                NO,
            ),
            (
                "component-code-value-concept=a$s|b",
                r#"{"component":[{"code":{"coding":[{"code":"a"}]},"valueCodeableConcept":{"coding":[{"system":"s","code":"b"}]}}]}"#,
                YES,
            ),
            (
                "component-code-value-concept=a$|b",
                r#"{"component":[{"code":{"coding":[{"code":"a"}]},"valueCodeableConcept":{"coding":[{"code":"b"}]}}]}"#,
                YES,
            ),
            (
                "component-code-value-concept=a$b",
                r#"{"component":[{"code":{"coding":[{"code":"a"}]}},{"valueCodeableConcept":{"coding":[{"code":"b"}]}}]}"#,
                NO,
            ),
        ],
    );
}

#[test]
fn of_the_resource() {
    let weight = r#"{"code":{"coding":[{"code":"w"}]},"valueQuantity":{"value":70,"unit":"kg"}}"#;
    check(
        "Observation",
        &[
            ("code-value-quantity=w$gt60||kg", weight, YES),
            ("code-value-quantity=w$gt80||kg", weight, NO),
            ("code-value-quantity=h$gt60||kg", weight, NO),
            ("code-value-quantity:not=w$gt60", weight, NO),
            ("code-value-quantity:not=w$gt60", "{}", YES),
            (
                "code-value-string=w$AB",
                r#"{"code":{"coding":[{"code":"w"}]},"valueString":"abc"}"#,
                YES,
            ),
            (
                "code-value-string=w$b",
                r#"{"code":{"coding":[{"code":"w"}]},"valueString":"abc"}"#,
                NO,
            ),
            (
                r"code-value-string=w$a\$b",
                r#"{"code":{"coding":[{"code":"w"}]},"valueString":"a$bc"}"#,
                YES,
            ),
            (
                "code-value-date=w$ge2013",
                r#"{"code":{"coding":[{"code":"w"}]},"valueDateTime":"2013-05"}"#,
                YES,
            ),
            (
                "code-value-date=w$sa2013",
                r#"{"code":{"coding":[{"code":"w"}]},"valuePeriod":{"start":"2014"}}"#,
                YES,
            ),
            (
                "code-value-date=w$2013",
                r#"{"code":{"coding":[{"code":"w"}]},"valueDateTime":"2013","valuePeriod":{"start":"2013"}}"#,
                None,
            ),
            (
                "code-value-date=v$2013",
                r#"{"code":{"coding":[{"code":"w"}]},"valueDateTime":"2013","valuePeriod":{"start":"2013"}}"#,
                NO,
            ),
            (
                "code-value-concept=w$x",
                r#"{"code":{"coding":[{"code":"w"}]},"valueCodeableConcept":{"coding":[{"code":"x"}]}}"#,
                YES,
            ),
            (
                "code-value-concept=w$x",
                r#"{"code":{"coding":[{"code":"w"}]},"valueCodeableConcept":"x"}"#,
                None,
            ),
        ],
    );
}

/// Of the resource or of a component, but not half and half.
#[test]
fn combinations() {
    check(
        "Observation",
        &[
            ("combo-code-value-quantity=8480-6$150", PRESSURE, YES),
            ("combo-code-value-quantity=85354-9$150", PRESSURE, NO),
            (
                "combo-code-value-quantity=85354-9$5",
                r#"{"code":{"coding":[{"code":"85354-9"}]},"valueQuantity":{"value":5}}"#,
                YES,
            ),
            (
                "combo-code-value-quantity=a$5",
                r#"{"code":{"coding":[{"code":"a"}]},"component":[{"valueQuantity":{"value":5}}]}"#,
                NO,
            ),
            (
                "combo-code-value-quantity:not=a$5",
                r#"{"code":{"coding":[{"code":"a"}]},"component":[{"valueQuantity":{"value":5}}]}"#,
                YES,
            ),
            (
                "combo-code-value-concept=a$b",
                r#"{"component":[{"code":{"coding":[{"code":"a"}]},"valueCodeableConcept":{"coding":[{"code":"b"}]}}]}"#,
                YES,
            ),
        ],
    );
}

/// One part looks from the root, the others at the same variant.
#[test]
fn variants() {
    let json = r#"{"referenceSeq":{"chromosome":{"coding":[{"code":"1"}]},"windowStart":5,"windowEnd":9},
        "variant":[{"start":10,"end":20},{"start":30,"end":40}]}"#;
    check(
        "MolecularSequence",
        &[
            ("chromosome-variant-coordinate=1$ge10$le20", json, YES),
            ("chromosome-variant-coordinate=1$ge30$le40", json, YES),
            ("chromosome-variant-coordinate=1$ge30$le20", json, NO),
            ("chromosome-variant-coordinate=2$ge10$le20", json, NO),
            ("chromosome-variant-coordinate:not=2$ge10$le20", json, YES),
            ("chromosome-variant-coordinate:not=1$ge10$le20", json, NO),
            ("chromosome-variant-coordinate=1$10$20,2$1$1", json, YES),
            ("chromosome-window-coordinate=1$lt6$gt8", json, YES),
            ("chromosome-window-coordinate=1$lt5$gt8", json, NO),
            ("chromosome-window-coordinate=2$lt6$gt8", json, NO),
            (
                "chromosome-variant-coordinate=1$1$1",
                r#"{"variant":[{"start":1,"end":1}]}"#,
                NO,
            ),
            (
                "chromosome-variant-coordinate=1$1$1",
                r#"{"referenceSeq":[],"variant":[{"start":"1","end":1}]}"#,
                None,
            ),
            (
                "chromosome-variant-coordinate=1$1$1",
                r#"{"referenceSeq":{"chromosome":{"coding":[{"code":"1"}]}},"variant":[{"start":"1","end":1}]}"#,
                None,
            ),
        ],
    );
}

#[test]
fn others() {
    let related = r##"{"resourceType":"DocumentReference","id":"d","relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/1"}},{"code":"appends","target":{"reference":"DocumentReference/2/_history/1"}}]}"##;
    check(
        "DocumentReference",
        &[
            ("relationship=replaces$DocumentReference/1", related, YES),
            ("relationship=replaces$1", related, YES),
            ("relationship=appends$1", related, NO),
            ("relationship=appends$2", related, YES),
            ("relationship=appends$DocumentReference/2", related, YES),
            ("relationship=|appends$2", related, YES),
            ("relationship=replaces$http://x/1", related, NO),
        ],
    );
    let context = r#"{"useContext":[{"code":{"system":"s","code":"age"},"valueRange":{"low":{"value":1,"unit":"a"},"high":{"value":9,"unit":"a"}}},
        {"code":{"code":"n"},"valueQuantity":{"value":5}}]}"#;
    check(
        "ActivityDefinition",
        &[
            ("context-type-quantity=s|age$gt8||a", context, YES),
            ("context-type-quantity=s|age$gt8||mo", context, NO),
            ("context-type-quantity=n$5", context, YES),
            ("context-type-quantity=n$gt8", context, NO),
            ("context-type-quantity=age$lt0", context, NO),
            (
                "context-type-quantity=n$5",
                r#"{"useContext":[{"code":{"code":"n"},"valueQuantity":{"value":5},"valueRange":{"low":{"value":1}}}]}"#,
                None,
            ),
        ],
    );
    let group = r#"{"characteristic":[{"code":{"coding":[{"code":"c"}]},"valueBoolean":true},{"code":{"coding":[{"code":"d"}]},"valueCodeableConcept":{"coding":[{"system":"s","code":"v"}]}}]}"#;
    check(
        "Group",
        &[
            ("characteristic-value=c$true", group, YES),
            ("characteristic-value=d$true", group, NO),
            ("characteristic-value=d$s|v", group, YES),
            ("characteristic-value=d$|v", group, NO),
            ("characteristic-value=c$|true", group, YES),
            ("characteristic-value=c$s|true", group, NO),
        ],
    );
    let study = r#"{"progressStatus":[{"state":{"coding":[{"code":"a"}]},"actual":true,"period":{"start":"2013","end":"2014"}},{"state":{"coding":[{"code":"b"}]},"actual":false}]}"#;
    check(
        "ResearchStudy",
        &[
            ("progress-status-state-actual=a$true", study, YES),
            ("progress-status-state-actual=b$true", study, NO),
            ("progress-status-state-period=a$ap2013-06", study, YES),
            (
                "progress-status-state-period-actual=a$gt2013$true",
                study,
                YES,
            ),
            (
                "progress-status-state-period-actual=a$gt2013$false",
                study,
                NO,
            ),
            (
                "progress-status-state-period-actual=b$gt2013$false",
                study,
                NO,
            ),
        ],
    );
}
