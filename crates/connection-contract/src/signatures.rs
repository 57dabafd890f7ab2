//! The signatures of a run.
//!
//! Some algorithms make a different signature of the same bytes each time. To compare a request with the same request
//! of another run, each signature is replaced by a stand-in that depends only on what was signed.

use alloc::{string::String, vec::Vec};

use crate::{Secret, encode};

/// Maximum number of signatures that are remembered. The oldest one is dropped first, because a request contains
/// signatures that were made shortly before it.
const MAX_COUNT: usize = 32;
/// Minimum length of a signature in bytes. Shorter bytes could occur anywhere by chance.
const MIN_LENGTH: usize = 16;

/// The signatures that a run has made, each with its stand-in: bytes that depend on what was signed and not on when.
#[derive(Debug, Default)]
pub struct Signatures(Vec<(Secret, Secret)>);

impl Signatures {
    /// Adds a signature and its stand-in.
    pub fn add(&mut self, signature: &[u8], stands: &[u8]) {
        if signature.len() < MIN_LENGTH {
            return;
        }
        if self.0.len() >= MAX_COUNT {
            self.0.remove(0);
        }
        self.0.push((Secret::new(signature), Secret::new(stands)));
    }

    /// Returns the text with each signature replaced by its stand-in in hexadecimal.
    ///
    /// A signature is found in base64url, in base64 (also as it is written in a form or a query) and in hexadecimal. A
    /// signature that is encoded twice is not found.
    #[must_use]
    pub fn with_stand_ins(&self, text: &[u8]) -> Secret {
        // The stand-in always has the same form, because some signatures are the same text in two encodings.
        self.replaced(text, |_, stands| encode::hex(stands))
    }

    /// Returns the text as [`with_stand_ins`](Self::with_stand_ins) does, but with each stand-in in the encoding of its
    /// signature. For a testkit, whose signatures differ as text in each encoding.
    #[must_use]
    pub fn with_encoded_stand_ins(&self, text: &[u8]) -> Secret {
        self.replaced(text, |encoded, stands| encoded(stands))
    }

    fn replaced(&self, text: &[u8], written: impl Fn(Encoding, &[u8]) -> String) -> Secret {
        let encodings: [Encoding; 4] = [
            encode::base64url,
            |bytes| encode::base64(bytes).trim_end_matches('=').into(),
            |bytes| encode::percent_encode(encode::base64(bytes).trim_end_matches('=')),
            encode::hex,
        ];
        let mut settled = Secret::new(text);
        for (signature, stands) in &self.0 {
            for encoded in encodings {
                let from = encoded(signature.expose());
                let to = written(encoded, stands.expose());
                if let Some(replaced) = replaced(settled.expose(), from.as_bytes(), to.as_bytes()) {
                    settled = replaced;
                }
            }
        }
        settled
    }
}

type Encoding = fn(&[u8]) -> String;

/// Replaces every occurrence of `from`. Returns `None` if there is none.
fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Option<Secret> {
    let find = |text: &[u8]| text.windows(from.len()).position(|window| window == from);
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = find(rest).and_then(|at| rest.split_at_checked(at)) {
        parts.extend([before, to]);
        rest = after.get(from.len()..).unwrap_or_default();
    }
    if parts.is_empty() {
        return None;
    }
    parts.push(rest);
    Some(Secret::concat(&parts))
}
