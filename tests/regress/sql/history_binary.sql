-- Versions of a Binary: a version is shown where what it was attached to, and what the Binary is attached to now, may be read.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE "binary" (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE binary_history (id text, version int, resource jsonb NOT NULL, PRIMARY KEY (id, version));
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('binary', 'Binary');
SELECT fhir_access.protect('binary_history', 'Binary', history_of => 'binary', version_column => 'version');
INSERT INTO patient SELECT id, jsonb_build_object('resourceType', 'Patient', 'id', id, 'gender', gender) FROM (VALUES ('ann', 'female'), ('bob', 'male')) p (id, gender);
CREATE FUNCTION attached(id text, patient text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('resourceType', 'Binary', 'id', id, 'securityContext',
           CASE WHEN patient IS NOT NULL THEN jsonb_build_object('reference', 'Patient/' || patient) END))
$$;
INSERT INTO binary_history SELECT id, version, attached(id, patient) FROM (VALUES
    ('ann', 1, NULL), ('ann', 2, 'bob'), ('ann', 3, 'ann'), ('bob', 1, NULL), ('bob', 2, 'ann'), ('bob', 3, 'bob'),
    ('free', 1, 'bob'), ('free', 2, 'ann'), ('free', 3, NULL),
    -- These are gone.
    ('was-bob', 1, NULL), ('was-bob', 2, 'ann'), ('was-bob', 3, 'bob'), ('was-free', 1, 'bob'), ('was-free', 2, NULL)) v (id, version, patient);
INSERT INTO "binary" SELECT id, resource FROM binary_history WHERE version = 3 AND id NOT LIKE 'was%';
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=female"}, {"resourceType": "Binary"}]}'),
('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "*"}]}');
INSERT INTO fhir_access.project_membership (resource)
    SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', id, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || id))
      FROM fhir_access.access_policy;

\c - app
SET fhir_access.membership = 'women';
SELECT id, version FROM binary_history ORDER BY id, version;
-- What was deleted says no more what it was attached to last: its versions are closed, although an entry grants every Binary.
SELECT id, version FROM binary_history WHERE id LIKE 'was%';
SELECT id, version FROM (SELECT DISTINCT id FROM "binary" UNION VALUES ('was-bob'), ('was-free')) AS ids (id), generate_series(1, 3) AS version
 WHERE fhir_access.vread('Binary', id, version::text) IS NOT NULL ORDER BY id, version;
SELECT version, allowed FROM generate_series(1, 3) AS version, fhir_access.check('Binary/was-bob/_history/' || version, 'vread');
SET fhir_access.membership = 'all';
SELECT id, count(*) FROM binary_history GROUP BY id ORDER BY id;
-- As before, versions of what is gone are shown where nothing but the project could have spoken against it.
\c - postgres
CREATE TABLE patient_history (id text, version int, resource jsonb NOT NULL, PRIMARY KEY (id, version));
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version');
INSERT INTO patient_history VALUES ('gone', 1, '{"resourceType": "Patient", "id": "gone", "gender": "female"}');
\c - app
SET fhir_access.membership = 'all';
SELECT id FROM patient_history;
SET fhir_access.membership = 'women';
SELECT id FROM patient_history;
