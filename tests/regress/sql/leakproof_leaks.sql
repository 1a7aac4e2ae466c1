-- Leakproof twins do not leak: whatever a statement asks, rows that are not granted change neither its answer nor its errors, though
-- their values are of all sorts. Each question is asked of two tables: quiet has the granted rows alone, patient those and others.
\ir prologue.sql
CREATE TABLE quiet (id text PRIMARY KEY, resource jsonb NOT NULL, note text, tags text[], words tsvector, weight numeric);
INSERT INTO quiet VALUES
    ('a', '{"resourceType": "Patient", "id": "a", "gender": "female", "birthDate": "1950-01-01", "name": [{"family": "Alpha", "given": ["Ann"]}], "v": 1.5}', 'abc', '{x,y}', 'abc:1', 1.5),
    ('b', '{"resourceType": "Patient", "id": "b", "gender": "female", "name": "odd", "v": {"w": [1, 2]}}', 'aBC', '{}', 'abc:1 def:2', 'NaN');
CREATE TABLE patient (LIKE quiet INCLUDING ALL);
INSERT INTO patient SELECT * FROM quiet;
-- Not granted: nested deep and shallow, numbers at the end of their range, texts that begin like others, dates with and without zones.
INSERT INTO patient (id, resource, note, tags, words, weight)
SELECT 'hidden' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'hidden' || n, 'gender', 'male', 'v', v.value::jsonb, 'name', v.value::jsonb, 'birthDate', v.value::jsonb),
       note.value, ARRAY[note.value, NULL, 'x'], array_to_tsvector(ARRAY[coalesce(nullif(left(note.value, 2000), ''), 'abc')]), weight.value
  FROM generate_series(0, 23) n,
       LATERAL (SELECT (ARRAY['null', '"abc"', '"abc\\"', '1e1000', '9' || repeat('9', 131071) || '.5', '-9' || repeat('9', 131071) || '.5', '1e-16000', 'true', '[]', '{}', '[[[[[[1]]]]]]', '{"a": {"a": {"a": {"a": 1}}}}',
                              repeat('[', 500) || repeat(']', 500), repeat('{"a":', 500) || '1' || repeat('}', 500), '"2020-01-01T00:00:00Z"', '"2020-01-01"', '"\u0001"', '"%"', '"_"', '{"w": [1, 2, [3]]}',
                              '[' || repeat('[1],', 2000) || '2]', '"' || repeat('a', 30000) || '"', '{"": ""}', '"ǅŉß"'])[n + 1] AS value) v,
       LATERAL (SELECT (ARRAY['a', 'ab', 'abc', 'abc\', '\', 'ABC\', '%', repeat('ab', 20000), 'ß', 'İ', 'ﬀ', '', NULL, 'a' || chr(55203), 'abc' || repeat('\', 100), chr(1114111), chr(1)])[n % 17 + 1] AS value) note,
       LATERAL (SELECT (ARRAY['NaN', '1e131071', '-1e131071', '1e-16383', 'Infinity', '0', NULL]::numeric[])[n % 7 + 1] AS value) weight;
CREATE FUNCTION indexes(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE INDEX ON %1$s USING gin (resource); CREATE INDEX ON %1$s USING gin (resource jsonb_path_ops); CREATE INDEX ON %1$s USING gin (tags); CREATE INDEX ON %1$s USING gin (words); CREATE INDEX ON %1$s (weight); '
                   'CREATE INDEX ON %1$s (left(note, 10)); CREATE INDEX ON %1$s USING hash ((resource ->> ''v'')); CREATE INDEX ON %1$s USING hash ((resource -> ''v''))', relation);
    EXECUTE format('ANALYZE %s', relation);
END $$;
SELECT indexes('quiet'), indexes('patient') \g /dev/null
SELECT fhir_access.protect('quiet', 'Patient'), fhir_access.protect('patient', 'Patient') \g /dev/null
-- Its condition costs more than those of the statements, which are asked before it where they are leakproof.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');
-- What a function would be shown that nobody declared leakproof, and that costs nothing.
CREATE FUNCTION spy(value anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
    IF value::text LIKE '%hidden%' OR value::text LIKE '%male"%' AND value::text NOT LIKE '%female"%' THEN
        RAISE EXCEPTION 'seen';
    END IF;
    RETURN true;
END $$;

CREATE TABLE question (number serial, condition text);
INSERT INTO question (condition)
SELECT format('resource #>> %L %s %L', path, operator, pattern)
  FROM unnest(ARRAY['{}', '{v}', '{name,0,family}', '{v,a,a}', '{v,0,0,0}', '{v,-1}', '{v,99999999999999999999}', '{NULL}']) path,
       unnest(ARRAY['LIKE', 'NOT LIKE', 'ILIKE', 'NOT ILIKE', '=', '<']) operator,
       unnest(ARRAY['abc', 'a%', '%\', 'abc\', 'ABC\\', '_b%c', '%%%%%%%%\%', 'İ%', '']) pattern
UNION ALL
SELECT format('note %s %L', operator, pattern) FROM unnest(ARRAY['LIKE', 'NOT LIKE', 'ILIKE', 'NOT ILIKE']) operator, unnest(ARRAY['abc', 'a%', '%\', 'abc\', 'ABC\\', 'ab%\', '_b%c', repeat('%a', 200), repeat('%a', 600), 'ß%', '']) pattern
UNION ALL
SELECT format('resource%s %s %L', part, operator, pattern)
  FROM unnest(ARRAY['', ' -> ''v''', ' -> ''v'' -> 0', ' -> ''name'' -> ''a'' -> ''a''']) part, unnest(ARRAY['@>', '<@', '=', '<>', '<', '<=', '>', '>=']) operator,
       unnest(ARRAY['{}', '[]', '1', '"abc"', 'null', '[[[[[[1]]]]]]', '{"v": {"w": [1, [3]]}}', '{"v": [[1]]}', '[[1], 2]', '1e1000', repeat('[', 60) || repeat(']', 60), repeat('[', 5000) || repeat(']', 5000), '{"v": ' || repeat('[', 600) || repeat(']', 600) || '}']) pattern
UNION ALL
SELECT format('%s %s %L', text, operator, pattern) FROM unnest(ARRAY['note || ''c''', '''Patient/'' || note', 'note || note', '''x'' || (resource ->> ''v'')']) text, unnest(ARRAY['=', '>', 'LIKE']) operator, unnest(ARRAY['abc', 'Patient/abc', 'xabc', '']) pattern
UNION ALL
SELECT format('resource%s %s', part, test)
  FROM unnest(ARRAY['', ' -> ''v''', ' -> ''name''']) part, unnest(ARRAY['? ''v''', '? ''abc''', '?| ''{a,abc,NULL}''', '?& ''{v,name}''', '?| ''{}''', '->> 0 IS NULL', '-> -1 = ''1''', '->> ''a'' = ''1''', '->> ''w'' > ''''']) test
UNION ALL
SELECT format('resource %s %L', operator, path)
  FROM unnest(ARRAY['@?', '@@']) operator,
       unnest(ARRAY['$.v', 'strict $.v.w', '$.v ? (@ > 1)', '$.v > 1', '$.v == "abc"', '$.v starts with "a"', '($.v > "2020") is unknown', '$.v[last] ? (@ == 1)', '$.v[0 to 5].a', 'strict $.v[9999999999]', '$.* ? (@.type() == "array" && @.size() > 2)', '$.**', '$.v.** ? (@ == 1)', '$.** {last} ? (@ == 1)',
                    '$.v.ceiling() > 1', '$.v.floor() > 1', '$.v.abs() > 1', '$.v.double() > 1', '$.v + 1 > 2', '$.v * $.v > 1', '-$.v > 1', '$.v / 0 > 1', '$.v % 0 > 1', '$.birthDate.datetime() < "2020-01-01T00:00:00+00".datetime()', '$.birthDate.datetime() < "2020-01-01".datetime()', '$.v.keyvalue().key == "a"',
                    '$.v like_regex "^a"', '$.v like_regex "(a*)*b"', '$.v ? (@ == $x)', '$.v[$.weight]', '$.v[$.v] == 1', '$.v ? (@ < "b")']) path
UNION ALL
SELECT format('tags %s %L', operator, pattern) FROM unnest(ARRAY['@>', '<@', '&&']) operator, unnest(ARRAY['{}', '{x}', '{x,NULL}', '{{x},{y}}', '{abc,abc\\}']) pattern
UNION ALL
SELECT format('words @@ %L', pattern) FROM unnest(ARRAY['abc', 'abc:*', 'abc <-> def', '!abc & (def | abc)', 'abc:A', repeat('(abc | ', 400) || 'def' || repeat(')', 400)]) pattern
UNION ALL
SELECT format('weight %s %s', operator, pattern) FROM unnest(ARRAY['=', '<>', '<', '<=', '>', '>=']) operator, unnest(ARRAY['1.5', '''NaN''', '''Infinity''', '1e131071']) pattern
UNION ALL
SELECT format('fhir_access.%s(resource, %s) IS NOT NULL', function, paths)
  FROM unnest(ARRAY['earliest', 'latest', 'lowest', 'highest', 'unit', 'strings', 'uris', 'tokens', 'targets']) function,
       unnest(ARRAY['''birthDate:date''', '''v:number''', '''name*:HumanName''', '''v.w*:text''', '''no paths''', '''''', 'note', 'resource ->> ''v''']) paths
UNION ALL
SELECT format(clause, call)
  FROM unnest(ARRAY['%s', '%s IS NULL', 'NOT %s', '%s OR id = ''a''']) clause,
       unnest(ARRAY['fhir_access.twin_like(note, ''abc\'')', 'fhir_access.twin_like(''abc'', note)', 'fhir_access.twin_not_like(note, note)', 'fhir_access.twin_ilike(note, note)', 'fhir_access.twin_not_ilike(''ABC'', note)', 'fhir_access.twin_path_exists(resource, ''$.birthDate.datetime() < "2020-01-01T00:00:00+00".datetime()'')',
                    'fhir_access.twin_path_match(resource, ''$.**.a == 1'')', 'fhir_access.twin_contains(resource, resource)', 'fhir_access.twin_contained(resource -> ''v'', resource -> ''name'')', 'fhir_access.twin_array_contains(ARRAY[resource], ARRAY[resource])', 'fhir_access.twin_array_overlaps(tags, ARRAY[1])',
                    'fhir_access.twin_matches(words, ''abc'')', 'fhir_access.twin_exists(resource, note)', 'note OPERATOR(pg_temp.~~~) note', 'resource ->> ''v'' OPERATOR(pg_temp.~~~) ''abc\''']) call
UNION ALL
SELECT format(clause, operand)
  FROM unnest(ARRAY['CASE WHEN %s LIKE ''a%%'' THEN 1 / length(note) = 9 ELSE false END', '%s LIKE ''a%%'' AND spy(resource)', 'spy(id) AND (%s = ''abc'' OR resource ? ''x'')', '(SELECT spy(id) WHERE %s IS NOT NULL)', 'coalesce(%s, '''') ILIKE ''%%a%%'' AND spy(id)', '%s IN (''abc'', ''1.5'') AND spy(resource)']) clause,
       unnest(ARRAY['resource ->> ''v''', 'note', 'resource #>> ''{name,0,family}''']) operand;
GRANT SELECT ON question TO app;
CREATE TABLE with_twins (condition text, answer text);
GRANT SELECT, INSERT ON with_twins TO app;
CREATE FUNCTION answer(relation text, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    EXECUTE format('SELECT string_agg(id, '','' ORDER BY id) FROM %s WHERE %s', relation, condition) INTO found;
    RETURN found;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

\c - app
SET fhir_access.membership = 'women';
CREATE OPERATOR pg_temp.~~~ (FUNCTION = fhir_access.twin_like, LEFTARG = text, RIGHTARG = text);
SELECT count(*) > 900 AS many, count(*) FILTER (WHERE answer('quiet', condition) ~ '^[0-9A-Z]{5} ') > 10 AS "some fail" FROM question;
SELECT condition, answer('quiet', condition) AS quiet, answer('patient', condition) AS patient
  FROM question WHERE answer('quiet', condition) IS DISTINCT FROM answer('patient', condition);
-- The same by way of the indexes.
SET enable_seqscan = off;
SELECT condition, answer('quiet', condition) AS quiet, answer('patient', condition) AS patient
  FROM question WHERE answer('quiet', condition) IS DISTINCT FROM answer('patient', condition);
-- Without twins the answers are the same, but where PostgreSQL's own functions would raise an error on a hidden row.
INSERT INTO with_twins SELECT condition, answer('patient', condition) FROM question WHERE condition NOT LIKE '%pg_temp%';
\c - postgres
SET fhir_access.leakproof_operators = off;
SET fhir_access.membership = 'women';
SET ROLE app;
SELECT condition, answer AS with_twins, answer('patient', condition) AS without FROM with_twins WHERE answer IS DISTINCT FROM answer('patient', condition);
RESET ROLE;
RESET fhir_access.leakproof_operators;

-- A leak would show: with functions that are leakproof only by their mark, hidden rows raise errors.
ALTER FUNCTION pg_catalog.textlike(text, text) LEAKPROOF;
ALTER FUNCTION pg_catalog.jsonb_path_exists_opr(jsonb, jsonpath) LEAKPROOF;
SET ROLE app;
SELECT count(*) > 3 AS leaks FROM question WHERE answer('quiet', condition) IS DISTINCT FROM answer('patient', condition);
RESET ROLE;
ALTER FUNCTION pg_catalog.textlike(text, text) NOT LEAKPROOF;
ALTER FUNCTION pg_catalog.jsonb_path_exists_opr(jsonb, jsonpath) NOT LEAKPROOF;

-- ---------------------------------------------------------------------------------------------------------------------
-- The stack: with hardly any of it left, a function that looks how deep it is only where a document makes it recurse tells shapes of
-- documents. Here statements run from within functions, ever deeper, with plans that are kept, until the stack is too deep for them.
-- It is so at the same depth, whatever the hidden rows hold.
CREATE FUNCTION descend(relation text, condition text, limits integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    query text := format('SELECT count(*) FROM %s (SELECT id FROM %s WHERE %s LIMIT 99) t %s', repeat('(SELECT * FROM ', limits), relation, condition, repeat(' LIMIT 99) t', limits));
    outcomes text := '';
    outcome text;
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION pg_temp.at(n integer) RETURNS bigint LANGUAGE plpgsql AS $f$ BEGIN IF n > 0 THEN RETURN pg_temp.at(n - 1); END IF; RETURN (%s); END $f$', query);
    EXECUTE 'SELECT pg_temp.at(0)';
    FOR n IN 30 .. 100 LOOP
        BEGIN
            outcome := pg_temp.at(n);
        EXCEPTION WHEN statement_too_complex THEN
            outcome := 'too deep';
        END;
        outcomes := outcomes || ' ' || outcome;
        EXIT WHEN outcome = 'too deep';
    END LOOP;
    RETURN outcomes;
END $$;
SET max_stack_depth = '250kB';
SET ROLE app;
CREATE TEMP TABLE shape AS
SELECT * FROM unnest(ARRAY['resource @> ''{"v": [[[[[[1]]]]]]}''', 'resource <@ ''{"v": [[[[[[1]]]]]], "gender": "male"}''', 'resource -> ''v'' @> ''{"a": {"a": {"a": {"a": 1}}}}''', 'resource @> ''{"v": {"a": {"a": {"a": {"a": 1}}}}}''',
                    'resource -> ''v'' -> ''a'' IS NOT NULL', 'resource ->> ''v'' = ''{}''', 'resource @? ''$.v.a.a.a ? (@.a == 1)''', 'resource @@ ''$.v[*][*] == 1''', 'note LIKE ''a%b%c''', 'note ILIKE ''%a%b%c%''', 'words @@ ''(abc | def) & !(ghi & (abc | def))''']) condition;
-- Each in a statement of its own: what lasts keeps other tests from their new indexes. The first two of each make what is made once.
CREATE TEMP TABLE deep (limits integer, condition text, quiet text, patient text);
\set ECHO none
SELECT format('INSERT INTO deep SELECT %s, %L, descend(''quiet'', %L, %s), descend(''patient'', %L, %s) FROM descend(''quiet'', ''true'', 0) one, descend(''patient'', ''true'', 0) two', limits, condition, condition, limits, condition, limits)
  FROM generate_series(0, 12, 2) limits, shape \gexec
\set ECHO all
SELECT count(*), bool_and(quiet LIKE '% too deep') AS "all end", count(*) FILTER (WHERE quiet <> patient) AS differ FROM deep;
-- With functions that are leakproof by their mark alone, which look how deep it is where they recurse, it is not so.
RESET ROLE;
SET fhir_access.leakproof_operators = off;
ALTER FUNCTION pg_catalog.jsonb_contains(jsonb, jsonb) LEAKPROOF;
ALTER FUNCTION pg_catalog.jsonb_path_exists_opr(jsonb, jsonpath) LEAKPROOF;
SET ROLE app;
TRUNCATE deep;
\set ECHO none
SELECT format('INSERT INTO deep SELECT %s, %L, descend(''quiet'', %L, %s), descend(''patient'', %L, %s) FROM descend(''quiet'', ''true'', 0) one, descend(''patient'', ''true'', 0) two', limits, condition, condition, limits, condition, limits)
  FROM generate_series(0, 12, 2) limits, shape WHERE condition LIKE 'resource @> %' OR condition LIKE 'resource @? %' \gexec
\set ECHO all
SELECT count(*), count(*) FILTER (WHERE quiet <> patient) > 0 AS leaks FROM deep;
RESET ROLE;
ALTER FUNCTION pg_catalog.jsonb_contains(jsonb, jsonb) NOT LEAKPROOF;
ALTER FUNCTION pg_catalog.jsonb_path_exists_opr(jsonb, jsonpath) NOT LEAKPROOF;
