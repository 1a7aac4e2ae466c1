-- What plans cost: a membership that may see all rows of a type leaves no trace in them, and expressions are made once for a session.
\ir prologue.sql
SET client_min_messages = error;
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE plain (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE n % 2 WHEN 0 THEN 'female' ELSE 'male' END, 'meta', '{"project": "a"}'::jsonb,
    'name', '[{"family": "F"}]'::jsonb) FROM generate_series(1, 1000) n;
INSERT INTO plain SELECT * FROM patient;
ANALYZE patient, plain;
GRANT SELECT ON patient, plain TO app;
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "a"}'), ('{"resourceType": "Project", "id": "root", "superAdmin": true}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "everything", "resource": [{"resourceType": "*"}]}'),
('{"resourceType": "AccessPolicy", "id": "patients", "resource": [{"resourceType": "Patient"}]}'),
('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["name"]}]}'),
('{"resourceType": "AccessPolicy", "id": "men", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=male", "hiddenFields": ["gender"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "everything", "accessPolicy": {"reference": "AccessPolicy/everything"}}'),
('{"resourceType": "ProjectMembership", "id": "patients", "accessPolicy": {"reference": "AccessPolicy/patients"}}'),
('{"resourceType": "ProjectMembership", "id": "root", "project": {"reference": "Project/root"}}'),
('{"resourceType": "ProjectMembership", "id": "women", "project": {"reference": "Project/a"}, "accessPolicy": {"reference": "AccessPolicy/women"}}'),
('{"resourceType": "ProjectMembership", "id": "men", "project": {"reference": "Project/a"}, "accessPolicy": {"reference": "AccessPolicy/men"}}');
RESET client_min_messages;

-- The plan of a statement on a table, with the table's name left out.
CREATE FUNCTION plan_of(statement text, relation text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; plan text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (VERBOSE) ' || replace(statement, '{table}', relation) LOOP
        plan := plan || replace(line, relation, 'table') || E'\n';
    END LOOP;
    RETURN plan;
END $$;
SET ROLE app;
SET fhir_access.membership = 'everything';
SELECT membership, statement, plan_of(statement, 'patient') = plan_of(statement, 'plain') AS identical
  FROM unnest('{everything,patients,root}'::text[]) AS membership,
       unnest(ARRAY['SELECT * FROM {table}', $$SELECT resource FROM {table} WHERE id = 'p7'$$, $$SELECT count(*) FROM {table} t WHERE resource ->> 'gender' = 'female'$$,
                    $$SELECT a.id FROM {table} a JOIN {table} b ON b.id = a.id WHERE a.resource ? 'name' ORDER BY 1 LIMIT 5$$]) AS statement,
       LATERAL set_config('fhir_access.membership', membership, false) AS s
 ORDER BY 1, 2;
EXPLAIN (VERBOSE, COSTS OFF) SELECT resource FROM patient WHERE id = 'p7';
-- Where some rows or fields are hidden, what is expected of the statement's own conditions tells nothing.
SELECT membership, plan_of($$SELECT FROM {table} WHERE resource @> '{"gender": "female"}'$$, 'patient') = replace(plan_of($$SELECT FROM {table} WHERE resource @> '{"gender": "nobody"}'$$, 'patient'), 'nobody', 'female') AS tells_nothing
  FROM unnest('{women,men}'::text[]) AS membership, LATERAL set_config('fhir_access.membership', membership, false) AS s ORDER BY membership;

-- The fence is not in sight, and holds: a plan that was made for all rows is not run for some.
PREPARE read AS SELECT count(*) FROM patient;
SET plan_cache_mode = force_generic_plan;
SET fhir_access.membership = 'root';
EXECUTE read;
SET fhir_access.membership = 'women';
EXECUTE read;
SET fhir_access.membership = 'everything';
EXECUTE read;
BEGIN;
DECLARE rows CURSOR FOR SELECT resource FROM patient ORDER BY id;
SET LOCAL fhir_access.membership = 'women';
FETCH 1 FROM rows;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- What was made for a session is not another's, is not older than the policy, and knows what the table is like now.
CREATE FUNCTION pg_temp.seen(membership text, OUT rows bigint, OUT first text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('fhir_access.membership', membership, false);
    EXECUTE 'SELECT count(*) FROM patient' INTO rows;
    EXECUTE 'SELECT (resource - ''meta'')::text FROM patient ORDER BY id LIMIT 1' INTO first;
END $$;
SELECT m, s.* FROM unnest('{women,men,women,root,men}'::text[]) WITH ORDINALITY t (m, n), LATERAL pg_temp.seen(m) s ORDER BY n;
SET fhir_access.mark_redacted = on;
SELECT * FROM pg_temp.seen('women');
RESET fhir_access.mark_redacted;
RESET ROLE;
SET client_min_messages = error;
UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,hiddenFields}', '["gender"]') WHERE id = 'women';
RESET client_min_messages;
CREATE INDEX ON patient USING gin (fhir_access.tokens(resource, 'gender:text') fhir_access.prefix_ops);
SET ROLE app;
SELECT * FROM pg_temp.seen('women');
EXPLAIN (COSTS OFF) SELECT id FROM patient;
RESET ROLE;
DROP INDEX patient_tokens_idx;
ALTER TABLE patient RENAME COLUMN resource TO content;
SELECT fhir_access.protect('patient', 'Patient', 'content') \g /dev/null
SET ROLE app;
SELECT count(*) FROM patient;
SELECT content - 'meta' AS content FROM patient ORDER BY id LIMIT 1;

-- More sessions than are kept, in turn.
RESET ROLE;
SET client_min_messages = error;
INSERT INTO fhir_access.access_policy (resource) SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', 'one-' || n, 'resource', jsonb_build_array(jsonb_build_object('resourceType', 'Patient', 'criteria', 'Patient?_id=p' || n, 'hiddenFields', '["name"]'::jsonb))) FROM generate_series(1, 300) n;
INSERT INTO fhir_access.project_membership (resource) SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', 'one-' || n, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/one-' || n)) FROM generate_series(1, 300) n;
RESET client_min_messages;
SET ROLE app;
CREATE FUNCTION pg_temp.sees(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE seen text;
BEGIN
    PERFORM set_config('fhir_access.membership', 'one-' || n, false);
    EXECUTE 'SELECT string_agg(id || CASE WHEN content ? ''name'' THEN '' with name'' ELSE '''' END, '' '') FROM patient' INTO seen;
    RETURN seen;
END $$;
SELECT count(*) AS asked, count(*) FILTER (WHERE pg_temp.sees(n) IS DISTINCT FROM 'p' || n) AS wrong FROM generate_series(1, 3) round, generate_series(1, 300) n;
RESET ROLE;
SELECT sum(total_bytes) < 3000000 AS bounded FROM pg_backend_memory_contexts WHERE name = 'fhir_access kept nodes';
