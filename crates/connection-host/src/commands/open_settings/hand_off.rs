//! The settings of a program on a command line: words that say which command opens them.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use connection_core::{HandOffError, HandedOff, NativeExtensionSettings, SessionId, SettingsHandOff};

use crate::{output::quoted, platform};

/// Says the way on standard error; or tells of the setup that this command has begun already.
#[derive(Debug, Default)]
pub(super) struct WordsOfSettings {
    begun: Mutex<Option<SessionId>>,
}

impl WordsOfSettings {
    /// From now on the settings are open: this setup is what a person sees of them.
    pub(super) fn begun(&self, session: SessionId) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    fn session(&self) -> Option<SessionId> {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SettingsHandOff for WordsOfSettings {
    async fn open_extension_preferences(&self, _owner: &str, extension: &str) -> Result<HandedOff, HandOffError> {
        let own = quoted(extension);
        platform::tell(format_args!("`connections preferences get {own}` shows what {extension} is set to."));
        Ok(HandedOff::shown())
    }

    async fn open_command_preferences(
        &self,
        _owner: &str,
        extension: &str,
        command: &str,
    ) -> Result<HandedOff, HandOffError> {
        let (own, of) = (quoted(extension), quoted(command));
        platform::tell(format_args!("`connections preferences get {own} --command {of}` shows what it is set to."));
        Ok(HandedOff::shown())
    }

    /// The view itself is the command's answer, on standard output.
    async fn open_native_extension_settings(
        &self,
        _owner: &str,
        _settings: NativeExtensionSettings,
    ) -> Result<HandedOff, HandOffError> {
        Ok(self.session().map_or_else(HandedOff::shown, HandedOff::setup))
    }
}
