-- The paths of writing in partitions: rows that move by an UPDATE, an upsert, a MERGE or a foreign key, to partitions of
-- partitions and to the default one, arrive whole; columns that are computed and given by the table hold.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE year (year int PRIMARY KEY);
INSERT INTO year VALUES (2024), (2025), (2026), (1999);
CREATE DOMAIN place AS text CHECK (VALUE <> 'nowhere');
CREATE TABLE observation (
    number bigint GENERATED ALWAYS AS IDENTITY,
    id text NOT NULL,
    note text DEFAULT 'n',
    year int NOT NULL DEFAULT 2024 REFERENCES year ON UPDATE CASCADE,
    place place,
    value text GENERATED ALWAYS AS (resource ->> 'valueString') STORED,
    resource jsonb NOT NULL,
    PRIMARY KEY (id, year)) PARTITION BY LIST (year);
CREATE TABLE of_2024 PARTITION OF observation FOR VALUES IN (2024);
CREATE TABLE of_2025 PARTITION OF observation FOR VALUES IN (2025) PARTITION BY HASH (id);
-- Another order of columns, and one that is gone.
CREATE TABLE of_2025_a (gone text, resource jsonb NOT NULL, year int NOT NULL DEFAULT 2025, number bigint, id text NOT NULL, place place, note text,
    value text GENERATED ALWAYS AS (resource ->> 'valueString') STORED);
ALTER TABLE of_2025_a DROP gone, ALTER number SET NOT NULL;
ALTER TABLE of_2025 ATTACH PARTITION of_2025_a FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE of_others PARTITION OF observation DEFAULT;
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('observation', 'Observation');
\ir write_paths.sql
SELECT fill('observation');
CREATE FUNCTION places() RETURNS TABLE (id text, "in" regclass, difference text) LANGUAGE sql AS
    $$ SELECT d.id, (SELECT tableoid::regclass FROM observation o WHERE o.id = d.id), d.difference FROM differences('observation') d $$;
GRANT SELECT, UPDATE ON year TO app;
\set ON_ERROR_ROLLBACK on
\c - app
SET fhir_access.membership = 'ward';

-- By an UPDATE, through the table and through a partition; changed on the way, with and without the resource.
BEGIN;
UPDATE observation SET year = 2025 WHERE id = 'a' RETURNING tableoid::regclass, *;
UPDATE observation SET year = 1999, resource = resource || '{"language": "de", "valueString": "mine", "issued": "2024"}' WHERE id <> 'fin' RETURNING tableoid::regclass, *;
UPDATE observation SET year = 2025 WHERE id IN ('fin', 'far');
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET year = 2025, resource = resource || '{"status": "cancelled"}' WHERE id = 'a';
\echo :LAST_ERROR_SQLSTATE
UPDATE of_others SET year = 2024;
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET year = 2025 WHERE resource::text LIKE '%CANARY%' OR value IS NOT NULL;
SELECT * FROM places();
ROLLBACK;

-- An upsert and a MERGE; what they bring goes where it belongs.
BEGIN;
INSERT INTO observation (id, resource) VALUES ('a', sent('a') || '{"valueString": "mine"}'), ('x', sent('x')) ON CONFLICT (id, year) DO UPDATE SET resource = excluded.resource || '{"language": "de"}', note = 'u' || excluded.resource::text
    RETURNING id, note, year, value, resource;
INSERT INTO observation (id, resource) VALUES ('a', sent('a')) ON CONFLICT (id, year) DO UPDATE SET year = 2025;
\echo :LAST_ERROR_SQLSTATE
MERGE INTO observation o USING (VALUES ('a', 2025), ('b', 1999), ('far', 2025), ('y', 2026)) v(id, year) ON o.id = v.id
    WHEN MATCHED AND v.year = 2025 THEN UPDATE SET year = v.year
    WHEN MATCHED THEN UPDATE SET year = v.year, resource = o.resource || '{"valueString": "mine"}'
    WHEN NOT MATCHED AND v.id <> 'far' THEN INSERT (id, year, resource) VALUES (v.id, v.year, sent(v.id));
SELECT * FROM places();
ROLLBACK;

