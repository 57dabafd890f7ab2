//! Registry, setup sessions, store.

mod ids;
mod platform;
mod seal;
mod services;
mod store;

pub use services::{Clock, FilesPolicy, HttpPolicy, HttpPolicyError, ManualClock, SystemClock};
pub use ids::{ConnectionId, IdGenerator, InvalidId, SessionId, UuidV7};
pub use platform::Exposed;
pub use seal::{KeyError, KeyFile, KeyId, KeySource, OpenKeyError, SealError};
pub use store::StoreError;
