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

CREATE FUNCTION fhir_access.test_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'fhir_access_test_support'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION fhir_access.test(resource jsonb, test text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_test'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 SUPPORT fhir_access.test_support;
COMMENT ON FUNCTION fhir_access.test(jsonb, text) IS
    'does the resource pass a compiled search test? NULL where an element has the wrong type';

CREATE FUNCTION fhir_access.mask(resource jsonb, fields text) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'fhir_access_mask'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION fhir_access.mask(jsonb, text) IS
    'the resource without the named fields (a comma list of paths); everything else stays byte for byte';

-- Documents that are kept as text. What is no JSON is no document: NULL, and never an error, which would quote it.
CREATE FUNCTION fhir_access.document(resource text) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'fhir_access_document'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 50;
COMMENT ON FUNCTION fhir_access.document(text) IS
    'the JSON text as jsonb; NULL where it is none';
CREATE FUNCTION fhir_access.document(resource json) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'fhir_access_document'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 50;
COMMENT ON FUNCTION fhir_access.document(json) IS
    'the value as jsonb; NULL where jsonb cannot hold it';

CREATE FUNCTION fhir_access.mask_text(resource text, fields text) RETURNS text
    AS 'MODULE_PATHNAME', 'fhir_access_mask_text'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION fhir_access.mask_text(text, text) IS
    'the resource without the named fields (a comma list of paths), as jsonb writes it; NULL where it is no JSON';
CREATE FUNCTION fhir_access.mask_text(resource json, fields text) RETURNS json
    AS 'MODULE_PATHNAME', 'fhir_access_mask_text'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION fhir_access.mask_text(json, text) IS
    'the resource without the named fields (a comma list of paths), as jsonb writes it; NULL where jsonb cannot hold it';

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

CREATE FUNCTION fhir_access.is_of_type_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'fhir_access_is_of_type_support'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION fhir_access.is_of_type(resource jsonb, resource_type text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_is_of_type'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 2 SUPPORT fhir_access.is_of_type_support;
COMMENT ON FUNCTION fhir_access.is_of_type(jsonb, text) IS
    'does the resource say that it is of this type? In tables of several types it must say what the column beside it says';

-- FHIR's read interaction. It looks with the session's policies, so that it is nobody's constant.
CREATE FUNCTION fhir_access.read(resource_type text, id text) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'fhir_access_read'
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION fhir_access.read(text, text) IS
    'a resource by its type and id, as the membership may read it; NULL where there is none that it may';

-- What the rows of Binary are granted by. It looks up another resource with the session's policies.
CREATE FUNCTION fhir_access.security_context_readable(resource jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_security_context_readable'
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION fhir_access.security_context_readable(jsonb) IS
    'may the membership read what the resource''s securityContext refers to? true where there is none';
-- FHIR's vread interaction, likewise.
CREATE FUNCTION fhir_access.vread(resource_type text, id text, version_id text) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'fhir_access_vread'
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION fhir_access.vread(text, text, text) IS
    'a version of a resource, as the membership may read it; NULL where there is none that it may';

-- For people who write policies.
CREATE FUNCTION fhir_access.fhirpath(resource jsonb, expression text) RETURNS SETOF jsonb
    AS 'MODULE_PATHNAME', 'fhir_access_fhirpath'
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 ROWS 1;
COMMENT ON FUNCTION fhir_access.fhirpath(jsonb, text) IS
    'what a FHIRPath expression comes to on a resource: a row for each item';

-- ---------------------------------------------------------------------------------------------------------------------
-- What indexes are made of. Each takes the elements at some paths of a document ('birthDate:date', 'name*:HumanName') and
-- gives a value to index; what is wrongly typed is not there. Texts are cut after 1,000 bytes, at the end of a character,
-- and numbers after 1,200 digits, so that no document is too large for an index.

CREATE FUNCTION fhir_access.earliest(resource jsonb, paths text) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'fhir_access_earliest'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10;
COMMENT ON FUNCTION fhir_access.earliest(jsonb, text) IS
    'when the earliest of the dates and periods begins; -infinity where one has no start, NULL where there is none';

CREATE FUNCTION fhir_access.latest(resource jsonb, paths text) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'fhir_access_latest'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10;
COMMENT ON FUNCTION fhir_access.latest(jsonb, text) IS
    'when the latest of the dates and periods is over; infinity where one has no end, NULL where there is none';

CREATE FUNCTION fhir_access.lowest(resource jsonb, paths text) RETURNS numeric
    AS 'MODULE_PATHNAME', 'fhir_access_lowest'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10;
COMMENT ON FUNCTION fhir_access.lowest(jsonb, text) IS
    'the least of the numbers, quantities and ranges; -infinity where one is open below, NULL where there is none';

CREATE FUNCTION fhir_access.highest(resource jsonb, paths text) RETURNS numeric
    AS 'MODULE_PATHNAME', 'fhir_access_highest'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10;
COMMENT ON FUNCTION fhir_access.highest(jsonb, text) IS
    'the greatest of the numbers, quantities and ranges; infinity where one is open above, NULL where there is none';

CREATE FUNCTION fhir_access.unit(resource jsonb, paths text) RETURNS text
    AS 'MODULE_PATHNAME', 'fhir_access_unit'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION fhir_access.unit(jsonb, text) IS
    'the unit of the quantity, as system|code';

CREATE FUNCTION fhir_access.strings(resource jsonb, paths text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'fhir_access_strings'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10;
COMMENT ON FUNCTION fhir_access.strings(jsonb, text) IS
    'the strings, without regard to case and accents';

CREATE FUNCTION fhir_access.uris(resource jsonb, paths text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'fhir_access_uris'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10;
COMMENT ON FUNCTION fhir_access.uris(jsonb, text) IS
    'the URIs, letter by letter';

CREATE FUNCTION fhir_access.tokens(resource jsonb, paths text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'fhir_access_tokens'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10;
COMMENT ON FUNCTION fhir_access.tokens(jsonb, text) IS
    'the codes as code, system|code, |code (no system) and system|';

CREATE FUNCTION fhir_access.targets(resource jsonb, paths text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'fhir_access_targets'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10;
COMMENT ON FUNCTION fhir_access.targets(jsonb, text) IS
    'what the references refer to, as Type/id or URL';

-- Operators on the texts, and the operator class that indexes them. What is looked for is cut, too.

CREATE FUNCTION fhir_access.starts_with_any(texts text[], beginnings text[]) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_starts_with_any'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.starts_with_any(text[], text[]) IS 'implementation of fhir_access.^@ operator';

CREATE FUNCTION fhir_access.contains_any(texts text[], parts text[]) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_contains_any'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.contains_any(text[], text[]) IS 'implementation of fhir_access.@~ operator';

CREATE FUNCTION fhir_access.estimate_starts(internal, oid, internal, integer) RETURNS double precision
    AS 'MODULE_PATHNAME', 'fhir_access_estimate_starts'
    LANGUAGE c STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION fhir_access.estimate_contains(internal, oid, internal, integer) RETURNS double precision
    AS 'MODULE_PATHNAME', 'fhir_access_estimate_contains'
    LANGUAGE c STABLE STRICT PARALLEL SAFE;

CREATE OPERATOR fhir_access.^@ (
    LEFTARG = text[], RIGHTARG = text[], FUNCTION = fhir_access.starts_with_any,
    RESTRICT = fhir_access.estimate_starts, JOIN = matchingjoinsel);
COMMENT ON OPERATOR fhir_access.^@ (text[], text[]) IS 'some text starts with one of these';

CREATE OPERATOR fhir_access.@~ (
    LEFTARG = text[], RIGHTARG = text[], FUNCTION = fhir_access.contains_any,
    RESTRICT = fhir_access.estimate_contains, JOIN = matchingjoinsel);
COMMENT ON OPERATOR fhir_access.@~ (text[], text[]) IS
    'some text contains one of these, or has 997 bytes or more and may contain anything behind its cut';

-- ?| is && for long lists. Its support function asks an index ?~ for each text, which is ? with another estimator.
CREATE FUNCTION fhir_access.is_any_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'fhir_access_is_any_support'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
-- Its cost is that of the texts of a document, which are what it is asked about.
CREATE FUNCTION fhir_access.is_any(texts text[], others text[]) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_is_any'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 100 SUPPORT fhir_access.is_any_support;
COMMENT ON FUNCTION fhir_access.is_any(text[], text[]) IS 'implementation of fhir_access.?| operator';
CREATE FUNCTION fhir_access.is_element(texts text[], other text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_is_element'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.is_element(text[], text) IS 'implementation of fhir_access.? operator';
CREATE FUNCTION fhir_access.estimate_is_any(internal, oid, internal, integer) RETURNS double precision
    AS 'MODULE_PATHNAME', 'fhir_access_estimate_is_any'
    LANGUAGE c STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION fhir_access.estimate_is_element(internal, oid, internal, integer) RETURNS double precision
    AS 'MODULE_PATHNAME', 'fhir_access_estimate_is_element'
    LANGUAGE c STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION fhir_access.estimate_is_element_of_many(internal, oid, internal, integer) RETURNS double precision
    AS 'MODULE_PATHNAME', 'fhir_access_estimate_is_element_of_many'
    LANGUAGE c STABLE STRICT PARALLEL SAFE;

CREATE OPERATOR fhir_access.?| (
    LEFTARG = text[], RIGHTARG = text[], FUNCTION = fhir_access.is_any,
    RESTRICT = fhir_access.estimate_is_any, JOIN = arraycontjoinsel);
COMMENT ON OPERATOR fhir_access.?| (text[], text[]) IS 'some text is one of these';

CREATE OPERATOR fhir_access.? (
    LEFTARG = text[], RIGHTARG = text, FUNCTION = fhir_access.is_element,
    RESTRICT = fhir_access.estimate_is_element, JOIN = contjoinsel);
COMMENT ON OPERATOR fhir_access.? (text[], text) IS 'some text is this one';

CREATE OPERATOR fhir_access.?~ (
    LEFTARG = text[], RIGHTARG = text, FUNCTION = fhir_access.is_element,
    RESTRICT = fhir_access.estimate_is_element_of_many, JOIN = contjoinsel);
COMMENT ON OPERATOR fhir_access.?~ (text[], text) IS 'some text is this one: what ?| asks an index';

CREATE FUNCTION fhir_access.prefix_extract_value(text[], internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'fhir_access_prefix_extract_value'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION fhir_access.prefix_extract_query(text[], internal, smallint, internal, internal, internal, internal)
    RETURNS internal
    AS 'MODULE_PATHNAME', 'fhir_access_prefix_extract_query'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION fhir_access.prefix_compare_partial(text, text, smallint, internal) RETURNS integer
    AS 'MODULE_PATHNAME', 'fhir_access_prefix_compare_partial'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION fhir_access.prefix_consistent(internal, smallint, text[], integer, internal, internal, internal)
    RETURNS "char"
    AS 'MODULE_PATHNAME', 'fhir_access_prefix_consistent'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR CLASS fhir_access.prefix_ops FOR TYPE text[] USING gin AS
    OPERATOR 1 fhir_access.^@ (text[], text[]),
    OPERATOR 2 fhir_access.@~ (text[], text[]),
    OPERATOR 3 pg_catalog.&& (anyarray, anyarray),
    OPERATOR 4 fhir_access.? (text[], text),
    OPERATOR 5 fhir_access.?~ (text[], text),
    FUNCTION 1 pg_catalog.bttext_pattern_cmp(text, text),
    FUNCTION 2 fhir_access.prefix_extract_value(text[], internal, internal),
    FUNCTION 3 fhir_access.prefix_extract_query(text[], internal, smallint, internal, internal, internal, internal),
    FUNCTION 5 fhir_access.prefix_compare_partial(text, text, smallint, internal),
    FUNCTION 6 fhir_access.prefix_consistent(internal, smallint, text[], integer, internal, internal, internal),
    STORAGE text;
COMMENT ON OPERATOR CLASS fhir_access.prefix_ops USING gin IS 'for ^@, @~ and ?| on fhir_access.strings(), uris(), tokens() and targets()';

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
CREATE FUNCTION fhir_access.enforce_registry() RETURNS trigger
    AS 'MODULE_PATHNAME', 'fhir_access_enforce_registry' LANGUAGE c;

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
    resource_type text,
    resource_column name NOT NULL,
    id_column name NOT NULL,
    irregular_references boolean NOT NULL,
    resource_type_column name,
    irregular_types text[],
    derived_columns jsonb,
    project_column name,
    history_of regclass,
    version_column name
);
COMMENT ON TABLE fhir_access.protection IS 'the registry behind fhir_access.protected_relation; protect() and unprotect() write it';
COMMENT ON COLUMN fhir_access.protection.resource_type IS
    'the type of all rows; NULL where each row says of which type it is, in resource_type_column or in its document alone';
COMMENT ON COLUMN fhir_access.protection.irregular_references IS
    'some row holds a versioned or contained reference, so predicates must look beyond equality';
COMMENT ON COLUMN fhir_access.protection.irregular_types IS
    'where each row says of which type it is: the types of such rows';
COMMENT ON COLUMN fhir_access.protection.history_of IS
    'the rows are versions of the resources in this table; 0 where it was dropped';

-- The documents are under policies themselves, from the start and for good: whom the database's owner lets at these tables
-- has the rights of the session's membership there, and no others. (The visible policies come with the first GRANT: a dump
-- brings them back, and would be in the way of ours. Until then nobody but the owner reaches the tables.)
INSERT INTO fhir_access.protection (relation, resource_type, resource_column, id_column, irregular_references) VALUES
    ('fhir_access.access_policy', 'AccessPolicy', 'resource', 'id', false),
    ('fhir_access.project_membership', 'ProjectMembership', 'resource', 'id', false),
    ('fhir_access.project', 'Project', 'resource', 'id', false);

-- Whoever could write here could open a table: its owner's functions do, and nobody else.
CREATE TRIGGER enforce BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON fhir_access.protection
    FOR EACH STATEMENT EXECUTE FUNCTION fhir_access.enforce_registry();
ALTER TABLE fhir_access.protection ENABLE ALWAYS TRIGGER enforce;

DO $$
DECLARE
    document text;
BEGIN
    FOREACH document IN ARRAY ARRAY['access_policy', 'project_membership', 'project'] LOOP
        EXECUTE format('CREATE TRIGGER validate BEFORE INSERT OR UPDATE ON fhir_access.%I
                        FOR EACH ROW EXECUTE FUNCTION fhir_access.validate_document()', document);
        EXECUTE format('CREATE TRIGGER zzz_fhir_access BEFORE INSERT OR UPDATE OR DELETE ON fhir_access.%I
                        FOR EACH ROW EXECUTE FUNCTION fhir_access.enforce_write()', document);
        EXECUTE format('CREATE TRIGGER fhir_access_truncate BEFORE TRUNCATE ON fhir_access.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION fhir_access.enforce_truncate()', document);
        EXECUTE format('ALTER TABLE fhir_access.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY,
                        ENABLE ALWAYS TRIGGER zzz_fhir_access, ENABLE ALWAYS TRIGGER fhir_access_truncate', document);
    END LOOP;
    FOREACH document IN ARRAY ARRAY['access_policy', 'project_membership', 'project', 'protection'] LOOP
        EXECUTE format('CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON fhir_access.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION fhir_access.documents_changed()', document);
        EXECUTE format('ALTER TABLE fhir_access.%I ENABLE ALWAYS TRIGGER changed', document);
        -- Of the registry, what is still there: another database's table could have a lost one's OID. The documents' own
        -- tables come with the extension.
        PERFORM pg_catalog.pg_extension_config_dump(
            format('fhir_access.%I', document)::regclass,
            CASE document WHEN 'protection'
                THEN 'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = relation
                                       AND c.relnamespace <> ''fhir_access''::pg_catalog.regnamespace)
                        AND (history_of IS NULL OR history_of = 0
                             OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = history_of))' ELSE '' END);
    END LOOP;
END $$;

CREATE VIEW fhir_access.protected_relation AS
    SELECT p.relation, p.resource_type, p.resource_column, p.id_column,
           c.relrowsecurity AND c.relforcerowsecurity AS row_security,
           p.irregular_references, p.resource_type_column, p.irregular_types, p.derived_columns, p.project_column,
           p.history_of, p.version_column
      FROM fhir_access.protection p
      JOIN pg_catalog.pg_class c ON c.oid = p.relation
     WHERE p.relation <> ALL (ARRAY['fhir_access.access_policy', 'fhir_access.project_membership', 'fhir_access.project']::regclass[]);
COMMENT ON VIEW fhir_access.protected_relation IS 'what protect() protects, and how; the documents'' own tables always are';
