//! What the grammar means: precedence, postfix operators, literals, names, spans.
#![allow(clippy::unwrap_used, clippy::panic)]

use fhirpath::{CalendarUnit, Expr, Literal, Special, Unit, parse};

/// The expression with every operator in parentheses, to see its structure.
fn structure(source: &str) -> String {
    let ast = parse(source).unwrap_or_else(|error| panic!("{error}\n{}", error.excerpt(source)));
    let mut texts: Vec<String> = Vec::new();
    for node in ast.nodes() {
        let text = |id: fhirpath::NodeId| texts.get(id.index()).unwrap().clone();
        let dot = |base: Option<fhirpath::NodeId>| base.map_or(String::new(), |id| text(id) + ".");
        texts.push(match &node.expr {
            Expr::Literal(literal) => literal.to_string(),
            Expr::External(name) => format!("%{}", name.as_str()),
            Expr::Special { base, special } => dot(*base) + special.symbol(),
            Expr::Member { base, name } => dot(*base) + name.as_str(),
            Expr::Call { base, name, args } => {
                let args: Vec<_> = args.iter().map(|id| text(*id)).collect();
                format!("{}{}({})", dot(*base), name.as_str(), args.join(","))
            }
            Expr::Index { base, index } => format!("{}[{}]", text(*base), text(*index)),
            Expr::Unary { op, operand } => format!("({}{})", op.symbol(), text(*operand)),
            Expr::Binary { op, left, right } => {
                format!("({} {} {})", text(*left), op.symbol(), text(*right))
            }
            Expr::Type {
                op,
                operand,
                type_name,
            } => {
                let parts: Vec<_> = type_name.parts().iter().map(|it| it.as_str()).collect();
                format!("({} {} <{}>)", text(*operand), op.symbol(), parts.join("."))
            }
        });
    }
    texts.pop().unwrap()
}

