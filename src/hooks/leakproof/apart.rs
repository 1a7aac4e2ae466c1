//! Does a statement do anything that tells which rows its conditions have met, apart from its answer?
//!
//! PostgreSQL takes a condition for leakproof when no function in it that may leak is given a column. But what reads no column may
//! still depend on a row: `CASE WHEN born = '1950' THEN 1 / current_setting('zero')::int = 1 END` fails, and
//! `born = '1950' AND set_config(…) IS NOT NULL` counts, where a row is met that the policy would have refused. So
//! where a statement has an expression without columns that is neither known when it is planned nor plain, its conditions wait for
//! the policy's.
//!
//! What reads a column here may read none when PostgreSQL is done with it: `COALESCE('zero', id)` and a column of a subquery
//! become constants, as does an operator that is given NULL. So what such a call is given counts as read only where that cannot
//! happen ([`Look::stays`]). And some expressions fail that PostgreSQL asks no function about: these are listed in [`Look::visit`].
//!
//! All this is looked up before the statement is planned. Planning runs functions, and these may change others: so what somebody
//! has made who is no superuser is taken for nothing that it is declared as.

use crate::node::tree::{self, Visitor};
use pgrx::PgList;
use pgrx::prelude::*;
use std::collections::HashSet;

/// More nodes than these are not looked at: the statement is taken to have such an expression.
const MOST_NODES: usize = 20_000;

/// Nor are statements of more queries, tables and windows than these: each takes stack where rows are found.
const MOST_ENTRIES: usize = 150;

/// The language of functions that PostgreSQL puts in the place of their calls.
const SQL_LANGUAGE: u32 = 14;

/// Is there an expression in these queries that may tell?
///
/// # Safety
/// The queries must be those of a statement, each with whether it is the outermost, `silent` the operators that have twins,
/// `parameters` those of the execution, or null.
pub unsafe fn any(
    queries: &[(*mut pg_sys::Query, bool)],
    silent: &[(*mut pg_sys::OpExpr, pg_sys::Oid)],
    parameters: pg_sys::ParamListInfo,
) -> bool {
    let mut look = Look {
        silent: silent.iter().map(|(operator, _)| *operator).collect(),
        parameters,
        is_asked_plainly: is_asked_plainly(parameters),
        left: MOST_NODES,
        found: false,
        only_inlined: false,
        entries: Vec::new(),
        conditions: HashSet::new(),
    };
    // SAFETY: by the caller's promise.
    unsafe {
        let mut nodes = 0_usize;
        for (query, is_outermost) in queries {
            let query = &**query;
            look.entries = tree::range_table(query.rtable);
            let windows = query.windowClause.as_ref().map_or(0, |list| list.length);
            nodes = nodes
                .saturating_add(1 + look.entries.len())
                .saturating_add(usize::try_from(windows).unwrap_or(0));
            look.found |= nodes > MOST_ENTRIES;
            look.conditions.clear();
            tree::visit(query.jointree.cast(), &mut Conditions(&mut look.conditions));
            for entry in tree::range_table(query.rtable) {
                match (*entry).rtekind {
                    pg_sys::RTEKind::RTE_VALUES => {
                        let rows = PgList::<pg_sys::List>::from_pg((*entry).values_lists);
                        for row in rows.iter_ptr() {
                            look.handed_on(PgList::from_pg(row).iter_ptr());
                        }
                    }
                    pg_sys::RTEKind::RTE_FUNCTION => {
                        look.only_inlined = true;
                        tree::visit((*entry).functions.cast(), &mut look);
                        look.only_inlined = false;
                    }
                    // The columns that `USING` has made one, with casts that its comparison may do without.
                    pg_sys::RTEKind::RTE_JOIN => {
                        let columns = PgList::<pg_sys::Node>::from_pg((*entry).joinaliasvars);
                        look.handed_on(columns.iter_ptr().filter(|column| {
                            !column.is_null() && !pgrx::is_a(*column, pg_sys::NodeTag::T_Var)
                        }));
                    }
                    _ => {}
                }
            }
            tree::visit(query.jointree.cast(), &mut look);
            tree::visit(query.havingQual, &mut look);
            if !is_outermost {
                let targets = PgList::<pg_sys::TargetEntry>::from_pg(query.targetList);
                look.handed_on(targets.iter_ptr().map(|target| (*target).expr.cast()));
            }
        }
    }
    look.found
}

