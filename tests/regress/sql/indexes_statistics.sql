-- What indexes know of hidden rows stays with policies: the number of rows that EXPLAIN expects of a statement's own
-- conditions is the same whatever they ask for.
\ir prologue.sql
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('observation', 'Observation') \g /dev/null
INSERT INTO observation
SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'status', 'final',
         'code', jsonb_build_object('text', CASE WHEN n % 7 = 0 THEN 'HIV positive' ELSE 'Weight' END),
         'effectiveDateTime', (date '1990-01-01' + n % 3000)::text,
         'valueQuantity', jsonb_build_object('value', n % 500, 'system', 'http://unitsofmeasure.org', 'code', 'kg'),
         'subject', jsonb_build_object('reference', 'Patient/' || CASE WHEN n % 3 = 0 THEN 'secret' ELSE 'p' || n % 50 END))
  FROM generate_series(1, 6000) n;
CREATE INDEX ON observation USING gin (fhir_access.targets(resource, 'subject:Reference') fhir_access.prefix_ops);
CREATE INDEX ON observation USING gin (fhir_access.strings(resource, 'code:CodeableConcept') fhir_access.prefix_ops);
CREATE INDEX ON observation USING btree (fhir_access.earliest(resource, 'effectiveDateTime:dateTime'));
CREATE INDEX ON observation USING btree (fhir_access.highest(resource, 'valueQuantity:Quantity'));
CREATE INDEX ON observation USING btree (fhir_access.unit(resource, 'valueQuantity:Quantity'));
ANALYZE observation;
GRANT SELECT ON observation TO app;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "own",
  "resource": [{"resourceType": "Observation", "criteria": "Observation?subject=Patient/p1"}]}');

