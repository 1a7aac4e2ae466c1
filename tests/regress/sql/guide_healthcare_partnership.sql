-- Guide "Healthcare partnerships": a partner reads the patients of its account, and what it creates belongs to that account.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE service_request (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES
    ('54aa8595-e3a7-48ae-af91-9c7cb940149b',
     '{
        "resourceType": "Patient",
        "id": "54aa8595-e3a7-48ae-af91-9c7cb940149b",
        "meta": {
          "versionId": "02900c57-4da8-498f-85d5-5077077e3e2c",
          "lastUpdated": "2022-01-13T16:21:11.870Z",
          "account": {
            "reference": "Organization/abc-123",
            "display": "Example Customer Organization"
          }
        },
        "name": [{"given": ["Homer"], "family": "Simpson"}]
      }'),
    ('shared', '{"resourceType": "Patient", "id": "shared",
                 "meta": {"accounts": [{"reference": "Organization/xyz"}, {"reference": "Organization/abc-123"}]}}'),
    ('foreign', '{"resourceType": "Patient", "id": "foreign", "meta": {"account": {"reference": "Organization/xyz"}}}'),
    ('managed', '{"resourceType": "Patient", "id": "managed", "managingOrganization": {"reference": "Organization/abc-123"}}');
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('service_request', 'ServiceRequest');

-- The guide prints this policy with comments and without a comma after the criteria. That is refused with its position.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "resource": [
    {
      "resourceType": "Patient",
      "criteria": "Patient?_compartment=Organization/abc-123"
      "readonly": true
    }
  ]
}');
\echo :LAST_ERROR_SQLSTATE

-- Corrected, with an id.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "partner",
  "name": "Patient Example",
  "compartment": {
    "reference": "Organization/abc-123",
    "display": "Example Customer Organization"
  },
  "resource": [
    {
      "resourceType": "Patient",
      "criteria": "Patient?_compartment=Organization/abc-123",
      "readonly": true
    }
  ]
}');

-- For writing, the same partner also orders services, within its account.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "orders",
  "resource": [{"resourceType": "ServiceRequest", "criteria": "ServiceRequest?_compartment=Organization/abc-123"}]
}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "reader", "accessPolicy": {"reference": "AccessPolicy/partner"}}'),
('{"resourceType": "ProjectMembership", "id": "writer",
   "access": [{"policy": {"reference": "AccessPolicy/partner"}}, {"policy": {"reference": "AccessPolicy/orders"}}]}');

\c - app
SET fhir_access.membership = 'reader';

-- Patients tagged with the account, as the only one or among others. An organization that manages a patient is no account.
SELECT id FROM patient ORDER BY id;

-- Read-only.
UPDATE patient SET resource = resource || '{"active": true}' WHERE id = 'shared';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": "new"}');
\echo :LAST_ERROR_SQLSTATE
DELETE FROM patient WHERE id = 'shared';
\echo :LAST_ERROR_SQLSTATE

-- What is created is tagged with meta.account; what the writer says of it is replaced.
SET fhir_access.membership = 'writer';
INSERT INTO service_request VALUES
    ('plain', '{"resourceType": "ServiceRequest", "id": "plain"}'),
    ('claim', '{"resourceType": "ServiceRequest", "id": "claim", "meta": {"account": {"reference": "Organization/xyz"}, "versionId": "1"}}');
SELECT id, resource -> 'meta' AS meta FROM service_request ORDER BY id;

-- A request for a patient also belongs to the patient's other accounts.
INSERT INTO service_request VALUES
    ('for-shared', '{"resourceType": "ServiceRequest", "id": "for-shared", "subject": {"reference": "Patient/shared"}}')
RETURNING resource #> '{meta,accounts}' AS accounts;
