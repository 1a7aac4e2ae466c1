-- COPY … FROM into protected tables, by those who are subject to policies: everything that an INSERT enforces, and all of the
-- input or nothing. Hidden values contain CANARY.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL, note text DEFAULT 'loaded' CONSTRAINT short_note CHECK (length(note) < 20));
CREATE TABLE observation (resource jsonb NOT NULL, id text PRIMARY KEY GENERATED ALWAYS AS (resource ->> 'id') STORED,
    dropped int, "Row Number" int GENERATED ALWAYS AS IDENTITY, patient_id text REFERENCES patient,
    checked_id text REFERENCES patient DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE observation DROP COLUMN dropped;
INSERT INTO patient VALUES ('old', '{"resourceType": "Patient", "id": "old", "active": true, "telecom": [{"value": "CANARY"}]}', 'stored'),
    ('away', '{"resourceType": "Patient", "id": "away", "active": true, "meta": {"project": "elsewhere"}}', 'stored');
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('observation', 'Observation');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "clinic"}');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "desk", "compartment": {"reference": "Organization/desk"},
  "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["telecom"], "readonlyFields": ["birthDate"],
     "writeConstraint": [{"language": "text/fhirpath", "expression": "name.exists()", "description": "a patient has a name"}]},
    {"resourceType": "Observation", "criteria": "Observation?status=final,preliminary"}]}'),
('{"resourceType": "AccessPolicy", "id": "readers", "resource": [{"resourceType": "Patient", "readonly": true}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "desk", "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/desk"}}'),
    ('{"resourceType": "ProjectMembership", "id": "reader", "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/readers"}}');