-- How many rows the planner expects of a condition.
CREATE FUNCTION expected(condition text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM observation WHERE ' || condition INTO plan;
  RETURN plan -> 0 -> 'Plan' -> 'Plan Rows';
END $$;

SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/own"}}';
SET ROLE app;
SELECT what, expected(there) = expected(nowhere) AS tells_nothing
  FROM (VALUES
    ('a reference', $$fhir_access.targets(resource, 'subject:Reference') OPERATOR(fhir_access.?) 'Patient/secret'$$,
                    $$fhir_access.targets(resource, 'subject:Reference') OPERATOR(fhir_access.?) 'Patient/nobody'$$),
    ('references', $$fhir_access.targets(resource, 'subject:Reference') OPERATOR(fhir_access.?|) '{Patient/secret,a}'$$,
                   $$fhir_access.targets(resource, 'subject:Reference') OPERATOR(fhir_access.?|) '{Patient/nobody,a}'$$),
    ('references, by PostgreSQL''s own operator', $$fhir_access.targets(resource, 'subject:Reference') && '{Patient/secret}'$$,
                                                  $$fhir_access.targets(resource, 'subject:Reference') && '{Patient/nobody}'$$),
    ('a text', $$fhir_access.strings(resource, 'code:CodeableConcept') OPERATOR(fhir_access.^@) '{hiv}'$$,
               $$fhir_access.strings(resource, 'code:CodeableConcept') OPERATOR(fhir_access.^@) '{nope}'$$),
    ('content', $$resource @> '{"code": {"text": "HIV positive"}}'$$, $$resource @> '{"code": {"text": "nope"}}'$$),
    ('a date', $$fhir_access.earliest(resource, 'effectiveDateTime:dateTime') < '1990-02-01'$$,
               $$fhir_access.earliest(resource, 'effectiveDateTime:dateTime') < '1890-02-01'$$),
    ('a number', $$fhir_access.highest(resource, 'valueQuantity:Quantity') < 10$$,
                 $$fhir_access.highest(resource, 'valueQuantity:Quantity') < 490$$),
    ('a unit', $$fhir_access.unit(resource, 'valueQuantity:Quantity') = 'http://unitsofmeasure.org|kg'$$,
               $$fhir_access.unit(resource, 'valueQuantity:Quantity') = 'http://unitsofmeasure.org|mg'$$)) AS t (what, there, nowhere);

-- Through a function that the planner inlines, too.
RESET ROLE;
CREATE FUNCTION subjects(resource jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE
  AS $$ SELECT fhir_access.targets(resource, 'subject:Reference') $$;
SET ROLE app;
SELECT expected($$subjects(resource) && '{Patient/secret}'$$) = expected($$subjects(resource) && '{Patient/nobody}'$$) AS tells_nothing;

-- And of an index that serves no lookup: of another operator class, or on some rows.
RESET ROLE;
CREATE INDEX other_class ON observation USING gin (fhir_access.tokens(resource, 'status:text'));
CREATE INDEX some_rows ON observation USING gin (fhir_access.strings(resource, 'code.text:text') fhir_access.prefix_ops) WHERE id > 'o';
CREATE INDEX hashed ON observation USING hash (fhir_access.lowest(resource, 'valueQuantity:Quantity'));
ANALYZE observation;
SET ROLE app;
SELECT expected($$fhir_access.tokens(resource, 'status:text') OPERATOR(fhir_access.?) 'final'$$) = expected($$fhir_access.tokens(resource, 'status:text') OPERATOR(fhir_access.?) 'nobody'$$) AS "other class",
       expected($$fhir_access.strings(resource, 'code.text:text') OPERATOR(fhir_access.?) 'hiv positive'$$) = expected($$fhir_access.strings(resource, 'code.text:text') OPERATOR(fhir_access.?) 'nobody'$$) AS "some rows",
       expected($$fhir_access.lowest(resource, 'valueQuantity:Quantity') < 10$$) = expected($$fhir_access.lowest(resource, 'valueQuantity:Quantity') < 490$$) AS hashed;

-- The policy's own condition has them: 80 rows of 6,000.
SELECT expected('true') BETWEEN 60 AND 100 AS knows;
SELECT count(*) FROM observation;
-- For operators that are not leakproof, too: 12 rows.
RESET ROLE;
CREATE INDEX ON observation USING btree (fhir_access.highest(resource, 'valueQuantity:Quantity, valueSampledData:SampledData'));
ANALYZE observation;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "heavy",
  "resource": [{"resourceType": "Observation", "criteria": "Observation?value-quantity=gt498"}]}');
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/heavy"}}';
SET ROLE app;
SELECT expected('true') BETWEEN 6 AND 24 AS knows;
SELECT count(*) FROM observation;
-- Of a partial index they are of other rows, and nobody is told.
RESET ROLE;
DROP INDEX observation_highest_idx1;
CREATE INDEX ON observation USING btree (fhir_access.highest(resource, 'valueQuantity:Quantity, valueSampledData:SampledData')) WHERE id < 'o2';
ANALYZE observation;
SET ROLE app;
SELECT predicate FROM fhir_access.explain('Observation');
SELECT count(*) FROM observation;

-- Those of the column, too, for a condition on the content: all rows; to a statement's own they tell nothing.
RESET ROLE;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "final",
  "resource": [{"resourceType": "Observation", "criteria": "Observation?status=final"}]}');
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/final"}}';
SET ROLE app;
SELECT predicate FROM fhir_access.explain('Observation');
SELECT expected('true') > 5000 AS knows;
SELECT expected($$resource @> '{"code": {"text": "HIV positive"}}'$$) = expected($$resource @> '{"code": {"text": "nope"}}'$$) AS tells_nothing;

-- A field that is hidden changes nothing of that: neither what the policy's condition is expected to find, nor what is told.
RESET ROLE;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "hiding",
  "resource": [{"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["effective[x]"]}]}');
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/hiding"}}';
SET ROLE app;
SELECT expected('true') > 5000 AS knows;
SELECT expected($$resource @> '{"code": {"text": "HIV positive"}}'$$) = expected($$resource @> '{"code": {"text": "nope"}}'$$) AS tells_nothing;
SELECT expected($$resource ->> 'effectiveDateTime' = '1990-02-01'$$) = expected($$resource ->> 'effectiveDateTime' = '1890-02-01'$$) AS tells_nothing;

-- Nobody else can name our estimators.
CREATE OPERATOR pg_temp.@@@ (LEFTARG = int8, RIGHTARG = int8, FUNCTION = int8eq, RESTRICT = fhir_access.estimate_is_element);
\echo :LAST_ERROR_SQLSTATE
