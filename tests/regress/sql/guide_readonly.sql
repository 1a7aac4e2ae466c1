-- Guide "Read-only access" and "FHIR interactions": `readonly`, alone and for all other types, its long form, and a
-- policy that may create but not look around.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE encounter (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES ('homer', '{"resourceType": "Patient", "id": "homer"}');
INSERT INTO encounter VALUES ('visit', '{"resourceType": "Encounter", "id": "visit", "status": "planned"}');
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('encounter', 'Encounter');

-- The four documents of the guide, with ids.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "readonly",
  "name": "Patient Example",
  "resource": [
    {
      "resourceType": "Patient",
      "readonly": true
    }
  ]
}'), ('{
  "resourceType": "AccessPolicy",
  "id": "readonly-rest",
  "name": "Read Only Example",
  "resource": [
    {
      "resourceType": "Patient"
    },
    {
      "resourceType": "*",
      "readonly": true
    }
  ]
}'), ('{
  "resourceType": "AccessPolicy",
  "id": "modes",
  "name": "Read-only modes",
  "resource": [
    {
      "resourceType": "*",
      "readonly": true
    },
    {
      "resourceType": "*",
      "interaction": ["read", "search", "history", "vread"]
    }
  ]
}'), ('{
  "resourceType": "AccessPolicy",
  "id": "sandbox",
  "name": "Write-only Sandbox",
  "resource": [
    {
      "resourceType": "*",
      "interaction": ["create", "read"]
    }
  ]
}');

-- The guide prints the third with comments and a comma too many. That is not JSON, and the error says where.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "name": "Read-only modes",
  "resource": [
    // Legacy shorthand
    {
      "resourceType": "*",
      "readonly": true,
    }
  ]
}');
\echo :LAST_ERROR_SQLSTATE

-- One membership for each; its id is the policy's.
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', id,
                          'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || id))
  FROM fhir_access.access_policy;

\c - app

-- readonly: seen, never changed, and the error says which way is missing.
SET fhir_access.membership = 'readonly';
SELECT id FROM patient;
UPDATE patient SET resource = resource || '{"active": true}';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM patient;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO patient VALUES ('moe', '{"resourceType": "Patient", "id": "moe"}');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM encounter;

-- readonly-rest: patients are written, encounters are read.
SET fhir_access.membership = 'readonly-rest';
INSERT INTO patient VALUES ('moe', '{"resourceType": "Patient", "id": "moe"}');
UPDATE patient SET resource = resource || '{"active": true}' WHERE id = 'moe' RETURNING id, resource;
SELECT id FROM encounter;
UPDATE encounter SET resource = resource || '{"status": "finished"}';
DELETE FROM encounter;

-- modes: the two forms mean the same.
SET fhir_access.membership = 'modes';
SELECT i AS interaction, array_agg(entry ORDER BY place) AS entries
  FROM unnest('{read,vread,search,history,create,update,delete}'::text[]) WITH ORDINALITY AS t (i, n)
  LEFT JOIN fhir_access.explain('Encounter', i) ON true
 GROUP BY i, n ORDER BY n;
SELECT id FROM encounter;
UPDATE encounter SET resource = resource || '{"status": "finished"}';

-- sandbox: create, but no search; so there is nothing to find, to change or to return.
SET fhir_access.membership = 'sandbox';
INSERT INTO encounter VALUES ('new', '{"resourceType": "Encounter", "id": "new", "status": "planned"}');
SELECT id FROM encounter;
UPDATE encounter SET resource = resource || '{"status": "finished"}';
DELETE FROM encounter;
INSERT INTO encounter VALUES ('newer', '{"resourceType": "Encounter", "id": "newer", "status": "planned"}') RETURNING id;
\echo :LAST_ERROR_SQLSTATE

\c - postgres
SELECT id, resource ->> 'status' AS status FROM encounter ORDER BY id;
SELECT id, resource FROM patient ORDER BY id;
