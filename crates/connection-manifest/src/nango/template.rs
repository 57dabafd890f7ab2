//! Templates of an entry, translated into those of the format.
//!
//! ```text
//! ${connectionConfig.NAME}  a field, or one that is declared here
//! ${credentials.NAME}       a secret field, or the application of an OAuth kind
//! ${accessToken}            the token
//! ${base64(A:B)}            Base64 of texts and variables
//! ${random}                 a random id
//! ${stepN.PATH}             a value of an earlier response
//! ```

use super::{conversion::Conversion, fields::Field};

enum Piece {
    Text(String),
    Variable(String),
    /// An expression without braces, which cannot be an argument.
    Call(String),
}

impl Conversion {
    /// Translates a template. If that is not possible, the entry is refused with the reason.
    pub(super) fn template(&mut self, at: &str, text: &str) -> Option<String> {
        match self.translate(text) {
            Ok(text) => Some(text),
            Err(why) => {
                self.refuse(at, &why);
                None
            }
        }
    }

    /// Translates a template, or says why that is not possible.
    pub(super) fn translate(&mut self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        for piece in self.pieces(text)? {
            match piece {
                Piece::Text(text) => out.push_str(&text),
                Piece::Variable(inner) | Piece::Call(inner) if out.ends_with('$') => {
                    return Err(format!("a `$` stands before `{}`", word(&inner)));
                }
                Piece::Variable(inner) | Piece::Call(inner) => out.push_str(&format!("${{{inner}}}")),
            }
        }
        Ok(out)
    }

    fn pieces(&mut self, text: &str) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let (inner, tail) = braced(after).ok_or("a template lacks its closing brace")?;
            pieces.push(self.expression(inner.trim())?);
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(pieces)
    }

    fn expression(&mut self, inner: &str) -> Result<Piece, String> {
        if let Some(arguments) = inner.strip_prefix("base64(").and_then(|rest| rest.strip_suffix(')')) {
            return self.base64(arguments);
        }
        if let Some((step, path)) = inner.strip_prefix("step").and_then(|rest| rest.split_once('.')) {
            return self.captured(step, path).map(Piece::Variable).ok_or_else(|| unknown(inner));
        }
        let field = inner.strip_prefix("connectionConfig.").map(|rest| rest.strip_prefix("params.").unwrap_or(rest));
        let secret = inner.strip_prefix("credentials.").or_else(|| inner.strip_prefix("assertionOption."));
        match (inner, field, secret) {
            ("random", ..) => Ok(Piece::Call("uuid()".to_owned())),
            ("accessToken", ..) => Ok(Piece::Variable("token.access".to_owned())),
            ("token", ..) if self.signs => Ok(Piece::Variable("signed.jwt".to_owned())),
            ("clientId", ..) if self.has_client => Ok(Piece::Variable("client.id".to_owned())),
            ("clientSecret", ..) if self.has_client => Ok(Piece::Variable("client.secret".to_owned())),
            ("apiKey" | "password" | "username", ..) => self.field(inner, inner != "username"),
            (_, Some(name), _) => self.field(name, false),
            (_, _, Some("client_id" | "clientId")) if self.has_client => Ok(Piece::Variable("client.id".to_owned())),
            (_, _, Some("client_secret" | "clientSecret")) if self.has_client => {
                Ok(Piece::Variable("client.secret".to_owned()))
            }
            (_, _, Some(name)) => self.field(name, false),
            _ => Err(unknown(inner)),
        }
    }

    fn base64(&mut self, arguments: &str) -> Result<Piece, String> {
        // A function in a function is refused before it is read, so that no document makes this recursive.
        if arguments.contains("base64(") {
            return Err("`base64` is applied to the result of a function".to_owned());
        }
        let mut inner = Vec::new();
        for piece in self.pieces(arguments)? {
            match piece {
                Piece::Text(text) if text.contains(['"', '\\']) => {
                    return Err("a text in `base64` has a quotation mark".to_owned());
                }
                Piece::Text(text) => inner.push(format!("\"{text}\"")),
                Piece::Variable(variable) => inner.push(variable),
                Piece::Call(_) => return Err("`base64` is applied to the result of a function".to_owned()),
            }
        }
        if inner.is_empty() { Err(unknown("base64")) } else { Ok(Piece::Call(format!("base64({})", inner.join(", ")))) }
    }

    fn field(&mut self, theirs: &str, is_secret: bool) -> Result<Piece, String> {
        if !self.fields.iter().any(|field| field.theirs == theirs) {
            // A path into a value that a script has computed.
            if theirs.is_empty() || theirs.contains('.') {
                return Err(unknown(theirs));
            }
            self.fields.push(Field::undeclared(theirs, is_secret));
        }
        let field = self.fields.iter().find(|field| field.theirs == theirs);
        match field {
            Some(Field { constant: Some(constant), .. }) => Ok(Piece::Text(constant.clone())),
            Some(field) => Ok(Piece::Variable(field.variable())),
            None => Err(unknown(theirs)),
        }
    }
}

/// Returns the text before the matching brace, and the text after it.
fn braced(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth = depth.saturating_add(1),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some((text.get(..at)?, text.get(at.saturating_add(1)..)?));
        }
    }
    None
}

fn unknown(expression: &str) -> String {
    format!("`{}` has no counterpart in the format", word(expression))
}

/// Returns the first word of an expression, which is a name and no value.
pub(super) fn word(expression: &str) -> String {
    expression.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')).take(64).collect()
}
