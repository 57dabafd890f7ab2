//! Registry, setup sessions, store.

mod services;

pub use services::{Clock, FilesPolicy, HttpPolicy, HttpPolicyError, ManualClock, SystemClock};
