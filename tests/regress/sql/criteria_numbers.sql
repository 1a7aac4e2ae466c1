-- Numbers and quantities: what is asked for is as precise as it is written; what is stored is a number, or a range of numbers.
\ir prologue.sql
\ir granted.sql
SELECT hold('RiskAssessment', 'MolecularSequence', 'Observation', 'Condition', 'Group', 'Invoice', 'ChargeItem', 'Encounter');

-- ---------------------------------------------------------------------------------------------------------------------
-- Precision: 100 is 99.5 up to 100.5, 100.00 is 99.995 up to 100.005, 1e2 is 95 up to 105. Whoever writes `gt` means the number itself.
SELECT store('ChargeItem', n, jsonb_build_object('factorOverride', n::numeric))
  FROM unnest('{-100,0,0.4,0.45,0.5,0.500,0.55,94.9,95,99.4,99.5,99.994,99.995,100,100.00,100.005,100.4,100.5,105,110,110.1}'::text[]) AS n \g /dev/null
SELECT v AS value, granted('ChargeItem?factor-override=' || v)
  FROM unnest('{100,1e2,1.0e2,100.0,100.00,100.000,0.5,0.50,5e-1,-100,-1e2,0,0.0,-0}'::text[]) WITH ORDINALITY t (v, n) ORDER BY n;
SELECT v AS value, granted('ChargeItem?factor-override=' || v)
  FROM unnest('{eq100,ne100,gt100,lt100,ge100,le100,sa100,eb100,ap100,ap-100,ge100.00,gt1e2}'::text[]) WITH ORDINALITY t (v, n) ORDER BY n;
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['ChargeItem?factor-override=100,0', 'ChargeItem?factor-override=gt99.4&factor-override=lt100', 'ChargeItem?factor-override:not=gt0', 'ChargeItem?factor-override:missing=true']) WITH ORDINALITY t (c, n) ORDER BY n;

-- ---------------------------------------------------------------------------------------------------------------------
-- Stored ranges, open ones included. Next to each row, the range that it is.
CREATE TABLE meaning (id text, between_ numrange);
INSERT INTO meaning VALUES ('0.2', '[0.2,0.2]'), ('0.2-to-0.4', '[0.2,0.4]'), ('from-0.3', '[0.3,]'), ('to-0.3', '[,0.3]'), ('0.3-to-0.3', '[0.3,0.3]'), ('0.5', '[0.5,0.5]');
SELECT store('RiskAssessment', '0.2', '{"prediction": [{"probabilityDecimal": 0.20}]}'),
       store('RiskAssessment', '0.2-to-0.4', '{"prediction": [{"probabilityRange": {"low": {"value": 0.2}, "high": {"value": 0.4}}}]}'),
       store('RiskAssessment', 'from-0.3', '{"prediction": [{"probabilityRange": {"low": {"value": 0.3}}}]}'),
       store('RiskAssessment', 'to-0.3', '{"prediction": [{"probabilityRange": {"high": {"value": 0.3}}}]}'),
       store('RiskAssessment', '0.3-to-0.3', '{"prediction": [{"probabilityRange": {"low": {"value": 0.3}, "high": {"value": 0.3}}}]}'),
       store('RiskAssessment', '0.5', '{"prediction": [{"probabilityDecimal": 0.5}]}'),
       store('RiskAssessment', 'no-limits', '{"prediction": [{"probabilityRange": {}}]}'),
       store('RiskAssessment', 'swapped', '{"prediction": [{"probabilityRange": {"low": {"value": 0.4}, "high": {"value": 0.2}}}]}'),
       store('RiskAssessment', 'none', '{}') \g /dev/null
SELECT v AS value, granted('RiskAssessment?probability=' || v)
  FROM unnest('{eq0.3,ne0.3,gt0.3,lt0.3,ge0.3,le0.3,sa0.3,eb0.3,ap0.3}'::text[]) WITH ORDINALITY t (v, n) ORDER BY n;
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['RiskAssessment?probability:missing=true', 'RiskAssessment?probability:not=0.3']) WITH ORDINALITY t (c, n) ORDER BY n;

