-- What the planner expects of a statement's own conditions below a policy, where an index is asked for them: by statistics of all
-- rows it knows on which step of a short ladder they are (5, 20, 50 % of the rows), and nothing else.
\ir prologue.sql
\ir granted.sql
\ir indexes.sql
-- Two tables of 20,000 rows with the same 1,000 that the policy shows. Of the hidden ones different numbers have a code, as a share of
-- all rows: none and 1 %, or 2 % and nearly 5 %, of what must not show; of the others parts of all sizes.
CREATE FUNCTION share(n int, other int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT (abs(hashint4(n + other * 1000003)) % 100000) / 100000.0 $$;
CREATE TABLE one (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE two (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('one', 'Observation'), fhir_access.protect('two', 'Observation') \g /dev/null
CREATE FUNCTION document(n int, hidden jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'language', CASE WHEN share(n, 1) < 0.3 THEN 'de' ELSE 'en' END, 'implicitRules', CASE WHEN share(n, 2) < 0.1 THEN 'x' ELSE 'y' END)
      || CASE WHEN n <= 1000 THEN '{"status": "final", "device": {"display": "shown"}}' ELSE '{"status": "amended"}' || hidden END $$;
INSERT INTO one SELECT 'o' || n, document(n, CASE WHEN share(n, 3) < 0.02 THEN '{"code": {"text": "second"}}' ELSE '{"code": {"text": "others"}}' END::jsonb) FROM generate_series(1, 20000) n;
INSERT INTO two SELECT 'o' || n, document(n, CASE WHEN share(n, 3) < 0.04 THEN '{"code": {"text": "second"}}' WHEN share(n, 3) > 0.99 THEN '{"code": {"text": "firsts"}}' ELSE '{"code": {"text": "others"}}' END::jsonb) FROM generate_series(1, 20000) n;
CREATE INDEX ON one USING gin (resource jsonb_path_ops);
CREATE INDEX ON two USING gin (resource jsonb_path_ops);
CREATE INDEX ON one USING gin (fhir_access.tokens(resource, 'status:text') fhir_access.prefix_ops);
CREATE INDEX ON two USING gin (fhir_access.tokens(resource, 'status:text') fhir_access.prefix_ops);
CREATE INDEX ON one USING gin (fhir_access.strings(resource, 'code.text:text') fhir_access.prefix_ops);
CREATE INDEX ON two USING gin (fhir_access.strings(resource, 'code.text:text') fhir_access.prefix_ops);
VACUUM ANALYZE one, two;
GRANT SELECT ON one, two TO app;
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "asked", "resource": [{"resourceType": "Observation", "criteria": "Observation?device:missing=false"}]}'),
('{"resourceType": "AccessPolicy", "id": "without", "resource": [{"resourceType": "Observation", "criteria": "Observation?device:missing=false", "hiddenFields": ["status"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "asked", "accessPolicy": {"reference": "AccessPolicy/asked"}}'),
('{"resourceType": "ProjectMembership", "id": "without", "accessPolicy": {"reference": "AccessPolicy/without"}}');
-- What is expected of a condition, as a share of what is expected without it: in per mille, of each table.
CREATE FUNCTION expects(relation text, condition text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE with_it json; without json;
BEGIN
  EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM %I WHERE %s', relation, condition) INTO with_it;
  EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM %I', relation) INTO without;
  RETURN round(1000 * (with_it -> 0 -> 'Plan' ->> 'Plan Rows')::numeric / (without -> 0 -> 'Plan' ->> 'Plan Rows')::numeric);
END $$;
CREATE TABLE question (number serial, condition text);
GRANT SELECT ON question TO app;
INSERT INTO question (condition) VALUES
    ('resource @> ''{"resourceType": "Observation"}'''), ('resource @> ''{"status": "amended"}'''), ('''{"status": "amended"}'' <@ resource'),
    ('resource @> ''{"language": "de"}'''), ('resource @> ''{"language": "en"}'''), ('resource @> ''{"implicitRules": "x"}'''),
    ('resource @> ''{"implicitRules": "x"}'' AND resource @> ''{"language": "en"}'''), ('resource @> ''{"language": "de"}'' OR resource @> ''{"implicitRules": "x"}'''),
    ('NOT resource @> ''{"language": "en"}'''),
    -- Not at the lowest step, in one of the tables or in both.
    ('resource @> ''{"code": {"text": "firsts"}}'''), ('resource @> ''{"code": {"text": "second"}}'''), ('resource @> ''{"code": {"text": "nobody"}}'''),
    ('resource @> ''{"status": "final"}'''), ('resource @> ''{"id": "o1"}'''), ('resource @> ''{"id": "o7777"}'''), ('resource @> ''{"id": "o7777", "code": {"text": "others"}}'''),
    -- Keys of an index, by operators that ask it for them.
    ('fhir_access.tokens(resource, ''status:text'') OPERATOR(fhir_access.?) ''amended'''), ('fhir_access.tokens(resource, ''status:text'') OPERATOR(fhir_access.?|) ''{amended,x}'''),
    ('fhir_access.tokens(resource, ''status:text'') OPERATOR(fhir_access.?) ''nobody'''), ('fhir_access.strings(resource, ''code.text:text'') OPERATOR(fhir_access.^@) ''{other}'''),
    ('fhir_access.strings(resource, ''code.text:text'') OPERATOR(fhir_access.^@) ''{first}'''), ('fhir_access.strings(resource, ''code.text:text'') OPERATOR(fhir_access.^@) ''{second}'''), ('fhir_access.strings(resource, ''code.text:text'') OPERATOR(fhir_access.^@) ''{nob}'''),
    ('fhir_access.strings(resource, ''code.text:text'') OPERATOR(fhir_access.@~) ''{the}'''),
    -- What is not told of: ranges, lists, other operators.
    ('resource >= ''{}'''), ('resource @> ANY (''{"{\"status\": \"amended\"}"}'')'), ('resource ? ''status'''), ('resource @? ''$.status ? (@ == "amended")''');

-- A row each: what is expected of the two tables is the same.
SET fhir_access.membership = 'asked';
SET ROLE app;
SELECT condition, expects('one', condition) AS per_mille, expects('two', condition) - expects('one', condition) AS difference FROM question ORDER BY number;
-- Who may see all rows gets what PostgreSQL knows of them.
RESET ROLE;
SELECT condition, expects('one', condition) AS one, expects('two', condition) AS two FROM question WHERE condition LIKE '%second%' OR condition LIKE '%"de"}''' ORDER BY number;

-- The index that finds many rows is left alone where another finds few; a parameter that is known counts as a constant.
CREATE INDEX ON one ((resource #>> '{device,display}'));
ANALYZE one;
SET ROLE app;
EXPLAIN (COSTS OFF) SELECT id FROM one WHERE resource #>> '{device,display}' = 'shown' AND resource @> '{"language": "en"}';
EXPLAIN (COSTS OFF) SELECT id FROM one WHERE resource #>> '{device,display}' = 'shown' AND resource @> '{"language": "xx"}';
SET plan_cache_mode = force_custom_plan;
PREPARE known AS SELECT FROM one WHERE resource @> $1;
CREATE FUNCTION pg_temp.rows(statement text) RETURNS numeric LANGUAGE plpgsql AS $$ DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (FORMAT json) ' || statement INTO plan; RETURN plan -> 0 -> 'Plan' -> 'Plan Rows'; END $$;
SELECT pg_temp.rows($$EXECUTE known ('{"language": "de"}')$$) = pg_temp.rows($$SELECT FROM one WHERE resource @> '{"language": "de"}'$$) AS known;
SET plan_cache_mode = force_generic_plan;
SELECT pg_temp.rows($$EXECUTE known ('{"language": "de"}')$$) = pg_temp.rows($$SELECT FROM one WHERE resource @> '{"language": "xx"}'$$) AS as_without;
RESET plan_cache_mode;

-- Nothing is told where no index is asked below the policy: of hidden fields, beside an expression without columns, without twins, while
-- EXPLAIN ANALYZE counts; nor of small tables.
CREATE FUNCTION pg_temp.tells(condition text, beside text DEFAULT 'true') RETURNS boolean LANGUAGE sql AS $$
  SELECT expects('one', condition || ' AND ' || beside) <> expects('one', replace(condition, 'amended', 'nobody') || ' AND ' || beside) $$;
SELECT pg_temp.tells('resource @> ''{"status": "amended"}''') AS content, pg_temp.tells('fhir_access.tokens(resource, ''status:text'') OPERATOR(fhir_access.?) ''amended''') AS keys;
SELECT pg_temp.tells('resource @> ''{"status": "amended"}''', 'CASE WHEN id <> '''' THEN current_setting(''x.y'', true) IS NULL END') AS content,
       pg_temp.tells('fhir_access.tokens(resource, ''status:text'') OPERATOR(fhir_access.?) ''amended''', 'CASE WHEN id <> '''' THEN current_setting(''x.y'', true) IS NULL END') AS keys;
RESET ROLE;
SET fhir_access.membership = 'without';
SET ROLE app;
SELECT pg_temp.tells('resource @> ''{"status": "amended"}''') AS content, pg_temp.tells('fhir_access.tokens(resource, ''status:text'') OPERATOR(fhir_access.?) ''amended''') AS keys;
RESET ROLE;
SET fhir_access.membership = 'asked';
SET fhir_access.leakproof_operators = off;
SET ROLE app;
SELECT pg_temp.tells('resource @> ''{"status": "amended"}''') AS content;
RESET ROLE;
RESET fhir_access.leakproof_operators;
CREATE FUNCTION analyzed(condition text) RETURNS numeric LANGUAGE plpgsql AS $$ DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) SELECT FROM one WHERE ' || condition INTO plan; RETURN plan -> 0 -> 'Plan' -> 'Plan Rows'; END $$;
SET ROLE app;
SELECT analyzed('resource @> ''{"status": "amended"}''') = analyzed('resource @> ''{"status": "nobody"}''') AS tells_nothing;
RESET ROLE;
DELETE FROM one WHERE right(id, 1) <> '1';
VACUUM FULL one;
ANALYZE one;
SET ROLE app;
SELECT pg_temp.tells('resource @> ''{"status": "amended"}''') AS content, pg_temp.tells('fhir_access.tokens(resource, ''status:text'') OPERATOR(fhir_access.?) ''amended''') AS keys;
RESET ROLE;

-- Of partitions, and of documents that are too wide for a sample, whose keys have statistics.
CREATE TABLE parts (id text, resource jsonb NOT NULL) PARTITION BY HASH (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE INDEX ON parts USING gin (resource jsonb_path_ops);
CREATE TABLE wide (id text, resource jsonb NOT NULL);
CREATE INDEX ON wide USING gin (resource jsonb_path_ops);
SELECT fhir_access.protect('parts', 'Observation'), fhir_access.protect('wide', 'Observation') \g /dev/null
INSERT INTO parts SELECT * FROM two;
INSERT INTO wide SELECT id, resource || jsonb_build_object('note', jsonb_build_array(jsonb_build_object('text', repeat('wide ', 300)))) FROM two;
ANALYZE parts, wide;
GRANT SELECT ON parts, wide TO app;
SET ROLE app;
SELECT condition, expects('parts', condition) AS parts, expects('wide', condition) AS wide FROM question WHERE condition LIKE 'resource @>%' AND number < 12 ORDER BY number;
RESET ROLE;
CREATE STATISTICS kept ON (fhir_access.tokens(resource, 'status:text')) FROM wide;
ANALYZE wide;
SET ROLE app;
SELECT condition, expects('wide', condition) AS wide FROM question WHERE condition LIKE 'resource @>%' AND number < 12 ORDER BY number;

RESET ROLE;
