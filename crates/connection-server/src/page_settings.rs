//! The settings hand-off of a host whose settings screens are the page of this crate.

use async_trait::async_trait;
use connection_core::{HandOffError, HandedOff, NativeExtensionSettings, SettingsHandOff};

/// A [`SettingsHandOff`] for hosts whose settings screens are the page of this crate.
///
/// It opens no window by itself. The answer of the API contains the path of the screen on the page, and the program
/// that sent the request opens that path.
///
/// ```
/// use std::sync::Arc;
///
/// use connection_core::ConnectionRegistry;
/// use connection_server::PageSettings;
///
/// let builder = ConnectionRegistry::builder().settings(Arc::new(PageSettings::new()));
/// # drop(builder);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PageSettings {}

impl PageSettings {
    /// Creates the hand-off to the page.
    pub fn new() -> Self {
        Self {}
    }
}

#[async_trait]
impl SettingsHandOff for PageSettings {
    async fn open_extension_preferences(&self, _owner: &str, _extension: &str) -> Result<HandedOff, HandOffError> {
        Ok(HandedOff::shown())
    }

    async fn open_command_preferences(
        &self,
        _owner: &str,
        _extension: &str,
        _command: &str,
    ) -> Result<HandedOff, HandOffError> {
        Ok(HandedOff::shown())
    }

    async fn open_native_extension_settings(
        &self,
        _owner: &str,
        _settings: NativeExtensionSettings,
    ) -> Result<HandedOff, HandOffError> {
        Ok(HandedOff::shown())
    }
}
