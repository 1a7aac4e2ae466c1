-- Partitions and children of a protected table are protected as it is, whether they are read through it or by their own
-- name, and whether they were there before or came later. A hidden value or row contains CANARY.
\ir prologue.sql

CREATE TABLE observation (id text NOT NULL, period integer NOT NULL, resource jsonb NOT NULL, PRIMARY KEY (id, period)) PARTITION BY LIST (period);
CREATE TABLE observation_2024 PARTITION OF observation FOR VALUES IN (2024);
-- Another order of columns, and one that is gone.
CREATE TABLE observation_2025 (gone text, resource jsonb NOT NULL, period integer NOT NULL, id text NOT NULL);
ALTER TABLE observation_2025 DROP COLUMN gone;
ALTER TABLE observation ATTACH PARTITION observation_2025 FOR VALUES IN (2025);
-- A partition with partitions.
CREATE TABLE observation_old PARTITION OF observation FOR VALUES IN (2022, 2023) PARTITION BY LIST (period);
CREATE TABLE observation_2023 PARTITION OF observation_old FOR VALUES IN (2023);

SELECT fhir_access.protect('observation', 'Observation');
SELECT * FROM fhir_access.protected_relation ORDER BY relation::text;

-- What comes later follows in the same statement.
CREATE TABLE observation_2026 PARTITION OF observation FOR VALUES IN (2026);
CREATE TABLE observation_2022 (LIKE observation_old INCLUDING ALL);
ALTER TABLE observation_old ATTACH PARTITION observation_2022 FOR VALUES IN (2022);
CREATE SCHEMA archive CREATE TABLE observation_2021 PARTITION OF public.observation FOR VALUES IN (2021);
SELECT relation, resource_type, row_security FROM fhir_access.protected_relation ORDER BY relation::text;

INSERT INTO observation
SELECT 'o' || period || '-' || n, period,
       jsonb_build_object('resourceType', 'Observation', 'id', 'o' || period || '-' || n, 'status', CASE n WHEN 1 THEN 'final' ELSE 'CANARY' END,
           'issued', period::text, 'valueString', 'CANARY')
  FROM generate_series(2021, 2026) period, generate_series(1, 2) n;

INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "final",
  "resource": [{"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["value[x]"], "readonlyFields": ["issued"]},
               {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["birthDate"]}]}'),
