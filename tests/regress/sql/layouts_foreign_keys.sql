-- Foreign keys whose actions write columns that repeat a part of the resource, or its project. Where the writer may not change what the
-- column repeats, the action is refused: undone in silence, it would leave a reference to a row that is gone.
\ir prologue.sql

CREATE TABLE doctor (name text PRIMARY KEY);
CREATE TABLE owner (project text PRIMARY KEY);
CREATE TABLE patient (
    id text PRIMARY KEY, content text NOT NULL, doctor text REFERENCES doctor ON UPDATE CASCADE ON DELETE SET NULL,
    nurse text REFERENCES doctor ON UPDATE CASCADE ON DELETE SET NULL, pid text REFERENCES owner ON UPDATE CASCADE ON DELETE SET NULL);
SELECT fhir_access.protect('patient', 'Patient', resource_column => 'content', project_column => 'pid',
    derived_columns => '{"doctor": "generalPractitioner.display", "nurse": "contact.name"}');
INSERT INTO doctor VALUES ('CANARY'), ('Ida'), ('Joe'), ('free');
INSERT INTO owner VALUES ('clinic'), ('spare');
INSERT INTO patient VALUES
    ('ann', '{"resourceType": "Patient", "id": "ann", "active": true, "generalPractitioner": [{"display": "CANARY"}]}', 'CANARY', 'Ida', 'clinic'),
    ('bea', '{"resourceType": "Patient", "id": "bea", "active": false, "generalPractitioner": [{"display": "Joe"}]}', 'Joe', 'Ida', 'clinic');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "clinic"}'), ('{"resourceType": "Project", "id": "super", "superAdmin": true}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "desk", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["generalPractitioner"]},
    {"resourceType": "Patient", "readonlyFields": ["generalPractitioner"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "desk", "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/desk"}}'),
    ('{"resourceType": "ProjectMembership", "id": "super", "project": {"reference": "Project/super"}}');

\c - app
SET fhir_access.membership = 'desk';
-- Which row refers to what is renamed is hidden: the error does not say.
UPDATE doctor SET name = 'another' WHERE name = 'CANARY';
DELETE FROM doctor WHERE name = 'CANARY';
-- A readonly one is as it is, too.
DELETE FROM doctor WHERE name = 'Joe';
SET fhir_access.readonly_violation = 'error';
DELETE FROM doctor WHERE name = 'CANARY';
RESET fhir_access.readonly_violation;
-- No action of a foreign key gives a row to another project.
UPDATE owner SET project = 'another' WHERE project = 'clinic';
DELETE FROM owner WHERE project = 'clinic';
-- What the writer may change follows.
UPDATE doctor SET name = 'Iris' WHERE name = 'Ida';
DELETE FROM doctor WHERE name = 'free';
SELECT id, doctor, nurse, pid FROM patient ORDER BY id;
DELETE FROM doctor WHERE name = 'Iris';
SELECT id, doctor, nurse, pid FROM patient ORDER BY id;
-- A super administrator may do both.
SET fhir_access.membership = 'super';
UPDATE doctor SET name = 'Kim' WHERE name = 'Joe';
UPDATE owner SET project = 'other' WHERE project = 'clinic';
\c - postgres
SELECT * FROM patient ORDER BY id;
SELECT count(*) AS dangling FROM patient p WHERE NOT EXISTS (SELECT FROM doctor WHERE name = p.doctor) OR NOT EXISTS (SELECT FROM owner WHERE project = p.pid);
