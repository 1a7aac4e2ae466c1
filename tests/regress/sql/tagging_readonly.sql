-- Tags are the database's and not the writer's: they stay where the fields that hold them are hidden or readonly, and the row is
-- judged with them. What a writer sends there is dropped like everything else that may not be written.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
INSERT INTO patient VALUES ('acme', '{"resourceType": "Patient", "id": "acme", "meta": {"project": "clinic", "accounts": [{"reference": "Organization/acme"}]}}');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "clinic"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "readonly", "compartment": {"reference": "Organization/desk"}, "resource": [
    {"resourceType": "Patient", "criteria": "Patient?_compartment=Organization/desk", "readonlyFields": ["meta"]},
    {"resourceType": "Observation", "criteria": "Observation?_compartment=Organization/desk", "readonlyFields": ["meta.project", "meta.account", "meta.accounts", "subject"]}]}'),
('{"resourceType": "AccessPolicy", "id": "hidden", "compartment": {"reference": "Organization/desk"}, "resource": [
    {"resourceType": "Patient", "criteria": "Patient?_compartment=Organization/desk", "hiddenFields": ["meta"]},
    {"resourceType": "Observation", "criteria": "Observation?_compartment=Organization/desk", "hiddenFields": ["meta.account.reference", "meta.accounts.reference", "meta.compartment"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', p || CASE WHEN admin THEN '-admin' ELSE '' END, 'admin', admin,
                          'project', '{"reference": "Project/clinic"}'::jsonb, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || p))
  FROM unnest('{readonly,hidden}'::text[]) p, unnest('{false,true}'::bool[]) admin;
CREATE FUNCTION metas() RETURNS TABLE (id text, meta jsonb) LANGUAGE sql SECURITY DEFINER AS
    $$ SELECT id, resource -> 'meta' FROM (TABLE patient UNION ALL TABLE observation) r WHERE id <> 'acme' ORDER BY id $$;
\set ON_ERROR_ROLLBACK on
\c - app
SET fhir_access.membership = 'readonly';
BEGIN;
\ir tagging_writes.sql
ROLLBACK;
SET fhir_access.membership = 'hidden';
BEGIN;
\ir tagging_writes.sql
ROLLBACK;
-- An admin's word counts, but not in what is readonly for an admin, too.
SET fhir_access.membership = 'readonly-admin';
BEGIN;
\ir tagging_writes.sql
ROLLBACK;

-- Where violations are errors, the tags are none; what is sent is one.
SET fhir_access.readonly_violation = 'error';
SET fhir_access.membership = 'hidden';
BEGIN;
INSERT INTO patient VALUES ('p1', '{"resourceType": "Patient", "id": "p1"}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource RETURNING resource;
INSERT INTO patient VALUES ('p1', '{"resourceType": "Patient", "id": "p1", "gender": "male"}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource RETURNING resource;
INSERT INTO patient VALUES ('p1', '{"resourceType": "Patient", "id": "p1", "meta": {"tag": [{"code": "t"}]}}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
\echo :LAST_ERROR_SQLSTATE
UPDATE patient SET resource = resource || '{"meta": {"project": "clinic"}}';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO patient VALUES ('p3', '{"resourceType": "Patient", "id": "p3", "meta": {"tag": [{"code": "t"}]}}');
\echo :LAST_ERROR_SQLSTATE
SET LOCAL fhir_access.membership = 'readonly';
INSERT INTO patient VALUES ('p1', '{"resourceType": "Patient", "id": "p1", "gender": "other"}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource RETURNING resource;
UPDATE patient SET resource = jsonb_set(resource, '{meta,account,reference}', '"Organization/evil"');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM metas();
ROLLBACK;
