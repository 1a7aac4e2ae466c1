-- A statement is looked at before it is planned, and planning changes it: what was a call with a column may be one without, what
-- was known may not be, and functions may be others. None of that tells which hidden rows a statement's conditions have met.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, tags text[], words tsvector);
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE n % 2 WHEN 0 THEN 'male' ELSE 'female' END, 'birthDate', '1950-01-' || n), ARRAY['t' || n], to_tsvector('simple', 'w' || n) FROM generate_series(10, 28) n;
CREATE INDEX by_born ON patient ((resource ->> 'birthDate'));
CREATE INDEX by_path ON patient USING gin (resource jsonb_path_ops);
CREATE INDEX by_words ON patient USING gist (words);
CREATE INDEX by_eight ON patient ((id || '1' || '2' || '3' || '4' || '5' || '6' || '7' || '8'));
CREATE INDEX by_nine ON patient ((id || '1' || '2' || '3' || '4' || '5' || '6' || '7' || '8' || '9'));
ANALYZE patient;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');
-- What a superuser made is what it says it is.
CREATE FUNCTION plain(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$;

\c - app
SET fhir_access.membership = 'women';
SET my.zero = '0';
CREATE FUNCTION pg_temp.told(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
BEGIN
    PERFORM set_config('my.count', '0', true);
    EXECUTE statement INTO rows;
    RETURN rows || ' rows, ' || current_setting('my.count') || ' calls';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;
-- Functions that cost nothing, so that PostgreSQL would run them first, and count how often they are called.
CREATE FUNCTION pg_temp.counts(text DEFAULT '') RETURNS text LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN PERFORM set_config('my.count', (current_setting('my.count')::int + 1)::text, true); RETURN 'x'; END $$;
CREATE FUNCTION pg_temp.record(int, int) RETURNS record LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN PERFORM pg_temp.counts(); RETURN ROW(1, 2); END $$;
CREATE OPERATOR pg_temp.## (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_temp.record);
CREATE FUNCTION pg_temp.defaults(text, text DEFAULT pg_temp.counts()) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN RETURN true; END $$;
CREATE FUNCTION pg_temp.changed(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN PERFORM pg_temp.counts(); RETURN true; END $$;
CREATE FUNCTION pg_temp.replaced(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN RETURN true; END $$;
CREATE FUNCTION pg_temp.change() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    ALTER FUNCTION pg_temp.changed(text) VOLATILE;
    CREATE OR REPLACE FUNCTION pg_temp.replaced(text) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT 1 / current_setting(''my.zero'')::int = 1';
    RETURN true;
END $$;
-- Its call is worked out when a statement is planned.
CREATE FUNCTION pg_temp.changes(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN pg_temp.change(); END $$;
CREATE TYPE pg_temp.pair AS (a int, b int);
CREATE FUNCTION pg_temp.text(pg_temp.pair) RETURNS text LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN PERFORM pg_temp.counts(); RETURN ''; END $$;
CREATE CAST (pg_temp.pair AS text) WITH FUNCTION pg_temp.text(pg_temp.pair);
CREATE TEMP TABLE question (number serial, form text);
INSERT INTO question (form) VALUES
    -- NULL in the place of a strict call, and its column gone
    ('CASE WHEN %s THEN set_config(''my.count'', ''1'', NULL::text = id) IS NOT NULL END'),
    ('CASE WHEN %s THEN pg_temp.counts(upper(NULL::text || id)) IS NOT NULL END'),
    ('CASE WHEN %s THEN 1 / (length(id || NULL::text) + 1) = current_setting(''my.zero'' || left(upper(id || NULL), 0))::int END'),
    -- An operator that gives a record is not worked out
    ('CASE WHEN %s THEN (1 OPERATOR(pg_temp.##) 2) IS NULL END'),
    -- What a call leaves to defaults
    ('CASE WHEN %s THEN pg_temp.defaults(''x'') END'),
    -- Functions that are others by then
    ('pg_temp.changes(1) AND CASE WHEN %s THEN pg_temp.changed(''x'') END'),
    ('pg_temp.changes(1) AND CASE WHEN %s THEN pg_temp.replaced(id) END'),
    -- What an array's elements are converted by
    ('CASE WHEN %s THEN (ARRAY[''(1,2)''::pg_temp.pair]::text[]) IS NULL END');
SELECT number, pg_temp.told(format('SELECT count(*) FROM patient WHERE ' || form, 'resource ->> ''birthDate'' = ''1950-01-30''')) AS none,
       pg_temp.told(format('SELECT count(*) FROM patient WHERE ' || form, 'resource ->> ''birthDate'' = ''1950-01-12''')) AS hidden
  FROM question WHERE number < 6 OR number > 7 ORDER BY number;
-- A column that USING has made of two, cast to the type of the second: the comparison does without the cast.
CREATE TEMP TABLE moment (at timestamptz);
SELECT count(*) FROM (SELECT '5874897-12-31'::date AS at) a LEFT JOIN moment USING (at) CROSS JOIN patient p WHERE CASE WHEN p.resource ->> 'birthDate' = '1950-01-12' THEN at IS NULL END;
-- Each in a transaction of its own
BEGIN;
SELECT pg_temp.told(format('SELECT count(*) FROM patient WHERE ' || form, 'resource ->> ''birthDate'' = ''1950-01-12''')) FROM question WHERE number = 6;
ROLLBACK;
BEGIN;
SELECT pg_temp.told(format('SELECT count(*) FROM patient WHERE ' || form, 'resource ->> ''birthDate'' = ''1950-01-12''')) FROM question WHERE number = 7;
ROLLBACK;
-- current_schema makes the schema of temporary tables, where that comes first.
\c - app
SET fhir_access.membership = 'women';
SET search_path = pg_temp, public;
SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = '1950-01-12' THEN current_schema = 'x' END;
SELECT pg_my_temp_schema() <> 0 AS made;
RESET search_path;
-- Plans that are kept for all values: patterns that are too deep, arrays and rows that are too large, values of a type that is gone.
SET plan_cache_mode = force_generic_plan;
PREPARE deep(text, jsonb) AS SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = $1 THEN resource @> $2 END;
EXECUTE deep('1950-01-30', (repeat('[', 5500) || repeat(']', 5500))::jsonb);
EXECUTE deep('1950-01-12', (repeat('[', 5500) || repeat(']', 5500))::jsonb);
PREPARE outside(jsonb) AS SELECT count(*) FILTER (WHERE resource @> $1) AS inside, count(*) FILTER (WHERE NOT resource @> $1) AS outside FROM patient;
EXECUTE outside((repeat('[', 5000) || repeat(']', 5000))::jsonb);
EXECUTE outside('{"gender": "female"}');
PREPARE around(jsonb) AS SELECT count(*) FILTER (WHERE $1 @> resource) AS around, count(*) FILTER (WHERE NOT $1 @> resource) AS "not around", count(*) FILTER (WHERE resource <@ $1) AS inside FROM patient;
EXECUTE around((repeat('[', 5000) || repeat(']', 5000))::jsonb);
-- Turned around to be what the index is asked, and what rows are asked again
SET enable_seqscan = off;
PREPARE turned(jsonb) AS SELECT count(*) FROM patient WHERE $1 <@ resource;
EXPLAIN (COSTS OFF) EXECUTE turned('{}');
EXECUTE turned((repeat('[', 5000) || repeat(']', 5000))::jsonb);
EXECUTE turned('{"gender": "female"}');
RESET enable_seqscan;
PREPARE large(text, text) AS SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = $1 THEN ARRAY[id, $2, $2, $2, $2, $2, $2, $2, $2, $2, $2, $2] IS NULL END;
EXECUTE large('1950-01-12', repeat('x', 100000000));
PREPARE wide(text, text) AS SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = $1 THEN ROW(id, $2, $2, $2, $2, $2, $2, $2, $2, $2, $2, $2) END IS NULL;
EXECUTE wide('1950-01-12', repeat('x', 100000000));
CREATE TYPE pg_temp.pair AS (a int, b int);
PREPARE gone(text) AS SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = $1 THEN '(1,2)'::pg_temp.pair IS NULL END;
DROP TYPE pg_temp.pair;
EXECUTE gone('1950-01-12');
RESET plan_cache_mode;
CREATE TYPE pg_temp.pair AS (a int, b int);
PREPARE changed(text) AS SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = $1 THEN ('(1,2)'::pg_temp.pair).b = 2 END;
ALTER TYPE pg_temp.pair ALTER ATTRIBUTE b TYPE text;
EXECUTE changed('1950-01-12');
-- A record of PL/pgSQL's, whose field is of another type than it was
CREATE FUNCTION pg_temp.told(born text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    other record;
    rows bigint;
BEGIN
    FOR n IN 1..2 LOOP
        IF n = 1 THEN SELECT 'x' AS field INTO other; ELSE SELECT 1 AS field INTO other; END IF;
        SELECT count(*) INTO rows FROM patient WHERE CASE WHEN resource ->> 'birthDate' = born THEN id = other.field END;
    END LOOP;
    RETURN rows;
END $$;
SELECT pg_temp.told('1950-01-12');
SET plan_cache_mode = force_generic_plan;
SELECT pg_temp.told('1950-01-12');
RESET plan_cache_mode;
-- The stack: with hardly any of it left, no statement begins, whether its conditions find a row or not, and whatever their patterns need.
CREATE FUNCTION pg_temp.at(depth integer, statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
BEGIN
    IF depth > 0 THEN
        RETURN pg_temp.at(depth - 1, statement);
    END IF;
    EXECUTE statement INTO rows;
    RETURN rows;
END $$;
CREATE FUNCTION pg_temp.deepest(statement text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    FOR depth IN 100 .. 2000 LOOP
        BEGIN
            PERFORM pg_temp.at(depth, statement);
        EXCEPTION WHEN statement_too_complex THEN
            RETURN depth;
        END;
    END LOOP;
END $$;
SET enable_seqscan = off;
SELECT form, pg_temp.deepest(format(form, '30')) IS NOT NULL AS ends, pg_temp.deepest(format(form, '30')) = pg_temp.deepest(format(form, '12')) AS same
  FROM unnest(ARRAY['SELECT count(*) FROM patient WHERE CASE WHEN resource ->> ''birthDate'' = ''1950-01-%s'' THEN resource @? ''$.a ? (@.b == "a long text that the path is made longer by, so that more of the stack has to be left for it than for the others") ? (@.b == "another text") ? (@.b == "another text")'' END',
                    'SELECT count(*) FROM patient WHERE resource ->> ''birthDate'' = ''1950-01-%s'' AND resource @> ''{"a": {"b": {"c": {"d": 1}}}}''',
                    'SELECT count(*) FROM patient WHERE ''w%s & (a | b | w%1$s)'' @@ words AND id LIKE ''%%a%%b%%c%%d%%e''']) form;
RESET enable_seqscan;
-- What a superuser made, what is known, and arrays of a fixed size are no reason to wait.
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = plain('1950-01-13') AND plain(id) = 'x';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-13' AND tags && ARRAY['t13', upper('t14')];
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-13' AND upper(lower(id) || 'x') <> 'x';
-- Texts of many parts: each keeps what was joined before.
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE id || '1' || '2' || '3' || '4' || '5' || '6' || '7' || '8' = 'x';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE id || '1' || '2' || '3' || '4' || '5' || '6' || '7' || '8' || '9' = 'x';
-- What comes into a statement when it is planned: the body of a function in SQL, which calls an index function or a twin, or has an
-- operator that somebody made of one. Its conditions wait, and it is not estimated by statistics of all rows.
\c - app
SET fhir_access.membership = 'women';
SET my.zero = '0';
SET my.evaluations = '0';
CREATE FUNCTION pg_temp.has(jsonb, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT fhir_access.twin_exists($1, $2)';
CREATE OPERATOR pg_temp.## (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = fhir_access.twin_exists, RESTRICT = matchingsel);
CREATE FUNCTION pg_temp.is_there(jsonb, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 OPERATOR(pg_temp.##) $2';
CREATE OPERATOR pg_temp.=== (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = fhir_access.twin_jsonb_eq, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE FUNCTION pg_temp.are_same(jsonb, jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 OPERATOR(pg_temp.===) $2';
SELECT count(*) FROM patient WHERE CASE WHEN pg_temp.has(resource, 'gender') AND resource ->> 'birthDate' = '1950-01-12' THEN 1 / current_setting('my.zero')::int = 1 END;
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient WHERE CASE WHEN pg_temp.has(resource, 'gender') THEN 1 / current_setting('my.zero')::int = 1 END;
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient WHERE pg_temp.is_there(resource, 'gender');
CREATE TEMP TABLE document (resource jsonb);
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient p JOIN document d ON pg_temp.are_same(p.resource, d.resource);
-- What is silent altogether may still be asked first.
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient WHERE pg_temp.has(resource, 'gender');
-- The condition of a view that a statement writes through
CREATE TEMP VIEW through WITH (security_barrier) AS SELECT * FROM patient WHERE CASE WHEN fhir_access.twin_field_text(resource, 'birthDate') = '1950-01-12' THEN 1 / current_setting('my.zero')::int = 1 ELSE true END;
BEGIN;
DELETE FROM through;
UPDATE through SET tags = tags;
ROLLBACK;
EXPLAIN (COSTS OFF) DELETE FROM through;
-- A pattern that is another one when it is worked out for the second time
CREATE FUNCTION pg_temp.pattern(int) RETURNS varchar LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM set_config('my.evaluations', (current_setting('my.evaluations')::int + 1)::text, false);
    RETURN CASE current_setting('my.evaluations') WHEN '1' THEN 'p%' ELSE 'p%\' END;
END $$;
SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = '1950-01-12' THEN id LIKE pg_temp.pattern(1) END;
SHOW my.evaluations;
-- Times that are moved out of what times can be, step by step
SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = '1950-01-12' THEN now() - interval '1000 years 366000 days 8784000 hours' - interval '1000 years 366000 days 8784000 hours' - interval '1000 years 366000 days 8784000 hours' > now() END;
SELECT count(*) FROM patient WHERE resource ->> 'birthDate' = '1950-01-13' AND now() - interval '500 years 183000 days 4392000 hours' - interval '500 years 183000 days 4392000 hours' - interval '500 years 183000 days 4392000 hours' < now();
-- The negator of an operator, which is put in the place of NOT
CREATE OPERATOR pg_temp.#- (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = jsonb_exists, NEGATOR = OPERATOR(pg_temp.#+));
CREATE OPERATOR pg_temp.#+ (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = fhir_access.twin_exists, NEGATOR = OPERATOR(pg_temp.#-), RESTRICT = matchingsel);
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient WHERE NOT resource OPERATOR(pg_temp.#-) 'gender';
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient WHERE NOT resource OPERATOR(pg_temp.#-) ANY ('{gender,active}');
-- Policies of somebody's own tables, which ask a protected one
CREATE TEMP TABLE own (number integer);
INSERT INTO own VALUES (1);
ALTER TABLE own ENABLE ROW LEVEL SECURITY;
ALTER TABLE own FORCE ROW LEVEL SECURITY;
CREATE POLICY asks ON own USING (NOT EXISTS (SELECT FROM patient WHERE CASE WHEN fhir_access.twin_field_text(resource, 'birthDate') = '1950-01-12' THEN 1 / current_setting('my.zero')::int = 1 END));
SELECT * FROM own;
EXPLAIN (COSTS OFF) SELECT * FROM own;
ALTER POLICY asks ON own USING (true) WITH CHECK (NOT EXISTS (SELECT FROM patient WHERE CASE WHEN fhir_access.twin_field_text(resource, 'birthDate') = '1950-01-12' THEN 1 / current_setting('my.zero')::int = 1 END));
INSERT INTO own VALUES (2);
SELECT * FROM own;
-- Texts are joined by the operator alone, where it is looked how many they are.
SELECT fhir_access.twin_concat('a', 'b') IS NULL AS by_name, count(*) AS by_operator FROM patient WHERE 'Patient/' || id = 'Patient/p13';
-- The extension's own operators wait, too.
SELECT count(*) FROM patient WHERE CASE WHEN tags OPERATOR(fhir_access.?) 't12' THEN 1 / current_setting('my.zero')::int = 1 END;
