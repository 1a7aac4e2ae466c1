-- Subqueries and sublinks: at every level, correlated, in every clause that can have one.
\ir prologue.sql
\ir masked_shapes.sql

INSERT INTO shape (query) VALUES
    -- in FROM
    ('SELECT s.r FROM (SELECT resource AS r FROM observation) s'),
    ('SELECT * FROM (SELECT * FROM (SELECT * FROM (SELECT * FROM observation) a) b OFFSET 0) c'),
    ('SELECT r FROM (SELECT resource AS r FROM observation ORDER BY value LIMIT 2) s'),
    ('SELECT * FROM (VALUES ((SELECT resource FROM observation ORDER BY id LIMIT 1)), ((SELECT to_jsonb(p) FROM patient p ORDER BY id LIMIT 1))) v'),
    ('VALUES ((SELECT resource FROM observation ORDER BY id LIMIT 1)), ((SELECT to_jsonb(p) FROM patient p ORDER BY id LIMIT 1))'),
    -- in the select list
    ('SELECT (SELECT resource FROM observation WHERE id = ''o1'')'),
    ('SELECT (SELECT o.resource ->> ''valueString'') FROM observation o'),
    ('SELECT (SELECT (SELECT (SELECT o.resource ->> ''valueString'' || n) FROM generate_series(1, 1) n)) FROM observation o'),
    ('SELECT (SELECT (SELECT o FROM patient q WHERE q.id = p.id) FROM patient p WHERE p.id = replace(o.id, ''o'', ''p'')) FROM observation o'),
    ('SELECT ARRAY(SELECT resource FROM observation ORDER BY id), ARRAY(SELECT value FROM observation)'),
    ('SELECT p.id, ARRAY(SELECT ROW(p, o) FROM observation o WHERE o.resource #>> ''{subject,reference}'' = ''Patient/'' || p.id) FROM patient p'),
    ('SELECT EXISTS (SELECT FROM observation WHERE value LIKE ''CAN_RY%'')'),
    ('SELECT (SELECT max(o.value) FROM patient) FROM observation o'),
    ('SELECT (SELECT max(o.value)) , (SELECT count(o.value)), (SELECT min(o.resource ->> ''valueString'')) FROM observation o'),
    ('SELECT (SELECT string_agg(o.resource::text, '','' ORDER BY o.id)) FROM observation o'),
    ('SELECT (SELECT r FROM (SELECT o.resource AS r OFFSET 0) s) FROM observation o'),
    ('SELECT (SELECT s FROM (SELECT o.*) s) FROM observation o'),
    ('SELECT CASE WHEN (SELECT true FROM observation b WHERE b.id = o.id AND b.value = o.value) THEN ''same'' ELSE ''unknown'' END FROM observation o'),
    ('SELECT coalesce((SELECT value FROM observation b WHERE b.id = o.id), (SELECT b.resource ->> ''status'' FROM observation b WHERE b.id = o.id)) FROM observation o'),
    -- in WHERE
    ('SELECT id FROM observation WHERE value IN (SELECT value FROM observation)'),
    ('SELECT id FROM observation WHERE (id, value) IN (SELECT id, value FROM observation)'),
    ('SELECT id FROM observation WHERE (id, resource) IN (SELECT id, resource FROM observation)'),
    ('SELECT id FROM observation WHERE resource = ANY (SELECT resource FROM observation) OR resource = ALL (SELECT resource FROM patient WHERE false)'),
    ('SELECT id FROM observation WHERE resource = ANY (ARRAY(SELECT resource FROM observation))'),
    ('SELECT id FROM observation WHERE value >= ALL (SELECT value FROM observation)'),
    ('SELECT id FROM observation WHERE (SELECT resource ->> ''valueString'') > '''''),
    ('SELECT id FROM patient p WHERE (SELECT count(*) FROM observation o WHERE o.resource::text LIKE ''%CAN_RY%'' OR p.resource::text LIKE ''%CAN_RY%'') > 0'),
    ('SELECT id FROM patient p WHERE EXISTS (SELECT FROM observation o WHERE EXISTS (SELECT FROM observation b WHERE b.value = o.value AND p.resource ? ''birthDate''))'),
    ('SELECT id FROM patient p WHERE NOT EXISTS (SELECT WHERE p.resource ? ''birthDate'')'),
    ('SELECT id FROM observation o WHERE ROW(o.id, o.value) = (SELECT b.id, b.value FROM observation b WHERE b.id = o.id)'),
    ('SELECT id FROM observation o WHERE 1 = (SELECT count(*) FROM observation b WHERE b.value < o.value)'),
    -- elsewhere
    ('SELECT id FROM observation o ORDER BY (SELECT b.value FROM observation b WHERE b.id = o.id) DESC, id'),
    ('SELECT count(*) FROM observation o GROUP BY (SELECT o.value)'),
    ('SELECT count(*) FROM observation GROUP BY resource -> ''status'' HAVING max(value) > (SELECT min(value) FROM observation)'),
    ('SELECT n FROM generate_series(1, 9) n LIMIT (SELECT count(*) FROM observation WHERE value LIKE ''CAN_RY%'')'),
    ('SELECT n FROM generate_series(1, 9) n OFFSET (SELECT count(*) FROM observation WHERE resource ? ''valueString'')'),
    ('SELECT n FROM generate_series(1, (SELECT count(*) FROM patient WHERE resource::text LIKE ''%CAN_RY%'')) n'),
    ('SELECT n FROM generate_series(1, 2) n JOIN observation o ON o.value = (SELECT min(value) FROM observation)'),
    ('SELECT sum(n) OVER (ORDER BY n ROWS (SELECT count(value) FROM observation) PRECEDING) FROM generate_series(1, 9) n'),
    ('SELECT id FROM observation TABLESAMPLE BERNOULLI ((SELECT CASE count(value) WHEN 0 THEN 100 ELSE 0 END FROM observation))'),
    ('SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM observation b WHERE b.value = o.value)) FROM observation o'),
    ('SELECT (ARRAY(SELECT value FROM observation))[(SELECT 1 + count(value) FROM observation)]');
\ir masked_verdicts.sql