struct Look {
    silent: HashSet<*mut pg_sys::OpExpr>,
    parameters: pg_sys::ParamListInfo,
    /// Are parameters that are not known yet values, that nothing has to be worked out for?
    is_asked_plainly: bool,
    left: usize,
    found: bool,
    /// Are only functions of interest that PostgreSQL puts in the place of their calls?
    only_inlined: bool,
    /// The range table of the query that is looked at.
    entries: Vec<*mut pg_sys::RangeTblEntry>,
    /// `EXISTS` that are conditions of their own in it: they are joins, or asked once before any row is read.
    conditions: HashSet<*mut pg_sys::Node>,
}

/// Finds `EXISTS` and `NOT EXISTS` that are joined to a query's other conditions by AND.
struct Conditions<'a>(&'a mut HashSet<*mut pg_sys::Node>);

impl Visitor for Conditions<'_> {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        use pg_sys::NodeTag::{T_BoolExpr, T_FromExpr, T_JoinExpr, T_SubLink};
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            match (*node).type_ {
                T_FromExpr | T_JoinExpr => true,
                T_BoolExpr => {
                    let all = &*node.cast::<pg_sys::BoolExpr>();
                    let first = PgList::<pg_sys::Node>::from_pg(all.args).get_ptr(0);
                    match all.boolop {
                        pg_sys::BoolExprType::AND_EXPR => true,
                        pg_sys::BoolExprType::NOT_EXPR => {
                            first.is_some_and(|inside| pgrx::is_a(inside, T_SubLink))
                        }
                        _ => false,
                    }
                }
                T_SubLink => {
                    self.0.insert(node);
                    false
                }
                _ => false,
            }
        }
    }
}

impl Look {
    /// What a subquery hands on may come to stand in the place of its columns.
    ///
    /// # Safety
    /// They must be expressions of one query.
    unsafe fn handed_on(&mut self, expressions: impl Iterator<Item = *mut pg_sys::Node>) {
        for expression in expressions {
            // SAFETY: by the caller's promise.
            unsafe {
                self.found |= !self.is_known(expression) && !self.stays(expression);
                tree::visit(expression, self);
            }
        }
    }

    /// Is an expression known when the statement is planned, as far as it reads no column?
    ///
    /// # Safety
    /// `expression` must be an expression.
    unsafe fn is_known(&self, expression: *mut pg_sys::Node) -> bool {
        let mut folds = Folds {
            parameters: self.parameters,
            holds: true,
            left: MOST_NODES,
        };
        // SAFETY: by the caller's promise.
        unsafe {
            tree::visit(expression, &mut folds);
            folds.holds && !pg_sys::contain_mutable_functions(expression)
        }
    }

    /// Does an expression read a table's column, or an aggregate, in such a way that it does when it is run?
    ///
    /// # Safety
    /// `expression` must be an expression.
    unsafe fn stays(&self, expression: *mut pg_sys::Node) -> bool {
        // SAFETY: by the caller's promise.
        unsafe {
            let inside = peeled(expression);
            is_column(&self.entries, inside)
                || given(inside)
                    .iter()
                    .any(|argument| remains(&self.entries, *argument, DEEPEST_COLUMN))
        }
    }

    /// Is an expression worked out when the statement is planned?
    ///
    /// # Safety
    /// `expression` must be an expression.
    unsafe fn is_fixed(&self, expression: *mut pg_sys::Node) -> bool {
        let mut reads = Reads(false);
        // SAFETY: by the caller's promise.
        unsafe {
            tree::visit(expression, &mut reads);
            !reads.0 && self.is_known(expression)
        }
    }

