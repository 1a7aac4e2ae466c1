"""What is not hidden stays byte for byte: each element that the data has is hidden once, at the top and one level below it."""

import json

import pytest
from conftest import TYPES

# Policies, each of which hides every so-manieth path of each type.
SHARES = 4

PATHS = """
SELECT DISTINCT concat_ws('.', top, below) FROM {table}, jsonb_object_keys(resource) top,
       LATERAL (SELECT NULL AS below UNION ALL
                SELECT jsonb_object_keys(CASE jsonb_typeof(resource -> top) WHEN 'object' THEN resource -> top
                                              WHEN 'array' THEN CASE jsonb_typeof(resource -> top -> 0) WHEN 'object' THEN resource -> top -> 0 END END)) keys
 WHERE top NOT IN ('resourceType', 'id') ORDER BY 1
"""


def hidden(superuser, type_name, share):
    paths = [path for (path,) in superuser.execute(PATHS.format(table=type_name.lower()))]
    return paths[share::SHARES]


@pytest.mark.parametrize("share", range(SHARES))
def test_each_element_hidden_once(share, data, superuser, reader):
    name = f"exact-{share}"
    fields = {type_name: hidden(superuser, type_name, share) for type_name in TYPES}
    policy = {
        "resourceType": "AccessPolicy",
        "id": name,
        "resource": [{"resourceType": type_name, "hiddenFields": paths} for type_name, paths in fields.items()],
    }
    superuser.execute("INSERT INTO fhir_access.access_policy (resource) VALUES (%s)", (json.dumps(policy),))
    membership = {"resourceType": "ProjectMembership", "accessPolicy": {"reference": f"AccessPolicy/{name}"}}
    compared = 0
    with reader.transaction():
        reader.execute("SELECT fhir_access.set_session(%s)", (json.dumps(membership),))
        for type_name, paths in fields.items():
            table = type_name.lower()
            document = "resource"
            for path in paths:
                steps = ", ".join(f"'{step}'" for step in path.split("."))
                document = f"by_hand.without({document}, {steps})"
            read = "SELECT id, {0}::text, md5(jsonb_send({0})) FROM {1}"
            seen = set(reader.execute(read.format("resource", table)))
            assert seen == set(superuser.execute(read.format(document, table))), f"{type_name} without {paths}"
            # A share that hides nothing which is there would compare nothing.
            assert seen != set(superuser.execute(read.format("resource", table))), type_name
            compared += len(seen)
    superuser.execute("DELETE FROM fhir_access.access_policy WHERE id = %s", (name,))
    assert compared > 1000
