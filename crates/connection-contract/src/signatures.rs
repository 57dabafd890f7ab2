//! Signatures that are other bytes each time, so that a request which holds one can be compared with the same one of
//! another run all the same.

use alloc::{string::String, vec::Vec};

use crate::{Secret, encode};

/// So many are known, the newest ones: a request holds a signature that was made for it.
const MOST: usize = 32;
/// What is shorter is no signature, and may stand anywhere by chance.
const SHORTEST: usize = 16;

/// The signatures that a run has made, each with what stands for it in a comparison: bytes that depend on what was
/// signed and not on when.
#[derive(Debug, Default)]
pub struct Signatures(Vec<(Secret, Secret)>);

impl Signatures {
    /// Notes one, and what stands for it.
    pub fn note(&mut self, signature: &[u8], stands: &[u8]) {
        if signature.len() < SHORTEST {
            return;
        }
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((Secret::new(signature), Secret::new(stands)));
    }
    /// A text with each of them replaced by what stands for it, in whatever encoding it is there: base64url, base64 (also
    /// as it stands in a form or query) or hex. One that is encoded twice is not seen.
    #[must_use]
    pub fn settled(&self, text: &[u8]) -> Secret {
        // In one form, since some signatures are the same text in two encodings.
        self.replaced(text, |_, stands| encode::hex(stands))
    }
    /// As [`settled`](Self::settled), with what stands for it in the encoding of the signature: for a testkit, whose
    /// signatures are another text in each.
    #[must_use]
    pub fn retold(&self, text: &[u8]) -> Secret {
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
                let (from, to) = (encoded(signature.expose()), written(encoded, stands.expose()));
                if let Some(replaced) = replaced(settled.expose(), from.as_bytes(), to.as_bytes()) {
                    settled = replaced;
                }
            }
        }
        settled
    }
}

type Encoding = fn(&[u8]) -> String;

/// `None` when it is not in it.
fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Option<Secret> {
    let find = |text: &[u8]| text.windows(from.len()).position(|window| window == from);
    let (mut parts, mut rest) = (Vec::new(), text);
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
