//! Credentials for one run, in the forms that the providers issue.

use std::hash::{BuildHasher as _, RandomState};

/// A credential for each provider.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// A classic personal access token of GitHub.
    pub(crate) github_token: String,
    /// The token of an internal integration of Notion.
    pub(crate) notion_token: String,
    /// The identifier of a Twilio account.
    pub(crate) twilio_account: String,
    /// The token of the Twilio account.
    pub(crate) twilio_token: String,
}

impl Credentials {
    pub(crate) fn generate() -> Self {
        Self {
            github_token: format!("ghp_{}", hexadecimal(36)),
            notion_token: format!("ntn_{}", hexadecimal(46)),
            twilio_account: format!("AC{}", hexadecimal(32)),
            twilio_token: hexadecimal(32),
        }
    }

    /// Returns the environment variables in which the documents expect the credentials.
    pub(crate) fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("GITHUB_TOKEN", self.github_token.clone()),
            ("NOTION_TOKEN", self.notion_token.clone()),
            ("TWILIO_ACCOUNT_SID", self.twilio_account.clone()),
            ("TWILIO_AUTH_TOKEN", self.twilio_token.clone()),
        ]
    }
}

/// Returns this number of hexadecimal digits, which differ each time. They need not be unpredictable.
fn hexadecimal(length: usize) -> String {
    let mut digits = String::new();
    while digits.len() < length {
        digits.push_str(&format!("{:016x}", RandomState::new().hash_one(digits.len())));
    }
    digits.truncate(length);
    digits
}

/// Encodes bytes in Base64 with padding, which Basic authorization needs (RFC 4648, section 4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or_default();
            // Six bits are always within the alphabet.
            let letter = ALPHABET.get(digit).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}
