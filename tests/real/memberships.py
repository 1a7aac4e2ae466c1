"""Memberships, and beside each policy the rows and fields that it means, in SQL written by hand.

An `Entry` stands for one entry of a policy: rows by a predicate on `resource` and `id`, fields by an expression that makes
the masked document from `resource`, and whether the row may be updated. The first entry whose predicate holds decides.
"""

import json
from dataclasses import dataclass

from conftest import TYPES


@dataclass
class Entry:
    rows: str = "true"
    fields: str = "resource"
    update: bool = True
    # Members that an update through this entry leaves as they are.
    readonly: tuple = ()


@dataclass
class Case:
    name: str
    membership: dict
    policies: list
    # Resource type to its entries; the other types are closed.
    expected: dict


def policy(name, *entries, **more):
    return {"resourceType": "AccessPolicy", "id": name, "resource": list(entries), **more}


def membership(name, *access, profile="Practitioner/nobody", **more):
    return {"resourceType": "ProjectMembership", "id": name, "profile": {"reference": profile}, "access": list(access), **more}


def access(name, **references):
    parameters = [{"name": key, "valueReference": {"reference": value}} for key, value in references.items()]
    return {"policy": {"reference": f"AccessPolicy/{name}"}, "parameter": parameters}


def strings(name, **values):
    parameters = [{"name": key, "valueString": value} for key, value in values.items()]
    return {"policy": {"reference": f"AccessPolicy/{name}"}, "parameter": parameters}


def at(path, reference):
    """The rows in which a jsonpath leads to a reference."""
    return f"""resource @? '{path} ? (@.reference == "{reference}")'"""


def some(*conditions):
    return "(" + " OR ".join(conditions) + ")"


def account(reference):
    return some(at("$.meta.account", reference), at("$.meta.accounts[*]", reference))


def coding(path, code, system=None):
    about = f'@.code == "{code}"' + (f' && @.system == "{system}"' if system else "")
    return f"""resource @? '{path} ? ({about})'"""


def starts_with(path, prefix):
    """Some string at a jsonpath starts with this, whatever its case and accents."""
    plain = "translate(lower(part #>> '{}'), 'áéíóúüñ', 'aeiouun')"
    return f"EXISTS (SELECT FROM jsonb_path_query(resource, '{path}') part WHERE {plain} LIKE '{prefix}%')"


# R4's patient compartment, for the types of the data.
PATIENT_COMPARTMENT = {
    "AllergyIntolerance": ["$.patient", "$.recorder", "$.asserter"],
    "CarePlan": ["$.subject", "$.activity.detail.performer"],
    "Claim": ["$.patient", "$.payee.party"],
    "Condition": ["$.subject", "$.asserter"],
    "DiagnosticReport": ["$.subject"],
    "Encounter": ["$.subject"],
    "ExplanationOfBenefit": ["$.patient", "$.payee.party"],
    "Goal": ["$.subject"],
    "ImagingStudy": ["$.subject"],
    "Immunization": ["$.patient"],
    "MedicationRequest": ["$.subject"],
    "Observation": ["$.subject", "$.performer"],
    "Organization": [],
    "Patient": ["$.link.other"],
    "Practitioner": [],
    "Procedure": ["$.subject", "$.performer.actor"],
}

# And R4's encounter compartment.
ENCOUNTER_COMPARTMENT = {
    "CarePlan": "$.encounter",
    "Claim": "$.item.encounter",
    "Condition": "$.encounter",
    "DiagnosticReport": "$.encounter",
    "ExplanationOfBenefit": "$.item.encounter",
    "MedicationRequest": "$.encounter",
    "Observation": "$.encounter",
    "Procedure": "$.encounter",
}


def of_patient(name, patient):
    own = [f"id = '{patient}'"] if name == "Patient" else []
    paths = [at(path, f"Patient/{patient}") for path in PATIENT_COMPARTMENT[name]]
    return some(account(f"Patient/{patient}"), *own, *paths)


