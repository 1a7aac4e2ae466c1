-- The same access by other means, over the same tables in a database of their own.

-- (a), and (e): by hand in the statement, or in the application. No row security applies.
CREATE ROLE bench_by_hand LOGIN BYPASSRLS;

-- (c): row security with current_setting(), as Supabase's guide recommends: in a subselect, so that it is evaluated once in a
-- statement; on a column with a leakproof operator where there is one; for the role, so that nobody else's is asked.
CREATE ROLE bench_setting_clinician LOGIN;
CREATE ROLE bench_setting_patient LOGIN;
CREATE POLICY clinician ON patient TO bench_setting_clinician USING (project_id = (SELECT current_setting('app.project')));
CREATE POLICY clinician ON encounter TO bench_setting_clinician USING (project_id = (SELECT current_setting('app.project')));
CREATE POLICY clinician ON observation TO bench_setting_clinician
 USING (project_id = (SELECT current_setting('app.project'))
        AND (resource @> '{"category": [{"coding": [{"code": "vital-signs"}]}]}'
             OR resource @> '{"category": [{"coding": [{"code": "laboratory"}]}]}'));
CREATE POLICY patient ON observation TO bench_setting_patient
 USING (resource @> (SELECT jsonb_build_object('subject', jsonb_build_object('reference', current_setting('app.patient')))));

-- (d): a function that decides about a row.
CREATE ROLE bench_function_clinician LOGIN;
CREATE ROLE bench_function_patient LOGIN;
CREATE FUNCTION clinician_may(project text, resource jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF project <> current_setting('app.project') THEN
    RETURN false;
  END IF;
  RETURN resource ->> 'resourceType' <> 'Observation'
      OR resource @> '{"category": [{"coding": [{"code": "vital-signs"}]}]}'
      OR resource @> '{"category": [{"coding": [{"code": "laboratory"}]}]}';
END $$;
CREATE FUNCTION patient_may(resource jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN resource #>> '{subject,reference}' = current_setting('app.patient');
END $$;
CREATE POLICY clinician_function ON patient TO bench_function_clinician USING (clinician_may(project_id, resource));
CREATE POLICY clinician_function ON encounter TO bench_function_clinician USING (clinician_may(project_id, resource));
CREATE POLICY clinician_function ON observation TO bench_function_clinician USING (clinician_may(project_id, resource));
CREATE POLICY patient_function ON observation TO bench_function_patient USING (patient_may(resource));

ALTER TABLE patient ENABLE ROW LEVEL SECURITY;
ALTER TABLE encounter ENABLE ROW LEVEL SECURITY;
ALTER TABLE observation ENABLE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON patient, encounter, observation
   TO bench_by_hand, bench_setting_clinician, bench_setting_patient, bench_function_clinician, bench_function_patient;
GRANT SELECT ON incoming TO bench_by_hand, bench_setting_clinician, bench_setting_patient, bench_function_clinician, bench_function_patient;
