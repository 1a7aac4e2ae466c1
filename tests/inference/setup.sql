-- For the tests of inference: the role that asks. Tables, copies and what stands around them are made by clinic.py.
CREATE EXTENSION fhir_access;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'inquirer') THEN
        CREATE ROLE inquirer LOGIN;
        GRANT SET ON PARAMETER fhir_access.membership TO inquirer;
    END IF;
END $$;
