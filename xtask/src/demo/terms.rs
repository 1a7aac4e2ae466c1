//! Names and clinical codes that the generator draws from.

pub const FEMALE_NAMES: [&str; 24] = [
    "Amara", "Beatriz", "Chloe", "Dalia", "Elena", "Fatima", "Grace", "Hannah", "Ingrid", "Jun",
    "Keiko", "Leila", "Mei", "Nadia", "Olivia", "Priya", "Rosa", "Sofía", "Tamar", "Uma",
    "Valerie", "Wanda", "Yara", "Zoë",
];

pub const MALE_NAMES: [&str; 24] = [
    "Adam", "Bashir", "Carlos", "Daniel", "Emeka", "Felix", "Gustav", "Hiro", "Ivan", "James",
    "Kwame", "Liam", "Mateo", "Noah", "Oscar", "Pavel", "Quentin", "Ravi", "Samuel", "Tomás",
    "Umar", "Victor", "Wei", "Yusuf",
];

pub const FAMILY_NAMES: [&str; 40] = [
    "Abara",
    "Almeida",
    "Andersson",
    "Baker",
    "Becker",
    "Castillo",
    "Chen",
    "Cohen",
    "Díaz",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Gupta",
    "Haddad",
    "Hughes",
    "Ibrahim",
    "Ito",
    "Jensen",
    "Kaya",
    "Kim",
    "Kowalski",
    "Larsen",
    "Lopez",
    "Martin",
    "Mbeki",
    "Nguyen",
    "Novak",
    "O'Brien",
    "Okafor",
    "Park",
    "Patel",
    "Quinn",
    "Rossi",
    "Sato",
    "Silva",
    "Tanaka",
    "Vargas",
    "Walker",
    "Yilmaz",
];

/// State, city and the first three digits of its postal codes.
pub const PLACES: [(&str, &str, &str); 8] = [
    ("CA", "Oakland", "946"),
    ("CA", "San Diego", "921"),
    ("CA", "Fresno", "937"),
    ("CA", "Sacramento", "958"),
    ("OR", "Portland", "972"),
    ("NV", "Reno", "895"),
    ("WA", "Tacoma", "984"),
    ("AZ", "Tucson", "857"),
];

pub const STREETS: [&str; 8] = [
    "Bay Street",
    "Cedar Avenue",
    "Harbour Road",
    "Hill Lane",
    "Lake Drive",
    "Mill Street",
    "Park Avenue",
    "Willow Way",
];

pub const LANGUAGES: [(&str, &str); 4] = [
    ("en", "English"),
    ("es", "Spanish"),
    ("zh", "Chinese"),
    ("vi", "Vietnamese"),
];

/// SNOMED CT codes of conditions and what they are called; they are reasons of encounters too.
pub const CONDITIONS: [(&str, &str); 14] = [
    ("195967001", "Asthma"),
    ("59621000", "Essential hypertension"),
    ("44054006", "Diabetes mellitus type 2"),
    ("35489007", "Depressive disorder"),
    ("197480006", "Anxiety disorder"),
    ("55822004", "Hyperlipidemia"),
    ("36971009", "Sinusitis"),
    ("10509002", "Acute bronchitis"),
    ("65363002", "Otitis media"),
    ("37796009", "Migraine"),
    ("235595009", "Gastroesophageal reflux disease"),
    ("278860009", "Chronic low back pain"),
    ("84229001", "Fatigue"),
    ("24079001", "Atopic dermatitis"),
];

/// RxNorm codes of medications.
pub const MEDICATIONS: [(&str, &str); 8] = [
    ("617312", "atorvastatin 20 MG Oral Tablet"),
    ("314076", "lisinopril 10 MG Oral Tablet"),
    ("860975", "metformin 500 MG Extended Release Oral Tablet"),
    ("745679", "albuterol 0.09 MG/ACTUAT Metered Dose Inhaler"),
    ("312938", "sertraline 50 MG Oral Tablet"),
    ("308182", "amoxicillin 250 MG Oral Capsule"),
    ("310965", "ibuprofen 200 MG Oral Tablet"),
    ("198051", "omeprazole 20 MG Delayed Release Oral Capsule"),
];

