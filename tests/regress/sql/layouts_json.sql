-- A table whose resources are in a column of type json: as text, but that PostgreSQL has checked that it is JSON. Not all that is JSON is a
-- jsonb value; what is not belongs to no resource. Every hidden value here contains CANARY.
\ir prologue.sql

CREATE TABLE observation (id text PRIMARY KEY, resource json NOT NULL);
CREATE INDEX ON observation USING gin ((fhir_access.document(resource)) jsonb_path_ops);
INSERT INTO observation VALUES
    ('o1', '{"resourceType":"Observation", "id":"o1", "status":"final", "valueString":"CANARY", "issued": "2020"}'),
    ('o2', '{"resourceType":"Observation", "id":"o2", "status":"final", "valueQuantity":{"value":1.10}}'),
    ('o3', '{"resourceType":"Observation", "id":"o3", "status":"final", "note":"\u0000 CANARY"}'),
    ('o4', '{"resourceType":"Observation", "id":"o4", "status":"amended"}');
SELECT fhir_access.protect('observation', 'Observation');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "a", "resource": [
    {"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["value[x]"]},
    {"resourceType": "Observation"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/a"}}');

\c - app
SET fhir_access.membership = 'm';
SELECT id, resource, pg_typeof(resource) FROM observation ORDER BY id;
SELECT id, resource ->> 'valueString' AS value, resource #>> '{valueQuantity,value}' AS number FROM observation ORDER BY id;
SELECT o FROM observation o ORDER BY id;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM observation WHERE fhir_access.document(resource) @> '{"status": "amended"}';

UPDATE observation SET resource = json_build_object('resourceType', 'Observation', 'id', id, 'status', 'final', 'issued', '2021') WHERE id = 'o1' RETURNING resource;
INSERT INTO observation VALUES ('o5', '{ "resourceType":"Observation", "status":"preliminary" }') RETURNING resource;
INSERT INTO observation VALUES ('o6', '{"resourceType":"Observation", "status":"\u0000"}');
INSERT INTO observation VALUES ('o6', '[]');
DELETE FROM observation WHERE id = 'o3';
\c - postgres
SELECT * FROM observation ORDER BY id;
