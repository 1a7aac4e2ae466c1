//! The people and organizations of the clinic: who they are, before anything happens to them.

use serde_json::{Value, json};

use super::calendar::{Day, TODAY};
use super::random::Random;
use super::terms::{FAMILY_NAMES, FEMALE_NAMES, LANGUAGES, MALE_NAMES, PLACES, STREETS};

/// A resource: its type, its id and its JSON.
pub struct Resource {
    pub kind: &'static str,
    pub id: String,
    pub body: Value,
}

/// Patients come in households of four.
const HOUSEHOLD: usize = 4;

/// Patients for each general practitioner.
const PATIENTS_PER_PRACTITIONER: usize = 25;

/// The partner laboratory, as the account of the patients referred to it.
pub const PARTNER_LABORATORY: &str = "Organization/partner-lab";

/// The clinic, as the account of nobody.
pub const CLINIC: &str = "Organization/harbour-clinic";

/// The clinic's size.
#[derive(Debug, Clone, Copy)]
pub struct Clinic {
    /// How many patients it has.
    pub patients: usize,
}

/// A patient of the clinic.
pub struct Person {
    pub id: String,
    pub given: &'static str,
    pub family: &'static str,
    pub female: bool,
    pub born: Day,
    /// The number of the patient's general practitioner.
    pub practitioner: usize,
    /// Referred to the partner laboratory.
    pub referred: bool,
    /// The id of the parent who is a patient here, for children.
    pub parent: Option<String>,
    place: (&'static str, &'static str, &'static str),
    street: String,
    index: usize,
}

impl Clinic {
    /// How many general practitioners it has.
    pub fn practitioners(self) -> usize {
        self.patients.div_ceil(PATIENTS_PER_PRACTITIONER).max(4)
    }

    /// Patient number `index`, counted from 0. In two of three households live two parents and two children; in the
    /// third, four people who are not related.
    pub fn person(self, index: usize) -> Person {
        let household = index / HOUSEHOLD;
        let member = index % HOUSEHOLD;
        let is_family = household % 3 < 2;
        let child = is_family && member >= 2;
        let mut home = Random::new("household", household);
        let mut own = Random::new("person", index);
        let shared_name = home.pick(&FAMILY_NAMES);
        let place = home.pick(&PLACES);
        let street = format!("{} {}", home.between(2, 880), home.pick(&STREETS));
        let female = if is_family && !child {
            member == 0
        } else {
            own.chance(50)
        };
        let age = match (child, is_family) {
            (true, _) => own.between(1, 15),
            (false, true) => own.between(31, 48),
            (false, false) => own.between(52, 88),
        };
        Person {
            id: person_id(index),
            given: if female {
                own.pick(&FEMALE_NAMES)
            } else {
                own.pick(&MALE_NAMES)
            },
            family: if is_family {
                shared_name
            } else {
                own.pick(&FAMILY_NAMES)
            },
            female,
            born: TODAY.before(age * 365 + own.between(1, 360)),
            practitioner: household % self.practitioners(),
            referred: index % 7 == 3,
            parent: child.then(|| person_id(household * HOUSEHOLD)),
            place,
            street,
            index,
        }
    }

    /// The resources that do not belong to one patient.
    pub fn staff(self) -> Vec<Resource> {
        let mut staff = vec![
            organization(
                "harbour-clinic",
                "Harbour Clinic",
                "prov",
                "Healthcare Provider",
            ),
            organization(
                "harbour-lab",
                "Harbour Clinic Laboratory",
                "dept",
                "Hospital Department",
            ),
            organization(
                "partner-lab",
                "Precision Laboratories",
                "bus",
                "Non-Healthcare Business or Corporation",
            ),
            organization("bay-health-plan", "Bay Health Plan", "pay", "Payer"),
        ];
        staff.extend((0..self.practitioners()).map(|index| {
            let mut random = Random::new("practitioner", index);
            let female = random.chance(50);
            let given = if female {
                random.pick(&FEMALE_NAMES)
            } else {
                random.pick(&MALE_NAMES)
            };
            practitioner(
                &practitioner_id(index),
                given,
                random.pick(&FAMILY_NAMES),
                "MD",
                index,
            )
        }));
        staff.push(practitioner("lab-analyst", "Morgan", "Reyes", "PhD", 900));
        staff.push(practitioner("front-desk", "Alex", "Brandt", "BA", 901));
        staff
    }
}

/// `p0001` for number 0.
pub fn person_id(index: usize) -> String {
    format!("p{:04}", index + 1)
}

/// `gp01` for number 0.
pub fn practitioner_id(index: usize) -> String {
    format!("gp{:02}", index + 1)
}

impl Person {
    /// `Given Family`.
    pub fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }

