-- Common table expressions: plain, materialised or not, recursive, with SEARCH and CYCLE, and those that write.
\ir prologue.sql
\ir masked_shapes.sql

INSERT INTO shape (query) VALUES
    ('WITH c AS (SELECT * FROM observation) SELECT * FROM c'),
    ('WITH c AS (SELECT * FROM observation) SELECT c, c.resource FROM c'),
    ('WITH c AS MATERIALIZED (SELECT * FROM observation) SELECT c, (SELECT count(*) FROM c d WHERE d.value = c.value) FROM c'),
    ('WITH c AS NOT MATERIALIZED (SELECT * FROM observation) SELECT a, b FROM c a JOIN c b USING (id)'),
    ('WITH c AS MATERIALIZED (SELECT o FROM observation o) SELECT (o).resource FROM c'),
    ('WITH c (a, b) AS (SELECT value, resource FROM observation) SELECT a FROM c WHERE b::text LIKE ''%CAN_RY%'' OR a IS NULL'),
    ('WITH observation AS (SELECT * FROM observation) SELECT observation FROM observation'),
    ('WITH a AS (SELECT * FROM observation), b AS (SELECT * FROM a), c AS MATERIALIZED (SELECT b FROM b) SELECT (b).resource FROM c'),
    ('WITH a AS (WITH b AS (WITH c AS (SELECT * FROM observation) SELECT * FROM c) SELECT * FROM b) SELECT * FROM a'),
    ('SELECT (WITH c AS (SELECT o.resource AS r) SELECT r FROM c) FROM observation o'),
    ('SELECT (WITH c AS MATERIALIZED (SELECT o AS r) SELECT (r).value || (r).resource::text FROM c) FROM observation o'),
    ('SELECT * FROM observation o, LATERAL (WITH c AS (SELECT o.*) SELECT c FROM c) l'),
    ('WITH c AS (SELECT resource FROM observation) SELECT resource FROM observation WHERE resource IN (SELECT resource FROM c)'),
    ('WITH c AS (SELECT value FROM observation) SELECT count(*) FROM c WHERE value LIKE ''CAN_RY%'''),
    ('WITH unused AS (SELECT * FROM observation) SELECT 1'),
    -- recursive
    ('WITH RECURSIVE c AS (SELECT id, resource, 1 AS n FROM observation UNION ALL SELECT o.id, o.resource, n + 1 FROM c JOIN observation o USING (id) WHERE n < 3) SELECT * FROM c'),
    ('WITH RECURSIVE c (id, value) AS (SELECT id, value FROM observation WHERE id = ''o1'' UNION SELECT o.id, o.value FROM c JOIN observation o ON o.value IS NOT DISTINCT FROM c.value) SELECT * FROM c'),
    ('WITH RECURSIVE c (id, o) AS (SELECT o.id, o FROM observation o UNION ALL SELECT o.id || ''+'', o FROM c JOIN observation o USING (id)) SELECT * FROM c'),
    ('WITH RECURSIVE c (n, found) AS (SELECT 0, false UNION ALL SELECT n + 1, EXISTS (SELECT FROM observation WHERE value = ''CAN'' || ''ARY '' || n) FROM c WHERE n < 9) SELECT * FROM c'),
    ('WITH RECURSIVE c (id, r) AS (SELECT id, resource FROM observation UNION SELECT c.id, o.resource FROM c JOIN observation o USING (id)) SEARCH DEPTH FIRST BY id, r SET place CYCLE id, r SET seen USING path SELECT * FROM c'),
    ('WITH RECURSIVE c (id, v) AS (SELECT id, value FROM observation UNION ALL SELECT o.id, o.value FROM c JOIN observation o USING (id) WHERE o.id < ''o3'') CYCLE id SET seen TO ''Y'' DEFAULT ''N'' USING path SELECT c FROM c'),
    ('WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < (SELECT count(value) FROM observation)) SELECT * FROM a'),
    -- those that write
    ('WITH u AS (UPDATE observation SET note = ''u'' RETURNING *) SELECT * FROM u'),
    ('WITH u AS (UPDATE observation o SET note = value FROM patient p WHERE p.id = replace(o.id, ''o'', ''p'') RETURNING o, p, o.resource || p.resource AS both) SELECT * FROM u'),
    ('WITH u AS (UPDATE observation SET note = resource::text RETURNING id, note) SELECT * FROM u'),
    ('WITH u AS (UPDATE observation SET note = ''found'' WHERE resource::text LIKE ''%CAN_RY%'' RETURNING id) SELECT count(*) FROM u'),
    ('WITH u AS (UPDATE observation SET note = ''u'' RETURNING id) SELECT o FROM observation o JOIN u USING (id)'),
    ('WITH s AS (SELECT o.id, o.resource FROM observation o), u AS (UPDATE observation o SET note = s.resource::text FROM s WHERE s.id = o.id RETURNING o.note, s, o) SELECT * FROM u');
\ir masked_verdicts.sql

-- The others that write. Every row is put back.
\c - app
SET fhir_access.membership = 'desk';
UPDATE observation SET note = 'none';
BEGIN;
WITH d AS (DELETE FROM observation RETURNING *) SELECT d FROM d ORDER BY id;
ROLLBACK;
BEGIN;
WITH d AS (DELETE FROM observation o USING patient p WHERE p.id = replace(o.id, 'o', 'p') AND (o.value IS NULL OR p.resource ? 'birthDate') RETURNING o, p) SELECT * FROM d ORDER BY d;
ROLLBACK;
BEGIN;
WITH i AS (INSERT INTO observation (id, resource) SELECT 'n' || id, resource || jsonb_build_object('id', 'n' || id) FROM observation RETURNING *)
SELECT i FROM i ORDER BY id;
SELECT count(*) FROM observation WHERE value IS NOT NULL;
ROLLBACK;
BEGIN;
WITH u AS (UPDATE observation SET note = 'both' RETURNING id, resource), i AS (INSERT INTO observation (id, resource)
     SELECT 'i' || id, resource || jsonb_build_object('id', 'i' || id) FROM u RETURNING id, resource, value)
SELECT * FROM i ORDER BY id;
ROLLBACK;

-- All is as it was.
\c - loader
SELECT id, value, resource #>> '{subject,display}' AS display, note FROM observation ORDER BY id;
