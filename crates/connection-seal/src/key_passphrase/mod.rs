//! The key source `passphrase`: Argon2id derives the wrapping key from a passphrase.
//!
//! The salt and the cost of the derivation are stored with the wrapped key, so a person has to remember only the
//! passphrase. The bytes of a passphrase are used as they are, without normalization, except that one newline at the
//! end of a file is removed. If they are wrong, they are tried without a byte order mark and line ends, and then without
//! white space around them.

mod derivation;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use connection_contract::Secret;
use secrecy::{ExposeSecret as _, SecretBox, zeroize::Zeroizing};
use uuid::Uuid;

use super::{
    KeyContext, KeyError, KeySource, KeyWrapper, Place, SealError,
    data_key::DataKey,
    envelope,
    key_id::KEY_LEN,
    key_text::{bare_text, boxed},
    key_thread,
    slot::{PASSPHRASE, other_source},
};
use crate::{SecretFile, SecretFileError};
use derivation::{Derivation, HEADER_LEN};

/// The minimum number of characters of a passphrase that wraps a new key.
const MIN_LENGTH: usize = 12;

/// A key that is derived from a passphrase with Argon2id.
///
/// ```
/// use connection_seal::{KeyPassphrase, KeySource as _};
///
/// let source = KeyPassphrase::in_file("/run/secrets/connections");
/// assert_eq!(source.name(), "passphrase in /run/secrets/connections");
/// ```
#[derive(Clone)]
pub struct KeyPassphrase {
    origin: Origin,
}

/// The purpose for which a passphrase is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a host asks a different question for each")]
pub enum PassphraseUse {
    /// A database is to be sealed with the passphrase, so a typing mistake must be noticed now.
    New,
    /// A database that is already sealed with the passphrase is to be opened.
    Open,
}

type Ask = dyn Fn(PassphraseUse) -> Result<Secret, String> + Send + Sync;

#[derive(Clone)]
enum Origin {
    Prompt { ask: Arc<Ask>, given: Arc<Mutex<Option<Secret>>> },
    File { file: SecretFile, path: PathBuf },
}

impl KeyPassphrase {
    /// Reads the passphrase from a file that only its owner can read. The file is read each time it is needed.
    pub fn in_file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { origin: Origin::File { file: SecretFile::at(&path), path } }
    }

    /// Asks for the passphrase when it is first needed, and keeps it for later uses.
    ///
    /// `ask` runs on a thread that may wait for a person. Its error says why there is no passphrase.
    ///
    /// ```
    /// use connection_seal::{KeyPassphrase, PassphraseUse};
    ///
    /// let source = KeyPassphrase::from_prompt(|purpose| match purpose {
    ///     PassphraseUse::New => Ok("typed twice by a person".into()),
    ///     PassphraseUse::Open => Err("nobody is here".to_owned()),
    /// });
    /// # drop(source);
    /// ```
    pub fn from_prompt(ask: impl Fn(PassphraseUse) -> Result<Secret, String> + Send + Sync + 'static) -> Self {
        Self { origin: Origin::Prompt { ask: Arc::new(ask), given: Arc::default() } }
    }

    fn passphrase(&self, purpose: PassphraseUse) -> Result<Secret, KeyError> {
        match &self.origin {
            Origin::File { file, .. } => file.read_blocking().map_err(|error| match error {
                SecretFileError::Exposed(exposed) => KeyError::Exposed(exposed),
                error => KeyError::NoPassphrase { source_name: self.name(), detail: error.to_string() },
            }),
            Origin::Prompt { ask, given } => {
                // The lock is held while a person types, so that two uses at the same time ask only once.
                let mut given = given.lock().unwrap_or_else(PoisonError::into_inner);
                if given.is_none() {
                    let answer = ask(purpose);
                    *given =
                        Some(answer.map_err(|detail| KeyError::NoPassphrase { source_name: self.name(), detail })?);
                }
                Ok(given.as_ref().map(Secret::duplicate).unwrap_or_default())
            }
        }
    }

    fn wrap_blocking(&self, key: &[u8; KEY_LEN], store: Uuid) -> Result<Vec<u8>, KeyError> {
        let passphrase = self.passphrase(PassphraseUse::New)?;
        if length(passphrase.expose()) < MIN_LENGTH {
            return Err(KeyError::ShortPassphrase { source_name: self.name(), least: MIN_LENGTH });
        }
        let derivation = Derivation::fresh().ok_or_else(|| self.failed("the system provides no random numbers"))?;
        let wrapping = self.derive(&derivation, passphrase.expose())?;
        let header = derivation.to_bytes();
        let sealed = envelope::seal(&wrapping, store, &place(&header), key);
        let sealed = sealed.map_err(|error| self.failed(error))?;
        Ok([&header[..], sealed.as_bytes()].concat())
    }

    fn unwrap_blocking(&self, wrapped: &[u8], store: Uuid) -> Result<SecretBox<[u8; KEY_LEN]>, KeyError> {
        let damaged = |detail: &str| KeyError::Damaged { source_name: self.name(), detail: detail.to_owned() };
        if !wrapped.starts_with(PASSPHRASE) {
            return Err(KeyError::OtherSource { source_name: self.name(), other: other_source(wrapped) });
        }
        let (header, sealed) = wrapped.split_first_chunk::<HEADER_LEN>().ok_or_else(|| damaged("it is truncated"))?;
        let derivation = Derivation::parse(header).map_err(damaged)?;
        let parts = envelope::parse(sealed).map_err(|error| damaged(&error.to_string()))?;
        let passphrase = self.passphrase(PassphraseUse::Open)?;
        let open = |passphrase: &[u8]| {
            let wrapping = self.derive(&derivation, passphrase)?;
            Ok::<_, KeyError>(envelope::open(&wrapping, store, &place(header), &parts))
        };
        let mut tried = passphrase.expose();
        let mut opened = open(tried)?;
        // Spaces at an end may belong to the passphrase, also if a copy has added something else.
        for cleaned in [without_line_ends(tried), bare(tried)] {
            if matches!(opened, Err(SealError::WrongKey { .. })) && cleaned != tried {
                opened = open(cleaned)?;
                tried = cleaned;
            }
        }
        let key = match opened {
            Ok(key) => key,
            Err(SealError::WrongKey { .. }) => {
                return Err(KeyError::WrongPassphrase { source_name: self.name() });
            }
            Err(error) => return Err(damaged(&error.to_string())),
        };
        boxed(key.expose()).ok_or_else(|| damaged("it is not a key"))
    }

    fn derive(&self, derivation: &Derivation, passphrase: &[u8]) -> Result<DataKey, KeyError> {
        let key = derivation.key(passphrase).map_err(|error| self.failed(error))?;
        DataKey::new(&key).map_err(|error| self.failed(error))
    }

    fn failed(&self, detail: impl fmt::Display) -> KeyError {
        KeyError::Unavailable { source_name: self.name(), detail: detail.to_string() }
    }

    /// Runs `work` on a separate thread, since a derivation takes long and a person may be asked.
    async fn blocking<T: Send + 'static>(
        &self,
        context: &KeyContext,
        work: impl FnOnce(&Self, Uuid) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let store = Uuid::parse_str(&context.store_id).map_err(|error| self.failed(error))?;
        let this = self.clone();
        let done = key_thread::run("passphrase", move || work(&this, store)).await;
        done.unwrap_or_else(|| Err(self.failed("the system cannot start a thread")))
    }
}

