-- Guide "Compartments": all observations that belong to one patient, by whatever element they do, and nothing else.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES ('xyz', '{"resourceType": "Patient", "id": "xyz"}');
INSERT INTO observation VALUES
    ('subject', '{"resourceType": "Observation", "id": "subject", "subject": {"reference": "Patient/xyz"}}'),
    ('performer', '{"resourceType": "Observation", "id": "performer", "subject": {"reference": "Group/g"},
                    "performer": [{"reference": "Practitioner/p"}, {"reference": "Patient/xyz"}]}'),
    ('account', '{"resourceType": "Observation", "id": "account", "meta": {"account": {"reference": "Patient/xyz"}}}'),
    ('accounts', '{"resourceType": "Observation", "id": "accounts",
                   "meta": {"accounts": [{"reference": "Organization/o"}, {"reference": "Patient/xyz"}]}}'),
    ('focus', '{"resourceType": "Observation", "id": "focus", "focus": [{"reference": "Patient/xyz"}]}'),
    ('other', '{"resourceType": "Observation", "id": "other", "subject": {"reference": "Patient/xyz2"}}'),
    ('display', '{"resourceType": "Observation", "id": "display", "subject": {"display": "Patient/xyz"}}'),
    ('group', '{"resourceType": "Observation", "id": "group", "subject": {"reference": "Group/xyz"}}');
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');

-- The document of the guide, with an id.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "compartment",
  "name": "Write Constraints Access Policy",
  "resource": [
    {
      "resourceType": "Observation",
      "criteria": "Observation?_compartment=Patient/xyz"
    }
  ]
}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{
  "resourceType": "ProjectMembership",
  "id": "m1",
  "accessPolicy": {"reference": "AccessPolicy/compartment"}
}');

\c - app
SET fhir_access.membership = 'm1';

-- Subject, performer and accounts make the compartment; focus is not in its R4 definition.
SELECT id FROM observation ORDER BY id;

-- The patient itself is another type.
SELECT id FROM patient;

-- Written within the compartment only: neither made outside nor moved out.
INSERT INTO observation VALUES ('new', '{"resourceType": "Observation", "id": "new", "subject": {"reference": "Patient/xyz"}}');
INSERT INTO observation VALUES ('out', '{"resourceType": "Observation", "id": "out", "subject": {"reference": "Patient/abc"}}');
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET resource = resource || '{"status": "final"}' WHERE id IN ('subject', 'other') RETURNING id;
UPDATE observation SET resource = resource || '{"subject": {"reference": "Patient/abc"}}' WHERE id = 'subject';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM observation WHERE id IN ('new', 'other') RETURNING id;

-- Claiming an account does not open the door: the writer's word is replaced before the row is judged.
INSERT INTO observation VALUES ('claim', '{"resourceType": "Observation", "id": "claim", "meta": {"account": {"reference": "Patient/xyz"}}}');
\echo :LAST_ERROR_SQLSTATE
