//! Calls of functions, by name or as operators, whichever node they are.

use pgrx::prelude::*;

/// A call in an expression.
pub struct Call {
    /// The operator; invalid where a function is called by name.
    pub operator: pg_sys::Oid,
    /// The function, as far as it was looked up.
    named: pg_sys::Oid,
    pub arguments: *mut pg_sys::List,
}

impl Call {
    /// What this node calls, if it is a call: `f(…)`, an operator, `IS DISTINCT FROM`, `NULLIF`, or `ANY` and `ALL` of an array.
    ///
    /// # Safety
    /// `node` must be a node.
    pub unsafe fn of(node: *mut pg_sys::Node) -> Option<Self> {
        // SAFETY: by the caller's promise; a node is looked at as what its tag says.
        unsafe {
            Some(match (*node).type_ {
                pg_sys::NodeTag::T_FuncExpr => {
                    let call = &*node.cast::<pg_sys::FuncExpr>();
                    Self {
                        operator: pg_sys::InvalidOid,
                        named: call.funcid,
                        arguments: call.args,
                    }
                }
                pg_sys::NodeTag::T_ScalarArrayOpExpr => {
                    let any = &*node.cast::<pg_sys::ScalarArrayOpExpr>();
                    Self {
                        operator: any.opno,
                        named: any.opfuncid,
                        arguments: any.args,
                    }
                }
                // All three are the same structure.
                pg_sys::NodeTag::T_OpExpr
                | pg_sys::NodeTag::T_DistinctExpr
                | pg_sys::NodeTag::T_NullIfExpr => {
                    let operator = &*node.cast::<pg_sys::OpExpr>();
                    Self {
                        operator: operator.opno,
                        named: operator.opfuncid,
                        arguments: operator.args,
                    }
                }
                _ => return None,
            })
        }
    }

    /// Is it an operator's?
    pub fn is_operators(&self) -> bool {
        self.operator != pg_sys::InvalidOid
    }

    /// The function that is run.
    pub fn function(&self) -> pg_sys::Oid {
        match self.named {
            // SAFETY: a look-up in the catalogs.
            pg_sys::InvalidOid => unsafe { pg_sys::get_opcode(self.operator) },
            function => function,
        }
    }
}
