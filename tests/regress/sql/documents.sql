-- Policies, memberships and projects are validated when they are written: a wrong one is refused with 22023, the path to
-- the wrong place and, inside a criteria, its position. validate() tells the same without writing.
\ir prologue.sql

-- The example of a spelling mistake. The position is counted within the criteria.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "states",
  "resource": [
    {"resourceType": "Observation"},
    {"resourceType": "Encounter", "readonly": true},
    {"resourceType": "Patient", "criteria": "Patient?adress-state=CA"}
  ]
}');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM fhir_access.validate('{
  "resourceType": "AccessPolicy",
  "resource": [
    {"resourceType": "Observation"},
    {"resourceType": "Encounter", "readonly": true},
    {"resourceType": "Patient", "criteria": "Patient?adress-state=CA"}
  ]
}');

-- Several mistakes are told at once: the first in the message, the others below it.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "name": 7,
  "compartment": {"reference": "nowhere"},
  "resource": [
    {"resourceType": "Patent"},
    {"resourceType": "Patient", "criteria": "Observation?status=final"},
    {"resourceType": "Patient", "interaction": ["serach"]},
    {"resourceType": "Patient", "hiddenFields": ["id"], "readonlyFields": ["resourceType"]},
    {"criteria": "Patient?active=true"}
  ],
  "ipAccessRule": [
    {"value": "8.8.8.888", "action": "allow"},
    {"value": "*", "action": "deny"}
  ]
}');
\echo :LAST_ERROR_SQLSTATE
\x on
SELECT * FROM fhir_access.validate('{
  "resourceType": "AccessPolicy",
  "name": 7,
  "resource": [
    {"resourceType": "Patent"},
    {"resourceType": "Patient", "hiddenFields": ["nmae.family"], "raedonly": true}
  ]
}');
\x off

-- Warnings do not refuse: unknown properties and paths, and a hidden field that may also stand in the narrative.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "warned",
  "description": "kept as it is",
  "resource": [{"resourceType": "Patient", "hiddenFields": ["nmae", "telecom"]}]
}');
SELECT id, resource ->> 'description' AS description FROM fhir_access.access_policy;

-- Memberships and projects likewise.
INSERT INTO fhir_access.project_membership (resource) VALUES ('{
  "resourceType": "ProjectMembership",
  "active": "yes",
  "profile": {"reference": "Practitioner"},
  "access": [
    {"parameter": [{"name": "state", "valueString": "CA"}]},
    {"policy": {"reference": "Patient/p"}, "parameter": [{"name": "state"}, {"name": "a b", "valueString": "x"},
      {"name": "both", "valueString": "x", "valueReference": {"reference": "Patient/p"}}]}
  ]
}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.project (resource) VALUES
('{"resourceType": "Project", "superAdmin": 1, "link": [{"project": "Project/p2"}, {}], "exportedResourceType": ["Patiant"]}');
\echo :LAST_ERROR_SQLSTATE

-- A document of another type, or of none.
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "AccessPolicy"}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"name": "no type"}');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM fhir_access.validate('{"resourceType": "Patient"}');
SELECT * FROM fhir_access.validate('[1]');

-- A missing id is filled with a UUID, in the document as in its column; a wrong one is refused, and so is a second one.
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "name": "Springfield"}')
RETURNING id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS uuid, id = resource ->> 'id' AS same;
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "a b"}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": 7}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "warned"}');
\echo :LAST_ERROR_SQLSTATE

-- An update is validated too, and what is there stays when it is refused.
UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,criteria}', '"Patient?organization.name=x"') WHERE id = 'warned';
\echo :LAST_ERROR_SQLSTATE
UPDATE fhir_access.access_policy SET resource = resource - 'description' || '{"resource": [{"resourceType": "Patient"}]}' WHERE id = 'warned';
SELECT resource FROM fhir_access.access_policy;
DELETE FROM fhir_access.access_policy WHERE id = 'warned' RETURNING id;

-- What is not built is refused and named, never ignored.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "resource": [{"resourceType": "Observation", "criteria": "Observation?subject.name=x"},
               {"resourceType": "Binary", "criteria": "Binary?_id=x"}]
}');
\echo :LAST_ERROR_SQLSTATE

-- Application roles neither read nor write documents.
SET ROLE app;
SET fhir_access.membership = '{"resourceType": "ProjectMembership"}';
SELECT count(*) FROM fhir_access.access_policy;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy"}');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM fhir_access.validate('{"resourceType": "AccessPolicy"}');
