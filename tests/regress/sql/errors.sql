-- Each error once, as a driver gets it: SQLSTATE and message, detail, hint, and the fields that name what it is about.
-- docs/errors.md says of each why it comes and what to do; a test of crates/errors holds the two against each other.
\ir prologue.sql
\pset format unaligned
\pset tuples_only on

-- Runs a statement, and tells how it was refused.
CREATE FUNCTION refused(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; hint text; schema_name text; table_name text; column_name text; constraint_name text;
BEGIN
    EXECUTE statement;
    RETURN NEXT 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
        schema_name = SCHEMA_NAME, table_name = TABLE_NAME, column_name = COLUMN_NAME, constraint_name = CONSTRAINT_NAME;
    RETURN NEXT SQLSTATE || ': ' || message;
    IF detail <> '' THEN RETURN NEXT '  detail: ' || replace(detail, E'\n', E'\n          '); END IF;
    IF hint <> '' THEN RETURN NEXT '  hint: ' || hint; END IF;
    IF concat(schema_name, table_name, column_name, constraint_name) <> '' THEN
        RETURN NEXT '  fields:' || CASE schema_name WHEN '' THEN '' ELSE ' schema ' || schema_name END
            || CASE table_name WHEN '' THEN '' ELSE ' table ' || table_name END
            || CASE column_name WHEN '' THEN '' ELSE ' column ' || column_name END
            || CASE constraint_name WHEN '' THEN '' ELSE ' constraint ' || constraint_name END;
    END IF;
END $$;

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb);
CREATE TABLE observation (id text PRIMARY KEY, patient text REFERENCES patient, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('ann', '{"resourceType": "Patient", "id": "ann", "gender": "female", "active": true, "name": [{"family": "CANARY"}]}'),
    ('bob', '{"resourceType": "Patient", "id": "bob", "gender": "male", "active": true, "name": [{"family": "CANARY"}]}'),
    ('cid', '{"resourceType": "Patient", "id": "cid", "gender": "other", "active": false, "name": [{"family": "CANARY"}]}');
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('observation', 'Observation');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "desk", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["name.family"],
     "writeConstraint": [{"language": "text/fhirpath", "expression": "active", "description": "an active patient"}]},
    {"resourceType": "Patient", "criteria": "Patient?gender=male", "readonly": true},
    {"resourceType": "Patient", "criteria": "Patient?gender=unknown", "interaction": ["create"]},
    {"resourceType": "Observation", "criteria": "Observation?status=final"}]}'),
('{"resourceType": "AccessPolicy", "id": "open", "resource": [{"resourceType": "*"}]}'),
('{"resourceType": "AccessPolicy", "id": "mine", "resource": [{"resourceType": "Patient", "criteria": "Patient?organization=%organization"}]}'),
('{"resourceType": "AccessPolicy", "id": "of-patient", "resource": [{"resourceType": "Patient", "criteria": "Patient?_compartment=%patient"}]}'),
('{"resourceType": "AccessPolicy", "id": "born", "resource": [{"resourceType": "Patient", "criteria": "Patient?birthdate=%when"}]}'),
('{"resourceType": "AccessPolicy", "id": "taken", "resource": [{"resourceType": "Patient",
    "writeConstraint": [{"language": "text/fhirpath", "expression": "%before.empty()"}]}]}'),
('{"resourceType": "AccessPolicy", "id": "long", "resource": [{"resourceType": "Patient",
    "writeConstraint": [{"language": "text/fhirpath", "expression": "active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active or active"}]}]}'),
('{"resourceType": "AccessPolicy", "id": "office", "resource": [{"resourceType": "Patient"}],
    "ipAccessRule": [{"value": "203.0.113.0/24", "action": "allow"}, {"value": "198.51.100.7", "action": "block"}, {"value": "*", "action": "block"}]}'),
('{"resourceType": "AccessPolicy", "id": "some-block", "resource": [{"resourceType": "Patient"}],
    "ipAccessRule": [{"value": "198.51.100.7", "action": "block"}]}');
