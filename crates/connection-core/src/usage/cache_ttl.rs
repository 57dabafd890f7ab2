//! For how long a provider keeps a prompt warm: a hint to show a countdown, which a person may change or switch off.

use std::time::Duration;

use crate::KindInfo;

/// What a person wants of the countdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PromptCacheTtl {
    /// Another time than the kind's.
    For(Duration),
    /// What the kind says.
    #[default]
    Hint,
    /// None.
    Off,
}

/// How long a countdown runs; `None` when there is none to show. It holds nothing back and expires nothing.
pub fn prompt_cache_ttl(kind: &KindInfo, wanted: PromptCacheTtl) -> Option<Duration> {
    match wanted {
        PromptCacheTtl::For(time) => Some(time),
        PromptCacheTtl::Hint => kind.descriptor.cache_ttl,
        PromptCacheTtl::Off => None,
    }
    .filter(|time| !time.is_zero())
}
