//! The settings of a command-line program: lines that name the command to run.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use connection_contract::BoxFuture;
use connection_core::{
    Error as CoreError, HandOffError, HandedOff, NativeExtensionSettings, SettingsHandOff, SetupSession,
};

use crate::{output::quoted, platform};

/// A setup, or the reason why it was not begun.
type BegunSetup = Result<SetupSession, CoreError>;

/// A settings hand-off that prints the command to run on standard error, or begins a setup.
///
/// The setup begins after its ticket exists, so that an interruption in between leaves no setup without a ticket.
#[derive(Default)]
pub(super) struct HandOffRecorder {
    begins: Mutex<Option<BoxFuture<'static, BegunSetup>>>,
    begun: Mutex<Option<BegunSetup>>,
}

impl HandOffRecorder {
    /// Sets the setup that the next hand-off begins.
    pub(super) fn begins(&self, setup: BoxFuture<'static, BegunSetup>) {
        *self.begins.lock().unwrap_or_else(PoisonError::into_inner) = Some(setup);
    }

    /// Takes the result of that hand-off.
    pub(super) fn begun(&self) -> Option<BegunSetup> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn next(&self) -> Option<BoxFuture<'static, BegunSetup>> {
        self.begins.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl SettingsHandOff for HandOffRecorder {
    async fn open_extension_preferences(&self, _owner: &str, extension: &str) -> Result<HandedOff, HandOffError> {
        let own = quoted(extension);
        platform::write_stderr(format_args!(
            "`connections preferences get {own}` shows the preferences of {extension}."
        ));
        Ok(HandedOff::shown())
    }

    async fn open_command_preferences(
        &self,
        _owner: &str,
        extension: &str,
        command: &str,
    ) -> Result<HandedOff, HandOffError> {
        let own = quoted(extension);
        let of = quoted(command);
        platform::write_stderr(format_args!(
            "`connections preferences get {own} --command {of}` shows its preferences."
        ));
        Ok(HandedOff::shown())
    }

    /// Begins the prepared setup, if there is one. The view is the command's result, on standard output.
    async fn open_native_extension_settings(
        &self,
        _owner: &str,
        _settings: NativeExtensionSettings,
    ) -> Result<HandedOff, HandOffError> {
        let Some(setup) = self.next() else { return Ok(HandedOff::shown()) };
        let begun = setup.await;
        let handed = match &begun {
            Ok(session) => Ok(HandedOff::setup(session.id())),
            Err(error) => Err(HandOffError::new(error.to_string())),
        };
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun);
        handed
    }
}
