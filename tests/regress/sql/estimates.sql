-- How many rows the planner expects a policy to leave: within a factor of 3 of the truth, from 0.01 % to 90 %, once the indexes and
-- statistics are there that index_advice() proposes.
\ir prologue.sql
\ir granted.sql
\ir indexes.sql
SET TIME ZONE 'UTC';
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('observation', 'Observation'), fhir_access.protect('patient', 'Patient') \g /dev/null

-- 30,000 rows, as many as ANALYZE looks at. Of each kind of value there is one that 3 rows have, one that 30 have, 300, 3,000, and
-- one that the rest has; which rows have which is another matter for each.
CREATE FUNCTION value(n int, other int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN m % 10000 = 1 THEN 'v3' WHEN m % 1000 = 2 THEN 'v30' WHEN m % 100 = 3 THEN 'v300' WHEN m % 10 = 4 THEN 'v3000' ELSE 'rest' END
    FROM (SELECT abs(hashint4(n + other * 1000003)) % 30000 AS m) t $$;
INSERT INTO observation
SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'status', value(n, 1),
    'meta', jsonb_build_object('project', value(n, 2)),
    'code', jsonb_build_object('coding', jsonb_build_array(jsonb_build_object('system', 'http://loinc.org', 'code', value(n, 3)))),
    'subject', jsonb_build_object('reference', 'Patient/' || value(n, 4)),
    'performer', jsonb_build_array(jsonb_build_object('reference', 'Practitioner/' || value(n, 5))),
    'effectiveDateTime', (date '2000-01-01' + (n % 7300))::text,
    'valueQuantity', jsonb_build_object('value', n % 500, 'system', 'http://unitsofmeasure.org', 'code', CASE WHEN n % 500 < 100 THEN 'cm' ELSE 'kg' END),
    'note', jsonb_build_array(jsonb_build_object('text', repeat('What makes a resource longer than what PostgreSQL keeps statistics of. ', 20))))
  FROM generate_series(1, 30000) n;
INSERT INTO patient
SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n,
    'name', jsonb_build_array(jsonb_build_object('family', CASE value(n, 6) WHEN 'v3' THEN 'Xu' WHEN 'v30' THEN 'Yilmaz' WHEN 'v300' THEN 'Jones' WHEN 'v3000' THEN 'Brown' ELSE 'Smith' END || n % 40)),
    'birthDate', (date '1930-01-01' + (n * 31) % 30000)::text,
    'gender', value(n, 7)) || CASE WHEN value(n, 8) = 'v300' THEN '{"active": true}' ELSE '{}' END::jsonb
  FROM generate_series(1, 30000) n;
CREATE INDEX ON observation USING gin (resource jsonb_path_ops);
ANALYZE observation, patient;
GRANT SELECT ON observation, patient TO app;

-- What the planner expects, and what is there, under a policy with an entry for each of these criteria.
CREATE FUNCTION expected(criteria text[], project text DEFAULT NULL, OUT rows bigint, OUT within_3 boolean) LANGUAGE plpgsql AS $$
DECLARE
    relation text := lower(split_part(criteria[1], '?', 1));
    plan json;
    expects float8;
BEGIN
    PERFORM entries('asked', criteria);
    PERFORM fhir_access.set_session((jsonb_build_object('resourceType', 'ProjectMembership', 'accessPolicy', '{"reference": "AccessPolicy/asked"}'::jsonb)
        || CASE WHEN project IS NULL THEN '{}' ELSE jsonb_build_object('project', jsonb_build_object('reference', 'Project/' || project)) END)::text);
    SET LOCAL ROLE app;
    EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM %I', relation) INTO plan;
    EXECUTE format('SELECT count(*) FROM %I', relation) INTO rows;
    RESET ROLE;
    expects := plan -> 0 -> 'Plan' ->> 'Plan Rows';
    within_3 := expects / 3 <= greatest(rows, 1) AND expects * 3 >= rows;
