//! The origin that a plugin asked last, and whether it failed. A plugin classifies an answer without knowing where it came
//! from; the host knows both.

use connection_egress::LastAnswer;

/// The origin that a plugin asked last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// How the last request ended, with its host and the status; `None` if the plugin sent none.
    pub(crate) end: Option<String>,
    /// The origin; `None` if the plugin asked none.
    pub(crate) origin: Option<String>,
    /// `true` if the origin did not answer, or answered that it does not work now.
    pub(crate) is_outage: bool,
    /// `true` if the origin refused the request, with a status from 400 to 499 that is neither an outage nor a limit, or with
    /// 2xx and JSON that states an error.
    pub(crate) is_refusal: bool,
}

impl Asked {
    pub(crate) fn of(heard: &LastAnswer) -> Self {
        let origin = heard.origin().map(|origin| origin.as_str().to_owned());
        Self { end: heard.end(), origin, is_outage: heard.is_outage(), is_refusal: heard.is_refusal() }
    }

    /// Returns a message about the last answer, which it names first.
    pub(crate) fn said(&self, message: &str) -> String {
        match &self.end {
            Some(end) => format!("{end}: {message}"),
            None => message.to_owned(),
        }
    }
}
