//! What was taken back, and where that is not known to be in force yet.

use serde::{Deserialize, Serialize};

/// What was taken back and is not known to be in force in every process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Withdrawal {
    /// The processes that used connections a moment ago and have not confirmed within a second that it is taken back. Such
    /// a process may still send a request that it has begun, and reads the change before it begins another one.
    pub remaining: Vec<String>,
}
