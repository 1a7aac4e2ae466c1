//! The walk over the tree.

use smallvec::SmallVec;

use super::shape::{Class, Count, Shape, Type, Types};
use super::{CheckContext, Issue, report};
use crate::ast::{Ast, Expr, NodeId, Special};
use crate::literal::Literal;
use crate::operator::UnaryOp;
use crate::types::SystemType;

/// A check under way.
pub(super) struct Check<'c> {
    pub(super) source: &'c str,
    pub(super) ast: &'c Ast,
    pub(super) context: &'c CheckContext<'c>,
    pub(super) issues: Vec<Issue>,
    /// All variables that `defineVariable()` has made anywhere.
    pub(super) defined: Vec<Defined>,
    /// Bytes of regular expressions that have been compiled.
    pub(super) patterns: usize,
}

/// A variable that `defineVariable()` has made.
pub(super) struct Defined {
    /// `None` where the name is not a literal.
    pub(super) name: Option<Box<str>>,
    pub(super) value: Shape,
    /// The one that was defined before at the same place.
    pub(super) before: Option<usize>,
}

/// What names without a base refer to at some place of the expression.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    /// `$this`
    pub(super) focus: &'s Shape,
    /// Whether `$index` has a value.
    pub(super) index: bool,
    /// Whether `$total` has one.
    pub(super) total: bool,
    /// The last variable that was defined.
    pub(super) defined: Option<usize>,
}

impl<'c> Check<'c> {
    pub(super) fn new(source: &'c str, ast: &'c Ast, context: &'c CheckContext<'c>) -> Self {
        Self {
            source,
            ast,
            context,
            issues: Vec::new(),
            defined: Vec::new(),
            patterns: 0,
        }
    }

    pub(super) fn run(mut self) -> Vec<Issue> {
        let focus = self.resource();
        let scope = Scope {
            focus: &focus,
            index: false,
            total: false,
            defined: None,
        };
        let root = self.ast.root();
        let result = self.node(root, scope);
        if self.context.condition {
            self.condition(root, &result);
        }
        self.issues
    }

    /// What a node gives: its left chain in a loop.
    pub(super) fn node(&mut self, id: NodeId, scope: Scope<'_>) -> Shape {
        if self.is_full() {
            return Shape::unknown(Count::Perhaps);
        }
        let mut chain: SmallVec<[NodeId; 8]> = SmallVec::new();
        let mut start = id;
        while let Some(left) = self.ast.get(start).and_then(|node| node.expr.left()) {
            chain.push(start);
            start = left;
        }
        // Variables that are defined on the left of a dot are there on its right; operators end them.
        let mut inner = scope;
        let mut shape = self.step(start, None, &mut inner);
        while let Some(next) = chain.pop() {
            if self.is_full() {
                return Shape::unknown(Count::Perhaps);
            }
            let is_operator = self
                .ast
                .get(next)
                .is_some_and(|node| matches!(node.expr, Expr::Binary { .. } | Expr::Type { .. }));
            if is_operator {
                inner.defined = scope.defined;
            }
            let left = start;
            shape = self.step(next, Some((left, shape)), &mut inner);
            start = next;
        }
        shape
    }

    /// What a node gives, when its left operand gives `left`.
    fn step(&mut self, id: NodeId, left: Option<(NodeId, Shape)>, scope: &mut Scope<'_>) -> Shape {
        let Some(node) = self.ast.get(id) else {
            return Shape::unknown(Count::Perhaps);
        };
        match &node.expr {
            Expr::Literal(literal) => self.literal(id, literal),
            Expr::External(name) => self.variable(id, name, *scope),
            Expr::Special { special, .. } => self.special(id, *special, left, *scope),
            Expr::Member { name, .. } => match left {
                Some((_, base)) => self.member(name, &base),
                None => self.root_name(name, *scope),
            },
            Expr::Call { name, args, .. } => self.call(id, name, args, left, scope),
            Expr::Index { index, .. } => {
                let position = self.node(*index, *scope);
                let (left, base) = left.unwrap_or((id, Shape::empty()));
                self.index(left, base, *index, &position)
            }
            Expr::Unary { op, operand } => {
                let value = self.node(*operand, *scope);
                self.unary(id, *op, *operand, value)
            }
            Expr::Binary { op, right, .. } => {
                let value = self.node(*right, *scope);
                let left = left.unwrap_or((id, Shape::empty()));
                self.binary(id, *op, left, (*right, value))
            }
            Expr::Type { op, type_name, .. } => {
                let (left, base) = left.unwrap_or((id, Shape::empty()));
                self.type_operator(*op, type_name, left, &base)
            }
        }
    }

