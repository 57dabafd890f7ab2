//! Sealed values, and the keys that open them.
//!
//! A sealed value opens only in its own row, column and generation of its own store. [`Keys`] seals values and opens
//! them. The keys of a store form its [`Keyset`], which is stored beside the values, wrapped by the key of a
//! [`KeySource`]: a file, an environment variable, a command, the keyring of the system or a passphrase.
//!
//! ```
//! use connection_contract::Timestamp;
//! use connection_seal::{KeyFile, Keys, Keyset, Place, Slot, WrappedKeyset};
//! use uuid::Uuid;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let directory = tempfile::tempdir()?;
//!     let source = KeyFile::at(directory.path().join("root.key"));
//!     let store = Uuid::from_u128(1);
//!
//! #   // region: readme
//!     // At the first start: a keyset, wrapped by a key that the source makes.
//!     let keyset = Keyset::fresh(Timestamp::from_seconds(0))?;
//!     let wrapped = keyset.wrapped_by(&source, store, Slot::A).await?;
//!     let place = Place { table: "account", column: "token", key: b"ada", owner: "", kind: "", sequence: 1 };
//!     let sealed = Keys::new(store, &keyset)?.seal(&place, b"secret")?;
//!
//!     // At a later start: both are read from where they are kept.
//!     let wrapped = WrappedKeyset::new(store, keyset.revision(), Some(wrapped.into_bytes()), None);
//!     let keys = Keys::new(store, &wrapped.open(&source).await?.keyset)?;
//!     assert_eq!(keys.open(&place, sealed.as_bytes())?.expose(), b"secret");
//! #   // end: readme
//!     Ok(())
//! }
//! ```
//!
//! All cryptography is done by one library, aws-lc-rs. Each entry of the keyset is one key; rows have no keys of their
//! own. There is no mode without a key.
//!
//! # What this crate is not
//!
//! It has no store and no registry: the core stores keysets and sealed values, reads newer keys, rotates them and seals
//! values again. It knows no provider and no plugin. [`platform`] holds the functions for files that only their owner
//! may read; the core stores its own files with the same functions.
//!
//! # Stability
//!
//! Values that were sealed and keys that were wrapped by an earlier version stay readable. The API is made for
//! `connection-core`, and may change in any version. The core re-exports the key sources and keeps their API stable.

mod data_key;
mod envelope;
mod error;
mod key_command;
mod key_error;
mod key_file;
mod key_id;
#[cfg(feature = "keyring")]
mod key_keyring;
#[cfg(feature = "passphrase")]
mod key_passphrase;
mod key_text;
#[cfg(any(feature = "keyring", feature = "passphrase"))]
mod key_thread;
mod key_variable;
mod keys;
mod keyset;
mod place;
pub mod platform;
mod secret_file;
mod slot;
mod source;
#[cfg(test)]
mod tests;

pub use envelope::{Sealed, open_once, seal_once};
pub use error::{KeysetError, SealError};
pub use key_command::KeyCommand;
pub use key_error::KeyError;
pub use key_file::KeyFile;
pub use key_id::KeyId;
#[cfg(feature = "keyring")]
pub use key_keyring::KeyKeyring;
#[cfg(feature = "passphrase")]
pub use key_passphrase::{KeyPassphrase, PassphraseUse};
pub use key_text::bare_text;
pub use key_variable::KeyVariable;
pub use keys::Keys;
pub use keyset::{Keyset, Slot};
pub use place::Place;
pub use secret_file::{SecretFile, SecretFileError};
pub use slot::{OpenedKeyset, WrappedKeyset};
pub use source::{KeyContext, KeySource, KeyWrapper};
