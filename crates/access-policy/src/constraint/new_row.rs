//! Whether a constraint looks at the row that is to be written, or at the stored one alone.

use fhirpath::{Argument, Ast, Expr, Function, NodeId, Special};

/// The names of the new row: it is what a constraint is evaluated on.
pub(super) const NEW_ROW: [&str; 4] = [super::AFTER, "resource", "rootResource", "context"];

/// Whether the value of the expression may depend on what it is evaluated on. In doubt it does.
pub(super) fn reads_new_row(ast: &Ast) -> bool {
    // For each node, whether its focus (what a name at its beginning is looked up in) may be the new row. Nodes stand behind
    // their operands, so that backwards each is reached from the one it belongs to.
    let mut on_row = vec![true; ast.nodes().len()];
    for (index, node) in ast.nodes().enumerate().rev() {
        let focus = on_row.get(index).copied().unwrap_or(true);
        let reads = match &node.expr {
            Expr::External(name) => NEW_ROW.contains(&name.as_str()),
            Expr::Member { base: None, .. } => focus,
            Expr::Special {
                base: None,
                special: Special::This,
            } => focus,
            Expr::Call {
                base: None, name, ..
            } => focus && !is_without_input(name.as_str()),
            _ => false,
        };
        if reads {
            return true;
        }
        let mut pass = |to: NodeId, focus: bool| {
            if let Some(place) = on_row.get_mut(to.index()) {
                *place = focus;
            }
        };
        if let Some(left) = node.expr.left() {
            pass(left, focus);
        }
        match &node.expr {
            Expr::Call { base, name, args } => {
                let kinds = Function::from_name(name.as_str()).map_or(&[][..], Function::arguments);
                for (place, argument) in args.iter().enumerate() {
                    let focus = match kinds.get(place).or(kinds.last()) {
                        Some(Argument::Type) => false,
                        // It is evaluated on what stands before the dot.
                        Some(Argument::Each) => focus && base.is_none(),
                        Some(Argument::Value) | None => focus,
                    };
                    pass(*argument, focus);
                }
            }
            expr => expr.nested().for_each(|operand| pass(operand, focus)),
        }
    }
    false
}

/// The functions that are of use with nothing before them and do not look at it.
fn is_without_input(name: &str) -> bool {
    matches!(
        Function::from_name(name),
        Some(Function::Now | Function::Today | Function::TimeOfDay | Function::Iif)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(source: &str) -> bool {
        reads_new_row(&fhirpath::parse(source).unwrap())
    }

    #[test]
    fn what_looks_at_the_stored_row_alone_is_told_apart() {
        for source in [
            "%before.exists() implies %before.status != 'final'",
            "%before.component.where(code.text = 'x' and $this.value.exists()).empty()",
            "%before.ofType(Observation).issued < now()",
            "%before.value is Quantity and today() > @2020",
            "iif(%before.empty(), true, %before.status = %wanted)",
            "true",
            "%before.name.all(given.count() > 1 or %profile.exists())",
        ] {
            assert!(!reads(source), "{source}");
        }
        for source in [
            "status = 'final' implies subject.exists()",
            "%before.status != 'final' or %after.status = 'amended'",
            "$this.exists()",
            "exists()",
            "now() > issued",
            "%before.status = status",
            "%before.name.where(use = %resource.name.use.first()).exists()",
            "%before.code.contains(code)",
            "iif(%before.exists(), status = 'final', true)",
            "%context.exists()",
            "ofType(Patient).exists()",
            "defineVariable('x').select(%x) = 1",
            "-id.length() < 0",
            "(%before | $this).count() = 1",
            "%before.name[%after.name.count()].exists()",
        ] {
            assert!(reads(source), "{source}");
        }
    }

    #[test]
    fn long_chains_and_deep_nesting_are_walked_without_recursion() {
        assert!(reads(&format!("a{}", ".a".repeat(16_000))));
        assert!(!reads(&format!("%before{}", ".a".repeat(16_000))));
        assert!(!reads(&format!(
            "{}%before.a{}",
            "%before.where(".repeat(120),
            ")".repeat(120)
        )));
    }
}
