//! Turns source into tokens.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

use super::{Shape, Token};

/// Returns the tokens of a source text, without its comments. A text that the compiler cannot read has none.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    flatten(source.parse().unwrap_or_default(), &mut tokens);
    tokens
}

/// Appends the tokens of a stream and of the groups in it.
fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut trees = stream.into_iter();
    while let Some(tree) = trees.next() {
        let line = tree.span().start().line;
        let shape = match tree {
            TokenTree::Group(group) if is_documentation(&group) => {
                // The signs of the attribute, which the compiler makes of a comment.
                while tokens.pop_if(|token| token.is_sign('!') || token.is_sign('#')).is_some() {}
                continue;
            }
            TokenTree::Group(group) => {
                let (open, close) = signs(group.delimiter());
                tokens.push(Token { line, shape: Shape::Sign(open) });
                flatten(group.stream(), tokens);
                tokens.push(Token { line: group.span_close().start().line, shape: Shape::Sign(close) });
                continue;
            }
            TokenTree::Ident(name) => {
                let name = name.to_string();
                Shape::Name(name.strip_prefix("r#").unwrap_or(&name).to_owned())
            }
            TokenTree::Punct(sign) if sign.as_char() == '\'' && sign.spacing() == Spacing::Joint => {
                // The name of a lifetime.
                trees.next();
                Shape::Atom
            }
            TokenTree::Punct(sign) => Shape::Sign(sign.as_char()),
            TokenTree::Literal(literal) => shape(&literal.to_string()),
        };
        tokens.push(Token { line, shape });
    }
}

/// Returns `true` for the brackets of an attribute `doc = "…"`, which is what a documentation comment becomes.
fn is_documentation(group: &Group) -> bool {
    let mut inside = group.stream().into_iter();
    group.delimiter() == Delimiter::Bracket
        && matches!(inside.next(), Some(TokenTree::Ident(name)) if name == "doc")
        && matches!(inside.next(), Some(TokenTree::Punct(sign)) if sign.as_char() == '=')
        && matches!(inside.next(), Some(TokenTree::Literal(_)))
}

fn signs(delimiter: Delimiter) -> (char, char) {
    match delimiter {
        Delimiter::Parenthesis => ('(', ')'),
        Delimiter::Brace => ('{', '}'),
        Delimiter::Bracket | Delimiter::None => ('[', ']'),
    }
}

/// Returns the sort of a literal, as it is written.
fn shape(literal: &str) -> Shape {
    match literal.split_once('"') {
        // A character may be a quotation mark.
        Some((prefix, rest)) if !prefix.contains('\'') => {
            Shape::Text(rest.rsplit_once('"').map_or(rest, |(inside, _)| inside).to_owned())
        }
        _ => Shape::Atom,
    }
}
