//! A scripted setup, its steps and its result.

use connection_contract::{ConnectionDefinition, Link, Notice, Prompt, SetupFailure, SetupResult};

use crate::{FakeHost, Input, drive::Drive};

/// A step that a user would see.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The prompt, if the step has one.
    pub prompt: Option<Prompt>,
    /// The address to open in the browser, if the step has one.
    pub open: Option<Link>,
    /// The notices on the page: earlier ones first, then those of the step.
    pub notices: Vec<Notice>,
}

/// The outcome of a scripted setup.
#[derive(Debug)]
#[non_exhaustive]
pub struct SetupRun<C> {
    /// The result that the plugin returned.
    pub result: Result<SetupResult<C>, SetupFailure>,
    /// The steps that a user would see.
    pub steps: Vec<Step>,
    /// The number of effects, including waits.
    pub effects: usize,
    /// The number of inputs before each request.
    pub(crate) requests: Vec<usize>,
    /// `true` for each request that spent something.
    pub(crate) spends: Vec<bool>,
}

/// A setup that is ready to run.
#[derive(Debug)]
#[must_use = "call `run` or `trace`"]
pub struct Setup<'h, D: ConnectionDefinition> {
    pub(crate) host: &'h FakeHost<D>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) may_wait: bool,
}

impl<D: ConnectionDefinition> Setup<'_, D> {
    /// Runs the setup, and then runs it again from every effect. A fault of the plugin fails the test.
    ///
    /// # Errors
    ///
    /// The [`SetupFailure`] of the plugin's setup.
    #[track_caller]
    pub fn run(self) -> Result<SetupResult<D::Credential>, SetupFailure> {
        self.trace().result
    }

    /// Runs the setup like [`run`](Self::run), and returns its steps, too.
    #[track_caller]
    pub fn trace(self) -> SetupRun<D::Credential> {
        Drive { host: self.host, inputs: &self.inputs, may_wait: self.may_wait }.run()
    }

    /// Lets the setup end in a wait after the last input, as an offline failure with the code `waits`.
    pub(crate) fn may_wait(self) -> Self {
        Self { may_wait: true, ..self }
    }
}
