-- fhir_access.readonly_violation: a write with other values for readonly and hidden fields is put right, or refused (42501).
-- Hidden values begin with CANARY.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, note text, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO patient VALUES ('ann', NULL, '{"resourceType": "Patient", "id": "ann", "gender": "female", "birthDate": "1970-01-01", "multipleBirthInteger": 1,
  "telecom": [{"value": "CANARY"}], "address": [{"text": "1.10 Main", "period": {"start": "2020"}}],
  "identifier": [{"system": "urn:mrn", "value": "1"}, {"system": "urn:ssn", "value": "2"}, {"system": "urn:x"}],
  "extension": [{"url": "weight", "valueDecimal": 1.10}]}');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "desk",
  "resource": [{"resourceType": "Patient", "hiddenFields": ["telecom", "address.period"],
                "readonlyFields": ["birthDate", "identifier.value", "multipleBirth[x]", "extension", "address"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
  ('{"resourceType": "ProjectMembership", "id": "desk", "accessPolicy": {"reference": "AccessPolicy/desk"}}');

\c - app
SET fhir_access.membership = 'desk';
SHOW fhir_access.readonly_violation;
UPDATE patient SET resource = resource || '{"birthDate": "2000-01-01", "telecom": []}' RETURNING resource -> 'birthDate' AS birth_date;
-- It needs no privilege, and has two values.
SET fhir_access.readonly_violation = 'error';
SET fhir_access.readonly_violation = 'ignore';
SHOW fhir_access.readonly_violation;

-- Permitted: other fields, other order, numbers written another way, columns beside the resource.
UPDATE patient SET resource = resource || '{"gender": "other", "extension": [{"url": "weight", "valueDecimal": 1.1}]}' RETURNING resource -> 'extension' AS extension;
UPDATE patient SET resource = resource || '{"identifier": [{"system": "urn:x", "use": "old"}, {"system": "urn:ssn", "value": "2"}, {"system": "urn:mrn", "value": "1"}]}' RETURNING resource -> 'identifier' AS identifier;
UPDATE patient SET note = 'n';

-- Refused: another value, none, one too many, another type; the paths are named, never a value.
UPDATE patient SET resource = resource || '{"birthDate": "2000-01-01"}';
UPDATE patient SET resource = resource - 'birthDate' - 'identifier';
UPDATE patient SET resource = jsonb_set(resource - 'multipleBirthInteger' || '{"multipleBirthBoolean": true, "_birthDate": {"id": "x"}}', '{identifier,0,value}', '"3"');
UPDATE patient SET resource = jsonb_set(resource, '{address,0,text}', '"2 Main"');
-- Two identifiers change their values.
UPDATE patient SET resource = resource || '{"identifier": [{"system": "urn:x"}, {"system": "urn:ssn", "value": "1"}, {"system": "urn:mrn", "value": "2"}]}';
-- What is hidden may not be sent, be it right or wrong: the error does not tell.
UPDATE patient SET resource = resource || '{"telecom": [{"value": "CANARY"}]}';
UPDATE patient SET resource = resource || '{"telecom": [{"value": "555"}]}';
UPDATE patient SET resource = jsonb_set(resource, '{address,0,period}', '{"start": "2020"}');
UPDATE patient SET resource = '{"resourceType": "Patient", "id": "ann", "gender": "other", "birthDate": "1970-01-01", "multipleBirthInteger": 1,
  "telecom": [{"value": "CANARY"}], "address": [{"text": "1.10 Main", "period": {"start": "2020"}}],
  "identifier": [{"system": "urn:x", "use": "old"}, {"system": "urn:ssn", "value": "2"}, {"system": "urn:mrn", "value": "1"}],
  "extension": [{"url": "weight", "valueDecimal": 1.10}]}';
\c - postgres
SELECT resource = '{"resourceType": "Patient", "id": "ann", "gender": "other", "birthDate": "1970-01-01", "multipleBirthInteger": 1,
  "telecom": [{"value": "CANARY"}], "address": [{"text": "1.10 Main", "period": {"start": "2020"}}],
  "identifier": [{"system": "urn:x", "use": "old"}, {"system": "urn:ssn", "value": "2"}, {"system": "urn:mrn", "value": "1"}],
  "extension": [{"url": "weight", "valueDecimal": 1.10}]}' AS the_last_one_was_right FROM patient;

-- A new resource: dropped, or refused.
\c - app
SET fhir_access.membership = 'desk';
INSERT INTO patient VALUES ('new', NULL, '{"resourceType": "Patient", "id": "new", "birthDate": "2000-01-01", "telecom": [{"value": "555"}]}') RETURNING resource;
SET fhir_access.readonly_violation = 'error';
INSERT INTO patient VALUES ('new2', NULL, '{"resourceType": "Patient", "id": "new2", "birthDate": "2000-01-01", "telecom": [{"value": "555"}], "identifier": [{"value": "1"}]}');
INSERT INTO patient VALUES ('new2', NULL, '{"resourceType": "Patient", "id": "new2", "identifier": [{"system": "urn:x"}]}') RETURNING resource;

-- An upsert: a new row is refused for what it sets, one that takes a stored row's place for what it changes.
INSERT INTO patient VALUES ('new3', NULL, '{"resourceType": "Patient", "id": "new3", "birthDate": "2000-01-01"}') ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
INSERT INTO patient SELECT id, 'upserted', resource FROM patient WHERE id = 'ann' ON CONFLICT (id) DO UPDATE SET resource = excluded.resource, note = excluded.note RETURNING note;
INSERT INTO patient SELECT id, 'upserted', resource || '{"birthDate": "2000-01-01"}' FROM patient WHERE id = 'ann' ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
INSERT INTO patient SELECT id, 'upserted', resource || '{"telecom": [{"value": "CANARY"}]}' FROM patient WHERE id = 'ann' ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
INSERT INTO patient SELECT id, 'again', resource || '{"birthDate": "2000-01-01"}' FROM patient WHERE id = 'ann' ON CONFLICT (id) DO UPDATE SET note = excluded.note RETURNING note;
INSERT INTO patient VALUES ('new4', NULL, '{"resourceType": "Patient", "id": "new4", "birthDate": "2000-01-01"}') ON CONFLICT (id) DO NOTHING;
MERGE INTO patient p USING (VALUES ('{"birthDate": "2000-01-01"}'::jsonb)) v (change) ON p.id = 'ann' WHEN MATCHED THEN UPDATE SET resource = p.resource || v.change;
SELECT id, resource -> 'birthDate' AS birth_date FROM patient ORDER BY id;

-- What triggers of the owner's set counts as sent, too; where the statement has no new resource, they may touch other fields.
\c - postgres
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.resource := NEW.resource || jsonb_build_object('language', NEW.note) || CASE NEW.note WHEN 'born' THEN '{"birthDate": "2000-01-01"}'::jsonb ELSE '{}' END;
    RETURN NEW;
END $$;
CREATE TRIGGER a_stamp BEFORE UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION stamp();
\c - app
SET fhir_access.membership = 'desk';
SET fhir_access.readonly_violation = 'error';
UPDATE patient SET note = 'de' WHERE id = 'ann' RETURNING resource -> 'language' AS language;
UPDATE patient SET note = 'born' WHERE id = 'ann';
\c - postgres
SELECT resource -> 'telecom' AS telecom, resource -> 'address' AS address FROM patient WHERE id = 'ann';
DROP TRIGGER a_stamp ON patient;

-- Many paths: the first ten are named.
UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0}', '{"resourceType": "Patient", "readonlyFields":
  ["active", "name", "gender", "address", "contact", "photo", "telecom", "birthDate", "identifier", "extension", "language", "link", "maritalStatus"]}');
-- In the options of a connection it needs no privilege either.
\c "user=app options='-c fhir_access.readonly_violation=error'"
SET fhir_access.membership = 'desk';
UPDATE patient SET resource = '{"resourceType": "Patient", "id": "ann", "active": true, "name": [{"text": "x"}], "contact": [{"gender": "male"}], "link": [{"type": "seealso"}], "photo": [{"title": "x"}]}' WHERE id = 'ann';
