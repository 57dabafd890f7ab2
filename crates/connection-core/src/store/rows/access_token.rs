//! A token with which a page or a program uses the API.

use uuid::Uuid;

use super::{StoredMark, row, stored_words};
use crate::ids::AccessTokenId;

stored_words! {
    /// The use for which a token was made.
    TokenPurpose in "connection_access_token.purpose" {
        /// A code that a page exchanges for a token.
        Code = "code",
        /// A page in a browser sends it.
        Page = "page",
        /// A program of the owner sends it.
        Program = "program",
    }
}

row! {
    /// A row of `connection_access_token`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct AccessTokenRow {
        pub(crate) id: AccessTokenId,
        /// The only owner for whom the token acts; empty if it acts for all owners.
        pub(crate) owner: String,
        pub(crate) purpose: TokenPurpose,
        /// A MAC of the token, by which the row is found.
        pub(crate) token_hash: Vec<u8>,
        pub(crate) name: String,
        pub(crate) role: String,
        pub(crate) extension: Option<String>,
        /// The permission of the visitor of a setup link, as JSON.
        pub(crate) link: Option<String>,
        /// The setup of a setup link.
        pub(crate) setup_id: Option<Uuid>,
        pub(crate) created_at: i64,
        pub(crate) expires_at: Option<i64>,
        /// The time in seconds after which it ends if nobody uses it.
        pub(crate) idle: Option<i64>,
        pub(crate) last_used_at: Option<i64>,
        pub(crate) revoked_at: Option<i64>,
        /// The agent for which alone the token is.
        pub(crate) agent_id: Option<Uuid>,
        /// The use of the token of an agent, as a word.
        pub(crate) audience: Option<String>,
        /// The client that got the token, or that may exchange the code, as JSON.
        pub(crate) client: Option<String>,
        pub(crate) marked: StoredMark,
    }
}
