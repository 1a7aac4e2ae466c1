//! Which types of rows a statement asks of a table of all types, as its own conditions say: `WHERE resource_type = 'Patient'`.
//!
//! Policies say something else of each type, and a predicate for all of them is long. Of a statement that wants a few types alone
//! the rows of the others are of no use, so it is given the predicate for these: never more rows than that for all.

use crate::node::{constant, row};
use crate::registry::Protected;
use pgrx::PgList;
use pgrx::prelude::*;

/// A list of more values than these says no more than no list.
const MOST: usize = 1_000;

/// `jsonb ->> text`, `jsonb @> jsonb`
const MEMBER_AS_TEXT: u32 = 3477;
const CONTAINS: u32 = 3246;

/// The types of the rows that `query` asks of its entry with this number, in alphabetical order; `None` where it does not say.
///
/// # Safety
/// `query` must be a query that has not been masked yet, `root` the planner's state with the statement's parameters.
pub unsafe fn types_asked(
    query: *const pg_sys::Query,
    number: i32,
    protected: &Protected,
    root: *mut pg_sys::PlannerInfo,
) -> Option<Vec<&'static str>> {
    // SAFETY: by the caller's promise.
    unsafe {
        // The conditions of a MERGE join its rows, they do not choose them.
        if protected.one_type().is_some() || (*query).commandType == pg_sys::CmdType::CMD_MERGE {
            return None;
        }
        let mut conditions = Vec::new();
        if !gather((*query).jointree.cast(), number, &mut conditions) {
            return None;
        }
        let asker = Asker {
            number,
            protected,
            root,
        };
        let mut asked: Option<Vec<&'static str>> = None;
        for condition in conditions {
            let Some(types) = asker.types(condition) else {
                continue;
            };
            asked = Some(match asked {
                None => types,
                Some(before) => before
                    .into_iter()
                    .filter(|name| types.contains(name))
                    .collect(),
            });
        }
        asked.map(|mut types| {
            types.sort_unstable();
            types.dedup();
            types
        })
    }
}

/// Adds the conditions that each row of the entry meets which has a part in the result; says whether the entry is below `node`.
///
/// # Safety
/// `node` must be null or a node of a join tree.
unsafe fn gather(
    node: *mut pg_sys::Node,
    number: i32,
    conditions: &mut Vec<*mut pg_sys::Node>,
) -> bool {
    // SAFETY: nodes are looked at as what their tags say.
    unsafe {
        if node.is_null() {
            return false;
        }
        pg_sys::check_stack_depth();
        match (*node).type_ {
            pg_sys::NodeTag::T_RangeTblRef => {
                (*node.cast::<pg_sys::RangeTblRef>()).rtindex == number
            }
            pg_sys::NodeTag::T_FromExpr => {
                let from = &*node.cast::<pg_sys::FromExpr>();
                let found = PgList::<pg_sys::Node>::from_pg(from.fromlist)
                    .iter_ptr()
                    .any(|part| gather(part, number, conditions));
                if found {
                    conjuncts(from.quals, conditions);
                }
                found
            }
            pg_sys::NodeTag::T_JoinExpr => {
                let join = &*node.cast::<pg_sys::JoinExpr>();
                let left = gather(join.larg, number, conditions);
                let right = !left && gather(join.rarg, number, conditions);
                // A row of the side that is kept has a part in the result even where the condition is not true.
                let chosen = match join.jointype {
                    pg_sys::JoinType::JOIN_INNER => left || right,
                    pg_sys::JoinType::JOIN_LEFT => right,
                    pg_sys::JoinType::JOIN_RIGHT => left,
                    _ => false,
                };
                if chosen {
                    conjuncts(join.quals, conditions);
                }
                left || right
            }
            _ => false,
        }
    }
}

/// The parts of a condition that must all be true.
///
/// # Safety
/// `condition` must be null or an expression.
unsafe fn conjuncts(condition: *mut pg_sys::Node, into: &mut Vec<*mut pg_sys::Node>) {
    // SAFETY: by the caller's promise.
    unsafe {
        if condition.is_null() {
            return;
        }
        pg_sys::check_stack_depth();
        if pgrx::is_a(condition, pg_sys::NodeTag::T_BoolExpr) {
            let all = &*condition.cast::<pg_sys::BoolExpr>();
            if all.boolop == pg_sys::BoolExprType::AND_EXPR {
                for part in PgList::<pg_sys::Node>::from_pg(all.args).iter_ptr() {
                    conjuncts(part, into);
                }
                return;
            }
        }
        into.push(condition);
    }
}

/// Reads conditions on one entry.
struct Asker<'a> {
    number: i32,
    protected: &'a Protected,
    root: *mut pg_sys::PlannerInfo,
}

