-- What every other object of the extension builds on: the documents, the registry of protected relations, and the
-- functions that run inside statements of application roles.

-- Who owns the schema can rename it and put another in its place: it must not be somebody else's from before.
DO $$
BEGIN
    IF (SELECT nspowner FROM pg_catalog.pg_namespace WHERE nspname = 'fhir_access')
       <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        RAISE insufficient_privilege USING
            MESSAGE = 'the schema fhir_access exists already and belongs to another role',
            HINT = 'Drop it, or give it to the role that creates the extension.';
    END IF;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Functions in compiled predicates and masks. They read only their arguments, so everybody may execute them.

CREATE FUNCTION fhir_access.test(resource jsonb, test text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_test'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION fhir_access.test(jsonb, text) IS
    'does the resource pass a compiled search test? NULL where an element has the wrong type';

CREATE FUNCTION fhir_access.mask(resource jsonb, fields text) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'fhir_access_mask'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION fhir_access.mask(jsonb, text) IS
    'the resource without the named fields (a comma list of paths); everything else stays byte for byte';

CREATE FUNCTION fhir_access.mask_row(tuple anyelement, resource_column integer, fields text, derived_columns integer[])
    RETURNS anyelement
    AS 'MODULE_PATHNAME', 'fhir_access_mask_row'
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION fhir_access.mask_row(anyelement, integer, text, integer[]) IS
    'a whole row with its resource masked and the columns derived from it set to NULL';

CREATE FUNCTION fhir_access.has_irregular_references(resource jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_has_irregular_references'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION fhir_access.has_irregular_references(jsonb) IS
    'does the resource hold a versioned or contained reference, which equality on the stored text cannot find?';

-- ---------------------------------------------------------------------------------------------------------------------
-- The marker policy. protect() puts it on each table, where \d shows it; it raises 55000 in a session that did not load
-- the library at its start, and the planner drops it in one that did.

CREATE FUNCTION fhir_access.enforced_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'fhir_access_enforced_support'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION fhir_access.enforced() RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_enforced'
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1 SUPPORT fhir_access.enforced_support;
COMMENT ON FUNCTION fhir_access.enforced() IS
    'true in a session that loaded fhir_access at its start; an error in any other';

-- ---------------------------------------------------------------------------------------------------------------------
-- Triggers on protected tables.

CREATE FUNCTION fhir_access.enforce_write() RETURNS trigger
    AS 'MODULE_PATHNAME', 'fhir_access_enforce_write' LANGUAGE c;
CREATE FUNCTION fhir_access.enforce_truncate() RETURNS trigger
    AS 'MODULE_PATHNAME', 'fhir_access_enforce_truncate' LANGUAGE c;

-- ---------------------------------------------------------------------------------------------------------------------
-- Documents.

CREATE FUNCTION fhir_access.validate_document() RETURNS trigger
    AS 'MODULE_PATHNAME', 'fhir_access_validate_document' LANGUAGE c;
CREATE FUNCTION fhir_access.documents_changed() RETURNS trigger
    AS 'MODULE_PATHNAME', 'fhir_access_documents_changed' LANGUAGE c;

CREATE TABLE fhir_access.access_policy (
    id text PRIMARY KEY GENERATED ALWAYS AS (resource ->> 'id') STORED,
    resource jsonb NOT NULL
);
CREATE TABLE fhir_access.project_membership (
    id text PRIMARY KEY GENERATED ALWAYS AS (resource ->> 'id') STORED,
    resource jsonb NOT NULL
);
CREATE TABLE fhir_access.project (
    id text PRIMARY KEY GENERATED ALWAYS AS (resource ->> 'id') STORED,
    resource jsonb NOT NULL
);
COMMENT ON TABLE fhir_access.access_policy IS 'AccessPolicy documents, validated when written';
COMMENT ON TABLE fhir_access.project_membership IS 'ProjectMembership documents, validated when written';
COMMENT ON TABLE fhir_access.project IS 'Project documents, validated when written';

CREATE TABLE fhir_access.protection (
    relation regclass PRIMARY KEY,
    resource_type text NOT NULL,
    resource_column name NOT NULL,
    id_column name NOT NULL,
    irregular_references boolean NOT NULL
);
COMMENT ON TABLE fhir_access.protection IS 'the registry behind fhir_access.protected_relation; protect() and unprotect() write it';
COMMENT ON COLUMN fhir_access.protection.irregular_references IS
    'some row holds a versioned or contained reference, so predicates must look beyond equality';

DO $$
DECLARE
    document text;
BEGIN
    FOREACH document IN ARRAY ARRAY['access_policy', 'project_membership', 'project'] LOOP
        EXECUTE format('CREATE TRIGGER validate BEFORE INSERT OR UPDATE ON fhir_access.%I
                        FOR EACH ROW EXECUTE FUNCTION fhir_access.validate_document()', document);
    END LOOP;
    FOREACH document IN ARRAY ARRAY['access_policy', 'project_membership', 'project', 'protection'] LOOP
        EXECUTE format('CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON fhir_access.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION fhir_access.documents_changed()', document);
        EXECUTE format('ALTER TABLE fhir_access.%I ENABLE ALWAYS TRIGGER changed', document);
        -- Of the registry, what is still there: another database's table could have a lost one's OID.
        PERFORM pg_catalog.pg_extension_config_dump(
            format('fhir_access.%I', document)::regclass,
            CASE document WHEN 'protection'
                THEN 'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = relation)' ELSE '' END);
    END LOOP;
END $$;

CREATE VIEW fhir_access.protected_relation AS
    SELECT p.relation, p.resource_type, p.resource_column, p.id_column,
           c.relrowsecurity AND c.relforcerowsecurity AS row_security,
           p.irregular_references
      FROM fhir_access.protection p
      JOIN pg_catalog.pg_class c ON c.oid = p.relation;
COMMENT ON VIEW fhir_access.protected_relation IS 'what is protected, and how';
