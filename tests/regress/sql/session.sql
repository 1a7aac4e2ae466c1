-- Who is asking: the settings and who may set them, the forms a membership may have, and how changes elsewhere, rollback
-- and savepoints reach a session.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient SELECT id, jsonb_build_object('resourceType', 'Patient', 'id', id) FROM unnest('{ann,bob,cid}'::text[]) AS id;
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "one", "resource": [{"resourceType": "Patient", "criteria": "Patient?_id=%who"}]}'),
('{"resourceType": "AccessPolicy", "id": "self", "resource": [{"resourceType": "Patient", "criteria": "Patient?_id=%profile.id"}]}'),
('{"resourceType": "AccessPolicy", "id": "nothing"}');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "p1"}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "ann", "profile": {"reference": "Patient/ann"}, "accessPolicy": {"reference": "AccessPolicy/self"}}'),
('{"resourceType": "ProjectMembership", "id": "bob", "profile": {"reference": "Patient/bob"}, "accessPolicy": {"reference": "AccessPolicy/self"}}'),
('{"resourceType": "ProjectMembership", "id": "inactive", "active": false, "accessPolicy": {"reference": "AccessPolicy/self"}}'),
('{"resourceType": "ProjectMembership", "id": "undefined", "accessPolicy": {"reference": "AccessPolicy/one"}}'),
('{"resourceType": "ProjectMembership", "id": "missing", "access": [{"policy": {"reference": "AccessPolicy/gone"}}]}'),
('{"resourceType": "ProjectMembership", "id": "no-policy"}'),
('{"resourceType": "ProjectMembership", "id": "nothing", "accessPolicy": {"reference": "AccessPolicy/nothing"}}');

-- ---------------------------------------------------------------------------------------------------------------------
-- Who may say who is asking. A role that was not granted the parameter cannot, by no way there is.
\c - clinician
SET fhir_access.membership = 'ann';
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.client_ip = '127.0.0.1';
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.require_policy = off;
\echo :LAST_ERROR_SQLSTATE
SELECT set_config('fhir_access.membership', 'ann', true);
\echo :LAST_ERROR_SQLSTATE
SELECT fhir_access.set_session('ann');
\echo :LAST_ERROR_SQLSTATE
ALTER ROLE clinician SET fhir_access.membership = 'ann';
\echo :LAST_ERROR_SQLSTATE
CREATE FUNCTION pg_temp.sneak() RETURNS text LANGUAGE sql SET fhir_access.membership = 'ann' AS 'SELECT 1::text';
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.no_such_setting = 'x';
\echo :LAST_ERROR_SQLSTATE
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE

-- An administrator binds the user to a membership. It holds from the next connection on, and cannot be changed there.
\c - postgres
ALTER ROLE clinician IN DATABASE :DBNAME SET fhir_access.membership = 'bob';
\c - clinician
SELECT id FROM patient;
SET fhir_access.membership = 'ann';
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = '';
\echo :LAST_ERROR_SQLSTATE
RESET fhir_access.membership;
RESET ALL;
DISCARD ALL;
SELECT id FROM patient;
SET ROLE NONE;
SELECT membership, profile FROM fhir_access.session();

-- Nor on the way in: how often does this user get to see ann by asking for her when it connects?
\! PGOPTIONS="-c fhir_access.membership=ann" psql -X -A -t -U clinician -c "SELECT id FROM patient" 2>&1 | grep -c '^ann'

-- The application was granted the parameters, and switches as it likes, on the way in too. It cannot pass that on, or do
-- more than that.
\! PGOPTIONS="-c fhir_access.membership=ann" psql -X -q -U app -c "SELECT membership FROM fhir_access.session()"
\c - app
SET fhir_access.membership = 'ann';
SELECT id FROM patient;
GRANT SET ON PARAMETER fhir_access.membership TO clinician;
ALTER ROLE clinician SET fhir_access.membership = 'ann';
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.require_policy = off;
\echo :LAST_ERROR_SQLSTATE

-- Reading documents takes no privilege of the role whose statements they govern; looking at them does.
SELECT has_table_privilege('fhir_access.access_policy', 'SELECT') AS policies,
       has_table_privilege('fhir_access.project_membership', 'SELECT') AS memberships,
       has_table_privilege('fhir_access.project', 'SELECT') AS projects;

