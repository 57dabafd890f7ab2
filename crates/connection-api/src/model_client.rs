//! The client of an agent.

use serde::{Deserialize, Serialize};

/// The client of an agent: a program that signed in, and gets its tokens by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelClient {
    /// The name by which the client calls itself.
    pub name: String,
    /// The host to which the browser returned with the code.
    pub host: String,
    /// The time at which it got its last refresh token; `null` if it has got none, or must sign in again.
    pub renewed_at: Option<String>,
    /// The time at which its last token ends; `null` if it has got none, or must sign in again.
    pub ends_at: Option<String>,
}
