-- PostgreSQL asks for statistics of what a BRIN index is on with a variable that it has not set. Who looks at it brings the server down.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, n integer, born date);
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE n % 2 WHEN 0 THEN 'male' ELSE 'female' END, 'birthDate', '1950-01-' || n, 'n', n), n, '1950-01-01'::date + n FROM generate_series(10, 28) n;
CREATE INDEX by_number ON patient USING brin (n, born);
CREATE INDEX by_next ON patient USING brin ((n + 1));
CREATE INDEX by_start ON patient USING brin (fhir_access.earliest(resource, 'birthDate:date'));
-- Not protected, too
CREATE TABLE plain (n integer, m integer);
INSERT INTO plain SELECT n, n FROM generate_series(1, 20000) n;
CREATE INDEX of_plain ON plain USING brin (n, m);
ANALYZE;
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender:not=male"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "women", "accessPolicy": {"reference": "AccessPolicy/women"}}');

\c - app
SET fhir_access.membership = 'women';
SELECT count(*) FROM plain WHERE n = 5 AND m = 5 AND n < 10;
SELECT count(*) FROM plain WHERE n = 5 OR m BETWEEN 7 AND 9;
SELECT count(*) FROM patient WHERE n = 15 AND resource @> '{"n": 15}';
SELECT count(*) FROM patient WHERE n + 1 = 16 AND n < 20 AND born > '1950-01-02';
SELECT count(*) FROM patient WHERE fhir_access.earliest(resource, 'birthDate:date') > fhir_access.earliest('{"resourceType": "Patient", "birthDate": "1950-01-20"}', 'birthDate:date') AND n > 1;
SELECT count(*) FROM patient JOIN plain USING (n) WHERE born = '1950-01-16' AND plain.m < 100;
SELECT * FROM (SELECT id, n, row_number() OVER (PARTITION BY n ORDER BY id) FROM patient) numbered WHERE n = 15;
