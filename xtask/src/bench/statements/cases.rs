//! The ten statements, and how each method of access control writes them.

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// Of a clinic: its project, of the Observations some categories.
    Clinician,
    /// A patient, whose own Observations an index on the document finds.
    Patient,
}

impl Member {
    /// The membership, and the end of the names of roles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clinician => "clinician",
            Self::Patient => "patient",
        }
    }
}

/// A method of access control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// (a) Predicate and mask in the statement, no row security: the limit.
    ByHand,
    /// (b) This extension.
    FhirAccess,
    /// (c) Row security with `current_setting()`.
    Setting,
    /// (d) Row security that calls a PL/pgSQL function.
    Function,
}

impl Method {
    /// All that run in the database.
    pub const ALL: [Self; 4] = [
        Self::ByHand,
        Self::FhirAccess,
        Self::Setting,
        Self::Function,
    ];
}

/// A statement. In its text stand, for what methods do differently: `{resource}` for an Observation without what is hidden,
/// `{may}`, `{o.may}`, `{p.may}`, `{e.may}` for the predicate; besides, `{encounter}` for a reference, and `:k` for a number.
pub struct Case {
    /// In words.
    pub name: &'static str,
    /// For the application.
    pub id: &'static str,
    pub member: Member,
    pub text: &'static str,
    /// What is found by indexes must not take longer in a larger table.
    pub indexed: bool,
    /// Changes rows.
    pub writes: bool,
    /// Is inside a transaction that is rolled back.
    pub undone: bool,
}

const fn reads(name: &'static str, id: &'static str, text: &'static str) -> Case {
    Case {
        name,
        id,
        member: Member::Clinician,
        text,
        indexed: false,
        writes: false,
        undone: false,
    }
}

/// The ten statements. Those that write come last: they move rows.
pub const CASES: [Case; 10] = [
    Case {
        indexed: true,
        ..reads(
            "read by id",
            "read",
            "SELECT {resource} AS resource FROM observation WHERE id = 'o2-' || :k AND {may}",
        )
    },
    Case {
        member: Member::Patient,
        indexed: true,
        ..reads(
            "page of a patient's compartment",
            "page",
            // By hand, only what is on the page is worth masking.
            "SELECT id, {resource} AS resource FROM (SELECT id, resource FROM observation WHERE {may}
              ORDER BY resource ->> 'effectiveDateTime' DESC, id LIMIT 20 OFFSET 20) AS page",
        )
    },
    Case {
        indexed: true,
        ..reads(
            "count",
            "count",
            "SELECT count(*) FROM observation WHERE {may}",
        )
    },
    reads(
        "search, selective",
        "selective",
        "SELECT id, {resource} AS resource FROM observation WHERE resource #>> '{encounter,reference}' = '{encounter}' AND {may}",
    ),
    reads(
        "search, not selective",
        "wide",
        r#"SELECT id, {resource} AS resource FROM observation
            WHERE resource @> '{"category": [{"coding": [{"code": "vital-signs"}]}]}' AND {may}"#,
    ),
    reads(
        "join Patient-Observation-Encounter",
        "join",
        "SELECT p.id, p.resource -> 'name', e.resource -> 'period', o.resource -> 'code', o.resource -> 'valueQuantity'
           FROM patient p JOIN encounter e ON e.resource #>> '{subject,reference}' = 'Patient/' || p.id
           JOIN observation o ON o.resource #>> '{encounter,reference}' = 'Encounter/' || e.id
          WHERE p.id = 'p2-3' AND {p.may} AND {e.may} AND {o.may}",
    ),
    Case {
        indexed: true,
        ..reads(
            "top 20 by date",
            "top",
            "SELECT id, {resource} AS resource FROM observation WHERE {may} ORDER BY resource ->> 'effectiveDateTime' DESC, id DESC LIMIT 20",
        )
    },
    reads(
        "aggregate by code",
        "aggregate",
        "SELECT resource #>> '{code,coding,0,code}', count(*) FROM observation WHERE {may} GROUP BY 1",
    ),
    Case {
        writes: true,
        ..reads(
            "update by id",
            "update",
            r#"UPDATE observation SET resource = jsonb_set(resource, '{status}', '"amended"') WHERE id = 'o2-' || :k AND {may}"#,
        )
    },
    Case {
        writes: true,
        undone: true,
        ..reads(
            "insert of 100 rows",
            "insert",
            "INSERT INTO observation (id, project_id, resource) SELECT n.id, 'c2', {incoming}
               FROM incoming AS i, LATERAL (SELECT i.id || '-' || :client_id AS id) AS n",
        )
    },
];