-- The same said with PostgreSQL's own ranges, for some more numbers: none is different. And with the index that is advised.
CREATE TABLE asked (number text, rounded numrange, about numrange);
INSERT INTO asked VALUES ('0.3', '[0.25,0.35)', '[0.27,0.33]'), ('0.20', '[0.195,0.205)', '[0.18,0.22]'), ('0', '[-0.5,0.5)', '[0,0]'), ('1', '[0.5,1.5)', '[0.9,1.1]'),
                         ('2e-1', '[0.195,0.205)', '[0.18,0.22]'), ('-3', '[-3.5,-2.5)', '[-3.3,-2.7]'), ('0.40', '[0.395,0.405)', '[0.36,0.44]'), ('1e3', '[950,1050)', '[900,1100]');
CREATE FUNCTION holds(prefix text, n numeric, rounded numrange, about numrange, t numrange) RETURNS boolean LANGUAGE sql
    RETURN CASE prefix WHEN 'eq' THEN rounded @> t
                       WHEN 'ne' THEN NOT rounded @> t
                       WHEN 'gt' THEN NOT t &< numrange(n, n, '[]')
                       WHEN 'lt' THEN NOT t &> numrange(n, n, '[]')
                       WHEN 'ge' THEN NOT t &< numrange(n, n, '[]') OR t = numrange(n, n, '[]')
                       WHEN 'le' THEN NOT t &> numrange(n, n, '[]') OR t = numrange(n, n, '[]')
                       WHEN 'sa' THEN t >> numrange(n, n, '[]')
                       WHEN 'eb' THEN t << numrange(n, n, '[]')
                       WHEN 'ap' THEN t && about END;
SELECT count(*) AS criteria, count(*) FILTER (WHERE g IS DISTINCT FROM meant) AS different, count(g) AS granting
  FROM asked, unnest('{eq,ne,gt,lt,ge,le,sa,eb,ap}'::text[]) AS p,
       LATERAL (SELECT granted('RiskAssessment?probability=' || p || number)) AS a (g),
       LATERAL (SELECT string_agg(id, ' ' ORDER BY id COLLATE "C") FROM meaning m WHERE holds(p, asked.number::numeric, rounded, about, between_)) AS b (meant);
SELECT * FROM with_indexes(ARRAY(SELECT 'RiskAssessment?probability=' || p || number FROM asked, unnest('{eq,ne,gt,lt,ge,le,sa,eb,ap}'::text[]) AS p));

-- One element of several is enough.
SELECT store('MolecularSequence', 'two', '{"variant": [{"start": 5, "end": 6}, {"start": 50, "end": 60}]}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['MolecularSequence?variant-start=5', 'MolecularSequence?variant-start=50', 'MolecularSequence?variant-start=20', 'MolecularSequence?variant-start=gt20', 'MolecularSequence?variant-start=lt20',
                    'MolecularSequence?variant-start=sa20', 'MolecularSequence?variant-start=gt20&variant-start=lt20', 'MolecularSequence?variant-start=ap20']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{MolecularSequence?variant-start=5,MolecularSequence?variant-start=20,MolecularSequence?variant-start=gt20,MolecularSequence?variant-start=sa20,MolecularSequence?variant-start=eb20,MolecularSequence?variant-start=ap20}');

