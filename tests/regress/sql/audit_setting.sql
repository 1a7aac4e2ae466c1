-- The setting of the audit trail: who may change it, and that no client sees a line. What the lines hold is tested where
-- the server's log can be read (tests/operations).
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES ('p1', '{"resourceType": "Patient", "id": "p1"}');
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "change",
  "resource": [{"resourceType": "Patient", "interaction": ["search", "update"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "m1",
  "accessPolicy": {"reference": "AccessPolicy/change"}}');

-- Nothing is recorded unless somebody asks for it.
SELECT setting, boot_val, enumvals, context FROM pg_settings WHERE name = 'fhir_access.audit';
SET fhir_access.audit = 'writes';
SET fhir_access.audit = 'everything';
SHOW fhir_access.audit;
RESET fhir_access.audit;

-- An administrator sets it for a database or a role.
ALTER DATABASE :DBNAME SET fhir_access.audit = 'all';
\c - app
SHOW fhir_access.audit;

-- Whoever is recorded cannot change that, in any way.
SET fhir_access.audit = off;
SET LOCAL fhir_access.audit = off;
RESET fhir_access.audit;
RESET ALL;
DISCARD ALL;
SELECT set_config('fhir_access.audit', 'off', false);
ALTER ROLE app SET fhir_access.audit = off;
SET ROLE app;
CREATE FUNCTION pg_temp.quietly() RETURNS bigint LANGUAGE sql SET fhir_access.audit = off AS 'SELECT count(*) FROM patient';
\! PGOPTIONS="-c fhir_access.audit=off" psql -X -A -t -U app -c "SELECT 1" 2>&1 | sed 's/.*FATAL/FATAL/'
SHOW fhir_access.audit;

-- No client sees a line, whatever it wants to see.
SET fhir_access.membership = 'm1';
SET client_min_messages = log;
SELECT id FROM patient;
UPDATE patient SET id = id;
DELETE FROM patient;
TRUNCATE patient;
RESET client_min_messages;

-- The right to set it can be given away.
\c - postgres
GRANT SET ON PARAMETER fhir_access.audit TO clinician;
\c - clinician
SET fhir_access.audit = denied;
SHOW fhir_access.audit;
\c - postgres
REVOKE SET ON PARAMETER fhir_access.audit FROM clinician;

-- What cannot be recorded is not done: the log must take the lines.
SET log_min_messages = panic;
UPDATE patient SET resource = '{}';
TRUNCATE patient;
SELECT id FROM patient;
SET fhir_access.audit = off;
SELECT * FROM patient;
RESET log_min_messages;
ALTER DATABASE :DBNAME RESET fhir_access.audit;
