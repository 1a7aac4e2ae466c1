"""What a membership may see, worked out on JSON in Python: nothing here asks the extension.

A `Grant` stands for one entry of a policy: its type, the criteria as the policy writes them and the same as a function, and
what it hides. The first grant that holds decides; a membership of a project sees the rows of that project and of linked ones.
"""

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass
class Grant:
    type: str
    criteria: str = ""
    holds: callable = lambda _: True
    hidden: tuple = ()

    def entry(self):
        entry = {"resourceType": self.type}
        if self.criteria:
            entry["criteria"] = f"{self.type}?{self.criteria}"
        if self.hidden:
            entry["hiddenFields"] = list(self.hidden)
        return entry


@dataclass
class Membership:
    name: str
    grants: list
    # A project's id to the types that may be seen of it (None: all); None where no project is named.
    projects: dict | None = None
    more: dict = field(default_factory=dict)

    def documents(self):
        yield "access_policy", {"resourceType": "AccessPolicy", "id": self.name, "resource": [grant.entry() for grant in self.grants]}
        policy = {"policy": {"reference": f"AccessPolicy/{self.name}"}}
        yield "project_membership", {"resourceType": "ProjectMembership", "id": self.name, "access": [policy], **self.more}

    def grant(self, document):
        """The grant that decides for a document, if it may be seen at all."""
        if self.projects is not None:
            project = document.get("meta", {}).get("project")
            if project not in self.projects or document["resourceType"] not in (self.projects[project] or [document["resourceType"]]):
                return None
        applies = (grant for grant in self.grants if grant.type in ("*", document["resourceType"]) and grant.holds(document))
        return next(applies, None)

    def seen(self, document):
        """The document less what is hidden, and what that is; None where it may not be seen."""
        grant = self.grant(document)
        return grant and (without_all(document, grant.hidden), grant.hidden)

    def seen_version(self, version, current):
        """Likewise a version, beside the resource as it is now, or None where that is gone."""
        then = self.grant(version)
        if then is None:
            return None
        if current is not None:
            now = self.grant(current)
            hidden = now and (*then.hidden, *now.hidden)
        else:
            of_type = [grant for grant in self.grants if grant.type in ("*", version["resourceType"])]
            everything = any(not grant.criteria for grant in of_type)
            hidden = tuple(path for grant in of_type for path in grant.hidden) if everything else None
        return None if hidden is None else (without_all(version, hidden), hidden)


def without_all(document, paths):
    for path in paths:
        document = without(document, path.split("."))
    return document


def without(value, path):
    if isinstance(value, list):
        return [without(item, path) for item in value]
    if not isinstance(value, dict):
        return value
    first, *rest = path
    choice = first.removesuffix("[x]")
    named = re.compile(f"^_?{choice}[A-Z]" if choice != first else f"^_?{first}$")
    if not rest:
        return {name: item for name, item in value.items() if not named.match(name)}
    return {name: without(item, rest) if named.match(name) else item for name, item in value.items()}


def touches(hidden, path):
    """Is an element hidden, or a part of it, or what it is a part of?"""
    steps = path.split(".")
    return any(all(one == other for one, other in zip(steps, some.split("."))) for some in hidden)


def read(text):
    return json.loads(text, parse_float=Decimal)


def write(value):
    """JSON with every number as it was read."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {write(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)
