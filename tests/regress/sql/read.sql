-- read(): FHIR's read interaction, by type and id. It shows what a policy lets be read, also where SELECT (search) shows nothing.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (key text PRIMARY KEY, doc jsonb NOT NULL) PARTITION BY HASH (key);
CREATE TABLE observation_0 PARTITION OF observation FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE encounter (id uuid PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation', 'doc', 'key'),
       fhir_access.protect('encounter', 'Encounter');
INSERT INTO patient VALUES
    ('ca', '{"resourceType": "Patient", "id": "ca", "address": [{"state": "CA"}], "telecom": [{"value": "hidden-1"}], "multipleBirthInteger": 1.0}'),
    ('nv', '{"resourceType": "Patient", "id": "nv", "address": [{"state": "NV"}], "telecom": [{"value": "hidden-2"}], "active": true}'),
    ('ny', '{"resourceType": "Patient", "id": "ny", "address": [{"state": "NY"}], "telecom": [{"value": "hidden-3"}]}');
INSERT INTO observation VALUES ('o1', '{"resourceType": "Observation", "id": "o1", "status": "final", "valueQuantity": {"value": 1.10}}');
INSERT INTO encounter VALUES ('00000000-0000-4000-8000-000000000001',
    '{"resourceType": "Encounter", "id": "00000000-0000-4000-8000-000000000001", "status": "planned", "meta": {"project": "p2"}}');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "p1"}'), ('{"resourceType": "Project", "id": "p2"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "reader", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?address-state=CA", "interaction": ["read"], "hiddenFields": ["telecom"]},
    {"resourceType": "Patient", "criteria": "Patient?active=true", "interaction": ["read", "search"]},
    {"resourceType": "Observation", "interaction": ["read"]},
    {"resourceType": "Encounter"}]}'),
('{"resourceType": "AccessPolicy", "id": "searcher", "resource": [{"resourceType": "Patient", "interaction": ["search"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/reader"}}'),
('{"resourceType": "ProjectMembership", "id": "p", "project": {"reference": "Project/p1"}, "accessPolicy": {"reference": "AccessPolicy/reader"}}'),
('{"resourceType": "ProjectMembership", "id": "s", "accessPolicy": {"reference": "AccessPolicy/searcher"}}');
CREATE ROLE outsider;

\c - app
-- Nobody reads without a membership.
SELECT fhir_access.read('Patient', 'ca');

SET fhir_access.membership = 'm';
-- By id what no SELECT shows, less what the entry that grants it hides; all else is there to the byte.
SELECT id FROM patient ORDER BY id;
SELECT fhir_access.read('Patient', 'ca');
SELECT fhir_access.read('Patient', 'nv');
SELECT fhir_access.read('Observation', 'o1'), (SELECT count(*) FROM observation) AS found;
SELECT fhir_access.read('Encounter', '00000000-0000-4000-8000-000000000001') ->> 'status' AS status;
-- What is not granted, and what is not there, look alike: nothing.
SELECT i, fhir_access.read('Patient', i) FROM unnest('{ny,nobody,"",CA,"ca''; --"}'::text[]) AS i;
SELECT fhir_access.read('Encounter', 'not-a-uuid'), fhir_access.read('Practitioner', 'p'), fhir_access.read('Patient', NULL);
SELECT fhir_access.read('Pateint', 'ca');

-- Another project's row is none; search alone reads nothing.
SET fhir_access.membership = 'p';
SELECT fhir_access.read('Encounter', '00000000-0000-4000-8000-000000000001');
SET fhir_access.membership = 's';
SELECT count(*) FROM patient;
SELECT fhir_access.read('Patient', 'ca');

-- It follows a switch of the membership, in prepared statements too.
PREPARE one AS SELECT fhir_access.read('Patient', 'ca') ->> 'id' AS id;
EXECUTE one;
SET fhir_access.membership = 'm';
EXECUTE one;

-- In a view and in a function it reads for whoever asks.
CREATE TEMP VIEW reading AS SELECT fhir_access.read('Patient', 'ca') AS resource;
SELECT resource ? 'telecom' AS hidden_field FROM reading;
SET fhir_access.membership = 's';
SELECT resource FROM reading;

-- Policies add nothing to privileges: who may not SELECT the table may not read.
\c - postgres
GRANT SELECT (doc) ON observation TO outsider;
SET fhir_access.membership = 'm';
SET ROLE outsider;
SELECT fhir_access.read('Patient', 'ca');
SELECT fhir_access.read('Observation', 'o1') ->> 'id' AS id;
RESET ROLE;
-- A superuser reads all, as it selects all.
RESET fhir_access.membership;
SELECT fhir_access.read('Patient', 'ny') -> 'telecom' AS telecom;
