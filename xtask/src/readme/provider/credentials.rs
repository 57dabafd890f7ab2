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
