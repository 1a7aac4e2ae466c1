-- Views: of a superuser, of a role that is subject to policies, of the reader, one over another; and what they keep.
\ir prologue.sql
\ir masked_shapes.sql

SELECT in_both('CREATE VIEW plain AS SELECT * FROM observation') \g /dev/null
SELECT in_both('CREATE VIEW of_steward AS SELECT * FROM observation') \g /dev/null
SELECT in_both('CREATE VIEW of_reader WITH (security_invoker) AS SELECT * FROM observation') \g /dev/null
SELECT in_both('CREATE VIEW whole AS SELECT o AS o, o.resource, o::text AS t FROM observation o') \g /dev/null
SELECT in_both('CREATE VIEW computed (id, value) AS SELECT id, resource ->> ''valueString'' FROM observation') \g /dev/null
SELECT in_both('CREATE VIEW joined AS SELECT o.*, p.resource AS patient FROM observation o LEFT JOIN patient p ON o.resource #>> ''{subject,reference}'' = ''Patient/'' || p.id') \g /dev/null
SELECT in_both('CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM joined WHERE resource IS NOT NULL') \g /dev/null
SELECT in_both('CREATE VIEW filtered WITH (security_barrier) AS SELECT * FROM plain WHERE resource ->> ''valueString'' IS NULL AND value IS NULL') \g /dev/null
SELECT in_both('CREATE VIEW over_views AS SELECT b.id, b.resource, b.patient, s.resource AS again, r AS whole FROM barrier b JOIN of_steward s USING (id) JOIN of_reader r USING (id)') \g /dev/null
SELECT in_both('CREATE VIEW grouped AS SELECT value, count(*) AS n, array_agg(resource ORDER BY id) AS documents FROM observation GROUP BY value') \g /dev/null
SELECT in_both('CREATE VIEW united AS SELECT id, resource FROM observation UNION ALL SELECT id, resource FROM patient') \g /dev/null
SELECT in_both('CREATE RECURSIVE VIEW counted (n, resource) AS SELECT 1, resource FROM observation UNION ALL SELECT n + 1, resource FROM counted WHERE n < 2') \g /dev/null
GRANT SELECT ON observation, patient TO steward;
ALTER VIEW of_steward OWNER TO steward;
GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app, loader;

-- The steward's view is of somebody who is subject to policies: exempt roles need a membership for it, see below. So it has no
-- shape of its own here.
INSERT INTO shape (query) VALUES
    ('SELECT * FROM plain'),
    ('SELECT v FROM plain v'),
    ('SELECT * FROM of_reader'),
    ('SELECT v, v.resource FROM of_reader v'),
    ('SELECT * FROM whole'),
    ('SELECT (o).resource, (o).value FROM whole'),
    ('SELECT * FROM computed'),
    ('SELECT id FROM computed WHERE value LIKE ''CAN_RY%'''),
    ('SELECT * FROM joined'),
    ('SELECT v FROM joined v WHERE patient IS NOT NULL'),
    ('SELECT * FROM barrier'),
    ('SELECT v FROM barrier v'),
    ('SELECT id FROM barrier WHERE resource::text LIKE ''%CAN_RY%'' OR patient::text LIKE ''%CAN_RY%'''),
    ('SELECT * FROM filtered'),
    ('SELECT * FROM filtered WHERE resource ->> ''status'' = ''final'' ORDER BY value, id'),
    ('SELECT * FROM grouped'),
    ('SELECT n FROM grouped WHERE value IS NULL'),
    ('SELECT * FROM united'),
    ('SELECT id FROM united WHERE resource::text LIKE ''%CAN_RY%'''),
    ('SELECT * FROM counted'),
    ('SELECT a.value FROM plain a JOIN of_reader b ON a.value IS NOT DISTINCT FROM b.value AND a.id = b.id'),
    ('SELECT (SELECT v FROM plain v WHERE v.id = o.id AND v.value IS NOT DISTINCT FROM o.value) FROM observation o'),
    -- written through
    ('WITH u AS (UPDATE plain SET note = resource::text RETURNING *) SELECT * FROM u'),
    ('WITH u AS (UPDATE filtered SET note = ''found'' RETURNING id, resource) SELECT * FROM u'),
    ('WITH u AS (UPDATE of_reader v SET note = value RETURNING v) SELECT * FROM u');
\ir masked_verdicts.sql

