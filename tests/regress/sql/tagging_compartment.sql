-- meta.compartment, in resources that have it, says what project, accounts and patients say: it is written anew with each
-- write, and a writer's word for it counts for nothing.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('x', '{"resourceType": "Patient", "id": "x", "meta": {"project": "p1", "accounts": [{"reference": "Organization/acme"}]}}'),
    ('y', '{"resourceType": "Patient", "id": "y", "meta": {"project": "p1"}}');
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "p1"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "Patient"}, {"resourceType": "Observation"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "project": {"reference": "Project/p1"}, "accessPolicy": {"reference": "AccessPolicy/all"}}'),
('{"resourceType": "ProjectMembership", "id": "free", "accessPolicy": {"reference": "AccessPolicy/all"}}');
CREATE VIEW compartments AS
    SELECT id, jsonb_path_query_array(resource, '$.meta.compartment[*].reference') AS compartments FROM observation;
ALTER VIEW compartments SET (security_invoker);
\c - app
SET fhir_access.membership = 'm';

-- Project, accounts and patients, in this order; the claim to another project and patient is gone.
INSERT INTO observation VALUES ('claimed', '{"resourceType": "Observation", "id": "claimed", "subject": {"reference": "Patient/x"},
    "meta": {"compartment": [{"reference": "Project/other"}, {"reference": "Patient/y"}]}}') RETURNING resource -> 'meta' AS meta;
-- What does not keep it does not get it.
INSERT INTO observation VALUES ('without', '{"resourceType": "Observation", "id": "without", "subject": {"reference": "Patient/x"}}')
    RETURNING resource -> 'meta' AS meta;
-- It follows the patient, also where the writer leaves it out or empties it.
UPDATE observation SET resource = resource || '{"subject": {"reference": "Patient/y"}}' WHERE id = 'claimed';
SELECT * FROM compartments WHERE id = 'claimed';
UPDATE observation SET resource = resource #- '{meta,compartment}' WHERE id = 'claimed';
SELECT * FROM compartments WHERE id = 'claimed';
UPDATE observation SET resource = jsonb_set(resource, '{meta,compartment}', '[]') WHERE id = 'claimed';
SELECT * FROM compartments WHERE id = 'claimed';
UPDATE observation SET resource = jsonb_set(resource, '{meta,compartment}', '"Patient/z"') WHERE id = 'claimed';
SELECT * FROM compartments WHERE id = 'claimed';
-- A patient is in its own compartment.
INSERT INTO patient VALUES ('z', '{"resourceType": "Patient", "id": "z", "link": [{"other": {"reference": "Patient/x"}, "type": "seealso"}],
    "meta": {"compartment": []}}') RETURNING resource -> 'meta' AS meta;
-- Where nothing puts the resource into a compartment there is none.
SET fhir_access.membership = 'free';
INSERT INTO observation VALUES ('nowhere', '{"resourceType": "Observation", "id": "nowhere", "meta": {"compartment": [{"reference": "Patient/x"}]}}')
    RETURNING resource;

-- A write that leaves the tags as they should be leaves the document's bytes alone.
SET fhir_access.membership = 'm';
UPDATE observation SET resource = resource || '{"valueQuantity": {"value": 1.10}}' WHERE id = 'claimed' RETURNING resource;

-- A statement of many rows gives each the accounts of its own patients; the next statement sees them as they are then.
INSERT INTO observation
SELECT 'many' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'many' || n, 'subject', jsonb_build_object('reference', 'Patient/' || p))
  FROM unnest('{x,y,x,nobody,x,y}'::text[]) WITH ORDINALITY AS t(p, n);
SELECT id, resource #>> '{subject,reference}' AS subject, resource #> '{meta,accounts}' AS accounts FROM observation WHERE id LIKE 'many%' ORDER BY id;
\c - postgres
UPDATE patient SET resource = jsonb_set(resource, '{meta,accounts}', '[{"reference": "Organization/other"}]') WHERE id IN ('x', 'y');
\c - app
SET fhir_access.membership = 'm';
UPDATE observation SET resource = resource || '{"status": "final"}' WHERE id LIKE 'many%';
SELECT id, resource #> '{meta,accounts}' AS accounts FROM observation WHERE id LIKE 'many%' ORDER BY id;
