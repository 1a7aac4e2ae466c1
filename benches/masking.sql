-- Patients under policies that hide fields, and tables to join with them, for `cargo xtask bench masking`.
CREATE EXTENSION fhir_access;

CREATE TABLE source (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE encounter (id text PRIMARY KEY, patient text NOT NULL, resource jsonb NOT NULL);
CREATE TABLE observation (id text PRIMARY KEY, encounter text NOT NULL, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('encounter', 'Encounter');
SELECT fhir_access.protect('observation', 'Observation');
CREATE INDEX ON encounter (patient);
CREATE INDEX ON observation (encounter);

-- What an application keeps beside its resources.
CREATE TABLE clinic (id int PRIMARY KEY, region int NOT NULL, name text);
CREATE TABLE region (id int PRIMARY KEY, name text);
CREATE TABLE account (patient text PRIMARY KEY, clinic int NOT NULL, plan int NOT NULL);
CREATE TABLE plan (id int PRIMARY KEY, payer int NOT NULL);
CREATE TABLE payer (id int PRIMARY KEY, name text);
CREATE TABLE invoice (id int PRIMARY KEY, encounter text NOT NULL, status int NOT NULL);
CREATE TABLE status (id int PRIMARY KEY, name text);
CREATE INDEX ON invoice (encounter);

INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "two", "resource": [{"resourceType": "Patient", "hiddenFields": ["name", "address"]}]}'),
('{"resourceType": "AccessPolicy", "id": "nested", "resource": [{"resourceType": "Patient",
   "hiddenFields": ["name.family", "address.line", "identifier.type.coding.display", "communication.language.coding.code"]}]}'),
('{"resourceType": "AccessPolicy", "id": "choice", "resource": [
   {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["name", "address"]},
   {"resourceType": "Patient", "criteria": "Patient?gender=male", "hiddenFields": ["telecom"]}]}'),
('{"resourceType": "AccessPolicy", "id": "nothing", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=female"}]}'),
('{"resourceType": "AccessPolicy", "id": "join", "resource": [
   {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["name", "address"]},
   {"resourceType": "Encounter", "criteria": "Encounter?status=finished", "hiddenFields": ["reasonCode"]},
   {"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["value[x]", "subject.display"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', id, 'profile', '{"reference": "Practitioner/p"}'::jsonb,
                          'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || id))
  FROM unnest(ARRAY['two', 'nested', 'choice', 'nothing', 'join']) AS id;

CREATE ROLE bench_app LOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO bench_app;
GRANT SET ON PARAMETER fhir_access.membership TO bench_app;
