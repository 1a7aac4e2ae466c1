-- Write constraints and upserts: a row that INSERT … ON CONFLICT DO UPDATE brings must meet them as a new row when it is
-- inserted, and as an update when it takes the place of a stored one; never as both.
\ir prologue.sql

CREATE TABLE servicerequest (id text, part int NOT NULL DEFAULT 1, code text UNIQUE, resource jsonb NOT NULL, PRIMARY KEY (id, part));
SELECT fhir_access.protect('servicerequest', 'ServiceRequest');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "orders", "resource": [{"resourceType": "ServiceRequest", "writeConstraint": [
    {"language": "text/fhirpath", "expression": "%before.empty() implies status = ''draft''", "description": "orders begin as drafts"},
    {"language": "text/fhirpath", "expression": "%before.exists() implies %before.status != ''completed''", "description": "completed is completed"}]}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "orders", "accessPolicy": {"reference": "AccessPolicy/orders"}}');
INSERT INTO servicerequest SELECT s, 1, s, jsonb_build_object('resourceType', 'ServiceRequest', 'id', s, 'status', s) FROM unnest('{draft,active,completed}'::text[]) s;
-- What an application does to store a resource, whether it is there or not.
CREATE FUNCTION put(id text, status text, code text DEFAULT NULL) RETURNS SETOF text LANGUAGE sql AS $$
    INSERT INTO servicerequest VALUES ($1, 1, $3, jsonb_build_object('resourceType', 'ServiceRequest', 'id', $1, 'status', $2))
    ON CONFLICT ON CONSTRAINT servicerequest_pkey DO UPDATE SET resource = excluded.resource RETURNING servicerequest.resource ->> 'status' $$;
CREATE VIEW statuses AS SELECT string_agg(id || ':' || (resource ->> 'status'), ' ' ORDER BY id, part) AS statuses FROM servicerequest;
GRANT SELECT ON statuses TO app;

\c - app
SET fhir_access.membership = 'orders';
-- New rows.
SELECT put('new', 'draft');
SELECT put('other', 'active');
\echo :LAST_ERROR_SQLSTATE
-- Stored rows: what a new one must be like does not count for them.
SELECT put('draft', 'active');
SELECT put('active', 'completed');
SELECT put('active', 'active');
\echo :LAST_ERROR_SQLSTATE
TABLE statuses;

-- Several rows, of which any may be refused: one in the middle, the last one, one that is inserted behind one that is updated.
PREPARE put(text[], text) AS
    INSERT INTO servicerequest (id, resource) SELECT i, jsonb_build_object('resourceType', 'ServiceRequest', 'id', i, 'status', $2) FROM unnest($1) i
    ON CONFLICT (id, part) DO UPDATE SET resource = excluded.resource;
EXECUTE put('{draft,x,new}', 'active');
EXECUTE put('{draft,new,x}', 'active');
EXECUTE put('{x,draft,new}', 'active');
EXECUTE put('{draft,new}', 'revoked');
TABLE statuses;

-- The update that takes its place counts whole: its own constraints, and that it is an update of that row.
INSERT INTO servicerequest VALUES ('draft', 1, NULL, '{"resourceType": "ServiceRequest", "id": "draft", "status": "active"}')
    ON CONFLICT (id, part) DO UPDATE SET resource = servicerequest.resource || '{"status": "on-hold"}' RETURNING resource;
-- A conflict on another key updates a row of another id, which is no update of this resource.
INSERT INTO servicerequest VALUES ('someone', 1, 'draft', '{"resourceType": "ServiceRequest", "id": "someone", "status": "active"}')
    ON CONFLICT (code) DO UPDATE SET resource = servicerequest.resource || '{"priority": "stat"}' RETURNING resource;
INSERT INTO servicerequest VALUES ('someone', 1, 'draft', '{"resourceType": "ServiceRequest", "id": "someone", "status": "active"}')
    ON CONFLICT (code) DO UPDATE SET resource = excluded.resource;

-- A question in the middle of it decides nothing.
INSERT INTO servicerequest VALUES ('draft', 1, NULL, '{"resourceType": "ServiceRequest", "id": "draft", "status": "active"}')
    ON CONFLICT (id, part) DO UPDATE SET resource = excluded.resource || jsonb_build_object('note', jsonb_build_array(jsonb_build_object('text',
        (SELECT reason FROM fhir_access.check('ServiceRequest/' || excluded.id, 'update'))))) RETURNING resource;
INSERT INTO servicerequest VALUES ('x', 1, NULL, '{"resourceType": "ServiceRequest", "id": "x", "status": "active"}')
    ON CONFLICT (id, part) DO UPDATE SET resource = excluded.resource RETURNING (SELECT reason FROM fhir_access.check('ServiceRequest/draft', 'update'));

-- Where no update follows, the row counts as a new one: also one that DO NOTHING or a condition leaves out in the end.
INSERT INTO servicerequest VALUES ('draft', 1, NULL, '{"resourceType": "ServiceRequest", "id": "draft", "status": "active"}') ON CONFLICT DO NOTHING;
INSERT INTO servicerequest VALUES ('draft', 1, NULL, '{"resourceType": "ServiceRequest", "id": "draft", "status": "active"}')
    ON CONFLICT (id, part) DO UPDATE SET resource = excluded.resource WHERE false;
