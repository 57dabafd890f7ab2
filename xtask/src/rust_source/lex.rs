//! The lexer, which turns characters into tokens.
//!
//! In unfinished source, such as a string without an end, the rest becomes part of the last token. The compiler
//! refuses such a file anyway.

use super::{Shape, Token};

/// Returns the tokens of a source text, without its comments.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut reader = Reader { rest: source, line: 1 };
    let mut tokens = Vec::new();
    while let Some(next) = reader.rest.chars().next() {
        let line = reader.line;
        if let Some(shape) = reader.token(next) {
            tokens.push(Token { line, shape });
        }
    }
    tokens
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    /// Reads the token that starts here. Returns `None` for a comment or white space.
    fn token(&mut self, next: char) -> Option<Shape> {
        if self.rest.starts_with("//") {
            self.take_while(|c| c != '\n');
            None
        } else if self.rest.starts_with("/*") {
            self.block_comment();
            None
        } else if next == '"' {
            Some(self.string())
        } else if next == '\'' {
            self.quote();
            Some(Shape::Atom)
        } else if next.is_ascii_digit() {
            self.take_while(|c| c.is_alphanumeric() || c == '_');
            Some(Shape::Atom)
        } else if next.is_alphabetic() || next == '_' {
            Some(self.word())
        } else {
            self.take(next.len_utf8());
            (!next.is_whitespace()).then_some(Shape::Sign(next))
        }
    }

    /// Reads an identifier, or a string or character with a prefix.
    fn word(&mut self) -> Shape {
        let word = self.take_while(|c| c.is_alphanumeric() || c == '_');
        let raw = matches!(word, "r" | "br" | "cr");
        if matches!(word, "b" | "c") && self.rest.starts_with('"') {
            return self.string();
        }
        if word == "b" && self.rest.starts_with('\'') {
            self.quote();
            return Shape::Atom;
        }
        if raw {
            let hashes = self.rest.len() - self.rest.trim_start_matches('#').len();
            if self.rest.get(hashes..).is_some_and(|after| after.starts_with('"')) {
                self.take(hashes);
                return self.raw_string(hashes);
            }
            let raw_name = self.rest.strip_prefix('#').and_then(|after| after.chars().next());
            if word == "r" && raw_name.is_some_and(|c| c.is_alphabetic() || c == '_') {
                self.take(1);
                return Shape::Name(self.take_while(|c| c.is_alphanumeric() || c == '_').to_owned());
            }
        }
        Shape::Name(word.to_owned())
    }

    /// Reads a string in which `\` escapes.
    fn string(&mut self) -> Shape {
        self.take(1);
        let mut escaped = false;
        let inside = self.take_while(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            !ends
        });
        self.take(1);
        Shape::Text(inside.to_owned())
    }

    /// Reads a raw string whose opening hashes are already consumed.
    fn raw_string(&mut self, hashes: usize) -> Shape {
        self.take(1);
        let end = format!("\"{}", "#".repeat(hashes));
        let length = self.rest.find(&end).unwrap_or(self.rest.len());
        let inside = self.take(length);
        self.take(end.len());
        Shape::Text(inside.to_owned())
    }

    /// Reads a character, or a lifetime, which has no second quote.
    fn quote(&mut self) {
        self.take(1);
        let mut characters = self.rest.chars();
        let first = characters.next();
        let second = characters.next();
        if first == Some('\\') {
            self.take(1);
            let escape = self.rest.chars().next().map_or(0, char::len_utf8);
            self.take(escape);
            self.take_while(|c| c != '\'');
            self.take(1);
        } else if second == Some('\'') {
            let length = first.map_or(0, char::len_utf8) + 1;
            self.take(length);
        } else {
            self.take_while(|c| c.is_alphanumeric() || c == '_');
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while !self.rest.is_empty() {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
                if depth == 0 {
                    return;
                }
            } else {
                let length = self.rest.chars().next().map_or(0, char::len_utf8);
                self.take(length);
            }
        }
    }

    fn take_while(&mut self, mut wanted: impl FnMut(char) -> bool) -> &'a str {
        let length = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.take(length)
    }

    fn take(&mut self, length: usize) -> &'a str {
        // Every length ends at a character, or beyond the end of unfinished source.
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }
}
