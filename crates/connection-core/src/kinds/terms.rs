//! The terms of a kind, with their digest.

use aws_lc_rs::digest;
use connection_contract::{Descriptor, Text};

use super::KindEntry;

/// The terms that a kind states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The SHA-256 of the text. It is kept with each connection.
    pub(crate) digest: Vec<u8>,
    pub(crate) text: Text,
}

impl Terms {
    /// Returns the terms of a descriptor, if it states some.
    pub(crate) fn of(descriptor: &Descriptor) -> Option<Self> {
        let text = descriptor.terms.clone()?;
        Some(Self { digest: digest(&text), text })
    }
}

impl KindEntry {
    /// Returns the digest of the kind's terms; `None` for a kind that states none.
    pub(crate) fn terms_digest(&self) -> Option<&[u8]> {
        self.terms.as_ref().map(|terms| terms.digest.as_slice())
    }
}

/// Returns the digest of a text of terms.
pub(crate) fn digest(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
}
