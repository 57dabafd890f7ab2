//! Replaces a credential that a provider repeats in its answer, in each of the forms in which it usually does.
//!
//! It is a help against mistakes and no wall: a provider can repeat a secret in a form that nobody searches for, or in
//! two answers.

mod attached;
mod escaped;
mod folded;
mod forms;
mod search;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use connection_contract::Secret;

pub use attached::attached_secrets;
use search::Search;

/// The byte that replaces each byte of a secret.
const STAR: u8 = b'*';
/// The shortest secret that is searched for in an answer, in bytes. A shorter one would be found in ordinary text.
const MIN_SECRET: usize = 8;
/// The shortest text that is searched for in the words of a provider, in bytes. A word that is covered without need costs
/// less there than in an answer.
pub(crate) const MIN_IN_WORDS: usize = 6;

/// The last search of the uses of one credential, most of which search for the same secrets.
#[derive(Default)]
pub struct LastSearch(Mutex<Option<(Vec<Secret>, Arc<Search>)>>);

impl LastSearch {
    /// Returns a redactor for these secrets; `None` if none of them is long enough to be searched for.
    pub fn redactor(&self, secrets: Vec<Secret>) -> Option<Redactor> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |known: &[Secret]| known.iter().map(Secret::expose).eq(secrets.iter().map(Secret::expose));
        let search = match &*last {
            Some((known, search)) if is_same(known) => search.clone(),
            _ => {
                let search = Arc::new(Search::new(forms::all(&secrets, MIN_SECRET))?);
                *last = Some((secrets, search.clone()));
                search
            }
        };
        Some(Redactor::new(search))
    }
}

impl fmt::Debug for LastSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastSearch")
    }
}

/// The words by which providers name a credential and its parts, in small letters and without what is between them.
const ORDINARY: &[&str] = &[
    "accesskey",
    "accesstoken",
    "apikey",
    "apisecret",
    "apitoken",
    "authorization",
    "authtoken",
    "bearer",
    "clientid",
    "clientsecret",
    "credential",
    "credentials",
    "password",
    "refreshtoken",
    "secret",
    "secretkey",
    "username",
];

fn is_ordinary(secret: &Secret) -> bool {
    let Some(text) = secret.expose_str() else { return false };
    let letters = || text.chars().filter(|c| c.is_ascii_alphabetic()).map(|c| c.to_ascii_lowercase());
    let has_others = text.chars().any(|c| !c.is_ascii_alphabetic() && !" _-".contains(c));
    !has_others && ORDINARY.iter().any(|word| letters().eq(word.chars()))
}

/// Replaces the secrets in the words of a provider, however they are written, and parts of them.
///
/// A secret that is an ordinary word, such as the name of a field, stays, because a sentence about it could not be
/// understood.
pub(crate) fn cover(secrets: &[Secret], words: &mut String) {
    let secrets: Vec<_> = secrets.iter().filter(|secret| !is_ordinary(secret)).map(Secret::duplicate).collect();
    let secrets = &secrets[..];
    let forms = forms::all(secrets, MIN_IN_WORDS);
    let mut found = folded::all(&forms, secrets, words);
    found.extend(Search::new(forms).map(|search| search.all(words.as_bytes())).unwrap_or_default());
    replace(words, &found);
}

/// Replaces each byte at these places of a text.
fn replace(text: &mut String, found: &[Range<usize>]) {
    if !found.is_empty() {
        let mut bytes = std::mem::take(text).into_bytes();
        found.iter().for_each(|range| bytes[range.clone()].fill(STAR));
        *text = String::from_utf8_lossy(&bytes).into_owned();
    }
}

/// Replaces secrets in one answer, whose body passes in pieces.
///
/// Only bytes at the end of a piece that may be the beginning of a secret are held back, until the next piece.
pub struct Redactor {
    search: Arc<Search>,
    held: Secret,
    /// The number of held bytes, from the first one, that belong to a secret which began before them.
    covered: usize,
    has_replaced: bool,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    fn new(search: Arc<Search>) -> Self {
        Self { search, held: Secret::default(), covered: 0, has_replaced: false }
    }

    /// Takes the next piece, and returns the bytes that are ready, of which there may be none.
    pub fn push(&mut self, piece: Vec<u8>) -> Vec<u8> {
        self.pass(piece, false)
    }

    /// Returns the bytes that are left after the last piece.
    pub fn finish(&mut self) -> Vec<u8> {
        self.pass(Vec::new(), true)
    }

    /// Replaces the secrets in a text of its own, such as the value of a header.
    pub fn redact(&mut self, text: &mut String) {
        let mut found = self.search.all(text.as_bytes());
        found.extend(escaped::all(&self.search, text.as_bytes()).into_iter().flat_map(|(found, _)| found));
        self.has_replaced |= !found.is_empty();
        replace(text, &found);
    }

    /// Returns `true` if something was replaced.
    pub fn has_replaced(&self) -> bool {
        self.has_replaced
    }

    fn pass(&mut self, piece: Vec<u8>, is_last: bool) -> Vec<u8> {
        let mut bytes = match self.held.is_empty() {
            true => piece,
            false => [self.held.expose(), Secret::new(piece).expose()].concat(),
        };
        let mut found = self.search.all(&bytes);
        let mut end = self.search.prefix_at_end(&bytes);
        if let Some((escaped, begun)) = escaped::all(&self.search, &bytes) {
            found.extend(escaped);
            end = end.min(begun);
        }
        if is_last {
            end = bytes.len();
        }
        let held = Secret::new(&bytes[end..]);
        // A secret that begins in the held bytes is found again with the next piece.
        let began = found.iter().filter(|range| range.start < end);
        let covered = began.clone().map(|range| range.end).max().unwrap_or(0).max(self.covered);
        self.has_replaced |= began.clone().next().is_some();
        began.for_each(|range| bytes[range.clone()].fill(STAR));
        bytes[..self.covered].fill(STAR);
        bytes[end..].fill(0);
        bytes.truncate(end);
        self.covered = covered.saturating_sub(end);
        self.held = held;
        bytes
    }
}
