-- Someone who cares for a thousand patients: a membership with a thousand instances of one policy is one condition on one
-- array, whatever indexes there are.
\ir prologue.sql
\ir granted.sql

CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO observation
SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'status', 'final', 'subject', jsonb_build_object('reference', 'Patient/' || n % 10000),
           'code', jsonb_build_object('coding', jsonb_build_array(jsonb_build_object('code', 'c' || n % 50))), 'effectiveDateTime', (date '1970-01-01' + n)::text)
  FROM generate_series(1, 20000) AS n;
SELECT fhir_access.protect('observation', 'Observation') \g /dev/null
ANALYZE observation;

INSERT INTO fhir_access.access_policy (resource) VALUES (policy('caregiver', 'Observation?_compartment=%patient')), (policy('ward', 'Observation?code=c17&subject=%patient')), (policy('since', 'Observation?subject=%patient&date=ge%since')), (policy('list', 'Observation?_id=%ids'));
CREATE FUNCTION care(id text, policy text, patients int, more jsonb DEFAULT '[]') RETURNS void LANGUAGE sql AS $$
    INSERT INTO fhir_access.project_membership (resource)
    SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', id, 'access', jsonb_agg(jsonb_build_object('policy', jsonb_build_object('reference', 'AccessPolicy/' || policy),
               'parameter', jsonb_build_array(jsonb_build_object('name', 'patient', 'valueReference', jsonb_build_object('reference', 'Patient/' || n)), jsonb_build_object('name', 'ids', 'valueString', 'o' || n)) || more) ORDER BY n))
      FROM generate_series(1, patients) AS n
$$;
SELECT care('few', 'caregiver', 3), care('thirty', 'caregiver', 30), care('hundred', 'caregiver', 100), care('caregiver', 'caregiver', 1000), care('ward', 'ward', 1000), care('since', 'since', 1000, '[{"name": "since", "valueString": "1971"}]'), care('list', 'list', 1000) \g /dev/null
-- A line with its long array constant shortened, and how many elements that has.
CREATE FUNCTION short(line text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    list text := (regexp_match(line, '''(\{.*\})''::(?:text|jsonb)\[\]'))[1];
BEGIN
    RETURN CASE WHEN length(list) > 200 THEN replace(line, list, format('%s … %s', left(list, 40), right(list, 20))) || format('   -- %s elements', cardinality(list::text[]))
                WHEN length(line) > 500 THEN format('%s … %s', left(line, 150), right(line, 40)) ELSE line END;
END $$;
CREATE FUNCTION as_app(membership text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    many bigint;
BEGIN
    PERFORM fhir_access.set_session(membership);
    SET LOCAL ROLE app;
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) SELECT id FROM observation';
    SELECT count(*) INTO many FROM observation;
    RETURN NEXT many || ' rows';
    RESET ROLE;
END $$;
\pset format unaligned
\pset tuples_only on

-- ---------------------------------------------------------------------------------------------------------------------
-- Without an index: one test, not a thousand.
SELECT short(as_app('few'));
SELECT short(as_app('caregiver'));
SELECT short(as_app('ward'));
SELECT short(as_app('since'));
SELECT short(as_app('list'));

-- With the index that is advised, on the document: it is asked for up to 256 documents. From more of them the planner would
-- expect all rows, and look for each document in each row; one test of all is much faster.
SELECT statement FROM fhir_access.index_advice() \gexec
ANALYZE observation;
SELECT short(as_app('few'));
SELECT short(as_app('thirty'));
SELECT short(as_app('hundred'));
SELECT short(as_app('caregiver'));
SELECT short(as_app('ward'));

-- With an index on the targets: one look for all of them.
CREATE INDEX subjects ON observation USING gin (fhir_access.targets(resource, 'subject:Reference'));
CREATE INDEX compartments ON observation USING gin (fhir_access.targets(resource, 'subject:Reference, performer*:Reference, meta.account:Reference, meta.accounts*:Reference'));
ANALYZE observation;
SELECT short(as_app('few'));
SELECT short(as_app('hundred'));
SELECT short(as_app('ward'));
-- To look a thousand entries up costs the planner more than to read a table as small as this one.
SET enable_seqscan = off;
SELECT short(as_app('caregiver'));
SELECT short(as_app('since'));
RESET enable_seqscan;

-- explain() tells the instances apart: each is an entry, with its own parameters.
SET fhir_access.membership = 'caregiver';
SET ROLE app;
SELECT count(*), count(DISTINCT parameters), min(place), max(place) FROM fhir_access.explain('Observation');
SELECT place, policy, predicate, parameters FROM fhir_access.explain('Observation') WHERE place IN (1, 1000) ORDER BY place;
