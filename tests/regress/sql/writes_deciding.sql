-- Which entry decides a write, told of the row itself: by ids of every type, by patients however their table is built, and by
-- the documents as they are at that moment, whatever was prepared before and whatever is rolled back.
\ir prologue.sql

-- Ids. The same policy on tables whose ids differ in type and in what is equal.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "ids",
  "resource": [
    {"resourceType": "Basic", "criteria": "Basic?_id=abc,7,0a0b0c0d-0000-4000-8000-00000000000A"},
    {"resourceType": "Basic", "interaction": ["search"]},
    {"resourceType": "Flag", "criteria": "Flag?_id:not=abc,7,0a0b0c0d-0000-4000-8000-00000000000A"},
    {"resourceType": "Flag", "interaction": ["search"]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
  ('{"resourceType": "ProjectMembership", "id": "ids", "accessPolicy": {"reference": "AccessPolicy/ids"}}');
CREATE COLLATION same_in_either_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- Tries each id in a new row, with a policy that names some ids and with one that names all others.
CREATE FUNCTION try_ids(id_type text, VARIADIC ids text[]) RETURNS TABLE (id text, among text, others text) LANGUAGE plpgsql AS $$
DECLARE
  type text;
  verdict text;
BEGIN
  FOREACH id IN ARRAY ids LOOP
    FOREACH type IN ARRAY '{basic,flag}'::text[] LOOP
      BEGIN
        EXECUTE format('INSERT INTO %I (id, resource) VALUES (%s::%s, %L)', type, coalesce(quote_literal(id), 'NULL'), id_type,
          jsonb_build_object('resourceType', initcap(type)));
        verdict := 'written';
        EXECUTE format('DELETE FROM %I WHERE true', type);
      EXCEPTION WHEN insufficient_privilege THEN
        verdict := 'refused';
      END;
      IF type = 'basic' THEN among := verdict; ELSE others := verdict; END IF;
    END LOOP;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE FUNCTION with_ids(id_type text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  type text;
BEGIN
  FOREACH type IN ARRAY '{Basic,Flag}'::text[] LOOP
    EXECUTE format('DROP TABLE IF EXISTS %I', lower(type));
    EXECUTE format('CREATE TABLE %I (id %s, resource jsonb NOT NULL)', lower(type), id_type);
    PERFORM fhir_access.protect(lower(type)::regclass, type);
  END LOOP;
END $$;

SELECT with_ids('text');
SET ROLE app;
SET fhir_access.membership = 'ids';
SELECT * FROM try_ids('text', 'abc', 'ABC', 'abcd', '7', '07', NULL);
RESET ROLE;
SELECT with_ids('varchar(40)');
SET ROLE app;
SELECT * FROM try_ids('varchar', 'abc', 'ABC', 'abcd', NULL);
RESET ROLE;
SELECT with_ids('uuid');
SET ROLE app;
SELECT * FROM try_ids('uuid', '0a0b0c0d-0000-4000-8000-00000000000a', '0A0B0C0D-0000-4000-8000-00000000000A',
                              '0a0b0c0d-0000-4000-8000-00000000000b', NULL);
RESET ROLE;
SELECT with_ids('bigint');
SET ROLE app;
SELECT * FROM try_ids('bigint', '7', '07', '8', NULL);
RESET ROLE;
-- Where a collation says that texts are equal, they are.
SELECT with_ids('text COLLATE same_in_either_case');
SET ROLE app;
SELECT * FROM try_ids('text', 'abc', 'ABC', 'abcd', NULL);
RESET ROLE;
-- An id that is computed from the document is judged before it is computed.
DROP TABLE basic;
CREATE TABLE basic (id text GENERATED ALWAYS AS (resource ->> 'id') STORED, resource jsonb);
SELECT fhir_access.protect('basic', 'Basic');
SET ROLE app;
INSERT INTO basic (resource) VALUES ('{"resourceType": "Basic", "id": "abc"}');
INSERT INTO basic (resource) VALUES ('{"resourceType": "Basic", "id": "abcd"}');
INSERT INTO basic (resource) VALUES ('{"resourceType": "Basic"}');
RESET ROLE;
-- Of a document that is NULL nothing is known but its id, and of a computed one not even that.
INSERT INTO basic (resource) VALUES (NULL);
SET ROLE app;
DELETE FROM basic WHERE id IS NULL;
SELECT id FROM basic;
RESET ROLE;

-- Patients. Their accounts are found in tables of every kind; those of another project do not count.
CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('observation', 'Observation');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "clinic"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
  ('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "Observation"}, {"resourceType": "Patient"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
  ('{"resourceType": "ProjectMembership", "id": "m", "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/all"}}'),
  ('{"resourceType": "ProjectMembership", "id": "free", "accessPolicy": {"reference": "AccessPolicy/all"}}');
CREATE FUNCTION patients(id text) RETURNS SETOF jsonb LANGUAGE sql AS $$
  VALUES (jsonb_build_object('resourceType', 'Patient', 'id', id,
                             'meta', '{"project": "clinic", "accounts": [{"reference": "Organization/a"}, {"reference": "Organization/b"}]}'::jsonb))
$$;
-- Says what accounts Observations of these patients are given.
CREATE FUNCTION accounts_of(VARIADIC patients text[]) RETURNS TABLE (patient text, accounts jsonb) LANGUAGE sql AS $$
  WITH written AS (
    INSERT INTO observation
    SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'subject', jsonb_build_object('reference', 'Patient/' || p))
      FROM unnest(patients) WITH ORDINALITY AS t(p, n)
    RETURNING *)
  SELECT resource #>> '{subject,reference}', resource #> '{meta,accounts}' FROM written ORDER BY id
$$;
SET fhir_access.membership = 'm';

-- A primary key of text.
BEGIN;
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb);
INSERT INTO patient SELECT 'p', * FROM patients('p');
INSERT INTO patient SELECT 'far', p || '{"meta": {"project": "elsewhere", "account": {"reference": "Organization/far"}}}' FROM patients('far') p;
INSERT INTO patient VALUES ('empty', NULL);
SELECT fhir_access.protect('patient', 'Patient');
SET LOCAL ROLE app;
SELECT * FROM accounts_of('p', 'P', 'far', 'empty', 'nobody');
ROLLBACK;
-- Membership in no project: patients of all projects count.
BEGIN;
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb);
INSERT INTO patient SELECT 'far', p || '{"meta": {"project": "elsewhere", "account": {"reference": "Organization/far"}}}' FROM patients('far') p;
SELECT fhir_access.protect('patient', 'Patient');
SET LOCAL fhir_access.membership = 'free';
SET LOCAL ROLE app;
SELECT * FROM accounts_of('far', 'nobody');
ROLLBACK;
-- A primary key that takes texts for equal which differ.
BEGIN;
CREATE TABLE patient (id text COLLATE same_in_either_case PRIMARY KEY, resource jsonb);
INSERT INTO patient SELECT 'p', * FROM patients('p');
SELECT fhir_access.protect('patient', 'Patient');
SET LOCAL ROLE app;
SELECT * FROM accounts_of('p', 'P');
ROLLBACK;
-- One of uuids.
BEGIN;
CREATE TABLE patient (id uuid PRIMARY KEY, resource jsonb);
INSERT INTO patient SELECT '0a0b0c0d-0000-4000-8000-00000000000a', * FROM patients('0a0b0c0d-0000-4000-8000-00000000000a');
SELECT fhir_access.protect('patient', 'Patient');
SET LOCAL ROLE app;
SELECT * FROM accounts_of('0a0b0c0d-0000-4000-8000-00000000000a', '0A0B0C0D-0000-4000-8000-00000000000A', 'p');
ROLLBACK;
-- None; one of two columns; one of numbers; one that is checked only at the end of the transaction.
BEGIN;
CREATE TABLE patient (id text, resource jsonb);
INSERT INTO patient SELECT 'p', * FROM patients('p');
SELECT fhir_access.protect('patient', 'Patient');
SET LOCAL ROLE app;
SELECT * FROM accounts_of('p', 'P');
ROLLBACK;
BEGIN;
CREATE TABLE patient (tenant int DEFAULT 1, id text, resource jsonb, PRIMARY KEY (tenant, id));
INSERT INTO patient (id, resource) SELECT 'p', * FROM patients('p');
SELECT fhir_access.protect('patient', 'Patient');
SET LOCAL ROLE app;
SELECT * FROM accounts_of('p', 'P');
ROLLBACK;
BEGIN;
CREATE TABLE patient (id int PRIMARY KEY, resource jsonb);
INSERT INTO patient SELECT 7, * FROM patients('7');
SELECT fhir_access.protect('patient', 'Patient');
SET LOCAL ROLE app;
SELECT * FROM accounts_of('7', '07', 'p');
ROLLBACK;
BEGIN;
CREATE TABLE patient (id text PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, resource jsonb);
INSERT INTO patient SELECT 'p', * FROM patients('p');
SELECT fhir_access.protect('patient', 'Patient');
SET LOCAL ROLE app;
SELECT * FROM accounts_of('p', 'P');
ROLLBACK;
-- Partitions, and a child of a table.
BEGIN;
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb) PARTITION BY HASH (id);
CREATE TABLE patient_0 PARTITION OF patient FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE patient_1 PARTITION OF patient FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO patient SELECT id, p FROM unnest('{p,q}'::text[]) id, patients(id) p;
SELECT fhir_access.protect('patient', 'Patient');
SET LOCAL ROLE app;
SELECT * FROM accounts_of('p', 'q', 'P');
ROLLBACK;
BEGIN;
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb);
CREATE TABLE old_patient (PRIMARY KEY (id)) INHERITS (patient);
INSERT INTO patient SELECT 'p', * FROM patients('p');
INSERT INTO old_patient SELECT 'q', * FROM patients('q');
SELECT fhir_access.protect('patient', 'Patient');
SET LOCAL ROLE app;
SELECT * FROM accounts_of('p', 'q', 'P');
ROLLBACK;

