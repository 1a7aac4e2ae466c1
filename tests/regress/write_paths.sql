-- What the files about the paths of writing share (\ir write_paths.sql): a membership with a project, criteria, hidden and
-- readonly fields and a write constraint, and rows that it may and may not write. What it must never see contains CANARY.
\set ECHO none
SET client_min_messages = warning;

INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "clinic"}'), ('{"resourceType": "Project", "id": "elsewhere"}');
INSERT INTO fhir_access.access_policy (resource) VALUES ('{
  "resourceType": "AccessPolicy", "id": "ward",
  "resource": [
    {"resourceType": "Patient", "hiddenFields": ["telecom"]},
    {"resourceType": "Observation", "criteria": "Observation?status=registered,preliminary,final",
     "hiddenFields": ["value[x]", "subject.display"], "readonlyFields": ["issued"],
     "writeConstraint": [{"language": "text/fhirpath", "expression": "%before.exists() implies %before.status != ''final''", "description": "final is final"}]}
  ]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
  ('{"resourceType": "ProjectMembership", "id": "ward", "project": {"reference": "Project/clinic"}, "accessPolicy": {"reference": "AccessPolicy/ward"}}'),
  ('{"resourceType": "ProjectMembership", "id": "other", "project": {"reference": "Project/elsewhere"}, "accessPolicy": {"reference": "AccessPolicy/ward"}}');

-- An observation as it is sent, and one as it is stored.
CREATE FUNCTION sent(id text, status text DEFAULT 'preliminary') RETURNS jsonb IMMUTABLE LANGUAGE sql
    RETURN jsonb_build_object('resourceType', 'Observation', 'id', id, 'status', status);
CREATE FUNCTION stored(id text, status text, project text) RETURNS jsonb IMMUTABLE LANGUAGE sql
    RETURN sent(id, status) || jsonb_build_object('issued', '2020', 'valueString', 'CANARY ' || id,
        'subject', jsonb_build_object('reference', 'Patient/ann', 'display', 'CANARY'), 'meta', jsonb_build_object('project', project));

-- a and b may be written, fin is final, gone is of no status that is granted, far of another project.
CREATE FUNCTION fill(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %s (id, note, resource) SELECT id, CASE WHEN id IN (''gone'', ''far'') THEN ''CANARY'' ELSE ''n'' END, stored(id, status, project)
        FROM (VALUES (''a'', ''preliminary'', ''clinic''), (''b'', ''registered'', ''clinic''), (''fin'', ''final'', ''clinic''),
                     (''gone'', ''cancelled'', ''clinic''), (''far'', ''preliminary'', ''elsewhere'')) v (id, status, project)', relation);
END $$;

-- The rows as they are stored, each as what differs from how fill() stored it: "=" where nothing does, "gone" where it is no
-- more. What a writer may not do shows as "HARM".
CREATE FUNCTION differences(relation regclass) RETURNS TABLE (id text, difference text) LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    RETURN QUERY EXECUTE format($q$
        WITH filled AS (SELECT v.id, stored(v.id, status, project) AS resource
            FROM (VALUES ('a', 'preliminary', 'clinic'), ('b', 'registered', 'clinic'), ('fin', 'final', 'clinic'),
                         ('gone', 'cancelled', 'clinic'), ('far', 'preliminary', 'elsewhere')) v (id, status, project))
        SELECT coalesce(f.id, r.id), concat_ws(', ',
            CASE WHEN f.id IS NULL THEN 'new' END,
            CASE WHEN r.id IS NULL THEN 'deleted' WHEN r.resource = f.resource AND r.note IN ('n', 'CANARY') THEN '=' END,
            CASE WHEN r.note NOT IN ('n', 'CANARY') THEN 'note ' || r.note END,
            CASE WHEN r.resource <> f.resource OR f.id IS NULL
                 THEN (SELECT string_agg(key || coalesce(' ' || left(value::text, 60), ' removed'), ', ' ORDER BY key)
                         FROM (SELECT key, n.value FROM jsonb_each(r.resource) n FULL JOIN jsonb_each(f.resource) o USING (key) WHERE n.value IS DISTINCT FROM o.value) d) END,
            CASE WHEN f.id IN ('fin', 'gone', 'far') AND (r.resource <> f.resource OR r.note NOT IN ('n', 'CANARY'))
                   OR r.resource ->> 'valueString' IS DISTINCT FROM f.resource ->> 'valueString'
                   OR r.resource ->> 'issued' IS DISTINCT FROM f.resource ->> 'issued'
                   OR r.resource #>> '{subject,display}' IS DISTINCT FROM f.resource #>> '{subject,display}'
                   OR r.resource #>> '{meta,project}' IS DISTINCT FROM coalesce(f.resource #>> '{meta,project}', 'clinic')
                 THEN CASE WHEN r.id IS NOT NULL OR f.id IN ('gone', 'far') THEN 'HARM' END END)
          FROM filled f FULL JOIN %s r ON r.id = f.id
         WHERE coalesce(f.id NOT IN ('fin', 'gone', 'far') OR r.id IS NULL OR r.resource <> f.resource OR r.note NOT IN ('n', 'CANARY'), true)
         ORDER BY 1$q$, relation);
END $$;

RESET client_min_messages;
\set ECHO all
