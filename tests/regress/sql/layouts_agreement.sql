-- Reads are decided by SQL expressions, writes by looking at the row: they must say the same in every layout. Rows made at random are
-- stored by a superuser and looked for by the application, then written by the application.
\ir prologue.sql
SET client_min_messages = warning;
SELECT setseed(0.42) \g /dev/null

CREATE TYPE kind AS ENUM ('Patient', 'Observation', 'Practitioner', 'Nonsense');
CREATE TABLE plain (id text, doc jsonb, project text, kind text);
CREATE TABLE computed (doc text, project uuid, id text, kind text GENERATED ALWAYS AS (fhir_access.document(doc) ->> 'resourceType') STORED);
CREATE TABLE enumerated (kind kind, doc json, id varchar, project varchar);
CREATE TABLE limited (project varchar(36), id uuid, kind name, doc varchar);
CREATE TABLE single (id text GENERATED ALWAYS AS (fhir_access.document(doc) ->> 'id') STORED, doc text, project uuid);
CREATE TABLE unsaid (id varchar(60), doc varchar);
SELECT fhir_access.protect(t, resource_column => 'doc', project_column => 'project', resource_type_column => 'kind')
  FROM unnest('{plain,computed,enumerated,limited}'::regclass[]) t \g /dev/null
SELECT fhir_access.protect('single', 'Patient', resource_column => 'doc', project_column => 'project'), fhir_access.protect('unsaid', resource_column => 'doc') \g /dev/null

CREATE FUNCTION one_of(VARIADIC a text[]) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT a[1 + floor(random() * cardinality(a))::int] $$;
\set a 00000000-0000-4000-8000-00000000000a
\set b 00000000-0000-4000-8000-00000000000b
-- The row's project is said in both places, or the document says nothing that could be one.
CREATE TABLE drawn AS
SELECT n, id, project, CASE WHEN random() < 0.8 THEN type ELSE one_of('Patient', 'Observation', 'Nonsense', NULL) END AS kind,
       jsonb_strip_nulls(jsonb_build_object('resourceType', type, 'id', one_of(id, id, NULL), 'meta', jsonb_build_object('project', meta),
           'active', one_of('true', 'false', '"x"', NULL)::jsonb, 'gender', one_of('"female"', '"male"', '["male"]', NULL)::jsonb,
           'birthDate', one_of('"1980-01-01"', '"1980"', '7', '"x"', NULL)::jsonb, 'status', one_of('"final"', '"amended"', NULL)::jsonb,
           'name', one_of('[{"family": "Ä"}]', '{"family": "a"}', '[{"family": ["a"]}]', '[{"family": "b", "given": ["A"]}]', NULL)::jsonb,
           'subject', one_of('{"reference": "Patient/1"}', '{"reference": "Patient/1/_history/2"}', '{"reference": "http://x/Patient/1"}', '[{"reference": "Patient/1"}]', NULL)::jsonb)) AS doc
  FROM (SELECT n, '00000000-0000-4000-8000-' || lpad(n::text, 12, '0') AS id, one_of('Patient', 'Patient', 'Observation', 'Practitioner') AS type,
               one_of(:'a', upper(:'a'), :'b') AS meta, one_of(:'a', upper(:'a'), :'b') AS project
          FROM generate_series(1, 300) n) AS rows;
CREATE TABLE drawn_policy AS
SELECT n, jsonb_agg(jsonb_build_object('resourceType', type, 'criteria', type || '?' || one_of('_project=' || project, '_project:not=' || project, '_project=' || upper(project) || ',x',
           '_project:missing=true', '_project:missing=false', '_id=00000000-0000-4000-8000-000000000007', own) || one_of('', '&' || own, '&_project:missing=false'))) AS resource
  FROM (SELECT n, type, one_of(:'a', :'b', 'x') AS project, CASE type
               WHEN 'Patient' THEN one_of('gender=male', 'gender:not=male', 'name=a', 'birthdate=1980', 'birthdate:missing=true', 'active=true', 'active:not=true')
               WHEN 'Practitioner' THEN one_of('gender=male', 'name=a') ELSE one_of('status=final', 'subject=Patient/1', 'subject:missing=true', 'status:not=final') END AS own
          FROM (SELECT n, one_of('Patient', 'Observation', 'Practitioner') AS type FROM generate_series(1, 18) n, generate_series(1, 3)) AS types) AS entries
 GROUP BY n;
-- The memberships' project is that of a super administrator, so that what a row says of its project stays.
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "above", "superAdmin": true}');
INSERT INTO fhir_access.access_policy (resource) SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', n::text, 'resource', resource) FROM drawn_policy;
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "project": {"reference": "Project/above"}, "accessPolicy": {"reference": "AccessPolicy/%s"}}', n, n)::jsonb FROM drawn_policy;

-- What becomes of a statement, run by the application where `as_app`; afterwards the number of rows that it sees. Nothing stays.
CREATE FUNCTION tried(name text, statement text, as_app boolean, OUT state text, OUT seen int) LANGUAGE plpgsql AS $$
BEGIN
    IF as_app THEN SET LOCAL ROLE app; END IF;
    EXECUTE statement;
    SET LOCAL ROLE app;
    EXECUTE format('SELECT count(*) FROM %I', name) INTO seen;
    RESET ROLE;
    RAISE SQLSTATE 'XX999';
EXCEPTION WHEN SQLSTATE 'XX999' THEN
    state := 'done';
WHEN OTHERS THEN
    state := CASE WHEN sqlerrm LIKE '%row-level security%' THEN 'refused by SQL alone' ELSE sqlstate END;
END $$;
CREATE FUNCTION compared(name text, OUT hits int, OUT disagreeing int) LANGUAGE plpgsql AS $$
DECLARE
    policy record;
    statement text;
    found_now int;
    written record;
BEGIN
    hits := 0; disagreeing := 0;
    FOR policy IN SELECT n FROM drawn_policy LOOP
        PERFORM set_config('fhir_access.membership', policy.n::text, true);
        -- Some rows for each policy, others for the next.
        FOR statement IN
            SELECT CASE name
                WHEN 'single' THEN format('INSERT INTO single (doc, project) VALUES (%L, %L)', doc, project)
                WHEN 'unsaid' THEN format('INSERT INTO unsaid VALUES (%L, %L)', id, doc)
                WHEN 'computed' THEN format('INSERT INTO computed (id, doc, project) VALUES (%L, %L, %L)', id, doc, project)
                ELSE format('INSERT INTO %I (id, doc, project, kind) VALUES (%L, %L, %L, %L)', name, id, doc, project, kind) END
              FROM drawn WHERE (drawn.n + policy.n) % 6 = 0 AND (name <> 'single' OR doc ->> 'resourceType' = 'Patient')
        LOOP
            SELECT t.seen INTO found_now FROM tried(name, statement, false) t;
            SELECT t.* INTO written FROM tried(name, statement, true) t;
            hits := hits + found_now;
            IF written.state = 'refused by SQL alone' OR coalesce(written.seen, 0) <> found_now THEN
                disagreeing := disagreeing + 1;
            END IF;
        END LOOP;
    END LOOP;
END $$;
SELECT name, hits > 50 AS many_are_found, disagreeing FROM unnest('{plain,computed,enumerated,limited,single,unsaid}'::text[]) AS name, compared(name) ORDER BY name;
