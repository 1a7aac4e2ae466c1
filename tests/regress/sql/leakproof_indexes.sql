-- A distance by which an index orders rows is worked out for each that the index finds, before row security's conditions: it could tell
-- which hidden rows a condition has met. Where there is one, a statement's conditions wait.
\ir prologue.sql
CREATE EXTENSION btree_gist;
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, words tsvector, place point);
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE n % 2 WHEN 0 THEN 'male' ELSE 'female' END), to_tsvector('simple', 'w' || n), point(-1, n) FROM generate_series(10, 28) n;
CREATE INDEX by_place ON patient USING gist (words, place);
ALTER TABLE patient ADD number integer DEFAULT 1;
CREATE INDEX by_number ON patient USING gist (number);
ANALYZE patient;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');
\c - app
SET fhir_access.membership = 'women';
SET enable_seqscan = off;
-- Distances that are too large to be numbers
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE words @@ 'w12'::tsquery ORDER BY place <-> point(1.7e308, 1.7e308);
SELECT id FROM patient WHERE words @@ 'w30'::tsquery ORDER BY place <-> point(1.7e308, 1.7e308);
SELECT id FROM patient WHERE words @@ 'w12'::tsquery ORDER BY place <-> point(1.7e308, 1.7e308);
SELECT id FROM patient WHERE words @@ 'w13'::tsquery ORDER BY place <-> point(0, 0);
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE words @@ 'w12'::tsquery;
-- In a subquery for each row outside
EXPLAIN (COSTS OFF) SELECT near.place FROM (VALUES (point(1.7e308, 1.7e308))) far (place), LATERAL (SELECT place FROM patient WHERE words @@ 'w12'::tsquery ORDER BY place <-> far.place LIMIT 1) near;
SELECT near.place FROM generate_series(1, 1) n, LATERAL (SELECT place FROM patient WHERE words @@ 'w30'::tsquery ORDER BY place <-> point(1.7e308 * n, 1.7e308) LIMIT 1) near;
SELECT near.place FROM generate_series(1, 1) n, LATERAL (SELECT place FROM patient WHERE words @@ 'w12'::tsquery ORDER BY place <-> point(1.7e308 * n, 1.7e308) LIMIT 1) near;
-- Where there is nothing but a distance, it is as under any row security: an extension's operator has its index.
EXPLAIN (COSTS OFF) SELECT id FROM patient ORDER BY number <-> 3 LIMIT 1;
