-- What check() and explain() tell of write constraints: whether a stored row can be updated at all, and what a new row must meet.
-- To who cannot read a row, or could not try, they tell nothing of it.
\ir prologue.sql

CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('observation', 'Observation');
INSERT INTO observation SELECT s, jsonb_build_object('resourceType', 'Observation', 'id', s, 'status', s, 'issued', '2020-01-01T00:00:00Z', 'valueString', 'CANARY')
  FROM unnest('{registered,final,amended,cancelled}'::text[]) s;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "ward", "resource": [
    {"resourceType": "Observation", "criteria": "Observation?status=registered,final,amended", "hiddenFields": ["value[x]"], "writeConstraint": [
      {"language": "text/fhirpath", "expression": "%before.exists() implies %before.status != ''final''", "description": "a final observation stays as it is"},
      {"language": "text/fhirpath", "expression": "%before.status = status", "description": "the status stays"},
      {"language": "text/fhirpath", "expression": "issued > @2021-01-01T00:00:00Z"}]}]}'),
('{"resourceType": "AccessPolicy", "id": "blind", "resource": [
    {"resourceType": "Observation", "interaction": ["update"], "writeConstraint": [{"language": "text/fhirpath", "expression": "%before.status != ''final''"}]},
    {"resourceType": "Observation", "criteria": "Observation?status=amended", "readonly": true}]}'),
('{"resourceType": "AccessPolicy", "id": "stages", "resource": [
    {"resourceType": "Observation", "criteria": "Observation?status=registered", "writeConstraint": [{"language": "text/fhirpath", "expression": "%before.empty()", "description": "nothing goes back"}]},
    {"resourceType": "Observation", "criteria": "Observation?status=final", "writeConstraint": [{"language": "text/fhirpath", "expression": "%before.status = ''registered''", "description": "one step at a time"}]}]}'),
('{"resourceType": "AccessPolicy", "id": "hidden", "resource": [
    {"resourceType": "Observation", "hiddenFields": ["value[x]"], "writeConstraint": [{"language": "text/fhirpath", "expression": "%before.value = ''CANARY''"}]}]}');
INSERT INTO fhir_access.project_membership (resource) SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', p, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || p))
  FROM unnest('{ward,blind,hidden,stages}'::text[]) p;
\c - app
SET fhir_access.membership = 'ward';
\x on
-- No update could be permitted: the stored row alone decides.
SELECT * FROM fhir_access.check('Observation/final', 'update');
-- One could be, but none that leaves the row as it is.
SELECT * FROM fhir_access.check('Observation/registered', 'update');
-- One that does is permitted.
UPDATE observation SET resource = resource || '{"issued": "2022-01-01T00:00:00Z"}' WHERE id = 'registered' RETURNING id;
SELECT * FROM fhir_access.check('Observation/registered', 'update');
-- An update that makes it another entry's row can be permitted.
SET fhir_access.membership = 'stages';
SELECT * FROM fhir_access.check('Observation/registered', 'update');
SELECT * FROM fhir_access.check('Observation/final', 'update');
SET fhir_access.membership = 'ward';
-- Other interactions have no constraints, and to create there is no row yet.
SELECT * FROM fhir_access.check('Observation/final', 'delete');
SELECT * FROM fhir_access.check('Observation', 'create');
-- No entry grants the row.
SELECT * FROM fhir_access.check('Observation/cancelled', 'update');
SELECT policy, entry, constraints FROM fhir_access.explain('Observation', 'update');
\x off

-- A row that cannot be read is not there.
SET fhir_access.membership = 'blind';
SELECT i AS id, c.* FROM unnest('{final,registered,nobody,amended}'::text[]) i, fhir_access.check('Observation/' || i, 'update') c;

-- A constraint may look at what is hidden: to a caller who may update, its answer is what an update would tell.
SET fhir_access.membership = 'hidden';
SELECT allowed, reason, failed_constraint FROM fhir_access.check('Observation/final', 'update');
UPDATE observation SET resource = resource || '{"valueString": "other"}' WHERE id = 'final' RETURNING resource;
-- Who has no privilege to update the table learns nothing.
\c - postgres
UPDATE observation SET resource = resource || '{"valueString": "other"}' WHERE id = 'final';
REVOKE UPDATE ON observation FROM app;
\c - app
SET fhir_access.membership = 'hidden';
SELECT i AS id, c.allowed, c.reason, c.failed_constraint FROM unnest('{final,registered}'::text[]) i, fhir_access.check('Observation/' || i, 'update') c;
\c - postgres
GRANT UPDATE (resource) ON observation TO app;
\c - app
SET fhir_access.membership = 'hidden';
SELECT i AS id, c.allowed, c.reason, c.failed_constraint FROM unnest('{final,registered}'::text[]) i, fhir_access.check('Observation/' || i, 'update') c;
-- An administrator is told.
\c - postgres
SET fhir_access.membership = 'hidden';
SELECT i AS id, c.allowed, c.reason, c.failed_constraint FROM unnest('{final,registered}'::text[]) i, fhir_access.check('Observation/' || i, 'update') c;
