//! The words that are contract: what `docs/spec/words.md` lists, and tests compare with it.

pub use crate::{
    config::{KEYS, Key, KeyType},
    error::Exit,
};
