//! One criterion of each kind, and the SQL of somebody who knows PostgreSQL for the same rows.

/// A criterion that is the whole policy of a membership.
pub struct Case {
    /// The kind: also the policy's and the membership's id.
    pub kind: &'static str,
    /// The table that it is asked of.
    pub table: &'static str,
    pub criteria: &'static str,
    /// The same rows by hand.
    pub by_hand: &'static [ByHand],
    /// Where the advised index serves other parameters, too: an index for this one alone, with the SQL by hand that has such an
    /// index.
    pub own: Option<Own>,
}

/// An index for one parameter alone.
pub struct Own {
    /// What it is, in a few words.
    pub name: &'static str,
    /// The statement that makes it.
    pub index: &'static str,
    pub by_hand: &'static [ByHand],
}

/// A condition by hand, with the indexes of `benches/by_hand.sql`.
pub struct ByHand {
    /// What it is, in a few words.
    pub name: &'static str,
    pub condition: &'static str,
    /// It means the same for every document, but for what `note` says: the bar is for this one. Others are right on the
    /// generated data only.
    pub same: bool,
    /// How its meaning differs.
    pub note: Option<&'static str>,
}

const fn same(name: &'static str, condition: &'static str) -> ByHand {
    ByHand {
        name,
        condition,
        same: true,
        note: None,
    }
}

const fn nearly(name: &'static str, condition: &'static str, note: &'static str) -> ByHand {
    ByHand {
        name,
        condition,
        same: true,
        note: Some(note),
    }
}

const fn here(name: &'static str, condition: &'static str, note: &'static str) -> ByHand {
    ByHand {
        name,
        condition,
        same: false,
        note: Some(note),
    }
}

const CASE_ONLY: &str = "letters with accents are not taken for those without";

