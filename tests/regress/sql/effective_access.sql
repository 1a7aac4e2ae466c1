-- What a membership may do, point by point as in the section "Effective access" of the semantics: order of entries,
-- parameters, no policy, defaults, administration, project isolation.
\ir prologue.sql

-- One table for each type of this file; may() lists the interactions that some entry can grant on a type.
DO $$
DECLARE
    type text;
BEGIN
    FOREACH type IN ARRAY '{Patient,Observation,SearchParameter,StructureDefinition,AccessPolicy,Project,ProjectMembership,User,
                            UserSecurityRequest,PasswordChangeRequest,Package,PackageRelease,PackageInstallation,Cron,
                            Login,JsonWebKey,DomainConfiguration}'::text[] LOOP
        EXECUTE format('CREATE TABLE %I (id text PRIMARY KEY, resource jsonb NOT NULL)', lower(type));
        PERFORM fhir_access.protect(lower(type)::regclass, type);
    END LOOP;
END $$;
CREATE FUNCTION may(type text) RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT string_agg(i, ' ' ORDER BY n)
              FROM unnest('{read,vread,search,history,create,update,delete}'::text[]) WITH ORDINALITY AS t (i, n)
             WHERE EXISTS (SELECT FROM fhir_access.explain(type, i)));
CREATE VIEW rights AS SELECT resource_type, may(resource_type) FROM fhir_access.protected_relation ORDER BY resource_type COLLATE "C";
GRANT SELECT ON rights TO app;

INSERT INTO patient VALUES
    ('a', '{"resourceType": "Patient", "id": "a", "gender": "female", "telecom": [{"value": "1"}], "birthDate": "1980-01-01",
            "managingOrganization": {"reference": "Organization/org"}, "address": [{"state": "CA"}]}'),
    ('b', '{"resourceType": "Patient", "id": "b", "gender": "male", "telecom": [{"value": "2"}], "birthDate": "1990-01-01",
            "managingOrganization": {"reference": "Organization/org-parent"}, "address": [{"state": "NY, NJ"}]}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["telecom"]}]}'),
('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "Patient", "hiddenFields": ["birthDate"]}]}'),
('{"resourceType": "AccessPolicy", "id": "org", "resource": [{"resourceType": "Patient", "criteria": "Patient?organization=%org_parent"}]}'),
('{"resourceType": "AccessPolicy", "id": "state", "resource": [{"resourceType": "Patient", "criteria": "Patient?address-state=%state"}]}'),
('{"resourceType": "AccessPolicy", "id": "mine", "resource": [{"resourceType": "Patient", "criteria": "Patient?_id=%patient.id"}]}'),
('{"resourceType": "AccessPolicy", "id": "nothing"}'),
('{"resourceType": "AccessPolicy", "id": "star", "resource": [{"resourceType": "*"}]}');

-- ---------------------------------------------------------------------------------------------------------------------
-- 1. accessPolicy comes first, then access[] in order. The first entry that grants a row decides what is hidden in it.
SET ROLE app;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/women"},
    "access": [{"policy": {"reference": "AccessPolicy/all"}}]}';
SELECT place, policy, hidden_fields FROM fhir_access.explain('Patient') ORDER BY place;
SELECT id, resource ? 'telecom' AS telecom, resource ? 'birthDate' AS birth_date FROM patient ORDER BY id;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/all"},
    "access": [{"policy": {"reference": "AccessPolicy/women"}}]}';
SELECT id, resource ? 'telecom' AS telecom, resource ? 'birthDate' AS birth_date FROM patient ORDER BY id;

-- ---------------------------------------------------------------------------------------------------------------------
-- 2. Parameters. The longest name is meant: %org never takes the place of the beginning of %org_parent.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "access": [{"policy": {"reference": "AccessPolicy/org"}, "parameter": [
    {"name": "org", "valueReference": {"reference": "Organization/org"}},
    {"name": "org_parent", "valueReference": {"reference": "Organization/org-parent"}}]}]}';
SELECT id FROM patient;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "access": [{"policy": {"reference": "AccessPolicy/org"}, "parameter": [
    {"name": "org", "valueReference": {"reference": "Organization/org"}}]}]}';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE

-- A valueString may be a comma list, with \, for a comma within; it is never more than values.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "access": [{"policy": {"reference": "AccessPolicy/state"}, "parameter": [
    {"name": "state", "valueString": "CA,OR"}]}]}';
SELECT id FROM patient;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "access": [{"policy": {"reference": "AccessPolicy/state"}, "parameter": [
    {"name": "state", "valueString": "NY\\, NJ"}]}]}';
SELECT id FROM patient;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "access": [{"policy": {"reference": "AccessPolicy/state"}, "parameter": [
    {"name": "state", "valueString": "CA&_id=b"}]}]}';
