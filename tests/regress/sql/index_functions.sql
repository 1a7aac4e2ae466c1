-- What indexes are made of: eight functions that give a document's dates, numbers, units, strings, URIs and references as
-- values that an index can hold, two operators on texts, and an operator class that indexes them.
\ir prologue.sql
SET TIME ZONE 'UTC';

CREATE TABLE d (n serial PRIMARY KEY, resource jsonb NOT NULL);

-- Dates: from when the earliest begins to when the latest is over. A Period may be open.
SELECT e AS element,
       fhir_access.earliest(jsonb_build_object('at', e), 'at:dateTime'), fhir_access.latest(jsonb_build_object('at', e), 'at:dateTime')
  FROM unnest('{"\"2013\"","\"2013-12\"","\"2013-01-14\"","\"soon\"",17,"{}","[\"2013\"]","null"}'::jsonb[]) AS e;
SELECT p AS period,
       fhir_access.earliest(jsonb_build_object('at', p), 'at:Period'), fhir_access.latest(jsonb_build_object('at', p), 'at:Period')
  FROM unnest('{"{\"start\": \"2013-01\", \"end\": \"2014\"}","{\"start\": \"2013-01\"}","{\"end\": \"2014\"}","{}","\"2013\""}'::jsonb[]) AS p;
-- Several paths: whichever is there.
SELECT r AS resource,
       fhir_access.earliest(r, 'effectiveDateTime:dateTime, effectivePeriod:Period'), fhir_access.latest(r, 'effectiveDateTime:dateTime, effectivePeriod:Period')
  FROM unnest('{"{\"effectiveDateTime\": \"2013\"}","{\"effectivePeriod\": {\"start\": \"2014\"}}","{}","[]","1","null"}'::jsonb[]) AS r;

-- Numbers and quantities: the least and the greatest. A comparator opens the range.
SELECT e AS element,
       fhir_access.lowest(jsonb_build_object('value', e), 'value:Quantity'), fhir_access.highest(jsonb_build_object('value', e), 'value:Quantity'),
       fhir_access.unit(jsonb_build_object('value', e), 'value:Quantity')
  FROM unnest('{"{\"value\": 6.30, \"system\": \"http://unitsofmeasure.org\", \"code\": \"mmol/L\"}","{\"value\": 5, \"comparator\": \"<\"}","{\"value\": -5e3, \"comparator\": \">=\"}",
                "{\"value\": \"5\"}","{}","[5]","5","null"}'::jsonb[]) AS e;
SELECT fhir_access.lowest('{"a": [{"p": 0.5}, {"p": 0.25}, {}]}', 'a*.p:number'), fhir_access.highest('{"a": [{"p": 0.5}, {"p": 0.25}, {}]}', 'a*.p:number');

-- Strings lose case and accents; URIs and references stay as they are. None is an empty array.
SELECT e AS name, fhir_access.strings(jsonb_build_object('name', e), 'name*:HumanName')
  FROM unnest('{"[{\"family\": \"Müller\", \"given\": [\"Jürgen\", \"ÉMILE\"]}]","[{\"family\": \"A\"}, {\"family\": \"a\"}, {\"text\": \"B\"}]","[{\"family\": 7}]","[]","\"x\"","null"}'::jsonb[]) AS e;
SELECT fhir_access.uris('{"url": "http://Example.org/a"}', 'url:text'), fhir_access.uris('{"url": 7}', 'url:text'), fhir_access.uris('[]', 'url:text');
SELECT fhir_access.targets('{"subject": {"reference": "Patient/p/_history/3"}, "performer": [{"reference": "Practitioner/b"}, {"reference": "Practitioner/a"}, {"display": "x"}]}',
                           'subject:Reference, performer*:Reference'),
       fhir_access.targets('{"subject": "Patient/p"}', 'subject:Reference');
SELECT array_ndims(fhir_access.targets('{}', 'subject:Reference')) AS dimensions, cardinality(fhir_access.targets('{}', 'subject:Reference'));

-- A missing document has no value; paths that are none are an error.
SELECT fhir_access.strings(NULL, 'name*:HumanName');
SELECT fhir_access.earliest('{}', 'birthDate');
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.targets('{}', '');
SELECT fhir_access.lowest('{}', 'value:Quantity; DROP');