/// All kinds.
pub const CASES: [Case; 12] = [
    Case {
        kind: "token",
        table: "observation",
        criteria: "Observation?code=http://loinc.org|7-7",
        by_hand: &[
            same(
                "@>, GIN",
                r#"resource @> '{"code":{"coding":[{"system":"http://loinc.org","code":"7-7"}]}}'"#,
            ),
        ],
        own: Some(Own {
            name: "tokens()",
            index: "CREATE INDEX ON observation USING gin
                    (fhir_access.tokens(resource, 'code:CodeableConcept') fhir_access.prefix_ops)",
            by_hand: &[
                same(
                    "&&, GIN on codes",
                    "hand_codes(resource) && '{http://loinc.org|7-7}'",
                ),
                here(
                    "=, B-tree on the first code",
                    "resource #>> '{code,coding,0,system}' = 'http://loinc.org'
                     AND resource #>> '{code,coding,0,code}' = '7-7'",
                    "sees the first coding only",
                ),
            ],
        }),
    },
    Case {
        kind: "reference",
        table: "observation",
        criteria: "Observation?subject=Patient/p7",
        by_hand: &[
            same(
                "@>, GIN",
                r#"resource @> '{"subject":{"reference":"Patient/p7"}}'"#,
            ),
        ],
        own: Some(Own {
            name: "targets()",
            index: "CREATE INDEX ON observation USING gin
                    (fhir_access.targets(resource, 'subject:Reference') fhir_access.prefix_ops)",
            by_hand: &[nearly(
                "=, B-tree",
                "resource #>> '{subject,reference}' = 'Patient/p7'",
                "no versions, no contained resources",
            )],
        }),
    },
    Case {
        kind: "_compartment",
        table: "observation",
        criteria: "Observation?_compartment=Patient/p7",
        by_hand: &[
            same(
                "@> OR …, GIN",
                r#"(resource @> '{"subject":{"reference":"Patient/p7"}}'
                 OR resource @> '{"performer":[{"reference":"Patient/p7"}]}'
                 OR resource @> '{"meta":{"account":{"reference":"Patient/p7"}}}'
                 OR resource @> '{"meta":{"accounts":[{"reference":"Patient/p7"}]}}')"#,
            ),
            nearly(
                "&&, GIN on references",
                "hand_compartment(resource) && '{Patient/p7}'",
                "no versions, no contained resources",
            ),
        ],
        own: None,
    },
    Case {
        kind: "date eq",
        table: "patient",
        criteria: "Patient?birthdate=1985-03",
        by_hand: &[nearly(
            "texts, B-tree",
            r#"(resource ->> 'birthDate') COLLATE "C" >= '1985-03' AND (resource ->> 'birthDate') COLLATE "C" < '1985-04'"#,
            "what is no date is not told apart",
        )],
        own: None,
    },
    Case {
        kind: "date ge",
        table: "observation",
        criteria: "Observation?date=ge2024-08-16",
        by_hand: &[
            nearly(
                "texts OR …, B-tree",
                r#"(hand_end(resource) COLLATE "C" >= '2024-08-17'
                 OR hand_end(resource) COLLATE "C" >= '2024-08-16' AND hand_end(resource) COLLATE "C" < '2024-08-17'
                    AND hand_start(resource) COLLATE "C" >= '2024-08-16')"#,
                "no Timing, UTC only, nothing less precise than a day",
            ),
            here(
                "text, B-tree",
                r#"(resource ->> 'effectiveDateTime') COLLATE "C" >= '2024-08-16'"#,
                "no Period",
            ),
        ],
        own: None,
    },
    Case {
        kind: "number",
        table: "risk_assessment",
        criteria: "RiskAssessment?probability=gt0.999",
        by_hand: &[
            nearly(
                "the greatest, B-tree",
                "hand_probability(resource) > 0.999",
                "no Range",
            ),
            nearly(
                "jsonpath, no index",
                "resource @? '$.prediction[*].probabilityDecimal ? (@ > 0.999)'",
                "no Range",
            ),
        ],
        own: None,
    },
    Case {
        kind: "quantity",
        table: "observation",
        criteria: "Observation?value-quantity=gt998|http://unitsofmeasure.org|kg",
        by_hand: &[nearly(
            "B-tree",
            "resource #>> '{valueQuantity,system}' = 'http://unitsofmeasure.org'
             AND resource #>> '{valueQuantity,code}' = 'kg' AND (resource #>> '{valueQuantity,value}')::numeric > 998",
            "no SampledData, no comparator",
        )],
        own: None,
    },
    Case {
        kind: "string",
        table: "patient",
        criteria: "Patient?family=abc",
        by_hand: &[
            nearly(
                "@@ 'abc':*, GIN on families",
                "array_to_tsvector(hand_families(resource)) @@ 'abc:*'",
                CASE_ONLY,
            ),
            here(
                "LIKE 'abc%', B-tree on the first",
                "lower(resource #>> '{name,0,family}') LIKE 'abc%'",
                "sees the first name only",
            ),
        ],
        own: None,
    },
    Case {
        kind: ":contains",
        table: "patient",
        criteria: "Patient?family:contains=abc",
        by_hand: &[nearly(
            "LIKE '%abc%', GIN of trigrams",
            "hand_family_text(resource) LIKE '%abc%'",
            CASE_ONLY,
        )],
        own: None,
    },
    Case {
        kind: "uri",
        table: "observation",
        criteria: "Observation?_profile=http://example.org/fhir/unit-7/profile-3",
        by_hand: &[
            same(
                "@>, GIN",
                r#"resource @> '{"meta":{"profile":["http://example.org/fhir/unit-7/profile-3"]}}'"#,
            ),
            same(
                "&&, GIN on profiles",
                "hand_profiles(resource) && '{http://example.org/fhir/unit-7/profile-3}'",
            ),
        ],
        own: None,
    },
    Case {
        kind: "uri :below",
        table: "observation",
        criteria: "Observation?_profile:below=http://example.org/fhir/unit-7",
        by_hand: &[
            same(
                "@@ '…/':*, GIN on profiles",
                "array_to_tsvector(hand_profiles(resource)) @@ $$'http://example.org/fhir/unit-7' | 'http://example.org/fhir/unit-7/':*$$",
            ),
            here(
                "LIKE, B-tree on the first",
                "(resource #>> '{meta,profile,0}' = 'http://example.org/fhir/unit-7'
                  OR resource #>> '{meta,profile,0}' LIKE 'http://example.org/fhir/unit-7/%')",
                "sees the first profile only",
            ),
        ],
        own: None,
    },
    Case {
        kind: "composite",
        table: "observation",
        criteria: "Observation?component-code-value-quantity=http://loinc.org|7-1$gt140",
        by_hand: &[
            nearly(
                "@> and jsonpath, GIN",
                r#"resource @> '{"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"7-1"}]}}]}'
                   AND resource @? '$.component[*] ? (@.valueQuantity.value > 140).code.coding[*]
                                    ? (@.code == "7-1" && @.system == "http://loinc.org")'"#,
                "no comparator",
            ),
            here(
                "B-tree on the first",
                "resource #>> '{component,0,code,coding,0,system}' = 'http://loinc.org'
                 AND resource #>> '{component,0,code,coding,0,code}' = '7-1'
                 AND (resource #>> '{component,0,valueQuantity,value}')::numeric > 140",
                "sees the first component only",
            ),
        ],
        own: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_a_bar() {
        let ids: BTreeSet<String> = CASES.iter().map(Case::id).collect();
        assert_eq!(ids.len(), CASES.len());
        for case in &CASES {
            assert!(
                case.by_hand.iter().any(|by_hand| by_hand.same),
                "{}",
                case.kind
            );
        }
    }
}
