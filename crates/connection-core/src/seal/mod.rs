//! Seals what is stored: a row's secrets open in their own row, column and generation, and nowhere else.
//!
//! One library, aws-lc-rs; one key per entry of the keyset, and none per row. A key source outside the database unwraps
//! the keyset. There is no mode without a key: what a row can hold is [`Sealed`], and only [`Sealer::seal`] makes one.

mod data_key;
mod envelope;
mod error;
mod key_file;
mod keyset;
mod open;
mod place;
mod sealer;
mod source;
#[cfg(test)]
mod tests;

pub use data_key::KeyId;
pub use error::SealError;
pub use key_file::KeyFile;
pub use source::{KeyError, KeySource};

pub(crate) use envelope::Sealed;
pub(crate) use error::OpenKeyError;
pub(crate) use open::open_keyset;
pub(crate) use place::Place;
pub(crate) use sealer::Sealer;