SELECT id FROM patient;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "access": [{"policy": {"reference": "AccessPolicy/state"}, "parameter": [
    {"name": "state", "valueString": "x'' OR ''1''=''1"}]}]}';
SELECT id FROM patient;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "access": [{"policy": {"reference": "AccessPolicy/state"}, "parameter": [
    {"name": "state", "valueString": "%profile"}]}]}';
SELECT id FROM patient;

-- %patient is the profile, unless the instance says otherwise; %name.id is the id of a reference.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "profile": {"reference": "Patient/a"}, "accessPolicy": {"reference": "AccessPolicy/mine"}}';
SELECT id FROM patient;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "profile": {"reference": "Patient/a"}, "access": [{"policy": {"reference": "AccessPolicy/mine"},
    "parameter": [{"name": "patient", "valueReference": {"reference": "Patient/b"}}]}]}';
SELECT id FROM patient;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/mine"}}';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE

-- ---------------------------------------------------------------------------------------------------------------------
-- 3. No policy is everything that is no administration. A policy without entries is nothing, but for 4.
SET fhir_access.membership = '{"resourceType": "ProjectMembership"}';
TABLE rights;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/nothing"}}';
SELECT * FROM rights WHERE may IS NOT NULL;
RESET ROLE;

-- ---------------------------------------------------------------------------------------------------------------------
-- 4. SearchParameter and StructureDefinition are readable, unless an entry names them: then it alone decides.
INSERT INTO searchparameter VALUES ('x', '{"resourceType": "SearchParameter", "id": "x"}'), ('y', '{"resourceType": "SearchParameter", "id": "y"}');
INSERT INTO structuredefinition VALUES ('x', '{"resourceType": "StructureDefinition", "id": "x"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "named", "resource": [{"resourceType": "SearchParameter", "criteria": "SearchParameter?_id=x"}]}');
SET ROLE app;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/named"}}';
SELECT id FROM searchparameter ORDER BY id;
SELECT id FROM structuredefinition;
UPDATE structuredefinition SET resource = resource || '{"name": "z"}';
SELECT place, policy, entry FROM fhir_access.explain('StructureDefinition');
RESET ROLE;

-- ---------------------------------------------------------------------------------------------------------------------
-- 5. Administration. `*` does not cover it, and an entry that names such a type counts for a super admin project only.
INSERT INTO fhir_access.project (resource) VALUES
('{"resourceType": "Project", "id": "own", "link": [{"project": {"reference": "Project/linked"}}, {"project": {"reference": "Project/shop"}}]}'),
('{"resourceType": "Project", "id": "linked"}'),
('{"resourceType": "Project", "id": "shop", "exportedResourceType": ["Observation"]}'),
('{"resourceType": "Project", "id": "other"}'),
('{"resourceType": "Project", "id": "super", "superAdmin": true}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "greedy", "resource": [{"resourceType": "*"}, {"resourceType": "AccessPolicy"}, {"resourceType": "Login"},
    {"resourceType": "User", "readonly": true}]}');
INSERT INTO project SELECT id, jsonb_build_object('resourceType', 'Project', 'id', id, 'name', id, 'meta', jsonb_build_object('project', id),
                                                  'superAdmin', false, 'systemSecret', '[]', 'strictMode', true, 'secret', '[]', 'features', '["bots"]'::jsonb)
  FROM unnest('{own,linked,shop,other}'::text[]) AS id;
INSERT INTO projectmembership SELECT 'of-' || id, jsonb_build_object('resourceType', 'ProjectMembership', 'id', 'of-' || id,
        'meta', jsonb_build_object('project', id), 'project', jsonb_build_object('reference', 'Project/' || id), 'user', '{"reference": "User/u"}'::jsonb)
  FROM unnest('{own,linked,other}'::text[]) AS id;
INSERT INTO "user" SELECT 'of-' || id, jsonb_build_object('resourceType', 'User', 'id', 'of-' || id, 'meta', jsonb_build_object('project', id),
        'email', 'x@example.org', 'passwordHash', 'secret', 'mfaSecret', 'secret')
  FROM unnest('{own,linked,other}'::text[]) AS id;
SET ROLE app;

-- A member of a project, with a policy that asks for too much.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "project": {"reference": "Project/own"}, "accessPolicy": {"reference": "AccessPolicy/greedy"}}';
SELECT * FROM rights WHERE may IS NOT NULL;

-- An administrator of the project, with a policy that grants nothing: a fixed set comes to it.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "project": {"reference": "Project/own"}, "admin": true,
    "accessPolicy": {"reference": "AccessPolicy/nothing"}}';
