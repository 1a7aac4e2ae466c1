"""Reads the audit trail from the server's log; fixtures of the tests of it."""

import json

import pytest
from conftest import connect

TOKEN = "fhir_access audit: "
OBSERVATIONS = '"The Clinic"."Observation\'s"'

RULES = """
INSERT INTO fhir_access.access_policy (resource) VALUES
('{"resourceType": "AccessPolicy", "id": "rules", "resource": [
    {"resourceType": "Patient", "criteria": "Patient?gender=female", "interaction": ["search", "update"],
     "writeConstraint": [{"language": "text/fhirpath", "expression": "active.exists()", "description": "active or not"}]},
    {"resourceType": "Patient", "criteria": "Patient?gender=male", "interaction": ["search", "delete"]},
    {"resourceType": "Patient", "criteria": "Patient?gender=other,unknown", "interaction": ["create"]}]}'),
('{"resourceType": "AccessPolicy", "id": "inside", "resource": [{"resourceType": "*"}],
   "ipAccessRule": [{"name": "inside", "value": "192.0.2.", "action": "allow"}, {"name": "all", "value": "*", "action": "block"}]}');
INSERT INTO fhir_access.project_membership (resource) VALUES
('{"resourceType": "ProjectMembership", "id": "ruled", "profile": {"reference": "Practitioner/2"}, "accessPolicy": {"reference": "AccessPolicy/rules"}}'),
('{"resourceType": "ProjectMembership", "id": "insider", "profile": {"reference": "ClientApplication/c"}, "accessPolicy": {"reference": "AccessPolicy/inside"}}'),
('{"resourceType": "ProjectMembership", "id": "lost", "accessPolicy": {"reference": "AccessPolicy/gone"}}');
"""


class Log:
    """The server's log from now on, as far as it is about one database."""

    def __init__(self, superuser, database):
        self.superuser, self.database = superuser, database
        self.path = superuser.execute("SELECT current_setting('data_directory') || '/../server.log'").fetchone()[0]
        self.offset = 0
        self.forget()

    def text(self):
        """What was written since the last call."""
        query = "SELECT pg_read_file(%s, %s, 100000000), (pg_stat_file(%s)).size"
        text, _ = self.superuser.execute(query, (self.path, self.offset, self.path)).fetchone()
        self.offset += len(text.encode())
        return text

    def forget(self):
        self.offset = self.superuser.execute("SELECT (pg_stat_file(%s)).size", (self.path,)).fetchone()[0]

    def events(self):
        lines = [line.split(TOKEN, 1)[1] for line in self.text().splitlines() if TOKEN in line]
        events = [json.loads(line) for line in lines]
        return [event for event in events if event["source"].get("site") == self.database]

    def event(self):
        [event] = self.events()
        return event

    def brief(self):
        """Interaction, what it was done to, and the outcome."""
        return [(interaction(event), *(target(entity) for entity in event.get("entity", [])), event["outcome"]) for event in self.events()]


def interaction(event):
    return event["subtype"][0]["code"] if "subtype" in event else None


def target(entity):
    what = entity.get("what", {})
    return what.get("reference") or what.get("type") or entity.get("name")


def details(event, kind):
    return [detail["valueString"] for entity in event["entity"] for detail in entity.get("detail", []) if detail["type"] == kind]


def patient(id, **members):
    return json.dumps({"resourceType": "Patient", "id": id} | members)


MINE = {"generalPractitioner": [{"reference": "Practitioner/1"}]}


@pytest.fixture
def audited(clinic, superuser):
    """Sets the level of the clinic's next sessions, and gives its log."""
    superuser.execute(RULES)

    def start(level):
        superuser.execute(f"ALTER DATABASE {clinic} SET fhir_access.audit = '{level}'")
        return Log(superuser, clinic)

    return start


@pytest.fixture
def session(clinic):
    """Makes sessions of the application's role."""
    opened = []

    def start(membership="", **options):
        connection = connect(clinic, "attendant", **options)
        opened.append(connection)
        if membership:
            connection.execute(f"SET fhir_access.membership = '{membership}'")
        return connection

    yield start
    for connection in opened:
        connection.close()
