//! The syntax tree: a flat list of nodes in which every node stands after its operands.

use std::fmt;
use std::ops::Index;

use crate::literal::Literal;
use crate::operator::{BinaryOp, TypeOp, UnaryOp};
use crate::print::Printed;
use crate::span::Span;

/// A parsed expression.
///
/// Nodes are stored so that each comes after all its operands; the root is the last one. Parentheses and comments
/// leave no trace but in spans. Two trees are equal when they mean the same text, wherever its parts stand: spans do
/// not count. `Display` prints a canonical text with only the parentheses it needs, which parses to an equal tree. That
/// text can be longer than what was parsed and nest deeper: `a is B * c` prints as `(a is B) * c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ast {
    nodes: Vec<Node>,
    root: NodeId,
}

/// Names one node of one [`Ast`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

/// An expression and where it stands. Equality ignores the place.
#[derive(Clone, Debug)]
pub struct Node {
    /// What the node is.
    pub expr: Expr,
    /// Where it stands, from the first to the last byte of its text. Parentheses around the whole node are outside
    /// of it; those around its operands are inside.
    pub span: Span,
}

/// The forms of expression (the grammar's rules `expression`, `term` and `invocation`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// `'text'`, `42`, `@2015`, `4 days`, `{}`, …
    Literal(Literal),
    /// `%name`, ``%`name` `` or `%'name'`: a variable that the caller gives.
    External(Name),
    /// `$this`, `$index`, `$total`.
    Special {
        /// What stands before the dot, if anything.
        base: Option<NodeId>,
        /// Which of them.
        special: Special,
    },
    /// `name` or `base.name`: a child element, or a type name where nothing stands before it.
    Member {
        /// What stands before the dot, if anything.
        base: Option<NodeId>,
        /// The element's name.
        name: Name,
    },
    /// `name(args)` or `base.name(args)`.
    Call {
        /// What stands before the dot, if anything.
        base: Option<NodeId>,
        /// The function's name.
        name: Name,
        /// The arguments. A type as an argument (`ofType(FHIR.Patient)`) parses as members: see [`Ast::type_name`].
        args: Box<[NodeId]>,
    },
    /// `base[index]`.
    Index {
        /// The collection.
        base: NodeId,
        /// The position.
        index: NodeId,
    },
    /// `-operand`, `+operand`.
    Unary {
        /// The sign.
        op: UnaryOp,
        /// Its operand.
        operand: NodeId,
    },
    /// `left op right`.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// The left operand.
        left: NodeId,
        /// The right operand.
        right: NodeId,
    },
    /// `operand is Type`, `operand as Type`.
    Type {
        /// Which of the two.
        op: TypeOp,
        /// The left operand.
        operand: NodeId,
        /// The type.
        type_name: TypeName,
    },
}

/// The variables that functions with an expression argument set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Special {
    /// `$this`: the item at hand.
    This,
    /// `$index`: its position, from 0.
    Index,
    /// `$total`: the result so far, in `aggregate`.
    Total,
}

/// An identifier, decoded, and where it stands. Equality ignores the place.
#[derive(Clone, Debug)]
pub struct Name {
    text: Box<str>,
    span: Span,
}

/// A qualified identifier that names a type: `Patient`, `System.Boolean`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    parts: Box<[Name]>,
}

impl Ast {
    /// `nodes` in order, operands first; ids are positions. The last node is the root.
    pub(crate) fn new(nodes: Vec<Node>, root: NodeId) -> Self {
        Self { nodes, root }
    }

    /// The whole expression.
    #[must_use]
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// The node with this id; `None` only for an id of another tree.
    #[must_use]
    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.index())
    }

    /// All nodes, each after its operands.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> + DoubleEndedIterator {
        self.nodes.iter()
    }

    /// The names of all external constants, in order of appearance, with repetitions.
    pub fn externals(&self) -> impl Iterator<Item = &Name> {
        self.nodes.iter().filter_map(|node| match &node.expr {
            Expr::External(name) => Some(name),
            _ => None,
        })
    }

    /// The type that an argument names, as in `ofType(FHIR.Patient)`: members without a call or an index.
    #[must_use]
    pub fn type_name(&self, id: NodeId) -> Option<TypeName> {
        let mut parts = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            let Expr::Member { base, name } = &self.get(id)?.expr else {
                return None;
            };
            parts.push(name.clone());
            next = *base;
        }
        parts.reverse();
        Some(TypeName::new(parts))
    }

    /// A part of the expression, for printing.
    #[must_use]
    pub fn display(&self, id: NodeId) -> Printed<'_> {
        Printed::new(self, id)
    }
}

impl Index<NodeId> for Ast {
    type Output = Node;

    /// The node with this id.
    ///
    /// # Panics
    /// For an id of another, larger tree; ids that this tree gave out never panic. See [`Ast::get`].
    #[expect(
        clippy::indexing_slicing,
        reason = "an id of another tree is a mistake of the caller that no expression can cause"
    )]
    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }
}

impl fmt::Display for Ast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display(self.root).fmt(f)
    }
}

impl NodeId {
    pub(crate) fn new(index: u32) -> Self {
        Self(index)
    }

    /// The node's position in [`Ast::nodes`], for tables beside the tree.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Expr {
    /// The operand at the left end: what stands before a dot, a bracket or an operator between two operands.
    ///
    /// Chains to the left can be as long as the text. Walk them in a loop and recurse into the other
    /// [`children`](Self::children) only: that nests at most [`Limits::depth`](crate::Limits::depth) deep.
    #[must_use]
    pub fn left(&self) -> Option<NodeId> {
        match self {
            Self::Literal(_) | Self::External(_) | Self::Unary { .. } => None,
            Self::Special { base, .. } | Self::Member { base, .. } | Self::Call { base, .. } => {
                *base
            }
            Self::Index { base: left, .. }
            | Self::Binary { left, .. }
            | Self::Type { operand: left, .. } => Some(*left),
        }
    }

    /// The operands other than [`left`](Self::left), in order of appearance.
    pub fn nested(&self) -> impl Iterator<Item = NodeId> {
        let (one, many): (_, &[NodeId]) = match self {
            Self::Index { index: one, .. }
            | Self::Unary { operand: one, .. }
            | Self::Binary { right: one, .. } => (Some(*one), &[]),
            Self::Call { args, .. } => (None, args),
            _ => (None, &[]),
        };
        one.into_iter().chain(many.iter().copied())
    }

    /// All operands, in order of appearance.
    pub fn children(&self) -> impl Iterator<Item = NodeId> {
        self.left().into_iter().chain(self.nested())
    }
}

impl Special {
    /// The variable as written in source.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::This => "$this",
            Self::Index => "$index",
            Self::Total => "$total",
        }
    }
}

impl Name {
    pub(crate) fn new(text: Box<str>, span: Span) -> Self {
        Self { text, span }
    }

    /// The name, without backticks and escapes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it stands, with its backticks.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }
}

impl TypeName {
    pub(crate) fn new(parts: Vec<Name>) -> Self {
        Self {
            parts: parts.into(),
        }
    }

    /// The identifiers between the dots, at least one. The language knows one (`Patient`) and two (`FHIR.Patient`).
    #[must_use]
    pub fn parts(&self) -> &[Name] {
        &self.parts
    }

    /// From the first to the last identifier.
    #[must_use]
    pub fn span(&self) -> Span {
        let span = |name: Option<&Name>| name.map_or_else(Span::default, Name::span);
        span(self.parts.first()).to(span(self.parts.last()))
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.expr == other.expr
    }
}

impl Eq for Node {}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Name {}
