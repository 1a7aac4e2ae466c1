-- The documents are under policies themselves. Nobody but their owner has any right to their tables; whom the owner grants
-- some sees and writes what the session's membership may: an administrator the memberships and the Project of its own
-- project, everybody else nothing.
\ir prologue.sql

INSERT INTO fhir_access.project (resource) VALUES
('{"resourceType": "Project", "id": "north", "name": "North", "features": ["bots"], "setting": [{"name": "s", "valueString": "x"}],
   "systemSecret": [{"name": "k", "valueString": "y"}], "link": [{"project": {"reference": "Project/library"}}]}'),
('{"resourceType": "Project", "id": "south"}'),
('{"resourceType": "Project", "id": "library", "secret": [{"name": "k", "valueString": "z"}]}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "nurse", "meta": {"project": "north"}, "resource": [{"resourceType": "Patient"}]}'),
('{"resourceType": "AccessPolicy", "id": "everything", "meta": {"project": "north"},
   "resource": [{"resourceType": "*"}, {"resourceType": "ProjectMembership"}, {"resourceType": "AccessPolicy"}, {"resourceType": "Project"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "n-admin", "project": {"reference": "Project/north"}, "admin": true, "user": {"reference": "User/ada"},
   "accessPolicy": {"reference": "AccessPolicy/nurse"}}'),
('{"resourceType": "ProjectMembership", "id": "n-nurse", "project": {"reference": "Project/north"}, "user": {"reference": "User/ben"},
   "accessPolicy": {"reference": "AccessPolicy/nurse"}}'),
('{"resourceType": "ProjectMembership", "id": "n-all", "project": {"reference": "Project/north"}, "accessPolicy": {"reference": "AccessPolicy/everything"}}'),
('{"resourceType": "ProjectMembership", "id": "n-free", "project": {"reference": "Project/north"}}'),
('{"resourceType": "ProjectMembership", "id": "s-admin", "project": {"reference": "Project/south"}, "admin": true}'),
('{"resourceType": "ProjectMembership", "id": "nowhere", "admin": true}');

-- By default there is no right to them.
\c - app
SET fhir_access.membership = 'n-admin';
SELECT count(*) FROM fhir_access.project_membership;
\echo :LAST_ERROR_SQLSTATE

-- The database's owner grants one. (The other columns of a row follow from its resource.)
\c - postgres
GRANT SELECT, DELETE, TRUNCATE, INSERT (resource), UPDATE (resource) ON fhir_access.project_membership, fhir_access.project, fhir_access.access_policy TO app;

-- An administrator sees the memberships of its project, that and the linked Project, and no policies.
\c - app
SET fhir_access.membership = 'n-admin';
SELECT id, resource FROM fhir_access.project_membership ORDER BY id;
SELECT id, resource FROM fhir_access.project ORDER BY id;
SELECT count(*) FROM fhir_access.access_policy;
SELECT fhir_access.read('ProjectMembership', 'n-nurse') ->> 'id' AS own, fhir_access.read('ProjectMembership', 's-admin') AS another;
SELECT place, policy, criteria, readonly_fields FROM fhir_access.explain('ProjectMembership', 'update');
SELECT allowed, reason FROM fhir_access.check('ProjectMembership/s-admin', 'update');

-- It edits them. The change counts at once; project and user stay as they were, whatever is sent.
UPDATE fhir_access.project_membership
   SET resource = resource || '{"active": false, "project": {"reference": "Project/south"}, "user": {"reference": "User/eve"}}'
 WHERE id = 'n-nurse' RETURNING resource;
SET fhir_access.membership = 'n-nurse';
SELECT fhir_access.session();
SET fhir_access.membership = 'n-admin';
UPDATE fhir_access.project_membership SET resource = resource - 'active' WHERE id = 'n-nurse';
DELETE FROM fhir_access.project_membership WHERE id = 'n-free' RETURNING id;
-- A new one is of its project; it gets an id, and no user.
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "user": {"reference": "User/cleo"}, "profile": {"reference": "Practitioner/cleo"},
   "accessPolicy": {"reference": "AccessPolicy/nurse"}}')
RETURNING length(id), resource - 'id' AS resource;
DELETE FROM fhir_access.project_membership WHERE resource @> '{"profile": {"reference": "Practitioner/cleo"}}';
-- What does not validate is refused as always.
UPDATE fhir_access.project_membership SET resource = resource || '{"active": "no"}' WHERE id = 'n-nurse';
-- COPY and upserts are like any table's.
COPY fhir_access.project_membership (resource) FROM STDIN;
{"resourceType": "ProjectMembership", "id": "copied", "accessPolicy": {"reference": "AccessPolicy/nurse"}}
\.
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "copied", "active": false, "accessPolicy": {"reference": "AccessPolicy/nurse"}}')
ON CONFLICT (id) DO UPDATE SET resource = excluded.resource RETURNING resource;
TRUNCATE fhir_access.project_membership;
-- Its Project: name and settings are its own to change, the rest is not.
UPDATE fhir_access.project SET resource = resource || '{"name": "Nord", "superAdmin": true, "features": [], "strictMode": true, "link": []}'
 WHERE id = 'north' RETURNING resource;
