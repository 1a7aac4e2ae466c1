-- A writer tries to find out what is hidden by guessing: it sends a value, and looks at what becomes of that. Elements are told apart
-- by their ids, resources by their type and extensions by their URL, but not by those that are hidden: what is sent must come to
-- the same whether it is the stored value or not. Hidden values contain CANARY.
\ir prologue.sql

CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE bundle (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE document (id text PRIMARY KEY, resource text NOT NULL);
SET client_min_messages = error;
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('bundle', 'Bundle'), fhir_access.protect('document', 'Bundle') \g /dev/null

INSERT INTO fhir_access.access_policy (resource) VALUES ($$ {"resourceType": "AccessPolicy", "id": "desk", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?_id=ids", "hiddenFields": ["name", "contained.id", "contact.id", "contact.name"]},
    {"resourceType": "Patient", "criteria": "Patient?_id=urls", "hiddenFields": ["extension.url", "extension('CANARY right').valueCode", "extension('CANARY else').valueCode", "extension.id"]},
    {"resourceType": "Bundle", "criteria": "Bundle?_id=ids", "hiddenFields": ["entry.resource.id"]},
    {"resourceType": "Bundle", "criteria": "Bundle?_id=types", "hiddenFields": ["entry.resource.resourceType"]},
    {"resourceType": "Bundle", "criteria": "Bundle?_id=resources", "hiddenFields": ["entry.resource"]}]} $$);
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "m", "accessPolicy": {"reference": "AccessPolicy/desk"}}');

CREATE TABLE stored (relation regclass, id text, resource jsonb);
INSERT INTO stored VALUES
('patient', 'ids', '{"resourceType": "Patient", "id": "ids", "contained": [{"resourceType": "Patient", "id": "CANARY right", "name": "CANARY", "gender": "male"}, {"resourceType": "Patient", "id": "CANARY 2", "name": "CANARY", "gender": "female"}],
    "contact": [{"id": "CANARY right", "name": "CANARY", "gender": "male"}, {"id": "CANARY 2", "name": "CANARY", "gender": "female"}]}'),
('patient', 'urls', '{"resourceType": "Patient", "id": "urls", "extension": [{"url": "CANARY right", "id": "CANARY right", "valueCode": "CANARY"}, {"url": "CANARY 2", "valueCode": "seen"}]}'),
('bundle', 'ids', '{"resourceType": "Bundle", "id": "ids", "entry": [{"fullUrl": "urn:1", "resource": {"resourceType": "Patient", "id": "CANARY right", "name": "CANARY"}}]}'),
('bundle', 'types', '{"resourceType": "Bundle", "id": "types", "entry": [{"fullUrl": "urn:1", "resource": {"resourceType": "CANARY right", "id": "1", "name": "CANARY"}}]}'),
('bundle', 'resources', '{"resourceType": "Bundle", "id": "resources", "entry": [{"fullUrl": "urn:1", "resource": {"resourceType": "Patient", "id": "CANARY right"}}, {"fullUrl": "urn:2", "resource": {"resourceType": "Patient", "id": "CANARY 2"}}]}'),
('document', 'resources', '{"resourceType": "Bundle", "id": "resources", "entry": {"fullUrl": "urn:1", "resource": {"resourceType": "Patient", "id": "CANARY right"}}}');

