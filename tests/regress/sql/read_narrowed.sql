-- A restrictive policy of the table's owner narrows what fhir_access permits: for SELECT, and for the functions that find one row
-- past row security, read(), vread() and check(), too. It is asked as whoever calls.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, gone int, ward text, resource jsonb NOT NULL);
ALTER TABLE patient DROP COLUMN gone;
CREATE TABLE patient_history (id text, version int, ward text, resource jsonb NOT NULL, PRIMARY KEY (id, version));
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version');
INSERT INTO patient SELECT id, ward, jsonb_build_object('resourceType', 'Patient', 'id', id) FROM (VALUES ('a', 'north'), ('b', 'south'), ('c', NULL)) p (id, ward);
INSERT INTO patient_history SELECT id, 1, ward, resource FROM patient;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "*"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/all"}}');

-- What is found in each way: by a SELECT, by read(), by check(), by vread() and in the history.
CREATE FUNCTION found() RETURNS TABLE (way text, ids text) LANGUAGE sql AS $$
    SELECT 'select', (SELECT string_agg(id, ' ' ORDER BY id) FROM patient) UNION ALL
    SELECT 'read', string_agg(id, ' ') FROM unnest('{a,b,c}'::text[]) AS id WHERE fhir_access.read('Patient', id) IS NOT NULL UNION ALL
    SELECT 'check', string_agg(id, ' ') FROM unnest('{a,b,c}'::text[]) AS id, fhir_access.check('Patient/' || id, 'read') WHERE allowed UNION ALL
    SELECT 'check update', string_agg(id, ' ') FROM unnest('{a,b,c}'::text[]) AS id, fhir_access.check('Patient/' || id, 'update') WHERE allowed UNION ALL
    SELECT 'history', (SELECT string_agg(id, ' ' ORDER BY id) FROM patient_history) UNION ALL
    SELECT 'vread', string_agg(id, ' ') FROM unnest('{a,b,c}'::text[]) AS id WHERE fhir_access.vread('Patient', id, '1') IS NOT NULL UNION ALL
    SELECT 'check vread', string_agg(id, ' ') FROM unnest('{a,b,c}'::text[]) AS id, fhir_access.check('Patient/' || id || '/_history/1', 'vread') WHERE allowed
$$;
SET fhir_access.membership = 'm';
SET ROLE app;
SELECT * FROM found();

-- Of a column beside the resource; NULL is not true.
RESET ROLE;
CREATE POLICY ward ON patient AS RESTRICTIVE USING (ward = 'north');
CREATE POLICY ward ON patient_history AS RESTRICTIVE FOR SELECT USING (ward = 'north');
SET ROLE app;
SELECT * FROM found();
SELECT * FROM fhir_access.check('Patient/b', 'read');
-- For some roles only, and not for writing.
RESET ROLE;
DROP POLICY ward ON patient;
DROP POLICY ward ON patient_history;
CREATE POLICY ward ON patient AS RESTRICTIVE FOR SELECT TO clinician USING (ward = 'north');
CREATE POLICY writes ON patient AS RESTRICTIVE FOR UPDATE USING (false);
SET ROLE app;
SELECT * FROM found() WHERE way IN ('select', 'read');
RESET ROLE;
SET ROLE clinician;
SELECT * FROM found() WHERE way IN ('select', 'read');
-- With functions of whoever asks, whole rows, subqueries under the caller's own policies, and names that need quotes.
RESET ROLE;
DROP POLICY ward ON patient;
DROP POLICY writes ON patient;
CREATE TABLE "my wards" (staff text, "Ward" text);
INSERT INTO "my wards" VALUES ('app', 'north'), ('app', 'south'), ('clinician', 'south');
ALTER TABLE "my wards" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON "my wards" USING (staff = current_user);
CREATE FUNCTION in_a_ward(p patient) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT p.ward IS NOT NULL';
CREATE POLICY ward ON patient AS RESTRICTIVE USING (ward IN (SELECT r."Ward" FROM "my wards" r) AND in_a_ward(patient));
CREATE POLICY permissive ON patient USING (true);
SET ROLE app;
SELECT * FROM found() WHERE way IN ('select', 'read', 'check');
SET search_path = pg_catalog;
SELECT fhir_access.read('Patient', 'a') ->> 'id' AS a, fhir_access.read('Patient', 'c') AS c;
RESET search_path;
RESET ROLE;
SET ROLE clinician;
SELECT * FROM found() WHERE way IN ('select', 'read', 'check');
-- Who is exempt is exempt.
RESET ROLE;
SELECT * FROM found() WHERE way IN ('select', 'read', 'check');
