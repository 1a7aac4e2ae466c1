-- Where the result of a query can go: other tables, the client, files of the client's.
\ir prologue.sql
\ir masked_shapes.sql

\c - app
SET fhir_access.membership = 'desk';

-- COPY: of a table, of some of its columns, of a query, of what a statement returns; in every format.
COPY observation TO STDOUT;
COPY observation (value, resource) TO STDOUT (FORMAT csv, HEADER);
COPY patient (resource) TO STDOUT (FORMAT csv, FORCE_QUOTE *);
COPY (SELECT o FROM observation o ORDER BY id) TO STDOUT;
COPY (TABLE observation) TO STDOUT (FORMAT text, DELIMITER '|', NULL 'none');
COPY (SELECT to_jsonb(p) FROM patient p WHERE p.resource::text LIKE '%CAN_RY%' OR id = 'p1') TO STDOUT;
COPY (WITH c AS MATERIALIZED (SELECT * FROM observation) SELECT c FROM c ORDER BY id) TO STDOUT;
COPY (VALUES ((SELECT max(value) FROM observation), (SELECT max(resource::text) FROM patient))) TO STDOUT;
COPY (UPDATE observation SET note = 'copied' WHERE id = 'o1' RETURNING *) TO STDOUT;
BEGIN;
COPY (DELETE FROM observation WHERE id < 'o3' RETURNING observation) TO STDOUT;
ROLLBACK;
\copy observation TO STDOUT
\copy (SELECT resource FROM observation ORDER BY id) TO STDOUT (FORMAT csv)
\copy observation TO PROGRAM 'grep -c CAN_RY; true'
\copy observation TO PROGRAM 'grep -c CANARY; true' (FORMAT binary)
COPY observation TO '/tmp/no';
\echo :LAST_ERROR_SQLSTATE
COPY observation TO PROGRAM 'cat';
\echo :LAST_ERROR_SQLSTATE
SET row_security = off;
COPY observation TO STDOUT;
RESET row_security;

-- Tables made of queries.
CREATE TABLE made_1 AS SELECT * FROM observation;
CREATE TABLE made_2 AS TABLE observation;
CREATE TEMP TABLE made_3 AS SELECT o, o.resource, to_jsonb(o) AS j FROM observation o;
CREATE UNLOGGED TABLE made_4 (a, b) AS SELECT p.resource, p FROM patient p ORDER BY p.resource ->> 'birthDate';
CREATE TABLE made_5 AS WITH u AS (SELECT * FROM observation) SELECT u.*, (SELECT array_agg(p) FROM patient p) AS all_patients FROM u;
CREATE TABLE IF NOT EXISTS made_6 AS SELECT resource FROM observation UNION SELECT resource FROM patient;
PREPARE to_be_made AS SELECT *, observation AS whole FROM observation;
CREATE TABLE made_7 AS EXECUTE to_be_made;
CREATE TABLE made_8 AS SELECT * FROM observation WITH NO DATA;
INSERT INTO made_8 SELECT * FROM observation;
SELECT * INTO made_9 FROM observation;
SELECT o, o.value INTO TEMP made_10 FROM observation o;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) CREATE TABLE made_11 AS SELECT * FROM observation;
CREATE TABLE made_12 (LIKE observation INCLUDING ALL);
INSERT INTO made_12 (id, resource, note) SELECT id, resource, value FROM observation;
CREATE TABLE made_13 (t text);
DO $$ BEGIN EXECUTE 'INSERT INTO made_13 SELECT o::text FROM observation o'; INSERT INTO made_13 SELECT p::text FROM patient p; END $$;
CREATE TABLE made_14 (id text PRIMARY KEY, resource jsonb);
MERGE INTO made_14 m USING observation o ON m.id = o.id WHEN NOT MATCHED THEN INSERT VALUES (o.id, o.resource || to_jsonb(o.value));
INSERT INTO made_14 SELECT id, resource FROM observation ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
UPDATE made_14 m SET resource = to_jsonb(o) FROM observation o WHERE o.id = m.id AND m.resource <> to_jsonb(o);
CREATE FUNCTION pg_temp.leaks(tables text) RETURNS TABLE (name text, rows bigint, leaks bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relname ~ tables AND relkind = 'r' ORDER BY length(relname), relname COLLATE "C" LOOP
        EXECUTE format('SELECT count(*), count(*) FILTER (WHERE t::text LIKE ''%%CANARY%%'') FROM %I t', name) INTO rows, leaks;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM pg_temp.leaks('^made_');
SELECT * FROM made_1 ORDER BY id LIMIT 1;

-- Results that become text or XML on the way.
SELECT query_to_xml('SELECT * FROM observation', true, false, '')::text LIKE '%CAN_RY%' AS query,
       table_to_xml('patient', true, false, '')::text LIKE '%CAN_RY%' AS "table",
       schema_to_xml('public', true, false, '')::text LIKE '%CAN_RY%' AS "schema",
       query_to_xml_and_xmlschema('TABLE observation', false, true, '')::text LIKE '%CAN_RY%' AS with_schema,
       (SELECT string_agg(word, ' ' ORDER BY word) FROM ts_stat('SELECT to_tsvector(''simple'', resource) FROM observation') WHERE word ILIKE 'can_ry') AS words,
       ts_rewrite('a', 'SELECT ''a''::tsquery, max(coalesce(value, ''b''))::tsquery FROM observation') AS rewritten;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM observation ORDER BY id;
SELECT cursor_to_xml('c', 10, true, false, '')::text LIKE '%CAN_RY%' AS cursor;
COMMIT;

-- psql's own.
SELECT id, resource FROM observation ORDER BY id LIMIT 1 \gset found_
\echo :found_resource
SELECT format('SELECT %L AS again', observation::text) FROM observation ORDER BY id LIMIT 1 \gexec
SELECT id, resource ->> 'status', value FROM observation \crosstabview
SELECT observation FROM observation ORDER BY id LIMIT 1 \gdesc

-- A dump by a role that is subject to policies fails, and is not partial.
\setenv PGUSER app
\! pg_dump -t observation --data-only 2>&1 >/dev/null | head -1
\! pg_dump -t observation --data-only --enable-row-security 2>&1 | grep -c CANARY
\setenv PGUSER postgres