/// What each of the kinds shows to a clinician, by hand.
const OF_PROJECT: &str = "{alias}project_id = 'c2'";
const CATEGORIES: &str = r#" AND ({alias}resource @> '{"category": [{"coding": [{"code": "vital-signs"}]}]}'
   OR {alias}resource @> '{"category": [{"coding": [{"code": "laboratory"}]}]}')"#;
const OF_PATIENT: &str = r#"{alias}resource @> '{"subject": {"reference": "Patient/p2-3"}}'"#;

impl Case {
    /// The statement as a method writes it, with `:k` and `:client_id` as they are.
    pub fn sql(&self, method: Method, encounter: &str) -> String {
        let masked = method != Method::FhirAccess;
        let resource = if masked {
            "(resource - '{issued}'::text[])"
        } else {
            "resource"
        };
        // A row that is written by hand is what fhir_access makes of it: of the project, and without what is hidden.
        let incoming = if masked {
            r#"(i.resource - '{issued}'::text[]) || jsonb_build_object('id', n.id, 'meta', i.resource -> 'meta' || '{"project": "c2"}')"#
        } else {
            "i.resource || jsonb_build_object('id', n.id)"
        };
        let may = |alias: &str, categories: &str| {
            if method != Method::ByHand {
                return "true".to_owned();
            }
            match self.member {
                Member::Clinician => format!("{OF_PROJECT}{categories}"),
                Member::Patient => OF_PATIENT.to_owned(),
            }
            .replace("{alias}", alias)
        };
        self.text
            .replace("{resource}", resource)
            .replace("{incoming}", incoming)
            .replace("{may}", &may("", CATEGORIES))
            .replace("{o.may}", &may("o.", CATEGORIES))
            .replace("{p.may}", &may("p.", ""))
            .replace("{e.may}", &may("e.", ""))
            .replace("{encounter}", encounter)
    }

    /// The statement with numbers in the place of variables.
    pub fn sample(&self, method: Method, encounter: &str, k: i64) -> String {
        self.sql(method, encounter)
            .replace(":k", &k.to_string())
            .replace(":client_id", "0")
    }

    /// As pgbench runs it; `most` is the largest number of an Observation.
    pub fn script(&self, method: Method, encounter: &str, most: i64) -> String {
        let sql = self.sql(method, encounter).replace('\n', " ");
        let variables = if sql.contains(":k") {
            format!("\\set k random(1, {most})\n")
        } else {
            String::new()
        };
        if self.undone {
            format!("{variables}BEGIN;\n{sql};\nROLLBACK;\n")
        } else {
            format!("{variables}{sql};\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_differ_where_they_should() {
        for case in &CASES {
            let [by_hand, fhir_access, setting, function] =
                Method::ALL.map(|method| case.sql(method, "Encounter/e2-1"));
            assert_eq!(setting, function, "{}", case.name);
            assert!(!fhir_access.contains("issued") && !fhir_access.contains("'c2' AND"));
            assert!(by_hand.contains("project_id") || by_hand.contains("Patient/p2-3"));
            for text in [&by_hand, &fhir_access, &setting] {
                for left in ["may}", "{resource}", "{incoming}", "{encounter}", "{alias}"] {
                    assert!(!text.contains(left), "{text}");
                }
            }
        }
    }

    #[test]
    fn scripts() {
        let [first, .., last] = &CASES;
        let script = first.script(Method::FhirAccess, "", 9);
        assert_eq!(
            script,
            "\\set k random(1, 9)\nSELECT resource AS resource FROM observation WHERE id = 'o2-' || :k AND true;\n"
        );
        let script = last.script(Method::ByHand, "", 9);
        assert!(script.starts_with("BEGIN;\nINSERT") && script.ends_with(";\nROLLBACK;\n"));
    }
}
