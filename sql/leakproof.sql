-- The leakproof twins of PostgreSQL's operators. A statement's own conditions on protected tables call them in the place of the
-- operators' functions, so that the planner may ask the table's indexes before row security's conditions: docs/leakproof.md says
-- which, and why. They are everybody's to execute, as those of the operators are; called by hand some of them are NULL.

CREATE FUNCTION fhir_access.twin_field(jsonb, text) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'fhir_access_twin_field'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_field(jsonb, text) IS 'leakproof twin of jsonb -> text';
CREATE FUNCTION fhir_access.twin_field_text(jsonb, text) RETURNS text
    AS 'MODULE_PATHNAME', 'fhir_access_twin_field_text'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_field_text(jsonb, text) IS 'leakproof twin of jsonb ->> text';
CREATE FUNCTION fhir_access.twin_element(jsonb, integer) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'fhir_access_twin_element'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_element(jsonb, integer) IS 'leakproof twin of jsonb -> integer';
CREATE FUNCTION fhir_access.twin_element_text(jsonb, integer) RETURNS text
    AS 'MODULE_PATHNAME', 'fhir_access_twin_element_text'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_element_text(jsonb, integer) IS 'leakproof twin of jsonb ->> integer';
CREATE FUNCTION fhir_access.twin_path(jsonb, text[]) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'fhir_access_twin_path'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_path(jsonb, text[]) IS 'leakproof twin of jsonb #> text[]';
CREATE FUNCTION fhir_access.twin_path_text(jsonb, text[]) RETURNS text
    AS 'MODULE_PATHNAME', 'fhir_access_twin_path_text'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_path_text(jsonb, text[]) IS 'leakproof twin of jsonb #>> text[]';
