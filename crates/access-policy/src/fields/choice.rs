//! `value[x]`: the data types of FHIR R4, and of R5 beside them, that a choice may end in.

/// Whether `name` is the capitalised name of a FHIR data type, as it ends a choice: `Quantity`, `String`, `DateTime`.
///
/// These are the primitive, general-purpose, metadata and special-purpose types, and the types of R4's product resources
/// (<https://hl7.org/fhir/R4/datatypes.html>); and those that R5 adds, because a document of R5 would show what is hidden.
/// `Set` (of `valueSet`) is none.
pub fn is_data_type(name: &str) -> bool {
    ends_choice(name.as_bytes())
}

/// [`is_data_type`] of a key's last bytes.
pub(super) fn ends_choice(name: &[u8]) -> bool {
    DATA_TYPES
        .binary_search_by(|data_type| data_type.as_bytes().cmp(name))
        .is_ok()
}

/// Sorted.
const DATA_TYPES: [&str; 68] = [
    "Address",
    "Age",
    "Annotation",
    "Attachment",
    "Availability",
    "Base64Binary",
    "Boolean",
    "Canonical",
    "Code",
    "CodeableConcept",
    "CodeableReference",
    "Coding",
    "ContactDetail",
    "ContactPoint",
    "Contributor",
    "Count",
    "DataRequirement",
    "Date",
    "DateTime",
    "Decimal",
    "Distance",
    "Dosage",
    "Duration",
    "ElementDefinition",
    "Expression",
    "ExtendedContactDetail",
    "Extension",
    "HumanName",
    "Id",
    "Identifier",
    "Instant",
    "Integer",
    "Integer64",
    "Markdown",
    "MarketingStatus",
    "Meta",
    "MonetaryComponent",
    "Money",
    "MoneyQuantity",
    "Narrative",
    "Oid",
    "ParameterDefinition",
    "Period",
    "Population",
    "PositiveInt",
    "ProdCharacteristic",
    "ProductShelfLife",
    "Quantity",
    "Range",
    "Ratio",
    "RatioRange",
    "Reference",
    "RelatedArtifact",
    "SampledData",
    "Signature",
    "SimpleQuantity",
    "String",
    "SubstanceAmount",
    "Time",
    "Timing",
    "TriggerDefinition",
    "UnsignedInt",
    "Uri",
    "Url",
    "UsageContext",
    "Uuid",
    "VirtualServiceDetail",
    "Xhtml",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_exact() {
        assert!(DATA_TYPES.is_sorted_by(|a, b| a < b));
        for name in ["Quantity", "String", "DateTime", "Xhtml", "Address", "Uuid"] {
            assert!(is_data_type(name), "{name}");
        }
        for name in [
            "",
            "Set",
            "quantity",
            "Quantit",
            "Quantityy",
            "Element",
            "Patient",
        ] {
            assert!(!is_data_type(name), "{name}");
        }
    }
}