INSERT INTO fhir_access.access_policy (resource)
    SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'large', 'resource', jsonb_agg('{"resourceType": "Patient", "criteria": "Patient?active=true"}'::jsonb))
      FROM generate_series(1, 4500);
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "desk", "accessPolicy": {"reference": "AccessPolicy/desk"}}'),
('{"resourceType": "ProjectMembership", "id": "open", "accessPolicy": {"reference": "AccessPolicy/open"}}'),
('{"resourceType": "ProjectMembership", "id": "gone", "active": false, "accessPolicy": {"reference": "AccessPolicy/desk"}}'),
('{"resourceType": "ProjectMembership", "id": "lost", "accessPolicy": {"reference": "AccessPolicy/nowhere"}}'),
('{"resourceType": "ProjectMembership", "id": "astray", "project": {"reference": "Project/nowhere"}, "accessPolicy": {"reference": "AccessPolicy/desk"}}'),
('{"resourceType": "ProjectMembership", "id": "unlimited"}'),
('{"resourceType": "ProjectMembership", "id": "long", "accessPolicy": {"reference": "AccessPolicy/long"}}'),
('{"resourceType": "ProjectMembership", "id": "plain", "accessPolicy": {"reference": "AccessPolicy/mine"}}'),
('{"resourceType": "ProjectMembership", "id": "nobody", "accessPolicy": {"reference": "AccessPolicy/of-patient"}}'),
('{"resourceType": "ProjectMembership", "id": "instance", "access": [{"policy": {"reference": "AccessPolicy/mine"}, "parameter": [{"name": "organisation", "valueString": "CANARY"}]}]}'),
('{"resourceType": "ProjectMembership", "id": "wrong", "access": [{"policy": {"reference": "AccessPolicy/born"}, "parameter": [{"name": "when", "valueString": "CANARY"}]}]}'),
('{"resourceType": "ProjectMembership", "id": "taken", "access": [{"policy": {"reference": "AccessPolicy/taken"}, "parameter": [{"name": "before", "valueString": "CANARY"}]}]}'),
('{"resourceType": "ProjectMembership", "id": "large", "access": [{"policy": {"reference": "AccessPolicy/large"}}, {"policy": {"reference": "AccessPolicy/large"}},
    {"policy": {"reference": "AccessPolicy/large"}}, {"policy": {"reference": "AccessPolicy/large"}}, {"policy": {"reference": "AccessPolicy/large"}}]}'),
('{"resourceType": "ProjectMembership", "id": "office", "accessPolicy": {"reference": "AccessPolicy/office"}}'),
('{"resourceType": "ProjectMembership", "id": "some-block", "accessPolicy": {"reference": "AccessPolicy/some-block"}}');

-- Resources that are kept as text.
CREATE TABLE notes (id text PRIMARY KEY, resource text);
SELECT fhir_access.protect('notes', 'Patient');

-- Not granted to anybody.
CREATE TABLE location (id text PRIMARY KEY, resource jsonb);
REVOKE ALL ON location FROM app, clinician;
SELECT fhir_access.protect('location', 'Location');

