-- Indexes for strings and URIs: GIN with fhir_access.prefix_ops on the folded parts of the strings, or on the URIs. As in the
-- file about ranges: the statement that is advised, executed; the plan; and that the rows are those that were found before.
\ir prologue.sql
\ir granted.sql
\ir indexes.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE valueset (id text PRIMARY KEY, resource jsonb NOT NULL);
-- Names of five letters, some with accents and capitals, some wrong.
INSERT INTO patient
SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n,
           'name', CASE WHEN n % 100 = 0 THEN to_jsonb(n) ELSE jsonb_build_array(jsonb_build_object('family', initcap(translate(left(md5(n::text), 5), '0123456789', 'äbçdéfghíj')), 'given', jsonb_build_array(left(md5((n + 1)::text), 5)))) END,
           'address', jsonb_build_array(jsonb_build_object('city', 'City ' || n % 500, 'state', chr(65 + n % 26), 'line', jsonb_build_array(n || ' Main Street'))))
  FROM generate_series(1, 20000) AS n;
INSERT INTO observation
SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'status', 'final', 'code', jsonb_build_object('text', 'Measurement ' || n % 1000, 'coding', jsonb_build_array(jsonb_build_object('system', 'http://loinc.org', 'code', 'c' || n % 1000, 'display', md5(n::text)))))
  FROM generate_series(1, 20000) AS n;
INSERT INTO valueset
SELECT 'v' || n, jsonb_build_object('resourceType', 'ValueSet', 'id', 'v' || n, 'url', format('http://example.org/%s/%s/%s', n % 20, n % 400, n))
  FROM generate_series(1, 20000) AS n;
-- Around the length at which an index cuts texts.
INSERT INTO patient
SELECT 'long' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'long' || n, 'name', jsonb_build_array(jsonb_build_object('family', repeat('y', n) || 'end')))
  FROM unnest('{10,996,997,998,999,1000,1001,5000}'::int[]) AS n;
SELECT fhir_access.protect(t::regclass, r) FROM (VALUES ('patient', 'Patient'), ('observation', 'Observation'), ('valueset', 'ValueSet')) AS v (t, r) \g /dev/null
ANALYZE;
\pset format unaligned
\pset tuples_only on

-- ---------------------------------------------------------------------------------------------------------------------
-- A string that starts with something: the index decides.
SELECT served('Patient?name=abc');
SELECT advised('Patient?name=abc') \gexec
ANALYZE patient;
SELECT served('Patient?name=abc');
SELECT served('Patient?name=ÄBÇ,dead');
-- In the middle of a string: the index finds candidates by reading all its keys, the test decides.
SELECT served('Patient?name:contains=äbça');
-- Letter by letter is an equality, which an index on the document serves; a name has five parts that could be equal.
SELECT advised('Patient?family:exact=Abcde') \gexec
ANALYZE patient;
SELECT served('Patient?family:exact=Cécaé');
SELECT served('Patient?name:exact=c81e7');
-- Each parameter has an index of its own: address is not address-city.
SELECT advised('Patient?address-city=city 499') \gexec
ANALYZE patient;
SELECT served('Patient?address-city=city 499');
-- Texts that are longer than what the index holds: the first 1,000 bytes narrow, the test decides.
SELECT l AS length, regexp_replace(plan, 'y{100,}', '…', 'g') FROM unnest('{900,998,1001}'::int[]) AS l, served('Patient?name=' || repeat('y', l)) AS plan;
SELECT served('Patient?name:contains=yend');

-- ---------------------------------------------------------------------------------------------------------------------
-- :text of a token is a string, and has an index of that kind.
SELECT advised('Observation?code:text=measurement 999') \gexec
ANALYZE observation;
SELECT served('Observation?code:text=measurement 999');
SELECT served('Observation?code:text=abcd');

-- ---------------------------------------------------------------------------------------------------------------------
-- A URI is an equality, which an index on the document serves; those below it are its continuations.
SELECT advised('ValueSet?url=http://example.org/7/7/7') \gexec
ANALYZE valueset;
SELECT served('ValueSet?url=http://example.org/7/7/7');
SELECT served('ValueSet?url:above=http://example.org/7/7/7/x/y');
SELECT advised('ValueSet?url:below=http://example.org/7/7') \gexec
ANALYZE valueset;
SELECT served('ValueSet?url:below=http://example.org/7/7');
SELECT served('ValueSet?url:below=http://example.org/7/7/,http://example.org/8/8/8');

-- ---------------------------------------------------------------------------------------------------------------------
-- What excludes is not found by an index.
SELECT served('Patient?name:not=abc');
SELECT served('ValueSet?url:missing=true');
