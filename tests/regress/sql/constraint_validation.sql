-- What validate() says of write constraints, and where: what is no FHIRPath, what can never work, and what is probably not meant.
\ir prologue.sql
\set ECHO none
SET client_min_messages = warning;
-- The findings on a policy with these constraints for the type.
CREATE FUNCTION findings(type text, VARIADIC expressions text[]) RETURNS TABLE (finding text) LANGUAGE sql AS $$
    SELECT concat_ws(E'\n', severity || ' ' || path || ': ' || message, 'hint: ' || hint)
      FROM fhir_access.validate(jsonb_build_object('resourceType', 'AccessPolicy', 'resource', jsonb_build_array(jsonb_build_object('resourceType', type,
           'writeConstraint', (SELECT jsonb_agg(jsonb_build_object('language', 'text/fhirpath', 'expression', e) ORDER BY n) FROM unnest(expressions) WITH ORDINALITY t (e, n)))))) $$;
RESET client_min_messages;
\pset tuples_only on
\pset format unaligned
\set ECHO all

-- Nothing is wrong with these.
SELECT * FROM findings('Observation', '%before.exists() implies %before.status != ''final''', 'status = ''final'' implies subject.exists()',
    'subject.reference = %patient or performer.reference contains %profile', 'value.ofType(Quantity).value < 300', 'code.coding.where(system = %ucum).exists().not()');
SELECT * FROM findings('*', 'meta.tag.exists()', '%before.exists() implies id = %before.id', 'name.family = ''x''');

-- The constraint itself.
SELECT concat_ws(' ', severity, path, message, hint) FROM fhir_access.validate('{"resourceType": "AccessPolicy", "resource": [
  {"resourceType": "Patient", "writeConstraint": [{"expression": "true"}, {"language": "text/cql", "expression": "true"}, {"language": "text/fhirpath"},
      {"language": "text/fhirpath", "expression": ""}, {"language": "text/fhirpath", "expression": 1}, "true",
      {"language": "text/fhirpath", "expression": "true", "describtion": "x"}]},
  {"resourceType": "Patient", "writeConstraint": {"language": "text/fhirpath", "expression": "true"}},
  {"resourceType": "Patient", "readonly": true, "writeConstraint": [{"language": "text/fhirpath", "expression": "true"}]},
  {"resourceType": "Patient", "interaction": ["search", "delete"], "writeConstraint": [{"language": "text/fhirpath", "expression": "true"}]}]}');

-- No FHIRPath.
SELECT * FROM findings('Patient', 'active', 'name.where(use = ''official''');
SELECT * FROM findings('Patient', 'name = = ''x''', 'name.exists() && true', 'name.exists() == true', E'name.exists()\n  and birthDate <', '''open');
SELECT * FROM findings('Patient', 'a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.name.where(use = ''official'' or use = ''usual'' or use =) or true');
SELECT * FROM findings('Patient', 'name.exist()', 'name.exists(1, 2)', 'name.where().exists()', 'name.memberOf(''x'')', 'deceased is Bolean');
-- What the type does not have.
SELECT * FROM findings('Observation', 'stauts = ''final''', 'valueQuantity.exists()', 'subject.identifier.sytem = ''x''', '%before.component.vlaue.exists()', 'component.where(cod.exists()).exists()');
-- What can never be one boolean.
SELECT * FROM findings('Observation', 'status', '''final''', 'code', '1', '%before', '%profile', '%after.subject', '{}');
-- What compares what cannot be equal, or more than one.
SELECT * FROM findings('Patient', 'active = ''true''', 'birthDate > 5', 'name.family = ''x''', 'name.given.matches(''('')');
-- Names that mean something already.
SELECT * FROM findings('Patient', '%befor.exists()', 'defineVariable(''before'', 1).exists()');
-- Names that no parameter can have; only the expression itself can define such a one.
SELECT * FROM findings('Patient', '%`a name`.exists()', '%`before\u0000\n`.exists()', '`a\u0000\nb`() = 1', 'defineVariable(''a name'', 1).select(%`a name` = 1)');

-- In an INSERT: the first is the error, with its place, and all are in the detail.
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "resource": [{"resourceType": "Patient", "writeConstraint": [
    {"language": "text/fhirpath", "expression": "name.where(use = ''official''"}, {"language": "text/fhirpath", "expression": "gendre = ''male''"}]}]}');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO fhir_access.access_policy (resource) VALUES ('{"resourceType": "AccessPolicy", "id": "warned", "resource": [{"resourceType": "Patient", "writeConstraint": [
    {"language": "text/fhirpath", "expression": "name.family = ''x''"}]}]}');