-- ---------------------------------------------------------------------------------------------------------------------
-- Two operators: some text of the left starts with, or contains, some text of the right. NULLs and empty texts match nothing.
SELECT a AS texts, b AS wanted, a OPERATOR(fhir_access.^@) b AS starts, a OPERATOR(fhir_access.@~) b AS contains
  FROM (VALUES ('{muller,jurgen}'::text[], '{mull}'::text[]), ('{muller,jurgen}', '{ller}'), ('{muller,jurgen}', '{muller2}'), ('{muller}', '{x,mul,mulle}'),
               ('{}', '{a}'), ('{a}', '{}'), ('{a,NULL}', '{NULL}'), ('{NULL,ab}', '{NULL,b}'), ('{a}', '{""}'), ('{""}', '{""}'), ('{""}', '{a}'),
               ('{{a,b},{c,de}}', '{{d,x}}'), ('{Aé}', '{A}'), ('{Aé}', '{é}'), (NULL, '{a}'), ('{a}', NULL)) AS t (a, b);
-- Also where the right side changes from row to row, and in a function of its own.
SELECT w, ARRAY['abc'] OPERATOR(fhir_access.^@) ARRAY[w] AS starts FROM unnest('{a,b,abc,abcd,a}'::text[]) AS w;
DO $$
DECLARE
    w text[];
    found text := '';
BEGIN
    FOREACH w SLICE 1 IN ARRAY '{{a},{b},{ab}}'::text[] LOOP
        found := found || (ARRAY['abc'] OPERATOR(fhir_access.^@) w);
    END LOOP;
    RAISE NOTICE '%', found;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Indexes on them.
INSERT INTO d (resource)
SELECT jsonb_build_object('birthDate', (date '1950-01-01' + n * 7)::text,
                          'value', jsonb_build_object('value', n % 100, 'system', 'u', 'code', chr(97 + n % 5)),
                          'name', jsonb_build_array(jsonb_build_object('family', md5(n::text), 'given', jsonb_build_array(md5((n + 1)::text)))),
                          'url', format('http://example.org/%s/%s', n % 10, n),
                          'subject', jsonb_build_object('reference', format('Patient/%s', n % 50)))
  FROM generate_series(1, 600) AS n;
CREATE INDEX born ON d (fhir_access.earliest(resource, 'birthDate:date'), fhir_access.latest(resource, 'birthDate:date'));
CREATE INDEX value ON d (fhir_access.unit(resource, 'value:Quantity'), fhir_access.lowest(resource, 'value:Quantity'), fhir_access.highest(resource, 'value:Quantity'));
CREATE INDEX named ON d USING gin (fhir_access.strings(resource, 'name*:HumanName') fhir_access.prefix_ops);
CREATE INDEX url ON d USING gin (fhir_access.uris(resource, 'url:text') fhir_access.prefix_ops);
CREATE INDEX subject ON d USING gin (fhir_access.targets(resource, 'subject:Reference'));
ANALYZE d;

SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT FROM d WHERE fhir_access.earliest(resource, 'birthDate:date') >= '1955-01-01' AND fhir_access.latest(resource, 'birthDate:date') <= '1955-02-01';
EXPLAIN (COSTS OFF) SELECT FROM d WHERE fhir_access.unit(resource, 'value:Quantity') = 'u|c' AND fhir_access.lowest(resource, 'value:Quantity') > 90;
EXPLAIN (COSTS OFF) SELECT FROM d WHERE fhir_access.strings(resource, 'name*:HumanName') OPERATOR(fhir_access.^@) '{c4,a8}';
EXPLAIN (COSTS OFF) SELECT FROM d WHERE fhir_access.strings(resource, 'name*:HumanName') OPERATOR(fhir_access.@~) '{c4,a8}';
EXPLAIN (COSTS OFF) SELECT FROM d WHERE fhir_access.strings(resource, 'name*:HumanName') && '{c4ca4238a0b923820dcc509a6f75849b}';
EXPLAIN (COSTS OFF) SELECT FROM d WHERE fhir_access.uris(resource, 'url:text') OPERATOR(fhir_access.^@) '{http://example.org/3/}';
EXPLAIN (COSTS OFF) SELECT FROM d WHERE fhir_access.targets(resource, 'subject:Reference') && '{Patient/7}';
SELECT count(*) FROM d WHERE fhir_access.earliest(resource, 'birthDate:date') >= '1955-01-01' AND fhir_access.latest(resource, 'birthDate:date') <= '1955-02-01';
SELECT count(*) FROM d WHERE fhir_access.unit(resource, 'value:Quantity') = 'u|c' AND fhir_access.lowest(resource, 'value:Quantity') > 90;
SELECT count(*) FROM d WHERE fhir_access.uris(resource, 'url:text') OPERATOR(fhir_access.^@) '{http://example.org/3/}';
SELECT count(*) FROM d WHERE fhir_access.targets(resource, 'subject:Reference') && '{Patient/7}';

