//! Replaces a credential that a provider repeats in its answer, in each of the forms in which it usually does.
//!
//! It is a help against mistakes and no wall: a provider can repeat a secret in a form that nobody searches for, or in
//! two answers.

mod attached;
mod forms;
mod search;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use connection_contract::Secret;

pub(crate) use attached::attached;
use search::Search;

/// The byte that replaces each byte of a secret.
const STAR: u8 = b'*';

/// The last search of the uses of one credential, most of which search for the same secrets.
#[derive(Default)]
pub(crate) struct LastSearch(Mutex<Option<(Vec<Secret>, Arc<Search>)>>);

impl LastSearch {
    /// Returns a redactor for these secrets; `None` if none of them is long enough to be searched for.
    pub(crate) fn redactor(&self, secrets: Vec<Secret>) -> Option<Redactor> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |known: &[Secret]| known.iter().map(Secret::expose).eq(secrets.iter().map(Secret::expose));
        let search = match &*last {
            Some((known, search)) if is_same(known) => search.clone(),
            _ => {
                let search = Arc::new(Search::new(forms::all(&secrets))?);
                *last = Some((secrets, search.clone()));
                search
            }
        };
        Some(Redactor { search, held: Secret::default(), covered: 0, has_replaced: false })
    }
}

/// Replaces secrets in one answer, whose body passes in pieces.
///
/// Only bytes at the end of a piece that may be the beginning of a secret are held back, until the next piece.
pub(crate) struct Redactor {
    search: Arc<Search>,
    held: Secret,
    /// The number of held bytes, from the first one, that belong to a secret which began before them.
    covered: usize,
    has_replaced: bool,
}

impl Redactor {
    /// Takes the next piece, and returns the bytes that are ready, of which there may be none.
    pub(crate) fn push(&mut self, piece: Vec<u8>) -> Vec<u8> {
        self.pass(piece, false)
    }

    /// Returns the bytes that are left after the last piece.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.pass(Vec::new(), true)
    }

    /// Replaces the secrets in a text of its own, such as the value of a header.
    pub(crate) fn redact(&mut self, text: &mut String) {
        let found = self.search.all(text.as_bytes());
        if !found.is_empty() {
            self.has_replaced = true;
            let mut bytes = std::mem::take(text).into_bytes();
            found.iter().for_each(|range| bytes[range.clone()].fill(STAR));
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
    }

    /// Returns `true` if something was replaced.
    pub(crate) fn has_replaced(&self) -> bool {
        self.has_replaced
    }

    fn pass(&mut self, piece: Vec<u8>, is_last: bool) -> Vec<u8> {
        let mut bytes = match self.held.is_empty() {
            true => piece,
            false => [self.held.expose(), Secret::new(piece).expose()].concat(),
        };
        let found = self.search.all(&bytes);
        let end = if is_last { bytes.len() } else { self.search.prefix_at_end(&bytes) };
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