impl fmt::Debug for KeyPassphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyPassphrase").field(&self.name()).finish()
    }
}

#[async_trait]
impl KeySource for KeyPassphrase {
    fn name(&self) -> String {
        match &self.origin {
            Origin::Prompt { .. } => "passphrase".to_owned(),
            Origin::File { path, .. } => format!("passphrase in {}", path.display()),
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        match &self.origin {
            Origin::Prompt { .. } => Vec::new(),
            Origin::File { path, .. } => vec![path.clone()],
        }
    }

    fn wrapper(&self) -> Option<&dyn KeyWrapper> {
        Some(self)
    }
}

#[async_trait]
impl KeyWrapper for KeyPassphrase {
    async fn wrap(&self, key: &SecretBox<[u8; 32]>, context: &KeyContext) -> Result<Vec<u8>, KeyError> {
        let key = Zeroizing::new(*key.expose_secret());
        self.blocking(context, move |this, store| this.wrap_blocking(&key, store)).await
    }

    async fn unwrap(&self, wrapped: &[u8], context: &KeyContext) -> Result<SecretBox<[u8; 32]>, KeyError> {
        let wrapped = wrapped.to_vec();
        self.blocking(context, move |this, store| this.unwrap_blocking(&wrapped, store)).await
    }
}

/// Returns the place of a key that is wrapped with a passphrase. It is bound to the salt and the cost.
fn place(header: &[u8]) -> Place<'_> {
    Place { table: "connection_keyset", column: "passphrase", key: header, owner: "", kind: "", sequence: 0 }
}

/// Returns a passphrase without a byte order mark before it and line ends after it.
fn without_line_ends(passphrase: &[u8]) -> &[u8] {
    let mut rest = passphrase.strip_prefix("\u{feff}".as_bytes()).unwrap_or(passphrase);
    while let [before @ .., b'\r' | b'\n'] = rest {
        rest = before;
    }
    rest
}

/// Returns a passphrase without white space and a byte order mark around it.
fn bare(passphrase: &[u8]) -> &[u8] {
    std::str::from_utf8(passphrase).map_or_else(|_| passphrase.trim_ascii(), |text| bare_text(text).as_bytes())
}

/// Returns the number of characters, or of bytes if the passphrase is not text.
fn length(passphrase: &[u8]) -> usize {
    std::str::from_utf8(passphrase).map_or(passphrase.len(), |text| text.chars().count())
}
