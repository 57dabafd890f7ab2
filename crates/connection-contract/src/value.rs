//! JSON as data. The parser is part of the contract, so that host, testkit and plugins read the same way.
//!
//! Depth and size are limited, and numbers keep their digits.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, ops::Index};

use crate::Text;

/// A JSON value. Objects keep the order of their fields, and numbers keep their digits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "JSON has these six (RFC 8259, section 3), and a text may be damaged")]
pub enum Value {
    /// `null`. Indexing a missing field also returns it.
    Null,
    /// The literal `true` or `false`.
    Bool(bool),
    /// A number as it was written, so that 64-bit ids survive.
    Number(String),
    /// A string, without its escapes.
    Text(String),
    /// A string of an answer that is not Unicode: it has bytes that are not UTF-8, or the escape of half a surrogate pair.
    /// Each of them is U+FFFD here, so that two different texts may look alike. [`as_str`](Self::as_str) therefore does not
    /// return it; only a name or a label that people read may be such a text ([`as_label`](Self::as_label)).
    Damaged(String),
    /// A JSON array, with its elements in order.
    List(Vec<Self>),
    /// An object, as names and values.
    Map(Vec<(String, Self)>),
}

/// The reason why JSON could not be used. It contains no text of the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// The answer is in a content coding that the host could not decode.
    Coding,
    /// This field contains bytes that are not valid UTF-8, and is not a name or a label, which may.
    Damaged(Text),
    /// This field is missing or has another type.
    Field(Text),
    /// The text is not JSON, is nested deeper than 64 levels, or is longer than 1 MiB.
    Syntax,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coding => f.write_str("the answer is compressed in a way that cannot be read here"),
            Self::Damaged(name) => {
                write!(f, "the field '{name}' of the answer contains bytes that are not valid UTF-8")
            }
            Self::Field(name) => write!(f, "the answer lacks the field '{name}'"),
            Self::Syntax => f.write_str("the answer is not JSON"),
        }
    }
}

impl core::error::Error for JsonError {}

impl Value {
    /// Parses a JSON text (RFC 8259). A string that is not Unicode is refused.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] if the text is not JSON or exceeds a limit.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        Self::parsed(Parser { bytes, at: 0, is_answer: false })
    }

    /// Parses the JSON of an answer. A string that is not Unicode is [`Value::Damaged`]; the grammar permits it (RFC 8259,
    /// section 8.2), and servers write the names of their users so. Of members with the same name, one is left, as
    /// [`one_of_each`] says.
    pub(crate) fn parse_answer(bytes: &[u8]) -> Result<Self, JsonError> {
        Self::parsed(Parser { bytes, at: 0, is_answer: true })
    }

    fn parsed(mut parser: Parser<'_>) -> Result<Self, JsonError> {
        let bytes = parser.bytes;
        if bytes.len() > 1 << 20 {
            return Err(JsonError::Syntax);
        }
        let value = parser.value(64)?;
        parser.space();
        if parser.at == bytes.len() { Ok(value) } else { Err(JsonError::Syntax) }
    }

    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Returns the text of a string that people read, and that decides nothing: the name of an account, or the title of a
    /// plan. A damaged text has U+FFFD for what cannot be read.
    pub fn as_label(&self) -> Option<&str> {
        if let Self::Text(text) | Self::Damaged(text) = self { Some(text) } else { None }
    }

    /// Returns `true` for a string that is not Unicode.
    pub fn is_damaged(&self) -> bool {
        matches!(self, Self::Damaged(_))
    }

    /// Returns the value of a whole number that fits.
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Number(digits) = self { digits.parse().ok() } else { None }
    }

    /// Returns the value of a Boolean.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(*truth) } else { None }
    }

    /// Returns the items of an array. Any other value has none.
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// Creates an object with these fields, in this order.
    pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        Self::Map(fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
    }

    /// Returns the string in the field `name`: `me.str_at("login")?`.
    ///
    /// # Errors
    ///
    /// [`JsonError::Field`] with the name if the field is missing or is not a string, and [`JsonError::Damaged`] if the
    /// string is not Unicode.
    pub fn str_at(&self, name: &'static str) -> Result<&str, JsonError> {
        let found = &self[name];
        let error = if found.is_damaged() { JsonError::Damaged } else { JsonError::Field };
        found.as_str().ok_or_else(|| error(name.into()))
    }

    /// Returns the value at a JSON pointer (RFC 6901): `/bot/owner/0`. It serves kinds whose configuration names a
    /// pointer.
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| {
            let token = token.replace("~1", "/").replace("~0", "~");
            match value {
                Self::List(items) => items.get(token.parse::<usize>().ok()?),
                Self::Map(fields) => fields.iter().find(|(n, _)| *n == token).map(|(_, v)| v),
                _ => None,
            }
        })
    }
}

impl Index<&str> for Value {
    type Output = Self;
    fn index(&self, name: &str) -> &Self {
        let Self::Map(fields) = self else { return &Self::Null };
        fields.iter().find(|(n, _)| n == name).map_or(&Self::Null, |(_, v)| v)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_string())
    }
}

