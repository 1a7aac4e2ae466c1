-- A statement that wants some types of a table of all types is given the predicate for these alone. It never changes what a
-- statement answers: each is asked twice, once so that its condition on the type cannot be recognised.
\ir prologue.sql

CREATE TABLE resource (type text NOT NULL, id text NOT NULL, resource jsonb NOT NULL, PRIMARY KEY (type, id));
CREATE TABLE document (id text NOT NULL, resource jsonb NOT NULL);
CREATE UNIQUE INDEX ON document ((resource ->> 'resourceType'), id);
SELECT fhir_access.protect('resource', resource_type_column => 'type'), fhir_access.protect('document');
INSERT INTO document
SELECT n::text, jsonb_build_object('resourceType', t, 'id', n::text, 'status', 'final', 'subject', jsonb_build_object('reference', 'Patient/' || n % 3), 'language', 'CANARY')
  FROM unnest('{Patient,Observation,Condition,Organization,AccessPolicy,Binary,CANARY}'::text[]) t, generate_series(1, 4) n;
INSERT INTO resource SELECT resource ->> 'resourceType', id, resource FROM document;
-- A row of which the column says something else than its document.
INSERT INTO resource VALUES ('Patient', 'CANARY', '{"resourceType": "AccessPolicy", "id": "CANARY"}'), ('AccessPolicy', 'CANARY', '{"resourceType": "Patient", "id": "CANARY"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "own", "resource": [
    {"resourceType": "Observation", "hiddenFields": ["language"]},
    {"resourceType": "*", "criteria": "*?_compartment=Patient/1", "hiddenFields": ["language", "status"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "own", "accessPolicy": {"reference": "AccessPolicy/own"}}');
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TYPE kind AS ENUM ('Patient', 'Observation');

-- What a query answers, and whether it is the same where nothing is recognised: type || '' is no column.
CREATE FUNCTION asked(query text, OUT rows bigint, OUT verdict text) LANGUAGE plpgsql AS $$
DECLARE
    found text;
    other text;
BEGIN
    EXECUTE format('SELECT count(*), string_agg(t::text, '';'' ORDER BY t::text) FROM (%s) t', query) INTO rows, found;
    query := regexp_replace(query, '\m(\w+\.)?type\M', '(\1type || '''')', 'g');
    query := regexp_replace(query, '\m(\w+\.)?resource (->>|@>)', '(\1resource || ''{}'') \2', 'g');
    EXECUTE format('SELECT string_agg(t::text, '';'' ORDER BY t::text) FROM (%s) t', query) INTO other;
    verdict := CASE WHEN found IS DISTINCT FROM other THEN 'ANOTHER ANSWER' WHEN found LIKE '%CANARY%' THEN 'SHOWS WHAT IS HIDDEN' ELSE 'same' END;
END $$;

\c - app
SET fhir_access.membership = 'own';
SELECT rows, verdict, query FROM unnest(ARRAY[
    $$SELECT resource FROM resource$$,
    $$SELECT resource FROM resource WHERE type = 'Patient'$$,
    $$SELECT resource FROM resource WHERE 'Observation' = type AND id > '1'$$,
    $$SELECT resource FROM resource WHERE type IN ('Patient', 'Observation', 'Binary', 'CANARY')$$,
    $$SELECT resource FROM resource WHERE type = ANY ('{Condition,Observation,NULL}') AND type IN ('Patient', 'Observation')$$,
    $$SELECT resource FROM resource WHERE (type, id) = ('Observation', '2')$$,
    $$SELECT resource FROM resource WHERE type IN ('AccessPolicy', 'Binary', 'CANARY')$$,
    $$SELECT resource FROM resource WHERE type = NULL$$,
    $$SELECT resource FROM resource WHERE type = ANY (NULL::text[])$$,
    $$SELECT resource FROM resource WHERE type = 'Patient' AND type = 'Observation'$$,
    $$SELECT resource FROM resource WHERE type = 'Patient' OR id = '2'$$,
    $$SELECT resource FROM resource WHERE NOT type = 'Patient'$$,
    $$SELECT resource FROM resource WHERE type <> 'Patient'$$,
    $$SELECT resource FROM resource WHERE (type = 'Patient') IS NOT TRUE$$,
    $$SELECT resource FROM resource WHERE type = ALL ('{Patient,Patient}')$$,
    $$SELECT resource FROM resource WHERE type COLLATE loose = 'patient'$$,
    $$SELECT resource FROM resource WHERE type = 'patient' COLLATE loose$$,
    $$SELECT resource FROM resource WHERE type = 'Patient'::kind::text$$,
    $$SELECT resource FROM resource WHERE type = 'Patient'::name$$,
    $$SELECT resource FROM resource WHERE type = id$$,
    $$SELECT resource FROM resource WHERE type = (SELECT 'Patient')$$,
    $$SELECT resource FROM resource WHERE resource @> '{"resourceType": "Patient"}'$$,
    $$SELECT resource FROM resource WHERE resource @> '{"resourceType": ["Patient"]}' OR resource @> '[]'$$,
    $$SELECT resource FROM document WHERE resource @> '{"resourceType": "Condition", "status": "final"}'$$,
    $$SELECT resource FROM document WHERE resource @> '{"status": "final"}'$$,
    $$SELECT resource FROM document WHERE resource ->> 'resourceType' = 'Patient'$$,
    $$SELECT resource FROM document WHERE resource ->> 'resourceType' IN ('Observation', 'Condition') AND id = '1'$$,
    $$SELECT resource FROM document WHERE resource ->> 'id' = 'Patient'$$,
    $$SELECT a.type, a.id, b.type FROM resource a JOIN resource b ON a.id = b.id AND a.type = 'Patient' AND b.type = 'Observation'$$,
    $$SELECT a.type, a.id, b.type FROM resource a LEFT JOIN resource b ON a.id = b.id AND a.type = 'Patient'$$,
    $$SELECT a.type, a.id, b.type FROM resource a LEFT JOIN resource b ON a.id = b.id AND b.type = 'Patient'$$,
    $$SELECT a.type, a.id, b.type FROM resource a LEFT JOIN resource b ON a.id = b.id WHERE b.type = 'Patient'$$,
    $$SELECT a.type, a.id, b.type FROM resource a LEFT JOIN resource b ON a.id = b.id WHERE b.type IS NULL OR b.type = 'Patient'$$,
    $$SELECT a.type, a.id, b.type FROM resource a RIGHT JOIN resource b ON a.id = b.id AND a.type = 'Patient'$$,
    $$SELECT a.type, a.id, b.type FROM resource a RIGHT JOIN resource b ON a.id = b.id AND b.type = 'Patient'$$,
    $$SELECT a.type, a.id, b.type FROM resource a FULL JOIN resource b ON a.id = b.id AND a.type = 'Patient' AND b.type = 'Patient'$$,
    $$SELECT a.type, a.id, b.type FROM resource a FULL JOIN resource b ON a.id = b.id AND a.type = b.type WHERE b.type = 'Patient'$$,
    $$SELECT a.id, b.type, c.type FROM resource a LEFT JOIN (resource b JOIN resource c ON b.id = c.id AND b.type = 'Patient') ON a.id = b.id$$,
    $$SELECT a.type, a.id FROM resource a WHERE NOT EXISTS (SELECT FROM resource b WHERE b.id = a.id AND b.type = 'Patient')$$,
    $$SELECT a.type, a.id FROM resource a WHERE EXISTS (SELECT FROM resource b WHERE a.type = 'Patient' AND b.type = 'Observation' AND a.id = b.id)$$,
    $$SELECT a.type, a.id, l.n FROM resource a, LATERAL (SELECT count(*) AS n FROM resource b WHERE a.type = 'Patient' AND b.id = a.id) l$$,
    $$SELECT resource FROM resource WHERE type = 'Patient' UNION ALL SELECT resource FROM resource WHERE type = 'Condition'$$,
    $$WITH found AS (SELECT * FROM resource WHERE type = 'Observation') SELECT f.id, r.type FROM found f JOIN resource r USING (id)$$,
    $$SELECT type, count(*) FROM resource GROUP BY type HAVING type = 'Patient'$$
]) query, asked(query);

-- What it is for.
EXPLAIN (COSTS OFF) SELECT resource FROM resource WHERE type = 'Observation' AND id = '1';
EXPLAIN (COSTS OFF) SELECT id FROM resource WHERE type IN ('Observation', 'Patient');
EXPLAIN (COSTS OFF) SELECT id FROM document WHERE resource @> '{"resourceType": "Patient"}';
EXPLAIN (COSTS OFF) SELECT id FROM resource WHERE type = 'Binary';
EXPLAIN (COSTS OFF) UPDATE resource SET resource = resource WHERE type = 'Condition' AND id = '1';

-- Parameters, as long as they are planned with.
PREPARE by_type (text) AS SELECT id FROM resource WHERE type = $1 ORDER BY id;
EXPLAIN (COSTS OFF) EXECUTE by_type('Observation');
EXECUTE by_type('Observation');
SET plan_cache_mode = force_generic_plan;
EXECUTE by_type('Observation');
EXECUTE by_type('Patient');
EXECUTE by_type('AccessPolicy');
RESET plan_cache_mode;

-- Writes.
UPDATE resource SET resource = resource || '{"note": "n"}' WHERE type = 'Observation' AND id IN ('1', '2');
UPDATE resource SET resource = resource || '{"note": "n"}' WHERE type = 'Patient' RETURNING *;
UPDATE resource a SET resource = a.resource || '{"note": "m"}' FROM resource b WHERE a.type = 'Condition' AND b.type = 'Patient' AND a.id = b.id RETURNING a.id;
UPDATE resource SET type = 'Patient', resource = resource || '{"resourceType": "Patient"}' WHERE type = 'Condition';
DELETE FROM resource a USING resource b WHERE a.type = 'Condition' AND b.type = 'Patient' AND a.id = b.id RETURNING a.id;
DELETE FROM resource WHERE type = 'AccessPolicy' OR type = 'Binary';
MERGE INTO resource r USING (SELECT * FROM resource WHERE type = 'Observation') s ON r.type = 'Patient' AND r.id = s.id
    WHEN MATCHED THEN UPDATE SET resource = r.resource || '{"note": "merged"}' WHEN NOT MATCHED THEN DO NOTHING;
MERGE INTO resource r USING resource s ON s.type = 'Patient' AND r.type = s.type AND r.id = s.id
    WHEN MATCHED THEN UPDATE SET resource = r.resource || '{"note": "again"}'
    WHEN NOT MATCHED THEN INSERT VALUES ('Observation', 'from ' || s.type || s.id, jsonb_build_object('resourceType', 'Observation', 'id', 'from ' || s.type || s.id));
SELECT type, id, resource ->> 'note' AS note FROM resource ORDER BY type, id;
\c - postgres
SELECT type, count(*), count(*) FILTER (WHERE resource ->> 'language' = 'CANARY') AS hidden_kept FROM resource GROUP BY 1 ORDER BY 1;

-- Resources as text, of which PostgreSQL computes the type: the explanation has no more conditions than are asked.
CREATE TABLE as_text (content text, id text, kind text GENERATED ALWAYS AS (fhir_access.document(content) ->> 'resourceType') STORED);
SELECT fhir_access.protect('as_text', resource_column => 'content', resource_type_column => 'kind');
SELECT fhir_access.unprotect('resource'), fhir_access.unprotect('document') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "flags", "resource": [{"resourceType": "Flag", "criteria": "Flag?status=active"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "flags", "accessPolicy": {"reference": "AccessPolicy/flags"}}');
SELECT fhir_access.set_session('flags', is_local => false) \g /dev/null
SELECT predicate FROM fhir_access.explain('Flag');
