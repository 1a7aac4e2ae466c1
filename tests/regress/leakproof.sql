-- Two tables of the same rows and indexes: patient is protected by fhir_access; plain has a policy of row security that says the
-- same. Half of the rows are granted.
CREATE EXTENSION pg_trgm;
CREATE TABLE patient (
    id text PRIMARY KEY, resource jsonb NOT NULL,
    tags text[] GENERATED ALWAYS AS (fhir_access.strings(resource, 'name*.given*:text')) STORED,
    weight numeric, words tsvector, note text);
CREATE FUNCTION document(n integer) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('resourceType', 'Patient', 'id', 'p' || n, 'gender', CASE n % 2 WHEN 0 THEN 'female' ELSE 'male' END,
        'birthDate', to_char(date '1950-01-01' + n, 'YYYY-MM-DD'), 'active', n % 1000 = 0,
        'name', jsonb_build_array(jsonb_build_object('family', 'Family' || n, 'given', jsonb_build_array('Given' || n, 'Ann'))),
        'address', jsonb_build_array(jsonb_build_object('city', 'City' || n, 'postalCode', lpad(n::text, 5, '0'))),
        'multipleBirthInteger', n, 'identifier', jsonb_build_array(jsonb_build_object('system', 'urn:mrn', 'value', n::text)))
        || CASE WHEN n % 1000 = 0 THEN '{"photo": [{"title": "x"}]}' ELSE '{}' END::jsonb
$$;
INSERT INTO patient (id, resource, weight, words, note)
SELECT 'p' || n, document(n), n, to_tsvector('english', 'note ' || n), 'Note ' || n || ' of somebody' FROM generate_series(1, 20000) n;
CREATE INDEX by_keys ON patient USING gin (resource);
CREATE INDEX by_path ON patient USING gin (resource jsonb_path_ops);
CREATE INDEX by_born ON patient ((resource ->> 'birthDate'));
CREATE INDEX by_given ON patient ((resource -> 'name' -> 0 -> 'given' ->> 0));
CREATE INDEX by_count ON patient ((resource -> 'multipleBirthInteger'));
CREATE INDEX by_city ON patient ((resource #>> '{address,0,city}') text_pattern_ops);
CREATE INDEX by_address ON patient ((resource #> '{address,0}'));
CREATE INDEX by_tags ON patient USING gin (tags);
CREATE INDEX by_weight ON patient (weight);
CREATE INDEX by_words ON patient USING gin (words);
CREATE INDEX by_note ON patient USING gin (note gin_trgm_ops);
CREATE INDEX by_mrn ON patient USING gin (fhir_access.tokens(resource, 'identifier*:Identifier'));
CREATE INDEX by_start ON patient (fhir_access.earliest(resource, 'birthDate:date'));
CREATE INDEX by_number ON patient (fhir_access.lowest(resource, 'multipleBirthInteger:number'));
CREATE INDEX by_part ON patient ((resource ->> 'id')) WHERE resource ? 'photo';
CREATE TABLE plain (LIKE patient INCLUDING ALL EXCLUDING GENERATED);
INSERT INTO plain SELECT * FROM patient;
ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
CREATE POLICY granted ON plain USING (resource @> '{"gender": "female"}');
SELECT fhir_access.protect('patient', 'Patient') \g /dev/null
VACUUM ANALYZE patient;
VACUUM ANALYZE plain;
INSERT INTO fhir_access.access_policy (resource) VALUES
    ('{"resourceType": "AccessPolicy", "id": "women", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=female"}]}'),
    ('{"resourceType": "AccessPolicy", "id": "hidden", "resource": [{"resourceType": "Patient", "criteria": "Patient?gender=female", "hiddenFields": ["address"]}]}'),
    ('{"resourceType": "AccessPolicy", "id": "all", "resource": [{"resourceType": "Patient"}]}');
INSERT INTO fhir_access.project_membership (resource)
SELECT format('{"resourceType": "ProjectMembership", "id": "%s", "accessPolicy": {"reference": "AccessPolicy/%s"}}', id, id)::jsonb
  FROM unnest(ARRAY['women', 'hidden', 'all']) id;
