-- The whole row of a protected table, in all its spellings: what is hidden in a column is hidden in the row.
\ir prologue.sql
\ir masked_shapes.sql

-- What a row is for those who see all of it, and for the application.
\c - app
SET fhir_access.membership = 'desk';
SELECT o FROM observation o WHERE id = 'o1';
SELECT * FROM observation WHERE id = 'o1';
\c - postgres

SELECT in_both('CREATE FUNCTION document_of(observation) RETURNS text LANGUAGE sql STABLE AS ''SELECT $1.resource::text''') \g /dev/null
SELECT in_both('CREATE FUNCTION text_of(o observation) RETURNS text LANGUAGE sql STABLE RETURN o::text') \g /dev/null
SELECT in_both('CREATE FUNCTION procedural(o observation) RETURNS text LANGUAGE plpgsql AS ''BEGIN RETURN o.value || o.resource::text; END''') \g /dev/null
SELECT in_both('CREATE FUNCTION same(o observation) RETURNS observation LANGUAGE sql STABLE AS ''SELECT o''') \g /dev/null
SELECT in_both('CREATE FUNCTION anything(a anyelement) RETURNS text LANGUAGE plpgsql AS ''BEGIN RETURN to_jsonb(a)::text; END''') \g /dev/null
INSERT INTO shape (query) VALUES
    ('TABLE observation'),
    ('SELECT o FROM observation o'),
    ('SELECT observation FROM observation'),
    ('SELECT o.* FROM observation o'),
    ('SELECT (o).* FROM observation o'),
    ('SELECT (o).resource, (o).value FROM observation o'),
    ('SELECT (o.*).resource FROM observation o'),
    ('SELECT ((o)).resource ->> ''valueString'' FROM observation o'),
    ('SELECT ROW(o.*) FROM observation o'),
    ('SELECT ROW(o), ROW(o, o.resource) FROM observation o'),
    ('SELECT (ROW(o.*)::observation).resource FROM observation o'),
    ('SELECT (s).o FROM (SELECT s FROM (SELECT o FROM observation o OFFSET 0) s) s'),
    ('SELECT ((s).o).resource FROM (SELECT s FROM (SELECT o FROM observation o OFFSET 0) s) s'),
    -- as something else
    ('SELECT o::text, o::varchar, CAST(o AS text) FROM observation o'),
    ('SELECT to_jsonb(o), row_to_json(o), json_build_object(''o'', o), jsonb_build_array(o.*) FROM observation o'),
    ('SELECT o.to_jsonb, o.text_of FROM observation o'),
    ('SELECT format(''%s %s'', o, o.*), concat(o), quote_literal(o::text) FROM observation o'),
    ('SELECT jsonb_populate_record(o, ''{"note": "x"}'') FROM observation o'),
    ('SELECT jsonb_populate_record(NULL::observation, to_jsonb(o)) FROM observation o'),
    ('SELECT jsonb_populate_recordset(o, ''[{"note": "x"}, {}]'') FROM observation o'),
    ('SELECT json_populate_record(o, ''{}'') FROM observation o'),
    ('SELECT (json_populate_record(o, ''{"id": 1}'')).* FROM observation o'),
    ('SELECT xmlforest(o.resource, o.value), xmlelement(name o, o::text) FROM observation o'),
    ('SELECT encode(record_send(o), ''hex'') FROM observation o'),
    ('SELECT record_out(o) FROM observation o'),
    -- as an argument
    ('SELECT document_of(o) FROM observation o'),
    ('SELECT document_of(o.*), text_of(o.*) FROM observation o'),
    ('SELECT o.document_of FROM observation o'),
    ('SELECT procedural(o) FROM observation o'),
    ('SELECT (same(o)).resource FROM observation o'),
    ('SELECT (same(same(o))).* FROM observation o'),
    ('SELECT document_of(same(o)) FROM observation o'),
    ('SELECT anything(o), anything(ARRAY[o]), anything(o.resource) FROM observation o'),
    ('SELECT document_of(ROW(o.id, o.resource, o.value, o.note)::observation) FROM observation o'),
    ('SELECT f FROM observation o, LATERAL document_of(o) f'),
    ('SELECT f FROM observation o, LATERAL same(o) f'),
    -- in conditions
    ('SELECT id FROM observation o WHERE o IS NULL'),
    ('SELECT id FROM observation o WHERE o IS NOT NULL'),
    ('SELECT id FROM observation o WHERE NOT o IS NULL AND NOT o IS NOT NULL'),
    ('SELECT id FROM observation o WHERE o::text LIKE ''%CAN_RY%'''),
    ('SELECT id FROM observation o WHERE ROW(o.*) IS NULL OR (o).value IS NULL'),
    ('SELECT a.id, b.id FROM observation a, observation b WHERE a < b'),
    ('SELECT a.id FROM observation a JOIN observation b ON a *= b'),
    ('SELECT a.id FROM observation a WHERE a = ROW(a.id, a.resource, a.value, a.note)'),
    ('SELECT a.id FROM observation a WHERE a IS DISTINCT FROM ROW(a.id, a.resource, NULL::text, a.note)'),
    ('SELECT a.id FROM observation a WHERE a IN (SELECT b FROM observation b)'),
    ('SELECT a.id, b.id FROM observation a, observation b WHERE (a.value, a.id) < (b.value, b.id) OR (a.value, a.id) < (NULL, b.id)'),
    ('SELECT a.id FROM observation a WHERE (a).resource ? ''valueString'' OR (a).value > '''''),
    -- in aggregates, sorting and hashing
    ('SELECT count(o), count(o.*), count(DISTINCT o), count(o.value) FROM observation o'),
    ('SELECT array_agg(o ORDER BY o), (array_agg(o ORDER BY o))[1].resource FROM observation o'),
    ('SELECT json_agg(o ORDER BY id), jsonb_agg(o.* ORDER BY id), json_object_agg(o.id, o ORDER BY o.id), string_agg(o::text, '','' ORDER BY o.id), xmlagg(xmlelement(name o, o::text) ORDER BY o.id) FROM observation o'),
    ('SELECT hash_record(o), hash_record_extended(o, 1), md5(o::text), hashtext(o::text) FROM observation o'),
    ('SELECT hash_record(o) = hash_record(ROW(o.id, o.resource, NULL::text, o.note)) FROM observation o'),
    ('SELECT DISTINCT o FROM observation o'),
    ('SELECT o, count(*) FROM observation o GROUP BY o'),
    ('SELECT o FROM observation o GROUP BY o.id'),
    ('SELECT id FROM observation o ORDER BY o DESC'),
    ('SELECT id, length(o::text), pg_column_size(o.resource), octet_length(o.resource::text) FROM observation o'),
    ('SELECT u.* FROM (SELECT array_agg(o) a FROM observation o) s, unnest(s.a) u'),
    ('SELECT CASE WHEN o.id = ''o1'' THEN o END, coalesce(o, NULL), nullif(o, NULL) FROM observation o'),
    ('SELECT ARRAY[o, o], ARRAY(SELECT p FROM patient p WHERE p.id = replace(o.id, ''o'', ''p'')) FROM observation o'),
    -- of rows that come from somewhere else
    ('SELECT s FROM (SELECT * FROM observation) s'),
    ('SELECT s, s.resource FROM (SELECT resource, value FROM observation) s'),
    ('SELECT j FROM (observation a JOIN patient b ON b.id = replace(a.id, ''o'', ''p'')) AS j (id, d, v, n, pid, pd)'),
    ('SELECT o.resource[''valueString''], o.resource[''subject''][''display''], o.resource[''status''] FROM observation o');
\ir masked_verdicts.sql
