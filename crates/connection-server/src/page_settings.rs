//! The settings of a host whose settings are the page.

use async_trait::async_trait;
use connection_core::{HandOffError, HandedOff, NativeExtensionSettings, SettingsHandOff};

/// The settings of a host whose settings are the page. It opens nothing: an answer of the API has the path of the page,
/// and the program that asked opens it.
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
    /// Creates settings that open nothing.
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