-- What is there at that moment. One prepared statement, run often enough to keep its plan.
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb);
SELECT fhir_access.protect('patient', 'Patient');
\c - app
SET fhir_access.membership = 'm';
PREPARE of_patient (text, text) AS
  INSERT INTO observation VALUES ($1, jsonb_build_object('resourceType', 'Observation', 'id', $1, 'status', 'final',
                                                         'subject', jsonb_build_object('reference', 'Patient/' || $2)))
  RETURNING id, resource #> '{meta,accounts}' AS accounts;
EXECUTE of_patient ('1', 'x');
EXECUTE of_patient ('2', 'x');
EXECUTE of_patient ('3', 'x');
EXECUTE of_patient ('4', 'x');
EXECUTE of_patient ('5', 'x');
EXECUTE of_patient ('6', 'x');
SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'of_patient';
-- A patient of the same transaction, and one that was rolled back.
\c - postgres
SET fhir_access.membership = 'm';
PREPARE of_patient (text, text) AS
  INSERT INTO observation VALUES ($1, jsonb_build_object('resourceType', 'Observation', 'id', $1, 'status', 'final',
                                                         'subject', jsonb_build_object('reference', 'Patient/' || $2)))
  RETURNING id, resource #> '{meta,accounts}' AS accounts;
BEGIN;
INSERT INTO patient SELECT 'x', * FROM patients('x');
SET LOCAL ROLE app;
EXECUTE of_patient ('7', 'x');
RESET ROLE;
SAVEPOINT s;
UPDATE patient SET resource = jsonb_set(resource, '{meta,accounts}', '[{"reference": "Organization/c"}]') WHERE id = 'x';
SET LOCAL ROLE app;
EXECUTE of_patient ('8', 'x');
ROLLBACK TO s;
SET LOCAL ROLE app;
EXECUTE of_patient ('9', 'x');
ROLLBACK;
SET ROLE app;
BEGIN;
EXECUTE of_patient ('10', 'x');
ROLLBACK;
RESET ROLE;
-- A policy that is changed, and changed back.
BEGIN;
SET LOCAL ROLE app;
EXECUTE of_patient ('11', 'x');
RESET ROLE;
SAVEPOINT s;
UPDATE fhir_access.access_policy SET resource = '{"resourceType": "AccessPolicy", "id": "all",
  "compartment": {"reference": "Organization/new"},
  "resource": [{"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["method"]}]}' WHERE id = 'all';
SET LOCAL ROLE app;
EXECUTE of_patient ('12', 'x');
RESET ROLE;
UPDATE fhir_access.access_policy SET resource = '{"resourceType": "AccessPolicy", "id": "all",
  "resource": [{"resourceType": "Observation", "criteria": "Observation?status=amended"}]}' WHERE id = 'all';
SET LOCAL ROLE app;
SAVEPOINT refused;
EXECUTE of_patient ('13', 'x');
ROLLBACK TO refused;
ROLLBACK TO s;
SET LOCAL ROLE app;
EXECUTE of_patient ('14', 'x');
ROLLBACK;
-- Two memberships in turn, with one prepared statement.
BEGIN;
SET LOCAL ROLE app;
EXECUTE of_patient ('15', 'x');
SET LOCAL fhir_access.membership = 'ids';
SAVEPOINT refused;
EXECUTE of_patient ('16', 'x');
ROLLBACK TO refused;
SET LOCAL fhir_access.membership = 'm';
EXECUTE of_patient ('17', 'x');
ROLLBACK;