-- Through views of roles that are subject to policies, by one who is, too.
SET fhir_access.membership = 'desk';
SELECT id, value, resource FROM of_steward ORDER BY id;
SELECT id, resource, patient, again, whole FROM over_views WHERE id < 'o3' ORDER BY id;
-- Row security switched off for the session is refused, and does not open a superuser's view.
SET row_security = off;
SELECT id FROM observation;
SELECT id, value FROM plain ORDER BY id;
SELECT count(*) FROM plain WHERE resource::text LIKE '%CAN_RY%';
RESET row_security;
-- The condition of a view that is written through is the user's, not the policy's: it finds nothing hidden.
UPDATE computed SET id = id WHERE value LIKE 'CAN_RY%';
CREATE TEMP VIEW probe WITH (security_barrier) AS SELECT * FROM observation WHERE resource ->> 'valueString' LIKE 'CAN_RY%';
UPDATE probe SET note = 'found' RETURNING id;
DELETE FROM probe RETURNING id;
-- Not even where the table's owner has a policy of his own with that very condition, for others or for other commands.
\c - postgres
CREATE POLICY audit_only ON observation AS RESTRICTIVE FOR SELECT TO clinician USING (resource ->> 'valueString' LIKE 'CAN_RY%');
CREATE POLICY delete_only ON observation AS RESTRICTIVE FOR DELETE USING (resource ->> 'valueString' LIKE 'CAN_RY 4%');
\c - app
SET fhir_access.membership = 'desk';
CREATE TEMP VIEW probe WITH (security_barrier) AS SELECT * FROM observation WHERE resource ->> 'valueString' LIKE 'CAN_RY%';
CREATE TEMP VIEW probe_4 WITH (security_barrier) AS SELECT * FROM observation WHERE resource ->> 'valueString' LIKE 'CAN_RY 4%';
UPDATE probe SET note = 'found' RETURNING id;
UPDATE probe_4 SET note = 'found' RETURNING id;
BEGIN;
DELETE FROM observation RETURNING id;
ROLLBACK;
\c - postgres
DROP POLICY audit_only ON observation;
DROP POLICY delete_only ON observation;

-- A materialised view is a copy: it holds what the one who filled it could see then, for all its readers. One that the
-- application fills is masked for the membership of that moment, and needs one. One that an exempt role fills is not, and no
-- policy reaches it: do not let others read it.
\c - app
SET fhir_access.membership = 'desk';
CREATE MATERIALIZED VIEW of_app AS SELECT o.*, o AS whole, (SELECT p FROM patient p WHERE p.id = replace(o.id, 'o', 'p')) AS patient FROM observation o;
SET fhir_access.membership = '';
REFRESH MATERIALIZED VIEW of_app;
\echo :LAST_ERROR_SQLSTATE
SELECT id, value, whole, patient FROM of_app ORDER BY id LIMIT 1;
SELECT count(*), count(*) FILTER (WHERE of_app::text LIKE '%CAN_RY%') AS leaks FROM of_app;
SET fhir_access.membership = 'everything';
REFRESH MATERIALIZED VIEW of_app;
SELECT count(*), count(*) FILTER (WHERE of_app::text LIKE '%CAN_RY%') AS seen_by_everything FROM of_app;
-- Through a superuser's view it holds as much.
CREATE MATERIALIZED VIEW of_view AS SELECT * FROM plain;
SET fhir_access.membership = 'desk';
REFRESH MATERIALIZED VIEW of_view;
SELECT count(*), count(*) FILTER (WHERE of_view::text LIKE '%CAN_RY%') AS leaks FROM of_view;
\c - postgres
GRANT CREATE ON SCHEMA public TO steward;
SET ROLE steward;
CREATE MATERIALIZED VIEW of_owner AS SELECT * FROM observation;
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
SET fhir_access.membership = 'desk';
CREATE MATERIALIZED VIEW of_superuser AS SELECT * FROM observation;
SELECT count(*) FILTER (WHERE of_superuser::text LIKE '%CANARY%') AS held_by_the_superusers_copy FROM of_superuser;
-- REFRESH runs as the view's owner, whoever asks for it.
REFRESH MATERIALIZED VIEW of_app;
SELECT count(*), count(*) FILTER (WHERE of_app::text LIKE '%CANARY%') AS leaks FROM of_app;

-- Whoever reads a view of a role that is subject to policies needs a membership, a superuser too.
RESET fhir_access.membership;
SELECT count(*) FROM of_steward;
SET fhir_access.membership = 'desk';
SELECT id, value FROM of_steward ORDER BY id;
