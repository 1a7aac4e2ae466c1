-- Policies' conditions ask `@>` by a function of our own: it says what PostgreSQL's says.
\ir prologue.sql
CREATE TABLE document (n serial, d jsonb);
INSERT INTO document (d) SELECT v::jsonb FROM unnest('{"{}","[]","null","1","\"a\"","[1]","[\"a\"]","[[1]]","[{}]","[null]"}'::text[]) v;
-- Members of all kinds, alone and together, one below the other.
INSERT INTO document (d)
SELECT jsonb_build_object(k, v) FROM unnest('{a,b,longer,ä}'::text[]) k, (SELECT d AS v FROM document) t;
INSERT INTO document (d)
SELECT jsonb_build_object('a', x.d, 'b', y.d) FROM document x, document y WHERE (x.n + 7 * y.n) % 11 = 0 AND x.n <= 50 AND y.n <= 50;
INSERT INTO document (d)
SELECT jsonb_build_object('list', jsonb_build_array(x.d, y.d, 1.50, true, 'text')) FROM document x, document y WHERE (3 * x.n + y.n) % 29 = 0 AND x.n <= 90 AND y.n <= 90;
INSERT INTO document (d) VALUES ('{"a": 1.0}'), ('{"a": 1.00}'), ('{"a": -0}'), ('{"a": 0}'), ('{"a": 1e300}'), ('{"a": 10e299}'), ('{"a": true}'), ('{"a": false}'), ('{"a": ""}'), ('{"": 1}'), ('{"": {}}'),
    ('{"list": [1.5]}'), ('{"list": ["text"]}'), ('{"list": [false]}'), ('{"list": [[]]}'), ('{"list": [{}, {}]}'), ('{"list": 1.5}');
-- Many members, long ones, and more than are kept in a row.
INSERT INTO document (d)
SELECT jsonb_object_agg('k' || n, n) || '{"a": {"longer": 1}}' FROM generate_series(1, 100) n
UNION ALL SELECT jsonb_object_agg('k' || n, CASE WHEN n % 2 = 0 THEN to_jsonb(n) ELSE jsonb_build_array(n, jsonb_build_object('a', n)) END) FROM generate_series(1, 60) n
UNION ALL SELECT jsonb_build_object('a', repeat('x', 5000), 'b', (SELECT jsonb_agg(md5(n::text)) FROM generate_series(1, 500) n))
UNION ALL SELECT jsonb_build_object('b', jsonb_build_array(md5('77')))
UNION ALL SELECT jsonb_build_object('k7', v) FROM unnest('{7,"[7]","[{}]","{}","[{\"a\": 7}]","[{\"a\": 8}]"}'::jsonb[]) v
UNION ALL SELECT (repeat('{"a":', 70) || '1' || repeat('}', 70))::jsonb
UNION ALL SELECT (repeat('{"a":', 64) || '1' || repeat('}', 64))::jsonb
UNION ALL SELECT (repeat('[', 70) || '1' || repeat(']', 70))::jsonb;
SELECT count(*) > 250 AS documents FROM document;
SELECT count(*) > 60000 AS pairs, count(*) FILTER (WHERE x.d @> y.d) > 1000 AS contained, count(*) FILTER (WHERE (x.d @> y.d) IS DISTINCT FROM fhir_access.contains(x.d, y.d)) AS different
  FROM document x, document y;
SELECT x.d, y.d FROM document x, document y WHERE (x.d @> y.d) IS DISTINCT FROM fhir_access.contains(x.d, y.d) ORDER BY 1, 2 LIMIT 5;
SELECT fhir_access.contains(NULL, '{}') IS NULL AND fhir_access.contains('{}', NULL) IS NULL AS strict;

-- The operator is what a plan shows, and what indexes know: those of some rows, too.
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', (ARRAY['female', 'male', 'other', 'unknown'])[1 + n % 4]) FROM generate_series(1, 400) n;
CREATE INDEX on_document ON patient USING gin (resource jsonb_path_ops);
CREATE INDEX on_some ON patient (id) WHERE resource @> '{"gender": "female"}';
ANALYZE patient;
GRANT SELECT ON patient TO app;
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "one", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=female"}]}'),
('{"resourceType": "AccessPolicy", "id": "two", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=other,unknown"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', id, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || id)) FROM fhir_access.access_policy;
SET enable_seqscan = off;
SET fhir_access.membership = 'two';
SET ROLE app;
EXPLAIN (COSTS OFF) SELECT id FROM patient;
SELECT resource ->> 'gender' AS gender, count(*) FROM patient GROUP BY 1 ORDER BY 1;
RESET ROLE;
SET fhir_access.membership = 'one';
SET ROLE app;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM patient ORDER BY id LIMIT 3;
SELECT count(*) FROM patient;
