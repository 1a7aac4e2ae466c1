-- Hidden fields stay hidden whatever shape a query has. Each shape is run twice: by the application, under a membership
-- that hides the fields which contain CANARY, and by a role that is exempt, for whom the same query must find it. A shape
-- that leaks shows t in the column "leaks"; one that tests nothing shows f in "would leak".
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
INSERT INTO patient
SELECT id, jsonb_build_object('resourceType', 'Patient', 'id', id, 'gender', 'female',
           'name', jsonb_build_array(jsonb_build_object('family', 'CANARY', 'given', jsonb_build_array('Given ' || id))))
  FROM unnest(ARRAY['p1', 'p2', 'p3']) id;
CREATE TABLE observation (
    id text PRIMARY KEY,
    resource jsonb NOT NULL,
    value text GENERATED ALWAYS AS (resource ->> 'valueString') STORED,
    note text
);
INSERT INTO observation (id, resource)
SELECT 'o' || n, jsonb_build_object('resourceType', 'Observation', 'id', 'o' || n, 'status', CASE WHEN n < 4 THEN 'final' ELSE 'preliminary' END,
           'subject', jsonb_build_object('reference', 'Patient/p' || n, 'display', 'CANARY'), 'valueString', 'CANARY ' || n)
  FROM generate_series(1, 4) n;
SELECT fhir_access.protect('patient', 'Patient');
SELECT fhir_access.protect('observation', 'Observation');

INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "desk",
  "resource": [
    {"resourceType": "Patient", "criteria": "Patient?_id=p1,p2", "hiddenFields": ["name.family"]},
    {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["name"]},
    {"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["value[x]", "subject.display"]}
  ]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
    ('{"resourceType": "ProjectMembership", "id": "desk", "accessPolicy": {"reference": "AccessPolicy/desk"}}');

-- Functions with which a query can be written: with one statement, that the planner may put in the place of the call, in
-- both forms of body, with defaults and named arguments, one calling another; and one that it cannot look into.
CREATE FUNCTION text_of(o observation) RETURNS text LANGUAGE sql STABLE AS 'SELECT o.resource::text';
CREATE FUNCTION with_status(status text DEFAULT 'final', most integer DEFAULT 10) RETURNS SETOF observation LANGUAGE sql STABLE AS
    'SELECT * FROM observation o WHERE o.resource ->> ''status'' = status ORDER BY o.id LIMIT most';
CREATE FUNCTION all_of_them() RETURNS SETOF observation LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM observation; END;
CREATE FUNCTION nested(most integer) RETURNS TABLE (document jsonb, row_text text) LANGUAGE sql STABLE AS
    'SELECT w.resource, text_of(a) FROM with_status(most => nested.most) w JOIN all_of_them() a USING (id)';
CREATE FUNCTION claims_to_be_immutable() RETURNS SETOF observation LANGUAGE sql IMMUTABLE AS 'SELECT * FROM observation';
CREATE FUNCTION procedural() RETURNS SETOF observation LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM observation; END';
CREATE FUNCTION of_owner() RETURNS SETOF observation LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT * FROM observation';
GRANT SELECT ON observation, patient TO steward;
ALTER FUNCTION of_owner() OWNER TO steward;

-- Views: of a superuser, of a role that is subject to policies, of the reader, one over another.
CREATE VIEW of_superuser AS SELECT o.*, p.resource AS patient FROM observation o LEFT JOIN patient p ON o.resource #>> '{subject,reference}' = 'Patient/' || p.id;
CREATE VIEW of_steward AS SELECT * FROM observation;
ALTER VIEW of_steward OWNER TO steward;
CREATE VIEW of_reader WITH (security_invoker) AS SELECT * FROM observation;
CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM of_superuser WHERE resource IS NOT NULL;
CREATE VIEW over_views AS SELECT b.id, b.resource, b.patient, s.resource AS again FROM barrier b JOIN of_steward s USING (id) JOIN of_reader r USING (id);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app, loader;
GRANT CREATE ON SCHEMA public TO app;

CREATE TABLE shape (number integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, query text NOT NULL);
GRANT SELECT ON shape TO app, loader;
INSERT INTO shape (query) VALUES
    -- columns and rows
    ('SELECT resource FROM observation'),
    ('SELECT value FROM observation'),
    ('SELECT o FROM observation o'),
    ('SELECT o.*::text FROM observation o'),
    ('SELECT (o).resource, (o).value FROM (SELECT o FROM observation o OFFSET 0) q'),
    ('SELECT ROW(o.*, o) FROM observation o'),
    ('SELECT json_build_object(''o'', o), to_jsonb(o), row_to_json(o) FROM observation o'),
    ('TABLE observation'),
    ('SELECT * FROM ONLY observation'),
    ('SELECT resource FROM observation TABLESAMPLE SYSTEM (100)'),
    ('SELECT text_of(o) FROM observation o'),
    ('SELECT o.text_of FROM observation o'),
    -- conditions: a row means that the canary was found
    ('SELECT ''found CANARY'' FROM observation WHERE resource::text LIKE ''%CANARY%'''),
    ('SELECT ''found CANARY'' FROM observation WHERE value LIKE ''CANARY%'''),
    ('SELECT ''found CANARY'' FROM observation o WHERE o::text LIKE ''%CANARY%'''),
    ('SELECT ''found CANARY'' FROM observation GROUP BY id HAVING max(value) LIKE ''CANARY%'''),
    ('SELECT ''found CANARY'' FROM patient p WHERE EXISTS (SELECT FROM observation o WHERE o.resource::text LIKE ''%CANARY%'' OR p.resource::text LIKE ''%CANARY%'')'),
    ('SELECT ''found CANARY'' LIMIT (SELECT count(*) FROM observation WHERE value LIKE ''CANARY%'')'),
    ('SELECT ''found CANARY'' FROM generate_series(1, (SELECT count(*) FROM patient WHERE resource::text LIKE ''%CANARY%''))'),
    -- sorting and grouping
    ('SELECT resource FROM observation GROUP BY resource'),
    ('SELECT id, resource, value FROM observation GROUP BY id'),
    ('SELECT resource ->> ''valueString'', count(*) FROM observation GROUP BY ROLLUP (resource ->> ''valueString'')'),
    ('SELECT resource, value FROM observation GROUP BY GROUPING SETS ((resource), (value), ())'),
    ('SELECT DISTINCT ON (resource ->> ''valueString'') resource ->> ''valueString'' FROM observation ORDER BY 1'),
    ('SELECT DISTINCT resource FROM observation'),
    ('SELECT resource FROM observation ORDER BY resource DESC, value LIMIT 1'),
    ('SELECT max(value), json_agg(o), array_agg(o.resource ORDER BY value), string_agg(o::text, '','') FROM observation o'),
    ('SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY value), mode() WITHIN GROUP (ORDER BY resource) FROM observation'),
    ('SELECT count(*) FILTER (WHERE value LIKE ''CANARY%'') || CASE WHEN count(*) FILTER (WHERE value LIKE ''CANARY%'') > 0 THEN '' CANARY'' ELSE '''' END FROM observation'),
    ('SELECT first_value(value) OVER w, lag(resource) OVER w, array_agg(o) OVER w FROM observation o WINDOW w AS (PARTITION BY resource ->> ''status'' ORDER BY value)'),
    -- joins
    ('SELECT resource FROM observation JOIN observation again USING (resource)'),
    ('SELECT j FROM (observation JOIN observation again USING (resource, id)) AS j'),
    ('SELECT * FROM observation NATURAL FULL JOIN observation again'),
    ('SELECT a, b FROM observation a LEFT JOIN patient b ON b.id = replace(a.id, ''o'', ''p'')'),
    ('SELECT * FROM patient p CROSS JOIN LATERAL (SELECT p.resource, p, o.value FROM observation o WHERE o.id = replace(p.id, ''p'', ''o'')) l'),
    ('SELECT x.* FROM observation o, jsonb_each_text(o.resource) x'),
    ('SELECT x.* FROM observation o, xmltable(''/a'' PASSING xmlelement(name a, o.resource::text) COLUMNS t text PATH ''.'') x'),
    -- subqueries and sets
    ('SELECT (SELECT (SELECT (SELECT o.resource ->> ''valueString'' || n) FROM generate_series(1, 1) n)) FROM observation o'),
    ('SELECT ARRAY(SELECT resource FROM observation)'),
    ('SELECT * FROM observation WHERE (id, value) IN (SELECT id, value FROM observation)'),
    ('VALUES ((SELECT resource FROM observation LIMIT 1)), ((SELECT to_jsonb(p) FROM patient p LIMIT 1))'),
    ('SELECT resource FROM observation UNION SELECT resource FROM patient'),
    ('SELECT * FROM observation INTERSECT SELECT * FROM observation'),
    ('SELECT resource FROM observation EXCEPT ALL SELECT resource FROM patient'),
    -- common table expressions
    ('WITH c AS (SELECT * FROM observation) SELECT c FROM c'),
    ('WITH c AS MATERIALIZED (SELECT * FROM observation) SELECT c, (SELECT d FROM c d LIMIT 1) FROM c'),
    ('WITH RECURSIVE c AS (SELECT id, resource, 1 AS n FROM observation UNION ALL SELECT o.id, o.resource, n + 1 FROM c JOIN observation o USING (id) WHERE n < 2) SELECT * FROM c'),
    ('WITH RECURSIVE c (id, r) AS (SELECT id, resource FROM observation UNION SELECT c.id, o.resource FROM c JOIN observation o USING (id)) SEARCH DEPTH FIRST BY id SET place CYCLE id SET seen USING path SELECT * FROM c'),
    -- functions
    ('SELECT * FROM with_status()'),
    ('SELECT * FROM with_status(most => 2)'),
    ('SELECT (with_status(''final'', 1)).*'),
    ('SELECT f.resource FROM patient p, LATERAL with_status(CASE WHEN p.id <> '''' THEN ''final'' END) f'),
    ('SELECT * FROM all_of_them()'),
    ('SELECT * FROM all_of_them() WITH ORDINALITY'),
    ('SELECT * FROM ROWS FROM (all_of_them(), with_status())'),
    ('SELECT * FROM nested(2)'),
    ('SELECT text_of(c) FROM claims_to_be_immutable() c'),
    ('SELECT * FROM procedural()'),
    ('SELECT query_to_xml(''SELECT * FROM observation'', true, false, ''''), table_to_xml(''patient'', true, false, '''')'),
    -- views
    ('SELECT * FROM of_superuser'),
    ('SELECT v FROM of_superuser v WHERE patient IS NOT NULL'),
    ('SELECT * FROM of_reader'),
    ('SELECT v FROM barrier v'),
    ('SELECT ''found CANARY'' FROM barrier WHERE resource::text LIKE ''%CANARY%'' OR patient::text LIKE ''%CANARY%''');

CREATE FUNCTION finds_canary(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE format('SELECT coalesce(bool_or(q::text LIKE ''%%CANARY%%''), false) FROM (%s) q', query) INTO found;
    RETURN found;
END $$;
CREATE TABLE exempt (number integer, found boolean);
GRANT ALL ON exempt TO loader, app;
\c - loader
INSERT INTO exempt SELECT number, finds_canary(query) FROM shape;
\c - app
SET fhir_access.membership = 'desk';
\pset format unaligned
SELECT finds_canary(query) AS leaks, e.found AS "would leak", replace(query, 'CANARY', 'CAN_RY') AS query FROM shape JOIN exempt e USING (number) ORDER BY number;
\pset format aligned

-- With generic plans and with parallel ones the answers are the same.
SET plan_cache_mode = force_generic_plan;
SELECT count(*) FILTER (WHERE finds_canary(query)) AS leaks, count(*) AS shapes FROM shape;
SET plan_cache_mode = auto;
SET force_parallel_mode = on;
SELECT count(*) FILTER (WHERE finds_canary(query)) AS leaks, count(*) AS shapes FROM shape;
SET force_parallel_mode = off;

-- Views and functions that run with the rights of somebody else who is subject to policies follow the session's membership.
SELECT id, value, resource FROM of_owner() ORDER BY id;
SELECT id, resource, patient, again FROM over_views ORDER BY id;

-- Statements that cannot stand in FROM.
COPY (SELECT o FROM observation o ORDER BY id) TO STDOUT;
COPY observation TO STDOUT;
COPY (UPDATE observation SET note = resource::text WHERE id = 'o1' RETURNING observation) TO STDOUT;
WITH changed AS (UPDATE observation SET note = value RETURNING *), removed AS (SELECT * FROM changed) SELECT removed FROM removed ORDER BY id;
MERGE INTO observation o USING observation s ON o.id = s.id AND s.resource::text LIKE '%CANARY%'
    WHEN MATCHED THEN UPDATE SET note = 'found CANARY';
MERGE INTO observation o USING (VALUES ('o1'), ('o2')) s(id) ON o.id = s.id
    WHEN MATCHED AND o.value LIKE 'CANARY%' THEN UPDATE SET note = 'found CANARY'
    WHEN MATCHED THEN UPDATE SET note = o.resource::text;
SELECT id, note FROM observation ORDER BY id;

CREATE TABLE copy_1 AS SELECT * FROM observation;
SELECT * INTO copy_2 FROM observation o;
CREATE MATERIALIZED VIEW copy_3 AS SELECT o.*, o AS whole FROM observation o;
SELECT (SELECT count(*) FROM copy_1 c WHERE c::text LIKE '%CANARY%') AS copy_1,
       (SELECT count(*) FROM copy_2 c WHERE c::text LIKE '%CANARY%') AS copy_2,
       (SELECT count(*) FROM copy_3 c WHERE c::text LIKE '%CANARY%') AS copy_3,
       (SELECT count(*) FROM copy_3) AS rows;

-- A materialized view keeps what its owner saw when it was filled, for all its readers.
SET fhir_access.membership = '';
SELECT count(*) FROM copy_3;
REFRESH MATERIALIZED VIEW copy_3;
SET fhir_access.membership = 'desk';

DO $$
DECLARE
    one record;
    document observation;
BEGIN
    FOR one IN SELECT * FROM observation o ORDER BY id LOOP
        RAISE NOTICE '%', one.resource;
    END LOOP;
    SELECT * INTO document FROM observation WHERE id = 'o2';
    RAISE NOTICE '%', document;
END $$;

PREPARE by_id (text) AS SELECT resource, o FROM observation o WHERE id = $1 AND value IS NULL;
SET plan_cache_mode = force_generic_plan;
EXECUTE by_id ('o2');
SET plan_cache_mode = auto;

BEGIN;
DECLARE forward CURSOR FOR SELECT resource FROM observation WHERE id = 'o1';
DECLARE scrolling SCROLL CURSOR FOR SELECT o FROM observation o ORDER BY id;
DECLARE kept CURSOR WITH HOLD FOR SELECT resource FROM observation ORDER BY id;
FETCH 1 FROM forward;
FETCH LAST FROM scrolling;
FETCH PRIOR FROM scrolling;
SELECT resource FROM observation WHERE id = 'o1' FOR UPDATE;
UPDATE observation SET note = 'current' WHERE CURRENT OF forward RETURNING observation;
COMMIT;
FETCH 1 FROM kept;
CLOSE kept;

-- EXPLAIN shows the mask and never a value.
EXPLAIN (VERBOSE, COSTS OFF) SELECT resource FROM observation WHERE resource ->> 'valueString' > 'C';

-- What rules and INSTEAD OF triggers get of a row is masked; so is what a view computes, also when it is written through.
\c - postgres
CREATE TABLE log (message text);
GRANT SELECT, INSERT ON log TO app;
CREATE RULE log_update AS ON UPDATE TO observation DO ALSO INSERT INTO log VALUES ('rule: ' || old::text || new.resource::text);
CREATE VIEW instead AS SELECT * FROM observation;
CREATE FUNCTION log_instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log VALUES ('instead: ' || OLD::text || NEW::text);
    RETURN NEW;
END $$;
CREATE TRIGGER log_instead INSTEAD OF UPDATE ON instead FOR EACH ROW EXECUTE FUNCTION log_instead();
GRANT SELECT, UPDATE ON instead TO app;
\c - app
SET fhir_access.membership = 'desk';
UPDATE observation SET note = 'rule' WHERE id < 'o3';
UPDATE instead SET note = 'instead' WHERE id = 'o1' RETURNING *;
SELECT message FROM log ORDER BY message;
CREATE TEMP VIEW computed AS SELECT id, note, observation AS whole, resource ->> 'valueString' AS value FROM observation;
UPDATE computed SET note = 'view' RETURNING value, whole;
DELETE FROM computed WHERE value IS NOT NULL;
\c - postgres
DROP RULE log_update ON observation;

-- Whoever reads a view of a role that is subject to policies needs a membership, a superuser too.
\c - postgres
SELECT count(*) FROM of_steward;
SET fhir_access.membership = 'desk';
SELECT id, value FROM of_steward ORDER BY id;
