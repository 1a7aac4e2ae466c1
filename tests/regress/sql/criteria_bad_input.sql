-- Malformed values. What stands in a policy is refused when it is written: 22023, the path, the position within the criteria
-- and what was expected. What comes from a membership's parameters is refused when the session is used: 28000, the names of
-- membership and parameter, and never the value.
\ir prologue.sql
\ir granted.sql
SELECT hold('Patient', 'Observation', 'ValueSet');
SELECT store('Patient', 'p', '{"birthDate": "1990-01-01", "name": [{"family": "A"}]}'), store('Observation', 'o', '{"subject": {"reference": "Patient/p"}}') \g /dev/null

-- ---------------------------------------------------------------------------------------------------------------------
-- In a policy.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "resource": [{"resourceType": "Observation"}, {"resourceType": "Patient", "criteria": "Patient?active=true&birthdate=1990-13-45"}]}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES (policy('x', 'Observation?value-quantity=abc'));
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES (policy('x', 'Patient?_lastUpdated=gt'));
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES (policy('x', 'Observation?code=|'));
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES (policy('x', 'Patient?name=a\'));
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES (policy('x', 'Patient?name=%C3%'));
\echo :LAST_ERROR_SQLSTATE

-- Values of each kind; the message says the position.
SELECT c AS criteria, coalesce(v.message, 'is no mistake') AS message
  FROM unnest(ARRAY['Patient?birthdate=1990-13', 'Patient?birthdate=1990-02-30', 'Patient?birthdate=1990-1-1', 'Patient?birthdate=90', 'Patient?birthdate=1990-01-01T10', 'Patient?birthdate=1990-01-01T25:00', 'Patient?birthdate=1990-01-01T10:00:00+25:00',
                    'Patient?birthdate=1990-01-01 10:00', 'Patient?birthdate=now', 'Patient?birthdate=infinity', 'Patient?birthdate=ge', 'Patient?birthdate=xx1990', 'Patient?birthdate=GE1990', 'Patient?birthdate=ge 1990', 'Patient?birthdate=gege1990', 'Patient?birthdate=0000',
                    'Patient?birthdate=10000', 'Patient?birthdate=1990|', 'Patient?birthdate=1990,', 'Patient?birthdate=,1990', 'Patient?birthdate=1990,,1991', 'Patient?birthdate=9999-12-31T23:59:59.999999999Z']) WITH ORDINALITY t (c, n)
  LEFT JOIN LATERAL fhir_access.validate(policy('x', c)) v ON true ORDER BY n;
SELECT c AS criteria, coalesce(v.message, 'is no mistake') AS message
  FROM unnest(ARRAY['ChargeItem?factor-override=', 'ChargeItem?factor-override=five', 'ChargeItem?factor-override=1,5', 'ChargeItem?factor-override=1.', 'ChargeItem?factor-override=.5', 'ChargeItem?factor-override=01', 'ChargeItem?factor-override=+1', 'ChargeItem?factor-override=1e', 'ChargeItem?factor-override=1e99999',
                    'ChargeItem?factor-override=1e1001', 'ChargeItem?factor-override=-1e-1000', 'ChargeItem?factor-override=NaN', 'ChargeItem?factor-override=Infinity', 'ChargeItem?factor-override=0x10', 'ChargeItem?factor-override=1_000', 'ChargeItem?factor-override=gt', 'ChargeItem?factor-override=5|u|c',
                    'Observation?value-quantity=5|mg', 'Observation?value-quantity=5|s|c|x', 'Observation?value-quantity=|s|c', 'Observation?value-quantity=5||', 'Observation?value-quantity=5|s|', 'Observation?value-quantity=gt|s|c', 'Observation?value-quantity=5 mg', 'Observation?value-quantity=zz5']) WITH ORDINALITY t (c, n)
  LEFT JOIN LATERAL fhir_access.validate(policy('x', c)) v ON true ORDER BY n;
SELECT c AS criteria, coalesce(v.message, 'is no mistake') AS message
  FROM unnest(ARRAY['Observation?code=', 'Observation?code=a|b|c', 'Observation?code=||', 'Observation?status=s|final', 'Patient?active=TRUE', 'Patient?deceased=2020', 'Patient?gender=a,', 'Patient?name=', 'Patient?name=%CC%81', 'Patient?name:exact=%CC%81',
                    'Observation?subject=Patient/', 'Observation?subject=/x', 'Observation?subject=Pateint/x', 'Observation?subject=patient/x', 'Observation?subject=a b', 'Observation?subject=Patient/x/_history/2', 'Observation?subject=#x', 'Observation?subject=http://a b', 'Observation?subject=urn:uuid:x',
                    'Patient?_id=', 'Patient?_id=a/b', 'Patient?_id=http://a/Patient/x', 'Patient?_id=a_b', 'Patient?_compartment=', 'Patient?_compartment=Patient', 'Patient?_project=a b',
                    'ValueSet?url=', 'ValueSet?url:below=a', 'ValueSet?url:below=http://', 'ValueSet?url=a b']) WITH ORDINALITY t (c, n)
  LEFT JOIN LATERAL fhir_access.validate(policy('x', c)) v ON true ORDER BY n;
-- Escapes and percent-encoding. `%zz` is no broken escape, but a parameter named zz, which a membership must then define.
SELECT c AS criteria, coalesce(v.message, 'is no mistake') AS message, v.hint
  FROM unnest(ARRAY['Patient?name=\', 'Patient?name=a\b', 'Patient?name=a\\\', 'Patient?name=a\%2C', 'Patient?name=a%5C', 'Patient?name=a%5C,b', 'Patient?name=\%x', 'Patient?name=%', 'Patient?name=%4', 'Patient?name=%zz', 'Patient?name=%C3', 'Patient?name=%C3%28', 'Patient?name=%E2%82', 'Patient?name=%ED%A0%80', 'Patient?name=%F5%80%80%80',
                    'Patient?name=%00', 'Patient?name=%C0%80', 'Patient?name=100%', 'Patient?name=%25', 'Patient?n%61me=a', 'Patient?name=a%26gender=male', 'Patient?na%zzme=a', 'Patient?%name=a', 'Patient?name=a=b', 'Patient?name=a#b', 'Patient?name=a?b']) WITH ORDINALITY t (c, n)
  LEFT JOIN LATERAL fhir_access.validate(policy('x', c)) v ON true ORDER BY n;
-- 100,000 values, a megabyte in one value, a megabyte of escapes, a long number: refused in no time, with a short message.
SELECT t.what, v.severity, v.message
  FROM (VALUES ('values', 'Patient?_id=' || repeat('x,', 99999) || 'x'), ('ten thousand and one', 'Patient?_id=' || repeat('x,', 10000) || 'x'), ('parameters', 'Patient?' || repeat('_id=x&', 1000) || '_id=x'),
               ('text', 'Patient?name=' || repeat('x', 1000000)), ('escapes', 'Patient?name=' || repeat('\,', 500000)), ('percent', 'Patient?name=' || repeat('%2C', 400000)),
               ('number', 'ChargeItem?factor-override=' || repeat('9', 1001)), ('date', 'Patient?birthdate=' || repeat('9', 500000)), ('fraction', 'Patient?birthdate=1990-01-01T00:00:00.' || repeat('9', 500000)),
               ('id', 'Patient?_id=' || repeat('x', 65)), ('long message', 'Patient?' || repeat('x', 500000) || '=1'), ('dollars', 'Observation?code-value-quantity=' || repeat('a$', 200000) || 'a'), ('pipes', 'Observation?code=' || repeat('|', 500000)),
               ('fits', 'Patient?_id=' || repeat('x,', 9999) || 'x')) AS t (what, criteria)
  LEFT JOIN LATERAL fhir_access.validate(policy('x', t.criteria)) v ON true ORDER BY t.what;

-- ---------------------------------------------------------------------------------------------------------------------
-- In a parameter. The policy and the membership can be written: only together are they wrong.
INSERT INTO fhir_access.access_policy (resource) VALUES
(policy('born', 'Patient?birthdate=%when')), (policy('since', 'Patient?birthdate=ge%when')), (policy('value', 'Observation?value-quantity=gt%low')), (policy('code', 'Observation?code=http://loinc.org|%code')),
(policy('any-code', 'Observation?code=%code')), (policy('composite', 'Observation?code-value-quantity=%code$gt%low')), (policy('name', 'Patient?name:contains=%name')), (policy('active', 'Patient?active=%active')), (policy('whose', 'Observation?subject=%who')),
(policy('whose-id', 'Observation?subject=Patient/%who.id')), (policy('ids', 'Patient?_id=%ids')), (policy('missing', 'Patient?name:missing=%missing')), (policy('below', 'ValueSet?url:below=%url')), (policy('unit', 'Observation?value-quantity=5|http://unitsofmeasure.org|%unit'));
CREATE FUNCTION used(type text, policy text, parameter text, value jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    found bigint;
BEGIN
    INSERT INTO fhir_access.project_membership (resource)
    VALUES (jsonb_build_object('resourceType', 'ProjectMembership', 'id', 'm1', 'access', jsonb_build_array(jsonb_build_object('policy', jsonb_build_object('reference', 'AccessPolicy/' || policy),
               'parameter', jsonb_build_array(jsonb_build_object('name', parameter) || value)))))
    ON CONFLICT (id) DO UPDATE SET resource = excluded.resource;
    PERFORM fhir_access.set_session('m1');
    SET LOCAL ROLE app;
    EXECUTE format('SELECT count(*) FROM %I', lower(type)) INTO found;
    RESET ROLE;
    RETURN format('%s rows', found);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ': ' || left(message, 300), nullif('DETAIL: ' || left(detail, 300), 'DETAIL: '), nullif('HINT: ' || left(hint, 300), 'HINT: '))
           || CASE WHEN concat(message, detail, hint) LIKE '%secret%' THEN E'\nTHE VALUE IS TOLD' ELSE '' END;
END $$;
SELECT used('Patient', 'born', 'when', '{"valueString": "secret-13-45"}');
SELECT used('Patient', 'since', 'when', '{"valueString": "secret"}');
SELECT used('Patient', 'since', 'when', '{"valueString": "1990,secret"}');
SELECT used('Observation', 'value', 'low', '{"valueString": "secret"}');
SELECT used('Observation', 'code', 'code', '{"valueString": "secret,x"}');
SELECT used('Observation', 'any-code', 'code', '{"valueString": "secret|a|b"}');
SELECT used('Observation', 'any-code', 'code', '{"valueString": "|"}');
SELECT used('Observation', 'any-code', 'code', '{"valueString": "secret\\"}');
SELECT used('Observation', 'any-code', 'code', '{"valueString": "secret,,x"}');
SELECT used('Observation', 'composite', 'low', '{"valueString": "5"}');
SELECT used('Patient', 'name', 'name', '{"valueString": "\u0301"}');
SELECT used('Patient', 'active', 'active', '{"valueString": "secret"}');
SELECT used('Observation', 'whose', 'who', '{"valueString": "secret/x"}');
SELECT used('Observation', 'whose', 'who', '{"valueString": "Patient/secret/_history/2"}');
SELECT used('Observation', 'whose-id', 'who', '{"valueString": "secret"}');
SELECT used('Patient', 'ids', 'ids', '{"valueString": "a,secret id"}');
SELECT used('Patient', 'missing', 'missing', '{"valueString": "secret"}');
SELECT used('ValueSet', 'below', 'url', '{"valueString": "secret"}');
SELECT used('Observation', 'unit', 'unit', '{"valueString": "secret|"}');
SELECT used('Patient', 'born', 'another', '{"valueString": "secret"}');
SELECT used('Patient', 'ids', 'ids', jsonb_build_object('valueString', 'secret' || repeat(',x', 10000)));
SELECT used('Patient', 'ids', 'ids', jsonb_build_object('valueString', 'secret' || repeat(',x', 100000)));
SELECT used('Patient', 'ids', 'ids', jsonb_build_object('valueString', 'secret' || repeat('x', 1000000)));
SELECT used('Patient', 'name', 'name', jsonb_build_object('valueString', 'secret' || repeat('x', 1000000)));
SELECT used('Patient', 'born', 'when', jsonb_build_object('valueString', 'secret' || repeat('9', 500000)));
-- A parameter inside a longer value adds no comparison, and :missing takes one value from it, too.
SELECT used('Patient', 'since', 'when', '{"valueString": "ne1990"}');
SELECT used('Observation', 'value', 'low', '{"valueString": "lt5"}');
INSERT INTO fhir_access.access_policy (resource) VALUES (policy('in-between', 'Observation?value-quantity=%low|s|mg'));
SELECT used('Observation', 'in-between', 'low', '{"valueString": "lt5"}');
SELECT used('Observation', 'in-between', 'low', '{"valueString": "5"}');
SELECT used('Patient', 'missing', 'missing', '{"valueString": "true,false"}');
-- `|`, `&`, `%`, quotes and `=` in a value are data. What fits, fits.
SELECT used('Observation', 'code', 'code', '{"valueString": "a|b&status=final%25''\"$"}');
SELECT used('Patient', 'name', 'name', '{"valueString": "%61"}');
SELECT used('Patient', 'born', 'when', '{"valueString": "1980,ge1989"}');
SELECT used('Observation', 'whose', 'who', '{"valueReference": {"reference": "Patient/p"}}');
SELECT used('Observation', 'whose-id', 'who', '{"valueReference": {"reference": "Patient/p"}}');
SELECT used('Patient', 'ids', 'ids', '{"valueString": "p,q"}');

-- What a policy cannot mean with any parameter is refused when it is written.
SELECT c AS criteria, coalesce(v.message, 'is no mistake') AS message
  FROM unnest(ARRAY['Patient?birthdate=xx%when', 'Observation?value-quantity=gt%low|mg', 'Observation?value-quantity=gt%low|s|c', 'Observation?code=a|b|%code', 'Observation?status=s|%code', 'Observation?code-value-quantity=%a$%b$%c', 'Patient?name=\%x', 'Patient?%name=x', 'Patient?name:%how=x']) WITH ORDINALITY t (c, n)
  LEFT JOIN LATERAL fhir_access.validate(policy('x', c)) v ON true ORDER BY n;

-- The session of a wrong membership stays closed, whatever it asks, and another one is open.
INSERT INTO fhir_access.project_membership (resource) VALUES ('{"resourceType": "ProjectMembership", "id": "wrong", "access": [
    {"policy": {"reference": "AccessPolicy/ids"}, "parameter": [{"name": "ids", "valueString": "p"}]},
    {"policy": {"reference": "AccessPolicy/born"}, "parameter": [{"name": "when", "valueString": "never"}]}]}');
SET ROLE app;
SET fhir_access.membership = 'wrong';
SELECT count(*) FROM patient;
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM observation;
\echo :LAST_ERROR_SQLSTATE
SELECT place FROM fhir_access.explain('Patient');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO patient VALUES ('q', '{"resourceType": "Patient", "id": "q"}');
\echo :LAST_ERROR_SQLSTATE
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "access": [{"policy": {"reference": "AccessPolicy/born"}, "parameter": [{"name": "when", "valueString": "1990"}]}]}';
SELECT count(*) FROM patient;

-- Bytes that are no UTF-8 are refused when the policy is written, not taken for variables.
SELECT message FROM fhir_access.validate('{"resourceType": "AccessPolicy", "resource": [{"resourceType": "Patient", "criteria": "Patient?name=Ren%E9"}]}');

-- A large document and many values take long: less than forever, and it can be interrupted.
RESET ROLE;
INSERT INTO observation
SELECT 'large', jsonb_build_object('resourceType', 'Observation', 'id', 'large', 'component',
         jsonb_agg(jsonb_build_object('valueQuantity', jsonb_build_object('value', n)))) FROM generate_series(1, 40000) n;
INSERT INTO fhir_access.access_policy (resource)
SELECT policy('large', 'Observation?component-value-quantity=' || string_agg('lt-' || n, ',')) FROM generate_series(1, 9000) n;
SET ROLE app;
SET fhir_access.membership = '{"resourceType": "ProjectMembership", "accessPolicy": {"reference": "AccessPolicy/large"}}';
SET statement_timeout = '200ms';
SELECT count(*) FROM observation;
\echo :LAST_ERROR_SQLSTATE
RESET statement_timeout;
