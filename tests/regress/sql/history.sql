-- Tables of versions: SELECT on one is FHIR's history interaction. A version is shown where the interaction is granted on what the
-- version holds and on the resource as it is now. Only a trigger writes versions.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
SELECT fhir_access.protect('patient', 'Patient');

-- As docs/reference.md has it.
CREATE TABLE patient_history (
    id text NOT NULL, version bigint GENERATED ALWAYS AS IDENTITY, resource jsonb NOT NULL, PRIMARY KEY (id, version));
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version');
CREATE FUNCTION keep_version() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.patient_history (id, resource) VALUES (NEW.id, NEW.resource);
    RETURN NULL;
END $$;
ALTER FUNCTION keep_version() OWNER TO loader;
CREATE TRIGGER keep_version AFTER INSERT OR UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION keep_version();

SELECT relation, resource_type, id_column, row_security, history_of, version_column FROM fhir_access.protected_relation ORDER BY relation::text;

INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "a"}'), ('{"resourceType": "Project", "id": "b"}');
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "active", "resource": [{"resourceType": "Patient", "criteria": "Patient?active=true"}]}'),
('{"resourceType": "AccessPolicy", "id": "history", "resource": [{"resourceType": "Patient", "criteria": "Patient?active=true", "interaction": ["history"]}]}'),
('{"resourceType": "AccessPolicy", "id": "search", "resource": [{"resourceType": "Patient", "interaction": ["search", "read", "vread"]}]}'),
('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "Patient"}]}'),
('{"resourceType": "AccessPolicy", "id": "none", "resource": [{"resourceType": "Observation"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', p, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/' || p))
  FROM unnest('{active,history,search,all,none}'::text[]) p
UNION ALL
SELECT jsonb_build_object('resourceType', 'ProjectMembership', 'id', 'of-' || p, 'accessPolicy', jsonb_build_object('reference', 'AccessPolicy/all'),
                          'project', jsonb_build_object('reference', 'Project/' || p)) FROM unnest('{a,b}'::text[]) p;

-- Each patient's rows become versions: "open" is granted to criteria of active ones then and now, "opened" only since its second version,
-- "closed" was once, "moved" went from project a to b, "gone" was deleted.
INSERT INTO patient SELECT id, jsonb_build_object('resourceType', 'Patient', 'id', id, 'active', id <> 'opened', 'meta', '{"project": "a"}'::jsonb)
  FROM unnest('{open,opened,closed,moved,gone}'::text[]) id;
UPDATE patient SET resource = resource || '{"gender": "female"}' WHERE id = 'open';
UPDATE patient SET resource = resource || '{"active": true}' WHERE id = 'opened';
UPDATE patient SET resource = resource || '{"active": false}' WHERE id = 'closed';
UPDATE patient SET resource = jsonb_set(resource, '{meta,project}', '"b"') WHERE id = 'moved';
DELETE FROM patient WHERE id = 'gone';
SELECT id, version, resource FROM patient_history ORDER BY version;

CREATE FUNCTION versions() RETURNS TABLE (current_row bigint, versions text) LANGUAGE sql STABLE AS
    $$ SELECT (SELECT count(*) FROM patient), (SELECT string_agg(id || ' ' || version, ', ' ORDER BY version) FROM patient_history) $$;

GRANT TRUNCATE ON patient_history TO app;
\c - app
-- Nobody without a membership.
SELECT count(*) FROM patient_history;
-- Then and now; the current table and its history, each by its interaction. Without criteria a resource that is gone has its history,
-- because there is nothing that its row could have had against it.
SELECT format('SET fhir_access.membership = %L', m), format('SELECT %L AS membership, * FROM versions()', m)
  FROM unnest('{active,history,search,all,none}'::text[]) m \gexec
-- A project's members see what was the project's then and is now; of what is gone, what was.
SELECT format('SET fhir_access.membership = %L', m), format('SELECT %L AS membership, * FROM versions()', m)
  FROM unnest('{of-a,of-b}'::text[]) m \gexec

-- In every shape of statement.
SET fhir_access.membership = 'active';
SELECT id, version FROM patient_history WHERE id = 'open' ORDER BY version;
SELECT count(*) FROM patient_history WHERE id = 'closed' OR version = 1;
SELECT p.id, h.n FROM patient p CROSS JOIN LATERAL (SELECT count(*) AS n FROM patient_history h WHERE h.id = p.id) h ORDER BY p.id;
SELECT id, (SELECT count(*) FROM patient_history h WHERE h.id = p.id AND h.resource <> p.resource) AS changed FROM patient p ORDER BY id;
WITH h AS MATERIALIZED (SELECT * FROM patient_history) SELECT id, count(*) FROM h GROUP BY id ORDER BY id;
SELECT v, h.id FROM unnest('{1,2,3,4,5,6,7,8,9}'::bigint[]) v LEFT JOIN patient_history h ON h.version = v ORDER BY v;
SELECT a.version, b.version FROM patient_history a JOIN patient_history b ON a.id = b.id AND a.version < b.version;
SELECT id FROM patient_history EXCEPT SELECT id FROM patient UNION SELECT min(id) FROM patient_history ORDER BY 1;
SELECT id, version FROM patient_history WHERE id = 'open' ORDER BY version FOR SHARE;
COPY (SELECT id, version FROM patient_history ORDER BY version) TO STDOUT;
PREPARE of (text) AS SELECT count(*) FROM patient_history WHERE id = $1;
EXECUTE of ('open');
EXECUTE of ('closed');
SET fhir_access.membership = 'all';
EXECUTE of ('closed');
SET plan_cache_mode = force_generic_plan;
EXECUTE of ('closed');
SET fhir_access.membership = 'active';
EXECUTE of ('closed');
EXECUTE of ('open');
RESET plan_cache_mode;
BEGIN;
DECLARE c CURSOR FOR SELECT version FROM patient_history ORDER BY version;
FETCH 1 FROM c;
SET LOCAL fhir_access.membership = 'all';
FETCH 1 FROM c;
ROLLBACK;
-- What happens to the current row holds at once, in a snapshot of its own too.
\c - postgres
UPDATE patient SET resource = resource || '{"active": false}' WHERE id = 'open';
SET fhir_access.membership = 'active';
SET ROLE app;
SELECT * FROM versions();
RESET ROLE;
UPDATE patient SET resource = resource || '{"active": true}' WHERE id = 'open';
SET ROLE app;
SELECT * FROM versions();
RESET ROLE;
-- By way of views of whomever, and of functions.
CREATE VIEW of_superuser AS SELECT * FROM patient_history;
CREATE VIEW of_reader WITH (security_invoker, security_barrier) AS SELECT * FROM patient_history;
CREATE FUNCTION history_of(text) RETURNS SETOF patient_history LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM patient_history WHERE id = $1; END;
CREATE FUNCTION procedural() RETURNS SETOF patient_history LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM patient_history; END';
GRANT SELECT ON of_superuser, of_reader TO app;
-- The right to read the current table, or to name its schema, is not needed: its row is only asked.
CREATE ROLE archivist;
CREATE SCHEMA closed;
CREATE TABLE closed.device (id uuid PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE device_version (id uuid, resource jsonb NOT NULL);
SELECT fhir_access.protect('closed.device', 'Device'), fhir_access.protect('device_version', 'Device', history_of => 'closed.device');
INSERT INTO closed.device VALUES ('00000000-0000-4000-8000-000000000001', '{"resourceType": "Device", "status": "active"}');
INSERT INTO device_version SELECT * FROM closed.device;
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "devices", "resource": [{"resourceType": "Device", "criteria": "Device?status=active"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "devices", "accessPolicy": {"reference": "AccessPolicy/devices"}}');
GRANT SELECT ON device_version TO archivist;
GRANT SELECT (id) ON patient_history TO archivist;
SET fhir_access.membership = 'devices';
SET ROLE archivist;
SELECT resource FROM device_version;
SELECT resource FROM closed.device;
RESET ROLE;
SET fhir_access.membership = 'active';
SET ROLE archivist;
SELECT count(id) FROM patient_history;
SELECT resource FROM patient_history;
\c - app
SET fhir_access.membership = 'active';
SELECT (SELECT count(*) FROM of_superuser) AS of_superuser, (SELECT count(*) FROM of_reader) AS of_reader,
       (SELECT count(*) FROM history_of('open')) AS in_function, (SELECT count(*) FROM history_of('closed')) AS closed,
       (SELECT count(*) FROM procedural()) AS procedural;

-- Versions are written by the trigger, whoever writes the current row; never by those who are subject to policies.
INSERT INTO patient VALUES ('new', '{"resourceType": "Patient", "id": "new", "active": true}');
UPDATE patient SET resource = resource || '{"gender": "male"}' WHERE id = 'new';
SELECT id, version, resource FROM patient_history WHERE id = 'new' ORDER BY version;
INSERT INTO patient_history (id, resource) VALUES ('new', '{"resourceType": "Patient", "id": "new", "active": true}') RETURNING *;
INSERT INTO patient_history (id, resource) SELECT id, resource FROM patient_history;
INSERT INTO patient_history (id, version, resource) OVERRIDING SYSTEM VALUE SELECT id, version, resource FROM patient_history ON CONFLICT DO NOTHING;
UPDATE patient_history SET resource = resource || '{"gender": "male"}' WHERE id = 'open' RETURNING resource;
UPDATE patient_history SET id = id WHERE false;
DELETE FROM patient_history;
MERGE INTO patient_history h USING patient p ON h.id = p.id WHEN MATCHED THEN DELETE;
WITH gone AS (DELETE FROM patient_history RETURNING *) SELECT count(*) FROM gone;
UPDATE of_superuser SET id = id;
TRUNCATE patient_history;
COPY patient_history (id, resource) FROM STDIN;
open	{"resourceType": "Patient"}
\.
SELECT count(*) FROM patient_history;
\c - postgres
-- Nor by way of a foreign key, or of a function of somebody else who is subject to them.
CREATE TABLE account (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE account_history (id text REFERENCES account ON DELETE CASCADE, resource jsonb NOT NULL);
SELECT fhir_access.protect('account', 'Account'), fhir_access.protect('account_history', 'Account', history_of => 'account');
INSERT INTO account VALUES ('x', '{"resourceType": "Account", "status": "active"}');
INSERT INTO account_history SELECT * FROM account;
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "accounts", "resource": [{"resourceType": "Account"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "accounts", "accessPolicy": {"reference": "AccessPolicy/accounts"}}');
GRANT INSERT, SELECT ON account_history TO steward;
CREATE FUNCTION by_steward() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ INSERT INTO account_history SELECT * FROM account_history $$;
ALTER FUNCTION by_steward() OWNER TO steward;
\c - app
SET fhir_access.membership = 'accounts';
SELECT by_steward();
DELETE FROM account;
SELECT (SELECT count(*) FROM account) AS accounts, (SELECT count(*) FROM account_history) AS versions;

-- What explains the session shows both conditions.
SET fhir_access.membership = 'active';
SELECT predicate FROM fhir_access.explain('Patient', 'history');
SELECT predicate FROM fhir_access.explain('Patient', 'search');
SET fhir_access.membership = 'of-a';
SELECT predicate FROM fhir_access.explain('Patient', 'history');
SET fhir_access.membership = 'all';
SELECT predicate FROM fhir_access.explain('Patient', 'history');
SET fhir_access.membership = 'history';
SELECT c.allowed, c.reason FROM fhir_access.check('Patient/open', 'history') c;
SELECT c.allowed, c.reason FROM fhir_access.check('Patient/closed', 'history') c;
SELECT c.allowed, c.reason FROM fhir_access.check('Patient/open', 'search') c;

-- Plans: the question about the current row is one look into its index, or one list for many versions; where it cannot
-- say no, it is not asked.
\c - postgres
INSERT INTO patient SELECT 'p' || n, jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'active', n % 2 = 0) FROM generate_series(1, 2000) n;
CREATE INDEX ON patient_history USING gin (resource jsonb_path_ops);
CREATE INDEX ON patient USING gin (resource jsonb_path_ops);
VACUUM ANALYZE patient, patient_history;
\c - app
SET fhir_access.membership = 'active';
EXPLAIN (COSTS OFF) SELECT resource FROM patient_history WHERE id = 'p2';
EXPLAIN (COSTS OFF) SELECT resource FROM patient_history;
SET fhir_access.membership = 'of-a';
EXPLAIN (COSTS OFF) SELECT resource FROM patient_history WHERE id = 'p2';
SET fhir_access.membership = 'all';
EXPLAIN (COSTS OFF) SELECT resource FROM patient_history WHERE id = 'p2';
-- A question about the current row is one process's, as PostgreSQL has it for every correlated subplan; without, workers may help.
SET fhir_access.membership = 'active';
SET force_parallel_mode = on;
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient_history WHERE id = 'p2';
SELECT count(*) FROM patient_history WHERE id = 'p2';
SELECT count(*) FROM patient_history;
SET fhir_access.membership = 'all';
EXPLAIN (COSTS OFF) SELECT count(*) FROM patient_history WHERE id = 'p2';
