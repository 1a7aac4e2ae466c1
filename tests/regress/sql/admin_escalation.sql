-- What an administrator writes reaches nothing that its project does not reach: no other project, no other project's
-- policies, no super administrator's rights. Each of these is tried, and comes to nothing.
\ir prologue.sql

INSERT INTO fhir_access.project (resource) VALUES
('{"resourceType": "Project", "id": "north", "link": [{"project": {"reference": "Project/south"}}]}'),
('{"resourceType": "Project", "id": "south"}'),
('{"resourceType": "Project", "id": "root", "superAdmin": true}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "north-all", "meta": {"project": "north"}, "resource": [{"resourceType": "*"}]}'),
('{"resourceType": "AccessPolicy", "id": "south-secret", "meta": {"project": "south"},
   "resource": [{"resourceType": "Patient", "criteria": "Patient?identifier=celebrity"}]}'),
('{"resourceType": "AccessPolicy", "id": "root-all", "meta": {"project": "root"}, "resource": [{"resourceType": "ProjectMembership"}, {"resourceType": "*"}]}'),
('{"resourceType": "AccessPolicy", "id": "shared", "resource": [{"resourceType": "Observation"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "admin", "project": {"reference": "Project/north"}, "admin": true, "accessPolicy": {"reference": "AccessPolicy/north-all"}}'),
('{"resourceType": "ProjectMembership", "id": "given", "project": {"reference": "Project/north"}, "accessPolicy": {"reference": "AccessPolicy/shared"}}'),
('{"resourceType": "ProjectMembership", "id": "theirs", "project": {"reference": "Project/south"}, "accessPolicy": {"reference": "AccessPolicy/south-secret"}}'),
-- Of no project, and one whose tags say otherwise than it does.
('{"resourceType": "ProjectMembership", "id": "loose", "accessPolicy": {"reference": "AccessPolicy/shared"}}'),
('{"resourceType": "ProjectMembership", "id": "tagged", "meta": {"project": "north"}, "project": {"reference": "Project/south"}}');
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA fhir_access TO app;
REVOKE INSERT, UPDATE, DELETE ON fhir_access.protection FROM app;
CREATE VIEW projects AS SELECT id, resource #>> '{project,reference}' AS project, resource #>> '{accessPolicy,reference}' AS policy,
    resource #> '{meta,project}' AS tag FROM fhir_access.project_membership ORDER BY id;
\c - app
SET fhir_access.membership = 'admin';
SELECT id FROM fhir_access.project_membership ORDER BY id;

-- A membership of another project, of the super administrators', or of none, which no project would bound: it is of its own.
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "n1", "project": {"reference": "Project/south"}}'),
('{"resourceType": "ProjectMembership", "id": "n2", "project": {"reference": "Project/root"}, "meta": {"project": "root"}}'),
('{"resourceType": "ProjectMembership", "id": "n3"}'),
('{"resourceType": "ProjectMembership", "id": "n4", "project": {"reference": "Project/south", "display": "south"}, "admin": true}')
RETURNING id, resource -> 'project' AS project, resource #> '{meta,project}' AS tag;
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "project": {"reference": "Project/south/_history/1"}}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "project": [{"reference": "Project/north"}, {"reference": "Project/south"}]}');
-- Nor is one moved there, or freed of its project.
UPDATE fhir_access.project_membership SET resource = resource || '{"project": {"reference": "Project/root"}}' WHERE id = 'n1' RETURNING resource -> 'project' AS project;
UPDATE fhir_access.project_membership SET resource = resource - 'project' WHERE id = 'n1' RETURNING resource -> 'project' AS project;
UPDATE fhir_access.project_membership SET resource = '{"resourceType": "ProjectMembership", "meta": {"project": "root"}}' WHERE id = 'n1' RETURNING resource;

