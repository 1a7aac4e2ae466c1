-- Write constraints and rows that move to another partition: a movement is an update, and nothing else is taken for one, whatever
-- other triggers make of it.
\ir prologue.sql

CREATE TABLE encounter (id text, year int, resource jsonb NOT NULL, PRIMARY KEY (id, year)) PARTITION BY LIST (year);
CREATE TABLE encounter_2024 PARTITION OF encounter FOR VALUES IN (2024);
CREATE TABLE encounter_2025 PARTITION OF encounter FOR VALUES IN (2025);
SELECT fhir_access.protect('encounter', 'Encounter');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "visits", "resource": [{"resourceType": "Encounter", "interaction": ["search", "create", "update"], "writeConstraint": [
    {"language": "text/fhirpath", "expression": "%before.empty() implies status = ''planned''", "description": "visits begin as planned"}]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "visits", "accessPolicy": {"reference": "AccessPolicy/visits"}}');
CREATE FUNCTION visit(id text, status text) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$ SELECT jsonb_build_object('resourceType', 'Encounter', 'id', id, 'status', status) $$;
CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
INSERT INTO encounter SELECT i, 2024, visit(i, 'arrived') FROM unnest('{a,b,c}'::text[]) i;

-- Rows that move, and new ones beside them.
\c - app
SET fhir_access.membership = 'visits';
MERGE INTO encounter e USING (VALUES ('a', 'arrived'), ('new', 'planned'), ('b', 'arrived')) v(id, status) ON e.id = v.id
    WHEN MATCHED THEN UPDATE SET year = 2025 WHEN NOT MATCHED THEN INSERT VALUES (v.id, 2024, visit(v.id, v.status));
SELECT tableoid::regclass, id FROM encounter ORDER BY id;
MERGE INTO encounter e USING (VALUES ('a', 'arrived'), ('x', 'arrived')) v(id, status) ON e.id = v.id
    WHEN MATCHED THEN UPDATE SET year = 2024 WHEN NOT MATCHED THEN INSERT VALUES (v.id, 2024, visit(v.id, v.status));
WITH moved AS (UPDATE encounter SET year = 2024 WHERE id = 'a' RETURNING id) INSERT INTO encounter SELECT id, 2025, visit(id, 'arrived') FROM moved;
-- Part of a statement that is run to its end only after the rest.
WITH moved AS (UPDATE encounter SET year = 2024 WHERE year = 2025) SELECT 1 AS one;
SELECT tableoid::regclass, id FROM encounter ORDER BY id;

-- A trigger that keeps a row from being deleted keeps it from being moved: an INSERT that follows is one.
\c - postgres
CREATE TRIGGER zzzz_keep BEFORE DELETE ON encounter_2024 FOR EACH ROW EXECUTE FUNCTION stop();
\c - app
SET fhir_access.membership = 'visits';
UPDATE encounter SET year = 2025 WHERE id = 'a';
MERGE INTO encounter e USING (VALUES ('a', 'a'), ('copy', 'a')) v(key, id) ON e.id = v.key
    WHEN MATCHED THEN UPDATE SET year = 2025 WHEN NOT MATCHED THEN INSERT VALUES (v.id, 2025, visit(v.id, 'arrived'));
\c - postgres
UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,interaction}', '["search", "create", "update", "delete"]');
\c - app
SET fhir_access.membership = 'visits';
UPDATE encounter SET year = 2025 WHERE id = 'a';
MERGE INTO encounter e USING (VALUES ('a', 'a'), ('copy', 'a')) v(key, id) ON e.id = v.key
    WHEN MATCHED THEN UPDATE SET year = 2025 WHEN NOT MATCHED THEN INSERT VALUES (v.id, 2025, visit(v.id, 'arrived'));
\c - postgres
DROP TRIGGER zzzz_keep ON encounter_2024;
UPDATE fhir_access.access_policy SET resource = jsonb_set(resource, '{resource,0,interaction}', '["search", "create", "update"]');

-- A trigger that keeps a row from being updated keeps it from being moved: a DELETE that follows is one.
CREATE TRIGGER zzzz_keep BEFORE UPDATE ON encounter_2024 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
\c - app
SET fhir_access.membership = 'visits';
MERGE INTO encounter e USING (VALUES (1), (2)) v(n) ON e.id = 'a'
    WHEN MATCHED AND n = 1 THEN UPDATE SET resource = e.resource WHEN MATCHED THEN DELETE;
MERGE INTO encounter e USING (VALUES ('a', 1), ('a', 2), ('b', 3)) v(id, n) ON e.id = v.id
    WHEN MATCHED AND n = 2 THEN DELETE WHEN MATCHED THEN UPDATE SET resource = e.resource;
WITH kept AS (UPDATE encounter SET resource = resource WHERE id = 'a' RETURNING id)
    DELETE FROM encounter WHERE id = 'a' AND NOT EXISTS (SELECT FROM kept);
WITH kept AS (UPDATE encounter SET resource = resource WHERE id = 'a' RETURNING id),
     gone AS (DELETE FROM encounter WHERE id = 'a' AND NOT EXISTS (SELECT FROM kept)) SELECT 1 AS one;
\c - postgres
DROP TRIGGER zzzz_keep ON encounter_2024;

-- A row that does not arrive is deleted.
CREATE TRIGGER a_stop BEFORE INSERT ON encounter_2025 FOR EACH ROW EXECUTE FUNCTION stop();
\c - app
SET fhir_access.membership = 'visits';
UPDATE encounter SET year = 2025 WHERE id = 'a';
UPDATE encounter SET year = 2025;
\c - postgres
SELECT tableoid::regclass, id, resource ->> 'status' AS status FROM encounter ORDER BY id;
