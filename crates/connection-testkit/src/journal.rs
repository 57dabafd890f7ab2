//! The journal of a setup in memory. Each entry has the bytes that a real host seals, and the state of the fakes.

use connection_contract::Secret;
use connection_replay as replay;

use crate::{fault::fail, kv};

/// An effect that the plugin requested, for comparison and for messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct AskedEffect {
    /// The versioned fingerprint of the request, which a replay must repeat.
    pub(crate) what: String,
    /// The request as text, without the secrets of the test.
    pub(crate) text: String,
    /// Text for the page that a person sees during a wait. Empty for other effects.
    pub(crate) shown: String,
    /// The number of scripted HTTP requests before the effect.
    pub(crate) script: usize,
}

/// One effect with the state of the fakes: the script and the input before the effect, and the values after it.
pub(crate) struct Entry {
    bytes: Secret,
    pub(crate) request: AskedEffect,
    pub(crate) input: usize,
    pub(crate) kv: Option<kv::State>,
}

impl Entry {
    pub(crate) fn new(bytes: Secret, request: AskedEffect, input: usize, kv: Option<kv::State>) -> Self {
        Self { bytes, request, input, kv }
    }

    /// Decodes the entry, as a host does after it reads it from its store.
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
        Self::new(self.bytes.duplicate(), self.request.clone(), self.input, self.kv.clone())
    }
}
