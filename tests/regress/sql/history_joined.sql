-- A statement that reads many versions asks for their current rows by a join, behind a barrier: it finds what it finds otherwise,
-- and no function of a user's sees a version before both conditions have been asked. What tables cost decides which it is.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient_history (
    gone integer, id text NOT NULL, version bigint NOT NULL, resource jsonb NOT NULL, also_gone text,
    note text GENERATED ALWAYS AS (resource ->> 'note') STORED, PRIMARY KEY (id, version));
ALTER TABLE patient_history DROP COLUMN gone, DROP COLUMN also_gone, ADD COLUMN later integer DEFAULT 7;
SELECT fhir_access.protect('patient', 'Patient'),
       fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version');

INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "a"}'), ('{"resourceType": "Project", "id": "b"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "active", "resource": [{"resourceType": "Patient", "criteria": "Patient?active=true"}]}'),
('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "Patient"}]}'),
('{"resourceType": "AccessPolicy", "id": "hides", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["telecom"]},
    {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["birthDate"]}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', p, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || p))
  FROM unnest('{active,hides}'::text[]) p
UNION ALL SELECT '{"resourceType": "ProjectMembership", "id": "of-a", "accessPolicy": {"reference": "AccessPolicy/all"}, "project": {"reference": "Project/a"}}';

-- 24 patients with three versions each; "CANARY" is what "active" may not see: of a patient who is closed now, or gone, or a version
-- that was closed. Project "a" sees what is gone.
CREATE FUNCTION state(n integer) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
    SELECT jsonb_build_object('active', n % 2 = 0, 'gender', (array['male', 'female', 'other'])[1 + n % 3], 'birthDate', 'secret', 'telecom', 'secret',
                              'meta', jsonb_build_object('project', CASE WHEN n % 2 = 0 THEN 'a' ELSE 'b' END)) $$;
INSERT INTO patient_history (id, version, resource)
SELECT 'p' || n, v, '{"resourceType": "Patient"}' || state(n / v)
       || jsonb_build_object('note', CASE WHEN n % 2 = 0 AND n % 5 <> 0 AND n / v % 2 = 0 THEN 'seen' ELSE 'CANARY' END)
  FROM generate_series(1, 24) n, generate_series(1, 3) v;
INSERT INTO patient SELECT 'p' || n, '{"resourceType": "Patient"}' || state(n) FROM generate_series(1, 24) n WHERE n % 5 <> 0;
DELETE FROM patient_history h WHERE note = 'CANARY' AND id IN (SELECT 'p' || n FROM generate_series(5, 24, 5) n) AND version > 1;
ANALYZE;
CREATE VIEW of_superuser AS SELECT * FROM patient_history;
CREATE VIEW of_reader WITH (security_invoker) AS SELECT * FROM patient_history;
CREATE FUNCTION inlined() RETURNS SETOF patient_history LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM patient_history; END;
CREATE FUNCTION text_of(h patient_history) RETURNS text LANGUAGE sql STABLE AS 'SELECT h.resource::text || coalesce(h.note, '''')';
GRANT SELECT ON ALL TABLES IN SCHEMA public TO app;
-- What a function that nobody declared leakproof is shown.
CREATE FUNCTION spy(anyelement) RETURNS boolean COST 0.0001 LANGUAGE plpgsql AS $$
BEGIN
    IF $1::text LIKE '%CANARY%' THEN RAISE NOTICE 'leaked'; END IF;
    RETURN true;
END $$;

\c - app
SET fhir_access.membership = 'active';
-- Few versions are asked one by one.
EXPLAIN (COSTS OFF) SELECT note FROM patient_history;
-- Where reading is dear, there is a join; what a statement of mine compares by functions that are not leakproof comes after it.
SET random_page_cost = 1000; SET seq_page_cost = 1000;
EXPLAIN (COSTS OFF) SELECT note FROM patient_history;
EXPLAIN (COSTS OFF) SELECT note FROM patient_history WHERE spy(note) AND id > 'p2';
SELECT note, count(*) FROM patient_history WHERE spy(note) AND spy(resource) AND spy(patient_history) AND id > 'p2' GROUP BY note;
SELECT count(*) FROM patient_history h JOIN (VALUES ('seen'), ('CANARY')) v (note) ON spy(h.note) AND h.note = v.note;
SELECT count(*) FROM patient_history h LEFT JOIN patient p ON spy(h) AND p.id = h.id;
SELECT count(*) FROM of_superuser WHERE spy(note);
SELECT count(*) FROM of_reader WHERE spy(of_reader);
SELECT count(*) FROM inlined() i WHERE spy(i);
SELECT count(*) FROM patient_history h WHERE EXISTS (SELECT FROM patient p WHERE p.id = h.id AND spy(h.resource));
SET fhir_access.membership = 'of-a';
EXPLAIN (COSTS OFF) SELECT note FROM patient_history WHERE spy(note);
SELECT count(*), count(*) FILTER (WHERE note = 'CANARY') AS gone FROM patient_history WHERE id NOT IN ('p5', 'p10', 'p15', 'p20') AND spy(version);
SET fhir_access.membership = 'active';
SELECT note, count(*) FROM patient_history GROUP BY note;

-- The rest stays as it is: rows that are locked, system columns, samples, and what a LIMIT may end early.
\c - postgres
GRANT UPDATE ON patient_history TO app;
\c - app
SET fhir_access.membership = 'active';
SET random_page_cost = 1000; SET seq_page_cost = 1000;
CREATE FUNCTION pg_temp.joins(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line LIKE '%SubPlan%' THEN RETURN false; END IF;
    END LOOP;
    RETURN true;
END $$;
SELECT pg_temp.joins(query), query FROM (VALUES
('SELECT note FROM patient_history'),
('SELECT note FROM patient_history FOR SHARE'),
('SELECT tableoid::regclass, ctid FROM patient_history'),
('SELECT note FROM patient_history TABLESAMPLE system (100)'),
('SELECT note FROM patient_history LIMIT 3'),
('SELECT note FROM (SELECT note FROM patient_history) h ORDER BY 1 LIMIT 3'),
('SELECT note, count(*) FROM patient_history GROUP BY note ORDER BY 2 LIMIT 3'),
('CREATE TABLE sink AS SELECT note FROM patient_history')) AS t (query);

-- The same is found both ways, whatever is asked.
CREATE TEMP TABLE shape (number integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, query text NOT NULL);
INSERT INTO shape (query) VALUES
('SELECT * FROM patient_history'),
('SELECT h FROM patient_history h'),
('SELECT h.*::text, h IS NULL FROM patient_history h'),
('SELECT row_to_json(h) FROM patient_history h'),
('SELECT text_of(h), later FROM patient_history h'),
('SELECT (SELECT (SELECT h)) FROM patient_history h'),
('SELECT x FROM patient_history h CROSS JOIN LATERAL (SELECT h.resource -> ''note'' AS x OFFSET 0) l'),
('SELECT h, p.id FROM patient_history h LEFT JOIN patient p ON p.id = h.id AND h.version = 2'),
('SELECT p, h FROM patient p LEFT JOIN patient_history h ON p.id = h.id AND h.note = ''none'''),
('SELECT a.version, b.note FROM patient_history a FULL JOIN patient_history b ON a.id = b.id AND a.version = b.version + 1'),
('SELECT id, resource FROM patient_history NATURAL JOIN (SELECT id FROM patient) p'),
('SELECT id, version, resource FROM patient_history GROUP BY id, version'),
('SELECT note, grouping(note), count(*) FROM patient_history GROUP BY ROLLUP (note, id)'),
('SELECT DISTINCT ON (id) id, version FROM patient_history ORDER BY id, version DESC'),
('SELECT max(version), min(id), count(DISTINCT h) FROM patient_history h'),
('SELECT id, lag(version) OVER (PARTITION BY id ORDER BY version) FROM patient_history'),
('SELECT resource FROM patient_history UNION SELECT resource FROM of_superuser EXCEPT SELECT resource FROM of_reader WHERE version = 1'),
('WITH w AS MATERIALIZED (SELECT h FROM patient_history h) SELECT v.h FROM w AS v JOIN w USING (h)'),
('WITH RECURSIVE h AS (SELECT id, version FROM patient_history WHERE version = 1 UNION ALL SELECT p.id, p.version FROM h JOIN patient_history p ON p.id = h.id AND p.version = h.version + 1) SELECT * FROM h'),
('SELECT i FROM inlined() i WHERE i.note = ''seen'''),
('SELECT id FROM patient p WHERE EXISTS (SELECT FROM patient_history h WHERE h.id = p.id AND h.version = 3)'),
('SELECT id, (SELECT count(*) FROM patient_history h WHERE h.id = p.id) FROM patient p'),
('SELECT id FROM patient_history WHERE id IN (SELECT id FROM patient_history GROUP BY id HAVING count(*) > 1)'),
('SELECT id FROM patient_history h WHERE NOT EXISTS (SELECT FROM patient_history i WHERE i.id = h.id AND i.version < h.version)'),
('SELECT v.* FROM (VALUES (''p2''), (''p5''), (''p8'')) v (id) WHERE v.id IN (SELECT id FROM patient_history)'),
('SELECT id, xmin IS NULL FROM patient_history'),
('SELECT id FROM patient_history FOR SHARE'),
('SELECT id, version FROM patient_history ORDER BY id DESC, version LIMIT 5 OFFSET 2');
CREATE FUNCTION pg_temp.found(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
    EXECUTE format('WITH q AS MATERIALIZED (%s) SELECT count(*) || string_agg(q::text, %L ORDER BY q::text) FROM q', query, E'\n') INTO result;
    RETURN coalesce(result, 'nothing');
END $$;
-- Both with what each membership may see.
CREATE TEMP TABLE answer (membership text, form text, number integer, found text);
CREATE FUNCTION pg_temp.ask(form text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE who text;
BEGIN
    FOREACH who IN ARRAY '{active,of-a,hides}'::text[] LOOP
        PERFORM set_config('fhir_access.membership', who, false);
        INSERT INTO answer SELECT who, form, number, pg_temp.found(query) FROM shape;
    END LOOP;
END $$;
SELECT pg_temp.ask('joined');
SET fhir_access.membership = 'active';
SELECT count(*) FILTER (WHERE pg_temp.joins(query)) >= 20 AS most_join, count(*) AS shapes FROM shape;
RESET random_page_cost; RESET seq_page_cost;
SELECT pg_temp.ask('asked');
SET fhir_access.membership = 'active';
SELECT count(*) FILTER (WHERE pg_temp.joins(query)) AS join, count(*) AS shapes FROM shape;
SELECT membership, count(*) AS shapes, count(*) FILTER (WHERE joined.found = asked.found) AS same,
       count(*) FILTER (WHERE joined.found LIKE '%CANARY%' AND membership = 'active') AS leaks, count(*) FILTER (WHERE joined.found = 'nothing') AS nothing
  FROM (SELECT * FROM answer WHERE form = 'joined') joined JOIN (SELECT * FROM answer WHERE form = 'asked') asked USING (membership, number)
 GROUP BY membership ORDER BY membership;

-- In workers, in cursors, in prepared statements, and as what is written elsewhere.
SET random_page_cost = 1000; SET seq_page_cost = 1000;
SET force_parallel_mode = on;
SELECT count(*) FROM patient_history WHERE spy(note);
RESET force_parallel_mode;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, version FROM patient_history WHERE id IN ('p4', 'p8') ORDER BY id, version;
FETCH 2 FROM c;
FETCH BACKWARD 1 FROM c;
COMMIT;
PREPARE versions(text) AS SELECT id, version, note FROM patient_history WHERE id = $1 ORDER BY version;
SET plan_cache_mode = force_generic_plan;
EXECUTE versions('p8');
EXECUTE versions('p3');
EXECUTE versions('p10');
SET fhir_access.membership = 'of-a';
EXECUTE versions('p10');
RESET plan_cache_mode;
SET fhir_access.membership = 'active';
CREATE TEMP TABLE copied AS SELECT * FROM patient_history;
UPDATE copied c SET note = h.note || '!' FROM patient_history h WHERE h.id = c.id AND h.version = c.version;
MERGE INTO copied c USING (SELECT * FROM patient_history) h ON h.id = c.id AND h.version = c.version + 1 WHEN MATCHED THEN DELETE;
SELECT note, count(*) FROM copied GROUP BY note;

-- Privileges are those on the table, as ever: a column that one may not read, and a table.
\c - postgres
REVOKE SELECT ON patient_history FROM app;
GRANT SELECT (id, version) ON patient_history TO app;
\c - app
SET fhir_access.membership = 'active';
SET random_page_cost = 1000; SET seq_page_cost = 1000;
SELECT count(*), max(id) FROM patient_history;
SELECT note FROM patient_history;
SELECT h FROM patient_history h;
SELECT count(*) FROM patient_history WHERE note = 'seen' AND false;
\c - postgres
REVOKE SELECT (id, version) ON patient_history FROM app;
\c - app
SET fhir_access.membership = 'active';
SET random_page_cost = 1000; SET seq_page_cost = 1000;
SELECT count(*) FROM patient_history;
SELECT count(*) FROM patient_history WHERE false;
SELECT count(*) FROM of_superuser;
