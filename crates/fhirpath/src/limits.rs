//! Bounds on what one expression may ask of the parser, and of everything that later walks its tree.

/// How large an expression may be. Exceeding a limit is a [`SyntaxError`](crate::SyntaxError), never a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of source text. At most `u32::MAX` whatever is set here, because positions are 32 bits wide.
    pub length: usize,
    /// Constructs that may be open at the same place: parentheses, brackets, argument lists, signs, and operators
    /// that wait for their right operand. Chains that lean to the left (`a.b.c`, `a or b or c`) do not nest. A walk
    /// that follows [`Expr::left`](crate::Expr::left) in a loop and recurses only into the other children therefore
    /// never recurses deeper than this.
    pub depth: usize,
    /// Nodes of the syntax tree.
    pub nodes: usize,
}

impl Default for Limits {
    /// 64 KiB of text, 128 open constructs, 16,384 nodes: far above what people write, small enough for a 2 MB stack.
    fn default() -> Self {
        Self {
            length: 64 * 1024,
            depth: 128,
            nodes: 16 * 1024,
        }
    }
}