-- By a foreign key: rows that its user may not write keep it from happening.
BEGIN;
UPDATE year SET year = 1998 WHERE year = 2024;
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET year = 2025 WHERE id = 'a';
UPDATE year SET year = 1997 WHERE year = 2025;
SELECT * FROM places();
ROLLBACK;

-- Generated, identity, default and domain columns.
BEGIN;
INSERT INTO observation (id, place, resource) VALUES ('x', 'ward', sent('x') || '{"valueString": "mine"}') RETURNING id, note, year, place, value, number IS NOT NULL AS numbered;
INSERT INTO observation (number, id, resource) VALUES (7, 'y', sent('y'));
\echo :LAST_ERROR_SQLSTATE
INSERT INTO observation (number, id, resource) OVERRIDING SYSTEM VALUE VALUES (7, 'y', sent('y')) RETURNING number;
INSERT INTO observation (id, place, resource) VALUES ('z', 'nowhere', sent('z'));
\echo :LAST_ERROR_SQLSTATE
INSERT INTO observation (id, value, resource) VALUES ('z', 'mine', sent('z'));
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET value = 'mine';
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET note = DEFAULT, value = DEFAULT, place = 'bed' WHERE id = 'a' RETURNING note, value, place;
UPDATE observation SET place = value, note = 'x' WHERE id = 'a' RETURNING place;
SELECT * FROM places();
ROLLBACK;

-- COPY, to each of them.
BEGIN;
COPY observation (id, year, resource) FROM STDIN;
x	2025	{"resourceType": "Observation", "id": "x", "status": "final", "valueString": "mine"}
y	1999	{"resourceType": "Observation", "id": "y", "status": "final"}
\.
COPY of_2025 (number, id, resource, year) FROM STDIN WHERE of_2025.id <> 'w' AND tableoid = 'of_2025'::regclass AND to_jsonb(of_2025) ->> 'id' <> 'w';
8	v	{"resourceType": "Observation", "id": "v", "status": "final"}	2025
9	w	{"resourceType": "Observation", "id": "w", "status": "final"}	2025
\.
COPY of_2025_a FROM STDIN;
{"resourceType": "Observation", "id": "u", "status": "final"}	2025	10	u	ward	n
\.
COPY of_others (number, id, resource, year) FROM STDIN WHERE xmin IS NOT NULL;
9	w	{"resourceType": "Observation", "id": "w", "status": "final"}	1999
\.
COPY of_others (number, id, resource, year) FROM STDIN;
9	w	{"resourceType": "Observation", "id": "w", "status": "final"}	2025
\.
COPY observation (id, year, resource) FROM STDIN;
w	2025	{"resourceType": "Observation", "id": "w", "status": "final"}
far	2024	{"resourceType": "Observation", "id": "far", "status": "final"}
\.
SELECT * FROM places();
ROLLBACK;

-- TRUNCATE of a part is one of rows that nobody has looked at.
\c - postgres
GRANT TRUNCATE ON observation, of_2024, of_2025, of_2025_a TO app;
\c - app
SET fhir_access.membership = 'ward';
TRUNCATE of_2024;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE of_2025_a;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE ONLY observation;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE observation;
\echo :LAST_ERROR_SQLSTATE
-- Whoever may have a session's triggers left out does not leave out ours.
\c - postgres
GRANT SET ON PARAMETER session_replication_role TO app;
\c - app
SET fhir_access.membership = 'ward';
SET session_replication_role = replica;
BEGIN;
TRUNCATE of_2024;
\echo :LAST_ERROR_SQLSTATE
UPDATE observation SET year = 2025, resource = sent('a') || '{"valueString": "mine"}' WHERE id = 'a' RETURNING resource;
UPDATE observation SET note = 'x' WHERE id = 'fin';
\echo :LAST_ERROR_SQLSTATE
COPY observation (id, year, resource) FROM STDIN;
x	2025	{"resourceType": "Observation", "id": "x", "status": "final", "valueString": "mine"}
\.
SELECT * FROM places();
ROLLBACK;
\c - postgres
REVOKE SET ON PARAMETER session_replication_role FROM app;
