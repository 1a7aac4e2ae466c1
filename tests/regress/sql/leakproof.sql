-- A statement's own conditions use its own indexes, below the policy's condition: for each operator that has a leakproof twin, the
-- plan on a protected table, and the plan on one with a hand-written policy that says the same.
\ir prologue.sql
\ir leakproof.sql
CREATE COLLATION loose (provider = icu, locale = 'und', deterministic = false);
CREATE COLLATION german (provider = icu, locale = 'de');
CREATE VIEW patients WITH (security_invoker) AS SELECT id, resource FROM patient;
CREATE VIEW behind WITH (security_barrier, security_invoker) AS SELECT id, resource FROM patient WHERE length(id) < 9;
CREATE TABLE visit (id text, year integer, resource jsonb NOT NULL) PARTITION BY LIST (year);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES IN (1);
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES IN (2);
CREATE INDEX ON visit ((resource ->> 'status'));
INSERT INTO visit SELECT n::text, 1 + n % 2, jsonb_build_object('resourceType', 'Encounter', 'id', n::text, 'status', CASE n % 500 WHEN 0 THEN 'planned' ELSE 'finished' END,
       'class', jsonb_build_object('code', CASE n % 3 WHEN 0 THEN 'AMB' ELSE 'IMP' END)) FROM generate_series(1, 5000) n;
CREATE TABLE note (id text, resource jsonb NOT NULL) PARTITION BY LIST ((resource ->> 'status'));
CREATE TABLE note_final PARTITION OF note FOR VALUES IN ('final');
CREATE TABLE note_other PARTITION OF note DEFAULT;
SELECT fhir_access.protect('visit', 'Encounter'), fhir_access.protect('note', 'Observation') \g /dev/null
ANALYZE visit;
UPDATE fhir_access.access_policy SET resource = jsonb_insert(jsonb_insert(resource, '{resource,1}', '{"resourceType": "Encounter", "criteria": "Encounter?class=AMB"}'),
    '{resource,2}', '{"resourceType": "Observation", "criteria": "Observation?code=a"}') WHERE id = 'women';
