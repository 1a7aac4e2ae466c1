//! Documents and damage, made from a tape too.

use serde_json::{Value, json};

use crate::tape::{
    ASKED_REFERENCES, CODES, DATES, NUMBERS, REFERENCES, SYSTEMS, TEXTS, Tape, URIS,
};

fn date(tape: &mut Tape) -> Value {
    Value::from(tape.pick(&DATES))
}

fn number(tape: &mut Tape) -> Value {
    serde_json::from_str(tape.pick(&NUMBERS)).unwrap()
}

fn period(tape: &mut Tape) -> Value {
    match tape.next() % 3 {
        0 => json!({"start": date(tape), "end": date(tape)}),
        1 => json!({"start": date(tape)}),
        _ => json!({"end": date(tape)}),
    }
}

fn quantity(tape: &mut Tape) -> Value {
    let mut found = json!({"value": number(tape)});
    let more = tape.next();
    if more % 2 == 1 {
        found["system"] = Value::from(tape.pick(&SYSTEMS));
    }
    if !more.is_multiple_of(3) {
        found["code"] = Value::from(tape.pick(&CODES));
        found["currency"] = found["code"].clone();
    }
    if more % 5 == 4 {
        found["unit"] = Value::from(tape.pick(&CODES));
    }
    if more % 7 > 3 {
        found["comparator"] = Value::from(tape.pick(&["<", "<=", ">", ">="]));
    }
    found
}

fn coding(tape: &mut Tape) -> Value {
    let mut found = json!({"code": tape.pick(&CODES), "display": tape.pick(&TEXTS)});
    found["value"] = found["code"].clone();
    if tape.next() % 2 == 1 {
        found["system"] = Value::from(tape.pick(&SYSTEMS));
    }
    found
}

fn concept(tape: &mut Tape) -> Value {
    json!({"coding": [coding(tape)], "text": tape.pick(&TEXTS)})
}

fn reference(tape: &mut Tape) -> Value {
    json!({"reference": tape.pick(&REFERENCES), "identifier": coding(tape)})
}

fn sampled(tape: &mut Tape) -> Value {
    let data = tape.pick(&["1 2", "E", "-1 L", "U 0", "0.5", "x"]);
    let mut found = json!({"origin": quantity(tape), "data": data});
    if tape.next() % 2 == 1 {
        found["factor"] = number(tape);
    }
    found
}

