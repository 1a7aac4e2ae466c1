-- What an expert without the extension makes to answer the criteria of `cargo xtask bench criteria`: functions and indexes.
-- All names begin with hand_. Where an element repeats, the functions look at all of its items; the indexes whose names
-- end in first do not, and are right on the generated data only. The GIN index on the document is among the advised ones.

CREATE EXTENSION pg_trgm;

-- Tokens.
CREATE FUNCTION hand_codes(resource jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT (coding ->> 'system') || '|' || (coding ->> 'code')
                   FROM jsonb_array_elements(resource #> '{code,coding}') AS coding) $$;
CREATE INDEX hand_codes ON observation USING gin (hand_codes(resource));
CREATE INDEX hand_code_first ON observation
    ((resource #>> '{code,coding,0,system}'), (resource #>> '{code,coding,0,code}'));

-- References.
CREATE INDEX hand_subject ON observation ((resource #>> '{subject,reference}'));
CREATE INDEX hand_risk_subject ON risk_assessment ((resource #>> '{subject,reference}'));
CREATE FUNCTION hand_compartment(resource jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY[resource #>> '{subject,reference}', resource #>> '{meta,account,reference}']
        || ARRAY(SELECT performer ->> 'reference' FROM jsonb_array_elements(resource -> 'performer') AS performer)
        || ARRAY(SELECT account ->> 'reference' FROM jsonb_array_elements(resource #> '{meta,accounts}') AS account) $$;
CREATE INDEX hand_compartment ON observation USING gin (hand_compartment(resource));

-- Dates, as texts: right where all are as precise and in the same time zone, or are days or less.
CREATE INDEX hand_birth_date ON patient (((resource ->> 'birthDate') COLLATE "C"));
CREATE INDEX hand_effective ON observation (((resource ->> 'effectiveDateTime') COLLATE "C"));
CREATE FUNCTION hand_start(resource jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(resource ->> 'effectiveDateTime', resource #>> '{effectivePeriod,start}',
                    CASE WHEN resource ? 'effectivePeriod' THEN '' END) COLLATE "C" $$;
CREATE FUNCTION hand_end(resource jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(resource ->> 'effectiveDateTime', resource #>> '{effectivePeriod,end}',
                    CASE WHEN resource ? 'effectivePeriod' THEN '9999' END) COLLATE "C" $$;
CREATE INDEX hand_span ON observation (hand_end(resource) COLLATE "C", hand_start(resource) COLLATE "C");

-- Numbers and quantities.
CREATE FUNCTION hand_probability(resource jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT max((prediction ->> 'probabilityDecimal')::numeric)
      FROM jsonb_array_elements(resource -> 'prediction') AS prediction $$;
CREATE INDEX hand_probability ON risk_assessment (hand_probability(resource));
CREATE INDEX hand_quantity ON observation
    ((resource #>> '{valueQuantity,system}'), (resource #>> '{valueQuantity,code}'),
     ((resource #>> '{valueQuantity,value}')::numeric));

-- Strings. A text search vector is the array of texts that can be asked for beginnings.
CREATE FUNCTION hand_families(resource jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT lower(name ->> 'family') FROM jsonb_array_elements(resource -> 'name') AS name
                  WHERE name ->> 'family' <> '') $$;
CREATE INDEX hand_families ON patient USING gin (array_to_tsvector(hand_families(resource)));
CREATE INDEX hand_family_first ON patient (lower(resource #>> '{name,0,family}') text_pattern_ops);
CREATE FUNCTION hand_family_text(resource jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT string_agg(lower(name ->> 'family'), E'\n') FROM jsonb_array_elements(resource -> 'name') AS name $$;
CREATE INDEX hand_family_trigrams ON patient USING gin (hand_family_text(resource) gin_trgm_ops);

-- URIs.
CREATE FUNCTION hand_profiles(resource jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT jsonb_array_elements_text(resource #> '{meta,profile}')) $$;
CREATE INDEX hand_profiles ON observation USING gin (hand_profiles(resource));
CREATE INDEX hand_profiles_below ON observation USING gin (array_to_tsvector(hand_profiles(resource)));
CREATE INDEX hand_profile_first ON observation ((resource #>> '{meta,profile,0}') text_pattern_ops);

-- Composites.
CREATE INDEX hand_component_first ON observation
    ((resource #>> '{component,0,code,coding,0,system}'), (resource #>> '{component,0,code,coding,0,code}'),
     ((resource #>> '{component,0,valueQuantity,value}')::numeric));