impl Asker<'_> {
    /// The types for which a condition can be true; `None` where it is about something else.
    ///
    /// # Safety
    /// `condition` must be an expression of the query.
    unsafe fn types(&self, condition: *mut pg_sys::Node) -> Option<Vec<&'static str>> {
        // SAFETY: by the caller's promise; nodes are looked at as what their tags say.
        unsafe {
            if pgrx::is_a(condition, pg_sys::NodeTag::T_OpExpr) {
                let call = &*condition.cast::<pg_sys::OpExpr>();
                let (left, right) = two(call.args)?;
                if call.opno.to_u32() == CONTAINS {
                    let document = self.is_resource(left).then(|| self.constant(right))??;
                    return of_document(document);
                }
                if !is_equality(call.opno, call.inputcollid) {
                    return None;
                }
                let value = match (self.is_type(left), self.is_type(right)) {
                    (true, false) => right,
                    (false, true) => left,
                    _ => return None,
                };
                let value = &*self.constant(value)?;
                return Some(match value.constisnull {
                    true => Vec::new(),
                    false => known(&row::output(value.constvalue, value.consttype)),
                });
            }
            if pgrx::is_a(condition, pg_sys::NodeTag::T_ScalarArrayOpExpr) {
                let call = &*condition.cast::<pg_sys::ScalarArrayOpExpr>();
                let (left, right) = two(call.args)?;
                if !call.useOr || !is_equality(call.opno, call.inputcollid) || !self.is_type(left) {
                    return None;
                }
                return of_array(&*self.constant(right)?);
            }
            None
        }
    }

    /// # Safety
    /// As above.
    unsafe fn constant(&self, expression: *mut pg_sys::Node) -> Option<*const pg_sys::Const> {
        // SAFETY: as above.
        unsafe { constant::of(self.root, expression) }
    }

    /// Is it what says of which type a row of the entry is?
    ///
    /// # Safety
    /// As above.
    unsafe fn is_type(&self, expression: *mut pg_sys::Node) -> bool {
        // SAFETY: as above.
        unsafe {
            let expression = plain(expression);
            if let Some(column) = self.protected.type_column()
                && self.is_column(expression, column.number)
            {
                return true;
            }
            // The document's own word; where a column says it, too, the two agree in every row that is granted.
            if !pgrx::is_a(expression, pg_sys::NodeTag::T_OpExpr) {
                return false;
            }
            let call = &*expression.cast::<pg_sys::OpExpr>();
            let Some((resource, member)) = two(call.args) else {
                return false;
            };
            call.opno.to_u32() == MEMBER_AS_TEXT
                && self.is_resource(resource)
                && self.constant(member).is_some_and(|member| {
                    String::from_datum((*member).constvalue, (*member).constisnull).as_deref()
                        == Some("resourceType")
                })
        }
    }

    unsafe fn is_resource(&self, expression: *mut pg_sys::Node) -> bool {
        // SAFETY: as above.
        unsafe {
            // A text is read as jsonb by a cast.
            let stored = match pgrx::is_a(expression, pg_sys::NodeTag::T_CoerceViaIO) {
                true => plain((*expression.cast::<pg_sys::CoerceViaIO>()).arg.cast()),
                false => expression,
            };
            self.is_column(stored, self.protected.resource.number)
        }
    }

    unsafe fn is_column(&self, expression: *mut pg_sys::Node, number: i16) -> bool {
        // SAFETY: as above.
        unsafe {
            if !pgrx::is_a(expression, pg_sys::NodeTag::T_Var) {
                return false;
            }
            let var = &*expression.cast::<pg_sys::Var>();
            var.varno == self.number && var.varlevelsup == 0 && var.varattno == number
        }
    }
}

/// Both arguments of a call that has two.
///
/// # Safety
/// `arguments` must be a list of nodes.
unsafe fn two(arguments: *mut pg_sys::List) -> Option<(*mut pg_sys::Node, *mut pg_sys::Node)> {
    // SAFETY: by the caller's promise.
    let arguments = unsafe { PgList::<pg_sys::Node>::from_pg(arguments) };
    match arguments.len() {
        2 => Some((arguments.get_ptr(0)?, arguments.get_ptr(1)?)),
        _ => None,
    }
}

/// An expression without what makes a varchar a text.
///
/// # Safety
/// `expression` must be an expression.
unsafe fn plain(expression: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: by the caller's promise.
    unsafe {
        if pgrx::is_a(expression, pg_sys::NodeTag::T_RelabelType) {
            return (*expression.cast::<pg_sys::RelabelType>()).arg.cast();
        }
        expression
    }
}

/// Is the operator PostgreSQL's `=` for texts, names or enums, by their bytes?
fn is_equality(operator: pg_sys::Oid, collation: pg_sys::Oid) -> bool {
    /// `text = text`, `name = name`, `name = text`, `text = name`, `anyenum = anyenum`
    const EQUALITY: [u32; 5] = [98, 93, 254, 260, 3516];
    // SAFETY: a catalog look-up by OID.
    let by_bytes = collation == pg_sys::InvalidOid
        || unsafe { pg_sys::get_collation_isdeterministic(collation) };
    by_bytes && EQUALITY.contains(&operator.to_u32())
}

/// The type of this name, if there is one.
fn known(name: &str) -> Vec<&'static str> {
    fhir_search::model::resource_type(name)
        .into_iter()
        .collect()
}

/// The types of what contains a document.
///
/// # Safety
/// `document` must be a constant of type jsonb.
unsafe fn of_document(document: *const pg_sys::Const) -> Option<Vec<&'static str>> {
    // SAFETY: by the caller's promise.
    unsafe {
        if (*document).constisnull {
            return Some(Vec::new());
        }
        let document = row::JsonbDatum::new((*document).constvalue);
        let name = document.value().ok()?.as_object()?.get("resourceType")?;
        Some(name.as_str().map(known).unwrap_or_default())
    }
}

/// The types in an array of names.
///
/// # Safety
/// `array` must be a constant of an array type.
unsafe fn of_array(array: &pg_sys::Const) -> Option<Vec<&'static str>> {
    if array.constisnull {
        return Some(Vec::new());
    }
    // SAFETY: by the caller's promise.
    unsafe {
        let (element, values) = constant::elements(array, MOST)?;
        let values = values.into_iter().flatten();
        Some(
            values
                .flat_map(|value| known(&row::output(value, element)))
                .collect(),
        )
    }
}
