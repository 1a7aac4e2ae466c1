-- What a new row may not bring is left out of it. Whatever is decided by such a field is then decided again.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('ann', '{"resourceType": "Patient", "id": "ann", "meta": {"accounts": [{"reference": "Organization/north"}]}}'),
    -- So long that it is stored compressed, in its row and, longer still, out of it; changed below.
    ('bob', '{"resourceType": "Patient", "id": "bob", "meta": {"accounts": [{"reference": "Organization/south"}]}}'),
    ('cem', '{"resourceType": "Patient", "id": "cem", "meta": {"accounts": [{"reference": "Organization/west"}]}}');
UPDATE patient SET resource = resource || jsonb_build_object('address', jsonb_build_array(jsonb_build_object('city', repeat('long ', 1000)))) WHERE id = 'bob';
UPDATE patient SET resource = resource || (SELECT jsonb_build_object('address', jsonb_agg(jsonb_build_object('city', md5(n::text)))) FROM generate_series(1, 300) AS n) WHERE id = 'cem';
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
INSERT INTO fhir_access.access_policy (resource) VALUES
    ('{"resourceType": "AccessPolicy", "id": "status", "resource": [
        {"resourceType": "Observation", "criteria": "Observation?status=final", "readonlyFields": ["status"]},
        {"resourceType": "Observation", "criteria": "Observation?code=open"}]}'),
    ('{"resourceType": "AccessPolicy", "id": "subject", "resource": [{"resourceType": "Observation", "readonlyFields": ["subject.reference"]}]}'),
    ('{"resourceType": "AccessPolicy", "id": "contained", "resource": [
        {"resourceType": "Observation", "criteria": "Observation?subject=Patient/p", "hiddenFields": ["contained"]}]}'),
    ('{"resourceType": "AccessPolicy", "id": "issued", "resource": [{"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["issued"]}]}'),
    ('{"resourceType": "AccessPolicy", "id": "missing", "resource": [{"resourceType": "Observation", "criteria": "Observation?date:missing=false", "hiddenFields": ["effective[x]"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', id, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || id))
  FROM fhir_access.access_policy;

\c - app
-- The field that grants the row is left out: nothing grants what is left, or another entry does.
SET fhir_access.membership = 'status';
INSERT INTO observation VALUES ('o1', '{"resourceType": "Observation", "id": "o1", "status": "final"}');
INSERT INTO observation VALUES ('o2', '{"resourceType": "Observation", "id": "o2", "status": "final", "code": {"coding": [{"code": "open"}]}}') RETURNING *;
SET fhir_access.membership = 'missing';
INSERT INTO observation VALUES ('o3', '{"resourceType": "Observation", "id": "o3", "effectiveDateTime": "2024-01-01"}');

-- The patient is left out: its accounts go, too.
SET fhir_access.membership = 'subject';
INSERT INTO observation VALUES ('o4', '{"resourceType": "Observation", "id": "o4", "subject": {"reference": "Patient/ann", "display": "Ann"}}') RETURNING *;

-- The patient that grants the row is in the document itself, and left out.
SET fhir_access.membership = 'contained';
INSERT INTO observation VALUES ('o5', '{"resourceType": "Observation", "id": "o5", "subject": {"reference": "#p"},
    "contained": [{"resourceType": "Patient", "id": "p"}]}');

-- Of what nothing depends on, only that is left out. Accounts come from patients that are stored in any form, as they are now.
SET fhir_access.membership = 'issued';
INSERT INTO observation SELECT 'p-' || id, jsonb_build_object('resourceType', 'Observation', 'id', 'p-' || id, 'status', 'final', 'issued', '2024-01-01T00:00:00Z',
        'subject', jsonb_build_object('reference', 'Patient/' || id), 'meta', '{"accounts": [{"reference": "Organization/mine"}]}'::jsonb)
  FROM unnest('{ann,bob,cem,nobody}'::text[]) AS id;
\c - postgres
UPDATE patient SET resource = jsonb_set(resource, '{meta,accounts,0,reference}', '"Organization/moved"');
\c - app
SET fhir_access.membership = 'issued';
UPDATE observation SET resource = resource || '{"note": [{"text": "seen"}]}' WHERE id IN ('p-ann', 'p-bob');
UPDATE observation SET resource = resource || '{"note": [{"text": "seen"}]}' WHERE id IN ('p-bob', 'p-cem', 'p-nobody');
\c - postgres
SELECT resource FROM observation ORDER BY id;
SELECT id, pg_column_size(resource) < octet_length(resource::text) / 2 AS compressed, octet_length(resource::text) > 8192 AS long FROM patient ORDER BY id;
