-- Row locks, samples and system columns: a row that is locked or sampled is as masked as one that is read. (Rows that a
-- concurrent transaction has changed meanwhile are tests/operations' subject.)
\ir prologue.sql
\ir masked_shapes.sql

INSERT INTO shape (query) VALUES
    ('SELECT * FROM observation FOR UPDATE'),
    ('SELECT o, o.resource FROM observation o FOR NO KEY UPDATE'),
    ('SELECT o FROM observation o FOR SHARE'),
    ('SELECT o FROM observation o FOR KEY SHARE NOWAIT'),
    ('SELECT value, resource FROM observation ORDER BY id FOR UPDATE SKIP LOCKED'),
    ('SELECT o, p FROM observation o JOIN patient p ON p.id = replace(o.id, ''o'', ''p'') FOR UPDATE OF o FOR SHARE OF p'),
    ('SELECT o, p FROM observation o LEFT JOIN patient p ON p.id = replace(o.id, ''o'', ''p'') FOR UPDATE OF o'),
    ('SELECT id FROM observation WHERE resource::text LIKE ''%CAN_RY%'' OR value > '''' FOR UPDATE'),
    ('SELECT s FROM (SELECT * FROM observation FOR UPDATE) s WHERE s.value IS NULL'),
    ('SELECT s.resource FROM (SELECT o AS whole, o.resource FROM observation o ORDER BY value, id LIMIT 2 FOR SHARE) s'),
    ('WITH c AS (SELECT * FROM observation FOR UPDATE) SELECT c FROM c'),
    ('SELECT (SELECT p FROM patient p WHERE p.id = replace(o.id, ''o'', ''p'') FOR SHARE) FROM observation o'),
    ('SELECT l.* FROM patient p, LATERAL (SELECT o FROM observation o WHERE o.id = replace(p.id, ''p'', ''o'') FOR UPDATE) l'),
    ('SELECT * FROM observation TABLESAMPLE SYSTEM (100)'),
    ('SELECT o FROM observation o TABLESAMPLE BERNOULLI (100) REPEATABLE (1)'),
    ('SELECT id FROM observation TABLESAMPLE SYSTEM (100) WHERE value LIKE ''CAN_RY%'''),
    ('SELECT o FROM observation o WHERE ctid = (SELECT max(ctid) FROM observation WHERE id = ''o1'')'),
    ('SELECT o, o.resource FROM observation o WHERE ctid = ANY (ARRAY(SELECT ctid FROM observation))'),
    ('SELECT a, b.resource FROM observation a JOIN observation b ON a.ctid = b.ctid'),
    ('SELECT o.resource FROM observation o WHERE ctid < ''(1000,1)'' AND xmin IS NOT NULL AND cmin IS NOT NULL'),
    ('SELECT tableoid::regclass::text, o FROM observation o WHERE tableoid = ''observation''::regclass'),
    ('SELECT o.xmax IS NOT NULL, o.cmax IS NOT NULL, o FROM ONLY observation o');
\ir masked_verdicts.sql

-- Locked, then written.
SET fhir_access.membership = 'desk';
BEGIN;
SELECT id FROM observation WHERE id = 'o1' FOR UPDATE;
UPDATE observation SET note = resource::text WHERE ctid = (SELECT ctid FROM observation WHERE id = 'o1') RETURNING *;
DECLARE c CURSOR FOR SELECT o FROM observation o WHERE id = 'o2' FOR UPDATE;
FETCH c;
UPDATE observation SET note = coalesce(value, 'none') || observation::text WHERE CURRENT OF c RETURNING *;
ROLLBACK;

-- Functions that look at rows by their place tell nothing of them.
SELECT currtid2('observation', '(0,1)') IS NOT NULL AS place;
SELECT pg_column_compression(o.resource) AS compression FROM observation o ORDER BY id LIMIT 1;

-- The table of long values has no name that such a role may use.
\c - postgres
SELECT reltoastrelid::regclass AS toast FROM pg_class WHERE oid = 'observation'::regclass \gset
\c - app
SET fhir_access.membership = 'desk';
\set VERBOSITY sqlstate
SELECT count(*) FROM :toast;
COPY :toast TO STDOUT;
\set VERBOSITY default
