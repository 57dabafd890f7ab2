//! The key source `file`: a private file, separate from the database, created at the first start.
//!
//! The file holds two lines: `connections-key-v1` with the id of the key, and the key in base64. The id reveals damage,
//! so a copy with other white space or a byte order mark is the key, too.

use std::{
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use connection_contract::encode;
use secrecy::{ExposeSecret as _, SecretBox, zeroize::Zeroizing};

use super::{
    KeyError, KeyId, KeySource,
    key_id::KEY_LEN,
    key_text::{boxed, text_of_file, unquoted},
};
use crate::platform::{self, Unreadable};

const HEADER: &str = "connections-key-v1";
/// The number of bytes that are read, which is more than the two lines need. White space may follow.
const MAX_LEN: u64 = 1024;

/// A key in a file that only its owner can read.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// Returns a source that uses the file at `path`, which need not exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> Result<Option<SecretBox<[u8; KEY_LEN]>>, KeyError> {
        let bytes = match platform::read_secret(&self.path, MAX_LEN) {
            Ok(Some(bytes)) => Zeroizing::new(bytes),
            Ok(None) => return Ok(None),
            Err(Unreadable::Exposed(exposed)) => return Err(KeyError::Exposed(exposed)),
            Err(Unreadable::Io(error)) => return Err(self.unavailable(&error)),
        };
        key_of_file(&bytes).map(Some).ok_or_else(|| KeyError::Malformed { source_name: self.name() })
    }

    fn write(&self) -> Result<SecretBox<[u8; KEY_LEN]>, KeyError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists { source_name: self.name() },
            _ => self.unavailable(&error),
        };
        let key = fresh().ok_or_else(|| self.unavailable(&io::ErrorKind::Unsupported.into()))?;
        if let Some(parent) = self.path.parent() {
            platform::create_private_dir(parent).map_err(failed)?;
        }
        let encoded = Zeroizing::new(encode::base64(key.expose_secret()));
        let text = Zeroizing::new(format!("{HEADER} {}\n{}\n", KeyId::of(&key), *encoded));
        platform::write_new_private(&self.path, text.as_bytes()).map_err(failed)?;
        Ok(key)
    }

    fn unavailable(&self, error: &io::Error) -> KeyError {
        KeyError::Unavailable { source_name: self.name(), detail: error.to_string() }
    }

    /// Runs `work` on a thread that may wait for the disk.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let this = self.clone();
        match tokio::task::spawn_blocking(move || work(&this)).await {
            Ok(result) => result,
            // This happens only when the runtime shuts down.
            Err(_) => Err(self.unavailable(&io::ErrorKind::Interrupted.into())),
        }
    }
}

#[async_trait]
impl KeySource for KeyFile {
    fn name(&self) -> String {
        format!("file {}", self.path.display())
    }

    async fn load(&self) -> Result<Option<SecretBox<[u8; 32]>>, KeyError> {
        self.blocking(Self::read).await
    }

    async fn create(&self) -> Result<SecretBox<[u8; 32]>, KeyError> {
        self.blocking(Self::write).await
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.path.clone()]
    }
}

/// Creates a random key; `None` if the system provides no random numbers.
pub(super) fn fresh() -> Option<SecretBox<[u8; KEY_LEN]>> {
    let mut filled = Ok(());
    let key = SecretBox::init_with_mut(|key: &mut [u8; KEY_LEN]| filled = aws_lc_rs::rand::fill(key));
    filled.ok().map(|()| key)
}

/// Reads the three words of the file. Only their order counts: password managers, editors and shells change the white
/// space between and around them, or write `\n` in place of a newline.
pub(super) fn key_of_file(bytes: &[u8]) -> Option<SecretBox<[u8; KEY_LEN]>> {
    let text = text_of_file(bytes)?;
    let words = unquoted(&text).split_whitespace().flat_map(|word| word.split("\\n"));
    let mut words = words.filter(|word| !word.is_empty());
    let (HEADER, id, encoded, None) = (words.next()?, words.next()?, words.next()?, words.next()) else { return None };
    let key = boxed(&Zeroizing::new(encode::from_base64(encoded)?))?;
    (KeyId::of(&key).to_string() == id).then_some(key)
}
