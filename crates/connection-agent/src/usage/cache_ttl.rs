//! The time for which a provider keeps a prompt in its cache.
//!
//! It is a hint for showing a countdown, which a person may change or switch off.

use std::time::Duration;

use connection_core::KindInfo;

/// The person's choice about the countdown.
///
/// [`prompt_cache_ttl`] has an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PromptCacheTtl {
    /// A duration in place of the kind's.
    For(Duration),
    /// The duration that the kind declares.
    #[default]
    Hint,
    /// No countdown is shown.
    Off,
}

/// Returns the duration of the countdown, or `None` if there is none to show. The countdown only informs: it delays
/// nothing and expires nothing.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use connection_agent::{PromptCacheTtl, prompt_cache_ttl};
/// use connection_core::KindInfo;
///
/// /// Returns the seconds to count down from, or `None` if the person switched the countdown off.
/// fn countdown(kind: &KindInfo, is_off: bool) -> Option<u64> {
///     let wanted = if is_off { PromptCacheTtl::Off } else { PromptCacheTtl::Hint };
///     prompt_cache_ttl(kind, wanted).as_ref().map(Duration::as_secs)
/// }
/// ```
pub fn prompt_cache_ttl(kind: &KindInfo, wanted: PromptCacheTtl) -> Option<Duration> {
    match wanted {
        PromptCacheTtl::For(time) => Some(time),
        PromptCacheTtl::Hint => kind.descriptor.cache_ttl,
        PromptCacheTtl::Off => None,
    }
    .filter(|time| !time.is_zero())
}
