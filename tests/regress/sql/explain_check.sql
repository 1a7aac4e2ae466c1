-- explain(): what the session's policies mean for a type, entry by entry, as SQL. check(): may this session do that, and who
-- says so. Neither tells a subject caller of a row that it cannot read.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (key text PRIMARY KEY, doc jsonb NOT NULL);
CREATE TABLE encounter (id uuid PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation', 'doc', 'key'),
       fhir_access.protect('encounter', 'Encounter');
INSERT INTO patient VALUES
    ('ca', '{"resourceType": "Patient", "id": "ca", "address": [{"state": "CA"}], "telecom": [{"value": "1"}]}'),
    ('nv', '{"resourceType": "Patient", "id": "nv", "address": [{"state": "NV"}], "active": true}'),
    ('ny', '{"resourceType": "Patient", "id": "ny", "address": [{"state": "NY"}]}');
INSERT INTO observation VALUES ('o1', '{"resourceType": "Observation", "id": "o1", "status": "final", "subject": {"reference": "Patient/ca"}}');
INSERT INTO encounter VALUES ('00000000-0000-4000-8000-000000000001',
    '{"resourceType": "Encounter", "id": "00000000-0000-4000-8000-000000000001", "status": "planned", "meta": {"project": "p1"}}');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "p1"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "clinic", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?address-state=%state", "hiddenFields": ["telecom", "name.given"], "readonlyFields": ["gender"]},
    {"resourceType": "Patient", "criteria": "Patient?active=true", "readonly": true},
    {"resourceType": "Observation", "criteria": "Observation?_compartment=Patient/ca&status:not=cancelled", "interaction": ["read", "update"]},
    {"resourceType": "Encounter"}]}'),
('{"resourceType": "AccessPolicy", "id": "blind", "resource": [
    {"resourceType": "Patient", "interaction": ["update", "delete"]},
    {"resourceType": "Patient", "criteria": "Patient?_id=ca", "readonly": true}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m1", "profile": {"reference": "Practitioner/p"}, "access": [
    {"policy": {"reference": "AccessPolicy/clinic"}, "parameter": [{"name": "state", "valueString": "CA,OR"}]}]}'),
('{"resourceType": "ProjectMembership", "id": "m2", "project": {"reference": "Project/p1"}, "access": [
    {"policy": {"reference": "AccessPolicy/clinic"}, "parameter": [{"name": "state", "valueString": "CA"}]}]}'),
('{"resourceType": "ProjectMembership", "id": "blind", "accessPolicy": {"reference": "AccessPolicy/blind"}}'),
('{"resourceType": "ProjectMembership", "id": "none"}');

\c - app
SET fhir_access.membership = 'm1';

-- ---------------------------------------------------------------------------------------------------------------------
-- explain: the entries in the order in which they decide, with the condition that finds their rows.
\x on
SELECT * FROM fhir_access.explain('Patient');
\x off
-- Another interaction, other entries; columns as the table names them; none is no row.
SELECT place, policy, entry, criteria FROM fhir_access.explain('Patient', 'update');
SELECT i AS interaction, count(e.*) AS entries FROM unnest('{read,vread,search,history,create,update,delete}'::text[]) WITH ORDINALITY t (i, n)
  LEFT JOIN fhir_access.explain('Observation', i) e ON true GROUP BY i, n ORDER BY n;
SELECT predicate FROM fhir_access.explain('Observation', 'read');
SELECT policy, entry, criteria, predicate, hidden_fields, readonly_fields FROM fhir_access.explain('Encounter');

-- The condition finds the rows that row security finds: the table's owner may run it as it stands.
SELECT string_agg(predicate, ' OR ' ORDER BY place) AS condition FROM fhir_access.explain('Patient') \gset
SELECT id FROM patient ORDER BY id;
\c - postgres
SELECT id FROM patient WHERE :condition ORDER BY id;
\c - app

-- Project isolation is part of the condition.
SET fhir_access.membership = 'm2';
SELECT predicate FROM fhir_access.explain('Encounter');
-- No policy at all.
SET fhir_access.membership = 'none';
SELECT place, policy, entry, criteria, predicate FROM fhir_access.explain('Patient');

-- A type that no table holds is explained as if a table did.
SELECT place, policy, predicate FROM fhir_access.explain('Medication');

-- What cannot be explained.
SELECT * FROM fhir_access.explain('Pateint');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM fhir_access.explain('Patient', 'SEARCH');
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = '';
SELECT * FROM fhir_access.explain('Patient');
\echo :LAST_ERROR_SQLSTATE