def of_encounter(name, encounter):
    own = [f"id = '{encounter}'"] if name == "Encounter" else []
    paths = [at(ENCOUNTER_COMPARTMENT[name], f"Encounter/{encounter}")] if name in ENCOUNTER_COMPARTMENT else []
    return some(account(f"Encounter/{encounter}"), *own, *paths)


def in_project(*names):
    listed = ", ".join(f"'{name}'" for name in names)
    return f"resource #>> '{{meta,project}}' IN ({listed})"


LOINC, ACT, OBSERVATION_CATEGORY = (
    "http://loinc.org",
    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://terminology.hl7.org/CodeSystem/observation-category",
)

PROJECTS = [
    {"resourceType": "Project", "id": "north", "name": "North", "link": [{"project": {"reference": "Project/west"}}]},
    {"resourceType": "Project", "id": "south", "name": "South"},
    {"resourceType": "Project", "id": "west", "name": "West", "exportedResourceType": ["Observation", "Encounter"]},
]


def cases(data):
    """All memberships; `data` names some rows of the tables."""
    patient, child, sibling = data["patients"]
    practitioner, organization, encounter = (data[name][0] for name in ("practitioners", "organizations", "encounters"))
    general, requester = data["general"][0], data["requesters"][0]

    yield Case(
        "patient",
        membership("patient", access("own-record"), profile=f"Patient/{patient}"),
        [policy("own-record", {"resourceType": "*", "criteria": "*?_compartment=%patient", "readonly": True})],
        {name: [Entry(of_patient(name, patient), update=False)] for name in TYPES},
    )
    yield Case(
        "patient-template",
        membership("patient-template", access("template"), profile=f"Patient/{sibling}"),
        [
            policy(
                "template",
                {"resourceType": "Patient", "criteria": "Patient?_id=%patient.id", "readonlyFields": ["generalPractitioner"]},
                {"resourceType": "Observation", "criteria": "Observation?subject=%patient", "hiddenFields": ["issued", "meta.tag"]},
                {"resourceType": "Claim", "criteria": "Claim?patient=%patient", "readonly": True},
                {"resourceType": "Organization", "readonly": True},
            )
        ],
        {
            "Patient": [Entry(f"id = '{sibling}'")],
            "Observation": [Entry(at("$.subject", f"Patient/{sibling}"), "by_hand.without(resource - 'issued' - '_issued', 'meta', 'tag')")],
            "Claim": [Entry(at("$.patient", f"Patient/{sibling}"), update=False)],
            "Organization": [Entry(update=False)],
        },
    )
    yield Case(
        "two-children",
        membership("two-children", access("child", child=f"Patient/{child}"), access("child", child=f"Patient/{sibling}")),
        [policy("child", {"resourceType": "*", "criteria": "*?_compartment=%child"})],
        {name: [Entry(some(of_patient(name, child), of_patient(name, sibling)))] for name in TYPES},
    )
    yield Case(
        "general-practitioner",
        membership("general-practitioner", access("practice"), profile=f"Practitioner/{general}"),
        [
            policy(
                "practice",
                {"resourceType": "Patient", "criteria": "Patient?general-practitioner=%profile"},
                {"resourceType": "Encounter", "criteria": "Encounter?participant=%profile"},
                {"resourceType": "MedicationRequest", "criteria": "MedicationRequest?requester=%profile"},
                {"resourceType": "ExplanationOfBenefit", "criteria": "ExplanationOfBenefit?care-team=%profile", "readonly": True},
                {"resourceType": "Practitioner", "readonlyFields": ["identifier", "language"]},
            )
        ],
        {
            "Patient": [Entry(at("$.generalPractitioner", f"Practitioner/{general}"))],
            "Encounter": [Entry(at("$.participant.individual", f"Practitioner/{general}"))],
            "MedicationRequest": [Entry(at("$.requester", f"Practitioner/{general}"))],
            "ExplanationOfBenefit": [Entry(at("$.careTeam.provider", f"Practitioner/{general}"), update=False)],
            "Practitioner": [Entry(readonly=("language",))],
        },
    )
    yield Case(
        "requester-by-bare-id",
        membership("requester-by-bare-id", strings("requester", who=f"{requester},{practitioner}")),
        [policy("requester", {"resourceType": "MedicationRequest", "criteria": "MedicationRequest?requester=%who"})],
        {
            "MedicationRequest": [
                Entry(some(at("$.requester", f"Practitioner/{requester}"), at("$.requester", f"Practitioner/{practitioner}")))
            ]
        },
    )
    yield Case(
        "organization",
        membership("organization", access("hospital", organization=f"Organization/{organization}")),
        [
            policy(
                "hospital",
                {"resourceType": "Organization", "criteria": "Organization?_id=%organization.id"},
                {"resourceType": "Encounter", "criteria": "Encounter?service-provider=%organization"},
                {"resourceType": "Claim", "criteria": "Claim?provider=%organization"},
            )
        ],
        {
            "Organization": [Entry(f"id = '{organization}'")],
            "Encounter": [Entry(at("$.serviceProvider", f"Organization/{organization}"))],
            "Claim": [Entry(at("$.provider", f"Organization/{organization}"))],
        },
    )
    yield Case(
        "encounter-compartment",
        membership("encounter-compartment", access("visit", visit=f"Encounter/{encounter}")),
        [policy("visit", {"resourceType": "*", "criteria": "*?_compartment=%visit"})],
        {name: [Entry(of_encounter(name, encounter))] for name in TYPES},
    )
    yield Case(
        "laboratory-account",
        membership("laboratory-account", access("partner", partner="Organization/laboratory")),
        [policy("partner", {"resourceType": "*", "criteria": "*?_compartment=%partner", "readonly": True})],
        {name: [Entry(account("Organization/laboratory"), update=False)] for name in TYPES},
    )
    yield Case(
        "second-account-old-form",
        membership("second-account-old-form", access("old-form")),
        [
            policy(
                "old-form",
                *({"resourceType": name, "compartment": {"reference": "Organization/other"}} for name in ("Patient", "Observation")),
            )
        ],
        {name: [Entry(account("Organization/other"))] for name in ("Patient", "Observation")},
    )
    yield Case(
        "everything-readonly",
        membership("everything-readonly", access("auditor")),
        [policy("auditor", {"resourceType": "*", "readonly": True})],
        {name: [Entry(update=False)] for name in TYPES},
    )
    yield Case(
        "everything",
        membership("everything", access("all")),
        [policy("all", {"resourceType": "*"})],
        {name: [Entry()] for name in TYPES},
    )
    yield Case(
        "no-policy-at-all",
        {"resourceType": "ProjectMembership", "id": "no-policy-at-all", "profile": {"reference": "Practitioner/x"}},
        [],
        {name: [Entry()] for name in TYPES},
    )
    yield Case(
        "front-desk",
        membership("front-desk", access("desk")),
        [
            policy(
                "desk",
                {"resourceType": "Patient", "hiddenFields": ["telecom", "extension", "text", "birthDate", "maritalStatus"]},
                {"resourceType": "Encounter", "hiddenFields": ["reasonCode", "type", "hospitalization.dischargeDisposition"]},
                {"resourceType": "Condition", "hiddenFields": ["code", "clinicalStatus", "onset[x]", "abatement[x]"], "readonly": True},
            )
        ],
        {
            "Patient": [Entry(fields="resource - 'telecom' - 'extension' - 'text' - 'birthDate' - '_birthDate' - 'maritalStatus'")],
            "Encounter": [Entry(fields="resource - 'reasonCode' - 'type' #- '{hospitalization,dischargeDisposition}'")],
            "Condition": [
                Entry(
                    fields="by_hand.without_choice(by_hand.without_choice(resource - 'code' - 'clinicalStatus', 'onset'), 'abatement')",
                    update=False,
                )
            ],
        },
    )
    yield Case(
        "nested-fields",
        membership("nested-fields", access("nested")),
        [
            policy(
                "nested",
                {"resourceType": "Patient", "hiddenFields": ["name.family", "address.line", "identifier.type.coding.display", "address.extension.extension.valueDecimal"]},
                {"resourceType": "DiagnosticReport", "hiddenFields": ["result.display", "code.coding.display", "category.coding"]},
                {"resourceType": "ImagingStudy", "hiddenFields": ["series.instance.title", "series.bodySite", "identifier.value"]},
                {"resourceType": "ExplanationOfBenefit", "hiddenFields": ["contained", "item.adjudication.amount", "payment.amount.value"]},
                {"resourceType": "CarePlan", "hiddenFields": ["activity.detail.code.text", "text.div"]},
            )
        ],
        {
            "Patient": [
                Entry(
                    fields="""by_hand.without(by_hand.without(by_hand.without(by_hand.without(resource, 'name', 'family'), 'address', 'line'),
                        'identifier', 'type', 'coding', 'display'), 'address', 'extension', 'extension', 'valueDecimal')"""
                )
            ],
            "DiagnosticReport": [
                Entry(
                    fields="""by_hand.without(by_hand.without(by_hand.without(resource, 'result', 'display'),
                        'code', 'coding', 'display'), 'category', 'coding')"""
                )
            ],
            "ImagingStudy": [
                Entry(
                    fields="""by_hand.without(by_hand.without(by_hand.without(resource, 'series', 'instance', 'title'),
                        'series', 'bodySite'), 'identifier', 'value')"""
                )
            ],
            "ExplanationOfBenefit": [
                Entry(fields="by_hand.without(by_hand.without(resource - 'contained', 'item', 'adjudication', 'amount'), 'payment', 'amount', 'value')")
            ],
            "CarePlan": [Entry(fields="by_hand.without(by_hand.without(resource, 'activity', 'detail', 'code', 'text'), 'text', 'div')")],
        },
    )
    yield Case(
        "no-values",
        membership("no-values", access("no-values")),
        [
            policy(
                "no-values",
                {"resourceType": "Observation", "hiddenFields": ["value[x]", "component.value[x]"]},
                {"resourceType": "Procedure", "hiddenFields": ["performed[x]"]},
                {"resourceType": "Patient", "hiddenFields": ["deceased[x]", "multipleBirth[x]", "extension.value[x]"]},
            )
        ],
        {
            "Observation": [Entry(fields="by_hand.without_choice_in(by_hand.without_choice(resource, 'value'), 'component', 'value')")],
            "Procedure": [Entry(fields="resource - 'performedPeriod' - 'performedDateTime'")],
            "Patient": [
                Entry(
                    fields="""by_hand.without_choice_in(resource - 'deceasedDateTime' - '_deceasedDateTime' - 'deceasedBoolean'
                        - 'multipleBirthBoolean' - 'multipleBirthInteger', 'extension', 'value')"""
                )
            ],
        },
    )
    yield Case(
        "one-choice",
        membership("one-choice", access("one-choice")),
        [policy("one-choice", {"resourceType": "Observation", "hiddenFields": ["valueQuantity", "component.valueQuantity.value"]})],
        {"Observation": [Entry(fields="by_hand.without(resource - 'valueQuantity', 'component', 'valueQuantity', 'value')")]},
    )
    yield Case(
        "first-entry-decides",
        membership("first-entry-decides", access("by-category"), access("by-status")),
        [
            policy(
                "by-category",
                {"resourceType": "Observation", "criteria": "Observation?category=laboratory", "hiddenFields": ["valueQuantity"]},
                {"resourceType": "Observation", "criteria": "Observation?code=8302-2,29463-7", "interaction": ["search", "read"]},
            ),
            policy("by-status", {"resourceType": "Observation", "criteria": "Observation?status=final", "hiddenFields": ["code", "category"]}),
        ],
        {
            "Observation": [
                Entry(coding("$.category.coding", "laboratory"), "resource - 'valueQuantity'"),
                Entry(some(coding("$.code.coding", "8302-2"), coding("$.code.coding", "29463-7")), update=False),
                Entry("resource ->> 'status' = 'final'", "resource - 'code' - 'category'"),
            ]
        },
    )
    yield Case(
        "tokens",
        membership("tokens", access("tokens")),
        [
            policy(
                "tokens",
                {"resourceType": "Observation", "criteria": f"Observation?category={OBSERVATION_CATEGORY}|survey,{OBSERVATION_CATEGORY}|exam"},
                {"resourceType": "Observation", "criteria": f"Observation?code={LOINC}|72166-2&status=final"},
                {"resourceType": "Patient", "criteria": "Patient?gender=female&language=es,zh"},
                {"resourceType": "Patient", "criteria": "Patient?active=true"},
                {"resourceType": "Encounter", "criteria": f"Encounter?class={ACT}|EMER"},
                {"resourceType": "Condition", "criteria": "Condition?clinical-status=active&verification-status=confirmed"},
                {"resourceType": "AllergyIntolerance", "criteria": "AllergyIntolerance?category=food"},
                {"resourceType": "Organization", "criteria": "Organization?active=true"},
                {"resourceType": "Practitioner", "criteria": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|"},
                {"resourceType": "Goal", "criteria": "Goal?lifecycle-status=|accepted"},
                {"resourceType": "Immunization", "criteria": "Immunization?vaccine-code=|140"},
                {"resourceType": "Claim", "criteria": "Claim?status=ACTIVE"},
            )
        ],
        {
            "Observation": [
                Entry(
                    some(
                        coding("$.category.coding", "survey", OBSERVATION_CATEGORY),
                        coding("$.category.coding", "exam", OBSERVATION_CATEGORY),
                        f"({coding('$.code.coding', '72166-2', LOINC)} AND resource ->> 'status' = 'final')",
                    )
                )
            ],
            "Patient": [
                Entry(
                    f"""(resource ->> 'gender' = 'female'
                        AND {some(*(coding('$.communication.language.coding', language) for language in ('es', 'zh')))})
                        OR resource -> 'active' = 'true'"""
                )
            ],
            "Encounter": [Entry(f"""resource -> 'class' @> '{{"system": "{ACT}", "code": "EMER"}}'""")],
            "Condition": [Entry(f"{coding('$.clinicalStatus.coding', 'active')} AND {coding('$.verificationStatus.coding', 'confirmed')}")],
            "AllergyIntolerance": [Entry("resource -> 'category' ? 'food'")],
            "Organization": [Entry("resource -> 'active' = 'true'")],
            "Practitioner": [Entry("""resource @? '$.identifier ? (@.system == "http://hl7.org/fhir/sid/us-npi")'""")],
            # `|accepted` asks for a code without a system: a plain code has none, a Coding does. Codes are case-sensitive.
            "Goal": [Entry("resource ->> 'lifecycleStatus' = 'accepted'")],
            "Immunization": [],
            "Claim": [],
        },
    )
    yield Case(
        "strings",
        membership("strings", access("strings")),
        [
            policy(
                "strings",
                {"resourceType": "Patient", "criteria": "Patient?name=JES%C3%9A,maria,ha"},
                {"resourceType": "Patient", "criteria": "Patient?address-city=spring&family=s"},
                {"resourceType": "Practitioner", "criteria": "Practitioner?given=a&address=b"},
                {"resourceType": "Organization", "criteria": "Organization?name=u"},
            )
        ],
        {
            "Patient": [
                Entry(
                    some(
                        *(
                            starts_with(path, prefix)
                            for path in ("$.name.family", "$.name.given[*]", "$.name.prefix[*]", "$.name.suffix[*]", "$.name.text")
                            for prefix in ("jesu", "maria", "ha")
                        ),
                        f"({starts_with('$.address.city', 'spring')} AND {starts_with('$.name.family', 's')})",
                    )
                )
            ],
            "Practitioner": [
                Entry(
                    f"""{starts_with('$.name.given[*]', 'a')} AND
                        {some(*(starts_with(f'$.address.{part}', 'b') for part in ('line[*]', 'city', 'district', 'state', 'postalCode', 'country', 'text')))}"""
                )
            ],
            "Organization": [Entry(some(starts_with("$.name", "u"), starts_with("$.alias[*]", "u")))],
        },
    )
    yield Case(
        "not-and-missing",
        membership("not-and-missing", access("negative")),
        [
            policy(
                "negative",
                {"resourceType": "Encounter", "criteria": "Encounter?class:not=AMB"},
                {"resourceType": "Encounter", "criteria": "Encounter?participant:missing=true", "readonly": True},
                {"resourceType": "Observation", "criteria": "Observation?category:not=laboratory,vital-signs"},
                {"resourceType": "Condition", "criteria": "Condition?abatement-date:missing=true"},
                {"resourceType": "Patient", "criteria": "Patient?general-practitioner:missing=false&gender:not=male"},
                {"resourceType": "Procedure", "criteria": "Procedure?reason-reference:missing=false"},
            )
        ],
        {
            "Encounter": [
                Entry("resource #>> '{class,code}' <> 'AMB'"),
                Entry("NOT resource ? 'participant'", update=False),
            ],
            "Observation": [Entry(f"NOT {some(coding('$.category.coding', 'laboratory'), coding('$.category.coding', 'vital-signs'))}")],
            "Condition": [Entry("NOT resource ?| '{abatementDateTime,abatementAge,abatementPeriod,abatementRange,abatementString}'")],
            "Patient": [Entry("resource ? 'generalPractitioner' AND resource ->> 'gender' IS DISTINCT FROM 'male'")],
            "Procedure": [Entry("resource ? 'reasonReference'")],
        },
    )
    yield Case(
        "tags",
        membership("tags", access("tags")),
        [
            policy(
                "tags",
                {"resourceType": "*", "criteria": "*?_compartment=Organization/laboratory"},
                {"resourceType": "Goal", "criteria": "Goal?_tag=synthea-5-2019"},
                {"resourceType": "ImagingStudy", "criteria": "ImagingStudy?_tag=https://smarthealthit.org/tags|synthea-5-2019&status=available"},
                {"resourceType": "Claim", "criteria": "Claim?_tag:not=synthea-5-2019"},
            )
        ],
        {name: [Entry(account("Organization/laboratory"))] for name in TYPES}
        | {"Goal": [Entry()], "ImagingStudy": [Entry("resource ->> 'status' = 'available'")]},
    )
    yield Case(
        "project-north",
        membership("project-north", access("staff"), project={"reference": "Project/north"}),
        [policy("staff", {"resourceType": "*"}, {"resourceType": "Patient", "hiddenFields": ["telecom"]})],
        {name: [Entry(in_project("north")), *exported(name)] for name in TYPES},
    )
    yield Case(
        "project-south-by-category",
        membership("project-south-by-category", access("south-laboratory"), project={"reference": "Project/south"}),
        [policy("south-laboratory", {"resourceType": "Observation", "criteria": "Observation?category=laboratory", "hiddenFields": ["subject"]})],
        {"Observation": [Entry(f"{in_project('south')} AND {coding('$.category.coding', 'laboratory')}", "resource - 'subject'")]},
    )
    yield Case(
        "a-project-in-the-criteria",
        membership("a-project-in-the-criteria", access("in-west")),
        [policy("in-west", {"resourceType": "CarePlan", "criteria": "CarePlan?_project=west&status=active"})],
        {"CarePlan": [Entry(f"{in_project('west')} AND resource ->> 'status' = 'active'")]},
    )
    yield Case(
        "read-but-not-search",
        membership("read-but-not-search", access("read-only")),
        [policy("read-only", {"resourceType": "Patient", "interaction": ["read"]}, {"resourceType": "Goal", "interaction": ["search", "update"]})],
        {"Goal": [Entry()]},
    )


def exported(name):
    """What the linked project lets others see."""
    return [Entry(in_project("west"), update=False)] if name in ("Observation", "Encounter") else []


def as_json(document):
    return json.dumps(document, ensure_ascii=False)
