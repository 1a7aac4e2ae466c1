-- Hidden fields are in no result and cannot be used to find out. This file: which parts of a document a path hides, which
-- entry decides for which row, and what happens to the columns around it. Every hidden value here contains CANARY.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('ann', '{"resourceType": "Patient", "id": "ann", "active": true, "gender": "female",
              "birthDate": "CANARY-1970", "_birthDate": {"id": "CANARY"},
              "name": [{"use": "official", "family": "CANARY", "_family": {"id": "CANARY"}, "given": ["Ann"]}, {"given": ["Annie"]}],
              "contact": [{"name": {"family": "CANARY", "given": ["Joe"]}}, {"name": {"family": "CANARY"}}],
              "telecom": [{"system": "phone", "value": "CANARY"}], "address": [{"city": "Berlin"}]}'),
    ('bob', '{"resourceType": "Patient", "id": "bob", "active": false, "gender": "male",
              "birthDate": "1980-01-01", "name": [{"family": "Baker"}], "telecom": [{"value": "555"}],
              "address": [{"city": "CANARY"}]}'),
    ('cy',  '{"resourceType": "Patient", "id": "cy", "name": [{"family": "CANARY"}]}');

-- One column is computed from the resource, one is not, one is gone and one came later.
CREATE TABLE observation (
    id text PRIMARY KEY,
    gone text,
    resource jsonb NOT NULL,
    value text GENERATED ALWAYS AS (coalesce(resource ->> 'valueString', resource #>> '{valueQuantity,value}')) STORED
);
ALTER TABLE observation DROP COLUMN gone;
INSERT INTO observation (id, resource) VALUES
    ('o1', '{"resourceType": "Observation", "id": "o1", "status": "final", "subject": {"reference": "Patient/ann", "display": "CANARY"},
             "valueString": "CANARY", "_valueString": {"id": "CANARY"}, "note": [{"text": "seen"}]}'),
    ('o2', '{"resourceType": "Observation", "id": "o2", "status": "final", "subject": {"reference": "Patient/bob"},
             "valueQuantity": {"value": 1.10, "unit": "CANARY"}, "referenceRange": [{"low": {"value": 0.50}, "high": {"value": 1e2}}]}'),
    ('o3', '{"resourceType": "Observation", "id": "o3", "status": "preliminary", "valueString": "CANARY"}');
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('observation', 'Observation');
ALTER TABLE observation ADD COLUMN note text DEFAULT 'none';

-- Two entries hide different fields of Patient; the first that grants a row decides for it.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "desk",
  "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true",
     "hiddenFields": ["birthDate", "name.family", "contact.name.family", "telecom"]},
    {"resourceType": "Patient", "criteria": "Patient?active=false,true", "hiddenFields": ["address"]},
    {"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["value[x]", "subject.display"]}
  ]}'),
('{
  "resourceType": "AccessPolicy", "id": "quantity",
  "resource": [
    {"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["valueString", "valueQuantity.unit", "subject.display"]}
  ]}'),
('{
  "resourceType": "AccessPolicy", "id": "everything",
  "resource": [{"resourceType": "Patient"}, {"resourceType": "Observation"}]
 }');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "accessPolicy": {"reference": "AccessPolicy/%s"}}', id, id)::jsonb
  FROM unnest(ARRAY['desk', 'quantity', 'everything']) id;

\c - app
SET fhir_access.membership = 'desk';

-- A field and its sibling, a field inside an array, a field inside an array's object. Ann is decided by the first entry,
-- Bob by the second; Cy is granted by none.
SELECT id, resource FROM patient ORDER BY id;

-- value[x] is every choice and its sibling.
SELECT id, resource FROM observation ORDER BY id;

-- The column that is computed from the resource is NULL; the others are as they are.
SELECT id, value, note FROM observation ORDER BY id;

-- One choice alone hides only that one. Numbers keep their decimals.
SET fhir_access.membership = 'quantity';
SELECT id, resource FROM observation ORDER BY id;
SELECT resource #> '{valueQuantity,value}' AS value, resource #>> '{referenceRange,0,low,value}' AS low FROM observation WHERE id = 'o2';

-- The whole row, in all its spellings.
SET fhir_access.membership = 'desk';
SELECT o FROM observation o ORDER BY id;
SELECT o.* FROM observation o ORDER BY id;
SELECT (o).resource FROM observation o ORDER BY id;
SELECT (o).* FROM observation o ORDER BY id;
SELECT row_to_json(o) FROM observation o ORDER BY id;
SELECT to_jsonb(p) FROM patient p ORDER BY id;
SELECT o.to_jsonb FROM observation o ORDER BY id;

-- An outer join that finds nothing gives NULL, not an empty document and not an empty row.
SELECT o.id, p.resource IS NULL AS no_resource, p IS NULL AS no_row, p.resource, p
  FROM observation o LEFT JOIN patient p ON p.id = 'nobody' ORDER BY o.id;
SELECT o.id, p.id AS patient, p.resource -> 'telecom' AS telecom
  FROM observation o FULL JOIN patient p ON o.resource #>> '{subject,reference}' = 'Patient/' || p.id AND p.id <> 'ann' ORDER BY 1, 2;

-- What is hidden cannot be searched, sorted, grouped or counted.
SELECT count(*) FROM patient WHERE resource::text LIKE '%CANARY%';
SELECT count(*) FROM patient WHERE resource @> '{"telecom": [{"value": "CANARY"}]}';
SELECT count(*) FROM patient WHERE resource @? '$.name[*].family ? (@ == "CANARY")';
SELECT id FROM patient ORDER BY resource ->> 'birthDate' DESC NULLS LAST;
SELECT resource ->> 'valueString' AS value, count(*) FROM observation GROUP BY 1 HAVING max(resource ->> 'valueString') IS NULL;
SELECT count(*), count(value) AS derived, min(value), string_agg(resource ->> 'valueString', ',') FROM observation;

-- No function of the user's sees it either, however cheap it says it is.
CREATE FUNCTION pg_temp.spy(document jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
    IF document::text LIKE '%CANARY%' THEN
        RAISE NOTICE 'leaked: %', document;
    END IF;
    RETURN true;
END $$;
SELECT id FROM patient WHERE pg_temp.spy(resource) AND pg_temp.spy(to_jsonb(patient)) ORDER BY id;
SELECT id FROM observation WHERE pg_temp.spy(to_jsonb(value)) AND pg_temp.spy(to_jsonb(observation)) ORDER BY id;
UPDATE observation SET note = 'spied' WHERE pg_temp.spy(resource) AND pg_temp.spy(to_jsonb(value)) RETURNING id;

-- What a statement returns of the rows that it wrote is masked, and what it computes from them too.
UPDATE observation SET note = resource::text RETURNING *;
UPDATE observation o SET note = coalesce(o.value, 'no value') FROM observation p WHERE p.id = o.id RETURNING o, p.value;
BEGIN;
DELETE FROM observation RETURNING observation;
ROLLBACK;
INSERT INTO observation (id, resource) VALUES ('o1', '{"resourceType": "Observation", "id": "o1", "status": "final", "valueString": "mine"}')
    ON CONFLICT (id) DO UPDATE SET note = observation.resource::text || excluded.value RETURNING *;

-- Another membership, and what is stored is whole.
SET fhir_access.membership = 'everything';
SELECT id, resource ->> 'valueString' AS string, resource -> 'valueQuantity' AS quantity, value, note FROM observation ORDER BY id;
SELECT id, resource -> 'telecom' AS telecom, resource -> 'address' AS address FROM patient ORDER BY id;
