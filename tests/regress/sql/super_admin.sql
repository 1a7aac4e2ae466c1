-- A membership of a super admin project reads and writes every document, unless its policies name the type; so a policy is
-- given, moved and taken over SQL. Being the project's administrator is not needed for it.
\ir prologue.sql

INSERT INTO fhir_access.project (resource) VALUES
('{"resourceType": "Project", "id": "root", "superAdmin": true}'),
('{"resourceType": "Project", "id": "north", "systemSecret": [{"name": "k", "valueString": "v"}]}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "auditor", "meta": {"project": "root"}, "resource": [
   {"resourceType": "ProjectMembership", "readonly": true, "hiddenFields": ["user"]}, {"resourceType": "Project", "interaction": []}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "root", "project": {"reference": "Project/root"}}'),
('{"resourceType": "ProjectMembership", "id": "auditor", "project": {"reference": "Project/root"}, "accessPolicy": {"reference": "AccessPolicy/auditor"}}'),
('{"resourceType": "ProjectMembership", "id": "n", "project": {"reference": "Project/north"}, "user": {"reference": "User/u"}, "admin": true}');
GRANT SELECT, INSERT, UPDATE, DELETE ON fhir_access.access_policy, fhir_access.project_membership, fhir_access.project TO app;
\c - app

SET fhir_access.membership = 'root';
SELECT id, resource FROM fhir_access.project ORDER BY id;
SELECT id FROM fhir_access.project_membership ORDER BY id;
-- Policies, with the project that they are for; without one they are the super admin project's.
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "for-north", "meta": {"project": "north"}, "resource": [{"resourceType": "Patient"}]}'),
('{"resourceType": "AccessPolicy", "id": "for-root", "resource": [{"resourceType": "Patient"}]}') RETURNING id, resource #> '{meta,project}' AS project;
-- Memberships of any project, under any policy.
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "project": {"reference": "Project/north"}, "user": {"reference": "User/v"}, "accessPolicy": {"reference": "AccessPolicy/for-root"}}')
RETURNING resource;
UPDATE fhir_access.project_membership SET resource = resource || '{"project": {"reference": "Project/root"}}' WHERE id = 'm' RETURNING resource -> 'project' AS project;
UPDATE fhir_access.project SET resource = resource || '{"name": "N", "superAdmin": false}' WHERE id = 'north' RETURNING resource;
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "south"}') RETURNING id;
DELETE FROM fhir_access.project WHERE id = 'south' RETURNING id;
DELETE FROM fhir_access.access_policy WHERE id = 'for-root' RETURNING id;
-- What does not validate is refused.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "resource": [{"resourceType": "Patient", "criteria": "Patient?nmae=x"}]}');
TRUNCATE fhir_access.access_policy;

-- A policy that names such a type limits it, for that membership.
SET fhir_access.membership = 'auditor';
SELECT id, resource -> 'user' AS "user" FROM fhir_access.project_membership ORDER BY id;
UPDATE fhir_access.project_membership SET resource = resource || '{"admin": true}' WHERE id = 'n';
SELECT count(*) FROM fhir_access.project;
SELECT id FROM fhir_access.access_policy ORDER BY id;

-- A project's own administrator gives its members a policy that is the project's.
SET fhir_access.membership = 'n';
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "p", "accessPolicy": {"reference": "AccessPolicy/for-north"}}') RETURNING resource;
SET fhir_access.membership = 'p';
SELECT project, policies FROM fhir_access.session();