/// CVX codes of vaccines.
pub const VACCINES: [(&str, &str); 7] = [
    ("140", "Influenza, seasonal, injectable, preservative free"),
    ("208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose"),
    ("115", "Tdap"),
    ("03", "MMR"),
    ("21", "Varicella"),
    ("43", "Hepatitis B, adult"),
    ("133", "Pneumococcal conjugate PCV 13"),
];

/// SNOMED CT codes of things people are allergic to.
pub const ALLERGENS: [(&str, &str); 5] = [
    ("91935009", "Allergy to peanut"),
    ("91936005", "Allergy to penicillin"),
    ("232350006", "House dust mite allergy"),
    ("418689008", "Allergy to grass pollen"),
    ("300916003", "Latex allergy"),
];

/// A measurement: LOINC code, name, UCUM unit, and the range of its value in tenths of the unit.
pub type Measurement = (&'static str, &'static str, &'static str, i64, i64);

pub const VITAL_SIGNS: [Measurement; 4] = [
    ("29463-7", "Body weight", "kg", 520, 980),
    ("8867-4", "Heart rate", "/min", 560, 980),
    ("8310-5", "Body temperature", "Cel", 362, 376),
    (
        "2708-6",
        "Oxygen saturation in Arterial blood",
        "%",
        940,
        1000,
    ),
];

/// A laboratory panel: LOINC code, name, and its measurements.
pub type Panel = (&'static str, &'static str, [Measurement; 4]);

pub const PANELS: [Panel; 3] = [
    (
        "57698-3",
        "Lipid panel with direct LDL - Serum or Plasma",
        [
            (
                "2093-3",
                "Cholesterol [Mass/volume] in Serum or Plasma",
                "mg/dL",
                1400,
                2600,
            ),
            (
                "2571-8",
                "Triglyceride [Mass/volume] in Serum or Plasma",
                "mg/dL",
                600,
                2400,
            ),
            (
                "18262-6",
                "Cholesterol in LDL [Mass/volume] in Serum or Plasma by Direct assay",
                "mg/dL",
                600,
                1900,
            ),
            (
                "2085-9",
                "Cholesterol in HDL [Mass/volume] in Serum or Plasma",
                "mg/dL",
                300,
                800,
            ),
        ],
    ),
    (
        "24321-2",
        "Basic metabolic 2000 panel - Serum or Plasma",
        [
            (
                "2345-7",
                "Glucose [Mass/volume] in Serum or Plasma",
                "mg/dL",
                700,
                1600,
            ),
            (
                "2160-0",
                "Creatinine [Mass/volume] in Serum or Plasma",
                "mg/dL",
                5,
                15,
            ),
            (
                "2951-2",
                "Sodium [Moles/volume] in Serum or Plasma",
                "mmol/L",
                1340,
                1460,
            ),
            (
                "2823-3",
                "Potassium [Moles/volume] in Serum or Plasma",
                "mmol/L",
                34,
                52,
            ),
        ],
    ),
    (
        "58410-2",
        "CBC panel - Blood by Automated count",
        [
            (
                "718-7",
                "Hemoglobin [Mass/volume] in Blood",
                "g/dL",
                110,
                175,
            ),
            (
                "6690-2",
                "Leukocytes [#/volume] in Blood by Automated count",
                "10*3/uL",
                38,
                112,
            ),
            (
                "777-3",
                "Platelets [#/volume] in Blood by Automated count",
                "10*3/uL",
                1500,
                4200,
            ),
            (
                "4548-4",
                "Hemoglobin A1c/Hemoglobin.total in Blood",
                "%",
                46,
                92,
            ),
        ],
    ),
];
