-- 20,000 Patients with ten versions each, in the order of time. One policy shows the Patients of an organization, one in fifty;
-- the other those that are active, half of them. `cargo xtask bench histories` runs this in an empty database.
CREATE EXTENSION fhir_access;

CREATE FUNCTION version_of(n integer, v integer) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
  SELECT jsonb_build_object(
    'resourceType', 'Patient',
    'id', 'p' || n,
    'meta', jsonb_build_object('versionId', v::text, 'lastUpdated', '2025-06-30T09:00:00Z'),
    'text', jsonb_build_object('status', 'generated', 'div', '<div>' || repeat(md5(n || '/' || v), 30) || '</div>'),
    'active', n % 2 = 0,
    'gender', CASE WHEN n % 3 = 0 THEN 'male' ELSE 'female' END,
    'birthDate', (date '1950-01-01' + n % 20000)::text,
    'managingOrganization', jsonb_build_object('reference', 'Organization/' || n % 50)) $$;

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient_history (id text NOT NULL, version bigint NOT NULL, resource jsonb NOT NULL, PRIMARY KEY (id, version));
INSERT INTO patient SELECT 'p' || n, version_of(n, 10) FROM generate_series(1, 20000) n;
INSERT INTO patient_history SELECT 'p' || n, v, version_of(n, v) FROM generate_series(1, 10) v, generate_series(1, 20000) n;
CREATE INDEX ON patient USING gin (resource jsonb_path_ops);

SELECT fhir_access.protect('patient', 'Patient'),
       fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version');

INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "few", "resource": [{"resourceType": "Patient", "criteria": "Patient?organization=Organization/7"}]}'),
('{"resourceType": "AccessPolicy", "id": "half", "resource": [{"resourceType": "Patient", "criteria": "Patient?active=true"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', p, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || p))
  FROM unnest('{few,half}'::text[]) p;

CREATE ROLE bench_app LOGIN;
GRANT SET ON PARAMETER fhir_access.membership TO bench_app;
GRANT SELECT ON patient_history TO bench_app;