CREATE FUNCTION fhir_access.twin_contains(jsonb, jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_contains'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_contains(jsonb, jsonb) IS 'leakproof twin of jsonb @> jsonb';
CREATE FUNCTION fhir_access.twin_contains_document(jsonb, jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_contains_document'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_contains_document(jsonb, jsonb) IS 'leakproof twin of jsonb @> jsonb';
CREATE FUNCTION fhir_access.twin_contained(jsonb, jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_contained'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_contained(jsonb, jsonb) IS 'leakproof twin of jsonb <@ jsonb';
CREATE FUNCTION fhir_access.twin_contained_document(jsonb, jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_contained_document'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_contained_document(jsonb, jsonb) IS 'leakproof twin of jsonb <@ jsonb';
CREATE FUNCTION fhir_access.twin_exists(jsonb, text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_exists'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_exists(jsonb, text) IS 'leakproof twin of jsonb ? text';
CREATE FUNCTION fhir_access.twin_exists_any(jsonb, text[]) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_exists_any'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_exists_any(jsonb, text[]) IS 'leakproof twin of jsonb ?| text[]';
CREATE FUNCTION fhir_access.twin_exists_all(jsonb, text[]) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_exists_all'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_exists_all(jsonb, text[]) IS 'leakproof twin of jsonb ?& text[]';
CREATE FUNCTION fhir_access.twin_path_exists(jsonb, jsonpath) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_path_exists'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_path_exists(jsonb, jsonpath) IS 'leakproof twin of jsonb @? jsonpath';
CREATE FUNCTION fhir_access.twin_path_match(jsonb, jsonpath) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_path_match'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_path_match(jsonb, jsonpath) IS 'leakproof twin of jsonb @@ jsonpath';
CREATE FUNCTION fhir_access.twin_like(text, text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_like'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF SUPPORT pg_catalog.textlike_support;
COMMENT ON FUNCTION fhir_access.twin_like(text, text) IS 'leakproof twin of text ~~ text';
CREATE FUNCTION fhir_access.twin_not_like(text, text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_not_like'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_not_like(text, text) IS 'leakproof twin of text !~~ text';
CREATE FUNCTION fhir_access.twin_ilike(text, text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_ilike'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF SUPPORT pg_catalog.texticlike_support;
COMMENT ON FUNCTION fhir_access.twin_ilike(text, text) IS 'leakproof twin of text ~~* text';
CREATE FUNCTION fhir_access.twin_not_ilike(text, text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_not_ilike'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_not_ilike(text, text) IS 'leakproof twin of text !~~* text';
CREATE FUNCTION fhir_access.twin_array_contains(anyarray, anyarray) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_array_contains'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_array_contains(anyarray, anyarray) IS 'leakproof twin of anyarray @> anyarray';
CREATE FUNCTION fhir_access.twin_array_contained(anyarray, anyarray) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_array_contained'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_array_contained(anyarray, anyarray) IS 'leakproof twin of anyarray <@ anyarray';
CREATE FUNCTION fhir_access.twin_array_overlaps(anyarray, anyarray) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_array_overlaps'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_array_overlaps(anyarray, anyarray) IS 'leakproof twin of anyarray && anyarray';
CREATE FUNCTION fhir_access.twin_matches(tsvector, tsquery) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_matches'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_matches(tsvector, tsquery) IS 'leakproof twin of tsvector @@ tsquery';
CREATE FUNCTION fhir_access.twin_is_matched(tsquery, tsvector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_is_matched'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_is_matched(tsquery, tsvector) IS 'leakproof twin of tsquery @@ tsvector';
CREATE FUNCTION fhir_access.twin_numeric_eq(numeric, numeric) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_numeric_eq'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_numeric_eq(numeric, numeric) IS 'leakproof twin of numeric = numeric';
CREATE FUNCTION fhir_access.twin_numeric_ne(numeric, numeric) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_numeric_ne'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_numeric_ne(numeric, numeric) IS 'leakproof twin of numeric <> numeric';
CREATE FUNCTION fhir_access.twin_numeric_lt(numeric, numeric) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_numeric_lt'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_numeric_lt(numeric, numeric) IS 'leakproof twin of numeric < numeric';
CREATE FUNCTION fhir_access.twin_numeric_le(numeric, numeric) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_numeric_le'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_numeric_le(numeric, numeric) IS 'leakproof twin of numeric <= numeric';
CREATE FUNCTION fhir_access.twin_numeric_gt(numeric, numeric) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_numeric_gt'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_numeric_gt(numeric, numeric) IS 'leakproof twin of numeric > numeric';
CREATE FUNCTION fhir_access.twin_numeric_ge(numeric, numeric) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_numeric_ge'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_numeric_ge(numeric, numeric) IS 'leakproof twin of numeric >= numeric';
CREATE FUNCTION fhir_access.twin_jsonb_eq(jsonb, jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_jsonb_eq'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_jsonb_eq(jsonb, jsonb) IS 'leakproof twin of jsonb = jsonb';
CREATE FUNCTION fhir_access.twin_jsonb_ne(jsonb, jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_jsonb_ne'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_jsonb_ne(jsonb, jsonb) IS 'leakproof twin of jsonb <> jsonb';
CREATE FUNCTION fhir_access.twin_jsonb_lt(jsonb, jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_jsonb_lt'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_jsonb_lt(jsonb, jsonb) IS 'leakproof twin of jsonb < jsonb';
CREATE FUNCTION fhir_access.twin_jsonb_le(jsonb, jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_jsonb_le'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_jsonb_le(jsonb, jsonb) IS 'leakproof twin of jsonb <= jsonb';
CREATE FUNCTION fhir_access.twin_jsonb_gt(jsonb, jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_jsonb_gt'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_jsonb_gt(jsonb, jsonb) IS 'leakproof twin of jsonb > jsonb';
CREATE FUNCTION fhir_access.twin_jsonb_ge(jsonb, jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'fhir_access_twin_jsonb_ge'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_jsonb_ge(jsonb, jsonb) IS 'leakproof twin of jsonb >= jsonb';
CREATE FUNCTION fhir_access.twin_concat(text, text) RETURNS text
    AS 'MODULE_PATHNAME', 'fhir_access_twin_concat'
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF;
COMMENT ON FUNCTION fhir_access.twin_concat(text, text) IS 'leakproof twin of text || text';
