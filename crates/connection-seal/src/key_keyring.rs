//! The key source `keyring`: the keyring of the system stores the key that wraps the keyset, and the database stores
//! the name of that key.
//!
//! ```text
//! "CNXK" 4 | version 1 | key id 8
//! ```
//!
//! Each wrapping of a keyset creates a new entry and never overwrites one. A keyring cannot create an entry on the
//! condition that it does not exist, so with a fixed name, the second of two processes that start at the same time
//! would replace the key of the first.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use connection_contract::encode;
use keyring_core::{CredentialStore, Entry};
use secrecy::{ExposeSecret as _, SecretBox, zeroize::Zeroizing};

use super::{
    KeyContext, KeyError, KeyId, KeySource, KeyWrapper,
    key_id::KEY_LEN,
    key_text::key_of_text,
    key_thread,
    slot::{KEYRING, other_source},
};
use crate::platform;

const VERSION: u8 = 1;
/// The service name of every entry.
const SERVICE: &str = "connections";
/// The maximum time to wait for a keyring, which may ask a person to unlock it.
const TIMEOUT: Duration = Duration::from_secs(60);

type Open = dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync;

/// A key in a keyring.
///
/// ```
/// use connection_seal::{KeyKeyring, KeySource as _};
///
/// let source = KeyKeyring::system();
/// assert!(source.name().starts_with("keyring"));
/// ```
#[derive(Clone)]
pub struct KeyKeyring {
    /// The name of the keyring that messages show.
    keyring: &'static str,
    open: Arc<Open>,
    timeout: Duration,
}

impl KeyKeyring {
    /// Uses the keyring of the system: the Secret Service on Linux, the login keychain on macOS, the Credential Manager
    /// on Windows.
    ///
    /// The keyring is opened when a key is first needed.
    pub fn system() -> Self {
        Self { keyring: platform::keyring::NAME, open: Arc::new(platform::keyring::open), timeout: TIMEOUT }
    }

    /// Uses a keyring that the host opens. `open` is called each time a key is needed.
    ///
    /// ```
    /// use connection_seal::KeyKeyring;
    ///
    /// let source = KeyKeyring::opened_by(|| Ok(keyring_core::mock::Store::new()?));
    /// # drop(source);
    /// ```
    pub fn opened_by(open: impl Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync + 'static) -> Self {
        Self { keyring: "of the program", open: Arc::new(open), timeout: TIMEOUT }
    }

    /// Sets how long to wait for the keyring; one minute by default and at most.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(TIMEOUT);
        self
    }

    /// Runs `work` on an entry, on a separate thread and for a bounded time.
    async fn entry<T: Send + 'static>(
        &self,
        user: String,
        work: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<T, KeyError> {
        let open = self.open.clone();
        let name = user.clone();
        let using = key_thread::run("keyring", move || {
            let store = open().map_err(Unusable::NotThere)?;
            let entry = store.build(SERVICE, &name, None).map_err(Unusable::Entry)?;
            work(&entry).map_err(Unusable::Entry)
        });
        let source_name = self.name();
        match tokio::time::timeout(self.timeout, using).await {
            Ok(Some(Ok(value))) => Ok(value),
            Ok(Some(Err(error))) => Err(self.refused(error, &user)),
            Ok(None) => Err(KeyError::Unavailable { source_name, detail: "the call to it crashed".to_owned() }),
            Err(_) => {
                let detail = format!("it did not answer within {} seconds", self.timeout.as_secs_f32());
                Err(KeyError::Locked { source_name, detail })
            }
        }
    }

    /// Converts an error. It distinguishes a missing keyring, a locked one and a missing entry, and never shows the
    /// content of an entry.
    fn refused(&self, error: Unusable, user: &str) -> KeyError {
        use keyring_core::Error;
        let source_name = self.name();
        let entry = format!("{source_name}, entry '{user}' of '{SERVICE}'");
        match error {
            Unusable::NotThere(error) => KeyError::NoKeyring { source_name, detail: one_line(&error) },
            Unusable::Entry(Error::NoEntry) => KeyError::Missing { source_name: entry },
            Unusable::Entry(Error::NoStorageAccess(error)) => {
                KeyError::Locked { source_name, detail: one_line(&error) }
            }
            Unusable::Entry(Error::BadEncoding(_) | Error::BadDataFormat(..)) => {
                KeyError::Malformed { source_name: entry }
            }
            Unusable::Entry(Error::Ambiguous(entries)) => {
                let detail = format!(
                    "it holds {} entries with this name; delete those that do not belong to this program",
                    entries.len()
                );
                KeyError::Unavailable { source_name: entry, detail }
            }
            Unusable::Entry(error) => KeyError::Unavailable { source_name: entry, detail: one_line(&error) },
        }
    }
}

/// The reason why a keyring gives no key.
enum Unusable {
    NotThere(keyring_core::Error),
    Entry(keyring_core::Error),
}

impl fmt::Debug for KeyKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyKeyring").field(&self.keyring).finish()
    }
}

#[async_trait]
impl KeySource for KeyKeyring {
    fn name(&self) -> String {
        format!("keyring {}", self.keyring)
    }

    fn wrapper(&self) -> Option<&dyn KeyWrapper> {
        Some(self)
    }
}

#[async_trait]
impl KeyWrapper for KeyKeyring {
    async fn wrap(&self, key: &SecretBox<[u8; KEY_LEN]>, context: &KeyContext) -> Result<Vec<u8>, KeyError> {
        let id = KeyId::of(key);
        // The key is stored as text, so that the programs of the keyring show and copy it whole.
        let text = Zeroizing::new(encode::base64(key.expose_secret()));
        self.entry(user(context, id), move |entry| entry.set_secret(text.as_bytes())).await?;
        Ok([&KEYRING[..], &[VERSION], id.as_bytes()].concat())
    }

    async fn unwrap(&self, wrapped: &[u8], context: &KeyContext) -> Result<SecretBox<[u8; KEY_LEN]>, KeyError> {
        let Some(rest) = wrapped.strip_prefix(KEYRING) else {
            return Err(KeyError::OtherSource { source_name: self.name(), other: other_source(wrapped) });
        };
        let Some(id) = rest.strip_prefix(&[VERSION]).and_then(|id| Some(KeyId::from_bytes(id.try_into().ok()?))) else {
            let detail = "it is truncated, or its version is unknown to this program".to_owned();
            return Err(KeyError::Damaged { source_name: self.name(), detail });
        };
        let user = user(context, id);
        let source_name = format!("{}, entry '{user}' of '{SERVICE}'", self.name());
        let text = self.entry(user, |entry| entry.get_secret().map(Zeroizing::new)).await?;
        let key = key_of_text(&text).filter(|key| KeyId::of(key) == id);
        key.ok_or(KeyError::Malformed { source_name })
    }
}

/// Returns the name of an entry, made of the database and the key, so that no two databases and no two wrappings share
/// an entry.
fn user(context: &KeyContext, id: KeyId) -> String {
    format!("{}/{id}", context.store_id)
}

/// Returns the text of an error of another library on one line.
fn one_line(error: &dyn fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
