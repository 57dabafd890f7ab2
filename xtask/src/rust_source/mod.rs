//! Reads Rust source as tokens, so that comments and strings fool no check.
//!
//! It knows what separates code from text (comments, also nested; strings, raw
//! and byte strings; characters and lifetimes) and no grammar beyond that. Raw
//! identifiers lose their `r#`: `r#cfg` is `cfg` to the compiler too.

mod cut;
mod lex;
mod modules;

pub(crate) use cut::{Cut, without_test_items, without_tests};
pub(crate) use lex::tokens;
pub(crate) use modules::{is_in_module, test_modules};

/// A piece of source and the line on which it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Counted from 1.
    pub(crate) line: usize,
    /// What it is.
    pub(crate) shape: Shape,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A character, byte, number or lifetime: nothing that a rule asks about.
    Atom,
    /// An identifier or keyword.
    Name(String),
    /// One character of punctuation.
    Sign(char),
    /// The inside of a string of any form, escapes as written.
    Text(String),
}

impl Token {
    /// Whether it is this identifier or keyword.
    pub(crate) fn is_name(&self, wanted: &str) -> bool {
        matches!(&self.shape, Shape::Name(name) if name == wanted)
    }

    /// Whether it is this character of punctuation.
    pub(crate) fn is_sign(&self, wanted: char) -> bool {
        self.shape == Shape::Sign(wanted)
    }

    /// The identifier or keyword, if it is one.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.shape {
            Shape::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// Whether the tokens begin with these words, each a name or one sign.
pub(crate) fn starts_with(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len()
        && tokens.iter().zip(words).all(|(token, word)| match &token.shape {
            Shape::Name(name) => name == word,
            Shape::Sign(sign) => word.chars().eq([*sign]),
            Shape::Atom | Shape::Text(_) => false,
        })
}

#[cfg(test)]
mod tests;