-- Somebody else's membership is not to be had: not by name, by its id, or by an upsert.
UPDATE fhir_access.project_membership SET resource = resource || '{"admin": true}' WHERE id IN ('theirs', 'loose', 'tagged') RETURNING id;
DELETE FROM fhir_access.project_membership WHERE id IN ('theirs', 'loose', 'tagged') RETURNING id;
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "theirs"}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "theirs"}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "loose"}')
    ON CONFLICT (id) DO UPDATE SET resource = fhir_access.project_membership.resource || '{"admin": true}';
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "theirs"}') ON CONFLICT DO NOTHING RETURNING id;
MERGE INTO fhir_access.project_membership m USING (VALUES ('theirs')) AS v(id) ON m.id = v.id
    WHEN MATCHED THEN UPDATE SET resource = m.resource || '{"admin": true}'
    WHEN NOT MATCHED THEN INSERT (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "theirs"}');
UPDATE fhir_access.project_membership SET resource = resource || '{"id": "theirs"}' WHERE id = 'n1';

-- A policy of another project, of the super administrators', of nobody, or one that is not there: all are the same to it.
-- What such a policy says would be told by explain().
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "n5", "accessPolicy": {"reference": "AccessPolicy/south-secret"}}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "n5", "access": [{"policy": {"reference": "AccessPolicy/north-all"}}, {"policy": {"reference": "AccessPolicy/root-all"}}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "n5", "accessPolicy": {"reference": "AccessPolicy/shared"}}');
UPDATE fhir_access.project_membership SET resource = resource || '{"accessPolicy": {"reference": "AccessPolicy/absent"}}' WHERE id = 'n1';
INSERT INTO fhir_access.project_membership (resource)
    SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', 'n5', 'accessPolicy', '{"reference": "AccessPolicy/shared"}'::jsonb);
-- One that the membership has from elsewhere may stay; to another membership it does not go.
UPDATE fhir_access.project_membership SET resource = resource || '{"externalId": "7"}' WHERE id = 'given' RETURNING resource;
UPDATE fhir_access.project_membership n SET resource = n.resource || jsonb_build_object('accessPolicy', g.resource -> 'accessPolicy')
  FROM fhir_access.project_membership g WHERE g.id = 'given' AND n.id = 'n1';
INSERT INTO fhir_access.project_membership (resource) SELECT resource || '{"externalId": "8"}' FROM fhir_access.project_membership WHERE id = 'given'
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource RETURNING resource ->> 'externalId' AS external;

-- Project/north does not become a super administrators' project, nor does it get a link; there are no new projects.
UPDATE fhir_access.project SET resource = resource || '{"superAdmin": true, "link": [{"project": {"reference": "Project/root"}}]}' WHERE id = 'north' RETURNING resource;
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "mine", "superAdmin": true}');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "north", "superAdmin": true, "name": "N"}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource RETURNING resource;
UPDATE fhir_access.project SET resource = resource || '{"name": "theirs"}' WHERE id = 'south';
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "south"}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;

-- The same where readonly fields are refused rather than put back.
SET fhir_access.readonly_violation = 'error';
UPDATE fhir_access.project SET resource = resource || '{"superAdmin": true}' WHERE id = 'north';
UPDATE fhir_access.project_membership SET resource = resource - 'project' WHERE id = 'n1';
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "n6", "project": {"reference": "Project/south"}}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "n6"}') RETURNING resource -> 'project' AS project;
RESET fhir_access.readonly_violation;

-- What the administrator made is bounded as the administrator is.
SET fhir_access.membership = 'n2';
SELECT project FROM fhir_access.session();
SELECT count(*) FROM fhir_access.project_membership;
SET fhir_access.membership = 'n4';
SELECT project FROM fhir_access.session();
SELECT DISTINCT resource #>> '{project,reference}' AS project FROM fhir_access.project_membership;

-- All of it as it is now.
\c - postgres
SELECT * FROM projects;
SELECT id, resource FROM fhir_access.project ORDER BY id;
