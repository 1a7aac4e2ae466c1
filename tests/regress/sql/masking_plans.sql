-- Plans that are kept, made in parallel, compiled, pruned; and the same plan under another membership and another role.
\ir prologue.sql
\ir masked_shapes.sql
CREATE VIEW of_superuser AS SELECT * FROM observation;
GRANT SELECT ON of_superuser TO app;

\c - app
SET fhir_access.membership = 'desk';
PREPARE by_id (text) AS SELECT id, value, resource, o FROM observation o WHERE id = $1;
PREPARE by_document (jsonb) AS SELECT id FROM observation WHERE resource @> $1 ORDER BY id;
PREPARE by_value (text) AS SELECT count(*) FROM observation WHERE value LIKE $1 OR resource ->> 'valueString' LIKE $1;
PREPARE through_view AS SELECT count(*) AS rows, count(value) AS "values" FROM of_superuser;
PREPARE changing (text) AS UPDATE observation SET note = $1 WHERE id = 'o1' RETURNING *;

-- Custom plans, then generic ones, and what PostgreSQL chooses after five.
SET plan_cache_mode = force_custom_plan;
EXECUTE by_id ('o1');
EXECUTE by_document ('{"valueString": "CAN_RY 2"}');
EXECUTE by_document ('{"subject": {"reference": "Patient/p2"}}');
EXECUTE by_value ('CAN_RY%');
SET plan_cache_mode = force_generic_plan;
EXECUTE by_id ('o1');
EXECUTE by_document ('{"subject": {"reference": "Patient/p2"}}');
EXECUTE by_value ('CAN_RY%');
EXECUTE changing ('generic');
EXPLAIN (COSTS OFF, VERBOSE) EXECUTE by_id ('o1');
SET plan_cache_mode = auto;
EXECUTE by_value ('CAN_RY%') \g /dev/null
EXECUTE by_value ('CAN_RY%') \g /dev/null
EXECUTE by_value ('CAN_RY%') \g /dev/null
EXECUTE by_value ('CAN_RY%') \g /dev/null
EXECUTE by_value ('CAN_RY%') \g /dev/null
EXECUTE by_value ('CAN_RY%');

-- The same statements under another membership, and back; also for a transaction, and one that is rolled back.
SET fhir_access.membership = 'everything';
EXECUTE through_view;
SELECT count(value) AS seen_by_everything FROM observation;
SET fhir_access.membership = 'desk';
EXECUTE through_view;
EXECUTE by_value ('CAN_RY%');
BEGIN;
SET LOCAL fhir_access.membership = 'everything';
EXECUTE through_view;
COMMIT;
EXECUTE through_view;
BEGIN;
SAVEPOINT s;
SET LOCAL fhir_access.membership = 'everything';
EXECUTE through_view;
ROLLBACK TO s;
EXECUTE through_view;
EXECUTE by_id ('o2');
COMMIT;
SET fhir_access.membership = '';
EXECUTE through_view;
SET fhir_access.membership = 'desk';

-- A function's plans, which plpgsql keeps, and what it computed before.
CREATE FUNCTION pg_temp.seen(OUT static bigint, OUT dynamic bigint, OUT row_text bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT count(value) INTO static FROM observation;
    EXECUTE 'SELECT count(value) FROM observation' INTO dynamic;
    SELECT count(*) INTO row_text FROM observation o WHERE o::text LIKE '%CAN_RY%';
END $$;
CREATE FUNCTION pg_temp.fixed() RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT max(value) FROM observation); END';
PREPARE folded AS SELECT coalesce(pg_temp.fixed(), 'nothing') LIKE 'CAN_RY%' AS seen;
SET plan_cache_mode = force_generic_plan;
SELECT * FROM pg_temp.seen();
EXECUTE folded;
SET fhir_access.membership = 'everything';
SELECT * FROM pg_temp.seen();
EXECUTE folded;
SET fhir_access.membership = 'desk';
SELECT * FROM pg_temp.seen();
EXECUTE folded;
RESET plan_cache_mode;