UPDATE fhir_access.project SET resource = resource || '{"name": "mine"}' WHERE id = 'library';
DELETE FROM fhir_access.project WHERE id = 'north';
-- Policies are not an administrator's to write.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "mine", "resource": [{"resourceType": "*"}]}');
UPDATE fhir_access.access_policy SET resource = resource || '{"resource": []}' WHERE id = 'nurse';

-- Everybody else sees nothing and writes nothing: not under a policy that names these types, nor without a policy, nor as an
-- administrator of no project.
CREATE FUNCTION pg_temp.tried(membership text) RETURNS TABLE (seen text, created text, updated bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fhir_access.set_session(membership, NULL, false);
    SELECT concat_ws('/', (SELECT count(*) FROM fhir_access.project_membership), (SELECT count(*) FROM fhir_access.project),
                     (SELECT count(*) FROM fhir_access.access_policy)) INTO seen;
    UPDATE fhir_access.project_membership SET resource = resource || '{"admin": true}';
    GET DIAGNOSTICS updated = ROW_COUNT;
    BEGIN
        INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "x", "admin": true}');
        created := 'created';
    EXCEPTION WHEN insufficient_privilege THEN
        created := SQLSTATE || ' ' || SQLERRM;
    END;
    RETURN NEXT;
END $$;
SELECT * FROM pg_temp.tried('n-nurse');
SELECT * FROM pg_temp.tried('n-all');
SELECT * FROM pg_temp.tried('{"resourceType": "ProjectMembership", "project": {"reference": "Project/north"}}');
SELECT * FROM pg_temp.tried('nowhere');
-- And without a membership it is an error, as everywhere.
SET fhir_access.membership = '';
SELECT count(*) FROM fhir_access.project;
\echo :LAST_ERROR_SQLSTATE

-- An administrator may give up its own rights. What it wrote before counts, and the next statement is judged anew.
SET fhir_access.membership = 's-admin';
UPDATE fhir_access.project_membership SET resource = resource - 'admin' WHERE id = 's-admin' RETURNING id;
UPDATE fhir_access.project_membership SET resource = resource || '{"admin": true}' WHERE id = 's-admin' RETURNING id;
SELECT count(*) FROM fhir_access.project_membership;

-- Nothing changes for superusers and roles with BYPASSRLS; unprotect() does not reach these tables, nor does protect(), and
-- doctor() looks after them.
\c - postgres
SELECT count(*) FROM fhir_access.project_membership;
UPDATE fhir_access.project_membership SET resource = resource || '{"admin": true}' WHERE id = 's-admin';
COPY fhir_access.project_membership (resource) FROM STDIN;
{"resourceType": "ProjectMembership", "id": "copied2", "accessPolicy": {"reference": "AccessPolicy/nurse"}}
\.
SELECT fhir_access.unprotect('fhir_access.project');
SELECT fhir_access.protect('fhir_access.project', 'Project');
SELECT count(*) FROM fhir_access.protected_relation;
SELECT severity, subject, message, hint FROM fhir_access.doctor() WHERE severity = 'error';
ALTER TABLE fhir_access.project DISABLE TRIGGER zzz_fhir_access, NO FORCE ROW LEVEL SECURITY;
SELECT severity, subject, message, hint FROM fhir_access.doctor() WHERE severity = 'error';
\c - app
SET fhir_access.membership = 'n-admin';
SELECT count(*) FROM fhir_access.project;
\c - postgres
ALTER TABLE fhir_access.project FORCE ROW LEVEL SECURITY;
\c - app
SET fhir_access.membership = 'n-admin';
UPDATE fhir_access.project SET resource = resource WHERE id = 'north';

-- They go with the extension.
\c - postgres
SELECT polrelid::regclass, polname FROM pg_policy ORDER BY polrelid::regclass::text, polname;
DROP EXTENSION fhir_access;
SELECT count(*) FROM pg_policy;