-- ---------------------------------------------------------------------------------------------------------------------
-- Quantities. Units are not converted; number||code asks for the code or the printed unit, whatever the system.
SELECT store('Observation', 'mg', '{"valueQuantity": {"value": 5.40, "system": "http://unitsofmeasure.org", "code": "mg", "unit": "milligram"}}'),
       store('Observation', 'mg-local', '{"valueQuantity": {"value": 5.4, "system": "http://local", "code": "mg"}}'),
       store('Observation', 'mg-printed', '{"valueQuantity": {"value": 5.4, "unit": "mg"}}'),
       store('Observation', 'g', '{"valueQuantity": {"value": 0.0054, "system": "http://unitsofmeasure.org", "code": "g"}}'),
       store('Observation', 'bare', '{"valueQuantity": {"value": 5.4}}'),
       store('Observation', 'less-than-5.4', '{"valueQuantity": {"value": 5.4, "comparator": "<", "system": "http://unitsofmeasure.org", "code": "mg"}}'),
       store('Observation', 'at-least-5.4', '{"valueQuantity": {"value": 5.4, "comparator": ">=", "system": "http://unitsofmeasure.org", "code": "mg"}}'),
       store('Observation', 'about', '{"valueQuantity": {"value": 5.4, "comparator": "~"}}'),
       store('Observation', 'no-value', '{"valueQuantity": {"unit": "mg"}}'),
       store('Observation', 'text', '{"valueString": "5.4 mg"}'),
       store('Observation', 'sampled', '{"valueSampledData": {"origin": {"value": 2, "system": "http://unitsofmeasure.org", "code": "mg"}, "period": 10, "factor": 0.1, "dimensions": 1, "data": "10 E 40 34"}}'),
       store('Observation', 'sampled-open', '{"valueSampledData": {"origin": {"value": 2}, "period": 10, "dimensions": 1, "data": "L 1"}}') \g /dev/null
SELECT v AS value, granted('Observation?value-quantity=' || v)
  FROM unnest('{5.4,5.40,5.4|http://unitsofmeasure.org|mg,5.4||mg,5.4||milligram,5.4|http://unitsofmeasure.org|MG,5.4|http://local|mg,gt5|http://unitsofmeasure.org|mg,lt5|http://unitsofmeasure.org|mg,
                 ge6,le3,sa2.5|http://unitsofmeasure.org|mg,eb7|http://unitsofmeasure.org|mg,ap5||mg,ne5.4,ne5.4||mg,0.0054|http://unitsofmeasure.org|g}'::text[]) WITH ORDINALITY t (v, n) ORDER BY n;
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Observation?value-quantity:missing=true', 'Observation?value-quantity:missing=false', 'Observation?value-quantity:not=5.4', 'Observation?value-quantity:not=5.4||mg',
                    'Observation?value-quantity=1,5.4||milligram', 'Observation?value-quantity=ge2.5&value-quantity=le6', 'Observation?combo-value-quantity=5.4||mg']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes(ARRAY(SELECT 'Observation?value-quantity=' || v
  FROM unnest('{5.4,5.4|http://unitsofmeasure.org|mg,5.4||mg,5.4|http://local|mg,gt5|http://unitsofmeasure.org|mg,lt5|http://unitsofmeasure.org|mg,ge6,le3,sa2.5|http://unitsofmeasure.org|mg,eb7|http://unitsofmeasure.org|mg,ap5||mg,ap5,ne5.4}'::text[]) AS v));
-- A `|` inside a unit is escaped.
SELECT store('Encounter', 'odd', '{"length": {"value": 30, "system": "a|b", "code": "min|x"}}') \g /dev/null
SELECT granted('Encounter?length=30|a\|b|min\|x'), granted('Encounter?length=30||min\|x'), granted('Encounter?length=30|a|b');

-- Other datatypes: Age, Range, Money, Duration.
SELECT store('Condition', 'age', '{"onsetAge": {"value": 52, "system": "http://unitsofmeasure.org", "code": "a"}}'),
       store('Condition', 'range', '{"onsetRange": {"low": {"value": 50, "unit": "years"}, "high": {"value": 60, "unit": "years"}}}'),
       store('Condition', 'half-unit', '{"onsetRange": {"low": {"value": 50, "unit": "years"}, "high": {"value": 60, "unit": "months"}}}'),
       store('Condition', 'string', '{"onsetString": "52"}'),
       store('Group', 'g', '{"characteristic": [{"valueRange": {"low": {"value": 1}}}, {"valueRange": {"high": {"value": -1}}}]}'),
       store('Invoice', 'usd', '{"totalNet": {"value": 100, "currency": "USD"}}'),
       store('Invoice', 'eur', '{"totalNet": {"value": 100.00, "currency": "EUR"}}'),
       store('Encounter', 'length', '{"length": {"value": 30, "unit": "min"}}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Condition?onset-age=52', 'Condition?onset-age=ap52', 'Condition?onset-age=gt55', 'Condition?onset-age=gt55||years', 'Condition?onset-age=52|http://unitsofmeasure.org|a',
                    'Group?characteristic-range=gt5', 'Group?characteristic-range=lt-5', 'Group?characteristic-range=ap0',
                    'Invoice?totalnet=100', 'Invoice?totalnet=100|urn:iso:std:iso:4217|USD', 'Invoice?totalnet=100||EUR', 'Invoice?totalnet=gt99||usd', 'Encounter?length=30||min']) WITH ORDINALITY t (c, n) ORDER BY n;

