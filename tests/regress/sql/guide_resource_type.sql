-- Guide "Resource type": a policy that names one resource type grants everything on it, and nothing on any other.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('homer', '{"resourceType": "Patient", "id": "homer", "name": [{"family": "Simpson", "given": ["Homer"]}]}'),
    ('ned', '{"resourceType": "Patient", "id": "ned", "name": [{"family": "Flanders", "given": ["Ned"]}]}');
INSERT INTO observation VALUES
    ('bp', '{"resourceType": "Observation", "id": "bp", "status": "final", "subject": {"reference": "Patient/homer"}}');
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');

-- The document of the guide, with an id, and a membership that has it.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "patients",
  "name": "Patient Example",
  "resource": [
    {
      "resourceType": "Patient"
    }
  ]
}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{
  "resourceType": "ProjectMembership",
  "id": "m1",
  "profile": {"reference": "Practitioner/hibbert"},
  "accessPolicy": {"reference": "AccessPolicy/patients"}
}');

\c - app
SET fhir_access.membership = 'm1';

-- All patients, and no observation.
SELECT id, resource #>> '{name,0,family}' AS family FROM patient ORDER BY id;
SELECT count(*) FROM observation;

-- Every write on patients.
INSERT INTO patient VALUES ('moe', '{"resourceType": "Patient", "id": "moe", "name": [{"family": "Szyslak"}]}');
UPDATE patient SET resource = jsonb_set(resource, '{active}', 'true') WHERE id = 'ned';
DELETE FROM patient WHERE id = 'homer';
SELECT id, resource -> 'active' AS active FROM patient ORDER BY id;

-- None on observations: creating one is refused, and there is none that could be changed.
INSERT INTO observation VALUES ('hr', '{"resourceType": "Observation", "id": "hr", "status": "final"}');
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET resource = jsonb_set(resource, '{status}', '"amended"') RETURNING id;
DELETE FROM observation RETURNING id;

-- Without a membership nothing at all, loudly.
RESET fhir_access.membership;
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
