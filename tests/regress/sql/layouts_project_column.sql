-- A column that holds the row's project. Project isolation is a condition on it, which an index answers; what the resource says of its project
-- counts as well where it says anything: where the two disagree a row is for those who may see both.
\ir prologue.sql

CREATE TABLE patient (id uuid PRIMARY KEY, resource jsonb NOT NULL, "projectId" uuid);
\set north '11111111-1111-1111-1111-111111111111'
\set south '22222222-2222-2222-2222-222222222222'
\set west  '33333333-3333-3333-3333-333333333333'
CREATE FUNCTION patient(n int, project text, rest jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('resourceType', 'Patient', 'id', format('00000000-0000-0000-0000-%s', lpad(n::text, 12, '0')),
                                                'meta', nullif(jsonb_strip_nulls(jsonb_build_object('project', project)), '{}'))) || rest $$;
CREATE FUNCTION id(n int) RETURNS uuid LANGUAGE sql AS $$ SELECT format('00000000-0000-0000-0000-%s', lpad(n::text, 12, '0'))::uuid $$;
INSERT INTO patient VALUES
    (id(1), patient(1, :'north'), :'north'),    -- both say north
    (id(2), patient(2, NULL), :'north'),        -- the column alone
    (id(3), patient(3, :'south'), :'north'),    -- they disagree
    (id(4), patient(4, :'north'), NULL),        -- the resource alone
    (id(5), patient(5, :'south'), :'south'),
    (id(6), patient(6, NULL), NULL),
    (id(7), patient(7, :'west'), :'west');

