//! A scripted setup: what it showed, what it waited for, and what came of it.

use connection_contract::{ConnectionDefinition, Established, Link, Notice, Prompt, SetupFailure};

use crate::{FakeHost, Input, drive::Drive};

/// A step that a user would have seen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// What is asked, if anything.
    pub prompt: Option<Prompt>,
    /// What is opened in the browser, if anything.
    pub open: Option<Link>,
    /// What stays on the page: earlier notices, then those of this step.
    pub notices: Vec<Notice>,
}

/// How a scripted setup went.
#[derive(Debug)]
#[non_exhaustive]
pub struct SetupRun<C> {
    /// What it made, or why it made nothing.
    pub result: Result<Established<C>, SetupFailure>,
    /// What a user would have seen.
    pub steps: Vec<Step>,
    /// How many effects it had, waits included.
    pub effects: usize,
    /// Per request, how many inputs came before it.
    pub(crate) requests: Vec<usize>,
    /// Per request, whether it spent something.
    pub(crate) spends: Vec<bool>,
}

/// A setup that is ready to run.
#[derive(Debug)]
#[must_use = "call `run` or `trace`"]
pub struct Setup<'h, D: ConnectionDefinition> {
    pub(crate) host: &'h FakeHost<D>,
    pub(crate) inputs: Vec<Input>,
}

impl<D: ConnectionDefinition> Setup<'_, D> {
    /// Runs it, and again from every effect. A [`SetupFailure`] is a result; a fault of the plugin fails the test.
    ///
    /// # Errors
    /// As the plugin's setup.
    #[track_caller]
    pub fn run(self) -> Result<Established<D::Credential>, SetupFailure> {
        self.trace().result
    }

    /// As [`run`](Self::run), and tells what was shown.
    #[track_caller]
    pub fn trace(self) -> SetupRun<D::Credential> {
        Drive { host: self.host, inputs: &self.inputs }.run()
    }
}
