-- Columns that repeat a part of the resource. In a row in which their field is hidden they are NULL, wherever they are used, and what is
-- stored in them changes only with their field. Every hidden value here contains CANARY, or is of the year 1917.
\ir prologue.sql

CREATE TABLE patient (
    id text PRIMARY KEY, resource jsonb NOT NULL,
    birth_date date, names text[], "City" text, gender text GENERATED ALWAYS AS (resource ->> 'gender') STORED,
    initial text GENERATED ALWAYS AS (left(resource #>> '{name,0,family}', 1)) STORED, remark text DEFAULT 'none');
CREATE INDEX ON patient (birth_date);
INSERT INTO patient (id, resource, birth_date, names, "City") VALUES
    ('ann', '{"resourceType": "Patient", "id": "ann", "gender": "female", "birthDate": "1917-01-01", "name": [{"family": "CANARY"}], "address": [{"city": "CANARY"}]}', '1917-01-01', '{CANARY}', 'CANARY'),
    ('bea', '{"resourceType": "Patient", "id": "bea", "gender": "female", "birthDate": "1917-02-02", "name": [{"family": "CANARY"}]}', '1917-02-02', '{CANARY}', NULL),
    ('cid', '{"resourceType": "Patient", "id": "cid", "gender": "male", "birthDate": "1980-01-01", "name": [{"family": "Cox"}], "address": [{"city": "CANARY"}]}', '1980-01-01', '{Cox}', 'CANARY'),
    ('dan', '{"resourceType": "Patient", "id": "dan", "gender": "other", "birthDate": "1990-01-01", "name": [{"family": "Dee"}], "address": [{"city": "Delft"}]}', '1990-01-01', '{Dee}', 'Delft');

-- What cannot be meant is refused.
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '["birth_date"]');
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"birth_date": 1}');
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"birth_date": []}');
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"birth_date": ["birthDate", null]}');
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"birth_date": "birthdate"}');
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"birth_date": "id"}');
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"birthdate": "birthDate"}');
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"resource": "birthDate"}');
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"id": "birthDate"}');

SELECT fhir_access.protect('patient', 'Patient',
    derived_columns => '{"birth_date": "birthDate", "names": ["name.family", "name.given"], "City": "address.city", "initial": "name.family"}');
SELECT resource_type, derived_columns FROM fhir_access.protected_relation;
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "desk", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["birthDate", "name", "address"]},
    {"resourceType": "Patient", "criteria": "Patient?gender=male", "hiddenFields": ["address.city"]},
    {"resourceType": "Patient"}]}'),
('{"resourceType": "AccessPolicy", "id": "below", "resource": [{"resourceType": "Patient", "hiddenFields": ["name.given", "birthDate.extension"]}]}'),
('{"resourceType": "AccessPolicy", "id": "other", "resource": [{"resourceType": "Patient", "hiddenFields": ["telecom"]}]}'),
('{"resourceType": "AccessPolicy", "id": "readonly", "resource": [{"resourceType": "Patient", "readonlyFields": ["birthDate"]}]}'),
('{"resourceType": "AccessPolicy", "id": "hidden", "resource": [{"resourceType": "Patient", "hiddenFields": ["birthDate"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "accessPolicy": {"reference": "AccessPolicy/%s"}}', id, id)::jsonb FROM unnest(ARRAY['desk', 'below', 'other', 'readonly', 'hidden']) id;
CREATE TABLE guess (born date, name text, PRIMARY KEY (born, name));
INSERT INTO guess VALUES ('1917-01-01', 'CANARY'), ('1980-01-01', 'Cox');

\c - app
SET fhir_access.membership = 'desk';
-- By the entry that decides. A generated column that is not named is NULL in each row that has something hidden.
SELECT id, birth_date, names, "City", gender, initial, remark FROM patient ORDER BY id;
SELECT p FROM patient p ORDER BY id;
SELECT row_to_json(p) ->> 'birth_date' AS born, p::text ~ 'CANARY|1917' AS leaks FROM patient p ORDER BY id;
-- A path above or below a hidden one tells of it, too; others do not, and then the column's index serves.
SET fhir_access.membership = 'below';
SELECT id, birth_date, names FROM patient ORDER BY id LIMIT 1;
SET fhir_access.membership = 'other';
SELECT id, birth_date, names, gender, initial FROM patient ORDER BY id LIMIT 1;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE birth_date = '1980-01-01';
RESET enable_seqscan;

-- What is hidden is not found out by conditions, order, groups, joins, keys or errors.
SET fhir_access.membership = 'desk';
SELECT id FROM patient WHERE birth_date < '1920-01-01' OR 'CANARY' = ANY (names) OR "City" LIKE 'CAN%';
SELECT id, birth_date FROM patient ORDER BY birth_date DESC NULLS LAST, id DESC;
SELECT birth_date, count(*), min(names) FROM patient GROUP BY birth_date HAVING count(*) > 1;
SELECT id, born FROM patient JOIN guess ON born = birth_date ORDER BY id;
SELECT id, (SELECT count(*) FROM guess WHERE born = p.birth_date OR name = ANY (p.names)) AS guessed FROM patient p ORDER BY id;
SELECT count(*) FROM patient WHERE 1 / (extract(year FROM birth_date) - 1917)::int > 5;
SELECT min(birth_date), max("City") FROM patient;
EXPLAIN (COSTS OFF) SELECT id FROM patient WHERE birth_date = '1917-01-01';
DELETE FROM patient WHERE birth_date = '1917-01-01';
UPDATE patient SET remark = birth_date::text WHERE id = 'ann' RETURNING remark, birth_date;