-- What is stored, shown by somebody exempt.
CREATE FUNCTION stored(name regclass) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT t::text FROM %s t ORDER BY resource ->> ''id''', name);
END $$;

-- Without a membership nobody is asked for rows; nor where no entry grants anything, as soon as there is one.
\c - app
COPY patient FROM STDIN;
\.
SET fhir_access.membership = 'reader';
COPY patient (id, resource) FROM STDIN;
r	{"resourceType": "Patient", "id": "r"}
\.
COPY patient (id, resource) FROM STDIN;
\.
\echo :ROW_COUNT

-- Fields that may not be written are dropped, rows are tagged, defaults are there.
SET fhir_access.membership = 'desk';
BEGIN;
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}], "telecom": [{"value": "mine"}], "birthDate": "2000-01-01"}
p2	{"resourceType": "Patient", "id": "p2", "active": true, "name": [{"family": "B"}], "meta": {"project": "elsewhere", "accounts": [{"reference": "Organization/x"}]}}
\.
\echo :ROW_COUNT
SELECT * FROM stored('patient');
-- Twice in one transaction, and what it wrote is there for what comes after it.
COPY observation (resource, patient_id) FROM STDIN;
{"resourceType": "Observation", "id": "o1", "status": "final", "subject": {"reference": "Patient/p1"}}	p1
\.
COPY observation (resource, patient_id) FROM STDIN;
{"resourceType": "Observation", "id": "o2", "status": "final"}	\N
\.
SELECT id, "Row Number", patient_id FROM observation ORDER BY id;
SELECT * FROM stored('observation');
ROLLBACK;
SELECT * FROM stored('patient');

-- All of the input or nothing. An error says which row of the input it is about.
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}
p2	{"resourceType": "Patient", "id": "p2", "active": false, "name": [{"family": "secret"}]}
p3	{"resourceType": "Patient", "id": "p3", "active": true, "name": [{"family": "C"}]}
\.
COPY patient (id, resource) FROM STDIN (FORMAT csv, HEADER match);
id,resource
p1,"{""resourceType"": ""Patient"", ""id"": ""p1"",
     ""active"": true, ""name"": [{""family"": ""A""}]}"
p2,"{""resourceType"": ""Patient"", ""id"": ""p2"", ""active"": true}"
\.
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Patient", "id": "other", "active": true, "name": [{"family": "A"}]}
\.
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Observation", "id": "p1", "status": "final"}
\.
COPY patient (id, resource) FROM STDIN;
p1	[1, 2]
\.
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}
old	{"resourceType": "Patient", "id": "old", "active": true, "name": [{"family": "A"}]}
\.
COPY patient FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}	short
p2	{"resourceType": "Patient", "id": "p2", "active": true, "name": [{"family": "A"}]}	a note that is too long
\.
COPY patient (id) FROM STDIN;
p1
\.
-- Foreign keys are asked after the last row.
COPY observation (resource, patient_id) FROM STDIN;
{"resourceType": "Observation", "id": "o1", "status": "final"}	old
{"resourceType": "Observation", "id": "o2", "status": "final"}	nobody
\.
BEGIN;
COPY observation (resource, checked_id) FROM STDIN;
{"resourceType": "Observation", "id": "o1", "status": "final"}	nobody
\.
SELECT id, checked_id FROM observation;
COMMIT;
-- What PostgreSQL's reader does not understand.
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}
p2	{"resourceType":
\.
COPY patient (id, resource) FROM STDIN;
p1
\.
SELECT count(*) FROM stored('patient') WHERE stored NOT LIKE '%stored%';
SELECT count(*) FROM stored('observation');

-- Savepoints.
BEGIN;
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}
\.
SAVEPOINT s;
COPY patient (id, resource) FROM STDIN;
p2	{"resourceType": "Patient", "id": "p2", "active": false}
\.
ROLLBACK TO s;
COPY patient (id, resource) FROM STDIN;
p3	{"resourceType": "Patient", "id": "p3", "active": true, "name": [{"family": "C"}]}
\.
SELECT id FROM patient ORDER BY id;
-- Other sessions see nothing of it.
\! psql -X -A -t -c "SELECT count(*) FROM patient WHERE id IN ('p1', 'p2', 'p3')"
ROLLBACK;

-- Options are PostgreSQL's, and so is what it says of wrong ones.
BEGIN;
COPY patient (resource, id) FROM STDIN (DELIMITER ';', NULL 'none') WHERE id <> 'p2' AND patient.note = 'loaded';
{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]};p1
{"resourceType": "Patient", "id": "p2", "active": false};p2
{"resourceType": "Patient", "id": "p3", "active": true, "name": [{"family": "C"}]};p3
\.
\echo :ROW_COUNT
SAVEPOINT s;
COPY patient (id, resource) FROM STDIN WHERE id LIKE 'q%';
p4	{"resourceType": "Patient", "id": "p4", "active": false}
\.
\echo :ROW_COUNT
COPY patient (id, resource) FROM STDIN WHERE id > 'q';
p4	{"resourceType": "Patient", "id": "p4", "active": false}
q5	{"resourceType": "Patient", "id": "q5", "active": false}
\.
ROLLBACK;
COPY patient (id, resource) FROM STDIN (FORMAT xml);
\.
COPY patient (id, nowhere) FROM STDIN;
\.
COPY observation (id, resource) FROM STDIN;
\.
COPY patient FROM STDIN WHERE id IN (SELECT id FROM patient);
\.
COPY patient FROM STDIN (FREEZE);
\.
BEGIN;
COPY patient (id, resource) FROM STDIN (FREEZE off);
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}
\.
-- A given identity is used; without a list, all columns but the generated one.
COPY observation FROM STDIN;
{"resourceType": "Observation", "id": "o1", "status": "final"}	700	p1	p1
\.
SELECT id, "Row Number", patient_id, checked_id FROM observation;
ROLLBACK;
-- Through a file, as binary.
BEGIN;
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}
p2	{"resourceType": "Patient", "id": "p2", "active": true, "name": [{"family": "B"}]}
\.
\copy (SELECT id, resource FROM patient WHERE id LIKE 'p%') TO program 'cat > /tmp/fhir_access_bulk_$PGDATABASE' (FORMAT binary)
DELETE FROM patient WHERE id LIKE 'p%';
\copy patient (id, resource) FROM program 'cat /tmp/fhir_access_bulk_$PGDATABASE; rm /tmp/fhir_access_bulk_$PGDATABASE' (FORMAT binary)
\echo :ROW_COUNT
SELECT id FROM patient ORDER BY id;
ROLLBACK;

-- Privileges are the caller's own, on the columns that are named and on the server's files.
\c - postgres
REVOKE INSERT ON patient FROM app;
GRANT INSERT (id, resource) ON patient TO app;
\c - app
SET fhir_access.membership = 'desk';
BEGIN;
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}
\.
SELECT * FROM stored('patient') WHERE stored LIKE '%p1%';
ROLLBACK;
COPY patient FROM STDIN;
\.
COPY patient (id, note) FROM STDIN;
\.
COPY patient (id, resource) FROM '/etc/passwd';
COPY patient (id, resource) FROM PROGRAM 'echo';
SET row_security = off;
COPY patient (id, resource) FROM STDIN;
\.
RESET row_security;
BEGIN READ ONLY;
COPY patient (id, resource) FROM STDIN;
\.
ROLLBACK;
\c - postgres
GRANT INSERT ON patient TO app;
SELECT current_setting('data_directory') || '/fhir_access_bulk' AS file \gset
SELECT format('cat %L; rm %1$L', :'file') AS program \gset
COPY (SELECT 'p1', '{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}') TO :'file';
BEGIN;
CREATE ROLE bulk_reader IN ROLE pg_read_server_files, pg_execute_server_program;
GRANT INSERT, SELECT, DELETE ON patient TO bulk_reader;
SET LOCAL fhir_access.membership = 'desk';
SET LOCAL ROLE bulk_reader;
COPY patient (id, resource) FROM :'file';
SELECT id FROM patient;
DELETE FROM patient;
COPY patient (id, resource) FROM PROGRAM :'program';
SELECT id FROM patient;
ROLLBACK;

-- The table's owner is subject to policies, whoever has BYPASSRLS is not: PostgreSQL's own COPY runs for it.
ALTER TABLE patient OWNER TO steward;
BEGIN;
SET LOCAL fhir_access.membership = 'desk';
SET LOCAL ROLE steward;
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": false}
\.
ROLLBACK;
BEGIN;
SET LOCAL ROLE loader;
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": false, "telecom": [{"value": "kept"}]}
\.
SELECT * FROM patient WHERE id = 'p1';
ROLLBACK;

-- Triggers of one's own fire as for any INSERT, for rows and once for the statement; one that leaves a row out is heeded.
CREATE TABLE seen (what text);
GRANT INSERT, SELECT ON seen TO app;
CREATE FUNCTION notice_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 'p2' THEN RETURN NULL; END IF;
    NEW.note := 'by trigger';
    RETURN NEW;
END $$;
CREATE FUNCTION notice_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seen SELECT TG_WHEN || ' ' || string_agg(id, ' ' ORDER BY id) FROM new_rows;
    RETURN NULL;
END $$;
CREATE TRIGGER a_row BEFORE INSERT ON patient FOR EACH ROW EXECUTE FUNCTION notice_row();
CREATE TRIGGER a_statement AFTER INSERT ON patient REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION notice_statement();
\c - app
SET fhir_access.membership = 'desk';
BEGIN;
COPY patient (id, resource) FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}
p2	{"resourceType": "Patient", "id": "p2", "active": true, "name": [{"family": "B"}]}
p3	{"resourceType": "Patient", "id": "p3", "active": true, "name": [{"family": "C"}]}
\.
\echo :ROW_COUNT
SELECT id, note FROM patient ORDER BY id;
SELECT * FROM seen;
ROLLBACK;
COPY patient (id, resource) FROM STDIN;
p2	{"resourceType": "Patient", "id": "p2"}
p3	{"resourceType": "Patient", "id": "p3"}
\.

-- Rules are for other statements: a table that has one for INSERT cannot be copied into.
\c - postgres
DROP TRIGGER a_row ON patient;
DROP TRIGGER a_statement ON patient;
CREATE RULE also AS ON INSERT TO patient DO ALSO INSERT INTO seen VALUES (NEW.id);
\c - app
SET fhir_access.membership = 'desk';
COPY patient (id, resource) FROM STDIN;
\.
\c - postgres
DROP RULE also ON patient;

-- Partitions, by way of the table and by name; names that need quoting, and that mean something to us.
CREATE SCHEMA "The Clinic";
GRANT USAGE ON SCHEMA "The Clinic" TO app;
CREATE TABLE "The Clinic".fhir_access_copy (c1 text, number bigint, "Resource ""x""" jsonb NOT NULL, year int DEFAULT 2021, PRIMARY KEY (c1, year)) PARTITION BY LIST (year);
CREATE TABLE "The Clinic".of_2021 (year int NOT NULL, c1 text NOT NULL, "Resource ""x""" jsonb NOT NULL, number bigint);
ALTER TABLE "The Clinic".fhir_access_copy ATTACH PARTITION "The Clinic".of_2021 FOR VALUES IN (2021);
SELECT fhir_access.protect('"The Clinic".fhir_access_copy', 'Observation', resource_column => 'Resource "x"', id_column => 'c1');
GRANT SELECT, INSERT ON "The Clinic".fhir_access_copy, "The Clinic".of_2021 TO app;
\c - app
SET fhir_access.membership = 'desk';
SET search_path = "The Clinic";
BEGIN;
COPY fhir_access_copy ("Resource ""x""", c1, number) FROM STDIN;
{"resourceType": "Observation", "id": "o1", "status": "final"}	o1	1
\.
COPY of_2021 FROM STDIN;
2021	o2	{"resourceType": "Observation", "id": "o2", "status": "final"}	2
\.
SELECT tableoid::regclass, * FROM fhir_access_copy ORDER BY c1;
SAVEPOINT s;
COPY of_2021 FROM STDIN;
2021	o5	{"resourceType": "Observation", "id": "o5", "status": "final"}	2
2022	o3	{"resourceType": "Observation", "id": "o3", "status": "final"}	2
\.
ROLLBACK TO s;
COPY fhir_access_copy FROM STDIN;
o3	3	{"resourceType": "Observation", "id": "o3", "status": "final"}	2021
o4	4	{"resourceType": "Observation", "id": "o4", "status": "cancelled"}	2021
\.
ROLLBACK TO s;
COPY fhir_access_copy FROM STDIN;
o3	3	{"resourceType": "Observation", "id": "o3", "status": "final"}	2022
\.
ROLLBACK;
RESET search_path;

-- Names are looked up once: a temporary table in front of the protected one is loaded as the caller's own.
BEGIN;
CREATE TEMP TABLE patient (id text);
COPY patient FROM STDIN;
anything
\.
SELECT * FROM patient;
ROLLBACK;

-- What a session is changed to by a function of the caller's, while rows are read, is what counts when they are written.
BEGIN;
CREATE FUNCTION pg_temp.become(membership text) RETURNS boolean LANGUAGE sql RETURN set_config('fhir_access.membership', membership, true) IS NOT NULL;
COPY patient (id, resource) FROM STDIN WHERE pg_temp.become('reader');
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}
\.
ROLLBACK;

-- Views with a trigger instead of INSERT, and tables that are not protected, are PostgreSQL's own; row security without
-- protection stays refused.
\c - postgres
CREATE VIEW patients AS SELECT id, resource FROM patient;
CREATE FUNCTION insert_patient() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO patient VALUES (NEW.id, NEW.resource); RETURN NEW; END $$;
CREATE TABLE plain (id text);
CREATE TABLE guarded (id text);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON guarded USING (true);
GRANT SELECT, INSERT ON patients, plain, guarded TO app;
\c - app
SET fhir_access.membership = 'desk';
COPY patients FROM STDIN;
\.
\c - postgres
CREATE TRIGGER t INSTEAD OF INSERT ON patients FOR EACH ROW EXECUTE FUNCTION insert_patient();
\c - app
SET fhir_access.membership = 'desk';
BEGIN;
COPY patients FROM STDIN;
p1	{"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "A"}]}
\.
SELECT id FROM patient ORDER BY id;
COPY patients FROM STDIN;
p2	{"resourceType": "Patient", "id": "p2", "active": false}
\.
ROLLBACK;
COPY plain FROM STDIN;
x
\.
SELECT * FROM plain;
COPY guarded FROM STDIN;
\.

-- More rows than memory holds: the same, from disk.
SET work_mem = '64kB';
BEGIN;
\copy patient (id, resource) FROM program 'seq 1 3000 | sed "s/.*/n&\t{\"resourceType\": \"Patient\", \"id\": \"n&\", \"active\": true, \"name\": [{\"family\": \"&\"}]}/"'
\echo :ROW_COUNT
SELECT count(*), count(DISTINCT resource #>> '{name,0,family}'), bool_and(id = 'n' || (resource #>> '{name,0,family}')) FROM patient WHERE id LIKE 'n%';
ROLLBACK;
\copy patient (id, resource) FROM program 'seq 1 3000 | sed "s/.*/n&\t{\"resourceType\": \"Patient\", \"id\": \"n&\", \"active\": true, \"name\": [{\"family\": \"&\"}]}/; s/true\(.*\"2718\"\)/false\1/"'
SELECT count(*) FROM patient WHERE id LIKE 'n%';