-- ---------------------------------------------------------------------------------------------------------------------
-- The forms of a membership: an id, a reference, a document, nothing; anything else is refused when it is set.
SET fhir_access.membership = 'ProjectMembership/bob';
SELECT id FROM patient;
SET fhir_access.membership = '{"resourceType": "ProjectMembership",
    "access": [{"policy": {"reference": "AccessPolicy/one"}, "parameter": [{"name": "who", "valueString": "cid"}]}]}';
SELECT id FROM patient;
SET fhir_access.membership = '';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'Patient/ann';
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'no such id';
SET fhir_access.membership = '[]';
-- A document is checked when it is used, and the error names what is wrong in it.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "access": ';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "admin": "yes"}';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = '{"resourceType": "Patient"}';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE

-- ---------------------------------------------------------------------------------------------------------------------
-- set_session: both settings at once, until the end of the transaction, or of the session.
RESET ALL;
BEGIN;
SELECT fhir_access.set_session('ann', '203.0.113.7');
SELECT membership, client_ip FROM fhir_access.session();
SELECT id FROM patient;
COMMIT;
SELECT membership, client_ip FROM fhir_access.session();
SELECT fhir_access.set_session('bob', is_local => false);
SELECT membership, profile, project, client_ip, ip_verdict, policies FROM fhir_access.session();
SELECT fhir_access.set_session('bob', 'not an address', false);
\echo :LAST_ERROR_SQLSTATE
-- A failed call changes nothing, neither half.
SELECT fhir_access.set_session('ann', '8.8.8.888', false);
SELECT membership FROM fhir_access.session();
SELECT fhir_access.set_session(NULL, is_local => false);

-- session(): nobody; a policy, a project; the fingerprint is the same for the same access, and another for another.
SELECT * FROM fhir_access.session();
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "id": "x", "project": {"reference": "Project/p1"},
    "profile": {"reference": "Practitioner/p"}, "access": [{"policy": {"reference": "AccessPolicy/self"}},
    {"policy": {"reference": "AccessPolicy/one"}, "parameter": [{"name": "who", "valueString": "cid"}]}]}';
SELECT membership, profile, project, ip_verdict, policies, length(fingerprint) AS length FROM fhir_access.session();
SET fhir_access.membership = 'ann';
SELECT fingerprint AS ann FROM fhir_access.session() \gset
SET fhir_access.membership = 'bob';
SELECT fingerprint = :'ann' AS same FROM fhir_access.session();
SET fhir_access.membership = 'ProjectMembership/ann';
SELECT fingerprint = :'ann' AS same FROM fhir_access.session();

-- ---------------------------------------------------------------------------------------------------------------------
-- Memberships that cannot be used. Each is an error, never a view of nothing or of everything.
SET fhir_access.membership = 'inactive';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'missing';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'undefined';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'unknown';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM fhir_access.session();

-- No policy is everything in the project, as in Medplum; a policy without entries is nothing.
SET fhir_access.membership = 'no-policy';
SELECT id FROM patient ORDER BY id;
SET fhir_access.membership = 'nothing';
SELECT id FROM patient;
-- Unless the database requires a policy.
\c - postgres
ALTER DATABASE :DBNAME SET fhir_access.require_policy = on;
\c - app
SET fhir_access.membership = 'no-policy';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'ann';
SELECT id FROM patient;
-- What is required cannot be waived on the way in: how many patients does the application see who tries?
\! PGOPTIONS="-c fhir_access.require_policy=off -c fhir_access.membership=no-policy" psql -X -A -t -U app -c "SELECT id FROM patient" 2>&1 | grep -cE '^(ann|bob|cid)'
\c - postgres
ALTER DATABASE :DBNAME RESET fhir_access.require_policy;
\c - app

-- ---------------------------------------------------------------------------------------------------------------------
-- Settings follow transactions and savepoints, and prepared statements follow the settings.
SET fhir_access.membership = 'ann';
PREPARE who AS SELECT array_agg(id ORDER BY id) AS patients FROM patient;
EXECUTE who;
BEGIN;
SET LOCAL fhir_access.membership = 'bob';
EXECUTE who;
SAVEPOINT s;
SET LOCAL fhir_access.membership = 'no-policy';
EXECUTE who;
ROLLBACK TO s;
EXECUTE who;
SET fhir_access.membership = 'nothing';
EXECUTE who;
ROLLBACK;
EXECUTE who;

