-- Observations of more than 1 kB whose statuses most, some and few have, for `cargo xtask bench estimates`.
CREATE EXTENSION fhir_access;

CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE plain (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('observation', 'Observation');
SELECT fhir_access.protect('patient', 'Patient');

SELECT setseed(0.5);
INSERT INTO observation
SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n,
    'status', CASE WHEN r < 0.48 THEN 'final' WHEN r < 0.9 THEN 'amended' WHEN r < 0.99 THEN 'corrected' WHEN r < 0.999 THEN 'preliminary' WHEN r < 0.9999 THEN 'cancelled' ELSE 'unknown' END,
    'subject', jsonb_build_object('reference', 'Patient/p' || n % 10000 + 1),
    'code', jsonb_build_object('coding', jsonb_build_array(jsonb_build_object('system', 'http://loinc.org', 'code', 'c' || n % 100))),
    'note', jsonb_build_array(jsonb_build_object('text', repeat('What makes a resource longer than what PostgreSQL keeps statistics of. ', 16))))
  FROM (SELECT n, random() AS r FROM generate_series(1, {rows}) n) t;
INSERT INTO patient
SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'meta', '{"project": "a"}'::jsonb, 'gender', CASE n % 2 WHEN 0 THEN 'female' ELSE 'male' END,
    'name', jsonb_build_array(jsonb_build_object('family', 'Family' || n)), 'address', jsonb_build_array(jsonb_build_object('city', 'City ' || n % 100)))
  FROM generate_series(1, 10000) n;
INSERT INTO plain SELECT * FROM patient;
-- What an application keeps beside its resources.
CREATE TABLE task (id int PRIMARY KEY, observation text NOT NULL, done boolean NOT NULL);
INSERT INTO task SELECT n, 'o' || n, n % 3 = 0 FROM generate_series(1, {rows}) n;
CREATE INDEX ON task (observation);

INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "a"}'), ('{"resourceType": "Project", "id": "root", "superAdmin": true}');
INSERT INTO fhir_access.access_policy (resource)
SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', status, 'resource', jsonb_build_array(jsonb_build_object('resourceType', 'Observation', 'criteria', 'Observation?status=' || status)))
  FROM unnest('{final,amended,corrected,preliminary,cancelled,unknown}'::text[]) status;
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "not-preliminary", "resource": [{"resourceType": "Observation", "criteria": "Observation?status:not=preliminary"}]}'),
('{"resourceType": "AccessPolicy", "id": "read", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["name", "address"]}]}'),
('{"resourceType": "AccessPolicy", "id": "everything", "resource": [{"resourceType": "*"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', id, 'profile', '{"reference": "Practitioner/p"}'::jsonb, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || id))
  FROM fhir_access.access_policy WHERE id <> 'read';
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "read", "project": {"reference": "Project/a"}, "accessPolicy": {"reference": "AccessPolicy/read"}}'),
('{"resourceType": "ProjectMembership", "id": "root", "project": {"reference": "Project/root"}}');

-- What is advised for them.
DO $$
DECLARE advised text;
BEGIN
    FOR advised IN SELECT statement FROM fhir_access.index_advice() LOOP
        EXECUTE advised;
    END LOOP;
END $$;
CREATE INDEX ON plain USING gin (resource jsonb_path_ops);

CREATE ROLE bench_app LOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO bench_app;
GRANT SET ON PARAMETER fhir_access.membership TO bench_app;
