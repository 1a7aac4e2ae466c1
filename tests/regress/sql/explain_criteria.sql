-- explain(): the condition of each kind of criteria, as it reads: without indexes, where tests look at each row, and with those
-- that index_advice() proposes, where it is what an index is asked.
\ir prologue.sql
\ir granted.sql
SET TIME ZONE 'UTC';
SELECT hold('Patient', 'Observation', 'Encounter', 'ChargeItem', 'ValueSet', 'Bundle', 'MolecularSequence') \g /dev/null
CREATE TABLE kinds (n serial, criteria text);
INSERT INTO kinds (criteria) VALUES
    ('Patient?_id=a'), ('Patient?_id=a,b'), ('Patient?_project=p'), ('Patient?_tag=http://t|vip'), ('Patient?_lastUpdated=ge2024'), ('Patient?_compartment=Patient/x'), ('Patient?_source:below=http://a/b'),
    ('Patient?active=true'), ('Patient?gender=male,female'), ('Patient?identifier=urn:mrn|1'), ('Patient?identifier=|1'), ('Patient?identifier=urn:mrn|'), ('Patient?email=a@b'), ('Patient?deceased=false'), ('Patient?language:text=eng'),
    ('Patient?name=Müller'), ('Patient?name:contains=ull'), ('Patient?family:exact=O''Neill'), ('Patient?address-city=a\,b'), ('Patient?name:missing=true'), ('Patient?name:not=a'),
    ('Patient?birthdate=1990'), ('Patient?birthdate=ne1990'), ('Patient?birthdate=ge1990&birthdate=lt1991-06'), ('Patient?birthdate=1990,ap2000-02'), ('Encounter?date=sa2020-01-01T10:00Z'),
    ('ChargeItem?factor-override=0.5'), ('ChargeItem?factor-override=gt5e1,lt-1'), ('Observation?value-quantity=5.4'), ('Observation?value-quantity=le5.4|http://unitsofmeasure.org|mg'), ('Observation?value-quantity=5.4||mg'), ('MolecularSequence?variant-start=5'),
    ('Observation?subject=Patient/x'), ('Observation?subject=x'), ('Observation?patient=x'), ('Observation?subject:Group=x'), ('Observation?subject:identifier=7'), ('Observation?performer:missing=false'), ('Bundle?composition=c'),
    ('ValueSet?url=http://a'), ('ValueSet?url:below=http://a/b'), ('ValueSet?url:above=http://a/b'),
    ('Observation?code-value-quantity=c$gt5'), ('Observation?component-code-value-concept=s|a$b'), ('Observation?combo-code-value-quantity=a$5'), ('Observation?code:not=a&status=final');
CREATE FUNCTION explained(criteria text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO fhir_access.access_policy (resource) VALUES (policy('explained', criteria)) ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
    PERFORM fhir_access.set_session('{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/explained"}}');
    RETURN (SELECT predicate FROM fhir_access.explain(split_part(criteria, '?', 1)));
END $$;
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '
-- Without indexes.
SELECT criteria, explained(criteria) FROM kinds ORDER BY n;
-- With them; those that are the same are left out.
CREATE TABLE plain AS SELECT n, explained(criteria) AS predicate FROM kinds;
INSERT INTO fhir_access.access_policy (resource) SELECT policy('kind-' || n, criteria) FROM kinds;
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN SELECT a.statement FROM fhir_access.index_advice() a LOOP EXECUTE statement; END LOOP;
END $$;
DELETE FROM fhir_access.access_policy WHERE id LIKE 'kind-%';
SELECT criteria, explained(criteria) FROM kinds JOIN plain USING (n) WHERE explained(criteria) <> predicate ORDER BY n;
-- Each is SQL: who is not subject to policies may run it as it stands, with fhir_access in the search_path for its operators.
SET search_path = public, fhir_access;
DO $$
DECLARE
    kind record;
BEGIN
    FOR kind IN SELECT * FROM kinds LOOP
        EXECUTE format('SELECT FROM %I WHERE %s', lower(split_part(kind.criteria, '?', 1)), explained(kind.criteria));
    END LOOP;
END $$;
