//! What happens to a patient: visits, what was measured, found, prescribed and given.

use serde_json::{Value, json};

use super::calendar::{Day, TODAY};
use super::population::{CLINIC, Clinic, PARTNER_LABORATORY, Person, Resource, practitioner_id};
use super::random::Random;
use super::terms::{
    ALLERGENS, CONDITIONS, MEDICATIONS, Measurement, PANELS, VACCINES, VITAL_SIGNS,
};

const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem";
/// Days over which a patient's visits are spread.
const SPAN: i64 = 5 * 365;

/// All resources of patient number `index`, the Patient first.
pub fn of_patient(clinic: Clinic, index: usize) -> Vec<Resource> {
    let person = clinic.person(index);
    let mut record = Record {
        resources: person.resources(clinic),
        random: Random::new("record", index),
        clinic,
        person,
    };
    let visits = record.random.between(8, 12);
    for visit in 1..=visits {
        record.visit(visit, visits);
    }
    for number in 1..=record.random.between(4, 9) {
        record.immunization(number);
    }
    for number in 1..=record.random.between(0, 2) {
        record.allergy(number);
    }
    record.resources
}

struct Record {
    resources: Vec<Resource>,
    random: Random,
    clinic: Clinic,
    person: Person,
}

/// A visit while it is being recorded.
struct Visit {
    id: String,
    day: Day,
    minute: i64,
    practitioner: String,
    reason: (&'static str, &'static str),
}

impl Visit {
    fn time(&self) -> String {
        self.day.time(self.minute)
    }

    fn reference(&self) -> Value {
        json!({ "reference": format!("Encounter/{}", self.id) })
    }

    fn practitioner(&self) -> Value {
        json!({ "reference": format!("Practitioner/{}", self.practitioner) })
    }
}

impl Record {
    /// Adds a resource. Its type, id and meta come first.
    fn add(&mut self, kind: &'static str, id: &str, updated: &str, members: Value) {
        let mut body = json!({ "resourceType": kind, "id": id, "meta": self.person.meta(updated) });
        if let (Some(body), Value::Object(members)) = (body.as_object_mut(), members) {
            body.extend(members);
        }
        self.resources.push(Resource {
            kind,
            id: id.to_owned(),
            body,
        });
    }

    /// A visit by appointment. One in eight is with another practitioner than the patient's own.
    fn visit(&mut self, number: i64, visits: i64) {
        let random = &mut self.random;
        let slice = SPAN / visits;
        let practitioner = if random.chance(12) {
            random.next() as usize % self.clinic.practitioners()
        } else {
            self.person.practitioner
        };
        let visit = Visit {
            id: format!("{}-e{number:02}", self.person.id),
            day: TODAY.before(SPAN - slice * number + random.between(1, slice)),
            minute: random.between(32, 66) * 15,
            practitioner: practitioner_id(practitioner),
            reason: random.pick(&CONDITIONS),
        };
        self.appointment(&visit, number);
        self.encounter(&visit);
        for (position, measurement) in VITAL_SIGNS.iter().enumerate() {
            let id = format!("{}-v{}", visit.id, position + 1);
            self.observation(
                &visit,
                &id,
                *measurement,
                "vital-signs",
                "Vital Signs",
                &[visit.practitioner()],
            );
        }
        if self.random.chance(42) {
            self.laboratory(&visit);
        }
        if self.random.chance(50) {
            self.condition(&visit);
        }
        if self.random.chance(60) {
            self.medication(&visit);
        }
    }

    fn appointment(&mut self, visit: &Visit, number: i64) {
        let id = format!("{}-a{number:02}", self.person.id);
        let end = visit.day.time(visit.minute + 15);
        let comment = self.random.pick(&[
            "Wants to talk about results in private",
            "First visit with this problem",
            "Follow-up",
            "Please allow extra time",
            "Asked for an interpreter",
        ]);
        self.add(
            "Appointment",
            &id,
            &visit.time(),
            json!({
                "status": "fulfilled",
                "reasonCode": [coding_text(SNOMED, visit.reason)],
                "description": format!("Visit for {}", visit.reason.1.to_lowercase()),
                "start": visit.time(),
                "end": end,
                "minutesDuration": 15,
                "comment": comment,
                "participant": [
                    { "actor": self.person.reference(), "status": "accepted" },
                    { "actor": visit.practitioner(), "status": "accepted" },
                ],
            }),
        );
    }