CREATE COLLATION whatever (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE wrong (id text, resource jsonb, number int, loose text COLLATE whatever, domain uuid, computed text GENERATED ALWAYS AS (resource #>> '{meta,project}') STORED);
SELECT fhir_access.protect('wrong', 'Patient', project_column => 'number');
SELECT fhir_access.protect('wrong', 'Patient', project_column => 'loose');    -- two projects could be equal there
SELECT fhir_access.protect('wrong', 'Patient', project_column => 'computed');
SELECT fhir_access.protect('wrong', 'Patient', project_column => 'id');
SELECT fhir_access.protect('wrong', 'Patient', project_column => 'resource');
SELECT fhir_access.protect('wrong', 'Patient', project_column => 'nowhere');
SELECT fhir_access.protect('wrong', 'Patient', project_column => 'domain', derived_columns => '{"domain": "meta.project"}');

SELECT fhir_access.protect('patient', 'Patient', project_column => 'projectId');
SELECT resource_type, project_column FROM fhir_access.protected_relation;
INSERT INTO fhir_access.project (resource) VALUES
    (format('{"resourceType": "Project", "id": "%s"}', :'north')::jsonb), (format('{"resourceType": "Project", "id": "%s"}', :'west')::jsonb),
    (format('{"resourceType": "Project", "id": "%s", "link": [{"project": {"reference": "Project/%s"}}]}', :'south', :'north')::jsonb),
    ('{"resourceType": "Project", "id": "above", "superAdmin": true}'), ('{"resourceType": "Project", "id": "named"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "Patient"}]}'),
('{"resourceType": "AccessPolicy", "id": "blind", "resource": [{"resourceType": "Patient", "hiddenFields": ["meta"]}]}'),
(format('{"resourceType": "AccessPolicy", "id": "west", "resource": [{"resourceType": "Patient", "criteria": "Patient?_project=%s"}]}', :'west')::jsonb),
(format('{"resourceType": "AccessPolicy", "id": "not-west", "resource": [{"resourceType": "Patient", "criteria": "Patient?_project:not=%s"}]}', :'west')::jsonb),
('{"resourceType": "AccessPolicy", "id": "none", "resource": [{"resourceType": "Patient", "criteria": "Patient?_project:missing=true"}]}'),
('{"resourceType": "AccessPolicy", "id": "some", "resource": [{"resourceType": "Patient", "criteria": "Patient?_project:missing=false"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "project": {"reference": "Project/%s"}, "accessPolicy": {"reference": "AccessPolicy/%s"}}', m, project, policy)::jsonb
  FROM (VALUES ('north', :'north', 'all'), ('south', :'south', 'all'), ('above', 'above', 'all'), ('named', 'named', 'all'), ('blind', :'north', 'blind')) AS t (m, project, policy);
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "no-project-%s", "accessPolicy": {"reference": "AccessPolicy/%s"}}', id, id)::jsonb FROM unnest(ARRAY['all', 'west', 'not-west', 'none', 'some']) id;
SELECT statement, criteria FROM fhir_access.index_advice();
SELECT message, hint FROM fhir_access.doctor() WHERE subject = 'public.patient' AND message ~ 'project';
SELECT statement FROM fhir_access.index_advice() WHERE statement ~ 'btree' \gexec
SELECT statement FROM fhir_access.index_advice() WHERE statement ~ 'btree';

\c - app
CREATE FUNCTION pg_temp.n() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(ltrim(right(id::text, 2), '0'), ' ' ORDER BY id) FROM patient $$;
-- A project sees its own rows, and those of the projects that it reads from.
SET fhir_access.membership = 'north';
SELECT pg_temp.n() AS north;
SELECT predicate FROM fhir_access.explain('Patient');
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM patient;
SET fhir_access.membership = 'south';
SELECT pg_temp.n() AS south;
EXPLAIN (COSTS OFF) SELECT id FROM patient;
SET fhir_access.membership = 'above';
SELECT pg_temp.n() AS above;
SET fhir_access.membership = 'no-project-all';
SELECT pg_temp.n() AS no_project;
-- A column of UUIDs holds no project with another id.
SET fhir_access.membership = 'named';
SELECT pg_temp.n() AS named;
INSERT INTO patient VALUES ('00000000-0000-0000-0000-000000000010', '{"resourceType": "Patient"}');
-- Criteria on the project look at both, too.
SET fhir_access.membership = 'no-project-west';
SELECT pg_temp.n() AS west;
SET fhir_access.membership = 'no-project-not-west';
SELECT pg_temp.n() AS not_west;
SET fhir_access.membership = 'no-project-none';
SELECT pg_temp.n() AS none;
SET fhir_access.membership = 'no-project-some';
SELECT pg_temp.n() AS some;
-- Who may not see meta.project does not see it in the column.
SET fhir_access.membership = 'blind';
SELECT id, "projectId" FROM patient ORDER BY id;

-- ---------------------------------------------------------------------------------------------------------------------
-- Whatever a writer says, a new row is the session's project's, and an old one stays where it is.
SET fhir_access.membership = 'north';
INSERT INTO patient VALUES ('00000000-0000-0000-0000-000000000011', '{"resourceType": "Patient"}', '22222222-2222-2222-2222-222222222222') RETURNING "projectId", resource #>> '{meta,project}' AS project;
INSERT INTO patient (id, resource) VALUES ('00000000-0000-0000-0000-000000000012', '{"resourceType": "Patient", "meta": {"project": "22222222-2222-2222-2222-222222222222"}}') RETURNING "projectId", resource #>> '{meta,project}' AS project;
UPDATE patient SET "projectId" = '22222222-2222-2222-2222-222222222222', resource = jsonb_set(resource, '{meta,project}', '"22222222-2222-2222-2222-222222222222"')
 WHERE id = '00000000-0000-0000-0000-000000000001' RETURNING "projectId", resource #>> '{meta,project}' AS project;
UPDATE patient SET "projectId" = NULL WHERE id = '00000000-0000-0000-0000-000000000002' RETURNING "projectId", resource -> 'meta' AS meta;
INSERT INTO patient VALUES ('00000000-0000-0000-0000-000000000001', '{"resourceType": "Patient", "id": "00000000-0000-0000-0000-000000000001", "active": true}', '22222222-2222-2222-2222-222222222222')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource, "projectId" = excluded."projectId" RETURNING "projectId", resource;
-- Rows of a linked project are for reading.
SET fhir_access.membership = 'south';
UPDATE patient SET resource = resource || '{"active": false}' WHERE id = '00000000-0000-0000-0000-000000000001';
DELETE FROM patient WHERE id = '00000000-0000-0000-0000-000000000002';
-- A row of another project is not found, by its key neither.
DELETE FROM patient WHERE id IN ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000007');
SET fhir_access.membership = 'blind';
UPDATE patient SET "projectId" = "projectId" WHERE id = '00000000-0000-0000-0000-000000000001' RETURNING "projectId";
-- A membership without a project makes rows without one.
SET fhir_access.membership = 'no-project-all';
INSERT INTO patient VALUES ('00000000-0000-0000-0000-000000000013', '{"resourceType": "Patient"}', '11111111-1111-1111-1111-111111111111') RETURNING "projectId", resource;
-- A super admin says it in one of the two places, and the other follows.
SET fhir_access.membership = 'above';
INSERT INTO patient VALUES ('00000000-0000-0000-0000-000000000014', '{"resourceType": "Patient"}', '11111111-1111-1111-1111-111111111111') RETURNING "projectId", resource #>> '{meta,project}' AS project;
INSERT INTO patient VALUES ('00000000-0000-0000-0000-000000000015', '{"resourceType": "Patient", "meta": {"project": "11111111-1111-1111-1111-111111111111"}}') RETURNING "projectId", resource #>> '{meta,project}' AS project;
UPDATE patient SET "projectId" = '33333333-3333-3333-3333-333333333333' WHERE id = '00000000-0000-0000-0000-000000000014' RETURNING "projectId", resource #>> '{meta,project}' AS project;
UPDATE patient SET resource = jsonb_set(resource, '{meta,project}', '"33333333-3333-3333-3333-333333333333"') WHERE id = '00000000-0000-0000-0000-000000000015' RETURNING "projectId", resource #>> '{meta,project}' AS project;
UPDATE patient SET resource = resource || '{"active": true}' WHERE id = '00000000-0000-0000-0000-000000000015' RETURNING "projectId", resource #>> '{meta,project}' AS project;
\c - postgres
SELECT right(id::text, 2) AS n, "projectId", resource FROM patient ORDER BY id;

-- A column of text, and a table of which one row is moved to another partition.
CREATE TABLE observation (id text, resource jsonb, project text, part int) PARTITION BY LIST (part);
CREATE TABLE observation_1 PARTITION OF observation FOR VALUES IN (1);
CREATE TABLE observation_2 (part int, project text, resource jsonb, id text);
ALTER TABLE observation ATTACH PARTITION observation_2 FOR VALUES IN (2);
SELECT fhir_access.protect('observation', 'Observation', project_column => 'project');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "obs", "resource": [{"resourceType": "Observation"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "obs", "project": {"reference": "Project/named"}, "accessPolicy": {"reference": "AccessPolicy/obs"}}');
SET SESSION AUTHORIZATION app;
SET fhir_access.membership = 'obs';
INSERT INTO observation VALUES ('o', '{"resourceType": "Observation", "id": "o"}', 'other', 1) RETURNING *;
UPDATE observation SET part = 2, project = 'other' RETURNING *;
SELECT * FROM observation_2;
COPY observation (id, resource, project, part) FROM STDIN;
p	{"resourceType": "Observation"}	other	2
\.
SELECT id, project FROM observation ORDER BY id;
RESET SESSION AUTHORIZATION;

-- Entries that name a project each: a row whose two places name different ones is granted by neither, whatever each hides.
CREATE TABLE flag (id text, resource jsonb, project text);
SELECT fhir_access.protect('flag', 'Flag', project_column => 'project');
INSERT INTO flag VALUES
    ('1', '{"resourceType": "Flag", "id": "1", "status": "CANARY", "author": {}, "meta": {"project": "one"}}', 'one'),
    ('2', '{"resourceType": "Flag", "id": "2", "status": "active", "author": {"display": "CANARY"}}', 'two'),
    ('3', '{"resourceType": "Flag", "id": "3", "status": "CANARY", "author": {"display": "CANARY"}, "meta": {"project": "one"}}', 'two');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "flags", "resource": [
    {"resourceType": "Flag", "criteria": "Flag?_project=one", "hiddenFields": ["status"]},
    {"resourceType": "Flag", "criteria": "Flag?_project=two", "hiddenFields": ["author"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "flags", "accessPolicy": {"reference": "AccessPolicy/flags"}}');
SET SESSION AUTHORIZATION app;
SET fhir_access.membership = 'flags';
SELECT * FROM flag ORDER BY id;
SELECT allowed, reason FROM fhir_access.check('Flag/3', 'read');
RESET SESSION AUTHORIZATION;

-- A column that is too short for a project's id is not filled with it.
CREATE TABLE claim (id text, resource jsonb, project varchar(4));
SELECT fhir_access.protect('claim', 'Claim', project_column => 'project');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "claims", "resource": [{"resourceType": "Claim"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "claims", "project": {"reference": "Project/named"}, "accessPolicy": {"reference": "AccessPolicy/claims"}}'),
    ('{"resourceType": "ProjectMembership", "id": "any-claims", "project": {"reference": "Project/above"}}');
SET SESSION AUTHORIZATION app;
SET fhir_access.membership = 'claims';
INSERT INTO claim VALUES ('c', '{"resourceType": "Claim", "id": "c"}', 'name');
SET fhir_access.membership = 'any-claims';
INSERT INTO claim VALUES ('c', '{"resourceType": "Claim", "id": "c", "meta": {"project": "named"}}') RETURNING project, resource;
INSERT INTO claim VALUES ('d', '{"resourceType": "Claim", "id": "d", "meta": {"project": "näme"}}') RETURNING project, resource;
RESET SESSION AUTHORIZATION;
SELECT id, project, length(project) FROM claim ORDER BY id;
