-- What is hidden of a type is hidden of resources in "contained", too: of the row's own type, of others, at every depth, and
-- whatever they say that they are. A contained resource is part of its row: where the entry that grants the row hides nothing, the
-- row is shown as it is. Every hidden value contains CANARY.
\ir prologue.sql

CREATE TABLE patient (
    id text PRIMARY KEY, resource jsonb NOT NULL,
    inner_name text, gender text,
    unnamed text GENERATED ALWAYS AS (resource #>> '{contained,0,name}') STORED);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE document (id text PRIMARY KEY, resource json NOT NULL);
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"inner_name": "contained.name", "gender": "gender"}'),
       fhir_access.protect('observation', 'Observation'), fhir_access.protect('document', 'Patient');

INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "desk", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["name", "birthDate.extension(''http://example.org/time'')"]},
    {"resourceType": "Patient", "hiddenFields": ["telecom"]},
    {"resourceType": "RelatedPerson", "criteria": "RelatedPerson?active=true", "hiddenFields": ["address"]},
    {"resourceType": "RelatedPerson", "interaction": ["update"], "hiddenFields": ["gender"]},
    {"resourceType": "Practitioner", "interaction": ["update"], "hiddenFields": ["qualification"]},
    {"resourceType": "Observation"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/desk"}}');

INSERT INTO patient (id, resource, inner_name, gender) VALUES
('own', '{"resourceType": "Patient", "id": "own", "active": true, "gender": "male", "contained": [
    {"resourceType": "Patient", "id": "a", "gender": "female", "name": [{"family": "CANARY"}], "_name": [{"id": "CANARY"}], "telecom": [{"value": "CANARY"}],
     "birthDate": "1970-01-01", "_birthDate": {"extension": [{"url": "http://example.org/time", "valueTime": "CANARY"}, {"url": "http://example.org/other"}]}}]}', 'CANARY', 'male'),
-- Another type has other fields; a Practitioner cannot be searched for, so all that any entry hides of it counts.
('others', '{"resourceType": "Patient", "id": "others", "contained": [
    {"resourceType": "RelatedPerson", "id": "b", "name": [{"family": "seen"}], "gender": "male", "address": [{"city": "CANARY"}]},
    {"resourceType": "Practitioner", "id": "c", "name": [{"family": "seen"}], "qualification": [{"issuer": {"display": "CANARY"}}]},
    {"resourceType": "Organization", "id": "d", "name": "seen", "telecom": [{"value": "seen"}]}]}', 'CANARY', 'male'),
-- What FHIR does not allow: one alone, resources in contained ones, arrays in arrays, no type or none that there is.
('hostile', '{"resourceType": "Patient", "id": "hostile", "contained": {"resourceType": "Organization", "name": "seen", "contained": [[
    {"resourceType": "Patient", "name": "CANARY", "contained": [{"resourceType": "RelatedPerson", "address": "CANARY", "name": "seen"}]},
    {"name": "CANARY", "telecom": "CANARY", "address": "CANARY", "qualification": "CANARY", "active": true},
    {"resourceType": "patient", "name": "CANARY"}, {"resourceType": ["Organization"], "name": "CANARY"}, "seen"]]}}', 'CANARY', NULL),
('none', '{"resourceType": "Patient", "id": "none", "contained": []}', NULL, 'other');
INSERT INTO patient (id, resource)
SELECT 'deep', ('{"resourceType": "Patient", "id": "deep", "contained": ' || repeat('{"contained": [', 100) || '{"resourceType": "Patient", "name": "CANARY"}' || repeat(']}', 100) || '}')::jsonb;
INSERT INTO observation VALUES ('o', '{"resourceType": "Observation", "id": "o", "status": "final", "contained": [{"resourceType": "Patient", "id": "p", "name": [{"family": "seen"}]}]}');
INSERT INTO document SELECT id, resource::json FROM patient;

\c - app
SET fhir_access.membership = 'm';
SELECT id, resource FROM patient ORDER BY id;
-- Columns that repeat something of what is inside are NULL, others are not.
SELECT id, inner_name, gender, unnamed FROM patient ORDER BY id;
SELECT count(*) FROM patient p WHERE p::text LIKE '%CANARY%' OR to_jsonb(p)::text LIKE '%CANARY%';
SELECT count(*) FROM document d WHERE d::text LIKE '%CANARY%';
SELECT count(*) FROM document;
-- Not to be found out either.
SELECT count(*) FROM patient WHERE resource @> '{"contained": [{"name": [{"family": "CANARY"}]}]}' OR resource @? '$.contained.**.name ? (@ == "CANARY")';
SELECT id FROM patient ORDER BY resource #>> '{contained,0,name,0,family}' NULLS LAST, id;
-- Where nothing is hidden of the row, it is shown as it is stored.
SELECT resource FROM observation;

-- On write: what was read and is written back is what was stored, also when it is edited around the fields.
UPDATE patient SET resource = resource || '{"language": "de"}' WHERE id <> 'deep';
-- Nothing is guessed at such depths.
UPDATE patient SET resource = resource || '{"language": "de"}' WHERE id = 'deep';
UPDATE patient SET resource = jsonb_set(resource, '{contained}', '[{"resourceType": "Organization", "id": "new"}]' || (resource -> 'contained')) WHERE id = 'own';
-- One that is taken out, or made into another type or another person, stays beside what takes its place.
UPDATE patient SET resource = jsonb_set(resource, '{contained}', '[{"resourceType": "Organization", "id": "b", "name": "mine"}, {"resourceType": "RelatedPerson", "id": "e", "address": [{"city": "mine"}]}]') WHERE id = 'others';
UPDATE patient SET resource = resource - 'contained' WHERE id = 'hostile';
-- On create they are left out.
INSERT INTO patient (id, resource, inner_name) VALUES ('new', '{"resourceType": "Patient", "id": "new", "active": true, "contained": [
    {"resourceType": "Patient", "id": "a", "name": "mine", "gender": "male"}, {"resourceType": "RelatedPerson", "id": "b", "address": "mine", "gender": "male"}]}', 'mine');
SELECT count(*) FROM patient p WHERE p::text LIKE '%CANARY%';
\c - postgres
SELECT id, resource, inner_name FROM patient WHERE id <> 'deep' ORDER BY id;
SELECT resource::text LIKE '%CANARY%' AS kept FROM patient WHERE id = 'deep';

-- As an error, where that is asked for: the paths are named, no value.
\c - app
SET fhir_access.membership = 'm';
SET fhir_access.readonly_violation = 'error';
UPDATE patient SET resource = jsonb_set(resource, '{contained,1,name}', '"mine"') WHERE id = 'own';
UPDATE patient SET resource = jsonb_set(resource, '{contained,1,gender}', '"other"') WHERE id = 'own' RETURNING resource;
INSERT INTO patient (id, resource) VALUES ('refused', '{"resourceType": "Patient", "id": "refused", "active": true, "contained": [{"resourceType": "Patient", "name": "mine"}]}');
