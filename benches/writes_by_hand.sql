-- The rules of the policy "everything" as a careful author writes them without fhir_access: row security that reads the project from a
-- setting, and a trigger that checks and tags documents and keeps fields, in the table `by_hand`.
CREATE TABLE patient_by_hand (LIKE patient INCLUDING ALL);
CREATE TABLE by_hand (LIKE guarded INCLUDING ALL);

ALTER TABLE by_hand ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON by_hand USING (
  resource #>> '{meta,project}' = (SELECT current_setting('app.project'))
  AND resource ->> 'status' IN ('registered', 'preliminary', 'final', 'amended', 'corrected'));

CREATE FUNCTION keep_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  meta jsonb := coalesce(NEW.resource -> 'meta', '{}') - '{security,account,accounts}'::text[];
  accounts jsonb;
BEGIN
  IF NEW.resource ->> 'resourceType' IS DISTINCT FROM 'Observation' OR NEW.resource ->> 'id' IS DISTINCT FROM NEW.id THEN
    RAISE check_violation USING MESSAGE = 'no Observation of this id';
  END IF;
  SELECT p.resource #> '{meta,accounts}' INTO accounts
    FROM patient_by_hand p WHERE p.id = substr(NEW.resource #>> '{subject,reference}', length('Patient/') + 1);
  NEW.resource := NEW.resource - '{note,interpretation}'::text[];
  IF TG_OP = 'INSERT' THEN
    accounts := '[{"reference": "Organization/clinic"}]'::jsonb || coalesce(accounts, '[]');
  ELSE
    IF NEW.id <> OLD.id THEN
      RAISE check_violation USING MESSAGE = 'cannot change its id';
    END IF;
    IF OLD.resource ? 'note' THEN
      NEW.resource := jsonb_set(NEW.resource, '{note}', OLD.resource -> 'note');
    END IF;
    IF OLD.resource ? 'interpretation' THEN
      NEW.resource := jsonb_set(NEW.resource, '{interpretation}', OLD.resource -> 'interpretation');
    END IF;
    IF OLD.resource #> '{meta,security}' IS NOT NULL THEN
      meta := jsonb_set(meta, '{security}', OLD.resource #> '{meta,security}');
    END IF;
  END IF;
  meta := meta || jsonb_build_object('project', current_setting('app.project'));
  IF accounts IS NOT NULL THEN
    meta := meta || jsonb_build_object('account', accounts -> 0, 'accounts', accounts);
  END IF;
  NEW.resource := jsonb_set(NEW.resource, '{meta}', meta);
  IF NOT NEW.resource ?& '{subject,code}' THEN
    RAISE check_violation USING MESSAGE = 'subject and code must be there';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_rules BEFORE INSERT OR UPDATE ON by_hand FOR EACH ROW EXECUTE FUNCTION keep_rules();

GRANT SELECT ON patient_by_hand TO bench_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON by_hand TO bench_app;
