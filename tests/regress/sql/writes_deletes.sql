-- Where a membership may delete all that it may read, a DELETE is decided by the predicates in its plan, and the trigger, for
-- which PostgreSQL would lock and copy each row, does not fire. Wherever anything more is to be asked, it does. EXPLAIN ANALYZE
-- tells: a trigger that has fired is listed with its calls.
\ir prologue.sql

CREATE TABLE observation (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE log (what text);
CREATE TABLE keeper (id text REFERENCES observation ON DELETE CASCADE, resource jsonb);
INSERT INTO observation
SELECT id, jsonb_build_object('resourceType', 'Observation', 'id', id, 'status', status)
  FROM (VALUES ('f1', 'final'), ('f2', 'final'), ('p1', 'preliminary'), ('c1', 'cancelled')) v(id, status);
UPDATE observation SET resource = resource || '{"meta": {"project": "lab"}}' WHERE id = 'c1';
SELECT fhir_access.protect('observation', 'Observation');
INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "lab"}'), ('{"resourceType": "Project", "id": "clinic", "link": [{"project": {"reference": "Project/lab"}}]}');
INSERT INTO fhir_access.access_policy (resource) VALUES
  ('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "Observation"}]}'),
  ('{"resourceType": "AccessPolicy", "id": "same", "resource": [{"resourceType": "Observation", "criteria": "Observation?status=final,preliminary"}]}'),
  ('{"resourceType": "AccessPolicy", "id": "fewer", "resource": [
     {"resourceType": "Observation", "criteria": "Observation?status=preliminary"},
     {"resourceType": "Observation", "criteria": "Observation?status=final", "readonly": true}]}'),
  ('{"resourceType": "AccessPolicy", "id": "others", "resource": [
     {"resourceType": "Observation", "criteria": "Observation?status=final", "interaction": ["delete"]},
     {"resourceType": "Observation", "criteria": "Observation?status=preliminary", "interaction": ["search"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', id, 'access', jsonb_build_array(jsonb_build_object('policy', jsonb_build_object('reference', 'AccessPolicy/' || id))))
  FROM unnest(ARRAY['all', 'same', 'fewer', 'others']) id;
-- Linked projects are read only.
INSERT INTO fhir_access.project_membership (resource) VALUES
  ('{"resourceType": "ProjectMembership", "id": "linked", "project": {"reference": "Project/clinic"}, "access": [{"policy": {"reference": "AccessPolicy/all"}}]}');
GRANT ALL ON observation, log, keeper TO app;

-- What it finds, and whether the trigger fires; nothing stays deleted.
CREATE FUNCTION fires(statement text, OUT deleted int, OUT trigger text) LANGUAGE plpgsql AS $$
DECLARE
    line text;
    before int := count(*) FROM observation;
BEGIN
    trigger := 'spared';
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) ' || statement LOOP
        IF line LIKE 'Trigger zzz\_fhir\_access%' THEN
            trigger := line;
        END IF;
    END LOOP;
    deleted := before - (SELECT count(*) FROM observation);
    RAISE SQLSTATE '0U000';
EXCEPTION
    WHEN SQLSTATE '0U000' THEN
    WHEN OTHERS THEN
        trigger := format('%s: %s', SQLSTATE, SQLERRM);
END $$;
CREATE FUNCTION switch(membership text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('fhir_access.membership', membership, true);
    RETURN true;
END $$;
\c - app
\set VERBOSITY terse

-- The same is granted for both, with criteria and without: rows of others are not there, and are not deleted.
SET fhir_access.membership = 'all';
SELECT * FROM fires('DELETE FROM observation');
SET fhir_access.membership = 'same';
SELECT * FROM fires('DELETE FROM observation');
SELECT * FROM fires('DELETE FROM observation WHERE id = ''f1''');
SELECT * FROM fires('DELETE FROM observation o USING (VALUES (''f1''), (''c1'')) v(id) WHERE v.id = o.id RETURNING o.id, o.resource');
BEGIN;
DELETE FROM observation RETURNING id;
ROLLBACK;
BEGIN;
DECLARE here CURSOR FOR SELECT id FROM observation ORDER BY id FOR UPDATE;
FETCH 2 FROM here;
DELETE FROM observation WHERE CURRENT OF here RETURNING id;
ROLLBACK;

-- What may be read and not deleted is refused, by the trigger alone.
SET fhir_access.membership = 'fewer';
SELECT * FROM fires('DELETE FROM observation');
SELECT * FROM fires('DELETE FROM observation WHERE id = ''p1''');
SET fhir_access.membership = 'others';
SELECT * FROM fires('DELETE FROM observation');
SET fhir_access.membership = 'linked';
SELECT * FROM fires('DELETE FROM observation');

-- A prepared statement follows its membership.
SET fhir_access.membership = 'same';
SET plan_cache_mode = force_generic_plan;
PREPARE clear AS DELETE FROM observation WHERE id <> 'none';
BEGIN;
EXECUTE clear;
ROLLBACK;
SET fhir_access.membership = 'fewer';
EXECUTE clear;
SET fhir_access.membership = 'others';
EXECUTE clear;
DEALLOCATE clear;
RESET plan_cache_mode;

-- The session may not become another's under it, whatever has been deleted until then; that is undone. It may where nothing is
-- deleted.
SET fhir_access.membership = 'same';
SELECT * FROM fires('DELETE FROM observation WHERE switch(''others'')');
SHOW fhir_access.membership;
SELECT * FROM fires('DELETE FROM observation WHERE switch('''')');
SELECT * FROM fires('DELETE FROM observation WHERE id = ''none'' AND switch(''others'')');
SELECT * FROM fires('DELETE FROM observation WHERE switch(''same'')');
SELECT id FROM observation ORDER BY id;

-- Statements that write more than this.
SELECT * FROM fires('WITH gone AS (DELETE FROM observation RETURNING id) INSERT INTO log SELECT id FROM gone');
SELECT * FROM fires('WITH noted AS (INSERT INTO log VALUES (''x'')) DELETE FROM observation');
SELECT * FROM fires('MERGE INTO observation o USING (VALUES (''f1'')) v(id) ON v.id = o.id WHEN MATCHED THEN DELETE');

-- Partitions have triggers of their own; rows of all types are asked for what holds for their types; a view's owner may be another.
\c - postgres
CREATE TABLE parts (id text, resource jsonb NOT NULL) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parts DEFAULT;
CREATE TABLE anything (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE VIEW through AS SELECT * FROM observation WHERE id <> 'f2';
INSERT INTO parts SELECT * FROM observation;
INSERT INTO anything SELECT * FROM observation;
SELECT fhir_access.protect('parts', 'Observation'), fhir_access.protect('anything', NULL);
GRANT ALL ON parts, anything, through TO app;
\c - app
\set VERBOSITY terse
SET fhir_access.membership = 'same';
SELECT trigger FROM fires('DELETE FROM parts');
SELECT trigger FROM fires('DELETE FROM parts WHERE id = ''f1''');
SELECT trigger FROM fires('DELETE FROM anything');
SELECT * FROM fires('DELETE FROM through');
SET fhir_access.membership = 'fewer';
SELECT * FROM fires('DELETE FROM through');

-- The audit trail wants each row.
\c - postgres
SET fhir_access.audit = 'writes';
SET fhir_access.membership = 'same';
SET ROLE app;
SELECT * FROM fires('DELETE FROM observation WHERE id = ''f1''');
RESET ROLE;
RESET fhir_access.audit;

-- Another trigger may have its say before the row is deleted; after ours, too. One that fires for something else does not matter.
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN CASE WHEN OLD.id <> ''f1'' THEN OLD END; END';
CREATE TRIGGER zzzz_keep BEFORE DELETE ON observation FOR EACH ROW EXECUTE FUNCTION keep();
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (OLD.id); RETURN NULL; END';
CREATE TRIGGER note AFTER DELETE ON observation FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER arriving BEFORE INSERT ON observation FOR EACH ROW EXECUTE FUNCTION note();
\c - app
\set VERBOSITY terse
SET fhir_access.membership = 'same';
SELECT * FROM fires('DELETE FROM observation');
\c - postgres
DROP TRIGGER zzzz_keep ON observation;
\c - app
\set VERBOSITY terse
SET fhir_access.membership = 'same';
SELECT * FROM fires('DELETE FROM observation');
BEGIN;
DELETE FROM observation;
SELECT what FROM log ORDER BY what;
ROLLBACK;

-- Where somebody has switched the trigger off, nothing is deleted, by predicates or otherwise.
\c - postgres
ALTER TABLE observation DISABLE TRIGGER zzz_fhir_access;
\c - app
\set VERBOSITY terse
SET fhir_access.membership = 'same';
SELECT * FROM fires('DELETE FROM observation');
\c - postgres
ALTER TABLE observation ENABLE ALWAYS TRIGGER zzz_fhir_access;

-- What reaches the rows past the predicates has the trigger: a foreign key's action, here. The row that is deleted may be, the
-- one that refers to it is of another kind, which the session may not delete.
DELETE FROM keeper;
SELECT fhir_access.protect('keeper', 'DiagnosticReport');
INSERT INTO keeper VALUES ('f1', '{"resourceType": "DiagnosticReport", "id": "f1"}');
\c - app
\set VERBOSITY terse
SET fhir_access.membership = 'same';
SELECT * FROM fires('DELETE FROM observation WHERE id = ''f1''');
SELECT * FROM fires('DELETE FROM observation WHERE id = ''f2''');