fn literal(source: &str) -> Literal {
    match &parse(source).unwrap().nodes().next_back().unwrap().expr {
        Expr::Literal(literal) => literal.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn operators_bind_in_the_specified_order() {
    // From weakest to tightest: each binds tighter than the one before, and all associate to the left.
    let levels: [&[&str]; 10] = [
        &["implies"],
        &["or", "xor"],
        &["and"],
        &["in", "contains"],
        &["=", "~", "!=", "!~"],
        &["<", "<=", ">", ">="],
        &["|"],
        &["is", "as"],
        &["+", "-", "&"],
        &["*", "/", "div", "mod"],
    ];
    let is_type = |op: &str| op == "is" || op == "as";
    let wrap = |op: &str, right: &str| {
        if is_type(op) {
            format!("<{right}>")
        } else {
            right.to_owned()
        }
    };
    for (i, low) in levels.iter().enumerate() {
        for (j, high) in levels.iter().enumerate().skip(i) {
            for a in *low {
                for b in *high {
                    if !is_type(b) || i == j {
                        let expected = format!("((x {b} {}) {a} {})", wrap(b, "y"), wrap(a, "z"));
                        assert_eq!(structure(&format!("x {b} y {a} z")), expected);
                    }
                    if i < j && !is_type(a) {
                        let expected = format!("(x {a} (y {b} {}))", wrap(b, "z"));
                        assert_eq!(structure(&format!("x {a} y {b} z")), expected);
                    }
                }
            }
        }
    }
}

#[test]
fn signs_bind_tighter_than_operators_and_weaker_than_dots() {
    assert_eq!(
        structure("-1.convertsToInteger()"),
        "(-1.convertsToInteger())"
    );
    assert_eq!(structure("-a * b"), "((-a) * b)");
    assert_eq!(structure("a * -b + c"), "((a * (-b)) + c)");
    assert_eq!(structure("--a[0].b"), "(-(-a[0].b))");
    assert_eq!(structure("a - -1 'mg'"), "(a - (-1 'mg'))");
    assert_eq!(structure("-a is Integer"), "((-a) is <Integer>)");
}

#[test]
fn a_type_ends_where_a_call_or_an_index_begins() {
    assert_eq!(structure("a is Boolean.not()"), "(a is <Boolean>).not()");
    assert_eq!(
        structure("a is System.Boolean.not()"),
        "(a is <System.Boolean>).not()"
    );
    assert_eq!(
        structure("a as FHIR.`Patient`[0]"),
        "(a as <FHIR.Patient>)[0]"
    );
    assert_eq!(structure("a is B.$this"), "(a is <B>).$this");
    assert_eq!(structure("1 + a is B * 2"), "(((1 + a) is <B>) * 2)");
    assert_eq!(
        structure("a is contains contains is"),
        "((a is <contains>) contains is)"
    );
    assert_eq!(structure("1 > 2 is Boolean"), "(1 > (2 is <Boolean>))");
}

#[test]
fn soft_keywords_are_names_where_a_name_can_stand() {
    assert_eq!(
        structure("contains.contains contains in.in"),
        "(contains.contains contains in.in)"
    );
    assert_eq!(structure("is(Integer) is is"), "(is(Integer) is <is>)");
    assert_eq!(structure("as.as as as.as"), "(as.as as <as.as>)");
    assert_eq!(structure("%in in %contains"), "(%in in %contains)");
    assert_eq!(structure("text.`div`"), "text.div");
    assert_eq!(
        structure("repeat.day + days.week(years)"),
        "(repeat.day + days.week(years))"
    );
}

#[test]
fn variables_names_and_calls() {
    assert_eq!(
        structure("%`vs-a` | %'vs-a' | % vs"),
        "((%vs-a | %vs-a) | %vs)"
    );
    assert_eq!(
        structure("a.where($this > $index).aggregate($total)"),
        "a.where(($this > $index)).aggregate($total)"
    );
    assert_eq!(structure("f()[g(1, {}, h())].i"), "f()[g(1,{},h())].i");
    assert_eq!(structure("`a b\\`\\u0021`"), "a b`!");
    let ast = parse("a.$this").unwrap();
    assert!(matches!(
        ast[ast.root()].expr,
        Expr::Special {
            base: Some(_),
            special: Special::This
        }
    ));
}

#[test]
fn white_space_and_comments() {
    assert_eq!(structure("\t2\r\n + /* * / // */ 2 // + 4"), "(2 + 2)");
    assert_eq!(structure("a/**/./***/b"), "a.b");
    assert_eq!(structure("'// no /* comment'"), "'// no /* comment'");
}

#[test]
fn literals_are_decoded() {
    assert_eq!(literal("{ }"), Literal::Empty);
    assert_eq!(literal("false"), Literal::Boolean(false));
    assert_eq!(
        literal(r"'it\'s\u002a ä'"),
        Literal::String("it's* ä".into())
    );
    assert_eq!(literal("007"), Literal::Integer(7));
    assert_eq!(literal("000"), Literal::Integer(0));
    assert_eq!(literal("2147483648"), Literal::Integer(2_147_483_648));
    assert_eq!(literal("00.500"), Literal::Decimal("0.500".into()));
    assert_eq!(literal("12.50"), Literal::Decimal("12.50".into()));
    for text in ["@2015", "@2015-02", "@2015-02-04"] {
        assert!(matches!(literal(text), Literal::Date(date) if format!("@{date}") == text));
    }
    for text in ["@2015T", "@2015-02-04T14", "@2015-02-04T14:34:28.120-03:30"] {
        assert!(matches!(literal(text), Literal::DateTime(it) if format!("@{it}") == text));
    }
    assert!(matches!(literal("@T14:34"), Literal::Time(_)));
    assert!(matches!(literal("@T14:34Z"), Literal::OffsetTime(..)));
}

#[test]
fn quantities() {
    let quantity = |source| match literal(source) {
        Literal::Quantity(quantity) => quantity,
        other => panic!("{other:?}"),
    };
    assert_eq!(quantity("4 days"), quantity("04day"));
    assert_eq!(quantity("1 day").unit, Unit::Calendar(CalendarUnit::Day));
    assert_eq!(
        quantity("99999999999999999999.0 'mg'").unit,
        Unit::Ucum("mg".into())
    );
    assert_eq!(quantity("1.50 'mg'").value, "1.50".into());
    assert_eq!(structure("1 year.toString()"), "1 year.toString()");
    assert_eq!(structure("1 days + 2 days"), "(1 day + 2 days)");
}

#[test]
fn spans_cover_the_text_of_each_node() {
    let source = " ( a.b ) . c( x , -1 )[ 0 ] is D . E or /**/ %'v' ";
    let ast = parse(source).unwrap();
    let texts: Vec<_> = ast.nodes().map(|node| &source[node.span.range()]).collect();
    assert_eq!(
        texts,
        [
            "a",
            "a.b",
            "x",
            "1",
            "-1",
            "( a.b ) . c( x , -1 )",
            "0",
            "( a.b ) . c( x , -1 )[ 0 ]",
            "( a.b ) . c( x , -1 )[ 0 ] is D . E",
            "%'v'",
            "( a.b ) . c( x , -1 )[ 0 ] is D . E or /**/ %'v'",
        ]
    );
    let externals: Vec<_> = ast
        .externals()
        .map(|name| (name.as_str(), &source[name.span().range()]))
        .collect();
    assert_eq!(externals, [("v", "'v'")]);
}

#[test]
fn arguments_as_types() {
    let ast = parse("ofType(FHIR.`Patient`) | as(Patient) | is(a.b())").unwrap();
    let types: Vec<_> = ast
        .nodes()
        .filter_map(|node| match &node.expr {
            Expr::Call { args, .. } => args.first().copied(),
            _ => None,
        })
        .map(|id| {
            ast.type_name(id).map(|it| {
                it.parts()
                    .iter()
                    .map(|part| part.as_str().to_owned())
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    assert_eq!(
        types,
        [
            Some(vec!["FHIR".to_owned(), "Patient".to_owned()]),
            Some(vec!["Patient".to_owned()]),
            None,
        ]
    );
}

#[test]
fn prints_canonically() {
    for (source, printed) in [
        ("((a))", "a"),
        ("(a.b).c", "a.b.c"),
        ("(-1).abs()", "(-1).abs()"),
        ("-(1.abs())", "-1.abs()"),
        ("(a*b)+c*(d+e)", "a * b + c * (d + e)"),
        ("a-(b-c)", "a - (b - c)"),
        ("(a is B).c", "(a is B).c"),
        ("a is B*2", "(a is B) * 2"),
        ("a|(b is C)", "a | b is C"),
        ("%`a`.`b c`.`div`.`day`.`as`", "%a.`b c`.`div`.`day`.as"),
        ("%'vs-x'", "%`vs-x`"),
        ("f( a,b )[ 0 ]", "f(a, b)[0]"),
        (r"'\u0041\'\u000a\u202e`'", r"'A\'\n\u202e`'"),
        ("1days=1 'd'", "1 day = 1 'd'"),
    ] {
        assert_eq!(parse(source).unwrap().to_string(), printed, "{source}");
    }
}