/// Formats the value as compact JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |f: &mut fmt::Formatter<'_>, text: &str| {
            f.write_str("\"")?;
            for c in text.chars() {
                match c {
                    '"' | '\\' => write!(f, "\\{c}")?,
                    c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
                    c => write!(f, "{c}")?,
                }
            }
            f.write_str("\"")
        };
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(digits) => f.write_str(digits),
            Self::Text(t) | Self::Damaged(t) => text(f, t),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Map(fields) => {
                f.write_str("{")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { "," })?;
                    text(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Leaves one of the fields of an answer that have the same name: the last one with a value, or else the last one. Common
/// parsers take the last one, but an empty field must not hide a token.
pub(crate) fn one_of_each(fields: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut last = BTreeMap::new();
    for (at, (name, value)) in fields.iter().enumerate() {
        let has_value = !value.is_missing();
        let found = last.entry(name.as_str()).or_insert((at, has_value));
        if has_value || !found.1 {
            *found = (at, has_value);
        }
    }
    let kept: BTreeSet<usize> = last.into_values().map(|(at, _)| at).collect();
    fields.into_iter().enumerate().filter(|(at, _)| kept.contains(at)).map(|(_, field)| field).collect()
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    /// `true` for the JSON of an answer: a string may be damaged, and of members with the same name one is left.
    is_answer: bool,
}

impl Parser<'_> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(());
        }
        Err(JsonError::Syntax)
    }

    fn skip(&mut self, word: &[u8]) -> bool {
        self.take(word).is_ok()
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        let depth = depth.checked_sub(1).ok_or(JsonError::Syntax)?;
        self.space();
        match self.peek() {
            b'n' => self.take(b"null").map(|()| Value::Null),
            b't' => self.take(b"true").map(|()| Value::Bool(true)),
            b'f' => self.take(b"false").map(|()| Value::Bool(false)),
            b'"' => self.text().map(|(text, is_whole)| if is_whole { Value::Text(text) } else { Value::Damaged(text) }),
            b'[' => self.items(b']', |p| p.value(depth)).map(Value::List),
            b'{' => {
                let fields = self.items(b'}', |p| {
                    p.space();
                    let (name, _) = p.text()?;
                    p.space();
                    p.take(b":")?;
                    Ok((name, p.value(depth)?))
                })?;
                Ok(Value::Map(if self.is_answer { one_of_each(fields) } else { fields }))
            }
            _ => self.number().map(Value::Number),
        }
    }

    fn items<T>(&mut self, end: u8, item: impl Fn(&mut Self) -> Result<T, JsonError>) -> Result<Vec<T>, JsonError> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.space();
            if items.is_empty() && self.take(&[end]).is_ok() {
                return Ok(items);
            }
            items.push(item(self)?);
            self.space();
            if self.take(&[end]).is_ok() {
                return Ok(items);
            }
            self.take(b",")?;
        }
    }

    fn number(&mut self) -> Result<String, JsonError> {
        let start = self.at;
        let digits = |p: &mut Self| {
            let from = p.at;
            while p.peek().is_ascii_digit() {
                p.at += 1;
            }
            if p.at == from { Err(JsonError::Syntax) } else { Ok(p.at - from) }
        };
        self.skip(b"-");
        let zero = self.peek() == b'0';
        if digits(self)? > 1 && zero {
            return Err(JsonError::Syntax);
        }
        if self.take(b".").is_ok() {
            digits(self)?;
        }
        if self.take(b"e").is_ok() || self.take(b"E").is_ok() {
            if !self.skip(b"+") {
                self.skip(b"-");
            }
            digits(self)?;
        }
        Ok(String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned())
    }

    /// Returns a string, and `true` unless it is damaged.
    fn text(&mut self) -> Result<(String, bool), JsonError> {
        self.take(b"\"")?;
        let mut out = Vec::new();
        let mut is_whole = true;
        loop {
            let byte = self.peek();
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    let escape = self.peek();
                    self.at += 1;
                    let c = match escape {
                        b'n' => '\n',
                        b't' => '\t',
                        b'r' => '\r',
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        b'"' | b'\\' | b'/' => escape.into(),
                        b'u' => {
                            let c = self.unicode()?;
                            is_whole &= c.is_some();
                            c.unwrap_or(char::REPLACEMENT_CHARACTER)
                        }
                        _ => return Err(JsonError::Syntax),
                    };
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0..=31 => return Err(JsonError::Syntax),
                byte => out.push(byte),
            }
        }
        let (text, is_whole) = match String::from_utf8(out) {
            Ok(text) => (text, is_whole),
            Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), false),
        };
        if is_whole || self.is_answer { Ok((text, is_whole)) } else { Err(JsonError::Syntax) }
    }

    /// Returns the character of an escape, or `None` for half a surrogate pair. What follows it is read on its own.
    fn unicode(&mut self) -> Result<Option<char>, JsonError> {
        let high = self.hex4()?;
        if !(0xd800..0xdc00).contains(&high) {
            return Ok(char::from_u32(high));
        }
        let at = self.at;
        if self.skip(b"\\u")
            && let Some(low) = self.hex4()?.checked_sub(0xdc00).filter(|low| *low < 0x400)
        {
            return Ok(char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low));
        }
        self.at = at;
        Ok(None)
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let digits = self.bytes.get(self.at..self.at + 4).ok_or(JsonError::Syntax)?;
        self.at += 4;
        digits.iter().try_fold(0, |n, d| Ok(n * 16 + char::from(*d).to_digit(16).ok_or(JsonError::Syntax)?))
    }
}
