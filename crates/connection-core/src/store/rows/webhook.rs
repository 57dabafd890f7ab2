//! The webhook address of a connection, and the events that it received.

use uuid::Uuid;

use super::row;
use crate::{ids::ConnectionId, store::Sealed};

row! {
    /// A row of `connection_webhook_address`.
    #[derive(Clone, Debug)]
    pub(crate) struct AddressRow {
        /// `None` while webhooks are disabled, like `sealed`.
        pub(crate) token_hash: Option<Vec<u8>>,
        pub(crate) sealed: Option<Sealed>,
        pub(crate) revision: i64,
        pub(crate) next_number: i64,
        pub(crate) waiting: i64,
        /// The number of sealed bytes of the events that wait.
        pub(crate) waiting_bytes: i64,
        /// The time at which the last event arrived; `None` if that event was deleted.
        pub(crate) last_received_at: Option<i64>,
        /// The time of the last test; `None` if the current address and key were not tested. The other columns of the
        /// test are then `None`, too.
        pub(crate) tested_at: Option<i64>,
        pub(crate) tested_url: Option<String>,
        pub(crate) tested_generation: Option<i64>,
        pub(crate) test_failure: Option<String>,
        /// The generation of the connection's current credential.
        pub(crate) generation: i64,
    }
}

/// The result of a test of an address.
#[derive(Clone, Debug)]
pub(crate) struct TestRow {
    pub(crate) at: i64,
    /// The address, up to its secret part.
    pub(crate) url: String,
    /// The generation of the credential that signed; `None` if a key of the address did.
    pub(crate) generation: Option<i64>,
    /// `None` if the delivery arrived.
    pub(crate) failure: Option<&'static str>,
}

row! {
    /// The connection that an address belongs to, and its owner.
    #[derive(Clone, Debug)]
    pub(crate) struct FoundAddress {
        pub(crate) connection_id: ConnectionId,
        pub(crate) owner: String,
    }
}

/// An event to store. It gets its number when it is stored.
#[derive(Clone, Debug)]
pub(crate) struct WebhookRow {
    pub(crate) id: Uuid,
    pub(crate) connection_id: ConnectionId,
    pub(crate) digest: [u8; 32],
    pub(crate) received_at: i64,
    pub(crate) sealed: Sealed,
}

row! {
    /// An event that waits to be delivered.
    #[derive(Clone, Debug)]
    pub(crate) struct WaitingRow {
        pub(crate) id: Uuid,
        pub(crate) connection_id: ConnectionId,
        pub(crate) owner: String,
        pub(crate) kind: String,
        pub(crate) number: i64,
        pub(crate) received_at: i64,
        pub(crate) sealed: Sealed,
    }
}
