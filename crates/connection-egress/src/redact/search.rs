//! The search for several texts at once.

use std::ops::Range;

use connection_contract::Secret;
use memchr::memmem;

/// A search for all occurrences of several texts.
pub(super) struct Search {
    texts: Vec<Secret>,
    longest: usize,
}

impl Search {
    /// Creates a search; `None` without a text.
    pub(super) fn new(texts: Vec<Secret>) -> Option<Self> {
        let longest = texts.iter().map(|text| text.expose().len()).max()?;
        Some(Self { texts, longest })
    }

    #[cfg(test)]
    pub(super) fn texts(&self) -> &[Secret] {
        &self.texts
    }

    /// Returns the places of all occurrences, by text. They may overlap.
    pub(super) fn all(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        // Most headers are shorter than every text, and preparing a search takes longer than the search.
        for text in self.texts.iter().map(Secret::expose).filter(|text| text.len() <= bytes.len()) {
            let finder = memmem::Finder::new(text);
            let mut from = 0;
            while let Some(at) = bytes.get(from..).and_then(|rest| finder.find(rest)) {
                found.push(from + at..from + at + text.len());
                from += at + 1;
            }
        }
        found
    }

    /// Returns the place from which the bytes up to the end are the beginning of a text, but not the whole. It is the
    /// first such place, or the end.
    pub(super) fn prefix_at_end(&self, bytes: &[u8]) -> usize {
        let is_beginning = |rest: &[u8]| {
            let mut texts = self.texts.iter().map(Secret::expose);
            texts.any(|text| text.len() > rest.len() && text.starts_with(rest))
        };
        let earliest = bytes.len().saturating_sub(self.longest - 1);
        (earliest..bytes.len()).find(|at| is_beginning(&bytes[*at..])).unwrap_or(bytes.len())
    }
}