    fn encounter(&mut self, visit: &Visit) {
        let end = visit.day.time(visit.minute + self.random.between(10, 25));
        self.add("Encounter", &visit.id, &end, json!({
            "status": "finished",
            "class": { "system": format!("{TERMINOLOGY}/v3-ActCode"), "code": "AMB", "display": "ambulatory" },
            "type": [{ "coding": [{ "system": SNOMED, "code": "185349003", "display": "Encounter for check up" }] }],
            "subject": self.person.reference(),
            "participant": [{ "individual": visit.practitioner() }],
            "period": { "start": visit.time(), "end": end },
            "reasonCode": [coding_text(SNOMED, visit.reason)],
            "serviceProvider": { "reference": CLINIC },
        }));
    }

    fn observation(
        &mut self,
        visit: &Visit,
        id: &str,
        (code, name, unit, low, high): Measurement,
        category: &str,
        category_name: &str,
        performers: &[Value],
    ) {
        let value = self.random.between(low, high) as f64 / 10.0;
        self.add("Observation", id, &visit.time(), json!({
            "status": "final",
            "category": [{ "coding": [{
                "system": format!("{TERMINOLOGY}/observation-category"), "code": category, "display": category_name,
            }] }],
            "code": coding_text(LOINC, (code, name)),
            "subject": self.person.reference(),
            "encounter": visit.reference(),
            "effectiveDateTime": visit.time(),
            "issued": visit.time(),
            "performer": performers,
            "valueQuantity": {
                "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit,
            },
        }));
    }

    /// A panel: the report and its four results. Referred patients' samples go to the partner laboratory.
    fn laboratory(&mut self, visit: &Visit) {
        let laboratory = if self.person.referred {
            PARTNER_LABORATORY
        } else {
            "Organization/harbour-lab"
        };
        let laboratory = json!({ "reference": laboratory });
        let (code, name, measurements) = self.random.pick(&PANELS);
        let mut results = Vec::new();
        for (position, measurement) in measurements.iter().enumerate() {
            let id = format!("{}-l{}", visit.id, position + 1);
            let performers = [laboratory.clone(), visit.practitioner()];
            self.observation(
                visit,
                &id,
                *measurement,
                "laboratory",
                "Laboratory",
                &performers,
            );
            results.push(
                json!({ "reference": format!("Observation/{id}"), "display": measurement.1 }),
            );
        }
        self.add("DiagnosticReport", &format!("{}-r", visit.id), &visit.time(), json!({
            "status": "final",
            "category": [{ "coding": [{ "system": format!("{TERMINOLOGY}/v2-0074"), "code": "LAB", "display": "Laboratory" }] }],
            "code": coding_text(LOINC, (code, name)),
            "subject": self.person.reference(),
            "encounter": visit.reference(),
            "effectiveDateTime": visit.time(),
            "issued": visit.day.before(-1).time(600),
            "performer": [laboratory],
            "resultsInterpreter": [visit.practitioner()],
            "result": results,
        }));
    }

    fn condition(&mut self, visit: &Visit) {
        let status = self.random.pick(&["active", "active", "resolved"]);
        self.add("Condition", &format!("{}-c", visit.id), &visit.time(), json!({
            "clinicalStatus": { "coding": [{ "system": format!("{TERMINOLOGY}/condition-clinical"), "code": status }] },
            "verificationStatus": { "coding": [{
                "system": format!("{TERMINOLOGY}/condition-ver-status"), "code": "confirmed",
            }] },
            "category": [{ "coding": [{
                "system": format!("{TERMINOLOGY}/condition-category"), "code": "encounter-diagnosis",
                "display": "Encounter Diagnosis",
            }] }],
            "code": coding_text(SNOMED, visit.reason),
            "subject": self.person.reference(),
            "encounter": visit.reference(),
            "onsetDateTime": visit.day.date(),
            "recordedDate": visit.time(),
            "asserter": visit.practitioner(),
        }));
    }

    fn medication(&mut self, visit: &Visit) {
        let medication = self.random.pick(&MEDICATIONS);
        let status = self
            .random
            .pick(&["active", "completed", "completed", "stopped"]);
        let frequency = self.random.between(1, 3);
        self.add("MedicationRequest", &format!("{}-m", visit.id), &visit.time(), json!({
            "status": status,
            "intent": "order",
            "medicationCodeableConcept": coding_text("http://www.nlm.nih.gov/research/umls/rxnorm", medication),
            "subject": self.person.reference(),
            "encounter": visit.reference(),
            "authoredOn": visit.time(),
            "requester": visit.practitioner(),
            "reasonCode": [coding_text(SNOMED, visit.reason)],
            "dosageInstruction": [{
                "text": format!("{frequency} × daily"),
                "timing": { "repeat": { "frequency": frequency, "period": 1, "periodUnit": "d" } },
            }],
        }));
    }