SELECT * FROM rights WHERE may IS NOT NULL;
-- Its own project and the linked ones, of which it sees no secrets.
SELECT id, ARRAY(SELECT k FROM jsonb_object_keys(resource) k WHERE k NOT IN ('resourceType', 'id', 'meta') ORDER BY k) AS fields FROM project ORDER BY id;
UPDATE project SET resource = resource || '{"name": "renamed", "features": ["all"], "superAdmin": true, "strictMode": false}' WHERE id = 'own';
UPDATE project SET resource = resource || '{"name": "renamed"}' WHERE id = 'linked';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM project WHERE id = 'own';
\echo :LAST_ERROR_SQLSTATE
-- The memberships and users of its own project.
SELECT id FROM projectmembership;
UPDATE projectmembership SET resource = resource || '{"admin": true, "project": {"reference": "Project/other"}, "user": {"reference": "User/me"}}';
INSERT INTO projectmembership VALUES ('new', '{"resourceType": "ProjectMembership", "id": "new"}');
DELETE FROM projectmembership WHERE id = 'new' RETURNING id, resource;
SELECT id, resource FROM "user";
UPDATE "user" SET resource = resource || '{"email": "y@example.org", "passwordHash": "mine", "firstName": "X"}';
RESET ROLE;
SELECT resource FROM project WHERE id = 'own';
SELECT resource FROM projectmembership WHERE id = 'of-own';
SELECT resource FROM "user" WHERE id = 'of-own';
SET ROLE app;

-- Being admin without a project is nothing.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "admin": true, "accessPolicy": {"reference": "AccessPolicy/nothing"}}';
SELECT * FROM rights WHERE may IS NOT NULL;

-- A super admin project may name these types, and has those it does not name without limits; the others are its policy's.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "project": {"reference": "Project/super"}, "accessPolicy": {"reference": "AccessPolicy/greedy"}}';
TABLE rights;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "project": {"reference": "Project/super"}, "accessPolicy": {"reference": "AccessPolicy/nothing"}}';
SELECT * FROM rights WHERE may IS NOT NULL;
RESET ROLE;

-- ---------------------------------------------------------------------------------------------------------------------
-- 7. Project isolation (6, unusable memberships, is in session.sql): rows of the own project, rows of linked projects read
-- only, and where a linked project lists what it exports, only that.
INSERT INTO patient SELECT 'p-' || id, jsonb_build_object('resourceType', 'Patient', 'id', 'p-' || id, 'meta', jsonb_build_object('project', id))
  FROM unnest('{own,linked,shop,other}'::text[]) AS id;
INSERT INTO observation SELECT 'o-' || id, jsonb_build_object('resourceType', 'Observation', 'id', 'o-' || id, 'meta', jsonb_build_object('project', id))
  FROM unnest('{own,linked,shop,other}'::text[]) AS id;
SET ROLE app;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "project": {"reference": "Project/own"}, "accessPolicy": {"reference": "AccessPolicy/star"}}';
SELECT id FROM patient ORDER BY id;
SELECT id FROM observation ORDER BY id;
UPDATE patient SET resource = resource || '{"active": true}' WHERE id = 'p-own' RETURNING id;
UPDATE patient SET resource = resource || '{"active": true}' WHERE id = 'p-linked';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM observation WHERE id = 'o-shop';
\echo :LAST_ERROR_SQLSTATE
-- New rows belong to the project, whatever their writer says; and a row stays in its project.
INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": "new"}'),
                           ('claim', '{"resourceType": "Patient", "id": "claim", "meta": {"project": "other"}}');
UPDATE patient SET resource = jsonb_set(resource, '{meta,project}', '"other"') WHERE id = 'new';
UPDATE patient SET resource = resource - 'meta' WHERE id = 'claim';
SELECT id, resource -> 'meta' AS meta FROM patient WHERE id IN ('new', 'claim') ORDER BY id;

-- A link works one way: the linked project sees only its own.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "project": {"reference": "Project/linked"}}';
SELECT id FROM patient ORDER BY id;

-- A membership without a project is not filtered, and its rows belong to none; nor may it say so.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/star"}}';
SELECT count(*) FROM patient;
INSERT INTO patient VALUES ('free', '{"resourceType": "Patient", "id": "free", "meta": {"project": "other", "versionId": "1"}}') RETURNING resource -> 'meta' AS meta;

-- A super admin sees all projects, and moves rows between them.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "project": {"reference": "Project/super"}}';
SELECT count(*) FROM patient;
UPDATE patient SET resource = jsonb_set(resource, '{meta,project}', '"other"') WHERE id = 'p-own' RETURNING resource -> 'meta' AS meta;
INSERT INTO patient VALUES ('s1', '{"resourceType": "Patient", "id": "s1"}'),
                           ('s2', '{"resourceType": "Patient", "id": "s2", "meta": {"project": "other"}}') RETURNING resource -> 'meta' AS meta;