-- ---------------------------------------------------------------------------------------------------------------------
-- Numbers of any length are compared exactly; a stored number may have any exponent.
TRUNCATE chargeitem;
INSERT INTO chargeitem SELECT n, format('{"factorOverride": %s}', n)::jsonb
  FROM unnest('{0.1,0.10000000000000000000000000000000000000000000000001,123456789012345678901234567890.5,123456789012345678901234567891,1e400,-1e400,1e-400}'::text[]) AS n;
SELECT v AS value, granted('ChargeItem?factor-override=' || v)
  FROM unnest('{gt0.1,le0.1,gt123456789012345678901234567890.4,sa123456789012345678901234567890.5,gt1e399,lt-1e399,lt1e-399}'::text[]) WITH ORDINALITY t (v, n) ORDER BY n;
SELECT * FROM with_indexes(ARRAY(SELECT 'ChargeItem?factor-override=' || v FROM unnest('{gt0.1,le0.1,gt123456789012345678901234567890.4,sa123456789012345678901234567890.5,gt1e399,lt-1e399,lt1e-399,100,ap100}'::text[]) AS v));

-- ---------------------------------------------------------------------------------------------------------------------
-- What is no number is unknown: it grants nothing, by no prefix and by no :not, and never raises.
TRUNCATE chargeitem, observation;
SELECT store('ChargeItem', 'good', '{"factorOverride": 5}'), store('Observation', 'good', '{"valueQuantity": {"value": 5, "unit": "mg"}}') \g /dev/null
SELECT store('ChargeItem', 'w' || n, jsonb_build_object('factorOverride', w)), store('Observation', 'w' || n, jsonb_build_object('valueQuantity', w)),
       store('Observation', 'v' || n, jsonb_build_object('valueQuantity', jsonb_build_object('value', w, 'unit', 'mg'))),
       store('Observation', 'u' || n, jsonb_build_object('valueQuantity', jsonb_build_object('value', 5, 'unit', w))),
       store('Observation', 's' || n, jsonb_build_object('valueSampledData', jsonb_build_object('origin', w, 'data', w)))
  FROM unnest('{"\"5\"","\"five\"","\"NaN\"","\"\"","[5]","[]","{}","{\"value\": \"5\"}","{\"value\": {\"value\": 5}}",true,null}'::jsonb[]) WITH ORDINALITY t (w, n) \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['ChargeItem?factor-override=5', 'ChargeItem?factor-override=ne6', 'ChargeItem?factor-override=gt0', 'ChargeItem?factor-override:not=6', 'ChargeItem?factor-override:missing=true',
                    'Observation?value-quantity=5', 'Observation?value-quantity=5||mg', 'Observation?value-quantity=ne6||mg', 'Observation?value-quantity=gt0', 'Observation?value-quantity:not=6', 'Observation?value-quantity:not=6||mg', 'Observation?value-quantity:missing=true']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{ChargeItem?factor-override=5,ChargeItem?factor-override=gt0,ChargeItem?factor-override=le9,Observation?value-quantity=5,Observation?value-quantity=5||mg,Observation?value-quantity=5|s|c,Observation?value-quantity=gt0,Observation?value-quantity=ap5}');
