-- What a history shows, against a second account of it: a version is shown as a row of its own table would be, and only where the
-- current row is shown; without what either of the two hides. Many policies, with and without a project, asked in several ways.
\ir prologue.sql
CREATE TABLE patient (id text PRIMARY KEY, resource jsonb NOT NULL);
CREATE TABLE patient_history (id text, version int, resource jsonb NOT NULL, PRIMARY KEY (id, version));
CREATE TABLE as_rows (id text, version int, resource jsonb NOT NULL, PRIMARY KEY (id, version));

-- Each patient was female or male, active or not, of project p, q or none, in any order; some are gone.
CREATE FUNCTION document(id text, n int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('resourceType', 'Patient', 'id', id, 'gender', (ARRAY['female', 'male', 'other'])[1 + n % 3], 'active', n / 3 % 2 = 0,
           'birthDate', '1970', 'telecom', '[{"value": "1"}]'::jsonb, 'name', '[{"family": "F", "given": ["G"]}]'::jsonb,
           'meta', jsonb_build_object('project', (ARRAY['p', 'q', NULL])[1 + n / 6 % 3])))
$$;
INSERT INTO patient_history SELECT 'i' || i, v, document('i' || i, (i * 7 + v * 5 + i * v) % 18) FROM generate_series(1, 60) i, generate_series(1, 3) v;
INSERT INTO as_rows SELECT * FROM patient_history;
INSERT INTO patient SELECT id, resource FROM patient_history WHERE version = 3 AND id NOT IN ('i1', 'i2', 'i3', 'i4', 'i5', 'i6', 'i7', 'i8', 'i9', 'i10', 'i11', 'i12');
SELECT fhir_access.protect('patient', 'Patient'), fhir_access.protect('as_rows', 'Patient');
SELECT fhir_access.protect('patient_history', 'Patient', history_of => 'patient', version_column => 'version');

INSERT INTO fhir_access.project (resource) VALUES ('{"resourceType": "Project", "id": "p", "link": [{"project": {"reference": "Project/q"}}]}'),
                                                  ('{"resourceType": "Project", "id": "q"}');
SET client_min_messages = error;
INSERT INTO fhir_access.access_policy (resource)
    SELECT jsonb_build_object('resourceType', 'AccessPolicy', 'id', id, 'resource', entries) FROM (VALUES
    ('all', '[{"resourceType": "Patient"}]'::jsonb),
    ('all-hiding', '[{"resourceType": "Patient", "hiddenFields": ["birthDate"]}]'),
    ('women', '[{"resourceType": "Patient", "criteria": "Patient?gender=female"}]'),
    ('not-men', '[{"resourceType": "Patient", "criteria": "Patient?gender:not=male", "hiddenFields": ["name"]}]'),
    ('women-then-all', '[{"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["telecom"]}, {"resourceType": "Patient", "hiddenFields": ["birthDate"]}]'),
    ('women-active', '[{"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["telecom", "name"]},
                       {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["birthDate"]}]'),
    ('some-ids', '[{"resourceType": "Patient", "criteria": "Patient?_id=i1,i20,i21,i22,i23", "hiddenFields": ["birthDate"]},
                   {"resourceType": "Patient", "criteria": "Patient?active=false"}]'),
    ('nothing', '[{"resourceType": "Patient", "criteria": "Patient?gender=unknown"}]')) AS p (id, entries);
INSERT INTO fhir_access.project_membership (resource)
    SELECT jsonb_strip_nulls(jsonb_build_object('resourceType', 'ProjectMembership', 'id', p.id || coalesce('-' || project, ''), 'accessPolicy',
           jsonb_build_object('reference', 'AccessPolicy/' || p.id), 'project', CASE WHEN project IS NOT NULL THEN jsonb_build_object('reference', 'Project/' || project) END))
      FROM fhir_access.access_policy p, unnest('{p,q,NULL}'::text[]) AS project;
RESET client_min_messages;

-- What policies do not tell, past them: is there a current row, and which members would it have?
CREATE FUNCTION is_gone(wanted text) RETURNS boolean LANGUAGE sql SECURITY DEFINER AS 'SELECT NOT EXISTS (SELECT FROM public.patient WHERE id = wanted)';
CREATE FUNCTION policy(wanted text) RETURNS jsonb LANGUAGE sql SECURITY DEFINER AS $$
    SELECT p.resource -> 'resource' FROM fhir_access.project_membership m, fhir_access.access_policy p
     WHERE m.id = wanted AND m.resource #>> '{accessPolicy,reference}' = 'AccessPolicy/' || p.id
$$;
CREATE FUNCTION hidden(shown jsonb) RETURNS text[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(f), '{}') FROM unnest('{birthDate,telecom,name}'::text[]) AS f WHERE NOT shown ? f
$$;
-- The versions that a membership should see, put together from plain rows.
CREATE FUNCTION expected(membership text) RETURNS TABLE (id text, version int, resource jsonb) LANGUAGE sql AS $$
    SELECT v.id, v.version, v.resource - hidden(c.resource) FROM as_rows v JOIN patient c USING (id)
    UNION ALL
    SELECT v.id, v.version, v.resource - (SELECT coalesce(array_agg(f), '{}') FROM jsonb_path_query(policy(membership), '$[*].hiddenFields[*]') AS h, unnest(ARRAY[h #>> '{}']) AS f)
      FROM as_rows v WHERE is_gone(v.id) AND EXISTS (SELECT FROM jsonb_array_elements(policy(membership)) AS e WHERE NOT e ? 'criteria')
$$;

\c - app
CREATE FUNCTION pg_temp.compare() RETURNS TABLE (membership text, versions int, disagree int, by_id int, by_vread int, by_check int) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH membership IN ARRAY '{all,all-p,all-q,all-hiding,all-hiding-p,women,women-p,women-q,not-men,not-men-p,women-then-all,women-then-all-p,women-then-all-q,women-active,women-active-p,women-active-q,some-ids,some-ids-q,nothing}'::text[] LOOP
        PERFORM fhir_access.set_session(membership, NULL, false);
        SELECT count(*) INTO versions FROM patient_history;
        -- One list.
        SELECT count(*) INTO disagree FROM ((TABLE patient_history EXCEPT SELECT * FROM expected(membership)) UNION ALL
                                            (SELECT * FROM expected(membership) EXCEPT TABLE patient_history)) AS d;
        -- Versions of one resource at a time.
        SELECT count(*) INTO by_id FROM generate_series(1, 60) AS i
         WHERE (SELECT jsonb_agg(h ORDER BY version) FROM patient_history h WHERE id = 'i' || i)
            IS DISTINCT FROM (SELECT jsonb_agg(e ORDER BY version) FROM expected(membership) e WHERE id = 'i' || i);
        -- One version at a time.
        SELECT count(*) INTO by_vread FROM generate_series(1, 60) AS i, generate_series(1, 3) AS v
         WHERE fhir_access.vread('Patient', 'i' || i, v::text)
            IS DISTINCT FROM (SELECT e.resource FROM expected(membership) e WHERE id = 'i' || i AND version = v);
        SELECT count(*) INTO by_check FROM generate_series(1, 60) AS i, generate_series(1, 3) AS v,
               fhir_access.check('Patient/i' || i || '/_history/' || v, 'vread') AS c
         WHERE c.allowed <> EXISTS (SELECT FROM expected(membership) e WHERE id = 'i' || i AND version = v);
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM pg_temp.compare();