    /// May the comparison of rows tell? Each pair is compared by a function of its own.
    ///
    /// # Safety
    /// `comparison` must be one.
    unsafe fn tells(&self, comparison: &pg_sys::RowCompareExpr) -> bool {
        // SAFETY: by the caller's promise; the lists are of one length.
        unsafe {
            let left = PgList::<pg_sys::Node>::from_pg(comparison.largs);
            let right = PgList::<pg_sys::Node>::from_pg(comparison.rargs);
            let operators = PgList::<pg_sys::Oid>::from_pg(comparison.opnos);
            let collations = PgList::<pg_sys::Oid>::from_pg(comparison.inputcollids);
            let pairs = left.iter_ptr().zip(right.iter_ptr());
            let functions = operators.iter_oid().zip(collations.iter_oid());
            pairs
                .zip(functions)
                .any(|((left, right), (operator, collation))| {
                    !is_leakproof(pg_sys::get_opcode(operator))
                        && !self.stays(left)
                        && !self.stays(right)
                        || !compares(collation, &[left, right])
                })
        }
    }
}

/// A column stands in calls that are nested no deeper.
const DEEPEST_COLUMN: usize = 16;

/// Does what a call is given read a column whatever PostgreSQL makes of it? A strict function that is given NULL becomes NULL
/// itself, and what else it is given is gone.
///
/// # Safety
/// `argument` must be an expression of the query with these entries.
unsafe fn remains(
    entries: &[*mut pg_sys::RangeTblEntry],
    argument: *mut pg_sys::Node,
    deeper: usize,
) -> bool {
    let Some(deeper) = deeper.checked_sub(1) else {
        return false;
    };
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let inside = peeled(argument);
        if is_column(entries, inside) {
            return true;
        }
        let mut any = false;
        for part in given(inside) {
            let bare = peeled(part);
            let is_value = pgrx::is_a(bare, pg_sys::NodeTag::T_Const)
                && !(*bare.cast::<pg_sys::Const>()).constisnull;
            let remains = !is_value && remains(entries, part, deeper);
            if !is_value && !remains {
                return false;
            }
            any |= remains;
        }
        any
    }
}

/// What is given to an operator or a call.
///
/// # Safety
/// `node` must be a node.
unsafe fn given(node: *mut pg_sys::Node) -> Vec<*mut pg_sys::Node> {
    use pg_sys::NodeTag::*;
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        match (*node).type_ {
            T_OpExpr | T_FuncExpr | T_DistinctExpr | T_ScalarArrayOpExpr => arguments(node),
            T_CoerceViaIO => vec![(*node.cast::<pg_sys::CoerceViaIO>()).arg.cast()],
            _ => Vec::new(),
        }
    }
}

/// An expression without what only changes its type's or its collation's name.
///
/// # Safety
/// `node` must be an expression.
unsafe fn peeled(mut node: *mut pg_sys::Node) -> *mut pg_sys::Node {
    use pg_sys::NodeTag::*;
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        loop {
            node = match (*node).type_ {
                T_RelabelType => (*node.cast::<pg_sys::RelabelType>()).arg.cast(),
                T_CollateExpr => (*node.cast::<pg_sys::CollateExpr>()).arg.cast(),
                T_NamedArgExpr => (*node.cast::<pg_sys::NamedArgExpr>()).arg.cast(),
                _ => return node,
            };
        }
    }
}

/// Is it a table's column, or an aggregate?
///
/// # Safety
/// `node` must be an expression of the query with these entries.
unsafe fn is_column(entries: &[*mut pg_sys::RangeTblEntry], node: *mut pg_sys::Node) -> bool {
    use pg_sys::NodeTag::*;
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        match (*node).type_ {
            T_Var => {
                let variable = &*node.cast::<pg_sys::Var>();
                let place = usize::try_from(variable.varno).unwrap_or(0);
                variable.varlevelsup == 0
                    && place
                        .checked_sub(1)
                        .and_then(|place| entries.get(place))
                        .is_some_and(|entry| (**entry).rtekind == pg_sys::RTEKind::RTE_RELATION)
            }
            T_Aggref => (*node.cast::<pg_sys::Aggref>()).agglevelsup == 0,
            T_WindowFunc => true,
            _ => false,
        }
    }
}

/// Does an expression read anything of a row?
struct Reads(bool);

impl Visitor for Reads {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        use pg_sys::NodeTag::*;
        // SAFETY: a node has a tag.
        self.0 |= matches!(
            unsafe { (*node).type_ },
            T_Var | T_Aggref | T_WindowFunc | T_GroupingFunc
        );
        !self.0
    }
}

