//! Opens the keyring of the operating system.
//!
//! This code was run on Linux, with GNOME Keyring and without a service. The code for other systems has not been run.

use std::sync::Arc;

use keyring_core::{CredentialStore, Result};

/// The name by which people know the keyring.
#[cfg(target_os = "linux")]
pub(crate) const NAME: &str = "Secret Service";
#[cfg(target_os = "macos")]
pub(crate) const NAME: &str = "Keychain";
#[cfg(windows)]
pub(crate) const NAME: &str = "Credential Manager";
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
pub(crate) const NAME: &str = "of the system";

/// Opens the keyring. This may wait for another program, so it must not be called on a thread of a runtime.
pub(crate) fn open() -> Result<Arc<CredentialStore>> {
    #[cfg(target_os = "linux")]
    return Ok(zbus_secret_service_keyring_store::Store::new()?);
    #[cfg(target_os = "macos")]
    return Ok(apple_native_keyring_store::keychain::Store::new()?);
    #[cfg(windows)]
    return Ok(windows_native_keyring_store::Store::new()?);
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    return Err(keyring_core::Error::NotSupportedByStore("no keyring is known for this system".to_owned()));
}
