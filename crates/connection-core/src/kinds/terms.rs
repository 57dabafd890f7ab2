//! The terms of a kind, with their digest, and how they differ from those to which a person agreed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

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

/// The beginning of the lines about programs that get the secret, as the contract states it.
const HELPERS: &str = "helpers.";

/// How far the terms of a kind are those to which a person agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// They are the same.
    Whole,
    /// Only the facts about programs that get the secret differ.
    Requests,
    /// The facts about the revocation differ, and those about programs may.
    Use,
    /// They differ.
    Changed,
}

/// The texts of terms under which accounts were connected, by their digests: those that the store held when it was
/// opened, and those of all kinds that were registered since then.
#[derive(Clone, Debug, Default)]
pub(crate) struct AgreedTexts(Arc<Mutex<HashMap<Vec<u8>, Text>>>);

impl AgreedTexts {
    pub(crate) fn learn(&self, texts: impl IntoIterator<Item = Text>) {
        let texts = texts.into_iter().map(|text| (digest(&text), text));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(texts);
    }

    fn of(&self, digest: &[u8]) -> Option<Text> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }
}

impl KindEntry {
    /// Returns the digest of the kind's terms; `None` for a kind that states none.
    pub(crate) fn terms_digest(&self) -> Option<&[u8]> {
        self.terms.as_ref().map(|terms| terms.digest.as_slice())
    }

    /// Compares the kind's terms with those of which a connection keeps the digest.
    pub(crate) fn agreement(&self, agreed: Option<&[u8]>) -> Agreement {
        if self.terms_digest() == agreed {
            return Agreement::Whole;
        }
        match (&self.terms, self.former_text(agreed)) {
            (Some(now), Some(former)) if facts_of_requests(&now.text).eq(facts_of_requests(&former)) => {
                Agreement::Requests
            }
            (Some(now), Some(former)) if self.facts_of_use(&now.text).eq(self.facts_of_use(&former)) => Agreement::Use,
            _ => Agreement::Changed,
        }
    }

    /// Returns `true` if a connection that keeps this digest may be used.
    pub(crate) fn permits_use(&self, agreed: Option<&[u8]>) -> bool {
        self.agreement(agreed) != Agreement::Changed
    }

    /// Returns the terms to which a person agreed for a connection that may be used.
    pub(crate) fn agreed_terms(&self, agreed: Option<&[u8]>) -> Option<Terms> {
        match self.former_text(agreed) {
            Some(text) => Some(Terms { digest: digest(&text), text }),
            None => self.terms.clone(),
        }
    }

    /// Returns `true` if a program may get the secret of a connection that keeps this digest: it may be used, and the facts
    /// about programs are the same.
    pub(crate) fn permits_release(&self, agreed: Option<&[u8]>) -> bool {
        let of_programs =
            |text: &Text| text.lines().filter(|line| line.starts_with(HELPERS)).collect::<Vec<_>>().join("\n");
        match self.agreement(agreed) {
            Agreement::Whole => true,
            Agreement::Changed => false,
            Agreement::Requests | Agreement::Use => {
                let now = self.terms.as_ref().map(|terms| of_programs(&terms.text));
                now == self.former_text(agreed).map(|text| of_programs(&text))
            }
        }
    }

    /// Returns the text of other terms than the kind's.
    fn former_text(&self, agreed: Option<&[u8]>) -> Option<Text> {
        self.texts.of(agreed.filter(|_| self.terms_digest() != agreed)?)
    }

    fn facts_of_use<'t>(&'t self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let facts = &self.descriptor.revocation_facts;
        facts_of_requests(text).filter(move |line| !facts.iter().any(|beginning| line.starts_with(&**beginning)))
    }
}

/// Returns the lines that are not about programs which get the secret.
fn facts_of_requests(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with(HELPERS))
}

/// Returns the digest of a text of terms.
pub(crate) fn digest(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
}
