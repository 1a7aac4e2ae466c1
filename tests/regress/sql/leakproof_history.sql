-- Histories and twins: what their current rows decide tells nothing of the versions that an index or a condition has found before.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient_history (id text NOT NULL, version bigint NOT NULL, resource jsonb NOT NULL, PRIMARY KEY (id, version));
-- Every version was active, and every other patient is: the versions of 1960 are of those who are not, and none is of 1970.
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'active', n % 2 = 0) FROM generate_series(1, 400) n;
INSERT INTO patient_history SELECT 'p' || n, v, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'active', true, 'birthDate', CASE WHEN n % 2 = 0 THEN '1950-01-01' ELSE '1960-01-01' END) FROM generate_series(1, 400) n, generate_series(1, 5) v;
CREATE INDEX by_born ON patient_history ((resource ->> 'birthDate'));
VACUUM ANALYZE patient, patient_history;
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version') \g /dev/null
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "active", "resource": [{"resourceType": "Patient", "criteria": "Patient?active=true"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "active", "accessPolicy": {"reference": "AccessPolicy/active"}}');

\c - app
SET fhir_access.membership = 'active';
SET jit = off;
SET cpu_operator_cost = 1;
-- A policy's subquery, begun by the first row, asks no workers, whatever the plan: each says with client_min_messages = debug5 that it is there.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT id FROM patient_history WHERE resource ->> 'birthDate' = '1960-01-01' LIMIT 1;
SELECT id FROM patient_history WHERE resource ->> 'birthDate' = '1960-01-01' LIMIT 1;
SET client_min_messages = debug5;
SELECT id FROM patient_history WHERE resource ->> 'birthDate' = '1960-01-01' LIMIT 1;
SELECT id FROM patient_history WHERE resource ->> 'birthDate' = '1970-01-01' LIMIT 1;
RESET client_min_messages;
SET max_parallel_workers_per_gather = 0;
-- Where the current rows are joined, no twin is asked before: what is sorted for the join is the same.
SET enable_hashjoin = off;
SET enable_nestloop = off;
SET random_page_cost = 1000;
SET seq_page_cost = 1000;
EXPLAIN (COSTS OFF) SELECT id FROM patient_history WHERE resource ->> 'birthDate' >= '1960-01-01';
EXPLAIN (COSTS OFF) SELECT id FROM patient_history WHERE fhir_access.earliest(resource, 'birthDate:date') >= '1960-01-01';
SELECT count(*) FROM patient_history WHERE resource ->> 'birthDate' >= '1950-01-01';
