-- Partitions and children, by their own name and through the parent, attached and detached; columns that are gone, came later,
-- are computed or count by themselves. (partitions.sql is about rows and writes; this is about what is hidden.)
\ir prologue.sql
\ir masked_shapes.sql

-- A partitioned table: columns in another order in one partition, one that is gone there, a partition with partitions.
CREATE TABLE condition (id text NOT NULL, year integer NOT NULL, resource jsonb NOT NULL, code text GENERATED ALWAYS AS (resource #>> '{code,text}') STORED) PARTITION BY LIST (year);
CREATE TABLE condition_1 PARTITION OF condition FOR VALUES IN (1);
CREATE TABLE condition_2 (gone text, code text GENERATED ALWAYS AS (resource #>> '{code,text}') STORED, resource jsonb NOT NULL, also_gone integer, year integer NOT NULL, id text NOT NULL);
ALTER TABLE condition_2 DROP COLUMN gone, DROP COLUMN also_gone;
ALTER TABLE condition ATTACH PARTITION condition_2 FOR VALUES IN (2);
CREATE TABLE condition_3 PARTITION OF condition FOR VALUES IN (3, 4) PARTITION BY RANGE (id);
CREATE TABLE condition_3_a PARTITION OF condition_3 DEFAULT;
-- Inheritance: a child with a column of its own, a child of two parents.
CREATE TABLE device (number bigint GENERATED ALWAYS AS IDENTITY, id text, resource jsonb NOT NULL);
CREATE TABLE pump (model text) INHERITS (device);
CREATE TABLE dated (since text DEFAULT 'today');
CREATE TABLE monitor () INHERITS (dated, device);
SELECT fhir_access.protect('condition', 'Condition') \g /dev/null
SELECT fhir_access.protect('device', 'Device') \g /dev/null
INSERT INTO condition (id, year, resource) SELECT 'c' || n, n, jsonb_build_object('resourceType', 'Condition', 'id', 'c' || n, 'recordedDate', n, 'code', jsonb_build_object('text', 'CANARY ' || n)) FROM generate_series(1, 4) n;
INSERT INTO device (id, resource) VALUES ('d1', '{"resourceType": "Device", "id": "d1", "lotNumber": "CANARY 1"}');
INSERT INTO pump (number, id, resource, model) VALUES (2, 'd2', '{"resourceType": "Device", "id": "d2", "lotNumber": "CANARY 2"}', 'm');
INSERT INTO monitor (number, id, resource) VALUES (3, 'd3', '{"resourceType": "Device", "id": "d3", "lotNumber": "CANARY 3"}');
SET client_min_messages = error;
UPDATE fhir_access.access_policy SET resource = jsonb_insert(resource, '{resource,0}', '{"resourceType": "Condition", "hiddenFields": ["code"]}') WHERE id = 'desk';
UPDATE fhir_access.access_policy SET resource = jsonb_insert(resource, '{resource,0}', '{"resourceType": "Device", "hiddenFields": ["lotNumber"]}') WHERE id = 'desk';
-- The copies.
SET search_path = masked;
CREATE TABLE condition (id text NOT NULL, year integer NOT NULL, resource jsonb NOT NULL, code text) PARTITION BY LIST (year);
CREATE TABLE condition_1 PARTITION OF condition FOR VALUES IN (1);
CREATE TABLE condition_2 (gone text, code text, resource jsonb NOT NULL, also_gone integer, year integer NOT NULL, id text NOT NULL);
ALTER TABLE condition_2 DROP COLUMN gone, DROP COLUMN also_gone;
ALTER TABLE condition ATTACH PARTITION condition_2 FOR VALUES IN (2);
CREATE TABLE condition_3 PARTITION OF condition FOR VALUES IN (3, 4) PARTITION BY RANGE (id);
CREATE TABLE condition_3_a PARTITION OF condition_3 DEFAULT;
CREATE TABLE device (number bigint, id text, resource jsonb NOT NULL);
CREATE TABLE pump (model text) INHERITS (device);
CREATE TABLE dated (since text DEFAULT 'today');
CREATE TABLE monitor () INHERITS (dated, device);
INSERT INTO condition SELECT id, year, resource - 'code', NULL FROM public.condition;
INSERT INTO device SELECT number, id, resource - 'lotNumber' FROM ONLY public.device;
INSERT INTO pump SELECT number, id, resource - 'lotNumber', model FROM public.pump;
INSERT INTO monitor SELECT since, number, id, resource - 'lotNumber' FROM public.monitor;
RESET search_path;
RESET client_min_messages;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app, loader;

INSERT INTO shape (query) VALUES
    -- partitions
    ('SELECT * FROM condition'),
    ('SELECT c, c.resource, c.code FROM condition c'),
    ('SELECT c.*::text, to_jsonb(c) FROM condition c'),
    ('SELECT * FROM condition_1'),
    ('SELECT c FROM condition_2 c'),
    ('SELECT * FROM condition_2'),
    ('SELECT c::condition, (c::condition).code FROM condition_2 c'),
    ('SELECT c, c.code FROM condition_3 c'),
    ('SELECT c FROM condition_3_a c'),
    ('SELECT * FROM ONLY condition'),
    ('SELECT * FROM ONLY condition_2'),
    ('SELECT c FROM condition c WHERE year = 2'),
    ('SELECT id FROM condition WHERE code LIKE ''CAN_RY%'' OR resource::text LIKE ''%CAN_RY%'''),
    ('SELECT id FROM condition_2 WHERE code LIKE ''CAN_RY%'' OR condition_2::text LIKE ''%CAN_RY%'''),
    ('SELECT a, b FROM condition a JOIN condition_2 b ON a.resource = b.resource'),
    ('SELECT code, count(*), array_agg(c ORDER BY id) FROM condition c GROUP BY code'),
    ('SELECT year, max(code), max(c::text) FROM condition c GROUP BY ROLLUP (year)'),
    ('SELECT c FROM condition c ORDER BY code, id'),
    ('SELECT id FROM condition_1 UNION SELECT code FROM condition_2'),
    ('WITH w AS (UPDATE condition SET resource = resource || ''{"language": "de"}'' RETURNING *) SELECT * FROM w'),
    ('WITH w AS (UPDATE condition c SET resource = resource || ''{"language": "de"}'' RETURNING c, c.code) SELECT * FROM w'),
    ('WITH w AS (UPDATE condition_2 c SET resource = resource || ''{"language": "de"}'' RETURNING c, c.code) SELECT * FROM w'),
    ('WITH w AS (UPDATE condition c SET year = 1 WHERE year = 2 RETURNING c, c.code) SELECT * FROM w'),
    ('WITH w AS (DELETE FROM condition c USING condition_1 d WHERE c.year > d.year RETURNING c, d) SELECT * FROM w'),
    ('WITH w AS (DELETE FROM condition_3_a RETURNING condition_3_a) SELECT * FROM w'),
    -- inheritance
    ('SELECT * FROM device'),
    ('SELECT d, d.resource FROM device d'),
    ('SELECT * FROM ONLY device'),
    ('SELECT d FROM ONLY device d'),
    ('SELECT * FROM pump'),
    ('SELECT p, p::device, (p::device).resource FROM pump p'),
    ('SELECT m FROM monitor m'),
    ('SELECT m::device, m::dated FROM monitor m'),
    ('SELECT id FROM device* WHERE resource::text LIKE ''%CAN_RY%'''),
    ('SELECT d.id, p FROM device d JOIN pump p ON d.resource = p.resource'),
    ('WITH w AS (UPDATE device SET resource = resource || ''{"language": "de"}'' RETURNING device, resource) SELECT * FROM w'),
    ('WITH w AS (UPDATE pump SET model = resource ->> ''lotNumber'' RETURNING *) SELECT * FROM w'),
    ('WITH w AS (DELETE FROM ONLY device RETURNING device) SELECT * FROM w'),
    ('WITH w AS (DELETE FROM device d RETURNING d) SELECT * FROM w');
\ir masked_verdicts.sql

-- A parent that is not protected itself has no mask for what it finds in a protected child: it is refused. ONLY it is not.
SET fhir_access.membership = 'desk';
SELECT * FROM dated;
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM dated d WHERE d::text LIKE '%CAN_RY%';
SELECT * FROM ONLY dated;

-- Attached and detached, and columns that come and go, while statements are prepared.
SET fhir_access.membership = 'desk';
PREPARE whole AS SELECT c, c.code FROM condition c WHERE year > 4 ORDER BY id;
EXECUTE whole;
\c - postgres
CREATE TABLE condition_5 (resource jsonb NOT NULL, code text GENERATED ALWAYS AS (resource #>> '{code,text}') STORED, year integer NOT NULL, id text NOT NULL);
INSERT INTO condition_5 (id, year, resource) VALUES ('c5', 5, '{"resourceType": "Condition", "id": "c5", "code": {"text": "CANARY 5"}}');
ALTER TABLE condition ATTACH PARTITION condition_5 FOR VALUES IN (5);
\c - app
SET fhir_access.membership = 'desk';
SELECT c, c.code FROM condition c WHERE year = 5;
SELECT * FROM condition_5;
\c - postgres
ALTER TABLE condition DETACH PARTITION condition_5;
ALTER TABLE condition ADD COLUMN also text GENERATED ALWAYS AS (resource #>> '{code,text}') STORED;
ALTER TABLE condition ADD COLUMN plain text DEFAULT 'plain';
ALTER TABLE condition DROP COLUMN code;
\c - app
SET fhir_access.membership = 'desk';
SELECT * FROM condition ORDER BY id;
SELECT c FROM condition c ORDER BY id;
SELECT c, c.also FROM condition_2 c;
SELECT count(*) FROM condition WHERE also LIKE 'CAN_RY%' OR condition::text LIKE '%CAN_RY%';
-- A detached partition stays as protected as it was.
SELECT c FROM condition_5 c;
SELECT count(*) FROM condition_5 WHERE code IS NOT NULL;

-- In which partition a row lies everybody can see who sees the row: what is hidden must not be what divides a table.
SELECT tableoid::regclass, id FROM condition ORDER BY id;
