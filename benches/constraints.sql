-- Observations of about 2.5 KB, and two policies that differ in two write constraints only, for `cargo xtask bench
-- fhirpath`. The document is the one that the expressions are measured on alone.
CREATE EXTENSION fhir_access;

-- Room for another version of each row on its page, so that both sides find it.
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL) WITH (fillfactor = 40);

INSERT INTO observation
SELECT id, jsonb_set(jsonb_set({document}::jsonb, '{id}', to_jsonb(id)), '{status}', '"preliminary"')
  FROM (SELECT 'o' || to_char(n, 'FM00000') AS id FROM generate_series(0, {rows} - 1) AS n) AS ids;

SELECT fhir_access.protect('observation', 'Observation');

INSERT INTO fhir_access.access_policy (resource) VALUES
  ('{"resourceType": "AccessPolicy", "id": "plain", "resource": [{"resourceType": "Observation"}]}'),
  ('{"resourceType": "AccessPolicy", "id": "constrained", "resource": [{"resourceType": "Observation", "writeConstraint": [
      {"language": "text/fhirpath", "expression": "%before.exists() implies %before.status != ''final''"},
      {"language": "text/fhirpath", "expression": "status = ''final'' implies subject.exists()"}]}]}');

INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object(
  'resourceType', 'ProjectMembership',
  'id', policy,
  'profile', jsonb_build_object('reference', 'Practitioner/gp7'),
  'access', jsonb_build_array(jsonb_build_object('policy', jsonb_build_object('reference', 'AccessPolicy/' || policy))))
FROM unnest(ARRAY['plain', 'constrained']) AS policy;

CREATE ROLE bench_app LOGIN;
GRANT SELECT, UPDATE ON observation TO bench_app;
GRANT SET ON PARAMETER fhir_access.membership TO bench_app;
