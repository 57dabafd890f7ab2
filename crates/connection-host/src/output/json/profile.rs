//! The shape of the profile of a slot.

use serde::Serialize;

/// The shape of `profiles default --slot`.
#[derive(Debug, Serialize)]
pub(crate) struct ProfileSlotBody {
    pub(crate) kind: String,
    pub(crate) slot: String,
    pub(crate) profile: Option<String>,
}

impl ProfileSlotBody {
    pub(crate) fn of(kind: &str, slot: &str, profile: Option<impl ToString>) -> Self {
        Self { kind: kind.to_owned(), slot: slot.to_owned(), profile: profile.map(|id| id.to_string()) }
    }
}
