-- Plans take turns in a prepared statement itself: the one of the membership that comes again is put back where PostgreSQL keeps the
-- statement's plan, without a copy of it. It must be the right one, and a good one, whatever happened while it was out.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, note text, resource jsonb NOT NULL);
INSERT INTO patient
SELECT id, 'note of ' || id, jsonb_build_object('resourceType', 'Patient', 'id', id, 'gender', 'other', 'address', jsonb_build_array(jsonb_build_object('state', upper(left(id, 2)))))
  FROM unnest(ARRAY['ca1', 'ca2', 'ny1', 'ny2', 'ny3']) id;
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "state",
  "ipAccessRule": [{"value": "198.51.100.9", "action": "block"}, {"value": "*", "action": "allow"}],
  "resource": [{"resourceType": "Patient", "criteria": "Patient?address-state=%state", "hiddenFields": ["gender"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "access": [{"policy": {"reference": "AccessPolicy/state"},
               "parameter": [{"name": "state", "valueString": "%s"}]}]}', state, state)::jsonb
  FROM unnest(ARRAY['CA', 'NY', 'TX']) state;
GRANT EXECUTE ON FUNCTION fhir_access.kept_plans() TO app, clinician;
GRANT SET ON PARAMETER fhir_access.membership, fhir_access.client_ip TO clinician;
CREATE FUNCTION as_owner(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN EXECUTE statement; END';
CREATE FUNCTION mark() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN '!'; END $$;
CREATE FUNCTION inlined() RETURNS text LANGUAGE sql STABLE AS $$ SELECT '!'::text $$;
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.patient (id text, note text, resource jsonb);
INSERT INTO elsewhere.patient VALUES ('elsewhere', '', '{}');
GRANT USAGE ON SCHEMA elsewhere TO app;
GRANT SELECT ON elsewhere.patient TO app;

-- What a pool does. (`SET` and `EXECUTE` by themselves: nothing else is planned in between.)
\set ca 'BEGIN; SET LOCAL fhir_access.membership = ''CA''; EXECUTE seen (''%''); COMMIT'
\set ny 'BEGIN; SET LOCAL fhir_access.membership = ''NY''; EXECUTE seen (''%''); COMMIT'
\set plans 'SELECT generic_plans AS generic, custom_plans AS custom, (SELECT found FROM fhir_access.kept_plans()) FROM pg_prepared_statements WHERE name = ''seen'''
\set prepare 'PREPARE seen (text) AS SELECT string_agg(id, '' '' ORDER BY id) AS ids, count(resource -> ''gender'') AS genders FROM patient WHERE id LIKE $1'
\set prepare_one 'PREPARE one (text) AS SELECT note FROM patient WHERE note = $1'

\c - app
:prepare;
\t on
:ca; :ny; :ca; :ny; :ca; :ny;
-- PostgreSQL has planned five times for a parameter's value, and then found its plan cheaper; it is kept for each, and found.
:ca; :ny; :ca; :ny;
\t off
:plans;

-- From here on it is the generic plan at once.
\c - app
SET plan_cache_mode = force_generic_plan;
:prepare;
\t on
:ca; :ny; :ca; :ny; :ca; :ny;
\t off
SELECT plans, found FROM fhir_access.kept_plans();
\t on

-- The same membership again finds the plan where it is; none at all finds nothing.
:ca; :ca;
EXECUTE seen ('%');
:ca;
\t off
SELECT plans, found FROM fhir_access.kept_plans();
\t on
-- Switches within a transaction and back, by a rollback, by set_config(), and by a function's own setting.
BEGIN;
SET LOCAL fhir_access.membership = 'NY';
EXECUTE seen ('%');
SAVEPOINT here;
SET LOCAL fhir_access.membership = 'CA';
EXECUTE seen ('%');
ROLLBACK TO here;
EXECUTE seen ('%');
SELECT set_config('fhir_access.membership', 'CA', true);
EXECUTE seen ('%');
RESET fhir_access.membership;
EXECUTE seen ('%');
ROLLBACK;
CREATE FUNCTION pg_temp.as_ny() RETURNS text LANGUAGE plpgsql SET fhir_access.membership = 'NY' AS $$
DECLARE answer text; BEGIN EXECUTE 'EXECUTE seen (''%'')' INTO answer; RETURN answer; END $$;
SET fhir_access.membership = 'CA';
EXECUTE seen ('%');
SELECT pg_temp.as_ny();
EXECUTE seen ('%');
SELECT pg_temp.as_ny();
EXECUTE seen ('%');
RESET fhir_access.membership;
EXECUTE seen ('%');

-- A statement that switches while it runs: what goes on is not what was begun, and the next one is the right one.
CREATE FUNCTION pg_temp.switch(membership text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('fhir_access.membership', membership, true); RETURN membership; END $$;
PREPARE switching (text) AS SELECT id, pg_temp.switch($1) FROM patient ORDER BY id;
BEGIN;
SET LOCAL fhir_access.membership = 'CA';
EXECUTE switching ('CA');
EXECUTE switching ('NY');
EXECUTE switching ('CA');
EXECUTE switching ('CA');
EXECUTE seen ('%');
ROLLBACK;
:ca; :ny;

-- A cursor that is open while its statement's plan is out.
BEGIN;
SET LOCAL fhir_access.membership = 'CA';
DECLARE c CURSOR FOR SELECT id FROM patient ORDER BY id;
FETCH c;
EXECUTE seen ('%');
SET LOCAL fhir_access.membership = 'NY';
EXECUTE seen ('%');
FETCH c;
ROLLBACK;

-- While one is out: an index that comes and goes, a column, statistics, a function that is called and one that was inlined.
:prepare_one;
\set one_ca 'BEGIN; SET LOCAL fhir_access.membership = ''CA''; EXPLAIN (COSTS OFF) EXECUTE one (''note of ny1''); EXECUTE one (''note of ny1''); COMMIT'
\set one_ny 'BEGIN; SET LOCAL fhir_access.membership = ''NY''; EXPLAIN (COSTS OFF) EXECUTE one (''note of ny1''); EXECUTE one (''note of ny1''); COMMIT'
SET enable_seqscan = off;
:one_ca; :one_ny; :one_ca; :one_ny;
SELECT as_owner('CREATE INDEX patient_note ON patient (note)');
:one_ca; :one_ny; :one_ca; :one_ny;
SELECT as_owner('DROP INDEX patient_note');
:one_ca; :one_ny; :one_ca; :one_ny;
BEGIN;
SELECT as_owner('CREATE INDEX patient_note ON patient (note)');
SET LOCAL fhir_access.membership = 'NY';
EXECUTE one ('note of ny1');
SET LOCAL fhir_access.membership = 'CA';
EXECUTE one ('note of ny1');
SET LOCAL fhir_access.membership = 'NY';
EXECUTE one ('note of ny1');
ROLLBACK;
:one_ca; :one_ny; :one_ca; :one_ny;
RESET enable_seqscan;
PREPARE marks (text) AS SELECT string_agg(id || mark() || inlined(), ' ' ORDER BY id) FROM patient WHERE id LIKE $1;
\set marks 'SET fhir_access.membership = ''CA''; EXECUTE marks (''%''); SET fhir_access.membership = ''NY''; EXECUTE marks (''%''); RESET fhir_access.membership'
:marks; :marks;
SELECT as_owner($$CREATE OR REPLACE FUNCTION inlined() RETURNS text LANGUAGE sql STABLE AS 'SELECT ''?''::text'$$);
:marks; :marks;
SELECT as_owner($$CREATE OR REPLACE FUNCTION mark() RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN ''-''; END'$$);
:marks;

-- The name means another table now, and then the first one again; and another statement, of the same name.
:ca; :ny;
SET search_path = elsewhere, public;
:ca; :ny;
RESET search_path;
:ca; :ny; :ca;
DEALLOCATE seen;
PREPARE seen (text) AS SELECT 'another', count(*) FROM patient WHERE id LIKE $1;
:ca; :ny; :ca; :ny;
DEALLOCATE seen;
:prepare;
:ca; :ny; :ca; :ny;

-- What is shown in another form, and planner settings.
SET fhir_access.mark_redacted = on;
PREPARE shown (text) AS SELECT resource ->> 'meta' FROM patient WHERE id = $1;
\set shown 'SET fhir_access.membership = ''CA''; EXECUTE shown (''ca1''); SET fhir_access.membership = ''NY''; EXECUTE shown (''ca1''); RESET fhir_access.membership'
:shown; :shown;
SET fhir_access.mark_redacted = off;
:shown; :shown;
SET fhir_access.mark_redacted = on;
:shown; :shown;
RESET fhir_access.mark_redacted;
\t off
SELECT found AS before FROM fhir_access.kept_plans() \gset
SET enable_sort = off;
:ca; :ny;
SELECT found - :before AS "found for other settings" FROM fhir_access.kept_plans();
:ca; :ny;
SELECT found - :before AS "found for these" FROM fhir_access.kept_plans();
RESET enable_sort;
\t on

-- The address that the client has: a plan that is at hand does not run for one that is blocked.
\set from 'BEGIN; SET LOCAL fhir_access.membership = ''CA''; SET LOCAL fhir_access.client_ip = :''address''; EXECUTE seen (''%''); ROLLBACK'
\set address 198.51.100.1
:from;
\set address 198.51.100.9
:from;
\set address 198.51.100.1
:from;
:ny; :ca;

-- A policy that changes while its plan is out, also in a transaction that is rolled back; a membership that is gone.
BEGIN;
SELECT as_owner($$UPDATE fhir_access.access_policy SET resource = '{"resourceType": "AccessPolicy", "id": "state",
  "resource": [{"resourceType": "Patient"}]}' WHERE id = 'state'$$);
SET LOCAL fhir_access.membership = 'NY';
EXECUTE seen ('%');
SET LOCAL fhir_access.membership = 'CA';
EXECUTE seen ('%');
ROLLBACK;
:ca; :ny; :ca; :ny;
SELECT as_owner($$UPDATE fhir_access.access_policy SET resource = '{"resourceType": "AccessPolicy", "id": "state",
  "resource": [{"resourceType": "Patient", "criteria": "Patient?address-state=%state&_id=ca1,ny1"}]}' WHERE id = 'state'$$);
:ca; :ny; :ca; :ny;
SELECT as_owner($$DELETE FROM fhir_access.project_membership WHERE id = 'NY'$$);
:ca; :ny; :ca;

-- EXPLAIN ANALYZE plans its statement without twins, and leaves nothing of that behind.
BEGIN;
SET LOCAL fhir_access.membership = 'CA';
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE seen ('%');
EXECUTE seen ('%');
COMMIT;
:ca;

-- Protection that is given up, and taken up again.
SELECT as_owner($$SELECT fhir_access.unprotect('patient')$$);
:ca;
SELECT as_owner($$SELECT fhir_access.protect('patient', 'Patient')$$);
:ca;

-- DISCARD PLANS, and limits.
DISCARD PLANS;
SELECT plans FROM fhir_access.kept_plans();
:ca;

-- Another user on the same connection, and one to whom policies do not apply.
\c - postgres
\t on
SET plan_cache_mode = force_generic_plan;
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "NY", "access": [{"policy": {"reference": "AccessPolicy/state"},
               "parameter": [{"name": "state", "valueString": "NY"}]}]}');
:prepare;
\set both 'SET fhir_access.membership = ''CA''; EXECUTE seen (''%''); SET fhir_access.membership = ''NY''; EXECUTE seen (''%'')'
SET ROLE app;
:both; :both;
SET ROLE clinician;
:both; :both;
SET ROLE app;
:both; :both;
RESET ROLE;
:both;
SET ROLE app;
:both;
RESET ROLE;
-- The memory is limited; a plan that is in its place goes on serving.
SET ROLE app;
:both;
RESET ROLE;
SET fhir_access.kept_plans = 0;
SET ROLE app;
EXECUTE seen ('%');
:both; :both;
RESET ROLE;
SELECT plans, bytes FROM fhir_access.kept_plans();
-- A plan that was found stays counted when its statement is planned again, or goes.
\c - app
\t on
SET plan_cache_mode = force_generic_plan;
:prepare;
:ny; :ca; :ny; :ca; :ny; :ca;
SELECT found AS before FROM fhir_access.kept_plans() \gset
SELECT as_owner('ANALYZE patient');
:ca;
SELECT found - :before FROM fhir_access.kept_plans();
:ny; :ca; :ny; :ca;
SELECT found - :before FROM fhir_access.kept_plans();
DEALLOCATE seen;
SELECT found - :before FROM fhir_access.kept_plans();

-- Of the whole cluster.
\c - postgres
REVOKE SET ON PARAMETER fhir_access.membership, fhir_access.client_ip FROM clinician;