/// Is a parameter that is not known yet a plain value when it is asked for? In PL/pgSQL it may be a record's field, which the
/// record that is there then does not have, or has of another type.
fn is_asked_plainly(parameters: pg_sys::ParamListInfo) -> bool {
    // SAFETY: what is not null is a list of parameters. Asked for a relation that has no name, SPI only says whether anybody
    // is connected.
    unsafe {
        match parameters.as_ref() {
            Some(parameters) => parameters.paramFetch.is_none(),
            None => pg_sys::SPI_unregister_relation(c"".as_ptr()) == pg_sys::SPI_ERROR_UNCONNECTED,
        }
    }
}

/// Has somebody made a function who may change it, or what its call leaves to defaults? Neither PostgreSQL, nor a superuser.
fn is_someones(function: pg_sys::Oid) -> bool {
    if function.to_u32() < pg_sys::FirstNormalObjectId {
        return false;
    }
    // SAFETY: look-ups in the catalogs; the tuple holds what their rows begin with.
    unsafe {
        super::rules::look_up(
            pg_sys::SysCacheIdentifier::PROCOID as i32,
            function,
            |row: &pg_sys::FormData_pg_proc| row.proowner,
        )
        .is_none_or(|owner| !pg_sys::superuser_arg(owner))
    }
}

impl Visitor for Look {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        use pg_sys::NodeTag::*;
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.found = true,
        }
        if self.found {
            return false;
        }
        // SAFETY: a node is looked at as what its tag says.
        unsafe {
            match (*node).type_ {
                // Looked at for itself.
                T_Query => return false,
                // What reads no row around it, when PostgreSQL is done with it, is run where its value is first asked for.
                T_SubLink if !self.only_inlined => {
                    let link = &*node.cast::<pg_sys::SubLink>();
                    self.found |= link.subLinkType != pg_sys::SubLinkType::ANY_SUBLINK
                        && !(link.subLinkType == pg_sys::SubLinkType::EXISTS_SUBLINK
                            && self.conditions.contains(&node));
                }
                _ if is_inlined(function(node)) => self.found = true,
                _ if is_by_someone(node) => self.found = true,
                _ if self.only_inlined => {}
                // They fail where the parts are of different sizes, or all together too large,
                T_ArrayExpr => {
                    let array = &*node.cast::<pg_sys::ArrayExpr>();
                    self.found = array.multidims
                        || pg_sys::get_typlen(array.element_typeid) < 0 && !self.is_fixed(node);
                }
                // where a value is of a type that has changed,
                T_NullTest if (*node.cast::<pg_sys::NullTest>()).argisrow => {
                    let test = &*node.cast::<pg_sys::NullTest>();
                    self.found = !is_column(&self.entries, test.arg.cast());
                }
                // where a name has to be looked for in a schema that is only made then,
                T_SQLValueFunction => self.found = !is_plain(&*node.cast()),
                // where a parameter is asked for that is none by then,
                T_Param => {
                    let parameter = &*node.cast::<pg_sys::Param>();
                    self.found = parameter.paramkind == pg_sys::ParamKind::PARAM_EXTERN
                        && !self.is_asked_plainly
                        && !is_given(self.parameters, parameter);
                }
                // where a type has no slices,
                T_SubscriptingRef
                    if !(*node.cast::<pg_sys::SubscriptingRef>())
                        .reflowerindexpr
                        .is_null() =>
                {
                    self.found = true;
                }
                // where two records are of different types,
                T_RowCompareExpr => {
                    self.found = self.tells(&*node.cast::<pg_sys::RowCompareExpr>());
                }
                // or where a collation cannot be used; some warn when they are first used.
                _ if !compares(pg_sys::exprInputCollation(node), &arguments(node)) => {
                    self.found = true;
                }
                // Its conversion of an element has nothing of a row to see.
                T_ArrayCoerceExpr => {
                    let cast = &*node.cast::<pg_sys::ArrayCoerceExpr>();
                    let mut someones = Someones(false);
                    tree::visit(cast.elemexpr.cast(), &mut someones);
                    let is_name_alone = pgrx::is_a(peeled(cast.elemexpr.cast()), T_CaseTestExpr);
                    self.found = someones.0 || !is_name_alone && !self.is_fixed(node);
                    tree::visit(cast.arg.cast(), self);
                    return false;
                }
                // Whatever they are given, nobody hears of it.
                T_OpExpr if self.silent.contains(&node.cast()) => {}
                _ if !is_made(node) && is_leakproof(function(node)) => {}
                // Of these no rows are asked, and they are the same for all.
                T_FromExpr | T_JoinExpr | T_RangeTblRef | T_RangeTblFunction | T_List | T_Var
                | T_Const | T_BoolExpr | T_NullTest | T_BooleanTest | T_RelabelType
                | T_CollateExpr | T_CaseExpr | T_CaseWhen | T_CaseTestExpr | T_CoalesceExpr
                | T_TargetEntry | T_SubLink => {}
                _ if is_of_clock(node, DEEPEST) => return false,
                _ => self.found = !self.is_known(node) && !self.stays(node),
            }
        }
        !self.found
    }
}

