//! The shapes of the commands about the key.

use connection_core::{KeyChange, KeyRotation, KeyStatus};
use serde::Serialize;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyBody {
    source: String,
    wrapped_by: String,
    key: String,
    rotated: bool,
    retired: Vec<String>,
    remaining: u64,
    slots: Vec<KeySlotBody>,
}

#[derive(Debug, Serialize)]
struct KeySlotBody {
    slot: &'static str,
    key: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyChangeBody {
    source: String,
    wrapped_by: String,
    changed: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct KeyRotationBody {
    key: String,
    resumed: bool,
    dropped: Vec<String>,
    resealed: u64,
    contended: u64,
    unreadable: u64,
    remaining: u64,
}

impl From<&KeyStatus> for KeyBody {
    fn from(status: &KeyStatus) -> Self {
        let slot =
            |(slot, key): &(&'static str, Option<_>)| KeySlotBody { slot, key: key.as_ref().map(ToString::to_string) };
        Self {
            source: status.source.clone(),
            wrapped_by: status.wrapped_by.to_string(),
            key: status.key.to_string(),
            rotated: status.rotated,
            retired: status.retired.iter().map(ToString::to_string).collect(),
            remaining: status.remaining,
            slots: status.slots.iter().map(slot).collect(),
        }
    }
}

impl From<&KeyChange> for KeyChangeBody {
    fn from(change: &KeyChange) -> Self {
        let KeyChange { source, wrapped_by, changed, .. } = change;
        Self { source: source.clone(), wrapped_by: wrapped_by.to_string(), changed: *changed }
    }
}

impl From<&KeyRotation> for KeyRotationBody {
    fn from(rotation: &KeyRotation) -> Self {
        Self {
            key: rotation.key.to_string(),
            resumed: rotation.resumed,
            dropped: rotation.dropped.iter().map(ToString::to_string).collect(),
            resealed: rotation.resealed,
            contended: rotation.contended,
            unreadable: rotation.unreadable,
            remaining: rotation.remaining,
        }
    }
}