-- An index answers as its operators do, and they as PostgreSQL's own functions: short texts over few letters, so that much is
-- found; among them empty ones, duplicates and NULLs.
CREATE TABLE t (n serial PRIMARY KEY, a text[]);
SELECT setseed(0.5);
INSERT INTO t (a)
SELECT ARRAY(SELECT CASE WHEN random() < 0.95 THEN translate(left(md5(random()::text), (random() * 6)::int), '0123456789abcdef', 'aaaabbbbccccéééé') END
               FROM generate_series(1, (random() * 5)::int + n * 0))
  FROM generate_series(1, 800) AS n;
CREATE TABLE q AS
SELECT n, ARRAY(SELECT CASE WHEN random() < 0.95 THEN translate(left(md5(random()::text), (random() * 5)::int), '0123456789abcdef', 'aaaabbbbccccéééé') END
                  FROM generate_series(1, (random() * 3)::int + n * 0)) AS b
  FROM generate_series(1, 120) AS n;
CREATE FUNCTION answers(OUT n int, OUT starts int[], OUT contains int[], OUT overlaps int[]) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    b text[];
BEGIN
    FOR n, b IN SELECT q.n, q.b FROM q ORDER BY 1 LOOP
        EXECUTE format('SELECT array_agg(n ORDER BY n) FROM t WHERE a OPERATOR(fhir_access.^@) %L', b) INTO starts;
        EXECUTE format('SELECT array_agg(n ORDER BY n) FROM t WHERE a OPERATOR(fhir_access.@~) %L', b) INTO contains;
        EXECUTE format('SELECT array_agg(n ORDER BY n) FROM t WHERE a && %L', b) INTO overlaps;
        RETURN NEXT;
    END LOOP;
END $$;
SET enable_seqscan = on;
CREATE TABLE by_operators AS SELECT * FROM answers();
CREATE TABLE by_functions AS
SELECT q.n, array_agg(t.n ORDER BY t.n) FILTER (WHERE starts) AS starts, array_agg(t.n ORDER BY t.n) FILTER (WHERE contains) AS contains
  FROM q, t, LATERAL (SELECT bool_or(starts_with(x, y)) AS starts, bool_or(strpos(x, y) > 0) AS contains
                        FROM unnest(a) AS x, unnest(b) AS y WHERE y <> '') AS s
 GROUP BY q.n;
CREATE INDEX ON t USING gin (a fhir_access.prefix_ops);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT FROM t WHERE a OPERATOR(fhir_access.^@) '{ab}';
CREATE TABLE by_index AS SELECT * FROM answers();
SELECT count(*) AS queries,
       count(*) FILTER (WHERE ROW(i.*) IS DISTINCT FROM ROW(o.*)) AS index_differs,
       count(*) FILTER (WHERE ROW(i.starts, i.contains) IS DISTINCT FROM ROW(f.starts, f.contains)) AS functions_differ,
       sum(cardinality(i.starts)) > 1000 AS much_starts, sum(cardinality(i.contains)) > 1000 AS much_contains, sum(cardinality(i.overlaps)) > 300 AS much_overlaps
  FROM by_index i JOIN by_operators o USING (n) JOIN by_functions f USING (n);
-- The same before the new rows are merged into the index, with several conditions, and for thousands of texts.
INSERT INTO t (a) SELECT ARRAY['new' || n, 'other' || n] FROM generate_series(1, 3000) AS n;
SELECT count(*) FROM t WHERE a OPERATOR(fhir_access.^@) '{new1}' AND a OPERATOR(fhir_access.@~) '{r12,r15}' AND a && '{new120,new150,new3}';
SELECT count(*) AS starts FROM t WHERE a OPERATOR(fhir_access.^@) ARRAY(SELECT format('new%s', n) FROM generate_series(1, 20000, 7) AS n);
SELECT count(*) AS contains FROM t WHERE a OPERATOR(fhir_access.@~) ARRAY(SELECT format('ew%s', n) FROM generate_series(1000, 20000, 7) AS n);
SELECT count(*) AS overlaps FROM t WHERE a && ARRAY(SELECT format('new%s', n) FROM generate_series(1, 20000, 7) AS n);

