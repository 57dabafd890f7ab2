//! The time since the machine started.

use std::time::Duration;

use crate::platform;

/// A boot of a machine, and the time that has passed since it. Every process of one boot agrees about both.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Boot {
    /// The identifier of the boot. Empty if the system has none: then `passed` is known, but not of which boot.
    pub id: String,
    /// The time since the boot.
    pub passed: Duration,
}

impl Boot {
    /// Creates a boot with this identifier, which happened this long ago.
    pub fn new(id: impl Into<String>, passed: Duration) -> Self {
        Self { id: id.into(), passed }
    }

    pub(super) fn of_system() -> Option<Self> {
        let passed = platform::since_boot()?;
        Some(Self { id: platform::boot_id().unwrap_or_default(), passed })
    }
}