    fn literal(&mut self, id: NodeId, literal: &Literal) -> Shape {
        Shape::system(match literal {
            Literal::Empty => return Shape::empty(),
            Literal::Boolean(_) => SystemType::Boolean,
            Literal::String(_) => SystemType::String,
            Literal::Integer(_) => SystemType::Integer,
            Literal::Decimal(_) => SystemType::Decimal,
            Literal::Date(_) => SystemType::Date,
            Literal::DateTime(_) => SystemType::DateTime,
            Literal::Time(_) => SystemType::Time,
            Literal::OffsetTime(..) => {
                let hint = "leave the offset away, or write a date with the time".to_owned();
                self.error(self.span(id), "a time has no offset from UTC", Some(hint));
                SystemType::Time
            }
            Literal::Quantity(_) => SystemType::Quantity,
        })
    }

    fn special(
        &mut self,
        id: NodeId,
        special: Special,
        left: Option<(NodeId, Shape)>,
        scope: Scope<'_>,
    ) -> Shape {
        let message = match special {
            Special::This => {
                return left.map_or_else(|| scope.focus.clone(), |(_, base)| base);
            }
            Special::Index if scope.index => return Shape::system(SystemType::Integer),
            Special::Total if scope.total => return Shape::unknown(Count::Perhaps),
            Special::Index => {
                "`$index` has a value only in the argument of a function such as where()"
            }
            Special::Total => "`$total` has a value only in the argument of aggregate()",
        };
        self.error(self.span(id), message, None);
        Shape::unknown(Count::One)
    }

    fn index(&mut self, left: NodeId, base: Shape, index: NodeId, position: &Shape) -> Shape {
        self.needs_order(left, &base, "a position");
        if position.is_never(&[Class::Number]) {
            let found = report::names(position);
            let message = format!("a position must be an integer, not {found}");
            self.error(self.span(index), message, None);
        }
        self.needs_single(index, position, "`[…]`");
        base.counted(Count::One)
    }

    /// Items without an order have no first one.
    pub(super) fn needs_order(&mut self, id: NodeId, base: &Shape, what: &str) {
        if base.ordered || base.count == Count::One {
            return;
        }
        let message = format!(
            "`{}` has no order, so that {what} means nothing",
            self.quote(id)
        );
        let hint = "name the elements, or choose with `where(…)`".to_owned();
        self.error(self.span(id), message, Some(hint));
    }

    fn unary(&mut self, id: NodeId, op: UnaryOp, operand: NodeId, value: Shape) -> Shape {
        let symbol = op.symbol();
        if value.is_never(&[Class::Number, Class::Quantity]) {
            let found = report::names(&value);
            let message = format!("`{symbol}` needs a number, not {found}");
            let hint =
                "a sign binds weaker than a dot: put it and its number in parentheses".to_owned();
            let call = self
                .ast
                .get(operand)
                .is_some_and(|node| matches!(node.expr, Expr::Call { base: Some(_), .. }));
            self.error(self.span(id), message, call.then_some(hint));
            return Shape::unknown(Count::One);
        }
        self.needs_single(operand, &value, &format!("`{symbol}`"));
        value.counted(Count::One)
    }

    /// The whole expression must say yes or no.
    fn condition(&mut self, root: NodeId, result: &Shape) {
        let span = self.span(root);
        let hint =
            "a condition is a comparison, or ends in a function such as `exists()`".to_owned();
        if result.is_empty() {
            self.error(
                span,
                "a condition must be a boolean, and this is always empty",
                Some(hint),
            );
        } else if result.is_never(&[Class::Boolean]) {
            let found = report::names(result);
            let message = format!("a condition must be a boolean, not {found}");
            self.error(span, message, Some(hint));
        } else if result.count == Count::Many {
            let message = "a condition must be one boolean, and this can have several items";
            let hint = "write `exists(…)`, `all(…)` or `allTrue()`".to_owned();
            self.warning(span, message, Some(hint));
        }
    }

    /// The resource that the expression is evaluated on.
    pub(super) fn resource(&self) -> Shape {
        match self.context.resource_type {
            Some(found) => Shape::of(Types::from_elem(Type::Fhir(found), 1), Count::One),
            None => self.any_resource(),
        }
    }

    pub(super) fn any_resource(&self) -> Shape {
        match Type::fhir("Resource") {
            Some(found) => Shape::of(Types::from_elem(found, 1), Count::One),
            None => Shape::unknown(Count::One),
        }
    }
}