/// `now() - interval '1 year'`: operators on what the clock says are nested no deeper.
const DEEPEST: usize = 4;

/// Times and dates are moved by no more than this: of years, days, and microseconds.
const MOST_YEARS: u32 = 1_000;
const MOST_DAYS: u32 = MOST_YEARS * 366;
const MOST_TIME: u64 = MOST_DAYS as u64 * 86_400_000_000;

/// Is it a time or a date not far from now? Working it out raises no error and does nothing else.
///
/// # Safety
/// `node` must be an expression.
unsafe fn is_of_clock(node: *mut pg_sys::Node, deeper: usize) -> bool {
    /// `now`, `transaction_timestamp`, `statement_timestamp`.
    const CLOCKS: [u32; 3] = [1299, 2647, 2648];
    /// Casts between `date`, `timestamp` and `timestamptz`.
    const CASTS: [u32; 6] = [1174, 1178, 2024, 2027, 2028, 2029];
    /// `+` and `-` of `timestamptz`, `timestamp` and `date` with an interval, and of `date` with a number of days.
    const MOVES: [u32; 8] = [1327, 1329, 2066, 2068, 1076, 1077, 1100, 1101];
    let Some(deeper) = deeper.checked_sub(1) else {
        return false;
    };
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let first = |list: *mut pg_sys::List| {
            PgList::<pg_sys::Node>::from_pg(list)
                .get_ptr(0)
                .is_some_and(|node| is_of_clock(node, deeper))
        };
        match (*node).type_ {
            pg_sys::NodeTag::T_SQLValueFunction => is_plain(&*node.cast()),
            pg_sys::NodeTag::T_CoerceViaIO => {
                let cast = &*node.cast::<pg_sys::CoerceViaIO>();
                cast.resulttype == pg_sys::TEXTOID && is_of_clock(cast.arg.cast(), deeper)
            }
            pg_sys::NodeTag::T_FuncExpr => {
                let call = &*node.cast::<pg_sys::FuncExpr>();
                let function = call.funcid.to_u32();
                CLOCKS.contains(&function) || CASTS.contains(&function) && first(call.args)
            }
            pg_sys::NodeTag::T_OpExpr => {
                let operator = &*node.cast::<pg_sys::OpExpr>();
                MOVES.contains(&operator.opno.to_u32())
                    && first(operator.args)
                    && PgList::<pg_sys::Node>::from_pg(operator.args)
                        .get_ptr(1)
                        .is_some_and(|by| is_short(by))
            }
            _ => false,
        }
    }
}

/// `current_schema` makes the schema of temporary tables, if that is the first to be looked in.
fn is_plain(value: &pg_sys::SQLValueFunction) -> bool {
    value.op != pg_sys::SQLValueFunctionOp::SVFOP_CURRENT_SCHEMA
}

