-- One table under a policy and the same one unprotected, with the same indexes, for `cargo xtask bench writes`. The patients
-- that the Observations are about are in a protected table too, so that their accounts are looked up.
CREATE EXTENSION fhir_access;

CREATE TABLE source (id text PRIMARY KEY, resource jsonb NOT NULL);
-- The same rows as they are stored in the project.
CREATE TABLE stored (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE guarded (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE plain (LIKE guarded INCLUDING ALL);
CREATE INDEX ON guarded USING gin (resource jsonb_path_ops);
CREATE INDEX ON plain USING gin (resource jsonb_path_ops);

SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('guarded', 'Observation');

INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "clinic"}');
-- By criteria alone.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "criteria",
  "resource": [{"resourceType": "Observation", "criteria": "Observation?status=registered,preliminary,final,amended,corrected"}]}');
-- Everything that a write can be asked: tagged with project and accounts, fields put back, a constraint.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "everything", "compartment": {"reference": "Organization/clinic"},
  "resource": [{"resourceType": "Observation", "criteria": "Observation?status=registered,preliminary,final,amended,corrected",
                "hiddenFields": ["note"], "readonlyFields": ["interpretation", "meta.security"],
                "writeConstraint": [{"language": "text/fhirpath", "expression": "subject.exists() and code.exists()"}]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
  ('{"resourceType": "ProjectMembership", "id": "criteria", "profile": {"reference": "Practitioner/p"},
     "access": [{"policy": {"reference": "AccessPolicy/criteria"}}]}'),
  ('{"resourceType": "ProjectMembership", "id": "everything", "profile": {"reference": "Practitioner/p"},
     "project": {"reference": "Project/clinic"}, "access": [{"policy": {"reference": "AccessPolicy/everything"}}]}');

CREATE ROLE bench_app LOGIN;
GRANT SELECT ON source TO bench_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON guarded, plain TO bench_app;
GRANT SET ON PARAMETER fhir_access.membership TO bench_app;
