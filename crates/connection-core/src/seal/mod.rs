//! Seals what is stored: a row's secrets open in their own row, column and generation, and nowhere else.
//!
//! One library, aws-lc-rs; one key per entry of the keyset, and none per row. A key source outside the database unwraps
//! the keyset. There is no mode without a key: what a row can hold is [`Sealed`], and only [`Sealer::seal`] makes one.

mod change;
mod data_key;
mod envelope;
mod error;
mod key_command;
mod key_error;
mod key_file;
#[cfg(feature = "keyring")]
mod key_keyring;
#[cfg(feature = "passphrase")]
mod key_passphrase;
mod key_text;
#[cfg(any(feature = "keyring", feature = "passphrase"))]
mod key_thread;
mod key_variable;
mod keyset;
mod open;
mod place;
mod rotate;
mod sealer;
mod slot;
mod source;
#[cfg(test)]
mod tests;

pub use change::KeyChange;
pub use data_key::KeyId;
pub use error::SealError;
pub use key_command::KeyCommand;
pub use key_error::KeyError;
pub use key_file::KeyFile;
#[cfg(feature = "keyring")]
pub use key_keyring::KeyKeyring;
#[cfg(feature = "passphrase")]
pub use key_passphrase::{KeyPassphrase, PassphraseUse};
pub use key_variable::KeyVariable;
pub use rotate::{KeyRotation, KeyStatus};
pub use source::{KeyContext, KeySource, KeyWrapper};

pub(crate) use change::change;
pub(crate) use envelope::Sealed;
pub(crate) use error::OpenKeyError;
pub(crate) use open::{Other, Sources, open_keyset};
pub(crate) use place::{Place, kv_key};
pub(crate) use rotate::{rotate, status};
pub(crate) use sealer::Sealer;
