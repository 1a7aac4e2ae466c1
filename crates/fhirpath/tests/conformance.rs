//! HL7's FHIRPath suite for R4: exactly the expressions marked as syntax errors are refused, and every other one
//! survives being printed. Skipped where the suite is not beside the repository.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use serde_json::Value;

#[test]
fn accepts_and_refuses_what_the_suite_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/conformance/fhirpath/tests-fhir-r4.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: HL7's suite is not at ../shared beside the repository");
        return;
    };
    let tests: Vec<Value> = serde_json::from_str(&text).expect("the suite is JSON");
    assert_eq!(tests.len(), 935);

    let mut wrong = Vec::new();
    for test in &tests {
        let expression = test["expression"].as_str().expect("an expression");
        let accept = test["invalid"] != "syntax";
        match fhirpath::parse(expression) {
            Ok(ast) if accept => {
                let printed = ast.to_string();
                match fhirpath::parse(&printed) {
                    Ok(again) if again == ast && again.to_string() == printed => {}
                    other => wrong.push(format!("{expression}\nprinted as {printed}\n{other:?}")),
                }
            }
            Err(_) if !accept => {}
            Ok(ast) => wrong.push(format!("accepted: {expression}\nas {ast}")),
            Err(error) => wrong.push(format!("refused: {error}\n{}", error.excerpt(expression))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