-- ---------------------------------------------------------------------------------------------------------------------
-- No text is too long, and no number. A string or URI is cut after 1,000 bytes, at the end of a character: what is looked for is
-- cut, too. Where a text may be cut, containment is not decided: it may go on with anything. A unit or reference that is
-- longer is left out: no index is asked for one.
INSERT INTO d (resource)
SELECT jsonb_build_object('name', jsonb_build_array(jsonb_build_object('family', e)), 'url', e, 'subject', jsonb_build_object('reference', e),
                          'value', jsonb_build_object('value', v, 'code', e))
  FROM (SELECT string_agg(md5(n::text), ''), ('1' || repeat('123456789', 5000))::numeric + 0.7 FROM generate_series(1, 2000) AS n
        UNION ALL SELECT 'x' || repeat('щ', 5000), -('0.' || repeat('0123456789', 1500))::numeric) AS l (e, v);
SELECT octet_length(fhir_access.unit(resource, 'value:Quantity')) AS unit, octet_length((fhir_access.strings(resource, 'name*:HumanName'))[1]) AS string,
       octet_length((fhir_access.uris(resource, 'url:text'))[1]) AS uri, octet_length((fhir_access.targets(resource, 'subject:Reference'))[1]) AS target,
       pg_column_size(fhir_access.lowest(resource, 'value:Quantity')) AS number,
       fhir_access.lowest(resource, 'value:Quantity') < (resource #>> '{value,value}')::numeric AS less
  FROM d WHERE n > 600 ORDER BY n;
SELECT n, count(*) FILTER (WHERE w = 1) AS starts_with_all, count(*) FILTER (WHERE w = 2) AS starts_with_more, count(*) FILTER (WHERE w = 3) AS contains
  FROM (SELECT n, 1 AS w FROM d WHERE fhir_access.strings(resource, 'name*:HumanName') OPERATOR(fhir_access.^@) ARRAY['x' || repeat('щ', 5000)]
        UNION ALL SELECT n, 2 FROM d WHERE fhir_access.strings(resource, 'name*:HumanName') OPERATOR(fhir_access.^@) ARRAY['x' || repeat('щ', 5000) || 'y']
        UNION ALL SELECT n, 3 FROM d WHERE fhir_access.strings(resource, 'name*:HumanName') OPERATOR(fhir_access.@~) ARRAY['no such thing']) AS f
 GROUP BY n ORDER BY n;
-- Around the cut, too, the index answers as the operators do.
TRUNCATE t, q;
INSERT INTO t (a) SELECT ARRAY['x', repeat('z', l)] FROM unnest('{995,996,997,998,999,1000,1001,1002,2000}'::int[]) AS l;
INSERT INTO q SELECT l, ARRAY[repeat('z', l)] FROM generate_series(990, 1010) AS l;
DROP TABLE by_operators, by_index;
SET enable_bitmapscan = off;
CREATE TABLE by_operators AS SELECT * FROM answers();
RESET enable_bitmapscan;
CREATE TABLE by_index AS SELECT * FROM answers();
SELECT count(*) AS queries, count(*) FILTER (WHERE ROW(i.*) IS DISTINCT FROM ROW(o.*)) AS index_differs,
       min(cardinality(i.starts)) AS least_starts, min(cardinality(i.contains)) AS least_contains, max(cardinality(i.overlaps)) AS most_overlaps
  FROM by_index i JOIN by_operators o USING (n);

-- Whoever may read a table may use its indexes; the functions are everybody's.
GRANT SELECT ON d TO app;
SET ROLE app;
SET search_path = pg_temp;
SELECT count(*) FROM public.d WHERE fhir_access.strings(resource, 'name*:HumanName') OPERATOR(fhir_access.^@) '{c4,a8}';
RESET ROLE;
RESET search_path;

-- Every function here is immutable and safe in parallel workers, and leakproof but for unit: its equality would be estimated apart
-- from the number that it belongs to.
SELECT p.proname, p.provolatile, p.proparallel, p.proisstrict AS strict, p.proleakproof AS leakproof, p.procost AS cost, has_function_privilege('app', p.oid, 'EXECUTE') AS everybody
  FROM pg_proc p
 WHERE p.pronamespace = 'fhir_access'::regnamespace
   AND p.proname IN ('earliest', 'latest', 'lowest', 'highest', 'unit', 'strings', 'uris', 'targets', 'starts_with_any', 'contains_any')
 ORDER BY 1;
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'prefix_ops';
