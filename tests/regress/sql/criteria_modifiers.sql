-- Modifiers: what each changes, on which kind of parameter, and which are refused by name.
\ir prologue.sql
\ir granted.sql
SELECT hold('Patient', 'Observation', 'ValueSet', 'DocumentReference', 'Questionnaire', 'CarePlan', 'Task');

-- ---------------------------------------------------------------------------------------------------------------------
-- Strings: without modifier the beginning of a part, :contains anywhere in a part, :exact a whole part letter by letter.
SELECT store('Patient', 'mueller', '{"name": [{"family": "Müller", "given": ["Jürgen", "Karl"]}], "address": [{"line": ["1 Main Street"], "city": "Köln"}]}'),
       store('Patient', 'muller', '{"name": [{"family": "Muller"}]}'),
       store('Patient', 'mull', '{"name": [{"text": "Dr. Mull"}]}'),
       store('Patient', 'schmuller', '{"name": [{"family": "Schmüller-Karlsson"}]}'),
       store('Patient', 'ligature', '{"name": [{"family": "Steﬃ"}, {"family": "Straße"}]}'),
       store('Patient', 'nobody', '{}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Patient?name=muller', 'Patient?name:contains=muller', 'Patient?name:contains=ULLER', 'Patient?name:exact=Muller', 'Patient?name:exact=Müller', 'Patient?name:exact=müller', 'Patient?name:exact=Mull',
                    'Patient?given:exact=Karl', 'Patient?given:contains=arl', 'Patient?name:contains=karl,mull', 'Patient?name:exact=Dr. Mull', 'Patient?name=steffi', 'Patient?name:contains=ffi', 'Patient?name:contains=strasse',
                    'Patient?address:contains=main', 'Patient?address:exact=Köln', 'Patient?address-city:contains=l', 'Patient?name:not=muller', 'Patient?name:missing=true']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{Patient?name=muller,Patient?name:contains=muller,Patient?name:contains=l,Patient?name:exact=Muller,Patient?name:exact=Mull,Patient?given:exact=Karl,"Patient?name:contains=karl,mull",Patient?name=steffi,
                             Patient?name:contains=strasse,Patient?address:contains=main,Patient?address:exact=Köln,Patient?name:not=muller}');

-- ---------------------------------------------------------------------------------------------------------------------
-- Tokens: :text looks at the texts that people read, as a string parameter does; codes have none.
SELECT store('Observation', 'text', '{"code": {"text": "Systolic blood pressure"}}'),
       store('Observation', 'display', '{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6", "display": "Systolic"}, {"display": "Blutdruck, systolisch"}]}}'),
       store('Observation', 'code', '{"code": {"coding": [{"code": "systolic"}]}}'),
       store('Observation', 'type', '{"identifier": [{"value": "1", "type": {"text": "Sýstolic id"}}]}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Observation?code=systolic', 'Observation?code:text=systolic', 'Observation?code:text=SYSTOLIC BLOOD', 'Observation?code:text=blood', 'Observation?code:text=8480-6', 'Observation?identifier:text=systolic',
                    'Observation?code:not=systolic', 'Observation?code:missing=true']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{Observation?code:text=systolic,Observation?code:text=blood,Observation?identifier:text=systolic}');

-- ---------------------------------------------------------------------------------------------------------------------
-- References: :identifier is a token on what the reference says of its target; a resource type says which type an id is of.
TRUNCATE observation;
SELECT store('Observation', 'patient', '{"subject": {"reference": "Patient/x", "identifier": {"system": "urn:mrn", "value": "7"}}}'),
       store('Observation', 'group', '{"subject": {"reference": "Group/x", "identifier": {"value": "7"}}}'),
       store('Observation', 'url', '{"subject": {"reference": "http://other.org/fhir/Patient/x"}}'),
       store('Observation', 'logical', '{"subject": {"type": "Patient", "identifier": {"system": "urn:mrn", "value": "7"}}}'),
       store('Observation', 'old', '{"subject": {"reference": "Patient/x/_history/9"}}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Observation?subject=x', 'Observation?subject:Patient=x', 'Observation?subject:Patient=Patient/x', 'Observation?subject:Group=x', 'Observation?subject:Patient=http://other.org/fhir/Patient/x', 'Observation?subject:Device=x',
                    'Observation?subject:identifier=7', 'Observation?subject:identifier=urn:mrn|7', 'Observation?subject:identifier=|7', 'Observation?subject:identifier=urn:mrn|',
                    'Observation?subject:not=Patient/x', 'Observation?subject:missing=false']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{Observation?subject=x,Observation?subject:Patient=x,Observation?subject:Group=x,Observation?subject:identifier=7,Observation?subject:identifier=urn:mrn|7,Observation?subject:identifier=|7,Observation?subject:not=Patient/x}');

