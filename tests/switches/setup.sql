-- For the tests of the finished-plan check. Each hidden value contains CANARY.
CREATE EXTENSION fhir_access;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'asker') THEN
        CREATE ROLE asker LOGIN;
        GRANT SET ON PARAMETER fhir_access.membership TO asker;
    END IF;
END $$;

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, born text GENERATED ALWAYS AS (resource ->> 'birthDate') STORED);
CREATE TABLE encounter (id text, resource jsonb NOT NULL) PARTITION BY HASH (id);
CREATE TABLE encounter_0 PARTITION OF encounter FOR VALUES WITH (MODULUS 2, REMAINDER 0);
-- Its columns have other places than its parent's.
CREATE TABLE encounter_1 (gone int, resource jsonb NOT NULL, id text);
ALTER TABLE encounter_1 DROP COLUMN gone;
ALTER TABLE encounter ATTACH PARTITION encounter_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE source (id text, resource jsonb);

INSERT INTO patient (id, resource)
SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'active', n < 30, 'gender', 'female', 'birthDate', 'CANARY-' || n,
                                    'name', jsonb_build_array(jsonb_build_object('family', 'CANARY', 'given', jsonb_build_array('Ann'))))
  FROM generate_series(1, 40) n;
INSERT INTO encounter (id, resource)
SELECT 'e' || n, jsonb_build_object('resourceType', 'Encounter', 'id', 'e' || n, 'status', 'finished', 'class', jsonb_build_object('code', 'CANARY'),
                                    'subject', jsonb_build_object('reference', 'Patient/p' || n))
  FROM generate_series(1, 40) n;
INSERT INTO source SELECT id, '{"resourceType": "Patient", "gender": "other"}' FROM patient LIMIT 3;
INSERT INTO source VALUES ('new', '{"resourceType": "Patient", "id": "new", "active": true}');
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('encounter', 'Encounter');
CREATE INDEX ON patient ((resource ->> 'birthDate'));
CREATE INDEX ON patient USING gin (resource);
CREATE INDEX ON encounter ((resource #>> '{class,code}'));

CREATE VIEW seen AS SELECT * FROM patient;
CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM patient WHERE id <> '';
CREATE VIEW invoker WITH (security_invoker) AS SELECT * FROM patient;
CREATE FUNCTION listed() RETURNS SETOF patient LANGUAGE sql STABLE AS 'SELECT * FROM patient';
CREATE FUNCTION atomic() RETURNS TABLE (id text, resource jsonb) LANGUAGE sql STABLE BEGIN ATOMIC SELECT p.id, p.resource FROM patient p; END;

INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "p", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["birthDate", "name.family"]},
    {"resourceType": "Encounter", "hiddenFields": ["class"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/p"}}');
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO asker;
ANALYZE;
