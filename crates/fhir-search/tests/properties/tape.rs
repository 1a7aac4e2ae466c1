//! Criteria made from a tape of numbers: a shorter tape of smaller numbers makes simpler ones.

/// Numbers that choose; after the last all are zero.
#[derive(Debug)]
pub struct Tape(std::vec::IntoIter<u16>);

impl Tape {
    pub fn new(numbers: Vec<u16>) -> Self {
        Tape(numbers.into_iter())
    }

    pub fn next(&mut self) -> usize {
        usize::from(self.0.next().unwrap_or(0))
    }

    pub fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.next() % all.len()]
    }
}

pub const DATES: [&str; 12] = [
    "2013",
    "2013-01",
    "2013-01-14",
    "2013-01-14T10:00",
    "2013-01-14T10:00:00Z",
    "2013-01-14T10:00:30.25+02:00",
    "2012",
    "2014",
    "2012-12-31T23:59:60Z",
    "0001",
    "9999",
    "2013-01-13T22:00:00-05:00",
];
pub const NUMBERS: [&str; 12] = [
    "5", "5.4", "5.45", "-1", "0", "100", "100.5", "99.5", "1e2", "4.5", "5.5", "1e-3",
];
pub const CODES: [&str; 3] = ["a", "b", "mg"];
pub const SYSTEMS: [&str; 3] = ["s", "t", "urn:iso:std:iso:4217"];
pub const TEXTS: [&str; 8] = [
    "Ann",
    "ann maria",
    "Müller",
    "MULLER",
    "Straße",
    "STRAẞE",
    "a",
    "mg",
];
pub const URIS: [&str; 9] = [
    "http://x",
    "http://x/",
    "http://x/a",
    "http://x/a/",
    "http://x/a/b",
    "http://x/ab",
    "urn:a:b",
    "http://x|1",
    "",
];
pub const REFERENCES: [&str; 10] = [
    "Patient/1",
    "Patient/2",
    "Group/1",
    "Patient/1/_history/2",
    "#p",
    "#gone",
    "http://x/Patient/1",
    "http://x/Patient/1/_history/4",
    "urn:uuid:1",
    "DocumentReference/1",
];
pub const ASKED_REFERENCES: [&str; 9] = [
    "Patient/1",
    "Patient/2",
    "Group/1",
    "1",
    "p",
    "http://x/Patient/1",
    "urn:uuid:1",
    "DocumentReference/1",
    "Composition/1",
];
const PREFIXES: [&str; 10] = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

