-- Joins: of all kinds, with oneself, by USING and NATURAL, lateral. Hidden parts join nothing and come out of nothing.
\ir prologue.sql
\ir masked_shapes.sql

INSERT INTO shape (query) VALUES
    -- one table, by its name, by another, with other names for its columns
    ('SELECT * FROM observation'),
    ('SELECT observation.resource, public.count FROM observation, (SELECT 1 AS count) public'),
    ('SELECT o.a, o.b, o.c, o.d FROM observation AS o (a, b, c, d)'),
    ('SELECT patient.resource FROM observation AS patient'),
    -- inner
    ('SELECT a.resource, b.resource FROM observation a, observation b WHERE a.id = b.id'),
    ('SELECT a.id FROM observation a JOIN observation b ON a.value = b.value'),
    ('SELECT a.id FROM observation a JOIN observation b ON a.value IS NOT DISTINCT FROM b.value AND a.id < b.id'),
    ('SELECT a.id, b.id FROM observation a JOIN observation b ON a.resource -> ''subject'' = b.resource -> ''subject'''),
    ('SELECT a.id, b.id FROM observation a JOIN observation b ON a.resource #> ''{subject,display}'' IS NOT DISTINCT FROM b.resource #> ''{subject,display}'''),
    ('SELECT a.id FROM observation a JOIN observation b ON a = b'),
    ('SELECT o.id FROM observation o JOIN (VALUES (''CAN'' || ''ARY 2''), (NULL)) v (x) ON v.x = o.value OR o.value IS NULL AND v.x IS NULL'),
    ('SELECT o.resource, p.resource FROM observation o CROSS JOIN patient p'),
    ('SELECT p.id, o.id FROM patient p JOIN observation o ON o.resource @> jsonb_build_object(''subject'', jsonb_build_object(''reference'', ''Patient/'' || p.id))'),
    -- USING and NATURAL
    ('SELECT * FROM observation JOIN observation b USING (id)'),
    ('SELECT resource FROM observation JOIN observation b USING (resource)'),
    ('SELECT id, resource, j FROM observation a JOIN observation b USING (id, resource) AS j'),
    ('SELECT j.resource FROM observation a JOIN observation b USING (id, resource) AS j'),
    ('SELECT value FROM observation a LEFT JOIN observation b USING (value)'),
    ('SELECT value, a.value, b.value FROM observation a FULL JOIN (VALUES (''x'')) b (value) USING (value)'),
    ('SELECT * FROM observation NATURAL JOIN patient'),
    ('SELECT * FROM patient NATURAL FULL JOIN observation'),
    -- outer: what is not found is NULL, not an empty document and not an empty row
    ('SELECT o.id, p.resource, p, p IS NULL FROM observation o LEFT JOIN patient p ON p.id = replace(o.id, ''o'', ''p'')'),
    ('SELECT o.id, p.resource, p, p IS NULL FROM patient p RIGHT JOIN observation o ON p.id = replace(o.id, ''o'', ''p'')'),
    ('SELECT p.id, o, o.value, o IS NULL, o.resource IS NULL FROM patient p LEFT JOIN observation o ON o.value = ''x'''),
    ('SELECT o, p FROM observation o FULL JOIN patient p ON o.value = p.resource ->> ''birthDate'''),
    ('SELECT o, p FROM observation o FULL JOIN patient p ON p.id = replace(o.id, ''o'', ''p'') WHERE o IS NULL OR p IS NULL'),
    ('SELECT coalesce(b.resource, c.resource) FROM observation a LEFT JOIN observation b ON b.id = a.id AND b.id = ''o1'' LEFT JOIN observation c ON c.id = a.id AND b IS NULL'),
    ('SELECT a.id, b.value IS NULL, b.resource ->> ''status'' FROM observation a LEFT JOIN (observation b JOIN patient p ON p.id = replace(b.id, ''o'', ''p'')) ON a.id = b.id'),
    -- semi and anti joins
    ('SELECT id FROM patient p WHERE EXISTS (SELECT FROM observation o WHERE o.resource #>> ''{subject,reference}'' = ''Patient/'' || p.id AND o.resource::text LIKE ''%CAN_RY%'')'),
    ('SELECT id FROM patient p WHERE NOT EXISTS (SELECT FROM observation o WHERE o.value LIKE ''CAN_RY%'')'),
    ('SELECT id FROM observation WHERE value NOT IN (SELECT resource ->> ''birthDate'' FROM patient)'),
    ('SELECT id FROM observation o WHERE NOT EXISTS (SELECT FROM observation b WHERE b.resource = o.resource)'),
    -- lateral
    ('SELECT l.* FROM observation o, LATERAL (SELECT o.resource, o.value, o) l'),
    ('SELECT l.* FROM patient p LEFT JOIN LATERAL (SELECT p, o.resource FROM observation o WHERE o.id = replace(p.id, ''p'', ''o'') LIMIT 1) l ON true'),
    ('SELECT e.* FROM observation o, jsonb_each(o.resource) e'),
    ('SELECT e.* FROM patient p, jsonb_array_elements(p.resource -> ''name'') e'),
    ('SELECT e.* FROM patient p CROSS JOIN LATERAL jsonb_to_recordset(p.resource -> ''name'') AS e (family text, given jsonb)'),
    ('SELECT r.* FROM patient p, ROWS FROM (jsonb_object_keys(p.resource), jsonb_path_query(p.resource, ''$.**.family'')) WITH ORDINALITY r'),
    ('SELECT x.* FROM observation o, xmltable(''/a'' PASSING xmlelement(name a, o.resource::text) COLUMNS t text PATH ''.'') x'),
    ('SELECT l.d FROM observation o, LATERAL (VALUES (o.resource), (to_jsonb(o))) l (d)');
\ir masked_verdicts.sql

-- The same by each way to join, and in parallel.
\c - app
SET fhir_access.membership = 'desk';
CREATE FUNCTION pg_temp.joined() RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(concat_ws('|', a, b, c), ',' ORDER BY a.id)) || bool_or(concat_ws('|', a, b, c) LIKE '%CANARY%')::text
      FROM observation a LEFT JOIN observation b ON a.resource = b.resource LEFT JOIN patient c ON b.resource #>> '{subject,reference}' = 'Patient/' || c.id $$;
CREATE TEMP TABLE results (how text, result text);
INSERT INTO results SELECT 'any', pg_temp.joined();
SET enable_hashjoin = off;
INSERT INTO results SELECT 'no hash', pg_temp.joined();
SET enable_mergejoin = off;
INSERT INTO results SELECT 'loops', pg_temp.joined();
SET enable_nestloop = off;
SET enable_hashjoin = on;
INSERT INTO results SELECT 'hash', pg_temp.joined();
SET enable_mergejoin = on;
SET enable_hashjoin = off;
INSERT INTO results SELECT 'merge', pg_temp.joined();
SELECT count(*), count(DISTINCT result), bool_or(result LIKE '%true') AS leaks FROM results;
