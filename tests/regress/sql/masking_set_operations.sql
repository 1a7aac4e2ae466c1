-- UNION, INTERSECT and EXCEPT, in all forms and depths: hidden parts make no two rows different, and none the same.
\ir prologue.sql
\ir masked_shapes.sql

INSERT INTO shape (query) VALUES
    ('SELECT resource FROM observation UNION SELECT resource FROM patient'),
    ('SELECT resource FROM observation UNION ALL SELECT resource FROM observation'),
    ('SELECT value FROM observation UNION SELECT resource ->> ''birthDate'' FROM patient'),
    ('SELECT value FROM observation UNION ALL SELECT id FROM patient'),
    ('SELECT o FROM observation o UNION SELECT o FROM observation o'),
    ('TABLE observation UNION TABLE observation'),
    ('SELECT * FROM observation INTERSECT SELECT * FROM observation'),
    ('SELECT resource FROM observation INTERSECT ALL SELECT resource FROM observation'),
    ('SELECT value FROM observation INTERSECT SELECT ''CAN'' || ''ARY '' || n FROM generate_series(0, 9) n'),
    ('SELECT count(*) FROM (SELECT ''CAN'' || ''ARY '' || n FROM generate_series(0, 5) n EXCEPT SELECT value FROM observation) s'),
    ('SELECT resource FROM observation EXCEPT ALL SELECT resource FROM patient'),
    ('SELECT resource -> ''valueString'' FROM observation EXCEPT SELECT NULL'),
    ('(SELECT resource FROM observation ORDER BY value, id LIMIT 2) UNION ALL (SELECT resource FROM patient ORDER BY resource ->> ''birthDate'', id LIMIT 2)'),
    ('((SELECT resource FROM observation UNION SELECT resource FROM patient) INTERSECT SELECT resource FROM observation) EXCEPT SELECT resource FROM patient'),
    ('SELECT resource FROM observation UNION SELECT resource FROM patient ORDER BY resource'),
    ('SELECT value, id FROM observation UNION SELECT ''z'', ''z'' ORDER BY value DESC NULLS LAST, id'),
    ('SELECT count(*) FROM (SELECT value FROM observation UNION SELECT value FROM observation) u'),
    ('SELECT u FROM (SELECT id, resource FROM observation UNION ALL SELECT id, resource FROM patient) u'),
    ('SELECT id FROM (SELECT id, resource FROM observation UNION ALL SELECT id, resource FROM patient) u WHERE resource::text LIKE ''%CAN_RY%'''),
    ('SELECT id, resource ->> ''valueString'' FROM (SELECT id, resource FROM observation UNION ALL SELECT id, resource FROM patient) u WHERE id IN (''o1'', ''p1'')'),
    ('SELECT id, (SELECT resource FROM observation b WHERE b.id = a.id UNION SELECT resource FROM patient WHERE id = a.id) FROM observation a'),
    ('SELECT l.* FROM observation o, LATERAL (SELECT o.resource UNION ALL SELECT to_jsonb(o) UNION ALL SELECT to_jsonb(o.value)) l'),
    ('SELECT id FROM observation o WHERE EXISTS (SELECT o.value INTERSECT SELECT ''CAN'' || ''ARY '' || n FROM generate_series(0, 9) n)'),
    ('SELECT id FROM observation o WHERE value IN (SELECT value FROM observation EXCEPT SELECT NULL)'),
    ('SELECT resource FROM observation WHERE false UNION ALL SELECT resource FROM observation WHERE value IS NULL'),
    ('VALUES ((SELECT max(value) FROM observation)) UNION VALUES (''x'')');
\ir masked_verdicts.sql
