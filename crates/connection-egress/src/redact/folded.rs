//! Finds secrets that words write in another way: in other capital letters, with blanks or line breaks inside, in the
//! escapes of HTML, addresses or JSON, or with a part left out.
//!
//! Both texts are compared without their escapes, in lower case, and by letters and digits alone.

use std::{iter::repeat_n, ops::Range};

use connection_contract::Secret;

use super::{MIN_IN_WORDS, search::Search};

/// The maximum number of escapes within each other that are removed.
const MAX_DEPTH: usize = 3;
/// The length of the longest escape of HTML, in bytes.
const MAX_ENTITY: usize = 10;
/// The marks in place of a part that was left out.
const CUTS: [&str; 4] = ["*", "\u{2022}", "\u{2026}", ".."];
/// The shortest part of a secret that is found without such a mark, in bytes.
const MIN_PART: usize = 8;
/// The shortest secret that is found as a whole word, in bytes.
const MIN_WHOLE: usize = 4;

/// Returns the places in the words of secrets that have one of these forms, and of parts of secrets. They may overlap.
pub(super) fn all(forms: &[Secret], secrets: &[Secret], words: &str) -> Vec<Range<usize>> {
    let fold = |texts: &[Secret], min: usize| -> Vec<Secret> {
        let texts = texts.iter().filter_map(Secret::expose_str).map(|text| Folded::of(text).text);
        texts.filter(|text| text.expose().len() >= min).collect()
    };
    let mut found = parts(&fold(secrets, MIN_WHOLE), words);
    if let Some(search) = Search::new(fold(forms, MIN_IN_WORDS)) {
        let Folded { text, places } = Folded::of(words);
        let place = |range: Range<usize>| places[range.start].start..places[range.end - 1].end;
        found.extend(search.all(text.expose()).into_iter().map(place));
    }
    found
}

/// Returns the places of words that are the beginning or the end of a secret: beside a mark that the rest was left out,
/// or long and with a digit, so that they are no usual words. A short secret is found if it is a whole word with a digit.
fn parts(secrets: &[Secret], words: &str) -> Vec<Range<usize>> {
    let is_end = |c: char| !c.is_alphanumeric() && !"_-+/~@%\\!$^".contains(c);
    let mut found = Vec::new();
    let mut at = 0;
    for part in words.split_inclusive(is_end) {
        let place = at..at + part.trim_end_matches(is_end).len();
        at += part.len();
        let folded = Folded::of(&words[place.clone()]).text;
        let word = folded.expose();
        if word.is_empty() {
            continue;
        }
        let has_digit = word.iter().any(u8::is_ascii_digit);
        let is_long = has_digit && word.len() >= MIN_PART;
        let is_begun = is_long || CUTS.iter().any(|cut| words[place.end..].starts_with(cut));
        let is_ended = is_long || CUTS.iter().any(|cut| words[..place.start].ends_with(cut));
        let is_part_of = |secret: &Secret| {
            let secret = secret.expose();
            is_begun && secret.starts_with(word) || is_ended && secret.ends_with(word) || has_digit && secret == word
        };
        if secrets.iter().any(is_part_of) {
            found.push(place);
        }
    }
    found
}

/// A text of which only letters and digits are left, in lower case and without escapes.
struct Folded {
    text: Secret,
    /// The place of each byte in the original text.
    places: Vec<Range<usize>>,
}

impl Folded {
    fn of(text: &str) -> Self {
        let place = |(at, c): (usize, char)| repeat_n(at..at + c.len_utf8(), c.len_utf8());
        let mut plain = Self { text: Secret::from(text), places: text.char_indices().flat_map(place).collect() };
        for _ in 0..MAX_DEPTH {
            let length = plain.places.len();
            plain = plain.unescaped();
            if plain.places.len() == length {
                break;
            }
        }
        let mut text = String::with_capacity(plain.places.len());
        let mut places = Vec::with_capacity(plain.places.len());
        for (at, c) in plain.as_str().char_indices().filter(|(_, c)| c.is_alphanumeric()) {
            let before = text.len();
            text.extend(c.to_lowercase());
            places.extend(repeat_n(plain.places[at].clone(), text.len() - before));
        }
        Self { text: Secret::from(text), places }
    }

    fn as_str(&self) -> &str {
        self.text.expose_str().unwrap_or_default()
    }

    /// Returns the text without its outermost escapes. No escape is shorter than what it stands for.
    fn unescaped(&self) -> Self {
        let escaped = self.as_str();
        let mut text = String::with_capacity(escaped.len());
        let mut places = Vec::with_capacity(escaped.len());
        let mut at = 0;
        while let Some(first) = escaped[at..].chars().next() {
            let before = text.len();
            let length = match escape(&escaped[at..]) {
                Some((plain, length)) => {
                    text.push_str(&plain);
                    length
                }
                None => {
                    text.push(first);
                    first.len_utf8()
                }
            };
            let place = self.places[at].start..self.places[at + length - 1].end;
            places.extend(repeat_n(place, text.len() - before));
            at += length;
        }
        Self { text: Secret::from(text), places }
    }
}

/// Returns what the escape at the beginning of a text stands for, and the length of the escape.
fn escape(text: &str) -> Option<(String, usize)> {
    match text.as_bytes().first()? {
        b'%' => percent(text),
        b'&' => entity(text),
        b'\\' => backslash(text),
        _ => None,
    }
}

/// Reads as many escaped bytes as there are (RFC 3986, section 2.1), because several may be one character.
fn percent(text: &str) -> Option<(String, usize)> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Vec::new();
    while let Some([b'%', high, low]) = text.as_bytes().get(bytes.len() * 3..bytes.len() * 3 + 3) {
        let Some((high, low)) = digit(*high).zip(digit(*low)) else { break };
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    (!bytes.is_empty()).then(|| (String::from_utf8_lossy(&bytes).into_owned(), bytes.len() * 3))
}

fn entity(text: &str) -> Option<(String, usize)> {
    let end = text.bytes().take(MAX_ENTITY).position(|byte| byte == b';')?;
    let c = match &text[1..end] {
        "amp" => '&',
        "apos" => '\'',
        "gt" => '>',
        "lt" => '<',
        "quot" => '"',
        name => {
            let digits = name.strip_prefix('#')?;
            let number = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            char::from_u32(number.ok()?)?
        }
    };
    Some((c.to_string(), end + 1))
}

/// Reads an escape of JSON, or of the programming languages that have its form.
fn backslash(text: &str) -> Option<(String, usize)> {
    let coded = |digits: usize| {
        let number = u32::from_str_radix(text.get(2..2 + digits)?, 16).ok()?;
        Some((char::from_u32(number)?.to_string(), 2 + digits))
    };
    match text[1..].chars().next()? {
        'u' => coded(4),
        'x' => coded(2),
        // White space is not compared.
        'b' | 'f' | 'n' | 'r' | 't' => Some((String::new(), 2)),
        next => Some((next.to_string(), 1 + next.len_utf8())),
    }
}