END $$;
INSERT INTO fhir_access.project (resource) SELECT jsonb_build_object('resourceType', 'Project', 'id', id) FROM unnest('{v3,v30,v300,v3000,rest}'::text[]) id;
CREATE TABLE policies (n int GENERATED ALWAYS AS IDENTITY, criteria text[], project text);
INSERT INTO policies (criteria, project) VALUES
    ('{Observation}', 'v3'), ('{Observation}', 'v30'), ('{Observation}', 'v300'), ('{Observation}', 'v3000'), ('{Observation}', 'rest'),
    ('{Observation?status=v3}', NULL), ('{Observation?status=v30}', NULL), ('{Observation?status=v300}', NULL), ('{Observation?status=v3000}', NULL), ('{Observation?status=rest}', NULL),
    ('{Observation?status:not=v30}', NULL), ('{Observation?status:not=rest}', NULL), ('{Observation?status:missing=false}', NULL),
    ('{Observation?code=http://loinc.org|v30}', NULL), ('{"Observation?code=v30,v300,nope"}', NULL), ('{Observation?code:not=http://loinc.org|v300}', NULL),
    ('{Observation?subject=Patient/v30}', NULL), ('{Observation?performer=Practitioner/v300}', NULL),
    ('{Observation?_compartment=Patient/v300}', NULL), ('{Observation?_compartment=Patient/rest}', NULL),
    ('{Observation?date=2005-05}', NULL), ('{Observation?date=lt2000-01-03}', NULL), ('{Observation?date=ge2010}', NULL), ('{Observation?date=gt2019-12-20}', NULL),
    ('{Observation?date=ge2005&date=lt2006}', NULL), ('{Observation?date=lt2006&date=ge2005}', NULL), ('{Observation?date:not=2005-05}', NULL),
    ('{Observation?value-quantity=gt450}', NULL), ('{Observation?value-quantity=lt5}', NULL), ('{Observation?value-quantity=7}', NULL),
    ('{Observation?value-quantity=lt50|http://unitsofmeasure.org|cm}', NULL), ('{Observation?value-quantity=gt250|http://unitsofmeasure.org|kg}', NULL),
    ('{Patient?family=xu}', NULL), ('{Patient?family=Yilmaz}', NULL), ('{"Patient?family=jones,brown"}', NULL), ('{Patient?family=s}', NULL), ('{Patient?family:contains=lma}', NULL), ('{Patient?family:not=jones}', NULL),
    ('{Patient?birthdate=1950}', NULL), ('{Patient?birthdate=lt1931}', NULL), ('{Patient?birthdate=ge1990&birthdate=lt1992}', NULL),
    ('{Patient?gender=v3}', NULL), ('{Patient?active:missing=false}', NULL),
    ('{Observation?status=v300,Observation?code=v30,Observation?subject=Patient/v3}', NULL),
    ('{Observation?status=v3000,Observation?subject=Patient/rest}', NULL),
    ('{Observation?status=v3000}', 'v3000'), ('{Observation?status=rest&code=v300}', 'rest');

-- Before: PostgreSQL expects a hundredth of the rows, or a third.
SELECT count(*) AS policies, count(*) FILTER (WHERE within_3) < count(*) / 2 AS "less than half within 3" FROM policies, expected(criteria, project);

-- What the advice is for one of each kind: statistics where an index on the document serves, or none can.
DELETE FROM fhir_access.access_policy;
SELECT entries('a', '{Observation?status:not=x&code=y,Observation?date=2005-05}'), entries('b', '{Patient?gender:missing=true}') \g /dev/null
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "m", "project": {"reference": "Project/rest"}, "accessPolicy": {"reference": "AccessPolicy/a"}}');
SELECT statement, criteria FROM fhir_access.index_advice() ORDER BY relation::text, statement;

-- All of it, and ANALYZE.
SELECT entries('p' || n, criteria) FROM policies \g /dev/null
SELECT count(*) FILTER (WHERE statement LIKE 'CREATE STATISTICS %') AS statistics, count(*) FILTER (WHERE statement LIKE 'CREATE INDEX %') AS indexes FROM fhir_access.index_advice();
\set ECHO none
SELECT statement FROM fhir_access.index_advice() ORDER BY statement \gexec
\set ECHO all
ANALYZE observation, patient;
SELECT count(*) AS "still advised" FROM fhir_access.index_advice();
DELETE FROM fhir_access.access_policy;
SELECT criteria, project, e.* FROM policies, expected(criteria, project) e ORDER BY n;