('{
  "resourceType": "AccessPolicy", "id": "update-only",
  "resource": [{"resourceType": "Observation", "criteria": "Observation?status=final", "interaction": ["search", "update"], "hiddenFields": ["value[x]"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/final"}}'),
    ('{"resourceType": "ProjectMembership", "id": "u", "accessPolicy": {"reference": "AccessPolicy/update-only"}}');
GRANT USAGE ON SCHEMA archive TO app;
GRANT SELECT, UPDATE, DELETE ON archive.observation_2021 TO app;
\c - app
SET fhir_access.membership = 'm';

-- Through the parent, through a partition in between, and by name.
SELECT tableoid::regclass, id, resource FROM observation ORDER BY id;
SELECT o FROM observation_old o ORDER BY id;
SELECT o FROM observation_2025 o;
SELECT * FROM observation_2025;
SELECT resource FROM observation_2026;
SELECT resource FROM archive.observation_2021;
COPY observation_2022 TO STDOUT;
SELECT count(*) FROM observation WHERE resource::text LIKE '%CANARY%';
SELECT count(*) FROM observation_2024 WHERE resource::text LIKE '%CANARY%';

-- Writing: likewise, and what is hidden stays.
UPDATE observation SET resource = jsonb_build_object('resourceType', 'Observation', 'id', id, 'status', 'final', 'device', jsonb_build_object('display', 'parent')) WHERE period IN (2024, 2025) RETURNING tableoid::regclass, resource;
UPDATE observation_2026 SET resource = resource || '{"issued": "never", "valueString": "none", "device": {"display": "child"}}' RETURNING resource;
INSERT INTO observation VALUES ('new', 2026, '{"resourceType": "Observation", "id": "new", "status": "final", "valueString": "dropped"}') RETURNING resource;
INSERT INTO observation_2026 VALUES ('new2', 2026, '{"resourceType": "Observation", "id": "new2", "status": "registered"}');
BEGIN;
DELETE FROM observation RETURNING id;
ROLLBACK;
DELETE FROM observation_2023 WHERE resource ->> 'status' <> 'final';
EXPLAIN (COSTS OFF) SELECT id FROM observation WHERE period = 2023;

-- A row that moves to another partition by an UPDATE is updated: it needs no right to create and delete, and keeps what
-- is hidden and readonly.
UPDATE observation SET period = 2022 WHERE id = 'o2024-1' RETURNING tableoid::regclass, id, resource;
SET fhir_access.membership = 'u';
UPDATE observation SET period = 2021 WHERE id = 'o2025-1' RETURNING tableoid::regclass, id, resource;
DELETE FROM observation WHERE id = 'o2025-1';
\c - postgres
SELECT tableoid::regclass, id, resource FROM observation WHERE resource ->> 'status' = 'final' ORDER BY id;

-- Also where triggers of the owner's change the row, and other tables, at each step.
CREATE TABLE log (what text);
GRANT INSERT ON log TO app;
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log VALUES (TG_OP);
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER b_audit BEFORE INSERT OR UPDATE OR DELETE ON observation FOR EACH ROW EXECUTE FUNCTION audit();
CREATE TRIGGER zzzz_audit BEFORE INSERT OR UPDATE OR DELETE ON observation FOR EACH ROW EXECUTE FUNCTION audit();
-- One that catches an error of its own statement, too.
CREATE TABLE once (what text PRIMARY KEY);
GRANT INSERT ON once TO app;
CREATE FUNCTION note_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO once VALUES (TG_OP);
    RETURN coalesce(NEW, OLD);
EXCEPTION WHEN unique_violation THEN
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER b_once BEFORE INSERT OR UPDATE OR DELETE ON observation FOR EACH ROW EXECUTE FUNCTION note_once();
INSERT INTO once VALUES ('INSERT'), ('DELETE') ON CONFLICT DO NOTHING;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.resource := jsonb_set(NEW.resource, '{identifier}', to_jsonb(coalesce(NEW.resource ->> 'identifier', '') || left(TG_OP, 1)));
    RETURN NEW;
END $$;
CREATE TRIGGER a_stamp BEFORE INSERT OR UPDATE ON observation FOR EACH ROW EXECUTE FUNCTION stamp();
\c - app
SET fhir_access.membership = 'u';
UPDATE observation SET period = 2021 WHERE id = 'o2022-1' RETURNING tableoid::regclass, id;
\c - postgres
SELECT tableoid::regclass, resource FROM observation WHERE id = 'o2022-1';
DROP TRIGGER a_stamp ON observation;
DROP TRIGGER b_audit ON observation;
DROP TRIGGER b_once ON observation;
DROP TRIGGER zzzz_audit ON observation;

-- Upserts and MERGE through the parent, where the partition's columns are in another order.
\c - app
SET fhir_access.membership = 'm';
INSERT INTO observation VALUES ('o2023-1', 2023, '{"resourceType": "Observation", "id": "o2023-1", "status": "final", "valueString": "mine"}')
    ON CONFLICT (id, period) DO UPDATE SET resource = observation.resource || jsonb_build_object('device', jsonb_build_object('display', observation::text || excluded::text))
    RETURNING observation;
MERGE INTO observation o USING (VALUES ('o2023-1'), ('o2023-2'), ('o2026-1')) v(id) ON o.id = v.id
    WHEN MATCHED AND o::text LIKE '%CANARY%' THEN DELETE
    WHEN MATCHED THEN UPDATE SET resource = o.resource || '{"device": {"display": "merged"}}';
SELECT tableoid::regclass, o FROM observation o WHERE id IN ('o2023-1', 'o2026-1') ORDER BY id;
\c - postgres
SELECT id, resource FROM observation WHERE id IN ('o2023-1', 'o2026-1') ORDER BY id;

-- A partition on which the owner switched something off: not through the parent either.
ALTER TABLE observation_2023 DISABLE TRIGGER zzz_fhir_access;
\c - app
SET fhir_access.membership = 'u';
DELETE FROM observation WHERE id = 'o2023-1';
UPDATE observation SET resource = resource || '{"valueString": "overwritten"}';
SET fhir_access.membership = 'm';
INSERT INTO observation VALUES ('n', 2023, '{"resourceType": "Observation", "id": "n", "status": "final", "valueString": "not dropped"}') RETURNING id;
SELECT count(*) FROM observation;
\c - postgres
SELECT fhir_access.protect('observation', 'Observation');
\c - app
SET fhir_access.membership = 'u';
DELETE FROM observation WHERE id = 'o2023-1';
\c - postgres

-- A partition that is detached stays protected, and has a trigger of its own now. To be attached again it is unprotected
-- first, which leaves it closed; attached, it is protected as before.
ALTER TABLE observation DETACH PARTITION observation_2026;
SELECT relation, row_security FROM fhir_access.protected_relation WHERE relation = 'observation_2026'::regclass;
\c - app
SET fhir_access.membership = 'm';
SELECT id, resource FROM observation_2026 ORDER BY id;
UPDATE observation_2026 SET resource = resource || '{"issued": "never", "valueString": "none"}' WHERE id = 'o2026-1' RETURNING id, resource;
\c - postgres
SELECT id, resource FROM observation_2026 ORDER BY id;
ALTER TABLE observation ATTACH PARTITION observation_2026 FOR VALUES IN (2026);
SELECT fhir_access.unprotect('observation_2026');
ALTER TABLE observation ATTACH PARTITION observation_2026 FOR VALUES IN (2026);
\c - app
SET fhir_access.membership = 'm';
UPDATE observation_2026 SET resource = resource || '{"valueString": "none"}' WHERE id = 'o2026-1' RETURNING id, resource;
\c - postgres
SELECT relation, row_security FROM fhir_access.protected_relation WHERE relation = 'observation_2026'::regclass;

-- Inheritance.
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient_vip (room text, born text GENERATED ALWAYS AS (resource ->> 'birthDate') STORED) INHERITS (patient);
SELECT fhir_access.protect('patient', 'Patient');
CREATE TABLE patient_old () INHERITS (patient);
CREATE TABLE patient_other (id text NOT NULL, resource jsonb NOT NULL);
ALTER TABLE patient_other INHERIT patient;
INSERT INTO patient_vip VALUES ('v1', '{"resourceType": "Patient", "id": "v1", "active": true, "birthDate": "CANARY"}', 'r1'), ('v2', '{"resourceType": "Patient", "id": "v2", "name": [{"text": "CANARY"}]}', 'CANARY');
INSERT INTO patient_old VALUES ('o1', '{"resourceType": "Patient", "id": "o1", "active": true, "birthDate": "CANARY"}');
INSERT INTO patient_other VALUES ('t1', '{"resourceType": "Patient", "id": "t1", "active": true, "birthDate": "CANARY"}');
\c - app
SET fhir_access.membership = 'm';
SELECT p FROM patient p ORDER BY id;
SELECT * FROM patient_vip;
SELECT v FROM patient_vip v;
SELECT * FROM patient_old;
SELECT * FROM patient_other;
UPDATE patient SET resource = resource || '{"gender": "other"}' RETURNING tableoid::regclass, patient;
SELECT count(*) FROM ONLY patient;

-- A protected child of a parent that is not protected: what reaches it through the parent is refused, because nothing
-- there could be masked.
\c - postgres
CREATE TABLE person (id text, resource jsonb);
CREATE TABLE person_patient () INHERITS (person);
SELECT fhir_access.protect('person_patient', 'Patient');
\c - app
SET fhir_access.membership = 'm';
SELECT * FROM person;
DELETE FROM person;
SELECT * FROM ONLY person;

-- A foreign table cannot be protected, so it cannot become a part of a protected table.
\c - postgres
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE observation_far PARTITION OF observation FOR VALUES IN (1999) SERVER nowhere;
CREATE FOREIGN TABLE patient_far () INHERITS (patient) SERVER nowhere;
CREATE FOREIGN TABLE patient_far (id text NOT NULL, resource jsonb NOT NULL) SERVER nowhere;
ALTER FOREIGN TABLE patient_far INHERIT patient;

-- A partition is not given up alone; the whole tree is, and stays closed.
SELECT fhir_access.unprotect('observation_2024');
SELECT fhir_access.unprotect('observation');
SELECT relation FROM fhir_access.protected_relation ORDER BY relation::text;
SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text LIKE '%observation%' AND tgname LIKE '%fhir_access%';
SELECT count(*) FROM pg_policies WHERE tablename LIKE 'observation%';
\c - app
SELECT count(*) FROM observation;
SELECT count(*) FROM observation_2024;
INSERT INTO observation VALUES ('x', 2024, '{}');

-- A table that is dropped leaves the registry.
\c - postgres
DROP TABLE patient_old;
DROP TABLE patient CASCADE;
SELECT relation FROM fhir_access.protected_relation ORDER BY relation::text;