-- ---------------------------------------------------------------------------------------------------------------------
-- URIs: :below is that URI and all below it, :above that URI and all above it; whole steps of the path only.
SELECT store('ValueSet', u, jsonb_build_object('url', u))
  FROM unnest('{http://a.org,http://a.org/,http://a.org/fhir,http://a.org/fhir/,http://a.org/fhir/vs,http://a.org/fhir/vs/1,http://a.org/fhirish,http://A.org/fhir,https://a.org/fhir,urn:oid:1.2,urn:oid:1.2.3}'::text[]) AS u \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['ValueSet?url=http://a.org/fhir', 'ValueSet?url:below=http://a.org/fhir', 'ValueSet?url:below=http://a.org/fhir/', 'ValueSet?url:below=http://a.org', 'ValueSet?url:above=http://a.org/fhir/vs/1', 'ValueSet?url:above=http://a.org/fhir/vs/',
                    'ValueSet?url:above=http://a.org', 'ValueSet?url=urn:oid:1.2', 'ValueSet?url:below=https://a.org,http://a.org/fhirish', 'ValueSet?url:not=http://a.org']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{ValueSet?url=http://a.org/fhir,ValueSet?url:below=http://a.org/fhir,ValueSet?url:below=http://a.org/fhir/,ValueSet?url:below=http://a.org,ValueSet?url:above=http://a.org/fhir/vs/1,ValueSet?url:above=http://a.org,
                             "ValueSet?url:below=https://a.org,http://a.org/fhirish"}');

-- ---------------------------------------------------------------------------------------------------------------------
-- :missing asks whether an element is there: null, an empty object and, where an array belongs, an empty array are none, a wrong
-- type is unknown. :not turns true to false and false to true, and leaves unknown as it is.
TRUNCATE patient;
SELECT store('Patient', 'there', '{"gender": "male", "name": [{"family": "A"}], "birthDate": "2000"}'), store('Patient', 'absent', '{}'),
       store('Patient', 'null', '{"gender": null, "name": null, "birthDate": null}'), store('Patient', 'empty', '{"gender": [], "name": [], "birthDate": []}'),
       store('Patient', 'number', '{"gender": 1, "name": 1, "birthDate": 1}'), store('Patient', 'one-null', '{"name": [null]}'), store('Patient', 'hollow', '{"name": [{}]}') \g /dev/null
SELECT p AS parameter, granted(format('Patient?%s:missing=true', p)) AS missing, granted(format('Patient?%s:missing=false', p)) AS there, granted(format('Patient?%s:not=1900', p)) AS not_1900
  FROM unnest('{gender,name,birthdate}'::text[]) WITH ORDINALITY t (p, n) ORDER BY n;

-- ---------------------------------------------------------------------------------------------------------------------
-- Refused: each by its name, with the reason, at its place, when the policy is written.
INSERT INTO fhir_access.access_policy (resource) VALUES (policy('x', 'Observation?status=final&code:in=http://example.org/vs'));
\echo :LAST_ERROR_SQLSTATE
SELECT c AS criteria, v.message, v.hint
  FROM unnest(ARRAY['Observation?code:in=http://v', 'Observation?code:not-in=http://v', 'Observation?identifier:of-type=a|b|c', 'Observation?code:above=x', 'Observation?code:below=x', 'Observation?subject:above=Patient/x', 'Observation?subject:below=x',
                    'Observation?subject:Practitioner=x', 'Observation?subject:Pateint=x', 'Observation?subject:Patient.name=x', 'Observation?subject.name=x', 'Observation?code:exact=x', 'Observation?code:contains=x', 'Observation?status:text=x', 'Observation?patient:identifier=7', 'Observation?subject:text=x',
                    'Observation?date:exact=2020', 'Observation?value-quantity:contains=5', 'Observation?code-value-quantity:missing=true', 'Observation?_id:missing=true', 'Observation?_compartment:missing=true', 'Observation?_id:exact=x',
                    'ValueSet?url:below=urn:oid:1.2', 'ValueSet?url:above=fhir', 'ValueSet?url:contains=x', 'Patient?name:Exact=x', 'Patient?name:exact:not=x', 'Patient?name:iterate=x', 'Patient?name:=x', 'Patient?name:missing=yes', 'Patient?name:missing=true,false',
                    'Patient?name:contains=%CC%81', 'Patient?name:phonetic=x', 'Patient?active:text=true', 'Observation?subject:Patient=Group/x', 'Observation?subject:identifier=a|b|c', 'Location?near:missing=true']) WITH ORDINALITY t (c, n)
  LEFT JOIN LATERAL fhir_access.validate(policy('x', c)) v ON true
 ORDER BY n, v.message;
