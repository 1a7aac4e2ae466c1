-- A small clinic with one plain and one partitioned table, for each test in a database of its own.

CREATE EXTENSION fhir_access;
CREATE SCHEMA "The Clinic";

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, name text GENERATED ALWAYS AS (resource #>> '{name,0,family}') STORED);
CREATE TABLE "The Clinic"."Observation's" (
    "the id" text NOT NULL, recorded date NOT NULL, content jsonb NOT NULL, PRIMARY KEY ("the id", recorded)
) PARTITION BY RANGE (recorded);
CREATE TABLE "The Clinic".observation_2025 PARTITION OF "The Clinic"."Observation's" FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE "The Clinic".observation_later PARTITION OF "The Clinic"."Observation's" DEFAULT;
CREATE INDEX ON patient USING gin (resource jsonb_path_ops);
CREATE TABLE not_protected (id int, patient text REFERENCES patient);

INSERT INTO patient (id, resource)
SELECT 'p' || n, format('{"resourceType": "Patient", "id": "p%s", "name": [{"family": "F%s"}], "gender": "%s", "telecom": [{"value": "555-%s"}],
                          "multipleBirthInteger": 1.0, "generalPractitioner": [{"reference": "Practitioner/%s"}]}',
                        n, n, CASE n % 2 WHEN 0 THEN 'male' ELSE 'female' END, n, n % 3)::jsonb
  FROM generate_series(1, 30) n;
INSERT INTO "The Clinic"."Observation's" ("the id", recorded, content)
SELECT 'o' || n, '2025-06-01'::date + n * 10,
       format('{"resourceType": "Observation", "id": "o%s", "subject": {"reference": "Patient/p%s"}, "valueQuantity": {"value": 1.%s0}}', n, n % 30 + 1, n)::jsonb
  FROM generate_series(1, 60) n;

SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('"The Clinic"."Observation''s"', 'Observation', 'content', 'the id');
GRANT USAGE ON SCHEMA "The Clinic" TO attendant, unloaded, dumper, carrier;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, "The Clinic" TO attendant, unloaded, carrier;
GRANT TRUNCATE ON ALL TABLES IN SCHEMA public, "The Clinic" TO attendant, carrier;
GRANT SELECT ON ALL TABLES IN SCHEMA public, "The Clinic" TO dumper;

INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "main", "name": "Main"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "practice", "unknown property": {"kept": 1.10}, "resource": [
    {"resourceType": "Patient", "criteria": "Patient?general-practitioner=%profile", "hiddenFields": ["telecom"]}]}'),
('{"resourceType": "AccessPolicy", "id": "own-record", "resource": [
    {"resourceType": "*", "criteria": "*?_compartment=%patient", "readonly": true}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "doctor", "profile": {"reference": "Practitioner/1"},
   "access": [{"policy": {"reference": "AccessPolicy/practice"}}]}'),
('{"resourceType": "ProjectMembership", "id": "patient", "profile": {"reference": "Patient/p7"},
   "access": [{"policy": {"reference": "AccessPolicy/own-record"}}]}');
