-- An expression that reads no column is not run for rows that the policy refuses, whatever a statement's conditions find before it:
-- its errors, and what it does, would tell what is in them. Where a statement has one, its conditions wait for the policy's.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE n % 2 WHEN 0 THEN 'male' ELSE 'female' END, 'birthDate', '1950-01-' || n) FROM generate_series(10, 28) n;
CREATE INDEX by_born ON patient ((resource ->> 'birthDate'));
CREATE INDEX by_start ON patient (fhir_access.earliest(resource, 'birthDate:date'));
ANALYZE patient;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
-- Asked row by row, the policy costs more than a statement's conditions.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');
\c - app
SET fhir_access.membership = 'women';
SET my.zero = '0';
CREATE FUNCTION pg_temp.fails(born text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT CASE WHEN born = '1950-01-12' THEN 1 / current_setting('my.zero')::int = 1 END $$;
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
CREATE OPERATOR pg_temp.===> (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = fhir_access.twin_field_text);
CREATE OPERATOR pg_temp.@@@ (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = fhir_access.earliest);
CREATE FUNCTION pg_temp.differs(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('my.count', (current_setting('my.count')::int + 1)::text, true); RETURN true; END $$;
CREATE OPERATOR pg_temp.~=~ (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq, NEGATOR = OPERATOR(pg_temp.~<>~));
CREATE OPERATOR pg_temp.~<>~ (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.differs, NEGATOR = OPERATOR(pg_temp.~=~));
CREATE COLLATION pg_temp.loose (provider = icu, locale = 'de', deterministic = false);
CREATE TEMP TABLE zeros (zero integer);
INSERT INTO zeros VALUES (0);
GRANT SELECT ON zeros TO PUBLIC;
CREATE TEMP TABLE question (number serial, form text);
INSERT INTO question (form) VALUES
    ('WHERE CASE WHEN %1$s THEN 1 / current_setting(''my.zero'')::int = 1 END'),
    ('WHERE NOT (%1$s) OR 1 / current_setting(''my.zero'')::int = 1'),
    ('WHERE %1$s AND id <> set_config(''my.count'', (current_setting(''my.count'')::int + 1)::text, true)'),
    ('WHERE %1$s AND set_config(''my.count'', (current_setting(''my.count'')::int + 1)::text, true) IS NOT NULL'),
    ('WHERE CASE WHEN %1$s THEN id = (SELECT set_config(''my.count'', ''1'', true)) END'),
    ('WHERE CASE WHEN %1$s THEN EXISTS (SELECT set_config(''my.count'', ''1'', true)) END'),
    ('WHERE CASE WHEN %1$s THEN (SELECT 1 / zero FROM zeros) = 1 END'),
    ('WHERE CASE WHEN %1$s THEN (now() + interval ''270000 years'' * 2) > now() END'),
    ('JOIN (SELECT current_setting(''my.zero'')::int AS zero) z ON CASE WHEN %1$s THEN 1 / zero = 1 END'),
    ('JOIN (VALUES (current_setting(''my.zero'')::int)) z (zero) ON CASE WHEN %1$s THEN 1 / zero = 1 END'),
    (', zeros, LATERAL (SELECT 1 WHERE CASE WHEN %1$s THEN 1 / zero = 1 END OFFSET 0) z'),
    ('WHERE (SELECT count(*) FROM zeros, LATERAL (SELECT FROM patient WHERE CASE WHEN %1$s THEN 1 / zero = 1 END OFFSET 0) p) = 0'),
    -- Columns that are none when PostgreSQL is done
    ('WHERE CASE WHEN %1$s THEN 1 / current_setting(COALESCE(''my.zero'', id))::int = 1 END'),
    ('WHERE CASE WHEN %1$s THEN (CASE WHEN true THEN ''bad'' ELSE id END)::date IS NULL END'),
    ('CROSS JOIN (SELECT ''my.zero'' n) z WHERE CASE WHEN %1$s THEN 1 / current_setting(n)::int = 1 END'),
    ('CROSS JOIN (VALUES (''my.zero'')) z (n) WHERE CASE WHEN %1$s THEN 1 / current_setting(n)::int = 1 END'),
    (', zeros, LATERAL (SELECT FROM patient p WHERE CASE WHEN %1$s THEN 1 / CASE WHEN true THEN zero ELSE length(p.id) END = 1 END OFFSET 0) z'),
    ('WHERE CASE WHEN %1$s THEN (SELECT 1 / zero FROM zeros WHERE true OR patient.id = zero::text) = 1 END'),
    ('WHERE CASE WHEN %1$s THEN EXISTS (SELECT FROM zeros WHERE 1 / zero = 1 AND (true OR patient.id = zero::text)) END'),
    -- What fails without a function that does
    ('WHERE ARRAY[CASE WHEN %1$s THEN ARRAY[1] ELSE ARRAY[1, 2] END, ARRAY[1, 2]] IS NOT NULL'),
    ('WHERE CASE WHEN %1$s THEN (point ''(1,2)'')[CASE WHEN id IS NULL THEN 1 ELSE 0 END : 1] IS NULL END'),
    ('WHERE CASE WHEN %1$s THEN (id, ROW(1, 2)) < (id, ROW(1, ''a''::text)) END'),
    ('WHERE CASE WHEN %1$s THEN starts_with(id COLLATE pg_temp.loose, ''a'') END'),
    ('WHERE CASE WHEN %1$s THEN (id COLLATE pg_temp.loose, 1) < (''p'', 2) END'),
    ('CROSS JOIN (SELECT id COLLATE "C" AS cid FROM patient) z WHERE CASE WHEN %1$s THEN id || cid = cid || id END'),
    ('JOIN (SELECT id AS key, id COLLATE "C" AS c, id COLLATE "POSIX" AS p FROM patient) z ON key = id AND CASE WHEN %1$s THEN c = p END'),
    -- The value of a CASE, given to an operator that somebody made
    ('WHERE CASE resource ->> ''birthDate'' WHEN ''1950-01-12''::varchar THEN %1$s END'),
    -- Operators that somebody made: of an index function, which PostgreSQL takes to be leakproof; with a negator that tells
    ('WHERE CASE WHEN resource OPERATOR(pg_temp.===>) ''birthDate'' = ''1950-01-12'' AND %1$s THEN 1 / current_setting(''my.zero'')::int = 1 END'),
    ('WHERE CASE WHEN resource OPERATOR(pg_temp.===>) ''birthDate'' = ''1950-01-12'' THEN resource OPERATOR(pg_temp.@@@) ''x:y:z'' IS NULL END'),
    ('WHERE CASE WHEN %1$s THEN NOT (CURRENT_USER::text OPERATOR(pg_temp.~=~) ''app'') END'),
    ('WHERE CASE WHEN fhir_access.twin_jsonb_eq(''"1950-01-12"'', resource -> ''birthDate'') AND %1$s THEN 1 / current_setting(''my.zero'')::int = 1 END'),
    ('WHERE CASE WHEN fhir_access.twin_jsonb_eq(''"1950-01-12"'', resource[''birthDate'']) THEN 1 / current_setting(''my.zero'')::int = 1 END'),
    -- An index function that is given something of another table
    (', zeros, LATERAL (SELECT FROM patient p WHERE CASE WHEN fhir_access.earliest(p.resource, CASE WHEN zero = 0 THEN ''birthDate:date'' END) = ''1950-01-12Z'' THEN 1 / current_setting(''my.zero'')::int = 1 END OFFSET 0) z WHERE %1$s');
-- What a statement tells of a date that no row has and of one that only a hidden row has: the same. (That there are 19 rows, such
-- a call without a column tells under any row security.)
SELECT number, pg_temp.told('SELECT count(*) FROM patient ' || format(form, none)) AS none,
       pg_temp.told('SELECT count(*) FROM patient ' || format(form, hidden)) = pg_temp.told('SELECT count(*) FROM patient ' || format(form, none)) AS same
  FROM question, (VALUES ('resource ->> ''birthDate'' = ''1950-01-99''', 'resource ->> ''birthDate'' = ''1950-01-12'''),
                         ('fhir_access.earliest(resource, ''birthDate:date'') = ''1950-02-01Z''', 'fhir_access.earliest(resource, ''birthDate:date'') = ''1950-01-12Z''')) born (none, hidden)
 ORDER BY number;
SELECT pg_temp.told('SELECT count(*) FROM patient WHERE pg_temp.fails(resource ->> ''birthDate'')') AS inlined;
-- In a plan that is kept for all values
SET plan_cache_mode = force_generic_plan;
PREPARE divides(text, int) AS SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = $1 THEN 1 / $2 = 1 END;
EXECUTE divides('1950-01-12', 0);
EXECUTE divides('1950-01-13', 0);
RESET plan_cache_mode;
-- What is known when a statement is planned, the clock, and subqueries that read the row are no reason to wait.
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = upper('1950-01-13') AND id <> CURRENT_USER;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-13' AND id <> (now() - interval '1 year')::text;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE fhir_access.earliest(resource, 'birthDate:date') >= now() - interval '30 days';
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-13' AND EXISTS (SELECT FROM zeros WHERE zero::text = id);
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE resource ->> 'birthDate' = '1950-01-13' AND id = current_setting('my.zero');
-- EXPLAIN ANALYZE counts what an index has found: it asks the policy first.
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM patient WHERE fhir_access.earliest(resource, 'birthDate:date') = '1950-01-12Z';
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM patient WHERE fhir_access.earliest(resource, 'birthDate:date') = '1950-02-01Z';
-- Paths that are none, in a plan that is kept
SET plan_cache_mode = force_generic_plan;
PREPARE paths(text, text) AS SELECT count(*) FROM patient WHERE CASE WHEN resource ->> 'birthDate' = $1 THEN fhir_access.earliest(resource, $2) IS NULL END;
EXECUTE paths('1950-01-12', 'x:y:z');
EXECUTE paths('1950-01-99', 'x:y:z');
