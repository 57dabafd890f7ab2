//! Reads Rust source as tokens, so that no check is misled by comments or strings.
//!
//! The tokens are those of `proc-macro2` in one flat list, without documentation comments. Raw identifiers lose their
//! `r#`, because `r#cfg` is `cfg` to the compiler, too.

mod cut;
mod lex;
mod modules;

pub(crate) use cut::{SplitTokens, target_length, without_test_items, without_tests};
pub(crate) use lex::tokens;
pub(crate) use modules::{is_in_module, test_modules};

/// A piece of source and the line on which it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The line number, counted from 1.
    pub(crate) line: usize,
    /// The sort of the token, with its text.
    pub(crate) shape: Shape,
}

/// The sort of a token, with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A character, byte, number or lifetime, which no rule examines.
    Atom,
    /// An identifier or keyword.
    Name(String),
    /// One character of punctuation.
    Sign(char),
    /// The content of a string of any form, with its escapes as written.
    Text(String),
}

impl Token {
    /// Returns `true` if the token is this identifier or keyword.
    pub(crate) fn is_name(&self, wanted: &str) -> bool {
        matches!(&self.shape, Shape::Name(name) if name == wanted)
    }

    /// Returns `true` if the token is this character of punctuation.
    pub(crate) fn is_sign(&self, wanted: char) -> bool {
        self.shape == Shape::Sign(wanted)
    }

    /// Returns the identifier or keyword, if the token is one.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.shape {
            Shape::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// Returns `true` if the tokens begin with these words, each of which is a name or one sign.
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