-- ---------------------------------------------------------------------------------------------------------------------
-- A policy that another session changes holds here from the next statement after its commit, in this transaction too.
BEGIN;
SELECT array_agg(id ORDER BY id) AS patients FROM patient;
\! psql -X -q -c "UPDATE fhir_access.access_policy SET resource = resource || '{\"resource\": [{\"resourceType\": \"Patient\", \"criteria\": \"Patient?_id=ann,cid\"}]}' WHERE id = 'self'"
SELECT array_agg(id ORDER BY id) AS patients FROM patient;
-- A plan that was made in this transaction for the old policy never answers for it: it is made anew.
EXECUTE who;
\! psql -X -q -c "UPDATE fhir_access.access_policy SET resource = resource || '{\"resource\": [{\"resourceType\": \"Patient\", \"criteria\": \"Patient?_id=ann,bob\"}]}' WHERE id = 'self'"
EXECUTE who;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
EXECUTE who;
\! psql -X -q -c "UPDATE fhir_access.project_membership SET resource = resource || '{\"active\": false}' WHERE id = 'ann'"
EXECUTE who;
\echo :LAST_ERROR_SQLSTATE
\! psql -X -q -c "UPDATE fhir_access.project_membership SET resource = resource || '{\"active\": true}' WHERE id = 'ann'"
EXECUTE who;
\! psql -X -q -c "DELETE FROM fhir_access.access_policy WHERE id = 'self'"
EXECUTE who;
\echo :LAST_ERROR_SQLSTATE
-- What is not committed elsewhere does not hold here.
\! psql -X -q -c "BEGIN" -c "INSERT INTO fhir_access.access_policy (resource) VALUES ('{\"resourceType\": \"AccessPolicy\", \"id\": \"self\"}')" -c "ROLLBACK"
EXECUTE who;
\c - postgres
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "self", "resource": [{"resourceType": "Patient", "criteria": "Patient?_id=%profile.id"}]}');

-- A snapshot of the data is no snapshot of the policies.
SET fhir_access.membership = 'ann';
SET ROLE app;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT id FROM patient;
\! psql -X -q -c "UPDATE fhir_access.access_policy SET resource = resource || '{\"resource\": [{\"resourceType\": \"Patient\", \"criteria\": \"Patient?_id=cid\"}]}' WHERE id = 'self'"
SELECT id FROM patient;
COMMIT;
-- Parallel workers answer for the session that they work for.
SET force_parallel_mode = on;
SELECT id FROM patient;
SET fhir_access.membership = 'no-policy';
SELECT id FROM patient ORDER BY id;
RESET force_parallel_mode;
RESET ROLE;
UPDATE fhir_access.access_policy SET resource = resource || '{"resource": [{"resourceType": "Patient", "criteria": "Patient?_id=%profile.id"}]}' WHERE id = 'self';

-- A document that came past its validation, as by replication, is refused when it is used.
SET session_replication_role = replica;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "wrong", "resource": [{"resourceType": "Patent"}]}');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "wrong", "superAdmin": "yes"}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "wrong", "admin": "yes"}'),
('{"resourceType": "ProjectMembership", "id": "wrong-policy", "accessPolicy": {"reference": "AccessPolicy/wrong"}}'),
('{"resourceType": "ProjectMembership", "id": "wrong-project", "project": {"reference": "Project/wrong"}}');
RESET session_replication_role;
SET ROLE app;
SET fhir_access.membership = 'wrong';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = 'wrong-policy';
SELECT id FROM patient;
SET fhir_access.membership = 'wrong-project';
SELECT id FROM patient;
RESET ROLE;

-- A change of one's own holds from the next statement on, and a rollback takes it back: here a superuser changes the policy
-- between two statements that it runs as the application.
SET fhir_access.membership = 'ann';
PREPARE who AS SELECT array_agg(id ORDER BY id) AS patients FROM patient;
SET ROLE app;
EXECUTE who;
RESET ROLE;
BEGIN;
UPDATE fhir_access.access_policy SET resource = resource || '{"resource": [{"resourceType": "Patient", "criteria": "Patient?_id=cid"}]}' WHERE id = 'self';
SET LOCAL ROLE app;
EXECUTE who;
RESET ROLE;
SAVEPOINT s;
DELETE FROM fhir_access.project_membership WHERE id = 'ann';
SET LOCAL ROLE app;
SAVEPOINT t;
EXECUTE who;
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SET LOCAL ROLE app;
EXECUTE who;
ROLLBACK;
SET ROLE app;
EXECUTE who;
RESET ROLE;
TRUNCATE fhir_access.project_membership;
SET ROLE app;
EXECUTE who;
\echo :LAST_ERROR_SQLSTATE
