-- vread(): FHIR's vread interaction, one version of a resource, judged as in a history table: on what it holds and by the resource as it
-- is now; less what is hidden in either.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient_history (id text NOT NULL, resource jsonb NOT NULL);
CREATE TABLE patient_archive (id varchar NOT NULL, number integer NOT NULL, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('patient_history', 'Patient', history_of => 'patient'),
       fhir_access.protect('patient_archive', 'Patient', history_of => 'patient', version_column => 'number');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "versions", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?gender=female", "interaction": ["vread"], "hiddenFields": ["telecom"]},
    {"resourceType": "Patient", "criteria": "Patient?active=true", "interaction": ["vread"], "hiddenFields": ["birthDate"]}]}'),
('{"resourceType": "AccessPolicy", "id": "history", "resource": [{"resourceType": "Patient", "interaction": ["history", "read", "search"]}]}'),
('{"resourceType": "AccessPolicy", "id": "all", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["telecom"]}, {"resourceType": "Patient"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', p, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || p))
  FROM unnest('{versions,history,all}'::text[]) p
UNION ALL SELECT '{"resourceType": "ProjectMembership", "id": "project", "project": {"reference": "Project/x"}}';
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "x"}');

-- The third version of ann stands only in the current table; her first was nobody's to see, of bob's is only the first granted, and the
-- second of eve is in another project. The archive has numbers of its own.
INSERT INTO patient VALUES
('ann', '{"resourceType": "Patient", "id": "ann", "meta": {"versionId": "3"}, "active": true, "telecom": [{"value": "t3"}], "birthDate": "b3"}'),
('bob', '{"resourceType": "Patient", "id": "bob", "meta": {"versionId": "2"}, "telecom": [{"value": "t2"}], "birthDate": "b2"}'),
('eve', '{"resourceType": "Patient", "id": "eve", "meta": {"versionId": "2", "project": "x"}, "active": true, "telecom": [{"value": "t2"}], "birthDate": "b2"}');
INSERT INTO patient_history VALUES
('ann', '{"resourceType": "Patient", "id": "ann", "meta": {"versionId": "1"}, "telecom": [{"value": "t1"}], "birthDate": "b1"}'),
('ann', '{"resourceType": "Patient", "id": "ann", "meta": {"versionId": "2"}, "gender": "female", "telecom": [{"value": "t2"}], "birthDate": "b2", "multipleBirthInteger": 1.0}'),
('bob', '{"resourceType": "Patient", "id": "bob", "meta": {"versionId": "1"}, "gender": "female", "telecom": [{"value": "t1"}]}'),
('eve', '{"resourceType": "Patient", "id": "eve", "meta": {"versionId": "1", "project": "y"}, "telecom": [{"value": "t1"}]}'),
('del', '{"resourceType": "Patient", "id": "del", "meta": {"versionId": "1"}, "telecom": [{"value": "t1"}]}');
INSERT INTO patient_archive VALUES ('ann', 7, '{"resourceType": "Patient", "id": "ann", "active": true, "telecom": [{"value": "t7"}], "birthDate": "b7"}');
CREATE ROLE version_reader;

CREATE VIEW tried AS
    SELECT t.id || '/_history/' || t.version AS version, fhir_access.vread('Patient', t.id, t.version) AS vread,
           c.allowed, c.reason, c.policy, c.entry
      FROM (VALUES ('ann', '1'), ('ann', '2'), ('ann', '3'), ('ann', '7'), ('ann', '9'), ('bob', '1'), ('bob', '2'), ('eve', '1'), ('eve', '2'),
                   ('del', '1'), ('', ''), ('ann', '2''; --'), ('ann', '"2"'), ('ann', '07')) AS t (id, version),
           fhir_access.check('Patient/' || t.id || '/_history/' || t.version, 'vread') AS c;
\c - app
SELECT fhir_access.vread('Patient', 'ann', '2');
SET fhir_access.membership = 'versions';
\x on
-- Of ann's versions what is hidden now (birthDate) and what was hidden then. Numbers are kept to the digit.
SELECT * FROM tried;
\x off
-- No search and no history, so no row in any table.
SELECT (SELECT count(*) FROM patient) AS patients, (SELECT count(*) FROM patient_history) AS versions;
SELECT predicate, hidden_fields FROM fhir_access.explain('Patient', 'vread');
SELECT fhir_access.vread('Pateint', 'ann', '1');
SELECT fhir_access.vread('Practitioner', 'ann', '1'), fhir_access.vread('Patient', 'ann', NULL), fhir_access.vread('Patient', NULL, '1');
SELECT reason FROM fhir_access.check('Patient/ann/_history/2', 'history');
-- history is not vread.
SET fhir_access.membership = 'history';
SELECT count(*) FILTER (WHERE vread IS NOT NULL) AS given, count(*) FILTER (WHERE allowed) AS allowed FROM tried;
SELECT count(*) FROM patient_history;
-- Who may see all sees what is gone, less what any entry hides.
SET fhir_access.membership = 'all';
SELECT version, vread - 'resourceType' - 'id' AS vread FROM tried WHERE vread IS NOT NULL;
-- Of a project, what was its own and is: not the version that was another's.
SET fhir_access.membership = 'project';
SELECT version, vread - 'resourceType' - 'id' AS vread, allowed FROM tried WHERE version LIKE 'eve%';
-- It follows the session.
PREPARE one AS SELECT fhir_access.vread('Patient', 'ann', '2') ? 'telecom' AS telecom;
EXECUTE one;
SET fhir_access.membership = 'versions';
EXECUTE one;

-- Privileges: those of the table that the version is in.
\c - postgres
SET fhir_access.membership = 'versions';
GRANT SELECT ON patient_archive TO version_reader;
SET ROLE version_reader;
SELECT fhir_access.vread('Patient', 'ann', '2') AS not_there, fhir_access.vread('Patient', 'ann', '7') ->> 'id' AS archived;
RESET ROLE;
REVOKE SELECT ON patient_archive FROM version_reader;
SET ROLE version_reader;
SELECT fhir_access.vread('Patient', 'ann', '7');
RESET ROLE;
-- A superuser reads all.
RESET fhir_access.membership;
SELECT fhir_access.vread('Patient', 'ann', '1') - 'resourceType' AS vread, fhir_access.vread('Patient', 'del', '1') ->> 'id' AS gone;
