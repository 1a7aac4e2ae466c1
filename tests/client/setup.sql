-- The clinic that the test programs of all drivers connect to. The runner runs this in each program's empty database,
-- as superuser; every test leaves the rows as it found them.
--
--   Practitioner/p1 looks after Anna and Ben, Practitioner/p2 after Carla. The role "driver" is the application's: it
--   may choose a membership and, having a password, comes in over TCP too.

CREATE EXTENSION fhir_access;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'driver') THEN
        CREATE ROLE driver LOGIN PASSWORD 'the driver''s password';
        GRANT SET ON PARAMETER fhir_access.membership, fhir_access.client_ip TO driver;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bystander') THEN
        CREATE ROLE bystander LOGIN;
    END IF;
END $$;

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, note text CONSTRAINT short_note CHECK (length(note) < 100));
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE INDEX ON patient USING gin (resource jsonb_path_ops);
CREATE INDEX ON observation USING gin (resource jsonb_path_ops);

INSERT INTO patient (id, resource) VALUES
('anna', '{"resourceType": "Patient", "id": "anna", "gender": "female", "birthDate": "1980-03-01",
           "name": [{"family": "Meier", "given": ["Anna", "Lena"]}], "telecom": [{"system": "phone", "value": "555-0101"}],
           "multipleBirthInteger": 2, "generalPractitioner": [{"reference": "Practitioner/p1"}]}'),
('ben', '{"resourceType": "Patient", "id": "ben", "gender": "male", "birthDate": "1990-12-31",
          "name": [{"family": "Öztürk", "given": ["Ben"]}], "telecom": [{"system": "phone", "value": "555-0102"}],
          "generalPractitioner": [{"reference": "Practitioner/p1"}]}'),
('carla', '{"resourceType": "Patient", "id": "carla", "gender": "female", "birthDate": "2001-07-15",
            "name": [{"family": "Rossi", "given": ["Carla"]}], "telecom": [{"system": "phone", "value": "555-0103"}],
            "generalPractitioner": [{"reference": "Practitioner/p2"}]}');

-- 200 weights for each: 50.00, 50.10, … with two decimals, of which the last is a zero.
INSERT INTO observation (id, resource)
SELECT p.id || '-' || lpad(n::text, 3, '0'),
       format('{"resourceType": "Observation", "id": "%1$s-%2$s", "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
                "subject": {"reference": "Patient/%1$s"}, "performer": [%3$s],
                "valueQuantity": {"value": %4$s, "unit": "kg"}}',
              p.id, lpad(n::text, 3, '0'), p.resource #> '{generalPractitioner,0}', (50 + n * 0.1)::numeric(8, 2))::jsonb
  FROM patient p, generate_series(0, 199) n;

ANALYZE patient, observation;
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('observation', 'Observation');
GRANT SELECT, INSERT, UPDATE, DELETE ON patient, observation TO driver, bystander;

INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "practice", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?general-practitioner=%profile"},
    {"resourceType": "Observation", "criteria": "Observation?performer=%profile"}]}'),
('{"resourceType": "AccessPolicy", "id": "own-record", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?_compartment=%patient", "readonly": true},
    {"resourceType": "Observation", "criteria": "Observation?_compartment=%patient", "readonly": true,
     "hiddenFields": ["performer"]}]}'),
('{"resourceType": "AccessPolicy", "id": "front-desk", "resource": [
    {"resourceType": "Patient", "hiddenFields": ["telecom", "name.given"], "readonlyFields": ["birthDate"]}]}'),
('{"resourceType": "AccessPolicy", "id": "office-only",
   "resource": [{"resourceType": "Patient", "readonly": true}],
   "ipAccessRule": [{"name": "office", "value": "203.0.113.0/24", "action": "allow"},
                    {"name": "nobody else", "value": "*", "action": "block"}]}'),
('{"resourceType": "AccessPolicy", "id": "local-only",
   "resource": [{"resourceType": "Patient", "readonly": true}],
   "ipAccessRule": [{"value": "127.0.0.1", "action": "allow"}, {"value": "*", "action": "block"}]}');

INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "p1", "profile": {"reference": "Practitioner/p1"},
   "access": [{"policy": {"reference": "AccessPolicy/practice"}}]}'),
('{"resourceType": "ProjectMembership", "id": "p2", "profile": {"reference": "Practitioner/p2"},
   "access": [{"policy": {"reference": "AccessPolicy/practice"}}]}'),
('{"resourceType": "ProjectMembership", "id": "anna", "profile": {"reference": "Patient/anna"},
   "access": [{"policy": {"reference": "AccessPolicy/own-record"}}]}'),
('{"resourceType": "ProjectMembership", "id": "desk", "profile": {"reference": "Practitioner/desk"},
   "access": [{"policy": {"reference": "AccessPolicy/front-desk"}}]}'),
('{"resourceType": "ProjectMembership", "id": "office", "profile": {"reference": "Practitioner/p1"},
   "access": [{"policy": {"reference": "AccessPolicy/office-only"}}]}'),
('{"resourceType": "ProjectMembership", "id": "local", "profile": {"reference": "Practitioner/p1"},
   "access": [{"policy": {"reference": "AccessPolicy/local-only"}}]}'),
('{"resourceType": "ProjectMembership", "id": "lost", "profile": {"reference": "Practitioner/p1"},
   "access": [{"policy": {"reference": "AccessPolicy/of-nobody"}}]}');
