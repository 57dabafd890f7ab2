//! The journal of a setup in memory: each entry as the bytes that a real host seals, with where the fakes stood.

use connection_contract::Secret;
use connection_replay as replay;

use crate::{fault::fail, kv};

/// A question of the plugin, for comparison and for messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// The fingerprint.
    pub(crate) what: String,
    /// The question in words, without a secret that the test gave.
    pub(crate) told: String,
    /// What a person sees while it is waited for; empty for anything but a wait.
    pub(crate) shown: String,
    /// The number of requests of the script that came before.
    pub(crate) script: usize,
}

/// One effect, and where the fakes stood: the script and the input before it, the values after it.
pub(crate) struct Entry {
    bytes: Secret,
    pub(crate) asked: Asked,
    pub(crate) input: usize,
    pub(crate) kv: Option<kv::State>,
}

impl Entry {
    pub(crate) fn new(bytes: Secret, asked: Asked, input: usize, kv: Option<kv::State>) -> Self {
        Self { bytes, asked, input, kv }
    }

    /// The entry as a host reads it from its store.
    pub(crate) fn read(&self) -> replay::Entry {
        let Some(entry) = replay::Entry::decode(self.bytes.expose()) else {
            fail("the testkit cannot read an entry that it has recorded")
        };
        entry
    }

    pub(crate) fn size(&self) -> usize {
        self.bytes.expose().len()
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self::new(self.bytes.duplicate(), self.asked.clone(), self.input, self.kv.clone())
    }
}