/// Is it a constant number of days, or an interval, that does not lead out of what times can be?
///
/// # Safety
/// `node` must be an expression.
unsafe fn is_short(node: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise; a constant is read as what its type says.
    unsafe {
        if !pgrx::is_a(node, pg_sys::NodeTag::T_Const) {
            return false;
        }
        let by = &*node.cast::<pg_sys::Const>();
        match by.consttype {
            _ if by.constisnull => true,
            pg_sys::INT4OID => i32::from_datum(by.constvalue, false)
                .is_some_and(|days| days.unsigned_abs() <= MOST_DAYS),
            pg_sys::INTERVALOID => {
                let by = &*by.constvalue.cast_mut_ptr::<pg_sys::Interval>();
                by.month.unsigned_abs() <= MOST_YEARS * 12
                    && by.day.unsigned_abs() <= MOST_DAYS
                    && by.time.unsigned_abs() <= MOST_TIME
            }
            _ => false,
        }
    }
}

/// The function of an operator or a call.
///
/// # Safety
/// `node` must be a node.
unsafe fn function(node: *mut pg_sys::Node) -> pg_sys::Oid {
    use pg_sys::NodeTag::*;
    // SAFETY: by the caller's promise; a node is looked at as what its tag says. In views, it is not looked up yet.
    unsafe {
        match (*node).type_ {
            T_FuncExpr => (*node.cast::<pg_sys::FuncExpr>()).funcid,
            // All three are the same structure.
            T_OpExpr | T_DistinctExpr | T_NullIfExpr => {
                pg_sys::get_opcode((*node.cast::<pg_sys::OpExpr>()).opno)
            }
            T_ScalarArrayOpExpr => {
                pg_sys::get_opcode((*node.cast::<pg_sys::ScalarArrayOpExpr>()).opno)
            }
            _ => pg_sys::InvalidOid,
        }
    }
}

/// The operator of an expression.
///
/// # Safety
/// `node` must be a node.
unsafe fn operator(node: *mut pg_sys::Node) -> pg_sys::Oid {
    use pg_sys::NodeTag::*;
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        match (*node).type_ {
            T_OpExpr | T_DistinctExpr | T_NullIfExpr => (*node.cast::<pg_sys::OpExpr>()).opno,
            T_ScalarArrayOpExpr => (*node.cast::<pg_sys::ScalarArrayOpExpr>()).opno,
            _ => pg_sys::InvalidOid,
        }
    }
}

/// Is it an operator that somebody has made? By its negator, it may become one of another function.
///
/// # Safety
/// `node` must be a node.
unsafe fn is_made(node: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise.
    super::rules::is_made(unsafe { operator(node) })
}

/// What an operator or a call is given.
///
/// # Safety
/// `node` must be a node.
unsafe fn arguments(node: *mut pg_sys::Node) -> Vec<*mut pg_sys::Node> {
    use pg_sys::NodeTag::*;
    // SAFETY: by the caller's promise; a node is looked at as what its tag says.
    unsafe {
        let list = match (*node).type_ {
            T_FuncExpr => (*node.cast::<pg_sys::FuncExpr>()).args,
            T_OpExpr | T_DistinctExpr | T_NullIfExpr => (*node.cast::<pg_sys::OpExpr>()).args,
            T_ScalarArrayOpExpr => (*node.cast::<pg_sys::ScalarArrayOpExpr>()).args,
            T_MinMaxExpr => (*node.cast::<pg_sys::MinMaxExpr>()).args,
            _ => std::ptr::null_mut(),
        };
        PgList::from_pg(list).iter_ptr().collect()
    }
}

/// Can texts always be compared by this collation, which is that of these arguments? That of the database, "C" and "POSIX".
///
/// # Safety
/// The arguments must be expressions.
unsafe fn compares(collation: pg_sys::Oid, arguments: &[*mut pg_sys::Node]) -> bool {
    match collation.to_u32() {
        100 | 950 | 951 => true,
        // SAFETY: by the caller's promise; look-ups in the catalogs.
        0 => arguments
            .iter()
            .all(|argument| unsafe { !pg_sys::type_is_collatable(pg_sys::exprType(*argument)) }),
        _ => false,
    }
}

fn is_leakproof(function: pg_sys::Oid) -> bool {
    // SAFETY: a look-up in the catalogs.
    function != pg_sys::InvalidOid && unsafe { pg_sys::get_func_leakproof(function) }
}

