-- What may be written, what is put back, what is tagged, and what a refusal says. Hidden values contain CANARY.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, patient_id text, resource jsonb NOT NULL,
    FOREIGN KEY (patient_id) REFERENCES patient ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO patient VALUES
    ('ann', '{"resourceType": "Patient", "id": "ann", "active": true, "gender": "female", "birthDate": "1970-01-01",
              "name": [{"family": "CANARY 1", "given": ["Ann"]}, {"family": "CANARY 2", "given": ["Annie"]}],
              "telecom": [{"value": "CANARY"}], "multipleBirthInteger": 1,
              "meta": {"project": "clinic", "accounts": [{"reference": "Organization/north"}, {"reference": "Organization/lab"}], "account": {"reference": "Organization/north"}}}'),
    ('bob', '{"resourceType": "Patient", "id": "bob", "active": false, "name": [{"family": "CANARY"}], "meta": {"project": "clinic"}}'),
    ('far', '{"resourceType": "Patient", "id": "far", "active": true, "meta": {"project": "elsewhere"}}');
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('observation', 'Observation');
INSERT INTO fhir_access.project (resource) VALUES
    ('{"resourceType": "Project", "id": "clinic"}'), ('{"resourceType": "Project", "id": "super", "superAdmin": true}');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "desk",
  "compartment": {"reference": "Organization/desk"},
  "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true",
     "hiddenFields": ["name.family", "telecom"], "readonlyFields": ["birthDate", "multipleBirth[x]", "meta.tag"]},
    {"resourceType": "Patient", "criteria": "Patient?active=false", "readonly": true},
    {"resourceType": "Observation", "criteria": "Observation?status=registered,preliminary"},
    {"resourceType": "Observation", "criteria": "Observation?status=final", "interaction": ["search", "create", "delete"]}
  ]}'),
('{"resourceType": "AccessPolicy", "id": "everything", "resource": [{"resourceType": "*"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "desk", "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/desk"}}'),
    ('{"resourceType": "ProjectMembership", "id": "admin", "admin": true, "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/desk"}}'),
    ('{"resourceType": "ProjectMembership", "id": "root", "project": {"reference": "Project/super"}, "accessPolicy": {"reference": "AccessPolicy/everything"}}'),
    ('{"resourceType": "ProjectMembership", "id": "none", "accessPolicy": {"reference": "AccessPolicy/everything"}}');

\c - app
SET fhir_access.membership = 'desk';

-- Read, edit, write back: what was not seen is not lost, what may not be changed is not changed.
BEGIN;
SELECT resource FROM patient WHERE id = 'ann';
UPDATE patient SET resource = jsonb_set(resource, '{address}', '[{"city": "Berlin"}]') WHERE id = 'ann' RETURNING resource;
-- The same with the edited document sent from outside: a value for a hidden field, another for a readonly one, and names
-- in another order with a new one in front and one that is gone.
UPDATE patient SET resource = '{"resourceType": "Patient", "id": "ann", "active": true, "gender": "other", "birthDate": "2000-01-01", "_birthDate": {"id": "x"},
    "name": [{"given": ["New"], "family": "mine"}, {"given": ["Annie"]}, {"given": ["Ann"]}], "telecom": [], "multipleBirthBoolean": true,
    "meta": {"tag": [{"code": "mine"}], "security": [{"code": "R"}]}}' WHERE id = 'ann' RETURNING resource;
UPDATE patient SET resource = resource - 'name' - 'gender' WHERE id = 'ann';
ROLLBACK;
\c - postgres
BEGIN;
SET LOCAL fhir_access.membership = 'desk';
GRANT SELECT, UPDATE ON patient TO steward;
SET LOCAL ROLE steward;
UPDATE patient SET resource = jsonb_set(resource, '{address}', '[{"city": "Berlin"}]') WHERE id = 'ann';
RESET ROLE;
SELECT resource FROM patient WHERE id = 'ann';
SET LOCAL ROLE steward;
UPDATE patient SET resource = '{"resourceType": "Patient", "id": "ann", "active": true, "gender": "other", "birthDate": "2000-01-01", "_birthDate": {"id": "x"},
    "name": [{"given": ["New"], "family": "mine"}, {"given": ["Annie"]}, {"given": ["Ann"]}], "telecom": [], "multipleBirthBoolean": true,
    "meta": {"tag": [{"code": "mine"}], "security": [{"code": "R"}]}}' WHERE id = 'ann';
RESET ROLE;
SELECT resource FROM patient WHERE id = 'ann';
ROLLBACK;