INSERT INTO servicerequest VALUES ('draft', 1, NULL, '{"resourceType": "ServiceRequest", "id": "draft", "status": "draft"}') ON CONFLICT DO NOTHING;

-- No other update is taken for it: not one beside it in the same statement, of a row with the same id …
WITH other AS (UPDATE servicerequest SET resource = resource || '{"note": [{"text": "x"}]}' WHERE id = 'draft' RETURNING id)
INSERT INTO servicerequest VALUES ('draft', 2, NULL, '{"resourceType": "ServiceRequest", "id": "draft", "status": "active"}')
    ON CONFLICT (id, part) DO UPDATE SET resource = excluded.resource;
-- … and none that a function or trigger makes.
\c - postgres
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.part = 3 THEN
        UPDATE servicerequest SET resource = resource || '{"note": [{"text": "touched"}]}' WHERE id = NEW.id AND part = 1;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER zzzz_touch BEFORE INSERT ON servicerequest FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch_after AFTER INSERT ON servicerequest FOR EACH ROW EXECUTE FUNCTION touch();
\c - app
SET fhir_access.membership = 'orders';
INSERT INTO servicerequest VALUES ('draft', 3, NULL, '{"resourceType": "ServiceRequest", "id": "draft", "status": "active"}')
    ON CONFLICT (id, part) DO UPDATE SET resource = excluded.resource;
INSERT INTO servicerequest VALUES ('draft', 3, NULL, '{"resourceType": "ServiceRequest", "id": "draft", "status": "draft"}')
    ON CONFLICT (id, part) DO UPDATE SET resource = excluded.resource RETURNING part;
TABLE statuses;

-- An insert that a trigger runs after an upsert's rows is none of its rows.
\c - postgres
DROP TRIGGER zzzz_touch ON servicerequest;
DROP TRIGGER touch_after ON servicerequest;
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.part < 5 THEN
        INSERT INTO servicerequest VALUES (NEW.id, 5, NULL, NEW.resource || '{"status": "active"}');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER INSERT ON servicerequest FOR EACH ROW EXECUTE FUNCTION follow();
\c - app
SET fhir_access.membership = 'orders';
INSERT INTO servicerequest VALUES ('draft', 4, NULL, '{"resourceType": "ServiceRequest", "id": "draft", "status": "draft"}')
    ON CONFLICT (id, part) DO UPDATE SET resource = excluded.resource;
\c - postgres
DROP TRIGGER follow ON servicerequest;

-- A refusal that is caught is over.
\c - app
SET fhir_access.membership = 'orders';
DO $$
DECLARE
    status text;
BEGIN
    BEGIN
        SELECT put('caught', 'active') INTO status;
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE '%', SQLERRM;
    END;
    SELECT put('draft', 'active') INTO status;
    RAISE NOTICE 'draft is % now', status;
    INSERT INTO servicerequest VALUES ('caught', 1, NULL, '{"resourceType": "ServiceRequest", "id": "caught", "status": "draft"}')
        ON CONFLICT (id, part) DO UPDATE SET resource = excluded.resource RETURNING resource ->> 'status' INTO STRICT status;
    RAISE NOTICE 'caught is % now', status;
END $$;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
    INSERT INTO servicerequest VALUES ('y', 1, NULL, '{"resourceType": "ServiceRequest", "id": "y", "status": "active"}')
    ON CONFLICT (id, part) DO UPDATE SET resource = excluded.resource;
TABLE statuses;

-- The same through the parent of partitions, and through a view.
\c - postgres
CREATE TABLE task (id text, year int DEFAULT 2025, resource jsonb NOT NULL, PRIMARY KEY (id, year)) PARTITION BY LIST (year);
CREATE TABLE task_2024 PARTITION OF task FOR VALUES IN (2024);
CREATE TABLE task_2025 (resource jsonb NOT NULL, year int NOT NULL, id text NOT NULL);
ALTER TABLE task ATTACH PARTITION task_2025 FOR VALUES IN (2025);
CREATE VIEW tasks WITH (security_invoker) AS SELECT id, year, resource FROM task;
SELECT fhir_access.protect('task', 'Task');
INSERT INTO task SELECT 'old', y, '{"resourceType": "Task", "id": "old", "status": "requested"}' FROM generate_series(2024, 2025) y;
UPDATE fhir_access.access_policy SET resource = jsonb_insert(resource, '{resource,1}', jsonb_set(resource #> '{resource,0}', '{resourceType}', '"Task"'));
\c - app
SET fhir_access.membership = 'orders';
INSERT INTO task (id, year, resource) SELECT 'old', y, '{"resourceType": "Task", "id": "old", "status": "ready"}' FROM generate_series(2024, 2025) y
    ON CONFLICT (id, year) DO UPDATE SET resource = excluded.resource RETURNING tableoid::regclass, resource ->> 'status' AS status;
INSERT INTO tasks (id, year, resource) SELECT i, 2025, jsonb_build_object('resourceType', 'Task', 'id', i, 'status', 'failed') FROM unnest('{old,new}'::text[]) i
    ON CONFLICT (id, year) DO UPDATE SET resource = excluded.resource;
INSERT INTO tasks (id, year, resource) SELECT i, 2025, jsonb_build_object('resourceType', 'Task', 'id', i, 'status', 'failed') FROM unnest('{old}'::text[]) i
    ON CONFLICT (id, year) DO UPDATE SET resource = excluded.resource RETURNING resource ->> 'status' AS status;