    fn immunization(&mut self, number: i64) {
        let vaccine = self.random.pick(&VACCINES);
        let day = TODAY.before(self.random.between(10, SPAN));
        let lot = format!("L{:05}", self.random.between(0, 99_999));
        let practitioner = practitioner_id(self.person.practitioner);
        self.add(
            "Immunization",
            &format!("{}-i{number}", self.person.id),
            &day.time(660),
            json!({
                "status": "completed",
                "vaccineCode": coding_text("http://hl7.org/fhir/sid/cvx", vaccine),
                "patient": self.person.reference(),
                "occurrenceDateTime": day.date(),
                "primarySource": true,
                "lotNumber": lot,
                "performer": [{ "actor": { "reference": format!("Practitioner/{practitioner}") } }],
            }),
        );
    }

    fn allergy(&mut self, number: i64) {
        let allergen = self.random.pick(&ALLERGENS);
        let criticality = self.random.pick(&["low", "low", "high"]);
        let day = TODAY.before(self.random.between(100, SPAN));
        let practitioner = practitioner_id(self.person.practitioner);
        self.add("AllergyIntolerance", &format!("{}-y{number}", self.person.id), &day.time(700), json!({
            "clinicalStatus": { "coding": [{
                "system": format!("{TERMINOLOGY}/allergyintolerance-clinical"), "code": "active",
            }] },
            "verificationStatus": { "coding": [{
                "system": format!("{TERMINOLOGY}/allergyintolerance-verification"), "code": "confirmed",
            }] },
            "type": "allergy",
            "criticality": criticality,
            "code": coding_text(SNOMED, allergen),
            "patient": self.person.reference(),
            "recordedDate": day.time(700),
            "recorder": { "reference": format!("Practitioner/{practitioner}") },
        }));
    }
}

/// A CodeableConcept.
fn coding_text(system: &str, (code, display): (&str, &str)) -> Value {
    json!({ "coding": [{ "system": system, "code": code, "display": display }], "text": display })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    const CLINIC_OF_200: Clinic = Clinic { patients: 200 };

    #[test]
    fn two_hundred_patients_have_about_twenty_thousand_resources() {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        let mut ids = HashSet::new();
        let all = (0..200).flat_map(|index| of_patient(CLINIC_OF_200, index));
        for resource in all.chain(CLINIC_OF_200.staff()) {
            assert_eq!(resource.body["id"], resource.id);
            assert_eq!(resource.body["resourceType"], resource.kind);
            assert!(
                ids.insert((resource.kind, resource.id)),
                "an id occurs twice"
            );
            *kinds.entry(resource.kind).or_default() += 1;
        }
        let total: usize = kinds.values().sum();
        assert!((19_000..=21_000).contains(&total), "{total}: {kinds:?}");
        assert!(kinds.len() >= 10, "{kinds:?}");
    }

    #[test]
    fn a_patient_stays_the_same_in_a_larger_clinic() {
        let text = |clinic, index| {
            let resources = of_patient(clinic, index);
            resources
                .iter()
                .map(|one| one.body.to_string())
                .collect::<String>()
        };
        assert_eq!(text(CLINIC_OF_200, 7), text(CLINIC_OF_200, 7));
        assert_ne!(text(CLINIC_OF_200, 7), text(CLINIC_OF_200, 8));
        let large = Clinic { patients: 5_000 }.person(7);
        let small = CLINIC_OF_200.person(7);
        assert_eq!((large.name(), large.born), (small.name(), small.born));
    }

    #[test]
    fn families_are_families() {
        let [mother, father, one, two] = [0, 1, 2, 3].map(|index| CLINIC_OF_200.person(index));
        assert!(mother.female && !father.female);
        assert_eq!(one.parent.as_deref(), Some(mother.id.as_str()));
        assert_eq!(two.parent, one.parent);
        assert_eq!(mother.family, two.family);
        assert!(mother.born < one.born);
        assert!(mother.parent.is_none());
    }

    #[test]
    fn referred_patients_carry_the_account_everywhere() {
        for resource in of_patient(CLINIC_OF_200, 3) {
            assert_eq!(
                resource.body["meta"]["account"]["reference"],
                PARTNER_LABORATORY
            );
        }
        for resource in of_patient(CLINIC_OF_200, 4) {
            assert!(resource.body["meta"].get("account").is_none());
        }
    }
}
