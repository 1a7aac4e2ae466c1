-- Statements as deep as PostgreSQL itself takes them, which generators of SQL write: over masked documents, and over tables that
-- are not protected beside a subquery. What is too deep for PostgreSQL is too deep here, with the same error.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE plain (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "desk", "resource": [{"resourceType": "Patient", "hiddenFields": ["name", "text", "contained", "extension"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/desk"}}');
INSERT INTO patient VALUES ('a', '{"resourceType": "Patient", "id": "a", "name": "CANARY", "gender": "male"}');
INSERT INTO plain TABLE patient;
\c - app
SET fhir_access.membership = 'm';
\pset format unaligned
\pset tuples_only on
-- Lengths of the document with 3,000 letters more, masked and not; a path of 3,000 steps; 60 subqueries; 500 times NOT … OR.
\set ECHO none
SELECT format('SELECT length((%s)) FROM patient', 'resource::text' || repeat(' || ''a''', 3000)) \gexec
SELECT format('SELECT length((%s)) FROM plain WHERE id IN (SELECT ''a'')', 'resource::text' || repeat(' || ''a''', 3000)) \gexec
SELECT format('SELECT (%s) IS NULL FROM patient', 'resource' || repeat(' -> ''name''', 3000)) \gexec
SELECT format('SELECT %s FROM patient', repeat('(SELECT ', 60) || 'resource' || repeat(')', 60)) \gexec
SELECT format('SELECT count(*) FROM patient WHERE %s', repeat('NOT (resource @> ''{"gender": "female"}'' OR ', 500) || 'false' || repeat(')', 500)) \gexec
\set VERBOSITY sqlstate
SELECT format('SELECT length((%s)) FROM patient', 'resource::text' || repeat(' || ''a''', 100000)) \gexec