-- ---------------------------------------------------------------------------------------------------------------------
-- check: the entry that grants.
SET fhir_access.membership = 'm1';
SELECT * FROM fhir_access.check('Patient/ca', 'search');
SELECT * FROM fhir_access.check('Patient/ca', 'update');
SELECT * FROM fhir_access.check('Patient/nv', 'search');
SELECT * FROM fhir_access.check('Encounter/00000000-0000-4000-8000-000000000001', 'delete');

-- Why not: for a row that can be read, which criteria it does not meet.
\x on
SELECT * FROM fhir_access.check('Patient/nv', 'update');
SELECT * FROM fhir_access.check('Patient/nv', 'delete');
SELECT * FROM fhir_access.check('Observation/o1', 'delete');
-- A row that cannot be read, and one that is not there, cannot be told from each other.
SELECT * FROM fhir_access.check('Patient/ny', 'search');
SELECT * FROM fhir_access.check('Patient/nobody', 'search');
\x off
SELECT i AS interaction, (SELECT c FROM fhir_access.check('Patient/ny', i) c)::text = replace((SELECT c FROM fhir_access.check('Patient/xx', i) c)::text, 'xx', 'ny') AS same
  FROM unnest('{read,vread,search,history,create,update,delete}'::text[]) AS i;
-- Not even where it could be written unseen.
SET fhir_access.membership = 'blind';
SELECT r AS reference, i AS interaction, c.allowed, c.reason
  FROM unnest('{Patient/ca,Patient/ny,Patient/xx}'::text[]) AS r, unnest('{search,update,delete}'::text[]) AS i, fhir_access.check(r, i) c
 ORDER BY r, i;
UPDATE patient SET resource = resource || '{"active": true}' WHERE id = 'ny' RETURNING id;
UPDATE patient SET resource = resource || '{"active": true}' WHERE id = 'ca' RETURNING id;

-- A row that can be read but not searched for is known to its reader. An UPDATE would not find it.
SET fhir_access.membership = 'm1';
SELECT allowed, reason, policy, entry FROM fhir_access.check('Observation/o1', 'read');
SELECT allowed, reason, policy, entry FROM fhir_access.check('Observation/o1', 'search');
SELECT allowed, reason, policy, entry FROM fhir_access.check('Observation/o1', 'update');

-- To create needs no row, but what it must be like.
SELECT * FROM fhir_access.check('Patient', 'create');
SELECT * FROM fhir_access.check('Encounter', 'create');
SELECT * FROM fhir_access.check('Observation', 'create');

-- What cannot be checked.
SELECT * FROM fhir_access.check('Patient', 'update');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM fhir_access.check('Patient/ca', 'look');
\echo :LAST_ERROR_SQLSTATE
SELECT allowed, reason FROM fhir_access.check('Medication/m', 'search');
SELECT * FROM fhir_access.check('', 'search');
\echo :LAST_ERROR_SQLSTATE
SELECT allowed, reason FROM fhir_access.check('Encounter/not-a-uuid', 'search');
SELECT allowed, reason FROM fhir_access.check('Patient/ca/_history/1', 'search');
SELECT allowed, reason FROM fhir_access.check($$Patient/x' OR 'a'='a$$, 'search');

-- ---------------------------------------------------------------------------------------------------------------------
-- An administrator, who is exempt from the policies, may ask on behalf of a membership, and is told all.
\c - postgres
SET fhir_access.membership = 'm1';
\x on
SELECT * FROM fhir_access.check('Patient/ny', 'search');
SELECT * FROM fhir_access.check('Patient/nobody', 'search');
SET fhir_access.membership = 'm2';
SELECT * FROM fhir_access.check('Patient/ca', 'search');
\x off

-- A role for bulk jobs is exempt too, but may not speak for a membership.
\c - loader
SET fhir_access.membership = 'm1';
\echo :LAST_ERROR_SQLSTATE
SELECT allowed FROM fhir_access.check('Patient/ny', 'search');
\c - postgres

-- A reference with a version in some row makes the condition look beyond equality, for that type only.
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/compartments"}}';
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "compartments", "resource": [
    {"resourceType": "Observation", "criteria": "Observation?subject=Patient/ca"}, {"resourceType": "Encounter", "criteria": "Encounter?subject=Patient/ca"}]}');
SELECT t AS type, predicate FROM unnest('{Encounter,Observation}'::text[]) AS t, fhir_access.explain(t);
INSERT INTO observation VALUES ('o2', '{"resourceType": "Observation", "id": "o2", "subject": {"reference": "Patient/ca/_history/7"}}');
SELECT t AS type, predicate FROM unnest('{Encounter,Observation}'::text[]) AS t, fhir_access.explain(t);
SET ROLE app;
SELECT key FROM observation ORDER BY key;