-- A create drops them, and is tagged: the project of the membership, the compartment of the policy, and for what belongs
-- to a patient the accounts of the patient. What the client says of itself counts for nothing.
\c - app
SET fhir_access.membership = 'desk';
INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": "new", "active": true, "birthDate": "2000-01-01", "gender": "male",
    "name": [{"family": "mine", "given": ["N"]}], "meta": {"project": "elsewhere", "tag": [{"code": "t"}], "versionId": "1",
    "account": {"reference": "Organization/evil"}, "accounts": [{"reference": "Organization/evil"}]}}') RETURNING resource;
INSERT INTO observation VALUES ('o1', 'ann', '{"resourceType": "Observation", "id": "o1", "status": "registered", "subject": {"reference": "Patient/ann"}}') RETURNING resource;
INSERT INTO observation VALUES ('o2', 'bob', '{"resourceType": "Observation", "id": "o2", "status": "final", "subject": {"reference": "Patient/bob"},
    "meta": {"account": {"reference": "Organization/evil"}}}') RETURNING resource;

-- An update keeps a patient's accounts and lets other resources follow their patients'; the policy's compartment is not
-- added again. A row cannot be moved to another project.
UPDATE patient SET resource = resource || '{"meta": {"project": "elsewhere", "account": {"reference": "Organization/evil"}}}' WHERE id = 'new' RETURNING resource -> 'meta' AS meta;
UPDATE patient SET resource = resource - 'meta' WHERE id = 'ann' RETURNING resource -> 'meta' AS meta;
UPDATE observation SET resource = resource - 'meta' WHERE id = 'o1' RETURNING resource -> 'meta' AS meta;
UPDATE observation SET resource = jsonb_set(resource, '{subject,reference}', '"Patient/new"') WHERE id = 'o1' RETURNING resource -> 'meta' AS meta;

-- An admin's word counts for the accounts, not for the project.
SET fhir_access.membership = 'admin';
UPDATE patient SET resource = resource || '{"meta": {"project": "elsewhere", "accounts": [{"reference": "Organization/said"}]}}' WHERE id = 'new' RETURNING resource -> 'meta' AS meta;
INSERT INTO patient VALUES ('adm', '{"resourceType": "Patient", "id": "adm", "active": true, "meta": {"project": "elsewhere", "accounts": [{"reference": "Organization/said"}]}}') RETURNING resource -> 'meta' AS meta;
-- A super admin moves rows between projects.
SET fhir_access.membership = 'root';
UPDATE patient SET resource = jsonb_set(resource, '{meta,project}', '"elsewhere"') WHERE id = 'adm' RETURNING resource -> 'meta' AS meta;
-- A membership of no project tags none.
SET fhir_access.membership = 'none';
INSERT INTO patient VALUES ('free', '{"resourceType": "Patient", "id": "free", "meta": {"project": "clinic"}}') RETURNING resource;
-- Nothing empty is left behind.
UPDATE patient SET resource = resource || '{"meta": {"account": {"reference": "Organization/evil"}}}' WHERE id = 'free' RETURNING resource;

-- Refusals: 42501, with the entries that were asked. A refused statement changes nothing at all.
SET fhir_access.membership = 'desk';
INSERT INTO observation VALUES ('o3', NULL, '{"resourceType": "Observation", "id": "o3", "status": "registered"}'),
                               ('o4', NULL, '{"resourceType": "Observation", "id": "o4", "status": "amended"}');
\echo :LAST_ERROR_SQLSTATE
UPDATE patient SET resource = resource || '{"gender": "other"}';
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET resource = resource || '{"status": "amended"}' WHERE id = 'o1';
UPDATE observation SET resource = resource || '{"status": "registered"}' WHERE id = 'o2';
DELETE FROM patient WHERE id IN ('new', 'bob');
\echo :LAST_ERROR_SQLSTATE
DELETE FROM patient WHERE id = 'far';
SELECT id FROM patient ORDER BY id;
SELECT id, resource ->> 'status' AS status FROM observation ORDER BY id;

