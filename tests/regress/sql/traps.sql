-- Ways around the protection that somebody has thought of. Each must end in an answer without CANARY or in a clear error,
-- and the server must live on.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, note text);
CREATE INDEX ON patient USING gin (resource jsonb_path_ops);
INSERT INTO patient VALUES
    ('ann', '{"resourceType": "Patient", "id": "ann", "active": true, "birthDate": "CANARY", "gender": "female"}', 'a'),
    ('bob', '{"resourceType": "Patient", "id": "bob", "active": false, "birthDate": "CANARY", "gender": "CANARY"}', 'b');
ALTER TABLE patient OWNER TO steward;
GRANT SELECT, INSERT, UPDATE, DELETE ON patient TO app, loader;
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "active",
  "resource": [{"resourceType": "Patient", "criteria": "Patient?active=true", "interaction": ["search", "update"], "hiddenFields": ["birthDate"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/active"}}');

-- What \d shows of it: row security, the marker policies, the triggers.
\d patient

-- Protecting again changes nothing.
SELECT fhir_access.protect('patient', 'Patient');
SELECT count(*) FROM pg_policy WHERE polrelid = 'patient'::regclass;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'patient'::regclass ORDER BY 1;
SELECT relation, resource_type, row_security FROM fhir_access.protected_relation;

-- A session that did not load the library when it started (which only a superuser can make) finds the table closed, not
-- empty; a policy of the owner's does not open it, and loading the library later does not either.
CREATE POLICY open ON patient USING (true) WITH CHECK (true);
\setenv PGOPTIONS '-c session_preload_libraries= -c role=app'
\! psql -X -a -q -c "SELECT id FROM patient" -c "SELECT id FROM patient" 2>&1
\! psql -X -a -q -c "INSERT INTO patient VALUES ('x', '{}')" 2>&1
\! psql -X -a -q -c "UPDATE patient SET note = 'x'" 2>&1
\! psql -X -a -q -c "DELETE FROM patient" 2>&1
\! psql -X -a -q -c "COPY patient TO STDOUT" 2>&1
\! psql -X -a -q -c "SELECT fhir_access.mask('{}', 'a')" -c "RESET ROLE" -c "SET fhir_access.membership = 'm'" -c "SET ROLE app" -c "SELECT id FROM patient" -c "COPY patient TO STDOUT" 2>&1
\setenv PGOPTIONS '-c session_preload_libraries='
\! psql -X -a -q -c "SELECT fhir_access.protect('patient', 'Patient')" -c "SELECT count(*) FROM patient" 2>&1
DROP POLICY open ON patient;
\setenv PGOPTIONS '-c session_preload_libraries= -c role=app'
\! psql -X -a -q -c "SELECT id FROM patient" 2>&1
\setenv PGOPTIONS

-- The WHERE of a view is the user's, not the policy's, also where the view is a security barrier.
\c - app
SET fhir_access.membership = 'm';
CREATE TEMP VIEW born WITH (security_barrier) AS SELECT * FROM patient WHERE resource @> '{"birthDate": "CANARY"}';
CREATE TEMP VIEW born_again WITH (security_barrier) AS SELECT * FROM born WHERE resource::text LIKE '%CANARY%';
SELECT id FROM born;
UPDATE born SET note = 'found' RETURNING id;
UPDATE born_again SET note = 'found' RETURNING id;
DELETE FROM born RETURNING id;
CREATE TEMP VIEW unborn AS SELECT * FROM patient WHERE resource -> 'birthDate' IS NULL WITH CHECK OPTION;
UPDATE unborn SET note = 'masked', resource = resource || '{"birthDate": "x"}' RETURNING id, resource;
UPDATE unborn SET resource = resource || '{"birthDate": "x", "active": false}';

-- A function that calls itself, and one that reads the table while a plan is made.
CREATE FUNCTION pg_temp.endless() RETURNS SETOF patient LANGUAGE sql STABLE AS 'SELECT * FROM patient';
CREATE OR REPLACE FUNCTION pg_temp.endless() RETURNS SETOF patient LANGUAGE sql STABLE AS 'SELECT * FROM pg_temp.endless()';
SELECT count(*) FROM pg_temp.endless();
CREATE FUNCTION pg_temp.fixed() RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT string_agg(p::text, '''') FROM patient p); END';
SELECT pg_temp.fixed() LIKE '%CANARY%' AS leaks FROM patient;
SELECT leaks FROM (SELECT pg_temp.fixed() LIKE '%CANARY%' AS leaks) q, generate_series(1, length(pg_temp.fixed()) / 10000 + 1);

-- Names of the user's own, found before PostgreSQL's.
\c - postgres
CREATE SCHEMA mine AUTHORIZATION app;
\c - app
SET fhir_access.membership = 'm';
SET search_path = mine, pg_catalog, public;
CREATE FUNCTION yes(jsonb, jsonb) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR @> (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = yes);
CREATE TYPE jsonb AS (a integer);
CREATE TYPE text AS (a integer);
SELECT id, resource FROM patient;
UPDATE patient SET note = NULL RETURNING id;
RESET search_path;

-- Statistics of columns, and of hidden values, are not for who is subject to policies.
\c - postgres
ANALYZE patient;
\c - app
SET fhir_access.membership = 'm';
SELECT count(*) FROM pg_stats WHERE tablename = 'patient';

-- The table's owner switches something off: nobody gets through, until it is on again.
\c - postgres
SET fhir_access.membership = 'm';
SET ROLE steward;
ALTER TABLE patient NO FORCE ROW LEVEL SECURITY;
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
COPY patient TO STDOUT;
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE patient DISABLE ROW LEVEL SECURITY;
RESET ROLE;
SET ROLE app;
SELECT id FROM patient;
INSERT INTO patient VALUES ('x', '{}');
COPY patient TO STDOUT;
COPY patient FROM STDIN;
\.
RESET ROLE;
SELECT relation, row_security FROM fhir_access.protected_relation;
SELECT fhir_access.protect('patient', 'Patient');
SET ROLE steward;
ALTER TABLE patient DISABLE TRIGGER zzz_fhir_access;
DELETE FROM patient;
\echo :LAST_ERROR_SQLSTATE
SELECT id, resource FROM patient;
DROP TRIGGER zzz_fhir_access ON patient;
UPDATE patient SET note = 'x';
RESET ROLE;
SELECT fhir_access.protect('patient', 'Patient');
SET ROLE steward;
DELETE FROM patient;

-- Something else under our names does not count as ours.
CREATE FUNCTION pg_temp.pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN coalesce(NEW, OLD); END';
DROP TRIGGER zzz_fhir_access ON patient;
CREATE TRIGGER zzz_fhir_access BEFORE INSERT OR UPDATE OR DELETE ON patient FOR EACH ROW EXECUTE FUNCTION pg_temp.pass();
ALTER TABLE patient ENABLE ALWAYS TRIGGER zzz_fhir_access;
DELETE FROM patient;
RESET ROLE;
DROP TRIGGER zzz_fhir_access ON patient;
SELECT fhir_access.protect('patient', 'Patient');
CREATE TABLE named (id text, resource jsonb);
CREATE POLICY fhir_access ON named USING (true);
SELECT fhir_access.protect('named', 'Patient');
SELECT polname, polpermissive, pg_get_expr(polqual, polrelid) AS condition FROM pg_policy WHERE polrelid = 'named'::regclass ORDER BY 1;
CREATE TEMP TABLE passing (id text, resource jsonb);
\set VERBOSITY sqlstate
SELECT fhir_access.protect('passing', 'Patient');
\set VERBOSITY default
SELECT id, note FROM patient ORDER BY id;

-- Columns that are renamed, and new ones that are computed from the resource.
ALTER TABLE patient RENAME COLUMN resource TO document;
SET ROLE app;
SELECT * FROM patient;
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
ALTER TABLE patient RENAME COLUMN document TO resource;
ALTER TABLE patient ADD COLUMN born text GENERATED ALWAYS AS (resource ->> 'birthDate') STORED, DROP COLUMN note;
SET ROLE app;
SELECT *, patient FROM patient;
RESET ROLE;

-- Our trigger functions, fired as they are not meant to be.
GRANT CREATE ON SCHEMA public TO steward;
SET ROLE steward;
CREATE TABLE own (id text, resource jsonb);
CREATE TRIGGER t BEFORE INSERT ON own FOR EACH STATEMENT EXECUTE FUNCTION fhir_access.validate_document();
INSERT INTO own VALUES ('a', '{}');
RESET ROLE;
CREATE TRIGGER t BEFORE INSERT ON own FOR EACH STATEMENT EXECUTE FUNCTION fhir_access.validate_document();
INSERT INTO own VALUES ('a', '{}');
DROP TRIGGER t ON own;
CREATE TRIGGER t AFTER INSERT OR DELETE ON own FOR EACH ROW EXECUTE FUNCTION fhir_access.validate_document();
INSERT INTO own VALUES ('a', '{}');
DROP TRIGGER t ON own;
CREATE TRIGGER t BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION fhir_access.enforce_write();
INSERT INTO own VALUES ('a', '{}');
DROP TRIGGER t ON own;
CREATE TRIGGER t BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION fhir_access.documents_changed();
INSERT INTO own VALUES ('a', '{}');
DROP TRIGGER t ON own;
CREATE TRIGGER t AFTER UPDATE ON patient FOR EACH STATEMENT EXECUTE FUNCTION fhir_access.enforce_write();
UPDATE patient SET id = id;
DROP TRIGGER t ON patient;
CREATE TRIGGER t AFTER UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION fhir_access.enforce_write();
UPDATE patient SET id = id;
DROP TRIGGER t ON patient;
CREATE TRIGGER t BEFORE TRUNCATE ON patient FOR EACH STATEMENT EXECUTE FUNCTION fhir_access.enforce_write();
TRUNCATE patient;
DROP TRIGGER t ON patient;
SELECT fhir_access.enforce_write();
SELECT count(*) FROM patient;

-- Our other functions, with arguments that make no sense.
SELECT fhir_access.mask('{"a": 1, "b": [1.10]}', 'a'), fhir_access.mask('[1]', 'a'), fhir_access.mask('null', 'a');
SELECT fhir_access.mask('{}', 'a,,b');
SELECT fhir_access.test('{}', 'nonsense');
SELECT fhir_access.mask_row(ROW(1, '{"a": 1, "b": 2}'::jsonb), 2, 'a', '{1}');
SELECT fhir_access.mask_row(ROW(1, '{"a": 1}'::jsonb), 1, 'a', '{}');
SELECT fhir_access.mask_row(ROW(1, '{"a": 1}'::jsonb), 99, 'a', '{-1,0,99,70000}');
SELECT fhir_access.mask_row(ROW(1), 1, 'a', '{NULL}');
SELECT fhir_access.mask_row('text'::text, 1, 'a', '{}');
SELECT fhir_access.mask_row(NULL::patient, 1, 'a', '{}');

-- What the extension does with the rights of its owner runs nobody's code.
GRANT EXECUTE ON FUNCTION fhir_access.protect TO steward;
CREATE SCHEMA tricks AUTHORIZATION steward;
SET ROLE steward;
SET search_path = tricks, pg_catalog, public;
CREATE FUNCTION who(pg_catalog.text, pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN IF current_user <> 'steward' THEN RAISE NOTICE 'running as somebody else'; END IF; RETURN true; END $$;
CREATE OPERATOR = (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = who);
SELECT fhir_access.protect('public.patient', 'Patient');
RESET search_path;
CREATE TYPE tricks.own_id AS (a text);
CREATE FUNCTION tricks.own_id(tricks.own_id) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN IF current_user <> 'steward' THEN RAISE NOTICE 'running as somebody else'; END IF; RETURN ($1).a; END $$;
CREATE CAST (tricks.own_id AS text) WITH FUNCTION tricks.own_id(tricks.own_id);
CREATE TABLE tricks.patient (id tricks.own_id, resource jsonb);
SELECT fhir_access.protect('tricks.patient', 'Patient');
RESET ROLE;
SET ROLE app;
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.unprotect('patient');
RESET ROLE;

-- Default privileges given before the extension was created do not open its documents.
SET client_min_messages = warning;
DROP EXTENSION fhir_access CASCADE;
RESET client_min_messages;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO app;
CREATE EXTENSION fhir_access;
SET ROLE app;
SET fhir_access.membership = '{"resourceType": "ProjectMembership"}';
SELECT count(*) FROM fhir_access.access_policy;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "mine"}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "mine"}');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "mine", "superAdmin": true}');
DELETE FROM fhir_access.protection;
CREATE TABLE fhir_access.mine (a integer);
SELECT fhir_access.protect('patient', 'Patient');
SELECT count(*) FROM fhir_access.protected_relation;
RESET ROLE;
