-- Guide "Criteria-based access control": only the patients who live in California.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('ca', '{"resourceType": "Patient", "id": "ca", "address": [{"state": "CA", "city": "Fresno"}]}'),
    ('ca-second', '{"resourceType": "Patient", "id": "ca-second", "address": [{"state": "NV"}, {"state": "CA"}]}'),
    ('ca-lower', '{"resourceType": "Patient", "id": "ca-lower", "address": [{"state": "ca"}]}'),
    ('ny', '{"resourceType": "Patient", "id": "ny", "address": [{"state": "NY", "city": "CA City"}]}'),
    ('nowhere', '{"resourceType": "Patient", "id": "nowhere"}');
SELECT fhir_access.protect('patient', 'Patient');

-- The document of the guide, with an id.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "california",
  "name": "Criteria Based Access Policy",
  "resource": [
    {
      "resourceType": "Patient",
      "criteria": "Patient?address-state=CA"
    }
  ]
}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{
  "resourceType": "ProjectMembership",
  "id": "m1",
  "accessPolicy": {"reference": "AccessPolicy/california"}
}');

\c - app
SET fhir_access.membership = 'm1';

-- Any address counts, upper and lower case are one; a city is no state, and no address is no grant.
SELECT id FROM patient ORDER BY id;

-- A Californian can be created, somebody else cannot.
INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": "new", "address": [{"state": "CA"}]}');
INSERT INTO patient VALUES ('or', '{"resourceType": "Patient", "id": "or", "address": [{"state": "OR"}]}');
\echo :LAST_ERROR_SQLSTATE

-- A Californian can be changed, but not sent away; a New Yorker is not there to be changed.
UPDATE patient SET resource = jsonb_set(resource, '{active}', 'true') WHERE id = 'ca' RETURNING id, resource -> 'active' AS active;
UPDATE patient SET resource = jsonb_set(resource, '{address,0,state}', '"NV"') WHERE id = 'ca';
\echo :LAST_ERROR_SQLSTATE
UPDATE patient SET resource = jsonb_set(resource, '{active}', 'true') WHERE id = 'ny' RETURNING id;

-- Likewise for deleting.
DELETE FROM patient WHERE id IN ('new', 'ny') RETURNING id;

-- The administrator sees what became of it.
\c - postgres
SELECT id, resource #>> '{address,0,state}' AS state, resource -> 'active' AS active FROM patient ORDER BY id;
