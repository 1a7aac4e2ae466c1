-- The last part of the script: partitions that come later, and who may do what.

-- After each DDL statement: a partition or child that came to a protected table is protected with it. (One that is
-- detached loses its parent's trigger: writing to it is an error until protect() is called for it. To make the trigger
-- here would be in the way of a restore, which makes it itself.)
CREATE FUNCTION fhir_access.follow_ddl() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    child record;
BEGIN
    IF to_regclass('fhir_access.protection') IS NULL THEN
        RETURN;
    END IF;
    FOR child IN
        WITH RECURSIVE tree AS (
            SELECT i.inhrelid AS relation, p.resource_type, p.resource_column, p.id_column, p.resource_type_column,
                   p.derived_columns, p.project_column, p.history_of, p.version_column
              FROM fhir_access.protection p JOIN pg_inherits i ON i.inhparent = p.relation
            UNION
            SELECT i.inhrelid, t.resource_type, t.resource_column, t.id_column, t.resource_type_column,
                   t.derived_columns, t.project_column, t.history_of, t.version_column
              FROM tree t JOIN pg_inherits i ON i.inhparent = t.relation)
        SELECT t.* FROM tree t
         WHERE NOT EXISTS (SELECT FROM fhir_access.protection p WHERE p.relation = t.relation)
    LOOP
        PERFORM fhir_access.protect(child.relation, child.resource_type, child.resource_column, child.id_column,
                                    resource_type_column => child.resource_type_column,
                                    derived_columns => child.derived_columns, project_column => child.project_column,
                                    history_of => child.history_of, version_column => child.version_column);
    END LOOP;
END $$;

-- A dropped table leaves the registry. Its history stays one, of nothing: closed.
CREATE FUNCTION fhir_access.follow_drop() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Only where there is something to delete: each statement on the registry has all sessions read it again.
    IF to_regclass('fhir_access.protection') IS NOT NULL
       AND EXISTS (SELECT FROM fhir_access.protection p, pg_event_trigger_dropped_objects() d
                    WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND d.objid IN (p.relation, p.history_of)) THEN
        DELETE FROM fhir_access.protection p
         USING pg_event_trigger_dropped_objects() d
         WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND p.relation = d.objid;
        UPDATE fhir_access.protection p
           SET history_of = 0
          FROM pg_event_trigger_dropped_objects() d
         WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND p.history_of = d.objid;
    END IF;
END $$;

-- After a GRANT: one of the documents' tables to which somebody has a right now gets the visible policies that other protected
-- tables have, so that a session without the library fails there, too. Not earlier: a restore would find them there already.
-- It makes them itself, before it grants anything.
CREATE FUNCTION fhir_access.follow_grant() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    granted regclass;
BEGIN
    FOR granted IN
        SELECT c.oid FROM pg_class c
         WHERE c.oid IN (to_regclass('fhir_access.access_policy'), to_regclass('fhir_access.project_membership'), to_regclass('fhir_access.project'))
           AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'fhir_access')
           AND (EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner)
                OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL))
    LOOP
        EXECUTE format('CREATE POLICY fhir_access ON %s AS RESTRICTIVE USING (fhir_access.enforced()) WITH CHECK (fhir_access.enforced())', granted);
        EXECUTE format('CREATE POLICY fhir_access_loaded ON %s USING (NOT fhir_access.enforced()) WITH CHECK (NOT fhir_access.enforced())', granted);
    END LOOP;
END $$;

CREATE EVENT TRIGGER fhir_access_ddl ON ddl_command_end EXECUTE FUNCTION fhir_access.follow_ddl();
CREATE EVENT TRIGGER fhir_access_grant ON ddl_command_end WHEN TAG IN ('GRANT') EXECUTE FUNCTION fhir_access.follow_grant();
CREATE EVENT TRIGGER fhir_access_drop ON sql_drop EXECUTE FUNCTION fhir_access.follow_drop();

-- Whatever default privileges gave away is taken back: the documents decide who sees what.
DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT format('ON TABLE %s', c.oid::regclass) AS object, a.grantee
          FROM pg_class c, aclexplode(c.relacl) a
         WHERE c.relnamespace = 'fhir_access'::regnamespace AND c.relkind IN ('r', 'v') AND a.grantee <> c.relowner
        UNION
        SELECT format('ON FUNCTION %s', p.oid::regprocedure), a.grantee
          FROM pg_proc p, aclexplode(p.proacl) a
         WHERE p.pronamespace = 'fhir_access'::regnamespace AND a.grantee NOT IN (p.proowner, 0)
        UNION
        SELECT 'ON SCHEMA fhir_access', a.grantee
          FROM pg_namespace n, aclexplode(n.nspacl) a
         WHERE n.nspname = 'fhir_access' AND a.grantee <> n.nspowner
    LOOP
        EXECUTE format('REVOKE ALL %s FROM %s', given.object,
                       CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(given.grantee)) END);
    END LOOP;
END $$;

-- Everybody may name the schema and ask what its own session may do; nothing that changes state is open to PUBLIC.
GRANT USAGE ON SCHEMA fhir_access TO PUBLIC;
REVOKE EXECUTE ON FUNCTION fhir_access.protect FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION fhir_access.unprotect(regclass) FROM PUBLIC;
-- Nobody else's operators are to be estimated by these.
REVOKE EXECUTE ON FUNCTION fhir_access.estimate_is_any(internal, oid, internal, integer),
    fhir_access.estimate_is_element(internal, oid, internal, integer),
    fhir_access.estimate_starts(internal, oid, internal, integer),
    fhir_access.estimate_contains(internal, oid, internal, integer),
    fhir_access.estimate_is_element_of_many(internal, oid, internal, integer) FROM PUBLIC;
-- What others ran on a pooled connection is no business of the next.
REVOKE EXECUTE ON FUNCTION fhir_access.kept_plans() FROM PUBLIC;
-- It reads all policies.
REVOKE EXECUTE ON FUNCTION fhir_access.index_advice() FROM PUBLIC;
-- A trigger function runs for whoever writes; only to make a trigger of it takes the right to execute it.
REVOKE EXECUTE ON FUNCTION fhir_access.enforce_write(), fhir_access.enforce_truncate(),
    fhir_access.validate_document(), fhir_access.documents_changed(),
    fhir_access.follow_ddl(), fhir_access.follow_grant(), fhir_access.follow_drop() FROM PUBLIC;
GRANT SELECT ON fhir_access.protected_relation TO PUBLIC;