-- ---------------------------------------------------------------------------------------------------------------------
-- Writes: the column goes with its field. Hidden and readonly ones are dropped on create and kept on update.
SET fhir_access.membership = 'readonly';
INSERT INTO patient (id, resource, birth_date, "City") VALUES ('eve', '{"resourceType": "Patient", "id": "eve", "birthDate": "2000-01-01"}', '2000-01-01', 'Essen') RETURNING birth_date, "City", resource ->> 'birthDate' AS born;
UPDATE patient SET birth_date = '2001-01-01', "City" = 'Delhi', resource = resource || '{"birthDate": "2001-01-01"}' WHERE id = 'dan' RETURNING birth_date, "City", resource ->> 'birthDate' AS born;
SET fhir_access.membership = 'hidden';
UPDATE patient SET birth_date = birth_date, "City" = 'Dover' WHERE id = 'dan' RETURNING birth_date, "City";
UPDATE patient SET birth_date = NULL WHERE id = 'ann' RETURNING birth_date;
INSERT INTO patient (id, resource, birth_date) VALUES ('ann', '{"resourceType": "Patient", "id": "ann", "gender": "female", "birthDate": "2002-02-02"}', '2002-02-02')
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource, birth_date = excluded.birth_date RETURNING birth_date, resource;
INSERT INTO patient (id, resource, birth_date) VALUES ('ann', '{"resourceType": "Patient", "id": "ann", "gender": "female"}', '2002-02-02')
    ON CONFLICT (id) DO UPDATE SET birth_date = excluded.birth_date WHERE patient.birth_date IS NULL RETURNING birth_date;
MERGE INTO patient p USING (VALUES ('bea', date '2003-03-03'), ('fay', '2004-04-04')) AS new (id, born) ON p.id = new.id
    WHEN MATCHED AND p.birth_date IS NULL THEN UPDATE SET birth_date = born
    WHEN NOT MATCHED THEN INSERT (id, resource, birth_date) VALUES (new.id, jsonb_build_object('resourceType', 'Patient', 'id', new.id), born);

-- Where that is an error, it names the column and no value.
SET fhir_access.readonly_violation = 'error';
UPDATE patient SET birth_date = '1917-01-01' WHERE id = 'ann';
UPDATE patient SET birth_date = '1950-01-01' WHERE id = 'ann';
UPDATE patient SET birth_date = birth_date, "City" = 'Ghent' WHERE id = 'dan' RETURNING "City";
INSERT INTO patient (id, resource, birth_date) VALUES ('gus', '{"resourceType": "Patient", "id": "gus"}', '1950-01-01');
-- In a MERGE an action that leaves the column alone sends nothing.
MERGE INTO patient p USING (VALUES ('dan', 1), ('ann', 2)) AS new (id, n) ON p.id = new.id
    WHEN MATCHED AND n = 1 THEN UPDATE SET "City" = 'Gouda' WHEN MATCHED THEN UPDATE SET birth_date = NULL;
MERGE INTO patient p USING (VALUES ('dan', 1), ('ann', 2)) AS new (id, n) ON p.id = new.id
    WHEN MATCHED AND n = 1 THEN UPDATE SET "City" = 'Hague' WHEN MATCHED THEN UPDATE SET birth_date = '1917-01-01';
SET fhir_access.membership = 'readonly';
UPDATE patient SET birth_date = '1991-01-01' WHERE id = 'dan';
UPDATE patient SET birth_date = '1990-01-01' WHERE id = 'dan' RETURNING birth_date;
RESET fhir_access.readonly_violation;
\c - postgres
SELECT id, birth_date, names, "City", resource ->> 'birthDate' AS born FROM patient ORDER BY id;

-- ---------------------------------------------------------------------------------------------------------------------
-- A column that is renamed or dropped closes the table, until it is said anew what there is. Partitions are protected alike.
ALTER TABLE patient RENAME birth_date TO born;
SET SESSION AUTHORIZATION app;
SET fhir_access.membership = 'hidden';
SELECT count(*) FROM patient;
RESET SESSION AUTHORIZATION;
SELECT fhir_access.protect('patient', 'Patient', derived_columns => '{"born": "birthDate"}');
SET SESSION AUTHORIZATION app;
SELECT id, born, names FROM patient ORDER BY id LIMIT 1;
RESET SESSION AUTHORIZATION;
CREATE TABLE observation (key int, id text, issued date, resource jsonb) PARTITION BY RANGE (key);
SELECT fhir_access.protect('observation', 'Observation', derived_columns => '{"issued": "issued"}');
CREATE TABLE observation_1 (resource jsonb, issued date, id text, key int);
INSERT INTO observation_1 VALUES ('{"resourceType": "Observation", "id": "o"}', '1917-01-01', 'o', 1);
ALTER TABLE observation ATTACH PARTITION observation_1 FOR VALUES FROM (0) TO (10);
CREATE TABLE observation_2 PARTITION OF observation FOR VALUES FROM (10) TO (20);
SELECT relation, derived_columns FROM fhir_access.protected_relation WHERE resource_type = 'Observation' ORDER BY 1;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "obs", "resource": [{"resourceType": "Observation", "hiddenFields": ["issued"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "obs", "accessPolicy": {"reference": "AccessPolicy/obs"}}');
SET SESSION AUTHORIZATION app;
SET fhir_access.membership = 'obs';
SELECT key, id, issued FROM observation UNION ALL SELECT key, id, issued FROM observation_1;
UPDATE observation SET key = 11, issued = '1999-01-01' RETURNING key, issued;
RESET SESSION AUTHORIZATION;
SELECT key, issued FROM observation_2;
SELECT fhir_access.unprotect('observation'), fhir_access.unprotect('patient') \g /dev/null
SELECT count(*) FROM fhir_access.protected_relation;
