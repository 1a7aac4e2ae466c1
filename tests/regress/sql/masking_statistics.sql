-- What PostgreSQL keeps about stored values, and other places where it keeps values: not for who is subject to policies.
\ir prologue.sql
\ir masked_shapes.sql
INSERT INTO observation (id, resource) SELECT 'x' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'x' || n, 'status', 'final', 'valueString', 'CANARY ' || n % 3, 'language', 'l' || n % 3) FROM generate_series(1, 300) n;
UPDATE observation SET note = 'n' || length(id);
CREATE INDEX by_expression ON observation ((resource ->> 'valueString'), (resource #>> '{subject,display}'));
CREATE STATISTICS by_columns (mcv, dependencies, ndistinct) ON value, note FROM observation;
CREATE STATISTICS by_expressions (mcv) ON (resource ->> 'valueString'), (resource ->> 'language') FROM observation;
CREATE TABLE condition (id text, year integer, resource jsonb NOT NULL, code text GENERATED ALWAYS AS (resource #>> '{code,text}') STORED) PARTITION BY LIST (year);
CREATE TABLE condition_1 PARTITION OF condition FOR VALUES IN (1);
SELECT fhir_access.protect('condition', 'Condition') \g /dev/null
INSERT INTO condition SELECT n, 1, jsonb_build_object('resourceType', 'Condition', 'id', n::text, 'code', jsonb_build_object('text', 'CANARY ' || n % 2)) FROM generate_series(1, 100) n;
ALTER TABLE observation OWNER TO steward;
ALTER TABLE condition OWNER TO steward;
ALTER TABLE condition_1 OWNER TO steward;
GRANT SELECT ON observation TO clinician;
ANALYZE;
-- They are there.
SELECT count(*) > 0 AS statistics, count(*) FILTER (WHERE s::text LIKE '%CANARY%') > 0 AS values FROM pg_stats s WHERE tablename IN ('observation', 'condition', 'condition_1', 'by_expression');
SELECT count(*) > 0 AS "extended statistics", count(*) FILTER (WHERE s::text LIKE '%CANARY%') > 0 AS values FROM pg_stats_ext s;
SELECT count(*) > 0 AS "of expressions", count(*) FILTER (WHERE s::text LIKE '%CANARY%') > 0 AS values FROM pg_stats_ext_exprs s;

-- For the application, by name of the table, of a partition, of an index.
\c - app
SET fhir_access.membership = 'desk';
SELECT count(*) AS statistics FROM pg_stats WHERE schemaname = 'public' AND tablename IN ('observation', 'condition', 'condition_1', 'patient', 'by_expression');
SELECT count(*) AS "extended statistics" FROM pg_stats_ext WHERE most_common_vals IS NOT NULL OR n_distinct IS NOT NULL;
SELECT count(*) AS "of expressions" FROM pg_stats_ext_exprs;
\set VERBOSITY sqlstate
SELECT count(*) FROM pg_statistic;
SELECT count(*) FROM pg_statistic_ext_data;
-- Nor can it have them made.
CREATE STATISTICS mine ON value, note FROM observation;
ALTER STATISTICS by_columns SET STATISTICS 1000;
DROP STATISTICS by_columns;
\set VERBOSITY default
ANALYZE observation;
VACUUM (VERBOSE) observation;
ANALYZE observation (value);

-- The owner is subject to policies, and sees no statistics of the table; those of its indexes, which PostgreSQL shows to an
-- index's owner, it does see. It can change the table and look at rows as they are stored by many other ways (a trigger, an
-- index on a function of its own): do not let people work as the owner of a protected table.
\c - postgres
SET fhir_access.membership = 'desk';
SET ROLE steward;
SELECT count(*) AS statistics FROM pg_stats WHERE schemaname = 'public' AND tablename IN ('observation', 'condition', 'condition_1');
SELECT count(*) AS "extended statistics" FROM pg_stats_ext WHERE most_common_vals IS NOT NULL OR n_distinct IS NOT NULL;
SELECT count(*) AS "of expressions" FROM pg_stats_ext_exprs;
SELECT count(*) AS "of its index" FROM pg_stats WHERE tablename = 'by_expression';
RESET ROLE;

-- Pages and slots are for superusers, and for roles that may replicate.
CREATE EXTENSION pageinspect;
\c - app
SET fhir_access.membership = 'desk';
\set VERBOSITY sqlstate
SELECT get_raw_page('observation', 0);
SELECT * FROM bt_page_items('by_expression', 1);
SELECT * FROM heap_page_items(get_raw_page('observation', 0));
SELECT pg_create_logical_replication_slot('s', 'test_decoding');
SELECT * FROM pg_logical_slot_get_changes('s', NULL, NULL);
SELECT * FROM pg_logical_slot_peek_changes('s', NULL, NULL);
SELECT pg_read_binary_file('base');
SELECT pg_ls_waldir();
CREATE PUBLICATION p FOR TABLE observation;
CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false);
SELECT lo_import('/etc/hostname');
\set VERBOSITY default
-- Definitions hold names and constants, and no rows.
SELECT count(*) FROM pg_class WHERE relname IN ('observation', 'by_expression') AND concat(pg_get_expr(relpartbound, oid), pg_get_indexdef(oid)) LIKE '%CAN_RY%';
SELECT bool_or(pg_get_expr(polqual, polrelid) LIKE '%CAN_RY%' OR pg_get_statisticsobjdef(s.oid) LIKE '%CAN_RY%') AS in_definitions FROM pg_policy, pg_statistic_ext s;
SELECT count(*) FROM pg_stat_activity WHERE usename <> current_user AND query LIKE '%CAN_RY%' AND query NOT LIKE '<%';
