-- Guide "IP access rules": some addresses are allowed, and a final `*` blocks all others.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient VALUES ('homer', '{"resourceType": "Patient", "id": "homer"}');
SELECT fhir_access.protect('patient', 'Patient');

-- The rules that the guide describes: allow rules for single and partial addresses, then a wildcard block.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy",
  "id": "office",
  "name": "From the office only",
  "resource": [
    {
      "resourceType": "*"
    }
  ],
  "ipAccessRule": [
    {
      "name": "Office",
      "value": "8.8.",
      "action": "allow"
    },
    {
      "name": "VPN",
      "value": "198.51.100.7",
      "action": "allow"
    },
    {
      "name": "Everybody else",
      "value": "*",
      "action": "block"
    }
  ]
}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{
  "resourceType": "ProjectMembership",
  "id": "m1",
  "accessPolicy": {"reference": "AccessPolicy/office"}
}');

\c - app
SET fhir_access.membership = 'm1';

-- The guide's example: "8.8." matches 8.8.8.8 ...
SET fhir_access.client_ip = '8.8.8.8';
SELECT id FROM patient;

-- ... but not 8.7.8.8.
SET fhir_access.client_ip = '8.7.8.8';
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO patient VALUES ('ned', '{"resourceType": "Patient", "id": "ned"}');
UPDATE patient SET resource = resource || '{"active": true}';
DELETE FROM patient;

-- The VPN's address, and no other of its network.
SET fhir_access.client_ip = '198.51.100.7';
UPDATE patient SET resource = resource || '{"active": true}' RETURNING resource;
SET fhir_access.client_ip = '198.51.100.70';
SELECT id FROM patient;

-- Nobody knows where a Unix socket ends: the wildcard blocks it.
RESET fhir_access.client_ip;
SELECT id FROM patient;
\echo :LAST_ERROR_SQLSTATE

-- session() tells the verdict without raising.
SELECT membership, client_ip, ip_verdict FROM fhir_access.session();
SELECT set_config('fhir_access.client_ip', '8.8.4.4', false);
SELECT membership, client_ip, ip_verdict FROM fhir_access.session();
