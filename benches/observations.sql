-- 200,000 Observations of 2,000 patients, 100 each, spread over the whole table, and a policy that shows a member the
-- compartment of the member's profile. `cargo xtask bench` runs this in an empty database.
CREATE EXTENSION fhir_access;

CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);

INSERT INTO observation
SELECT 'o' || n, jsonb_build_object(
  'resourceType', 'Observation',
  'id', 'o' || n,
  'meta', jsonb_build_object('versionId', '1', 'lastUpdated', '2025-06-30T09:00:00Z'),
  'status', 'final',
  'category', jsonb_build_array(jsonb_build_object('coding', jsonb_build_array(jsonb_build_object(
    'system', 'http://terminology.hl7.org/CodeSystem/observation-category',
    'code', CASE WHEN n % 5 = 0 THEN 'laboratory' ELSE 'vital-signs' END)))),
  'code', jsonb_build_object(
    'coding', jsonb_build_array(jsonb_build_object('system', 'http://loinc.org', 'code', (n / 2000 % 40)::text || '-7')),
    'text', 'Measurement ' || n / 2000 % 40),
  'subject', jsonb_build_object('reference', 'Patient/p' || n % 2000),
  'encounter', jsonb_build_object('reference', 'Encounter/e' || n / 10),
  'effectiveDateTime', to_char(date '2020-01-01' + n / 120, 'YYYY-MM-DD"T09:15:00Z"'),
  'performer', jsonb_build_array(jsonb_build_object('reference', 'Practitioner/gp' || n % 80)),
  'valueQuantity', jsonb_build_object(
    'value', (n % 1000) / 10.0, 'unit', 'kg', 'system', 'http://unitsofmeasure.org', 'code', 'kg'))
FROM generate_series(1, 200000) AS n;

CREATE INDEX ON observation USING gin (resource jsonb_path_ops);

SELECT fhir_access.protect('observation', 'Observation');

INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "own-record",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?_compartment=%profile" }]}');

INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object(
  'resourceType', 'ProjectMembership',
  'id', 'm' || n,
  'profile', jsonb_build_object('reference', 'Patient/p' || n),
  'access', jsonb_build_array(jsonb_build_object('policy', jsonb_build_object('reference', 'AccessPolicy/own-record'))))
FROM generate_series(0, 199) AS n;

CREATE ROLE bench_app LOGIN;
GRANT SELECT ON observation TO bench_app;
GRANT SET ON PARAMETER fhir_access.membership TO bench_app;
