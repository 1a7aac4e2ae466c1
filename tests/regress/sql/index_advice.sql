-- index_advice(): what it proposes, and what it does not, for policies with several entries and conditions, and for partitioned
-- tables.
\ir prologue.sql
\ir granted.sql
\ir indexes.sql
SET TIME ZONE 'UTC';

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE SCHEMA "My data";
CREATE TABLE "My data"."Obs" ("Key" text PRIMARY KEY, "Document" jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('"My data"."Obs"', 'Observation', 'Document', 'Key') \g /dev/null

-- Without policies, nothing. With some: the statement, the criteria that it serves, and what is there already.
SELECT * FROM fhir_access.index_advice();
SELECT entries('a', '{Patient?birthdate=1990,Patient?name=a&active=true,Observation?code=x}'), entries('b', '{Patient?gender=male,Observation?subject=Patient/x&date=ge2020}') \g /dev/null
\x on
SELECT * FROM fhir_access.index_advice() ORDER BY relation::text, statement;
\x off
-- A table's owner may be given the right to ask; nobody else has it, since it tells what policies say.
SET ROLE app;
SELECT * FROM fhir_access.index_advice();
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT EXECUTE ON FUNCTION fhir_access.index_advice() TO steward;
SET ROLE steward;
SELECT count(*) FROM fhir_access.index_advice();
RESET ROLE;
-- What is made is not proposed again. Of tables that are not protected any more nothing is said.
SELECT statement FROM fhir_access.index_advice() ORDER BY 1 \gexec
SELECT count(*) FROM fhir_access.index_advice();
SELECT indexrelid::regclass AS index, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN ('patient'::regclass, '"My data"."Obs"'::regclass) AND NOT indisprimary ORDER BY 2;
SELECT fhir_access.unprotect('"My data"."Obs"') \g /dev/null
DROP INDEX "My data"."Obs_Document_idx", patient_resource_idx;
SELECT relation, criteria FROM fhir_access.index_advice();
DELETE FROM fhir_access.access_policy;

-- ---------------------------------------------------------------------------------------------------------------------
-- Entries of one policy are asked together: one that no index serves makes the others' useless, and one without criteria too.
-- Other policies are asked by others.
DROP TABLE patient;
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
SELECT advised('Patient?birthdate=1990', 'Patient?name=a', 'Patient?_id=x');
SELECT advised('Patient?birthdate=1990', 'Patient?name=a', 'Patient?gender:not=male');
SELECT advised('Patient?birthdate=1990', 'Patient?name=a', 'Patient');
SELECT advised('Patient?birthdate=1990', 'Patient?name=a', '*');
SELECT advised('Patient?birthdate=1990', '*?_compartment=Patient/x');
SELECT advised('Patient?birthdate=1990', 'Observation');
SELECT entries('other', '{Patient?gender=male}') \g /dev/null
SELECT advised('Patient?birthdate=1990', 'Patient');
DELETE FROM fhir_access.access_policy WHERE id = 'other';
-- Entries that do not grant search are not asked by statements.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "asked", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=male", "interaction": ["read", "update"]}]}')
ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
SELECT statement FROM fhir_access.index_advice();

-- Of conditions that must all hold, one is enough: an equality before a text, a text before a range. `existing` names the
-- indexes that serve the others.
SELECT advised('Patient?birthdate=1990&name=a&gender=male');
SELECT advised('Patient?birthdate=1990&name=a');
SELECT advised('Patient?birthdate=1990&name:not=a');
SELECT advised('Patient?birthdate=ne1990&name:missing=false');
SELECT advised('Patient?birthdate=1990&_id=x');
SELECT advised('Patient?birthdate=ge1990&birthdate=lt2000') \gexec
SELECT entries('asked', '{Patient?birthdate=ge2000&name=a}') \g /dev/null
SELECT statement, existing FROM fhir_access.index_advice();
-- Values that come from parameters are as good as others.
SELECT advised('Patient?birthdate=%when', 'Patient?name:contains=%name', 'Patient?organization=%org', 'Patient?identifier=%system|%value');

-- A list too long for containment: of codes, nothing answers it; of references, an index on the targets.
SELECT advised('Patient?identifier=' || string_agg('c' || n, ',')) FROM generate_series(1, 256) AS n;
SELECT advised('Patient?identifier=' || string_agg('c' || n, ',')) FROM generate_series(1, 257) AS n;
SELECT advised('Patient?organization=' || string_agg('Organization/' || n, ',')) FROM generate_series(1, 257) AS n;

-- ---------------------------------------------------------------------------------------------------------------------
-- A partitioned table is advised as a whole; its partitions, those that come later too, get what it has.
CREATE TABLE observation (id text, at date, resource jsonb NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE observation_2020 PARTITION OF observation FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE observation_2021 PARTITION OF observation FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO observation
SELECT 'o' || n, date '2020-01-01' + n % 700, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'code', jsonb_build_object('coding', jsonb_build_array(jsonb_build_object('code', 'c' || n % 500))),
           'subject', jsonb_build_object('reference', 'Patient/' || n % 2000), 'effectiveDateTime', (date '2020-01-01' + n % 700)::text)
  FROM generate_series(1, 20000) AS n;
SELECT fhir_access.protect('observation', 'Observation') \g /dev/null
ANALYZE observation;
\pset format unaligned
\pset tuples_only on
SELECT served('Observation?code=c17');
-- An index on one partition only does not help those that ask the whole.
CREATE INDEX ON observation_2020 USING gin (resource jsonb_path_ops);
SELECT relation, statement FROM fhir_access.index_advice() ORDER BY 1, 2;
SELECT statement FROM fhir_access.index_advice() WHERE relation = 'observation'::regclass \gexec
SELECT relation, statement FROM fhir_access.index_advice() ORDER BY 1, 2;
ANALYZE observation;
SELECT served('Observation?code=c17');
CREATE TABLE observation_2022 PARTITION OF observation FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
SELECT relation, statement FROM fhir_access.index_advice() ORDER BY 1, 2;
SELECT advised('Observation?date=2020-05') \gexec
ANALYZE observation;
SELECT served('Observation?date=2020-05-05');
-- On large tables: an index on the parent only, then one by one on the partitions, CONCURRENTLY, and attached. Until the last is
-- attached, it does not serve.
DROP INDEX observation_resource_idx;
CREATE INDEX whole ON ONLY observation USING gin (resource jsonb_path_ops);
CREATE INDEX CONCURRENTLY part_2020 ON observation_2020 USING gin (resource jsonb_path_ops);
CREATE INDEX CONCURRENTLY part_2021 ON observation_2021 USING gin (resource jsonb_path_ops);
CREATE INDEX CONCURRENTLY part_2022 ON observation_2022 USING gin (resource jsonb_path_ops);
ALTER INDEX whole ATTACH PARTITION part_2020;
ALTER INDEX whole ATTACH PARTITION part_2021;
SELECT advised('Observation?code=c17');
ALTER INDEX whole ATTACH PARTITION part_2022;
SELECT advised('Observation?code=c17');
SELECT served('Observation?code=c17');

-- A column whose name is a keyword is quoted; inheritance children get advice of their own; a table that has lost its column is
-- left to doctor().
CREATE TABLE practitioner (id text PRIMARY KEY, "user" jsonb NOT NULL);
SELECT fhir_access.protect('practitioner', 'Practitioner', 'user') \g /dev/null
CREATE TABLE device (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE device_old () INHERITS (device);
SELECT fhir_access.protect('device', 'Device') \g /dev/null
CREATE TABLE group_lost (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('group_lost', 'Group') \g /dev/null
ALTER TABLE group_lost RENAME COLUMN resource TO gone;
DELETE FROM fhir_access.access_policy;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "several", "resource": [
  {"resourceType": "Practitioner", "criteria": "Practitioner?identifier=1"},
  {"resourceType": "Device", "criteria": "Device?identifier=1"}, {"resourceType": "Group", "criteria": "Group?identifier=1"}]}');
SELECT relation, statement FROM fhir_access.index_advice() ORDER BY 1, 2;
SELECT statement FROM fhir_access.index_advice() \gexec
SELECT count(*) FROM fhir_access.index_advice();
