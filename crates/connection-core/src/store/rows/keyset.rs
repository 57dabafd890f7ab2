//! The sealed keys.

use connection_seal::{Slot, WrappedKeyset};
use uuid::Uuid;

use super::row;
use crate::store::Sealed;

row! {
    /// The row of `connection_keyset`.
    #[derive(Clone, Debug)]
    pub(crate) struct KeysetRow {
        pub(crate) store_id: Uuid,
        /// The revision of the row, which grows with every change. A change is made by compare-and-swap on it.
        pub(crate) revision: i64,
        /// The revision of the keys, which grows when the keys change. A process that holds the keys of another
        /// revision reads them again.
        pub(crate) keys_revision: i64,
        pub(crate) slot_a: Option<Sealed>,
        pub(crate) slot_b: Option<Sealed>,
    }
}

impl KeysetRow {
    /// The keyset in the form in which key sources open it.
    pub(crate) fn wrapped(&self) -> WrappedKeyset {
        let bytes = |slot: &Option<Sealed>| slot.as_ref().map(|sealed| sealed.as_bytes().to_vec());
        WrappedKeyset::new(self.store_id, self.keys_revision, bytes(&self.slot_a), bytes(&self.slot_b))
    }

    pub(crate) const fn slot_mut(&mut self, slot: Slot) -> &mut Option<Sealed> {
        match slot {
            Slot::A => &mut self.slot_a,
            Slot::B => &mut self.slot_b,
        }
    }
}
