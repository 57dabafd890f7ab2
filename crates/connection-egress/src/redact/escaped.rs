//! Finds secrets of which characters are written as `\uXXXX`, which JSON allows for every character (RFC 8259, section 7).

use std::{iter::repeat_n, ops::Range};

use connection_contract::Secret;
use memchr::memmem;

use super::search::Search;

/// The beginning of an escape, and its length.
const BEGIN: &[u8] = b"\\u";
const LENGTH: usize = 6;

/// Returns the places of all texts of a search in bytes with escapes, and the place from which the bytes up to the end may
/// be the beginning of a text; `None` for bytes without escapes. The places of texts without escapes may be missing.
pub(super) fn all(search: &Search, bytes: &[u8]) -> Option<(Vec<Range<usize>>, usize)> {
    if !bytes.ends_with(&BEGIN[..1]) && memmem::find(bytes, BEGIN).is_none() {
        return None;
    }
    let whole = begun_at(bytes);
    let (plain, places) = unescaped(&bytes[..whole]);
    let found = search.all(plain.expose()).into_iter().map(|range| places[range.start]..places[range.end]);
    Some((found.collect(), places[search.prefix_at_end(plain.expose())]))
}

/// Returns the place of an escape that the end of the bytes cuts, or the end.
fn begun_at(bytes: &[u8]) -> usize {
    let earliest = bytes.len().saturating_sub(LENGTH - 1);
    let is_begun = |at: &usize| match &bytes[*at..] {
        [b'\\'] => true,
        [b'\\', b'u', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    };
    (earliest..bytes.len()).find(is_begun).unwrap_or(bytes.len())
}

/// Returns the bytes without escapes, and the place of each of them in the original bytes, with their end. The two escapes
/// of a character outside the Basic Multilingual Plane, which no usual secret has, stay as they are.
fn unescaped(bytes: &[u8]) -> (Secret, Vec<usize>) {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut places = Vec::with_capacity(bytes.len() + 1);
    let mut at = 0;
    while let Some(first) = bytes.get(at) {
        let before = plain.len();
        let length = match character(&bytes[at..]) {
            Some(c) => {
                plain.extend(c.encode_utf8(&mut [0; 4]).bytes());
                LENGTH
            }
            None => {
                plain.push(*first);
                1
            }
        };
        places.extend(repeat_n(at, plain.len() - before));
        at += length;
    }
    places.push(bytes.len());
    (Secret::new(plain), places)
}

/// Returns the character of an escape at the beginning of these bytes.
fn character(bytes: &[u8]) -> Option<char> {
    let digits = bytes.get(..LENGTH)?.strip_prefix(BEGIN)?;
    let mut digits = digits.iter().map(|digit| char::from(*digit).to_digit(16));
    char::from_u32(digits.try_fold(0, |number, digit| Some(number * 16 + digit?))?)
}