/// Is it a call, or an operator, that somebody may change before it is planned?
///
/// # Safety
/// `node` must be a node.
unsafe fn is_by_someone(node: *mut pg_sys::Node) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { is_someones(function(node)) || super::rules::is_someones(operator(node)) }
}

/// Is there one of them in an expression?
struct Someones(bool);

impl Visitor for Someones {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        // SAFETY: by the promise of who calls.
        self.0 |= unsafe { is_by_someone(node) };
        !self.0
    }
}

/// Is a function one in SQL?
fn is_inlined(function: pg_sys::Oid) -> bool {
    // SAFETY: a look-up in the catalogs; the tuple holds what their rows begin with.
    function != pg_sys::InvalidOid
        && unsafe {
            super::rules::look_up(
                pg_sys::SysCacheIdentifier::PROCOID as i32,
                function,
                |row: &pg_sys::FormData_pg_proc| row.prolang.to_u32(),
            )
        } == Some(SQL_LANGUAGE)
}

/// Are all parts of an expression such that PostgreSQL works it out where it knows them?
struct Folds {
    parameters: pg_sys::ParamListInfo,
    holds: bool,
    left: usize,
}

impl Visitor for Folds {
    unsafe fn visit(&mut self, node: *mut pg_sys::Node) -> bool {
        use pg_sys::NodeTag::*;
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.holds = false,
        }
        // SAFETY: a node is looked at as what its tag says.
        let folds = unsafe {
            match (*node).type_ {
                T_Const | T_DistinctExpr | T_NullIfExpr | T_ScalarArrayOpExpr | T_RelabelType
                | T_CollateExpr | T_CoerceViaIO | T_ArrayExpr | T_CaseExpr | T_CaseWhen
                | T_BoolExpr | T_BooleanTest | T_CoalesceExpr | T_MinMaxExpr
                | T_SubscriptingRef => true,
                T_NullTest => !(*node.cast::<pg_sys::NullTest>()).argisrow,
                T_OpExpr => {
                    let operator = &*node.cast::<pg_sys::OpExpr>();
                    !operator.opretset && operator.opresulttype != pg_sys::RECORDOID
                }
                T_Var => (*node.cast::<pg_sys::Var>()).varlevelsup == 0,
                T_Aggref => (*node.cast::<pg_sys::Aggref>()).agglevelsup == 0,
                T_WindowFunc | T_TargetEntry => true,
                // What converts an element is given that in the place of a CASE's value.
                T_ArrayCoerceExpr => {
                    let cast = &*node.cast::<pg_sys::ArrayCoerceExpr>();
                    tree::visit(cast.arg.cast(), self);
                    return false;
                }
                T_FuncExpr => {
                    let call = &*node.cast::<pg_sys::FuncExpr>();
                    !call.funcretset && call.funcresulttype != pg_sys::RECORDOID
                }
                T_Param => {
                    let parameter = &*node.cast::<pg_sys::Param>();
                    parameter.paramkind == pg_sys::ParamKind::PARAM_EXTERN
                        && is_given(self.parameters, parameter)
                }
                _ => false,
            }
        };
        self.holds &= folds;
        self.holds
    }
}

/// Is the plan made for this value of the parameter alone?
///
/// # Safety
/// `parameters` must be null or those of an execution.
unsafe fn is_given(parameters: pg_sys::ParamListInfo, asked: &pg_sys::Param) -> bool {
    let number = asked.paramid;
    // SAFETY: by the caller's promise; so many are there, or the hook gives one, as the planner asks it.
    unsafe {
        let Some(all) = parameters.as_ref() else {
            return false;
        };
        if number < 1 || number > all.numParams {
            return false;
        }
        let place = usize::try_from(number - 1).unwrap_or(0);
        let mut space = pg_sys::ParamExternData::default();
        let parameter = match all.paramFetch {
            Some(fetch) => pg_sys::ffi::pg_guard_ffi_boundary(|| {
                fetch(parameters, number, true, &raw mut space)
            }),
            None => all.params.as_ptr().add(place).cast_mut(),
        };
        u32::from((*parameter).pflags) & pg_sys::PARAM_FLAG_CONST != 0
            && (*parameter).ptype == asked.paramtype
    }
}
