//! Answers of the provider, and how errors describe them: by the host, the status and the error code.

use std::{fmt, time::Duration};

use connection_contract::{HttpResponse, Secret};
use oauth2::http::StatusCode;

/// The number of characters from which a code is not shown that is a part of something that was sent, or has it as a part.
/// Shorter parts are in every text.
const SHOWN_PART: usize = 6;
/// The difference between two clocks from which it may be the cause of a refusal: an assertion is valid for as long.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// An answer of the provider as an error describes it. It has no text of the provider except an error code that looks like
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderAnswer {
    /// The host that answered, with its port unless that is the usual one.
    pub host: String,
    /// The status; `None` if the answer came with the browser.
    pub status: Option<u16>,
    /// The error code, as the provider wrote it, if it can be shown.
    pub code: Option<String>,
    /// `true` for a page in place of an answer, which something else on the way may have sent.
    pub is_page: bool,
    /// How the clock of this machine differs from the provider's, if that may be the cause of the refusal.
    pub clock: Option<String>,
}

impl ProviderAnswer {
    /// Describes an error that came with the browser from this host.
    pub(crate) fn in_browser(host: String, code: &str) -> Self {
        Self { host, status: None, code: is_code(code).then(|| code.to_owned()), is_page: false, clock: None }
    }

    /// Returns what a person can do about a setup whose code was answered with something else than tokens or a refusal.
    pub(crate) fn next_step(&self) -> &'static str {
        match self.is_page {
            true => {
                "begin again; if a page comes again, find out whether a proxy or a firewall stands between this host and \
                 the provider"
            }
            false => "begin again; if this happens again, report it to the author of the kind",
        }
    }
}

impl fmt::Display for ProviderAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => {
                let known = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
                write!(
                    f,
                    "{} answered {status}{}",
                    self.host,
                    known.map(|words| format!(" {words}")).unwrap_or_default()
                )?;
            }
            None => write!(f, "{} sent the browser back with an error", self.host)?,
        }
        match (&self.code, &self.clock) {
            (Some(code), Some(clock)) => write!(f, " ({code}; {clock})"),
            (Some(only), None) | (None, Some(only)) => write!(f, " ({only})"),
            (None, None) => Ok(()),
        }
    }
}

/// A response, with what an error needs to describe it.
pub(crate) struct Answered {
    pub(crate) response: HttpResponse,
    pub(crate) host: String,
    /// The values that were sent, which no error repeats.
    pub(crate) sent: Vec<Secret>,
    /// The application authenticated with an assertion, which is valid for a short time.
    pub(crate) is_signed: bool,
}

impl Answered {
    /// Describes the answer, with this error code if it can be shown.
    pub(crate) fn described(&self, code: Option<&str>) -> ProviderAnswer {
        let code = code.filter(|code| is_code(code) && !self.is_sent(code)).map(str::to_owned);
        let status = Some(self.response.status());
        ProviderAnswer { host: self.host.clone(), status, code, is_page: self.response.is_page(), clock: None }
    }

    /// Adds the difference of the clocks to the description of a refusal, if the request was signed with the time.
    pub(crate) fn timed(&self, mut refusal: ProviderAnswer) -> ProviderAnswer {
        refusal.clock = self.response.clock_differs(MAX_SKEW).filter(|_| self.is_signed);
        refusal
    }

    /// Returns `true` if the code is a value that was sent, a part of one, or a text with one in it, in any case.
    fn is_sent(&self, code: &str) -> bool {
        let code = code.to_ascii_lowercase();
        self.sent.iter().filter_map(Secret::expose_str).any(|value| {
            let value = value.to_ascii_lowercase();
            let is_part = |part: &str, whole: &str| part.len() >= SHOWN_PART && whole.contains(part);
            let found = value == code || is_part(&code, &value) || is_part(&value, &code);
            // The copy is wiped.
            drop(Secret::from(value));
            found
        })
    }
}

/// Returns the host of an address, with its port unless that is the usual one.
pub(crate) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Returns `true` if a text looks like an error code and not like a secret: words of letters, each with a short number at
/// its end at most, or a short number alone.
pub(crate) fn is_code(text: &str) -> bool {
    let is_word = |word: &str| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        letters.bytes().all(|b| b.is_ascii_alphabetic()) && word.len() - letters.len() <= 7
    };
    let is_number = text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit());
    let has_letter = text.bytes().any(|b| b.is_ascii_alphabetic());
    (1..=64).contains(&text.len()) && (is_number || has_letter && text.split(['_', '-', '.']).all(is_word))
}
