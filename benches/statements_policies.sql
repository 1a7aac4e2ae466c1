-- fhir_access over the tables of statements.sql: a clinician of a clinic, and a patient of it.
CREATE EXTENSION fhir_access;
SELECT fhir_access.protect('patient', 'Patient', project_column => 'project_id'),
       fhir_access.protect('encounter', 'Encounter', project_column => 'project_id'),
       fhir_access.protect('observation', 'Observation', project_column => 'project_id');

INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "c2"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "clinician", "resource": [
   {"resourceType": "Patient", "hiddenFields": ["telecom", "identifier"]},
   {"resourceType": "Encounter", "hiddenFields": ["participant"]},
   {"resourceType": "Observation", "criteria": "Observation?category=vital-signs,laboratory", "hiddenFields": ["issued"]}]}'),
('{"resourceType": "AccessPolicy", "id": "patient", "resource": [
   {"resourceType": "Observation", "criteria": "Observation?subject=%profile", "hiddenFields": ["issued"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "clinician", "project": {"reference": "Project/c2"},
   "profile": {"reference": "Practitioner/c2"}, "accessPolicy": {"reference": "AccessPolicy/clinician"}}'),
('{"resourceType": "ProjectMembership", "id": "patient",
   "profile": {"reference": "Patient/p2-3"}, "accessPolicy": {"reference": "AccessPolicy/patient"}}');

CREATE ROLE bench_app LOGIN;
GRANT SELECT, INSERT, UPDATE ON patient, encounter, observation TO bench_app;
GRANT SELECT ON incoming TO bench_app;
GRANT SET ON PARAMETER fhir_access.membership TO bench_app;