-- What the writer sends: the same whatever is stored.
CREATE TABLE attempt (n int GENERATED ALWAYS AS IDENTITY, relation regclass, id text, sent text);
INSERT INTO attempt (relation, id, sent) VALUES
('patient', 'ids', '{"contained": [{"resourceType": "Patient", "id": "CANARY right", "gender": "other"}]}'),
('patient', 'ids', '{"contained": [{"resourceType": "Patient", "id": "CANARY right", "gender": "other"}, {"resourceType": "Patient", "gender": "male"}, {"resourceType": "Patient", "gender": "female"}]}'),
('patient', 'ids', '{"contained": {"resourceType": "Patient", "id": "CANARY right"}}'),
('patient', 'ids', '{"contact": [{"id": "CANARY right", "gender": "unknown"}, {"gender": "female"}]}'),
('patient', 'urls', '{"extension": [{"url": "CANARY right", "valueString": "mine"}, {"valueCode": "seen"}]}'),
('patient', 'urls', '{"extension": {"url": "CANARY right", "valueString": "mine"}}'),
('patient', 'urls', '{"extension": [{"id": "CANARY right", "valueString": "mine"}, {"url": "CANARY right", "valueCode": "mine"}, {"valueCode": "seen"}]}'),
('bundle', 'ids', '{"entry": [{"fullUrl": "urn:3", "resource": {"resourceType": "Patient", "id": "CANARY right"}}]}'),
('bundle', 'ids', '{"entry": {"resource": {"resourceType": "Patient", "id": "CANARY right"}}}'),
('bundle', 'types', '{"entry": [{"fullUrl": "urn:3", "resource": {"resourceType": "CANARY right", "id": "1"}}]}'),
('bundle', 'resources', '{"entry": [{"fullUrl": "urn:3", "resource": {"resourceType": "Patient", "id": "CANARY right"}}]}'),
('bundle', 'resources', '{"entry": [{"fullUrl": "urn:3", "resource": {"resourceType": "Patient", "id": "CANARY right"}}, {"fullUrl": "urn:2"}, {"fullUrl": "urn:1"}]}'),
('document', 'resources', '{"entry": {"fullUrl": "urn:3", "resource": {"resourceType": "Patient", "id": "CANARY right"}}}');
GRANT SELECT ON attempt TO app;

-- One attempt, as the application makes it: what it is told, and what it sees then. Nothing of it stays.
CREATE FUNCTION outcome(attempt attempt, value text, mode text, statement text, OUT told text, OUT stored text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %s SELECT id, replace(resource::text, ''CANARY right'', $3)::jsonb FROM stored WHERE relation = $1 AND id = $2', attempt.relation)
      USING attempt.relation, attempt.id, value;
    SET LOCAL ROLE app;
    PERFORM fhir_access.set_session('m'), set_config('fhir_access.readonly_violation', mode, true);
    BEGIN
        EXECUTE format(statement, attempt.relation) USING attempt.id, attempt.sent;
        told := 'written';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS told = PG_EXCEPTION_DETAIL;
        told := sqlstate || ' ' || sqlerrm || ' ' || told;
    END;
    EXECUTE format('SELECT $1 || '' '' || string_agg(t::text, '' '' ORDER BY id) FROM %s t', attempt.relation) INTO told USING told;
    RESET ROLE;
    EXECUTE format('SELECT string_agg(resource::text, '' '') FROM %s t', attempt.relation) INTO stored;
    EXECUTE format('DELETE FROM %s', attempt.relation);
END $$;

CREATE TABLE means (name text, statement text);
INSERT INTO means VALUES
('update', 'UPDATE %s SET resource = (resource::jsonb || $2::jsonb)::text::@ WHERE id = $1'),
('upsert', 'INSERT INTO %s AS t VALUES ($1, ($2::jsonb || jsonb_build_object(''resourceType'', ''?'', ''id'', $1))::text::@) ON CONFLICT (id) DO UPDATE SET resource = excluded.resource'),
('merge', 'MERGE INTO %s t USING (VALUES ($1)) AS s (id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET resource = (t.resource::jsonb || $2::jsonb)::text::@');

-- Who guesses right is told the same as who does not, and is shown nothing; and what is hidden is still there.
SELECT m.name, mode, a.relation, a.id, count(*) AS attempts, count(*) FILTER (WHERE found.told LIKE 'written%') AS written,
       bool_and(found.told = missed.told) AS same, bool_and(found.told NOT LIKE '%CANARY%') AS "shows nothing",
       bool_and(cardinality(regexp_split_to_array(found.stored, 'CANARY')) = cardinality(regexp_split_to_array(s.resource::text, 'CANARY')) AND cardinality(regexp_split_to_array(missed.stored, 'CANARY')) = cardinality(regexp_split_to_array(s.resource::text, 'CANARY'))) AS kept
  FROM means m CROSS JOIN unnest('{restore,error}'::text[]) mode CROSS JOIN attempt a JOIN stored s ON s.relation = a.relation AND s.id = a.id
 CROSS JOIN LATERAL (SELECT replace(replace(m.statement, '@', CASE a.relation::text WHEN 'document' THEN 'text' ELSE 'jsonb' END), '?', s.resource ->> 'resourceType') AS statement) w
 CROSS JOIN LATERAL outcome(a, 'CANARY right', mode, w.statement) found
 CROSS JOIN LATERAL outcome(a, 'CANARY else', mode, w.statement) missed
 GROUP BY 1, 2, 3, 4 ORDER BY m.name, mode DESC, a.relation::text, a.id;
