//! A scripted setup.

use connection_contract::{ConnectionDefinition, SetupFailure, SetupResult};

use crate::{FakeHost, Input, SetupRun, drive::Drive};

/// A setup that is ready to run.
#[derive(Debug)]
#[must_use = "call `run` or `trace`"]
pub struct Setup<'h, D: ConnectionDefinition> {
    pub(crate) host: &'h FakeHost<D>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) may_wait: bool,
}

impl<D: ConnectionDefinition> FakeHost<D> {
    /// Creates a setup with these inputs, in order.
    pub fn setup(&self, inputs: impl IntoIterator<Item = Input>) -> Setup<'_, D> {
        Setup { host: self, inputs: inputs.into_iter().collect(), may_wait: false }
    }
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
