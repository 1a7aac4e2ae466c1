//! From the syntax tree to what is evaluated: names looked up, literals made, constant regular expressions compiled.

use fhir_model::{Kind, TypeId};

use crate::ast::{Ast, Expr, Name, Node, NodeId, Special};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::eval::{Fault, Work};
use crate::function::{Argument, Function};
use crate::functions::{self, Regex};
use crate::literal::{self, Literal};
use crate::navigate::MemberName;
use crate::operator::{BinaryOp, TypeOp, UnaryOp};
use crate::span::Span;
use crate::text;
use crate::types::TypeSpec;
use crate::value::{Decimal, Quantity, Scalar};

/// One node, prepared. Ids are those of the syntax tree.
#[derive(Debug)]
pub(crate) enum Op {
    Empty,
    Text(Box<str>),
    Literal(Scalar<'static>),
    /// A literal that has no value.
    Invalid(Fault),
    /// `%resource`, `%context`, `%rootResource`.
    Resource,
    /// A variable that the caller gives or `defineVariable()` made.
    Variable(Box<str>),
    Special {
        base: Option<NodeId>,
        special: Special,
    },
    /// The name of a type at the start of a path: the items at hand that are of this type.
    Root(TypeId),
    Member {
        base: Option<NodeId>,
        name: MemberName,
    },
    Call {
        base: Option<NodeId>,
        function: Function,
        arguments: Box<[NodeId]>,
        /// A constant regular expression.
        regex: Option<Box<Regex>>,
    },
    /// `is`, `as` and `ofType`, as functions or as operators.
    Typed {
        base: Option<NodeId>,
        function: Function,
        spec: TypeSpec,
        operator: bool,
    },
    Index {
        base: NodeId,
        index: NodeId,
    },
    Unary {
        op: UnaryOp,
        operand: NodeId,
    },
    Binary {
        op: BinaryOp,
        left: NodeId,
        right: NodeId,
    },
}

/// Names that the language and FHIR define (N1 §9, FHIR R4 §2.9.0.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// The resource at hand; this engine always starts at a resource, so all three are the same.
    Resource,
    /// A constant.
    Text(Box<str>),
}

impl Builtin {
    /// The meaning of `%name`, unless that is for the caller to give.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let text = match name {
            "resource" | "context" | "rootResource" => return Some(Self::Resource),
            "ucum" => "http://unitsofmeasure.org".to_owned(),
            "sct" => "http://snomed.info/sct".to_owned(),
            "loinc" => "http://loinc.org".to_owned(),
            _ => match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
                (Some(id), _) => format!("http://hl7.org/fhir/ValueSet/{id}"),
                (_, Some(id)) => format!("http://hl7.org/fhir/StructureDefinition/{id}"),
                _ => return None,
            },
        };
        Some(Self::Text(text.into()))
    }
}

/// What compiling the constant regular expressions of one expression may take together: steps, and bytes of memory.
/// Further ones are compiled when they are used.
const REGEX_STEPS: u64 = 1_000_000;
const REGEX_MEMORY: usize = 4 << 20;

/// Prepares all nodes, in the order of the tree.
pub(crate) fn prepare(ast: &Ast) -> Result<Vec<Op>, SyntaxError> {
    let work = Work::new(REGEX_STEPS, None);
    let mut memory = 0_usize;
    let mut ops = Vec::with_capacity(ast.nodes().len());
    for node in ast.nodes() {
        let mut op = one(ast, node)?;
        if let Op::Call {
            function,
            arguments,
            regex,
            ..
        } = &mut op
            && memory <= REGEX_MEMORY
            && let Some(compiled) = constant_regex(ast, *function, arguments, &work)
        {
            memory = memory.saturating_add(compiled.size());
            *regex = Some(compiled);
        }
        ops.push(op);
    }
    Ok(ops)
}

fn one(ast: &Ast, node: &Node) -> Result<Op, SyntaxError> {
    Ok(match &node.expr {
        Expr::Literal(literal) => constant(literal),
        Expr::External(name) => match Builtin::from_name(name.as_str()) {
            Some(Builtin::Resource) => Op::Resource,
            Some(Builtin::Text(text)) => Op::Text(text),
            None => Op::Variable(name.as_str().into()),
        },
        Expr::Special { base, special } => Op::Special {
            base: *base,
            special: *special,
        },
        Expr::Member { base, name } => {
            let root = names_root(name.as_str()).filter(|_| base.is_none());
            root.map_or_else(|| Op::member(*base, name), Op::Root)
        }
        Expr::Call { base, name, args } => call(ast, node.span, *base, name, args)?,
        Expr::Index { base, index } => Op::Index {
            base: *base,
            index: *index,
        },
        Expr::Unary { op, operand } => Op::Unary {
            op: *op,
            operand: *operand,
        },
        Expr::Binary { op, left, right } => Op::Binary {
            op: *op,
            left: *left,
            right: *right,
        },
        Expr::Type {
            op,
            operand,
            type_name,
        } => Op::Typed {
            base: Some(*operand),
            function: match op {
                TypeOp::Is => Function::Is,
                TypeOp::As => Function::As,
            },
            spec: TypeSpec::resolve(type_name).ok_or_else(|| unknown_type(type_name.span()))?,
            operator: true,
        },
    })
}