-- What is no such resource: 22023.
INSERT INTO patient VALUES ('x', '{"resourceType": "Patient", "id": "y", "active": true}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO patient VALUES ('x', '{"resourceType": "Observation", "id": "x", "active": true}');
INSERT INTO patient VALUES ('x', '{"id": "x", "active": true}');
INSERT INTO patient VALUES ('x', '{"resourceType": "Patient", "id": 1, "active": true}');
INSERT INTO patient VALUES ('x', '["resourceType", "Patient"]');
INSERT INTO patient VALUES ('x', 'null');
INSERT INTO patient VALUES ('x', NULL);
UPDATE patient SET id = 'renamed' WHERE id = 'new';
UPDATE patient SET resource = resource || '{"id": "renamed"}' WHERE id = 'new';
UPDATE patient SET resource = resource - 'id' WHERE id = 'new';

-- Triggers of the table's owner: before ours they can prepare a row, after ours they cannot get past the policies.
\c - postgres
CREATE FUNCTION prepare() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.resource := NEW.resource || '{"language": "de", "telecom": [{"value": "prepared"}]}';
    RETURN NEW;
END $$;
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.resource := NEW.resource || '{"active": false}';
    RETURN NEW;
END $$;
CREATE TRIGGER a_prepare BEFORE INSERT OR UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION prepare();
\c - app
SET fhir_access.membership = 'desk';
INSERT INTO patient VALUES ('tr', '{"resourceType": "Patient", "id": "tr", "active": true}') RETURNING resource;
UPDATE patient SET resource = resource || '{"gender": "female"}' WHERE id = 'ann';
\c - postgres
SELECT resource -> 'language' AS language, resource -> 'telecom' AS telecom FROM patient WHERE id = 'ann';
CREATE TRIGGER zzzz_spoil BEFORE INSERT OR UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION spoil();
\c - app
SET fhir_access.membership = 'desk';
INSERT INTO patient VALUES ('tr2', '{"resourceType": "Patient", "id": "tr2", "active": true}');
UPDATE patient SET resource = resource || '{"gender": "female"}' WHERE id = 'tr';
\c - postgres
DROP TRIGGER zzzz_spoil ON patient;
DROP TRIGGER a_prepare ON patient;

-- A foreign key's action counts as written by whoever started it.
\c - app
SET fhir_access.membership = 'desk';
BEGIN;
DELETE FROM patient WHERE id = 'ann' RETURNING id;
SELECT id FROM observation ORDER BY id;
ROLLBACK;
\c - postgres
UPDATE observation SET patient_id = 'new', resource = resource || '{"status": "amended", "valueString": "CANARY"}' WHERE id = 'o1';
\c - app
SET fhir_access.membership = 'desk';
DELETE FROM patient WHERE id = 'new';
INSERT INTO observation VALUES ('fk', 'nobody', '{"resourceType": "Observation", "id": "fk", "status": "final"}');
INSERT INTO observation VALUES ('fk', 'far', '{"resourceType": "Observation", "id": "fk", "status": "final"}') RETURNING patient_id;

-- What fails inside such an action shows no row, and still says what failed.
\c - postgres
ALTER TABLE observation DROP CONSTRAINT observation_patient_id_fkey,
    ADD FOREIGN KEY (patient_id) REFERENCES patient ON DELETE SET NULL ON UPDATE CASCADE,
    ADD CONSTRAINT has_patient CHECK (patient_id IS NOT NULL);
UPDATE observation SET patient_id = 'new', resource = resource || '{"status": "preliminary"}' WHERE id = 'o1';
\c - app
SET fhir_access.membership = 'desk';
DELETE FROM patient WHERE id = 'new';
DO $$
DECLARE
    constraint_name text;
    detail text;
BEGIN
    DELETE FROM patient WHERE id = 'new';
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS constraint_name = CONSTRAINT_NAME, detail = PG_EXCEPTION_DETAIL;
    RAISE NOTICE 'constraint %, detail "%"', constraint_name, detail;
END $$;

-- A function that runs with the rights of an exempt role is exempt, one of a role that is subject to policies is not.
\c - postgres
CREATE FUNCTION touch(text) RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS
    $$ UPDATE patient SET resource = resource || '{"language": "en", "birthDate": "1999-09-09"}' WHERE id = $1 RETURNING resource ->> 'birthDate' $$;
CREATE FUNCTION touch_as_steward(text) RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS
    $$ UPDATE patient SET resource = resource || '{"language": "en", "birthDate": "1999-09-09"}' WHERE id = $1 RETURNING resource ->> 'birthDate' $$;
GRANT SELECT, UPDATE ON patient TO steward;
ALTER FUNCTION touch_as_steward(text) OWNER TO steward;
\c - app
SET fhir_access.membership = 'desk';
SELECT touch_as_steward('ann');
SELECT touch_as_steward('bob');
SELECT touch('bob');

-- Ids that are uuids, and ids that are computed from the resource.
\c - postgres
CREATE TABLE condition (id uuid PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE encounter (id text PRIMARY KEY GENERATED ALWAYS AS (resource ->> 'id') STORED, resource jsonb NOT NULL);
SELECT fhir_access.protect('condition', 'Condition');
SELECT fhir_access.protect('encounter', 'Encounter');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "ids",
  "resource": [
    {"resourceType": "Condition", "criteria": "Condition?_id=00000000-0000-4000-8000-000000000001,no-uuid"},
    {"resourceType": "Encounter", "criteria": "Encounter?_id=e1,e2", "hiddenFields": ["status"]}
  ]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "ids", "accessPolicy": {"reference": "AccessPolicy/ids"}}');
\c - app
SET fhir_access.membership = 'ids';
INSERT INTO condition VALUES ('00000000-0000-4000-8000-000000000001', '{"resourceType": "Condition", "id": "00000000-0000-4000-8000-000000000001"}') RETURNING id;
INSERT INTO condition VALUES ('00000000-0000-4000-8000-000000000002', '{"resourceType": "Condition"}') RETURNING id;
INSERT INTO condition VALUES ('00000000-0000-4000-8000-000000000001', '{"resourceType": "Condition", "id": "other"}');
SELECT id FROM condition;
INSERT INTO encounter (resource) VALUES ('{"resourceType": "Encounter", "id": "e1", "status": "planned"}') RETURNING encounter;
INSERT INTO encounter (resource) VALUES ('{"resourceType": "Encounter", "id": "e3"}');
UPDATE encounter SET resource = resource || '{"id": "e2"}';
UPDATE encounter SET resource = resource || '{"language": "de"}' RETURNING *;
SELECT id FROM encounter WHERE id = 'e1';
DELETE FROM encounter RETURNING id;

-- The first reference in a form that equality does not find: the row is found at once, by plans that exist already too.
\c - postgres
CREATE TABLE procedure (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('procedure', 'Procedure');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "irregular",
  "resource": [
    {"resourceType": "Procedure", "criteria": "Procedure?_compartment=Patient/ann"},
    {"resourceType": "Procedure", "criteria": "Procedure?subject:not=Patient/bob&_tag=open"}
  ]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "irregular", "accessPolicy": {"reference": "AccessPolicy/irregular"}}');
\c - app
SET fhir_access.membership = 'irregular';
SET plan_cache_mode = force_generic_plan;
PREPARE ids AS SELECT string_agg(id, ' ' ORDER BY id) AS ids FROM procedure;
EXECUTE ids;
INSERT INTO procedure VALUES ('versioned', '{"resourceType": "Procedure", "id": "versioned", "subject": {"reference": "Patient/ann/_history/1"}}') RETURNING id;
EXECUTE ids;
INSERT INTO procedure VALUES ('contained', '{"resourceType": "Procedure", "id": "contained", "subject": {"reference": "#ann"}, "contained": [{"resourceType": "Patient", "id": "ann"}]}') RETURNING id;
INSERT INTO procedure VALUES ('hidden', '{"resourceType": "Procedure", "id": "hidden", "meta": {"tag": [{"code": "open"}]}, "subject": {"reference": "Patient/bob/_history/2"}}');
INSERT INTO procedure VALUES ('open', '{"resourceType": "Procedure", "id": "open", "meta": {"tag": [{"code": "open"}]}, "subject": {"reference": "Patient/cy/_history/2"}}') RETURNING id;
EXECUTE ids;
SELECT relation, irregular_references FROM fhir_access.protected_relation WHERE resource_type = 'Procedure';

-- An upsert whose new row is another entry's than the stored one's: what the INSERT half left out of EXCLUDED is not lost.
\c - postgres
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "two-faced",
  "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["telecom"]},
    {"resourceType": "Patient", "criteria": "Patient?active=false", "hiddenFields": ["address"]}
  ]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "two-faced", "accessPolicy": {"reference": "AccessPolicy/two-faced"}}');
INSERT INTO patient VALUES ('upsert', '{"resourceType": "Patient", "id": "upsert", "active": true,
    "telecom": [{"value": "CANARY"}], "address": [{"city": "Berlin"}]}');
\c - app
SET fhir_access.membership = 'two-faced';
INSERT INTO patient VALUES ('upsert', '{"resourceType": "Patient", "id": "upsert", "active": false, "address": [{"city": "Bonn"}]}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
\c - postgres
SELECT resource FROM patient WHERE id = 'upsert';

-- The same where a trigger of the owner's writes to another protected table in between.
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE observation SET resource = resource;
    RETURN NEW;
END $$;
CREATE TRIGGER a_touch BEFORE UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION touch();
UPDATE patient SET resource = jsonb_set(resource, '{active}', 'true') WHERE id = 'upsert';
\c - app
SET fhir_access.membership = 'two-faced';
INSERT INTO patient VALUES ('upsert', '{"resourceType": "Patient", "id": "upsert", "active": false, "address": [{"city": "Bonn"}]}')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
\c - postgres
SELECT resource FROM patient WHERE id = 'upsert';