-- The same with statistics alone, without an index on a key.
SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid IN ('observation'::regclass, 'patient'::regclass) AND NOT indisprimary AND pg_get_indexdef(indexrelid) LIKE '%fhir\_access.%' \g /dev/null
\set ECHO none
SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid IN ('observation'::regclass, 'patient'::regclass) AND NOT indisprimary AND pg_get_indexdef(indexrelid) LIKE '%fhir\_access.%' \gexec
CREATE FUNCTION keep(relation text, function text, paths text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN EXECUTE format('CREATE STATISTICS %I ON (fhir_access.%I(resource, %L)) FROM %I', 'kept_' || function || '_' || md5(paths), function, paths, relation); END $$;
\set ECHO all
SELECT keep('observation', f, 'effectiveDateTime:dateTime, effectivePeriod:Period, effectiveTiming:Timing, effectiveInstant:instant') FROM unnest('{earliest,latest}'::text[]) f \g /dev/null
SELECT keep('observation', f, 'valueQuantity:Quantity, valueSampledData:SampledData') FROM unnest('{lowest,highest,unit}'::text[]) f \g /dev/null
SELECT keep('patient', f, 'birthDate:date') FROM unnest('{earliest,latest}'::text[]) f \g /dev/null
SELECT keep('patient', 'strings', 'name*.family:text') \g /dev/null
ANALYZE observation, patient;
SELECT count(*) AS policies, count(*) FILTER (WHERE within_3) AS "within 3" FROM policies, expected(criteria, project);
SELECT criteria, project, e.* FROM policies, expected(criteria, project) e WHERE NOT within_3 ORDER BY n;

-- Where fields are hidden, too, for all rows or for those of an entry.
CREATE FUNCTION hidden_too() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.resource ->> 'id' = 'asked' THEN
        NEW.resource := jsonb_set(NEW.resource, '{resource}', (SELECT jsonb_agg(e || jsonb_build_object('hiddenFields', jsonb_build_array(CASE WHEN n = 1 THEN 'identifier' ELSE 'language' END)) ORDER BY n)
           FROM jsonb_array_elements(NEW.resource -> 'resource') WITH ORDINALITY t (e, n)));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER hidden_too BEFORE INSERT OR UPDATE ON fhir_access.access_policy FOR EACH ROW EXECUTE FUNCTION hidden_too();
SET client_min_messages = error;
INSERT INTO policies (criteria) VALUES ('{"Observation?subject=Patient/v30,Patient/v3","Observation?performer=Practitioner/v300,Practitioner/v30","Observation?status=v3,v30"}');
SELECT count(*) AS policies, count(*) FILTER (WHERE within_3) AS "within 3" FROM policies, expected(criteria, project);
SELECT criteria, project, e.* FROM policies, expected(criteria, project) e WHERE NOT within_3 ORDER BY n;
DROP TRIGGER hidden_too ON fhir_access.access_policy;
RESET client_min_messages;

-- ---------------------------------------------------------------------------------------------------------------------
-- Plans that it changes. A page of what nearly all rows are is read from the table; one of what few rows are, by the index.
CREATE FUNCTION plan(criteria text[], statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM entries('asked', criteria), fhir_access.set_session('{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/asked"}}');
    SET LOCAL ROLE app;
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement;
    RESET ROLE;
END $$;
SELECT plan('{Observation?status=rest}', 'SELECT resource FROM observation LIMIT 20');
SELECT plan('{Observation?status=v30}', 'SELECT resource FROM observation LIMIT 20');
SELECT plan('{Observation?status=rest}', 'SELECT resource FROM observation ORDER BY id LIMIT 20');
SELECT plan('{Observation?status=v30}', 'SELECT resource FROM observation ORDER BY id LIMIT 20');
SELECT plan('{Observation?status=v3,Patient}', 'SELECT count(*) FROM observation o JOIN patient p ON p.id = o.resource #>> ''{subject,reference}''');
SELECT plan('{Observation?status=rest}', 'SELECT count(*) FROM observation WHERE id < ''o2''');

-- ---------------------------------------------------------------------------------------------------------------------
-- Statistics of hidden rows stay with policies: what is expected of a statement's own conditions is the same whatever they ask for. (Of
-- what large parts of all rows have there are three steps for some operators: estimates_own.sql.)
CREATE FUNCTION expects(condition text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM observation WHERE ' || condition INTO plan;
  RETURN plan -> 0 -> 'Plan' -> 'Plan Rows';
END $$;
SELECT entries('asked', '{Observation?status=rest}') \g /dev/null
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/asked"}}';
SET ROLE app;
SELECT what, expects(there) = expects(nowhere) AS tells_nothing
  FROM (VALUES
    ('a code', $$fhir_access.tokens(resource, 'code:CodeableConcept') OPERATOR(fhir_access.?) 'v300'$$, $$fhir_access.tokens(resource, 'code:CodeableConcept') OPERATOR(fhir_access.?) 'nope'$$),
    ('codes', $$fhir_access.tokens(resource, 'code:CodeableConcept') OPERATOR(fhir_access.?|) '{v300}'$$, $$fhir_access.tokens(resource, 'code:CodeableConcept') OPERATOR(fhir_access.?|) '{nope}'$$),
    ('a code by PostgreSQL''s own operator', $$fhir_access.tokens(resource, 'code:CodeableConcept') && '{rest}'$$, $$fhir_access.tokens(resource, 'code:CodeableConcept') && '{nope}'$$),
    ('a list of codes', $$fhir_access.tokens(resource, 'status:text') = '{rest,|rest}'$$, $$fhir_access.tokens(resource, 'status:text') = '{nope}'$$),
    ('a test', $$fhir_access.test(resource, 'token(code:CodeableConcept) "rest"')$$, $$fhir_access.test(resource, 'token(code:CodeableConcept) "nope"')$$),
    ('content', $$resource @> '{"status": "v300"}'$$, $$resource @> '{"status": "nope"}'$$),
    ('any of some content', $$resource @> ANY ('{"{\"status\": \"v3000\"}"}')$$, $$resource @> ANY ('{"{\"status\": \"nope\"}"}')$$),
    ('a date', $$fhir_access.earliest(resource, 'effectiveDateTime:dateTime, effectivePeriod:Period, effectiveTiming:Timing, effectiveInstant:instant') < '2010-02-01'$$,
               $$fhir_access.earliest(resource, 'effectiveDateTime:dateTime, effectivePeriod:Period, effectiveTiming:Timing, effectiveInstant:instant') < '1890-02-01'$$)) AS t (what, there, nowhere);
SELECT count(*) AS groups FROM (SELECT 1 FROM pg_stats_ext_exprs WHERE tablename = 'observation') s;
SELECT count(*) FROM pg_statistic_ext_data;
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
-- Who is not subject to policies has them for everything.
SELECT expects($$fhir_access.tokens(resource, 'code:CodeableConcept') OPERATOR(fhir_access.?) 'v3000'$$) BETWEEN 1000 AND 9000 AS knows;

-- ---------------------------------------------------------------------------------------------------------------------
-- Of partitions, by what is kept of the whole table.
RESET fhir_access.membership;
CREATE TABLE parts (id text, resource jsonb NOT NULL) PARTITION BY HASH (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT * FROM observation;
SELECT fhir_access.protect('parts', 'Observation') \g /dev/null
GRANT SELECT ON parts TO app;
DROP TABLE observation CASCADE;
ALTER TABLE parts RENAME TO observation;
SELECT entries('a', '{Observation?status:not=x&code=y}') \g /dev/null
SELECT statement FROM fhir_access.index_advice() WHERE relation = 'observation'::regclass ORDER BY 1 \gexec
ANALYZE observation;
SELECT criteria, e.* FROM unnest('{Observation?status=v30,Observation?status=rest,Observation?status:not=rest,Observation?code=v300}'::text[]) AS criteria, expected(ARRAY[criteria]) e;
