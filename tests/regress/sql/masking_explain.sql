-- EXPLAIN, in each format and with each option, and auto_explain: no value of a row. What a plan does show are the constants of
-- the session's own policies (criteria, parameters, names of hidden fields): whoever is subject to a policy may know it. How
-- many rows a filter removed it shows too, as PostgreSQL does under any row security.
\ir prologue.sql
\ir masked_shapes.sql
CREATE INDEX ON observation USING gin (resource jsonb_path_ops);
CREATE INDEX ON observation ((resource ->> 'valueString'));
CREATE INDEX ON observation (value);
ANALYZE;

\c - app
SET fhir_access.membership = 'desk';
EXPLAIN (COSTS OFF) SELECT id FROM observation;
EXPLAIN (VERBOSE, COSTS OFF) SELECT resource, value, note, observation FROM observation WHERE resource ->> 'valueString' > 'C';
EXPLAIN (VERBOSE, COSTS OFF) SELECT p FROM patient p ORDER BY resource ->> 'birthDate';
-- No index on what is hidden is used: neither to find rows nor to order them.
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM observation WHERE resource ->> 'valueString' = 'x' OR value = 'x' ORDER BY value;
EXPLAIN (COSTS OFF) SELECT id FROM observation WHERE resource @> '{"valueString": "x"}';
EXPLAIN (COSTS OFF) SELECT min(value), max(resource ->> 'valueString') FROM observation;
RESET enable_seqscan;
EXPLAIN (VERBOSE, COSTS OFF) UPDATE observation SET note = value RETURNING resource;
EXPLAIN (VERBOSE, COSTS OFF) INSERT INTO observation (id, resource) VALUES ('o1', '{}') ON CONFLICT (id) DO UPDATE SET note = observation.value WHERE observation.resource ? 'valueString' RETURNING observation;
EXPLAIN (VERBOSE, COSTS OFF) MERGE INTO observation o USING patient p ON o.id = p.id WHEN MATCHED AND o.value > '' THEN DELETE;
PREPARE p (text) AS SELECT resource FROM observation WHERE value = $1 OR id = $1;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p ('x');
EXPLAIN (COSTS OFF) DECLARE c CURSOR FOR SELECT o FROM observation o;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT count(*) FROM observation WHERE resource::text LIKE '%CAN_RY%';

-- Every format with every option, of every kind of statement: only whether it holds what it must not.
CREATE FUNCTION pg_temp.explained(options text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    plan text := '';
BEGIN
    FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP
        plan := plan || line;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    RETURN plan;
END $$;
SELECT format, count(*) AS plans, min(length(plan)) > 50 AS "have text", count(*) FILTER (WHERE plan LIKE '%CAN_RY%') AS leaks
  FROM unnest(ARRAY['TEXT', 'JSON', 'XML', 'YAML']) format,
       unnest(ARRAY['VERBOSE', 'ANALYZE', 'ANALYZE, VERBOSE, BUFFERS, WAL, SETTINGS, TIMING', 'ANALYZE, TIMING OFF, SUMMARY, BUFFERS']) options,
       unnest(ARRAY['SELECT * FROM observation', 'SELECT o FROM observation o WHERE value IS NULL ORDER BY value, resource',
                    'SELECT o, p FROM observation o JOIN patient p ON o.resource #>> ''{subject,reference}'' = ''Patient/'' || p.id',
                    'SELECT resource ->> ''valueString'', count(*) FROM observation GROUP BY ROLLUP (1)',
                    'SELECT (SELECT max(value) FROM observation), ARRAY(SELECT resource FROM observation)',
                    'UPDATE observation SET note = resource::text RETURNING *', 'DELETE FROM observation WHERE value IS NULL RETURNING observation',
                    'WITH c AS MATERIALIZED (SELECT * FROM observation) SELECT c FROM c WHERE c.value IS NULL']) query,
       pg_temp.explained(format('FORMAT %s, %s', format, options), query) plan
 GROUP BY format ORDER BY format;

-- How many rows are expected of a condition on something hidden does not depend on what is stored.
\c - postgres
INSERT INTO observation (id, resource) SELECT 'x' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'x' || n, 'status', 'final', 'valueString', 'CANARY ' || CASE WHEN n <= 900 THEN 'often' ELSE 'rare ' || n END) FROM generate_series(1, 1000) n;
ANALYZE;
\c - app
SET fhir_access.membership = 'desk';
CREATE FUNCTION pg_temp.expected(condition text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM observation WHERE ' || condition INTO plan;
    RETURN plan #>> '{0,Plan,Plan Rows}';
END $$;
SELECT a.condition AS often, pg_temp.expected(a.condition) = pg_temp.expected(replace(a.condition, 'often', 'never')) AS same
  FROM (VALUES ('value = ''CAN'' || ''ARY often'''), ('resource ->> ''valueString'' = ''CAN'' || ''ARY often'''),
               ('value < ''CAN'' || ''ARY often'''), ('value LIKE (''CAN'' || ''ARY often%'')'), ('resource @> (''{"valueString": "CAN'' || ''ARY often"}'')::jsonb'),
               ('value IN (''CAN'' || ''ARY often'', ''x'')'), ('resource = jsonb_build_object(''valueString'', ''CAN'' || ''ARY often'')'),
               ('EXISTS (SELECT FROM observation b WHERE b.value = ''CAN'' || ''ARY often'')'), ('observation::text LIKE ''%often%''')) a (condition);

-- auto_explain writes what EXPLAIN writes; here to the client, of all statements and those within them.
\setenv PGOPTIONS '-c session_preload_libraries=fhir_access,auto_explain -c auto_explain.log_min_duration=0 -c auto_explain.log_level=notice -c auto_explain.log_analyze=on -c auto_explain.log_verbose=on -c auto_explain.log_nested_statements=on -c role=app -c fhir_access.membership=desk'
\! psql -X -q -c "SELECT o, value FROM observation o WHERE resource ->> 'valueString' IS NULL" -c "DO 'BEGIN UPDATE observation SET note = resource::text; END'" >/dev/null 2>&1; psql -X -q -c "SELECT o, value FROM observation o WHERE resource ->> 'valueString' IS NULL" 2>&1 | grep -c "Query Text"
\! psql -X -q -c "SELECT o, value FROM observation o WHERE resource ->> 'valueString' IS NULL" -c "DO 'BEGIN UPDATE observation SET note = resource::text; END'" 2>&1 | grep -c CANARY

-- So do the server's own dumps of plan trees, which any role can ask for: they hold the plan's constants, and no row.
\setenv PGOPTIONS '-c client_min_messages=log -c debug_print_plan=on -c debug_print_rewritten=on -c debug_print_parse=on -c fhir_access.membership=desk'
\setenv PGUSER app
\! psql -X -q -c "SELECT o, value FROM observation o WHERE resource ->> 'valueString' IS NULL" 2>&1 | grep -c "PLANNEDSTMT"
\! psql -X -q -c "SELECT o, value FROM observation o WHERE resource ->> 'valueString' IS NULL" 2>&1 | grep -c CANARY
\setenv PGUSER postgres
\setenv PGOPTIONS
