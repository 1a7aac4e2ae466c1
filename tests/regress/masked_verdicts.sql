-- Asks each shape three times and judges the answers (see masked_shapes.sql).
\set ECHO none
\c - loader
INSERT INTO answers SELECT number, 'stored', answer(query) FROM shape;
\c - postgres
SET search_path = masked, public;
INSERT INTO answers SELECT number, 'copy', answer(query) FROM shape;
\c - app
SET fhir_access.membership = 'desk';
INSERT INTO answers SELECT number, 'app', answer(query) FROM shape;
CREATE TEMP VIEW verdict AS
SELECT app.answer IS NOT DISTINCT FROM copy.answer AND coalesce(app.answer NOT LIKE '%CANARY%', true) AS exact,
       app.answer IS DISTINCT FROM stored.answer AS hides, number, query, app.answer AS app, copy.answer AS copy
  FROM shape JOIN (SELECT * FROM answers WHERE asked = 'app') app USING (number)
             JOIN (SELECT * FROM answers WHERE asked = 'copy') copy USING (number)
             JOIN (SELECT * FROM answers WHERE asked = 'stored') stored USING (number);
SELECT count(*) AS shapes, count(*) FILTER (WHERE exact) AS exact, count(*) FILTER (WHERE hides) AS hides FROM verdict;
-- Those that are not exact, in full, those that hide nothing, and errors.
\pset format unaligned
\pset tuples_only on
SELECT 'NOT EXACT: ' || query || E'\napp:\n' || coalesce(app, '') || E'\ncopy:\n' || coalesce(copy, '') FROM verdict WHERE NOT exact ORDER BY number;
SELECT 'hides nothing: ' || query FROM verdict WHERE exact AND NOT hides ORDER BY number;
SELECT 'fails: ' || query || E'\n  ' || app FROM verdict WHERE exact AND app ~ '^[0-9A-Z]{5} ' ORDER BY number;
\pset tuples_only off
\pset format aligned
DROP VIEW verdict;
TRUNCATE shape, answers;
\set ECHO all
