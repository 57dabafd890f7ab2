//! The time for which a provider keeps a prompt in its cache.
//!
//! It is a hint for showing a countdown, which a person may change or switch off.

use std::time::Duration;

use crate::KindInfo;

/// A duration in place of the kind's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PromptCacheTtl {
    /// A duration in place of the kind's.
    For(Duration),
    /// The duration that the kind declares.
    #[default]
    Hint,
    /// No countdown.
    Off,
}

/// Returns the duration of the countdown, or `None` if there is none to show. The countdown only informs: it delays
/// nothing and expires nothing.
pub fn prompt_cache_ttl(kind: &KindInfo, wanted: PromptCacheTtl) -> Option<Duration> {
    match wanted {
        PromptCacheTtl::For(time) => Some(time),
        PromptCacheTtl::Hint => kind.descriptor.cache_ttl,
        PromptCacheTtl::Off => None,
    }
    .filter(|time| !time.is_zero())
}
