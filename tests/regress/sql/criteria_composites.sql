-- Composites: several conditions that one element must meet, each as its own kind of parameter.
\ir prologue.sql
\ir granted.sql
SELECT hold('Observation', 'ValueSet', 'MolecularSequence', 'DocumentReference', 'ResearchStudy', 'Group');

-- ---------------------------------------------------------------------------------------------------------------------
-- A blood pressure has both numbers in one resource: only a composite tells which is which.
SELECT store('Observation', '150-over-90', '{"component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueQuantity": {"value": 150, "unit": "mmHg"}},
                                                           {"code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]}, "valueQuantity": {"value": 90, "unit": "mmHg"}}]}'),
       store('Observation', '120-over-145', '{"component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
                                                            {"code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]}, "valueQuantity": {"value": 145, "unit": "mmHg"}}]}'),
       store('Observation', 'itself', '{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueQuantity": {"value": 160, "unit": "mmHg"}}'),
       store('Observation', 'no-value', '{"component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}}]}'),
       store('Observation', 'none', '{}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Observation?component-code=8480-6&component-value-quantity=gt140', 'Observation?component-code-value-quantity=http://loinc.org|8480-6$gt140', 'Observation?component-code-value-quantity=8462-4$gt140',
                    'Observation?component-code-value-quantity=8480-6$gt140||mmHg', 'Observation?component-code-value-quantity=8480-6$gt140||kPa', 'Observation?component-code-value-quantity=8480-6$120,8462-4$90',
                    'Observation?combo-code-value-quantity=8480-6$gt140', 'Observation?code-value-quantity=8480-6$gt140', 'Observation?component-code-value-quantity:not=8480-6$gt140',
                    'Observation?component-code-value-quantity=8480-6$gt140&component-code-value-quantity=8462-4$lt100']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{Observation?component-code-value-quantity=http://loinc.org|8480-6$gt140,Observation?component-code-value-quantity=8462-4$gt140,Observation?component-code-value-quantity=8480-6$gt140||mmHg,
                             "Observation?component-code-value-quantity=8480-6$120,8462-4$90",Observation?combo-code-value-quantity=8480-6$gt140,Observation?code-value-quantity=8480-6$gt140,
                             Observation?component-code-value-quantity=8480-6$gt140&component-code-value-quantity=8462-4$lt100}');

-- ---------------------------------------------------------------------------------------------------------------------
-- With dates, strings, codes and references; three parts; a part that is beside the element.
TRUNCATE observation;
SELECT store('Observation', 'concept', '{"code": {"coding": [{"code": "a"}]}, "valueCodeableConcept": {"coding": [{"system": "s", "code": "x"}], "text": "Positive"}}'),
       store('Observation', 'date', '{"code": {"coding": [{"code": "a"}]}, "valueDateTime": "2020-05"}'),
       store('Observation', 'period', '{"code": {"coding": [{"code": "a"}]}, "valuePeriod": {"start": "2020-05-01"}}'),
       store('Observation', 'string', '{"code": {"coding": [{"code": "a"}]}, "valueString": "Üben"}'),
       store('Observation', 'dollar', '{"code": {"coding": [{"code": "a$b"}]}, "valueString": "x$y"}'),
       store('ValueSet', 'gender', '{"useContext": [{"code": {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "gender"}, "valueCodeableConcept": {"coding": [{"code": "female"}]}},
                                                    {"code": {"code": "age"}, "valueRange": {"low": {"value": 12}, "high": {"value": 18}}}]}'),
       store('ValueSet', 'focus', '{"useContext": [{"code": {"code": "focus"}, "valueCodeableConcept": {"coding": [{"code": "female"}]}}, {"code": {"code": "gender"}, "valueCodeableConcept": {"coding": [{"code": "male"}]}}]}'),
       store('MolecularSequence', 'one', '{"referenceSeq": {"chromosome": {"coding": [{"code": "1"}]}, "windowStart": 100, "windowEnd": 500}, "variant": [{"start": 128, "end": 130}, {"start": 400, "end": 401}]}'),
       store('DocumentReference', 'replaces', '{"relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/a"}}, {"code": "signs", "target": {"reference": "DocumentReference/b"}}]}'),
       store('ResearchStudy', 'open', '{"progressStatus": [{"state": {"coding": [{"code": "active"}]}, "actual": true, "period": {"start": "2021"}}, {"state": {"coding": [{"code": "approved"}]}, "actual": false, "period": {"start": "2019", "end": "2020"}}]}'),
       store('Group', 'g', '{"characteristic": [{"code": {"coding": [{"code": "smoker"}]}, "valueBoolean": true}, {"code": {"coding": [{"code": "blood"}]}, "valueCodeableConcept": {"coding": [{"code": "0+"}]}}]}') \g /dev/null
SELECT c AS criteria, granted(c)
  FROM unnest(ARRAY['Observation?code-value-concept=a$s|x', 'Observation?code-value-concept=a$y', 'Observation?code-value-date=a$2020', 'Observation?code-value-date=a$ge2020-05-31', 'Observation?code-value-string=a$ub', 'Observation?code-value-string=a\$b$x\$y',
                    'ValueSet?context-type-value=gender$female', 'ValueSet?context-type-value=focus$female,age$x', 'ValueSet?context-type-quantity=age$15', 'ValueSet?context-type-quantity=age$ap15', 'ValueSet?context-type-quantity=gender$ap15',
                    'MolecularSequence?chromosome-variant-coordinate=1$128$130', 'MolecularSequence?chromosome-variant-coordinate=1$128$401', 'MolecularSequence?chromosome-variant-coordinate=1$gt300$lt500', 'MolecularSequence?chromosome-variant-coordinate=2$128$130',
                    'MolecularSequence?chromosome-window-coordinate=1$lt128$gt130',
                    'DocumentReference?relationship=replaces$DocumentReference/a', 'DocumentReference?relationship=replaces$DocumentReference/b', 'DocumentReference?relationship=signs$b',
                    'ResearchStudy?progress-status-state-actual=active$true', 'ResearchStudy?progress-status-state-actual=approved$true', 'ResearchStudy?progress-status-state-period=approved$2019', 'ResearchStudy?progress-status-state-period=active$ge2022',
                    'Group?characteristic-value=smoker$true', 'Group?characteristic-value=blood$0%2B', 'Group?characteristic-value=smoker$0%2B']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{Observation?code-value-concept=a$s|x,Observation?code-value-date=a$2020,Observation?code-value-date=a$ge2020-05-31,Observation?code-value-string=a$ub,ValueSet?context-type-value=gender$female,
                             "ValueSet?context-type-value=focus$female,age$x",ValueSet?context-type-quantity=age$ap15,MolecularSequence?chromosome-variant-coordinate=1$128$130,MolecularSequence?chromosome-variant-coordinate=1$gt300$lt500,
                             MolecularSequence?chromosome-window-coordinate=1$lt128$gt130,DocumentReference?relationship=replaces$DocumentReference/a,DocumentReference?relationship=signs$b,ResearchStudy?progress-status-state-actual=active$true,
                             ResearchStudy?progress-status-state-period=active$ge2022,Group?characteristic-value=smoker$true}');

-- ---------------------------------------------------------------------------------------------------------------------
-- One unknown part makes an element unknown, unless another part is false; neither grants.
TRUNCATE observation;
SELECT store('Observation', 'good', '{"code": {"coding": [{"code": "a"}]}, "valueQuantity": {"value": 5}}'),
       store('Observation', 'text-for-number', '{"code": {"coding": [{"code": "a"}]}, "valueQuantity": {"value": "5"}}'),
       store('Observation', 'number-for-code', '{"code": {"coding": [{"code": 7}]}, "valueQuantity": {"value": 5}}'),
       store('Observation', 'other-and-text', '{"code": {"coding": [{"code": "b"}]}, "valueQuantity": {"value": "5"}}'),
       store('Observation', 'other', '{"code": {"coding": [{"code": "b"}]}, "valueQuantity": {"value": 5}}'),
       store('Observation', 'array', '[]') \g /dev/null
SELECT c AS criteria, granted(c) FROM unnest(ARRAY['Observation?code-value-quantity=a$5', 'Observation?code-value-quantity:not=a$5', 'Observation?code-value-quantity=a$ne6']) WITH ORDINALITY t (c, n) ORDER BY n;
SELECT * FROM with_indexes('{Observation?code-value-quantity=a$5,Observation?code-value-quantity=a$gt0}');

-- ---------------------------------------------------------------------------------------------------------------------
-- Refused: too few parts and too many, an empty part, a part that is none of its kind, a modifier.
INSERT INTO fhir_access.access_policy (resource) VALUES (policy('x', 'Observation?status=final&component-code-value-quantity=8480-6'));
\echo :LAST_ERROR_SQLSTATE
SELECT c AS criteria, v.message
  FROM unnest(ARRAY['Observation?code-value-quantity=a', 'Observation?code-value-quantity=a$', 'Observation?code-value-quantity=$5', 'Observation?code-value-quantity=a$5$6', 'Observation?code-value-quantity=a$b', 'Observation?code-value-quantity=a|b|c$5',
                    'Observation?code-value-quantity=a\$5', 'Observation?code-value-date=a$soon', 'DocumentReference?relationship=replaces$a b', 'ResearchStudy?progress-status-state-actual=active$maybe', 'Observation?code-value-quantity:text=a$5',
                    'Observation?code-value-quantity=%code$%value', 'Observation?code-value-quantity=%code$x%value', 'Observation?code-value-quantity=%code']) WITH ORDINALITY t (c, n)
  LEFT JOIN LATERAL fhir_access.validate(policy('x', c)) v ON true
 ORDER BY n, v.message;