/// What values a parameter takes.
#[derive(Clone, Copy)]
enum Kind {
    Date,
    Number,
    Quantity,
    Token,
    Truth,
    Text,
    Reference,
    Uri,
    Url,
    Composite(&'static [Kind]),
}

const TOKEN_QUANTITY: Kind = Kind::Composite(&[Kind::Token, Kind::Quantity]);
const VARIANT: Kind = Kind::Composite(&[Kind::Token, Kind::Number, Kind::Number]);

const PARAMETERS: [(&str, Kind); 58] = [
    ("Observation?date", Kind::Date),
    ("Observation?value-date", Kind::Date),
    ("Observation?_lastUpdated", Kind::Date),
    ("Patient?birthdate", Kind::Date),
    ("Encounter?date", Kind::Date),
    ("CarePlan?activity-date", Kind::Date),
    ("RiskAssessment?probability", Kind::Number),
    ("ChargeItem?factor-override", Kind::Number),
    ("MolecularSequence?variant-start", Kind::Number),
    ("MolecularSequence?window-end", Kind::Number),
    ("Observation?value-quantity", Kind::Quantity),
    ("Observation?component-value-quantity", Kind::Quantity),
    ("Observation?combo-value-quantity", Kind::Quantity),
    ("Condition?onset-age", Kind::Quantity),
    ("Invoice?totalgross", Kind::Quantity),
    ("ActivityDefinition?context-quantity", Kind::Quantity),
    ("Encounter?length", Kind::Quantity),
    ("Patient?identifier", Kind::Token),
    ("Patient?identifier:text", Kind::Text),
    ("Patient?phone", Kind::Token),
    ("Observation?code", Kind::Token),
    ("Observation?code:text", Kind::Text),
    ("Observation?combo-code", Kind::Token),
    ("Observation?_tag", Kind::Token),
    ("Observation?subject:identifier", Kind::Token),
    ("Observation?performer:identifier", Kind::Token),
    ("Patient?deceased", Kind::Truth),
    ("Patient?active", Kind::Truth),
    ("Patient?active:missing", Kind::Truth),
    ("Observation?date:missing", Kind::Truth),
    ("Observation?patient:missing", Kind::Truth),
    ("Observation?value-quantity:missing", Kind::Truth),
    ("Patient?name", Kind::Text),
    ("Patient?name:exact", Kind::Text),
    ("Patient?name:contains", Kind::Text),
    ("Patient?address", Kind::Text),
    ("Observation?value-string", Kind::Text),
    ("Observation?value-string:exact", Kind::Text),
    ("Observation?subject", Kind::Reference),
    ("Observation?patient", Kind::Reference),
    ("Observation?performer", Kind::Reference),
    ("Provenance?target", Kind::Reference),
    ("Bundle?composition", Kind::Reference),
    ("Observation?_compartment", Kind::Reference),
    ("Patient?_compartment", Kind::Reference),
    ("ValueSet?url", Kind::Uri),
    ("ValueSet?url:below", Kind::Url),
    ("ValueSet?url:above", Kind::Url),
    ("Observation?_profile:below", Kind::Url),
    ("PlanDefinition?depends-on", Kind::Reference),
    ("Observation?code-value-quantity", TOKEN_QUANTITY),
    ("Observation?component-code-value-quantity", TOKEN_QUANTITY),
    ("Observation?combo-code-value-quantity", TOKEN_QUANTITY),
    ("ActivityDefinition?context-type-quantity", TOKEN_QUANTITY),
    (
        "Observation?code-value-date",
        Kind::Composite(&[Kind::Token, Kind::Date]),
    ),
    (
        "DocumentReference?relationship",
        Kind::Composite(&[Kind::Text, Kind::Reference]),
    ),
    ("MolecularSequence?chromosome-variant-coordinate", VARIANT),
    ("MolecularSequence?chromosome-window-coordinate", VARIANT),
];

fn value(tape: &mut Tape, kind: Kind) -> String {
    match kind {
        Kind::Date => {
            format!(
                "{}{}",
                tape.pick(&PREFIXES),
                tape.pick(&DATES).replace('+', "%2B")
            )
        }
        Kind::Number => format!("{}{}", tape.pick(&PREFIXES), tape.pick(&NUMBERS)),
        Kind::Quantity => {
            let number = value(tape, Kind::Number);
            match tape.next() % 3 {
                0 => number,
                1 => format!("{number}||{}", tape.pick(&CODES)),
                _ => format!("{number}|{}|{}", tape.pick(&SYSTEMS), tape.pick(&CODES)),
            }
        }
        Kind::Token => match tape.next() % 4 {
            0 => tape.pick(&CODES).to_owned(),
            1 => format!("|{}", tape.pick(&CODES)),
            2 => format!("{}|", tape.pick(&SYSTEMS)),
            _ => format!("{}|{}", tape.pick(&SYSTEMS), tape.pick(&CODES)),
        },
        Kind::Truth => tape.pick(&["true", "false"]).to_owned(),
        Kind::Text => tape.pick(&TEXTS).to_owned(),
        Kind::Reference => tape.pick(&ASKED_REFERENCES).to_owned(),
        Kind::Uri => tape.pick(&URIS[..8]).to_owned(),
        Kind::Url => tape.pick(&URIS[..6]).to_owned(),
        Kind::Composite(parts) => {
            let parts = parts.iter().map(|part| value(tape, *part));
            parts.collect::<Vec<_>>().join("$")
        }
    }
}

/// Criteria with one value or a few, or one condition or two of a type.
pub fn criteria(tape: &mut Tape) -> String {
    let (parameter, kind) = PARAMETERS[tape.next() % PARAMETERS.len()];
    let several = !parameter.ends_with(":missing");
    let values = 1 + if several { tape.next() % 3 } else { 0 };
    let values: Vec<String> = (0..values).map(|_| value(tape, kind)).collect();
    let not = if tape.next() % 5 == 4 && !parameter.contains(':') {
        ":not"
    } else {
        ""
    };
    format!("{parameter}{not}={}", values.join(","))
}