\c - app
SET fhir_access.membership = 'women';
-- Plans by costs differ with what PostgreSQL expects; what an index may be asked does not.
SET enable_seqscan = off;
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION pg_temp.plan(relation text, condition text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN NEXT relation || ' WHERE ' || condition;
    RETURN QUERY EXECUTE format('EXPLAIN (COSTS OFF) SELECT id FROM %s t WHERE %s', relation, condition);
END $$;
\pset format unaligned
\pset tuples_only on
CREATE TEMP TABLE question (number serial, condition text);
INSERT INTO question (condition) VALUES
    ('resource @> ''{"identifier": [{"value": "8"}]}'''),
    ('''{"identifier": [{"value": "8"}]}'' <@ resource'),
    ('resource <@ ''{"id": "p8"}'''),
    ('resource ? ''photo'''),
    ('resource ?| ''{photo,contact}'''),
    ('resource ?& ''{photo,active}'''),
    ('resource @? ''$.identifier[*] ? (@.value == "8")'''),
    ('resource @@ ''$.identifier.value == "8"'''),
    ('resource -> ''multipleBirthInteger'' = ''8'''),
    ('resource -> ''multipleBirthInteger'' > ''19990'''),
    ('resource ->> ''birthDate'' = ''1950-01-09'''),
    ('resource ->> ''birthDate'' BETWEEN ''1950-01-09'' AND ''1950-01-20'''),
    ('resource ->> ''birthDate'' IN (''1950-01-09'', ''1950-01-11'')'),
    ('resource -> ''name'' -> 0 -> ''given'' ->> 0 = ''Given8'''),
    ('resource #> ''{address,0}'' = ''{"city": "City8", "postalCode": "00008"}'''),
    ('resource #>> ''{address,0,city}'' = ''City8'''),
    ('resource #>> ''{address,0,city}'' LIKE ''City8%'''),
    ('note LIKE ''%8888%'''),
    ('note ILIKE ''NOTE 8888%'''),
    ('tags @> ''{given8}'''),
    ('tags && ''{given8,given10}'''),
    ('tags <@ ''{ann,given8}'''),
    ('''given8'' = ANY (tags) AND tags @> ''{given8}'''),
    ('words @@ ''8888'''),
    ('words @@ to_tsquery(''english'', ''8888 & note'')'),
    ('weight = 8'),
    ('weight BETWEEN 8 AND 10.5'),
    ('fhir_access.tokens(resource, ''identifier*:Identifier'') @> ''{urn:mrn|8}'''),
    ('fhir_access.tokens(resource, ''identifier*:Identifier'') && ''{urn:mrn|8,urn:mrn|10}'''),
    ('fhir_access.earliest(resource, ''birthDate:date'') = ''1950-01-09 00:00:00Z'''),
    ('fhir_access.lowest(resource, ''multipleBirthInteger:number'') <= 8'),
    ('resource ->> ''id'' = ''p2000'' AND resource ? ''photo'''),
    ('resource ->> ''birthDate'' = ''1950-01-09'' OR resource @> ''{"identifier": [{"value": "8"}]}''');
SELECT line FROM question, unnest(ARRAY['patient', 'plain']) relation, pg_temp.plan(relation, condition) WITH ORDINALITY AS p (line, place) ORDER BY number, relation, place;

-- What may raise an error that depends on a row keeps its place: casts, functions, patterns that are not known or may fail, paths that
-- may fail, subqueries. For none of these an index is asked.
TRUNCATE question;
INSERT INTO question (condition) VALUES
    ('(resource ->> ''birthDate'')::date = ''1950-01-09'''),
    ('(resource -> ''multipleBirthInteger'')::integer = 8'),
    ('lower(resource #>> ''{address,0,city}'') LIKE ''city8%'''),
    ('resource #>> ''{address,0,city}'' LIKE ''City8\'''),
    ('resource #>> ''{address,0,city}'' LIKE ''City'' || weight::text'),
    ('note LIKE ''%8888%'' COLLATE loose'),
    ('note ILIKE ''%8888%'' COLLATE german'),
    ('note ~ ''8888'''),
    ('resource @? ''$.identifier[*] ? (@.value like_regex "^8$")'''),
    ('resource @? ''$ ? (@.birthDate.datetime() == "1950-01-09".datetime() && @.id == "p8")'''),
    ('resource @? ''$.**.value ? (@ == "8")'''),
    ('resource @? (''$.id ? (@ == "'' || id || ''")'')::jsonpath'),
    ('resource @> (SELECT jsonb_build_object(''id'', ''p8''))'),
    ('resource @> resource'),
    (format('resource @> %L', repeat('[', 70) || repeat(']', 70))),
    ('tags @> ARRAY[note]::varchar[]::text[]'),
    ('to_tsvector(''english'', note) @@ ''8888'''),
    ('words @@ (id || ''|'' || id)::tsquery'),
    ('jsonb_path_exists(resource, ''$.id ? (@ == "p8")'')');
SELECT condition, bool_or(line LIKE '%Index Cond: %' AND line NOT LIKE '%Cond: (resource @> ''{"gender": "female"}''::jsonb)') AS asks_index
  FROM question, pg_temp.plan('patient', condition) line GROUP BY condition ORDER BY condition;

-- ---------------------------------------------------------------------------------------------------------------------
-- Statements of all kinds.
\pset tuples_only off
\pset format aligned
-- In views that ask with the reader's rights, in subqueries and CTEs, in joins by a condition or to a column, from outside of a subquery.
EXPLAIN (COSTS OFF) SELECT * FROM (SELECT id, resource AS r FROM patient) s WHERE r ->> 'birthDate' = '1950-01-09';
EXPLAIN (COSTS OFF) SELECT id FROM patients WHERE resource ->> 'birthDate' = '1950-01-09';
EXPLAIN (COSTS OFF) WITH c AS (SELECT resource AS r FROM patient) SELECT r ->> 'id' FROM c WHERE r @> '{"id": "p8"}';
EXPLAIN (COSTS OFF) SELECT a.id FROM patient a JOIN patient b ON b.resource ->> 'birthDate' = a.resource ->> 'birthDate' WHERE a.id = 'p8';
EXPLAIN (COSTS OFF) SELECT a.id FROM patient a JOIN patient b ON b.id = a.resource ->> 'id' WHERE a.resource @> '{"identifier": [{"value": "8"}]}';
-- References are made of ids; this is how resources are joined.
EXPLAIN (COSTS OFF) SELECT a.id FROM patient a JOIN patient b ON b.resource ->> 'birthDate' = '1950-' || a.id WHERE a.id = 'p8';
EXPLAIN (COSTS OFF) SELECT (SELECT count(*) FROM patient b WHERE b.resource -> 'multipleBirthInteger' = a.resource -> 'multipleBirthInteger') FROM patient a WHERE a.id = 'p8';
EXPLAIN (COSTS OFF) UPDATE patient SET note = 'x' WHERE resource ->> 'birthDate' = '1950-01-09';
EXPLAIN (COSTS OFF) DELETE FROM patient WHERE resource @> '{"identifier": [{"value": "8"}]}';
-- Order and condition by one expression.
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' >= '2000' ORDER BY resource ->> 'birthDate' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT resource ->> 'birthDate', count(*) FROM patient WHERE resource ->> 'birthDate' = '1950-01-09' GROUP BY resource ->> 'birthDate' ORDER BY resource ->> 'birthDate';

-- Prepared: whatever the parameter, where it may be anything; a pattern that must be known is in plans for its value alone.
SET plan_cache_mode = force_generic_plan;
PREPARE contains(jsonb) AS SELECT id FROM patient WHERE resource @> $1;
EXPLAIN (COSTS OFF) EXECUTE contains('{"identifier": [{"value": "8"}]}');
EXECUTE contains('{"identifier": [{"value": "8"}]}');
EXECUTE contains('{"identifier": [{"value": "9"}]}');
EXECUTE contains(format('{"id": "p8", "x": %s1%s}', repeat('[', 1000), repeat(']', 1000))::jsonb);
PREPARE likes(text) AS SELECT id FROM patient WHERE note LIKE $1;
EXPLAIN (COSTS OFF) EXECUTE likes('%8888%');
SET plan_cache_mode = force_custom_plan;
EXPLAIN (COSTS OFF) EXECUTE likes('%8888%');
EXECUTE likes('%8888%');
EXPLAIN (COSTS OFF) EXECUTE likes('%8888\');
RESET plan_cache_mode;

-- Where something is hidden, a condition on what is shown asks the index; one on what is hidden, the masked document.
SET fhir_access.membership = 'hidden';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-09';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource #>> '{address,0,city}' = 'City8';
SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-09';
SELECT id FROM patient WHERE resource #>> '{address,0,city}' = 'City8';

-- Another membership: the prepared statement follows.
EXECUTE contains('{"identifier": [{"value": "8"}]}');
SET fhir_access.membership = 'all';
EXECUTE contains('{"identifier": [{"value": "9"}]}');
SET fhir_access.membership = 'women';

-- What is counted while EXPLAIN ANALYZE runs would tell of rows that are not granted: p9 is a man. So it runs without.
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-10';
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE contains('{"identifier": [{"value": "9"}]}');
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE contains('{"identifier": [{"value": "9"}]}');
EXPLAIN (COSTS OFF) EXECUTE contains('{"identifier": [{"value": "9"}]}');
RESET plan_cache_mode;
-- Only while it runs, also where it fails, and where something in it fails.
\set VERBOSITY terse
EXPLAIN (ANALYZE) SELECT 1 / length(substr(id, 100)) FROM patient WHERE resource ->> 'birthDate' = '1950-01-09';
\set VERBOSITY default
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-09';
CREATE FUNCTION pg_temp.fails() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE) SELECT 1 / length(substr(id, 100)) FROM patient';
EXCEPTION WHEN division_by_zero THEN
    -- Within the outer one it is still running.
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> ''birthDate'' = ''1950-01-09''' LOOP
        RAISE NOTICE '%', line;
    END LOOP;
    RETURN true;
END $$;
SELECT pg_temp.fails();
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT pg_temp.fails();

-- Only for protected tables, and the owner's own barrier stays what it is, over whatever it stands.
EXPLAIN (COSTS OFF) SELECT id FROM behind WHERE resource ->> 'birthDate' = '1950-01-09';
EXPLAIN (COSTS OFF) SELECT t.id FROM patient p JOIN plain t ON t.resource ->> 'birthDate' = p.resource ->> 'birthDate' WHERE p.id = 'p8';

-- Partitions, by their parent and by name.
EXPLAIN (COSTS OFF) SELECT id FROM visit WHERE resource ->> 'status' = 'planned';
EXPLAIN (COSTS OFF) SELECT id FROM visit_2 WHERE resource ->> 'status' = 'planned';
EXPLAIN (COSTS OFF) SELECT id FROM visit WHERE resource ->> 'status' = 'planned' AND year = 2;
-- A key that is an expression still tells which partition.
EXPLAIN (COSTS OFF) SELECT id FROM note WHERE resource ->> 'status' = 'final';

-- An administrator may switch it off, and nobody else.
SET fhir_access.leakproof_operators = off;
\c - postgres
SET fhir_access.leakproof_operators = off;
SET fhir_access.membership = 'women';
SET ROLE app;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-09';
RESET ROLE;
SET fhir_access.leakproof_operators = on;
SET ROLE app;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-09';
RESET ROLE;
-- Each twin is what its operator's function is, but for the mark.
SELECT p.proname, p.proleakproof AS leakproof, (p.provolatile, p.proisstrict, p.proparallel, p.procost, p.prosupport, p.prorettype) =
       (f.provolatile, f.proisstrict, f.proparallel, f.procost, f.prosupport, f.prorettype) AS same, f.proname AS original, f.proleakproof AS original_leakproof
  FROM pg_proc p JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
  JOIN pg_operator o ON d.description = format('leakproof twin of %s %s %s', o.oprleft::regtype, o.oprname, o.oprright::regtype)
  JOIN pg_proc f ON f.oid = o.oprcode
 WHERE p.proname LIKE 'twin\_%' AND o.oprnamespace = 'pg_catalog'::regnamespace ORDER BY 1;
-- A plan that is kept goes with the extension.
SET ROLE app;
SET plan_cache_mode = force_generic_plan;
PREPARE born(text) AS SELECT count(*) FROM patient WHERE resource ->> 'birthDate' = $1;
EXECUTE born('1950-01-09');
RESET ROLE;
SET client_min_messages = error;
SELECT fhir_access.unprotect('patient') \g /dev/null
ALTER TABLE patient DROP COLUMN tags;
DROP EXTENSION fhir_access CASCADE;
SET ROLE app;
EXECUTE born('1950-01-09');