-- Who is asking.
\c - app
SELECT refused('SELECT * FROM patient');
CREATE FUNCTION pg_temp.asking(membership text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fhir_access.set_session(membership);
    RETURN QUERY SELECT refused('SELECT * FROM patient');
END $$;
SELECT pg_temp.asking('unheard-of');
SELECT pg_temp.asking('gone');
SELECT pg_temp.asking('lost');
SELECT pg_temp.asking('astray');
SELECT pg_temp.asking('{');
SELECT pg_temp.asking('{"resourceType": "ProjectMembership", "access": 1}');
SELECT pg_temp.asking('plain');
SELECT pg_temp.asking('nobody');
SELECT pg_temp.asking('instance');
SELECT pg_temp.asking('taken');
SELECT pg_temp.asking('wrong');
SELECT pg_temp.asking('large');
SELECT pg_temp.asking('some-block');
SET fhir_access.client_ip = '198.51.100.7';
SELECT pg_temp.asking('office');
\c - postgres
SET fhir_access.require_policy = on;
SET fhir_access.membership = 'unlimited';
SET ROLE app;
SELECT refused('SELECT * FROM patient');
-- A policy that was good when it was written, within the limits that this session has.
RESET ROLE;
SET fhir_access.fhirpath_length = 256;
SET fhir_access.membership = 'long';
SET ROLE app;
SELECT refused('SELECT * FROM patient');
-- PostgreSQL's own, about the settings and about privileges.
\c - clinician
SELECT refused($$SET fhir_access.membership = 'desk'$$);
SELECT refused($$SELECT fhir_access.set_session('desk')$$);
SELECT refused('SELECT * FROM fhir_access.protection');
SELECT refused($$SELECT fhir_access.protect('patient', 'Patient')$$);
SELECT refused($$SELECT fhir_access.read('Location', 'l')$$);
\c - app
SELECT refused($$SET fhir_access.membership = 'no such id'$$);
SELECT refused($$SET fhir_access.client_ip = '10.0.0.0/8'$$);
SELECT refused($$SET fhir_access.memberschip = 'desk'$$);

-- What was begun for one membership does not go on for another.
SET fhir_access.membership = 'desk';
SELECT refused($statement$DO $$
DECLARE
    rows CURSOR FOR SELECT id FROM patient;
    id text;
BEGIN
    OPEN rows;
    FETCH rows INTO id;
    PERFORM fhir_access.set_session('open');
    FETCH rows INTO id;
END $$$statement$);
-- Rows that are stored with a cursor are kept from every way to them.
SET fhir_access.membership = 'desk';
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM patient;
COMMIT;
SET fhir_access.membership = 'open';
SELECT refused($statement$DO $$
DECLARE
    held refcursor := 'held';
    id text;
BEGIN
    FETCH held INTO id;
END $$$statement$);
CLOSE held;
SET fhir_access.membership = 'desk';

-- Writes. The fields tell them from a privilege that is missing, which has the same SQLSTATE.
SELECT refused($$INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": "new", "gender": "other"}')$$);
SELECT refused($$INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": "new", "gender": "female", "active": false}')$$);
SELECT refused($$UPDATE patient SET resource = resource || '{"active": false}' WHERE id = 'bob'$$);
SELECT refused($$UPDATE patient SET resource = resource || '{"gender": "other"}' WHERE id = 'ann'$$);
SELECT refused($$UPDATE patient SET resource = resource - 'active' WHERE id = 'ann'$$);
SELECT refused($$DELETE FROM patient WHERE id = 'bob'$$);
-- A type for which nothing is granted at all.
\c - postgres
CREATE TABLE device (id text PRIMARY KEY, resource jsonb);
SELECT fhir_access.protect('device', 'Device');
GRANT TRUNCATE ON device TO app;
\c - app
SET fhir_access.membership = 'desk';
SELECT refused($$INSERT INTO device VALUES ('d', '{"resourceType": "Device", "id": "d"}')$$);
SELECT refused('TRUNCATE device');
-- What is left to PostgreSQL: a row that may be written and not read, and a key that is taken by a row that is not seen.
SELECT refused($$INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": "new", "gender": "unknown"}') RETURNING id$$);
BEGIN;
INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": "new", "gender": "unknown"}');
ROLLBACK;
SELECT refused($$INSERT INTO patient VALUES ('cid', '{"resourceType": "Patient", "id": "cid", "gender": "female", "active": true}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource$$);
SET row_security = off;
SELECT refused('SELECT * FROM patient');
RESET row_security;
\c - postgres
BEGIN;
GRANT pg_read_server_files TO app;
CREATE RULE also AS ON INSERT TO patient DO ALSO NOTIFY patient;
SET LOCAL ROLE app;
SET LOCAL fhir_access.membership = 'desk';
SELECT refused($$COPY patient FROM '/dev/null' (FREEZE)$$);
SELECT refused($$COPY patient FROM '/dev/null'$$);
ROLLBACK;
-- A trigger of one's own that comes too late.
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.resource := NEW.resource || '{"gender": "other"}'; RETURN NEW; END $$;
CREATE TRIGGER zzzz BEFORE UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION spoil();
SET fhir_access.membership = 'desk';
SET ROLE app;
SELECT refused($$UPDATE patient SET resource = resource || '{"language": "de"}' WHERE id = 'ann'$$);
RESET ROLE;
DROP TRIGGER zzzz ON patient;
-- Policies of one's own are not explained.
CREATE POLICY "fhir_access mine" ON patient AS RESTRICTIVE FOR INSERT WITH CHECK (false);
SET ROLE app;
SELECT refused($$INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": "new", "gender": "female", "active": true}')$$);
RESET ROLE;
DROP POLICY "fhir_access mine" ON patient;
-- A foreign key is kept whatever its user sees: the row that refers to this one is not shown.
INSERT INTO observation VALUES ('o', 'ann', '{"resourceType": "Observation", "id": "o", "status": "preliminary"}');
SET ROLE app;
SELECT refused($$DELETE FROM patient WHERE id = 'ann'$$);

-- What is written is no such resource.
SELECT refused($$INSERT INTO patient VALUES ('new', NULL)$$);
SELECT refused($$INSERT INTO patient VALUES ('new', '["CANARY"]')$$);
SELECT refused($$INSERT INTO notes VALUES ('new', 'CANARY')$$);
SELECT refused($$INSERT INTO patient VALUES ('new', '{"id": "CANARY"}')$$);
SELECT refused($$INSERT INTO patient VALUES ('new', '{"resourceType": "CANARY"}')$$);
SELECT refused($$INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": "CANARY"}')$$);
SELECT refused($$INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": 1}')$$);
SELECT refused($$UPDATE patient SET resource = resource - 'id' WHERE id = 'ann'$$);
SELECT refused($$INSERT INTO patient VALUES ('new', ('{"resourceType": "Patient", "gender": "female", "name": ' || repeat('[', 200) || repeat(']', 200) || '}')::jsonb)$$);

-- Documents that do not validate.
\c - postgres
SELECT refused($$INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?adress-state=CA"},
    {"resourceType": "Patient", "writeConstraint": [{"language": "text/fhirpath", "expression": "active and wher(true)"}]}]}')$$);
SELECT refused($$INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "admin": 1}')$$);
SELECT refused($$INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Patient"}')$$);
SET fhir_access.fhirpath_length = 256;
SELECT refused($$UPDATE fhir_access.access_policy SET resource = resource WHERE id = 'long'$$);
RESET fhir_access.fhirpath_length;

-- Arguments of functions.
\c - app
SET fhir_access.membership = 'desk';
SELECT refused($$SELECT fhir_access.explain('Pateint')$$);
SELECT refused($$SELECT fhir_access.explain('Patient', 'look')$$);
SELECT refused($$SELECT fhir_access.check('Patient', 'update')$$);
SELECT refused($$SELECT fhir_access.earliest('{}', 'birthDate')$$);
SELECT refused($$SELECT fhir_access.mask('{}', 'name..')$$);
SELECT refused($$SELECT fhir_access.fhirpath('{}', 'active and wher(true)')$$);
SELECT refused($$SELECT fhir_access.fhirpath('{}', repeat('(', 200) || 'true' || repeat(')', 200))$$);
SELECT refused($$SELECT fhir_access.fhirpath('{}', 'true' || repeat(' ', 70000))$$);
SELECT refused($$SELECT fhir_access.fhirpath('{"name": [{"family": "CANARY"}, {"family": "CANARY"}]}', 'name.single()')$$);
SELECT refused($$SELECT fhir_access.fhirpath('{}', '(1|2).repeat($this + 1)')$$);
SELECT refused($$SELECT fhir_access.fhirpath('{}', '%before.exists()')$$);

-- protect() and unprotect().
\c - postgres
CREATE SCHEMA "Strange names";
CREATE TABLE "Strange names"."Person!" (number numeric, id text, resource bytea, document jsonb, born date);
CREATE TABLE person (id text, resource jsonb, copy jsonb GENERATED ALWAYS AS (resource) STORED);
CREATE VIEW a_view AS SELECT * FROM person;
CREATE MATERIALIZED VIEW a_copy AS SELECT * FROM person;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER far FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE far_away (id text, resource jsonb) SERVER far;
CREATE SEQUENCE numbers;
CREATE TEMPORARY TABLE passing (id text, resource jsonb);
SELECT refused($$SELECT fhir_access.protect('person', 'person')$$);
SELECT refused($$SELECT fhir_access.protect(0, 'Person')$$);
SELECT refused($$SELECT fhir_access.protect('a_view', 'Person')$$);
SELECT refused($$SELECT fhir_access.protect('a_copy', 'Person')$$);
SELECT refused($$SELECT fhir_access.protect('far_away', 'Person')$$);
SELECT refused($$SELECT fhir_access.protect('numbers', 'Person')$$);
SELECT regexp_replace(line, 'pg_temp_\d+', 'pg_temp_n') FROM refused($$SELECT fhir_access.protect('passing', 'Person')$$) line;
SELECT refused($$SELECT fhir_access.protect('pg_class', 'Person')$$);
SELECT refused($$SELECT fhir_access.protect('fhir_access.project', 'Project')$$);
SELECT refused($$SELECT fhir_access.protect('person', 'Person', resource_column => 'document')$$);
SELECT refused($$SELECT fhir_access.protect('person', 'Person', resource_column => 'copy')$$);
SELECT refused($$SELECT fhir_access.protect('"Strange names"."Person!"', 'Person')$$);
SELECT refused($$SELECT fhir_access.protect('"Strange names"."Person!"', 'Person', id_column => 'number')$$);
SELECT refused($$SELECT fhir_access.protect('"Strange names"."Person!"', 'Person', 'document', derived_columns => '{"born": 1}')$$);
SELECT refused($$SELECT fhir_access.protect('"Strange names"."Person!"', 'Person', 'document', derived_columns => '{"born": "birthday"}')$$);
SELECT refused($$SELECT fhir_access.protect('"Strange names"."Person!"', 'Person', 'document', derived_columns => '{"id": "birthDate"}')$$);
SELECT refused($$SELECT fhir_access.protect('"Strange names"."Person!"', 'Person', 'document', project_column => 'born')$$);
CREATE POLICY fhir_access ON person USING (true);
SELECT refused($$SELECT fhir_access.protect('person', 'Person')$$);
DROP POLICY fhir_access ON person;
SELECT refused($$SELECT fhir_access.unprotect('person')$$);
SELECT refused($$SELECT fhir_access.protect('person', id_column => NULL)$$);
SELECT refused($$SELECT fhir_access.protect('person', 'Person', version_column => 'id')$$);
CREATE TABLE patient_version (id text, version date, resource jsonb);
SELECT refused($$SELECT fhir_access.protect('patient_version', 'Patient', history_of => 'person')$$);
SELECT refused($$SELECT fhir_access.protect('patient_version', 'Patient', history_of => 'patient_version')$$);
SELECT refused($$SELECT fhir_access.protect('patient_version', 'Patient', history_of => 'patient', version_column => 'version')$$);
SELECT fhir_access.protect('patient_version', 'Patient', history_of => 'patient');
GRANT ALL ON patient_version TO app;
SET ROLE app;
SET fhir_access.membership = 'open';
SELECT refused($$INSERT INTO patient_version VALUES ('ann')$$);
RESET ROLE;
DELETE FROM fhir_access.protection WHERE relation = 'patient'::regclass;
SET ROLE app;
SELECT refused($$SELECT FROM patient_version$$);
RESET ROLE;
SELECT fhir_access.protect('patient', 'Patient');
RESET fhir_access.membership;
SELECT refused($$SELECT fhir_access.protect('person', 'Person', resource_type_column => 'id')$$);
SELECT refused($$SELECT fhir_access.protect('person', resource_type_column => 'resource')$$);
SELECT refused($$SELECT fhir_access.protect('patient_version', history_of => 'patient')$$);
GRANT EXECUTE ON FUNCTION fhir_access.protect TO steward;
GRANT TRIGGER ON patient TO steward;
GRANT CREATE ON SCHEMA public TO steward;
SET ROLE steward;
SELECT refused($$SELECT fhir_access.protect('person', 'Person')$$);
SELECT refused($$CREATE TRIGGER look BEFORE UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()$$);
RESET ROLE;
CREATE TABLE encounter (id text, year int, resource jsonb) PARTITION BY LIST (year);
CREATE TABLE encounter_2025 PARTITION OF encounter FOR VALUES IN (2025);
CREATE TABLE encounter_2026 (id text, year int, resource jsonb);
SELECT fhir_access.protect('encounter', 'Encounter');
SELECT fhir_access.protect('encounter_2026', 'Encounter');
SELECT refused($$SELECT fhir_access.unprotect('encounter_2025')$$);
SELECT refused($$ALTER TABLE encounter ATTACH PARTITION encounter_2026 FOR VALUES IN (2026)$$);
CREATE TABLE child () INHERITS (person);
SELECT fhir_access.protect('child', 'Person');
CREATE TRIGGER mine AFTER INSERT ON person FOR EACH ROW EXECUTE FUNCTION fhir_access.enforce_write();
SELECT refused($$INSERT INTO person VALUES ('p', '{}')$$);
DROP TRIGGER mine ON person;
SELECT refused('SELECT fhir_access.enforce_write()');

-- Something that protection stands on is not there: closed, not open.
SET fhir_access.membership = 'open';
SET ROLE app;
SELECT refused('SELECT * FROM person');
RESET ROLE;
ALTER TABLE patient DISABLE ROW LEVEL SECURITY;
SET ROLE app;
SELECT refused('SELECT * FROM patient');
RESET ROLE;
ALTER TABLE patient ENABLE ROW LEVEL SECURITY;
ALTER TABLE encounter_2025 DISABLE TRIGGER zzz_fhir_access;
SET ROLE app;
SELECT refused('DELETE FROM encounter');
RESET ROLE;
ALTER TABLE device RENAME resource TO document;
SET ROLE app;
SELECT refused('SELECT * FROM device');
RESET ROLE;
ALTER TABLE device RENAME document TO resource;
DELETE FROM fhir_access.protection WHERE relation = 'device'::regclass;
SET ROLE app;
SELECT refused('SELECT * FROM device');
RESET ROLE;
SELECT refused($$INSERT INTO device VALUES ('d', '{}')$$);
SELECT fhir_access.unprotect('encounter_2026');
SET ROLE app;
SELECT refused($$INSERT INTO encounter_2026 VALUES ('e', 2026, '{}')$$);
RESET ROLE;
\setenv PGOPTIONS '-c session_preload_libraries= -c role=app'
\! psql -X -A -t -q -c "SELECT refused('SELECT * FROM patient')" 2>&1
\setenv PGOPTIONS
SET session_preload_libraries = '';
SELECT refused($$SELECT fhir_access.protect('person', 'Person')$$);

-- A schema of that name that is somebody else's.
SET client_min_messages = warning;
DROP EXTENSION fhir_access CASCADE;
DROP SCHEMA fhir_access;
CREATE SCHEMA fhir_access AUTHORIZATION steward;
SELECT refused('CREATE EXTENSION fhir_access');