-- A plan that an exempt role made is not used by one that is subject to policies, nor the other way round.
\c - postgres
PREPARE direct AS SELECT count(*) AS rows, count(value) AS "values" FROM observation;
PREPARE through_view AS SELECT count(*) AS rows, count(value) AS "values" FROM of_superuser;
SET plan_cache_mode = force_generic_plan;
EXECUTE direct;
EXECUTE through_view;
SET fhir_access.membership = 'desk';
SET ROLE app;
EXECUTE direct;
EXECUTE through_view;
SET ROLE loader;
EXECUTE direct;
RESET ROLE;
EXECUTE through_view;
SET SESSION AUTHORIZATION app;
EXECUTE direct;
EXECUTE through_view;
RESET SESSION AUTHORIZATION;
RESET plan_cache_mode;

-- In parallel, and compiled to machine code where the server can.
CREATE TABLE condition (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('condition', 'Condition') \g /dev/null
INSERT INTO condition SELECT n::text, jsonb_build_object('resourceType', 'Condition', 'id', n::text, 'recordedDate', n % 7, 'code', jsonb_build_object('text', 'CANARY ' || n)) FROM generate_series(1, 20000) n;
ANALYZE condition;
SET client_min_messages = error;
UPDATE fhir_access.access_policy SET resource = jsonb_insert(resource, '{resource,0}', '{"resourceType": "Condition", "hiddenFields": ["code"]}') WHERE id = 'desk';
\c - app
SET fhir_access.membership = 'desk';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT count(*) FROM condition WHERE resource::text LIKE '%CAN_RY%';
SELECT count(*), count(*) FILTER (WHERE c::text LIKE '%CAN_RY%') AS leaks, count(*) FILTER (WHERE resource ? 'code') AS codes,
       max(resource #>> '{code,text}') AS code, count(DISTINCT resource - 'id') AS documents FROM condition c;
SET force_parallel_mode = on;
SELECT id, value, resource, o FROM observation o ORDER BY id;
SELECT count(*) FROM (SELECT a FROM condition a JOIN condition b USING (resource) WHERE a::text LIKE '%CAN_RY%') s;
RESET force_parallel_mode;
SET jit = on;
SET jit_above_cost = 0;
SET jit_inline_above_cost = 0;
SET jit_optimize_above_cost = 0;
SELECT count(*), count(*) FILTER (WHERE c::text LIKE '%CAN_RY%') AS leaks, max(resource #>> '{code,text}') AS code FROM condition c;
SELECT id, value, o FROM observation o ORDER BY id LIMIT 1;
RESET jit;

-- Partitions: pruned by visible columns when the statement is planned and when it runs.
\c - postgres
CREATE TABLE encounter (id text, year integer, resource jsonb NOT NULL, PRIMARY KEY (id, year)) PARTITION BY LIST (year);
CREATE TABLE encounter_1 PARTITION OF encounter FOR VALUES IN (1);
CREATE TABLE encounter_2 PARTITION OF encounter FOR VALUES IN (2);
SELECT fhir_access.protect('encounter', 'Encounter') \g /dev/null
INSERT INTO encounter SELECT n::text, 1 + n % 2, jsonb_build_object('resourceType', 'Encounter', 'id', n::text, 'text', 'CANARY') FROM generate_series(1, 4) n;
SET client_min_messages = error;
UPDATE fhir_access.access_policy SET resource = jsonb_insert(resource, '{resource,0}', '{"resourceType": "Encounter", "hiddenFields": ["text"]}') WHERE id = 'desk';
\c - app
SET fhir_access.membership = 'desk';
EXPLAIN (COSTS OFF) SELECT resource FROM encounter WHERE year = 1 AND resource ->> 'text' IS NULL;
PREPARE pruned (integer) AS SELECT tableoid::regclass, e FROM encounter e WHERE year = $1 ORDER BY id;
SET plan_cache_mode = force_generic_plan;
EXECUTE pruned (1);
EXECUTE pruned (2);
SET enable_partitionwise_join = on;
SET enable_partitionwise_aggregate = on;
SELECT year, count(*), count(resource ->> 'text') AS hidden, min(e::text) FROM encounter e JOIN encounter f USING (year, id, resource) GROUP BY year ORDER BY year;
