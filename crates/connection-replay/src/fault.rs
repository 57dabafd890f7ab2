//! The faults of a plugin that end its setup.

use alloc::format;
use core::fmt;

use connection_contract::{DisplayText, SetupFailure, Text};

/// A fault of the plugin. It ends the setup, whatever the plugin returns.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fault {
    /// The failure to show to a person.
    pub failure: SetupFailure,
    /// The rule that the plugin broke, for its author, if the failure does not name it.
    pub detail: Option<Text>,
}

impl Fault {
    /// Creates a fault from a code for programs and one sentence for people.
    pub fn new(code: &'static str, message: impl Into<DisplayText>) -> Self {
        Self { failure: SetupFailure::new(code, message), detail: None }
    }

    /// Creates the fault of a plugin whose replay requests another effect, or ends in another way, than the run before
    /// it.
    pub fn changed() -> Self {
        Self::new("setup_changed", "the plugin has changed since this setup began").remedy("begin again")
    }

    /// Adds the rule that the plugin broke.
    #[must_use]
    pub fn detail(mut self, text: impl Into<Text>) -> Self {
        self.detail = Some(text.into());
        self
    }

    fn remedy(mut self, text: &'static str) -> Self {
        self.failure = self.failure.remedy(text);
        self
    }

    pub(crate) fn abandoned() -> Self {
        Self::new("effect_abandoned", "the plugin began an effect and did not wait for it")
    }

    pub(crate) fn concurrent() -> Self {
        Self::new("setup_concurrent", "the plugin began an effect while another was under way")
    }

    pub(crate) fn endless_wait() -> Self {
        Self::new("wait_without_end", "the plugin began a wait that nothing can end")
    }

    pub(crate) fn too_long(detail: &'static str) -> Self {
        let fault = Self::new("setup_too_long", "the plugin does not finish");
        fault.remedy("report this to its author").detail(detail)
    }

    pub(crate) fn too_many_fields() -> Self {
        Self::new("too_many_fields", "the plugin asks for too many fields at once")
            .detail("a prompt has more than 32 fields")
    }

    pub(crate) fn undeclared_field(name: &str) -> Self {
        Self::new("undeclared_field", format!("the plugin asks for '{name}', which it did not declare"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.failure)?;
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}
