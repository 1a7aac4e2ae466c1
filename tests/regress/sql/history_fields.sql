-- What is hidden in a version: all that the entry hides which grants the version, and all that the entry hides which grants the
-- resource as it is now. Each shape of query is run by the application, for whom every field with CANARY is hidden in one of the
-- two ways, and by an exempt role, for whom the same query must find it.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient_history (
    id text NOT NULL, version text NOT NULL, resource jsonb NOT NULL, PRIMARY KEY (id, version),
    note text GENERATED ALWAYS AS (resource ->> 'note') STORED);
SELECT fhir_access.protect('patient', 'Patient'),
       fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version');

-- Active patients' telecom is hidden, of women the birth date, of the others both names and notes; nothing of those in research.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "desk", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?_tag=research"},
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["telecom"]},
    {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["birthDate"]},
    {"resourceType": "Patient", "criteria": "Patient?gender=male", "hiddenFields": ["name.family", "note"]}]}'),
('{"resourceType": "AccessPolicy", "id": "same", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["telecom", "birthDate", "name", "note"]},
    {"resourceType": "Patient", "hiddenFields": ["telecom", "birthDate", "name", "note"]}]}'),
('{"resourceType": "AccessPolicy", "id": "rest", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?gender=male", "hiddenFields": ["name", "note"]},
    {"resourceType": "Patient"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', p, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || p))
  FROM unnest('{desk,same,rest}'::text[]) p;

-- then: what the version is like; now: what the current row is like; where: the field that is hidden in one of the two ways.
CREATE TABLE sample (id text, version text, before jsonb, now jsonb, hidden jsonb);
INSERT INTO sample VALUES
('then', '1', '{"active": true}', '{"meta": {"tag": [{"code": "research"}]}}', '{"telecom": [{"value": "CANARY"}]}'),
('then', '2', '{"gender": "female"}', '{"meta": {"tag": [{"code": "research"}]}}', '{"birthDate": "CANARY", "telecom": [{"value": "seen"}]}'),
('now', '1', '{"meta": {"tag": [{"code": "research"}]}}', '{"gender": "male"}', '{"name": [{"family": "CANARY", "given": ["seen"]}], "note": "CANARY"}'),
('both', '1', '{"gender": "female"}', '{"gender": "male"}', '{"name": [{"family": "CANARY", "given": ["seen"]}], "note": "CANARY", "birthDate": "CANARY", "telecom": [{"value": "seen"}]}'),
('both', '2', '{"active": true, "gender": "male"}', '{"gender": "male"}', '{"name": [{"family": "CANARY"}], "note": "CANARY", "birthDate": "seen", "telecom": [{"value": "CANARY"}]}'),
('not-then', '1', '{}', '{"meta": {"tag": [{"code": "research"}]}}', '{"note": "CANARY"}'),
('not-now', '1', '{"meta": {"tag": [{"code": "research"}]}}', '{}', '{"note": "CANARY"}');
INSERT INTO patient SELECT DISTINCT id, '{"resourceType": "Patient"}'::jsonb || now FROM sample;
INSERT INTO patient_history (id, version, resource)
SELECT id, version, '{"resourceType": "Patient"}'::jsonb || before || hidden FROM sample
UNION ALL SELECT 'gone', '1', '{"resourceType": "Patient", "meta": {"tag": [{"code": "research"}]}, "note": "CANARY"}';

CREATE VIEW of_superuser AS SELECT h.*, p.resource AS now FROM patient_history h LEFT JOIN patient p USING (id);
CREATE VIEW of_reader WITH (security_invoker) AS SELECT * FROM patient_history;
CREATE FUNCTION inlined() RETURNS SETOF patient_history LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM patient_history; END;
CREATE FUNCTION text_of(h patient_history) RETURNS text LANGUAGE sql STABLE AS 'SELECT h.resource::text || coalesce(h.note, '''')';
CREATE FUNCTION procedural() RETURNS SETOF patient_history LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM patient_history; END';
GRANT SELECT ON ALL TABLES IN SCHEMA public TO app, loader;

CREATE TABLE shape (number integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, query text NOT NULL);
GRANT SELECT ON shape TO app, loader;
INSERT INTO shape (query) VALUES
('SELECT * FROM patient_history'),
('SELECT h FROM patient_history h'),
('SELECT h::text FROM patient_history h'),
('SELECT note FROM patient_history'),
('SELECT row_to_json(h) FROM patient_history h'),
('SELECT text_of(h) FROM patient_history h'),
('SELECT (SELECT h.resource) FROM patient_history h'),
('SELECT (SELECT (SELECT h)) FROM patient_history h'),
('SELECT x FROM patient_history h CROSS JOIN LATERAL (SELECT h.resource -> ''note'' AS x OFFSET 0) l'),
('SELECT l FROM (SELECT 1) one LEFT JOIN patient_history l ON true'),
('SELECT a.resource, b.note FROM patient_history a FULL JOIN patient_history b ON a.resource = b.resource'),
('SELECT resource FROM patient_history NATURAL JOIN (SELECT id FROM patient) p'),
('SELECT resource, count(*) FROM patient_history GROUP BY resource'),
('SELECT resource ->> ''note'', resource -> ''name'', count(*) FROM patient_history GROUP BY resource ORDER BY resource'),
('SELECT resource -> ''name'' FROM patient_history GROUP BY 1 HAVING count(resource -> ''name'') > 0'),
('SELECT resource, note, grouping(note) FROM patient_history GROUP BY ROLLUP (resource, note)'),
('SELECT DISTINCT ON (resource) resource FROM patient_history ORDER BY resource, note'),
('SELECT DISTINCT h FROM patient_history h'),
('SELECT max(resource::text), min(note), jsonb_agg(resource), string_agg(note, '','') FROM patient_history'),
('SELECT lag(resource) OVER w, first_value(note) OVER w FROM patient_history WINDOW w AS (PARTITION BY note ORDER BY resource)'),
('SELECT rank() OVER (ORDER BY count(*)), resource FROM patient_history GROUP BY resource'),
('SELECT resource FROM patient_history UNION SELECT resource FROM of_superuser INTERSECT SELECT resource FROM of_reader'),
('WITH h AS (SELECT * FROM patient_history) SELECT h, note FROM h'),
('WITH h AS MATERIALIZED (SELECT h FROM patient_history h) SELECT * FROM h'),
('WITH RECURSIVE h AS (SELECT resource, 1 AS n FROM patient_history UNION ALL SELECT h.resource, n + 1 FROM h JOIN patient_history p ON p.note = ''none'' WHERE n < 2) SELECT * FROM h'),
('SELECT * FROM of_superuser'),
('SELECT o FROM of_superuser o'),
('SELECT * FROM of_reader'),
('SELECT * FROM inlined()'),
('SELECT f FROM inlined() f'),
('SELECT * FROM procedural()'),
('SELECT array(SELECT resource FROM patient_history)'),
('SELECT ''CANARY'' FROM patient_history WHERE note = ''CANARY'''),
('SELECT ''CANARY'' FROM patient_history WHERE resource @> ''{"note": "CANARY"}'''),
('SELECT ''CANARY'' FROM patient_history WHERE resource::text LIKE ''%CANARY%'''),
('SELECT ''CANARY'' FROM patient_history h WHERE h::text LIKE ''%CANARY%'''),
('SELECT ''CANARY'' WHERE EXISTS (SELECT FROM patient_history h WHERE h.resource ->> ''birthDate'' = ''CANARY'')'),
('SELECT ''CANARY'' FROM patient p JOIN patient_history h ON h.id = p.id AND h.resource ->> ''note'' = ''CANARY'''),
('SELECT ''CANARY'' FROM patient_history GROUP BY id HAVING max(note) = ''CANARY'''),
('SELECT CASE WHEN note = ''CANARY'' THEN note END FROM patient_history'),
('SELECT jsonb_path_query(resource, ''$.**'') FROM patient_history'),
('SELECT k, v FROM patient_history h, jsonb_each(h.resource) AS e (k, v)'),
('SELECT * FROM (VALUES (1)) one, ROWS FROM (jsonb_each((SELECT resource FROM patient_history WHERE id = ''now''))) e'),
('SELECT id, resource FROM patient_history FOR SHARE'),
('SELECT * FROM (SELECT resource, row_number() OVER () FROM patient_history LIMIT 5) h'),
('TABLE patient_history');
-- What a shape finds; an error is told, and leaks nothing.
CREATE FUNCTION found(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
    EXECUTE format('SELECT string_agg(q::text, %L) FROM (%s) q', E'\n', query) INTO result;
    RETURN coalesce(result, '');
EXCEPTION WHEN feature_not_supported THEN
    EXECUTE format('WITH q AS (%s) SELECT string_agg(q::text, %L) FROM q', query, E'\n') INTO result;
    RETURN coalesce(result, '');
END $$;
\c - loader
SELECT number, query AS "would not leak" FROM shape WHERE found(query) NOT LIKE '%CANARY%' ORDER BY number;
\c - app
SET fhir_access.membership = 'desk';
SELECT count(*) AS shapes, count(*) FILTER (WHERE found(query) LIKE '%CANARY%') AS leaks FROM shape;
SELECT number, query AS leaks FROM shape WHERE found(query) LIKE '%CANARY%' ORDER BY number;
SELECT id, version, resource, note FROM patient_history ORDER BY id, version;
-- Grouped, sorted and windowed alike: what is shown decides.
SELECT resource ->> 'note' AS note, count(*) FROM patient_history GROUP BY resource -> 'note', resource ->> 'note' ORDER BY 2;
SELECT id, resource -> 'name' AS name, count(*) OVER (PARTITION BY resource -> 'name') FROM patient_history ORDER BY resource -> 'name', id, version;
SET enable_hashagg = off;
SELECT count(*) AS shapes, count(*) FILTER (WHERE found(query) LIKE '%CANARY%') AS leaks FROM shape;
RESET enable_hashagg;
SET force_parallel_mode = on;
SELECT id, version, note FROM patient_history ORDER BY id, version;
RESET force_parallel_mode;

-- As the source of what is written elsewhere, in every statement that writes.
CREATE TEMP TABLE sink (id text, version text, resource jsonb, note text);
INSERT INTO sink SELECT id, version, resource, note FROM patient_history RETURNING resource::text LIKE '%CANARY%' AS leaks, note;
UPDATE sink s SET resource = h.resource, note = h.note FROM patient_history h WHERE h.id = s.id AND h.version = s.version AND h.resource = s.resource
    RETURNING (s, h)::text LIKE '%CANARY%' AS leaks;
MERGE INTO sink s USING patient_history h ON s.id = h.id AND s.resource ->> 'note' = 'CANARY'
    WHEN MATCHED AND h.note IS NOT NULL THEN UPDATE SET note = h.note
    WHEN NOT MATCHED AND h.resource ? 'telecom' THEN INSERT VALUES (h.id, 'merged', h.resource, h.note);
DELETE FROM sink s USING patient_history h WHERE h.id = s.id AND h.resource ->> 'birthDate' = 'CANARY' RETURNING h;
CREATE TEMP TABLE copied AS SELECT h AS whole, h.resource FROM patient_history h;
SELECT (SELECT count(*) FROM sink) AS rows, (SELECT count(*) FROM sink s WHERE s::text LIKE '%CANARY%') AS leaks,
       (SELECT count(*) FROM copied c WHERE c::text LIKE '%CANARY%') AS copied;
COPY (SELECT note, resource -> 'name' AS name FROM patient_history ORDER BY id, version) TO STDOUT;

-- Where all entries hide the same, or the entry for all the rest decides, too. Of one that is gone, all that some entry hides.
SET fhir_access.membership = 'same';
SELECT count(*) AS shapes, count(*) FILTER (WHERE found(query) LIKE '%CANARY%') AS leaks FROM shape;
SELECT id, resource FROM patient_history WHERE id IN ('gone', 'now') ORDER BY id;
EXPLAIN (COSTS OFF, VERBOSE) SELECT resource, note FROM patient_history WHERE id = 'now';
SET fhir_access.membership = 'rest';
SELECT id, resource, note FROM patient_history WHERE id IN ('gone', 'now', 'then') ORDER BY id, version;
EXPLAIN (COSTS OFF, VERBOSE) SELECT resource, note FROM patient_history WHERE id = 'now';
SELECT predicate, hidden_fields FROM fhir_access.explain('Patient', 'history');

-- The answer is the session's, in prepared statements too, and the current row's of the moment.
PREPARE one AS SELECT note FROM patient_history WHERE id = 'now';
EXECUTE one;
\c - postgres
UPDATE patient SET resource = '{"resourceType": "Patient"}' WHERE id = 'now';
SET fhir_access.membership = 'rest';
SET ROLE app;
PREPARE one AS SELECT note FROM patient_history WHERE id = 'now';
EXECUTE one;
RESET ROLE;
UPDATE patient SET resource = '{"resourceType": "Patient", "gender": "male"}' WHERE id = 'now';
SET ROLE app;
EXECUTE one;
SET search_path = pg_temp, public;
RESET ROLE;
-- Nobody's operators or functions get a say in it.
CREATE SCHEMA evil;
GRANT ALL ON SCHEMA evil TO app;
SET ROLE app;
CREATE FUNCTION evil.yes(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.yes);
CREATE FUNCTION evil.count() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
SET search_path = evil, public, pg_catalog;
SELECT id, note FROM patient_history WHERE id OPERATOR(pg_catalog.=) 'now';
