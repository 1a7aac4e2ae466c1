-- Memberships in turn on one connection: a prepared statement's plan is kept for each of them, and found when it comes again. It is
-- forgotten as soon as it could be a wrong one.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, note text, resource jsonb NOT NULL);
INSERT INTO patient
SELECT id, 'note of ' || id, jsonb_build_object('resourceType', 'Patient', 'id', id, 'gender', 'other', 'address', jsonb_build_array(jsonb_build_object('state', upper(left(id, 2)))))
  FROM unnest(ARRAY['ca1', 'ca2', 'ny1', 'ny2', 'ny3']) id;
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "state",
  "resource": [{"resourceType": "Patient", "criteria": "Patient?address-state=%state", "hiddenFields": ["gender"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "access": [{"policy": {"reference": "AccessPolicy/state"},
               "parameter": [{"name": "state", "valueString": "%s"}]}]}', state, state)::jsonb
  FROM unnest(ARRAY['CA', 'NY', 'TX']) state;
GRANT EXECUTE ON FUNCTION fhir_access.kept_plans() TO app;
-- Others' DDL comes in between.
CREATE FUNCTION as_owner(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN EXECUTE statement; END';
CREATE VIEW of_superuser AS SELECT id, note, resource FROM patient;
CREATE FUNCTION suffix() RETURNS text LANGUAGE sql STABLE AS $$ SELECT '!' $$;

\c - app
SET plan_cache_mode = force_generic_plan;
PREPARE seen (text) AS SELECT string_agg(id, ' ' ORDER BY id) AS ids, count(resource -> 'gender') AS genders FROM patient WHERE id LIKE $1;

-- What a membership sees, asked as a pool would, and whether the plan was found.
CREATE FUNCTION pg_temp.as(membership text, statement text DEFAULT 'EXECUTE seen (''%'')') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before bigint := (SELECT k.found FROM fhir_access.kept_plans() k);
    answer text;
BEGIN
    PERFORM set_config('fhir_access.membership', membership, true);
    EXECUTE statement INTO answer;
    RETURN format('%s: %s%s', membership, answer, CASE WHEN (SELECT k.found FROM fhir_access.kept_plans() k) > before THEN ' (found)' END);
END $$;
\set ask 'SELECT pg_temp.as(m) FROM unnest(ARRAY[''CA'', ''NY'', ''TX'', ''CA'', ''NY'', ''TX'']) m'

-- The first time a statement is seen; the second time it is kept; then it is found, each membership's own.
:ask;
:ask;
SELECT plans, bytes BETWEEN 1000 AND 1000000 AS "some bytes" FROM fhir_access.kept_plans();

-- It makes no difference how often, or in what order, or whether the transaction is rolled back.
BEGIN;
SET LOCAL fhir_access.membership = 'NY';
EXECUTE seen ('%');
SAVEPOINT here;
SET LOCAL fhir_access.membership = 'CA';
EXECUTE seen ('%');
ROLLBACK TO here;
EXECUTE seen ('%');
ROLLBACK;
EXECUTE seen ('%');
SELECT pg_temp.as('CA');

-- A second statement of the same text, an equal one, finds the plans of the first; one of another tree does not.
DEALLOCATE seen;
PREPARE seen (text) AS SELECT string_agg(id, ' ' ORDER BY id) AS ids, count(resource -> 'gender') AS genders FROM patient WHERE id LIKE $1;
SELECT pg_temp.as('CA');
CREATE TEMP TABLE patient (id text, resource jsonb);
INSERT INTO patient VALUES ('mine', '{"gender": "mine"}');
DEALLOCATE seen;
PREPARE seen (text) AS SELECT string_agg(id, ' ' ORDER BY id) AS ids, count(resource -> 'gender') AS genders FROM patient WHERE id LIKE $1;
SELECT pg_temp.as('CA');
DROP TABLE pg_temp.patient;
SELECT pg_temp.as('CA');

-- An index that comes, and one that is gone again because the transaction was rolled back: the plan that used it is not run.
:ask \g /dev/null
SELECT pg_temp.as('CA');
SELECT as_owner('CREATE INDEX patient_id ON patient (id text_pattern_ops)');
SELECT pg_temp.as('CA');
SELECT pg_temp.as('CA');
PREPARE one (text) AS SELECT note FROM patient WHERE note = $1;
SET enable_seqscan = off;
SELECT m, pg_temp.as(m, 'EXECUTE one (''note of ny1'')') FROM unnest(ARRAY['NY', 'CA', 'NY', 'CA']) m;
BEGIN;
SELECT as_owner('CREATE INDEX patient_note ON patient (note)');
SET LOCAL fhir_access.membership = 'NY';
EXPLAIN (COSTS OFF) EXECUTE one ('note of ny1');
SELECT pg_temp.as('CA', 'EXECUTE one (''note of ny1'')'), pg_temp.as('NY', 'EXECUTE one (''note of ny1'')'), pg_temp.as('CA', 'EXECUTE one (''note of ny1'')');
ROLLBACK;
SELECT m, pg_temp.as(m, 'EXECUTE one (''note of ny1'')') FROM unnest(ARRAY['NY', 'CA', 'NY', 'CA']) m;
BEGIN;
SAVEPOINT here;
SELECT as_owner('ALTER TABLE patient ADD extra text');
ROLLBACK TO here;
SELECT pg_temp.as('NY', 'EXECUTE one (''note of ny1'')');
COMMIT;
RESET enable_seqscan;

-- Planner settings are part of what a plan is found by.
:ask \g /dev/null
SELECT pg_temp.as('CA');
SET enable_seqscan = off;
SELECT pg_temp.as('CA');
SELECT pg_temp.as('NY');
RESET enable_seqscan;
SELECT pg_temp.as('CA');

-- A document that changes: the policy hides no more, and shows less.
SELECT as_owner($$UPDATE fhir_access.access_policy SET resource = '{"resourceType": "AccessPolicy", "id": "state",
  "resource": [{"resourceType": "Patient", "criteria": "Patient?address-state=%state&_id=ca1,ny1"}]}' WHERE id = 'state'$$);
SELECT plans FROM fhir_access.kept_plans();
:ask;
:ask;
-- And one that is rolled back.
BEGIN;
SELECT as_owner($$UPDATE fhir_access.access_policy SET resource = '{"resourceType": "AccessPolicy", "id": "state",
  "resource": [{"resourceType": "Patient"}]}' WHERE id = 'state'$$);
SELECT pg_temp.as('CA'), pg_temp.as('NY'), pg_temp.as('CA'), pg_temp.as('NY');
ROLLBACK;
:ask;

-- A function that was inlined.
PREPARE marked (text) AS SELECT string_agg(id || suffix(), ' ') FROM patient WHERE id LIKE $1;
SELECT m, pg_temp.as(m, 'EXECUTE marked (''%'')') FROM unnest(ARRAY['NY', 'CA', 'NY', 'CA']) m;
SELECT as_owner($$CREATE OR REPLACE FUNCTION suffix() RETURNS text LANGUAGE sql STABLE AS 'SELECT ''?''::text'$$);
SELECT m, pg_temp.as(m, 'EXECUTE marked (''%'')') FROM unnest(ARRAY['NY', 'CA', 'NY', 'CA']) m;

-- plpgsql's plans, a cursor's, and those of a superuser's view.
CREATE FUNCTION pg_temp.listed(pattern text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT string_agg(id, '' '' ORDER BY id) FROM patient WHERE id LIKE pattern); END';
CREATE FUNCTION pg_temp.first(pattern text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    cursor CURSOR (pattern text) FOR SELECT id FROM patient WHERE id LIKE pattern ORDER BY id;
    one text;
BEGIN
    OPEN cursor (pattern);
    FETCH cursor INTO one;
    CLOSE cursor;
    RETURN one;
END $$;
PREPARE through_view (text) AS SELECT string_agg(id, ' ' ORDER BY id) FROM of_superuser WHERE id LIKE $1;
SELECT s.statement, pg_temp.as(m, s.statement)
  FROM unnest(ARRAY['SELECT pg_temp.listed(''%'')', 'SELECT pg_temp.first(''%'')', 'EXECUTE through_view (''%'')']) WITH ORDINALITY s (statement, n),
       unnest(ARRAY['CA', 'NY', 'CA', 'NY', 'TX', 'CA']) WITH ORDINALITY m (m, k) ORDER BY n, k;

-- A function that is not as immutable as it says has brought what one membership sees into a plan: no other gets that, nor none.
CREATE FUNCTION pg_temp.fixed() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (SELECT string_agg(id, ' ' ORDER BY id) FROM patient);
EXCEPTION WHEN invalid_authorization_specification THEN
    RETURN 'nobody''s';
END $$;
PREPARE folded (text) AS SELECT pg_temp.fixed() || $1;
SELECT pg_temp.as(m, 'EXECUTE folded (''!'')') FROM unnest(ARRAY['CA', 'NY', '', 'CA', '', 'NY']) m;

-- What a statement writes.
\set SHOW_CONTEXT never
PREPARE change (text) AS UPDATE patient SET note = note || '.' WHERE id = $1 RETURNING id || ' ' || note;
SELECT pg_temp.as(m, 'EXECUTE change (''ny1'')') FROM unnest(ARRAY['CA', 'NY', 'CA', 'NY', 'CA', 'NY']) m;
SELECT as_owner('ALTER TABLE patient DISABLE TRIGGER zzz_fhir_access');
SELECT pg_temp.as('NY', 'EXECUTE change (''ny1'')');
SELECT as_owner('ALTER TABLE patient ENABLE ALWAYS TRIGGER zzz_fhir_access');
SELECT pg_temp.as('NY', 'EXECUTE change (''ny1'')');

-- Another user on the same connection, and one who becomes exempt.
\c - postgres
SET plan_cache_mode = force_generic_plan;
PREPARE seen (text) AS SELECT string_agg(id, ' ' ORDER BY id) FROM patient WHERE id LIKE $1;
SET fhir_access.membership = 'CA';
SET ROLE app;
EXECUTE seen ('%');
SET ROLE clinician;
EXECUTE seen ('%');
SET ROLE app;
EXECUTE seen ('%');
SET ROLE clinician;
EXECUTE seen ('%');
RESET ROLE;
SELECT found FROM fhir_access.kept_plans();
EXECUTE seen ('%');
SET ROLE app;
EXECUTE seen ('%');
RESET ROLE;
ALTER ROLE clinician BYPASSRLS;
SELECT plans FROM fhir_access.kept_plans();
SET ROLE clinician;
EXECUTE seen ('%');
RESET ROLE;
ALTER ROLE clinician NOBYPASSRLS;
SET ROLE clinician;
EXECUTE seen ('%');
RESET ROLE;

-- Protection that is given up and taken up again.
SELECT fhir_access.unprotect('patient');
SET ROLE app;
EXECUTE seen ('%');
RESET ROLE;
SELECT fhir_access.protect('patient', 'Patient');
SET ROLE app;
EXECUTE seen ('%');
RESET ROLE;

-- A table of the transaction's own, which is rolled back, and one of its session's that goes with the transaction.
BEGIN;
CREATE TABLE own (id text);
INSERT INTO own VALUES ('ca1');
PREPARE joined (text) AS SELECT count(*) FROM patient JOIN own USING (id) WHERE id LIKE $1;
SET ROLE app;
SAVEPOINT here;
RESET ROLE;
GRANT SELECT ON own TO app;
SET ROLE app;
EXECUTE joined ('%');
SET LOCAL fhir_access.membership = 'NY';
EXECUTE joined ('%');
SET LOCAL fhir_access.membership = 'CA';
EXECUTE joined ('%');
ROLLBACK;
EXECUTE joined ('%');
RESET ROLE;

-- Many memberships within little memory; and none.
SET fhir_access.kept_plans = '1MB';
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "m%s", "access": [{"policy": {"reference": "AccessPolicy/state"},
               "parameter": [{"name": "state", "valueString": "%s"}]}]}', n, n)::jsonb
  FROM generate_series(1, 1000) n;
SET ROLE app;
DO $$
BEGIN
    FOR n IN 1 .. 1000 LOOP
        PERFORM set_config('fhir_access.membership', 'm' || n, true);
        PERFORM count(*) FROM patient WHERE id LIKE '%' || n;
    END LOOP;
END $$;
RESET ROLE;
SELECT plans BETWEEN 10 AND 990 AS "some of them", bytes <= 1024 * 1024 AS "within the limit" FROM fhir_access.kept_plans();
SET fhir_access.kept_plans = 0;
SELECT plans, bytes FROM fhir_access.kept_plans();
SET ROLE app;
SET fhir_access.kept_plans = '1GB';
SELECT * FROM fhir_access.kept_plans();
