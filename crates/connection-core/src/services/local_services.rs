//! The services of a host's machine: the tools that kinds may use, and the window in which a person logs in.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use connection_contract::{LoginOutcome, LoginWindow as Asked, ProfileSpec};

use super::ToolPolicy;
use crate::kinds::KindEntry;

/// Shows windows in which a person logs in. A host implements it.
#[async_trait]
pub trait LoginWindow: Send + Sync + fmt::Debug {
    /// Shows a window until it ends.
    ///
    /// Cookies must be kept apart by the window's `partition`. It names the kind, the profile and the owner and is
    /// always the same for them, so a host may keep their cookies.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the window must close. The core drops it when the window's time is over, which the
    /// core measures, and when the caller is gone.
    async fn open(&self, window: Asked) -> LoginOutcome;
}

/// The services that this host provides to kinds.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalServices {
    /// The tools that may be searched for and run; none by default.
    pub(crate) tools: ToolPolicy,
    pub(crate) window: Option<Arc<dyn LoginWindow>>,
}

impl LocalServices {
    /// Returns how the kind's tool is pointed at a profile, if the kind has profiles and this host allows them.
    pub(crate) fn profiles<'a>(&self, kind: &'a KindEntry) -> Option<&'a ProfileSpec> {
        let spec = kind.profiles.as_ref()?;
        self.tools.check_profiles(&kind.descriptor, spec).is_ok().then_some(spec)
    }
}