    /// A FHIR Reference to this patient.
    pub fn reference(&self) -> Value {
        json!({ "reference": format!("Patient/{}", self.id), "display": self.name() })
    }

    /// `meta` of everything that belongs to this patient: whoever is referred has the laboratory as an account.
    pub fn meta(&self, updated: &str) -> Value {
        let mut meta = json!({ "versionId": "1", "lastUpdated": updated });
        if let (true, Some(meta)) = (self.referred, meta.as_object_mut()) {
            let account = json!({ "reference": PARTNER_LABORATORY });
            meta.insert("account".to_owned(), account.clone());
            meta.insert("accounts".to_owned(), json!([account]));
        }
        meta
    }

    /// The Patient, and for a child the RelatedPerson that is its parent.
    pub fn resources(&self, clinic: Clinic) -> Vec<Resource> {
        let mut random = Random::new("demographics", self.index);
        let (state, city, postal) = self.place;
        let (language, language_name) = if random.chance(70) {
            ("en", "English")
        } else {
            random.pick(&LANGUAGES)
        };
        let updated = TODAY
            .before(random.between(1, 300))
            .time(random.between(480, 1020));
        let telecom = contacts(&mut random, self);
        let patient = json!({
            "resourceType": "Patient",
            "id": self.id,
            "meta": self.meta(&updated),
            "identifier": [
                {
                    "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR" }] },
                    "system": "https://harbour-clinic.example/mrn",
                    "value": format!("{:08}", 10_000_000 + self.index * 37),
                },
                {
                    "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "SS" }] },
                    "system": "http://hl7.org/fhir/sid/us-ssn",
                    "value": format!("999-{:02}-{:04}", random.between(10, 99), random.between(1000, 9999)),
                },
            ],
            "active": true,
            "name": [{ "use": "official", "family": self.family, "given": [self.given] }],
            "telecom": telecom,
            "gender": if self.female { "female" } else { "male" },
            "birthDate": self.born.date(),
            "address": [{
                "use": "home",
                "line": [self.street],
                "city": city,
                "state": state,
                "postalCode": format!("{postal}{:02}", random.between(1, 60)),
                "country": "US",
            }],
            "communication": [{
                "language": { "coding": [{ "system": "urn:ietf:bcp:47", "code": language, "display": language_name }] },
                "preferred": true,
            }],
            "generalPractitioner": [{ "reference": format!("Practitioner/{}", practitioner_id(self.practitioner)) }],
            "managingOrganization": { "reference": CLINIC },
        });
        let mut resources = vec![Resource {
            kind: "Patient",
            id: self.id.clone(),
            body: patient,
        }];
        if self.parent.is_some() {
            resources.push(self.parent_resource(clinic, &updated));
        }
        resources
    }

    fn parent_resource(&self, clinic: Clinic, updated: &str) -> Resource {
        let parent = clinic.person(self.index / HOUSEHOLD * HOUSEHOLD);
        let id = format!("{}-parent", self.id);
        Resource {
            kind: "RelatedPerson",
            body: json!({
                "resourceType": "RelatedPerson",
                "id": id,
                "meta": self.meta(updated),
                "active": true,
                "patient": self.reference(),
                "relationship": [{ "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "MTH", "display": "mother",
                }] }],
                "name": [{ "use": "official", "family": parent.family, "given": [parent.given] }],
                "gender": "female",
                "birthDate": parent.born.date(),
            }),
            id,
        }
    }
}

fn contacts(random: &mut Random, person: &Person) -> Value {
    let phone = format!(
        "555-{:03}-{:04}",
        random.between(200, 999),
        random.between(0, 9999)
    );
    let email = format!("{}.{}@mail.example", person.given, person.id).to_lowercase();
    json!([
        { "system": "phone", "value": phone, "use": "mobile" },
        { "system": "email", "value": email },
    ])
}

fn organization(id: &str, name: &str, code: &str, display: &str) -> Resource {
    Resource {
        kind: "Organization",
        id: id.to_owned(),
        body: json!({
            "resourceType": "Organization",
            "id": id,
            "active": true,
            "type": [{ "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": code, "display": display,
            }] }],
            "name": name,
        }),
    }
}

fn practitioner(id: &str, given: &str, family: &str, degree: &str, number: usize) -> Resource {
    Resource {
        kind: "Practitioner",
        id: id.to_owned(),
        body: json!({
            "resourceType": "Practitioner",
            "id": id,
            "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": format!("{}", 1_999_000_000 + number) }],
            "active": true,
            "name": [{ "use": "official", "family": family, "given": [given], "suffix": [degree] }],
            "qualification": [{ "code": { "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/v2-0360", "code": degree,
            }] } }],
        }),
    }
}
