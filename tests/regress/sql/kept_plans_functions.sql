-- Kept plans and functions whose results PostgreSQL works out when it plans: of these nothing is left in the plan.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient
SELECT id, jsonb_build_object('resourceType', 'Patient', 'id', id, 'address', jsonb_build_array(jsonb_build_object('state', upper(left(id, 2)))))
  FROM unnest(ARRAY['ca1', 'ca2', 'ny1', 'ny2', 'ny3']) id;
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "state",
  "resource": [{"resourceType": "Patient", "criteria": "Patient?address-state=%state"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "access": [{"policy": {"reference": "AccessPolicy/state"},
               "parameter": [{"name": "state", "valueString": "%s"}]}]}', state, state)::jsonb
  FROM unnest(ARRAY['CA', 'NY']) state;
GRANT EXECUTE ON FUNCTION fhir_access.kept_plans() TO app;
CREATE FUNCTION as_owner(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN EXECUTE statement; END';
CREATE FUNCTION mark() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN '!'; END $$;
CREATE FUNCTION marked(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 || '!'; END $$;
CREATE TABLE word AS SELECT '' AS word;
GRANT SELECT ON word TO app;
CREATE FUNCTION words() RETURNS TABLE (word text) LANGUAGE sql STABLE AS 'SELECT word FROM word';
-- Not as immutable as it says.
CREATE FUNCTION tenant() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT current_setting('app.tenant', true) $$;

\c - app
SET plan_cache_mode = force_generic_plan;
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.as(membership text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before bigint := (SELECT k.found FROM fhir_access.kept_plans() k);
    answer text;
BEGIN
    PERFORM set_config('fhir_access.membership', membership, true);
    EXECUTE statement INTO answer;
    RETURN format('%s: %s%s', membership, answer, CASE WHEN (SELECT k.found FROM fhir_access.kept_plans() k) > before THEN ' (found)' END);
END $$;
\set turns 'unnest(ARRAY[''CA'', ''NY'', ''CA'', ''NY'']) m'

-- A function that is replaced, also in a part of a transaction that is rolled back.
PREPARE marks (text) AS SELECT string_agg(id || mark(), ' ' ORDER BY id) FROM patient WHERE id LIKE $1;
SELECT pg_temp.as(m, 'EXECUTE marks (''%'')') FROM :turns;
SELECT as_owner($$CREATE OR REPLACE FUNCTION mark() RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN ''?''; END'$$);
SELECT pg_temp.as(m, 'EXECUTE marks (''%'')') FROM :turns;
BEGIN;
SAVEPOINT here;
SELECT as_owner($$CREATE OR REPLACE FUNCTION mark() RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN ''-''; END'$$);
SELECT pg_temp.as(m, 'EXECUTE marks (''%'')') FROM :turns;
ROLLBACK TO here;
SELECT pg_temp.as(m, 'EXECUTE marks (''%'')') FROM :turns;
COMMIT;
-- One that may not be called any more.
SELECT as_owner('REVOKE EXECUTE ON FUNCTION mark() FROM PUBLIC');
SELECT pg_temp.as('CA', 'EXECUTE marks (''%'')');
-- One that is asked of each row keeps nothing from being kept.
PREPARE each_marked (text) AS SELECT string_agg(marked(id), ' ' ORDER BY id) FROM patient WHERE id LIKE $1;
SELECT pg_temp.as(m, 'EXECUTE each_marked (''%'')') FROM :turns;
SELECT pg_temp.as(m, 'EXECUTE each_marked (''%'')') FROM :turns;
SELECT as_owner($$CREATE OR REPLACE FUNCTION marked(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 || ''?''; END'$$);
SELECT pg_temp.as(m, 'EXECUTE each_marked (''%'')') FROM :turns;

-- What a function that lies brought into a plan goes with the prepared statement.
PREPARE of_tenant (text) AS SELECT string_agg(id, ' ' ORDER BY id) FROM patient WHERE id LIKE $1 AND id LIKE tenant() || '%';
SET app.tenant = 'ca1';
SELECT pg_temp.as('CA', 'EXECUTE of_tenant (''%'')') FROM :turns;
SET app.tenant = 'ca2';
DEALLOCATE of_tenant;
PREPARE of_tenant (text) AS SELECT string_agg(id, ' ' ORDER BY id) FROM patient WHERE id LIKE $1 AND id LIKE tenant() || '%';
SELECT pg_temp.as('CA', 'EXECUTE of_tenant (''%'')');
-- The body of a function in SQL is planned anew for each statement that calls it.
CREATE FUNCTION pg_temp.listed(pattern text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(id, ' ' ORDER BY id) FROM patient WHERE id LIKE pattern AND id LIKE tenant() || '%' $$;
SET app.tenant = 'ca1';
SELECT pg_temp.as('CA', 'SELECT pg_temp.listed(''%'')') FROM :turns;
SET app.tenant = 'ca2';
SELECT pg_temp.as('CA', 'SELECT pg_temp.listed(''%'')');

-- A function that is inlined, and a table of the session's own that takes the place of another one in it: the first of them puts its
-- schema before all others.
\c - app
SET plan_cache_mode = force_generic_plan;
SET fhir_access.membership = 'CA';
PREPARE seen (text) AS SELECT string_agg(w.word || p.id, ' ' ORDER BY p.id) FROM patient p, words() w WHERE p.id LIKE $1;
EXECUTE seen ('%');
SET fhir_access.membership = 'NY';
EXECUTE seen ('%');
SET fhir_access.membership = 'CA';
EXECUTE seen ('%');
CREATE TEMP TABLE word AS SELECT 'own:' AS word;
EXECUTE seen ('%');
DROP TABLE pg_temp.word;
EXECUTE seen ('%');

-- DISCARD PLANS has all of them made again.
SELECT plans FROM fhir_access.kept_plans();
DISCARD PLANS;
SELECT plans FROM fhir_access.kept_plans();
EXECUTE seen ('%');
SELECT plans FROM fhir_access.kept_plans();
DISCARD ALL;
SELECT plans FROM fhir_access.kept_plans();