/// A type whose name can stand at the start of a path. Elements begin with a small letter, these types do not.
fn names_root(name: &str) -> Option<TypeId> {
    TypeId::named(name).filter(|type_id| type_id.kind() != Kind::Primitive)
}

fn unknown_type(span: Span) -> SyntaxError {
    SyntaxError::new(SyntaxErrorKind::UnknownType, span)
}

fn call(
    ast: &Ast,
    span: Span,
    base: Option<NodeId>,
    name: &Name,
    arguments: &[NodeId],
) -> Result<Op, SyntaxError> {
    let Some(function) = Function::from_name(name.as_str()) else {
        let kind = SyntaxErrorKind::UnknownFunction(text::shown(name.as_str()));
        return Err(SyntaxError::new(kind, name.span()));
    };
    let most = function.most();
    if arguments.len() < function.least() || most.is_some_and(|most| arguments.len() > most) {
        let kind = SyntaxErrorKind::Arguments {
            function: function.name(),
            least: function.least(),
            most,
        };
        return Err(SyntaxError::new(kind, span));
    }
    if function.arguments() == [Argument::Type] {
        let argument = arguments.first().copied();
        let name = argument.and_then(|argument| ast.type_name(argument));
        let at = argument.map_or(span, |argument| ast[argument].span);
        let spec = name.as_ref().and_then(TypeSpec::resolve);
        return Ok(Op::Typed {
            base,
            function,
            spec: spec.ok_or_else(|| unknown_type(at))?,
            operator: false,
        });
    }
    Ok(Op::Call {
        base,
        function,
        arguments: arguments.into(),
        regex: None,
    })
}

/// The compiled pattern of a regular expression that is written out. One that does not compile fails when it is used.
fn constant_regex(
    ast: &Ast,
    function: Function,
    arguments: &[NodeId],
    work: &Work<'_>,
) -> Option<Box<Regex>> {
    let text = |id: &NodeId| match &ast[*id].expr {
        Expr::Literal(Literal::String(text)) => Some(&**text),
        _ => None,
    };
    let pattern = text(arguments.first()?)?;
    let (flags, whole) = match function {
        Function::Matches => (arguments.get(1), false),
        Function::MatchesFull => (arguments.get(1), true),
        Function::ReplaceMatches => (arguments.get(2), false),
        _ => return None,
    };
    let flags = match flags {
        Some(flags) => text(flags)?,
        None => "",
    };
    functions::compile(pattern, flags, whole, work)
        .ok()
        .map(Box::new)
}

fn constant(literal: &Literal) -> Op {
    Op::Literal(match literal {
        Literal::Empty => return Op::Empty,
        Literal::String(text) => return Op::Text(text.clone()),
        Literal::Boolean(value) => Scalar::Boolean(*value),
        Literal::Integer(value) => Scalar::Integer(*value),
        Literal::Decimal(digits) => match Decimal::parse(digits) {
            Some(value) => Scalar::Decimal(value),
            None => return Op::Invalid(Fault::Literal("the number has too many digits")),
        },
        Literal::Date(date) => Scalar::Date(*date),
        Literal::DateTime(value) => Scalar::DateTime(*value),
        Literal::Time(time) => Scalar::Time(*time),
        Literal::OffsetTime(..) => {
            return Op::Invalid(Fault::Literal("a time has no offset from UTC"));
        }
        Literal::Quantity(literal::Quantity { value, unit }) => match Decimal::parse(value) {
            Some(value) => Scalar::Quantity(Box::new(Quantity {
                value,
                unit: unit.clone(),
            })),
            None => return Op::Invalid(Fault::Literal("the number has too many digits")),
        },
    })
}

impl Op {
    fn member(base: Option<NodeId>, name: &Name) -> Self {
        Self::Member {
            base,
            name: MemberName::new(name.as_str()),
        }
    }

    /// The operand at the left end, as [`Expr::left`].
    pub(crate) fn left(&self) -> Option<NodeId> {
        match self {
            Self::Special { base, .. }
            | Self::Member { base, .. }
            | Self::Call { base, .. }
            | Self::Typed { base, .. } => *base,
            Self::Index { base: left, .. } | Self::Binary { left, .. } => Some(*left),
            _ => None,
        }
    }

    /// Whether variables that the left operand defines end here: operators separate expressions, dots do not.
    pub(crate) fn is_operator(&self) -> bool {
        matches!(
            self,
            Self::Binary { .. } | Self::Typed { operator: true, .. }
        )
    }
}