/// A member of a choice, and how its value is made.
type Member = (&'static str, fn(&mut Tape) -> Value);

fn member(tape: &mut Tape, document: &mut Value, members: &[Member]) {
    let (name, make) = members[tape.next() % members.len()];
    document[name] = make(tape);
}

/// A resource of no type in particular, with something at every path that the criteria look at.
pub fn document(tape: &mut Tape) -> Value {
    let component = |tape: &mut Tape| {
        let mut found = json!({"code": concept(tape)});
        member(
            tape,
            &mut found,
            &[("valueQuantity", quantity), ("valueSampledData", sampled)],
        );
        found
    };
    let context = |tape: &mut Tape| {
        let range = |tape: &mut Tape| json!({"low": quantity(tape), "high": quantity(tape)});
        let mut found = json!({"code": coding(tape)});
        member(
            tape,
            &mut found,
            &[("valueQuantity", quantity), ("valueRange", range)],
        );
        found
    };
    let mut found = json!({
        "resourceType": "Observation",
        "id": tape.pick(&["1", "2", "p"]),
        "contained": [{"resourceType": "Patient", "id": "p"}],
        "meta": {
            "lastUpdated": date(tape),
            "tag": [coding(tape)],
            "profile": [tape.pick(&URIS), tape.pick(&URIS)],
            "account": reference(tape),
            "accounts": [reference(tape)],
        },
        "birthDate": date(tape),
        "period": period(tape),
        "activity": [{"detail": {"scheduledPeriod": period(tape)}}, {"detail": {"scheduledPeriod": period(tape)}}],
        "prediction": [{"probabilityDecimal": number(tape)}, {"probabilityRange": {"low": quantity(tape), "high": quantity(tape)}}],
        "factorOverride": number(tape),
        "variant": [{"start": number(tape), "end": number(tape)}, {"start": number(tape), "end": number(tape)}],
        "referenceSeq": {"chromosome": concept(tape), "windowStart": number(tape), "windowEnd": number(tape)},
        "component": [component(tape), component(tape)],
        "useContext": [context(tape), context(tape)],
        "totalGross": quantity(tape),
        "length": quantity(tape),
        "identifier": [coding(tape), {"type": concept(tape), "value": "a"}],
        "telecom": [{"system": "phone", "value": tape.pick(&CODES)}],
        "code": concept(tape),
        "active": tape.next().is_multiple_of(2),
        "name": [{"family": tape.pick(&TEXTS), "given": [tape.pick(&TEXTS)], "text": tape.pick(&TEXTS)}],
        "address": [{"city": tape.pick(&TEXTS), "line": [tape.pick(&TEXTS)]}],
        "subject": reference(tape),
        "performer": [reference(tape), reference(tape)],
        "target": [reference(tape)],
        "link": [{"other": reference(tape)}],
        "relatesTo": [{"code": tape.pick(&TEXTS), "target": reference(tape)}],
        "entry": [{"resource": {"resourceType": "Composition", "id": "1"}}],
        "url": tape.pick(&URIS),
        "library": [tape.pick(&ASKED_REFERENCES)],
    });
    let effective: [Member; 4] = [
        ("effectiveDateTime", date),
        ("effectivePeriod", period),
        ("effectiveInstant", date),
        (
            "effectiveTiming",
            |tape| json!({"event": [date(tape), date(tape)], "repeat": {"boundsPeriod": period(tape)}}),
        ),
    ];
    member(tape, &mut found, &effective);
    let values: [Member; 6] = [
        ("valueQuantity", quantity),
        ("valueSampledData", sampled),
        ("valueDateTime", date),
        ("valuePeriod", period),
        ("valueString", |tape| Value::from(tape.pick(&TEXTS))),
        ("valueCodeableConcept", concept),
    ];
    member(tape, &mut found, &values);
    member(
        tape,
        &mut found,
        &[
            ("onsetAge", quantity),
            (
                "onsetRange",
                |tape| json!({"low": quantity(tape), "high": quantity(tape)}),
            ),
        ],
    );
    member(
        tape,
        &mut found,
        &[
            ("deceasedDateTime", date),
            ("deceasedBoolean", |tape| {
                Value::from(tape.next().is_multiple_of(2))
            }),
        ],
    );
    if tape.next() % 8 == 7 {
        member(tape, &mut found, &effective);
        member(tape, &mut found, &values);
    }
    found
}

/// Breaks some place of a document.
pub fn damage(tape: &mut Tape, document: &mut Value) {
    fn places(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(places).sum(),
            Value::Object(members) => members.values().map(places).sum(),
            _ => 0,
        }
    }
    fn place(value: &mut Value, mut index: usize) -> &mut Value {
        if index == 0 || !(value.is_array() || value.is_object()) {
            return value;
        }
        index -= 1;
        let children: Vec<&mut Value> = match value {
            Value::Array(items) => items.iter_mut().collect(),
            Value::Object(members) => members.values_mut().collect(),
            _ => Vec::new(),
        };
        for child in children {
            let size = places(child);
            if index < size {
                return place(child, index);
            }
            index -= size;
        }
        unreachable!("the index is below the number of places")
    }
    let index = tape.next() % places(document);
    let found = place(document, index);
    let old = found.take();
    *found = match tape.next() % 9 {
        0 => Value::Null,
        1 => json!([old]),
        2 => json!([]),
        3 => json!({}),
        4 => Value::from(tape.pick(&TEXTS)),
        5 => number(tape),
        6 => Value::from(true),
        7 => json!({"reference": old}),
        _ => json!([null, 5, old]),
    };
}
