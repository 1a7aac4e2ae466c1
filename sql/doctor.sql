-- What is not as it should be, in one list.

CREATE FUNCTION fhir_access.doctor()
    RETURNS TABLE (severity text, subject text, message text, hint text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT 'error'::text, p.relation::text, 'registered but gone'::text,
           format('SELECT fhir_access.unprotect(%s)', p.relation::oid)::text
      FROM fhir_access.protection p
     WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = p.relation)
    UNION ALL
    SELECT 'error', p.relation::text, 'row security is off or not forced',
           'ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'
      FROM fhir_access.protection p
      JOIN pg_class c ON c.oid = p.relation
     WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)
    UNION ALL
    SELECT 'error', p.relation::text,
           CASE WHEN h.oid IS NULL THEN 'is the history of a table that is gone, and closed'
                ELSE format('is the history of %s, which is not protected as the table of its resources, and closed', p.history_of) END,
           'call fhir_access.protect() for the table of the current resources, then for the history'
      FROM fhir_access.protection p
      LEFT JOIN pg_class h ON h.oid = p.history_of
     WHERE p.history_of IS NOT NULL
       AND NOT EXISTS (SELECT FROM fhir_access.protection c
                        WHERE c.relation = p.history_of AND h.oid IS NOT NULL
                          AND c.history_of IS NULL AND c.resource_type = p.resource_type)
    UNION ALL
    SELECT 'error', p.relation::text, format('the trigger %s is missing or disabled', t.name),
           CASE WHEN c.relnamespace = 'fhir_access'::regnamespace THEN format('ALTER TABLE … ENABLE ALWAYS TRIGGER %s', t.name)
                ELSE 'call fhir_access.protect() again' END
      FROM fhir_access.protection p
      JOIN pg_class c ON c.oid = p.relation
     CROSS JOIN (VALUES ('zzz_fhir_access'::name), ('fhir_access_truncate')) AS t(name)
     WHERE NOT EXISTS (SELECT FROM pg_trigger g
                        WHERE g.tgrelid = p.relation AND g.tgname = t.name AND g.tgenabled = 'A')
    UNION ALL
    SELECT 'warning', p.relation::text, format('the trigger %I runs after fhir_access''s and may change what it restored', g.tgname),
           'give it a name that sorts before zzz_fhir_access'
      FROM fhir_access.protection p
      JOIN pg_trigger g ON g.tgrelid = p.relation
     WHERE NOT g.tgisinternal AND g.tgtype & 3 = 3 AND g.tgtype & 20 <> 0 AND g.tgname COLLATE "C" > 'zzz_fhir_access'
    UNION ALL
    -- Of a text it is document() that is indexed. An index on a partitioned table is one on each partition; a history is found
    -- by its id.
    SELECT 'warning', p.relation::text, 'its resource column has no GIN index',
           format(CASE a.atttypid WHEN 'jsonb'::regtype THEN 'CREATE INDEX ON %s USING gin (%I jsonb_path_ops)'
                  ELSE 'CREATE INDEX ON %s USING gin ((fhir_access.document(%I)) jsonb_path_ops)' END,
                  p.relation, p.resource_column)
      FROM fhir_access.protected_relation p
      JOIN pg_class t ON t.oid = p.relation AND NOT t.relispartition
      JOIN pg_attribute a ON a.attrelid = p.relation AND a.attname = p.resource_column
     WHERE p.history_of IS NULL AND NOT EXISTS (
            SELECT FROM pg_index i
              JOIN pg_class c ON c.oid = i.indexrelid
              JOIN pg_am m ON m.oid = c.relam AND m.amname = 'gin'
             WHERE i.indrelid = p.relation
               AND CASE a.atttypid WHEN 'jsonb'::regtype THEN a.attnum = ANY (i.indkey)
                   ELSE pg_get_indexdef(i.indexrelid) LIKE '% gin (fhir\_access.document(%'
                     OR pg_get_indexdef(i.indexrelid) LIKE '%, fhir\_access.document(%' END)
    UNION ALL
    SELECT 'warning', p.relation::text, 'its project column has no index',
           format('CREATE INDEX ON %s (%I)', p.relation, p.project_column)
      FROM fhir_access.protected_relation p
      JOIN pg_class t ON t.oid = p.relation AND NOT t.relispartition
      JOIN pg_attribute a ON a.attrelid = p.relation AND a.attname = p.project_column
     WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = p.relation AND i.indkey[0] = a.attnum)
    UNION ALL
    SELECT 'warning', 'ProjectMembership/' || m.id, 'names no policy, so it may do everything in its project',
           'give it an accessPolicy, or set fhir_access.require_policy = on'
      FROM fhir_access.project_membership m
     WHERE NOT m.resource ? 'accessPolicy' AND NOT m.resource ? 'access'
    UNION ALL
    SELECT 'error', d.reference, format('does not validate: %s', concat_ws(' ', f.path, rtrim(split_part(f.message, E'\n', 1), ':'))),
           coalesce(f.hint, 'correct the document: no membership that needs it can be used')
      FROM (SELECT 'AccessPolicy/' || id, resource FROM fhir_access.access_policy
            UNION ALL
            SELECT 'ProjectMembership/' || id, resource FROM fhir_access.project_membership
            UNION ALL
            SELECT 'Project/' || id, resource FROM fhir_access.project) AS d(reference, resource)
     CROSS JOIN LATERAL fhir_access.validate(d.resource) AS f
     WHERE f.severity = 'error'
    UNION ALL
    SELECT 'error', 'ProjectMembership/' || m.id, format('names %s, which does not exist', r.reference),
           'insert the policy into fhir_access.access_policy, or correct the membership'
      FROM fhir_access.project_membership m
     CROSS JOIN LATERAL (
            SELECT m.resource #>> '{accessPolicy,reference}'
            UNION ALL
            SELECT a #>> '{policy,reference}'
              FROM jsonb_array_elements(CASE jsonb_typeof(m.resource -> 'access')
                                        WHEN 'array' THEN m.resource -> 'access' ELSE '[]' END) a) AS r(reference)
     WHERE r.reference IS NOT NULL
       AND NOT EXISTS (SELECT FROM fhir_access.access_policy p WHERE 'AccessPolicy/' || p.id = r.reference)
    UNION ALL
    SELECT 'error', 'ProjectMembership/' || m.id, format('names %s, which does not exist', m.resource #>> '{project,reference}'),
           'insert the project into fhir_access.project, or correct the membership'
      FROM fhir_access.project_membership m
     WHERE m.resource #>> '{project,reference}' IS NOT NULL
       AND NOT EXISTS (SELECT FROM fhir_access.project p WHERE 'Project/' || p.id = m.resource #>> '{project,reference}');
END;
COMMENT ON FUNCTION fhir_access.doctor() IS 'what is not as it should be: protection, memberships, indexes';
REVOKE EXECUTE ON FUNCTION fhir_access.doctor() FROM PUBLIC;
