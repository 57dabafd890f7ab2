//! What a kind is lent in a setup, by way of its context and by way of the handle that it has kept.
//!
//! The session of a running setup is known to whatever its plugin calls, so that a handle that knows of no session finds it.

use std::{sync::Arc, time::Duration};

use super::{
    effects::{Effects, SetupHost},
    run::SESSION_LIFE,
};
use crate::{
    Clock,
    lent::{LocalTools, Whose, Windows},
    registry::KindEntry,
};

tokio::task_local! {
    /// The session whose plugin is polled just now.
    static RUNNING: Arc<Effects>;
}

/// Polls a plugin so that what it has kept finds its session.
pub(super) async fn marked<T>(effects: Arc<Effects>, plugin: impl Future<Output = T>) -> T {
    RUNNING.scope(effects, plugin).await
}

/// The session whose plugin calls, if it is of this kind.
pub(crate) fn running(kind: &Arc<KindEntry>) -> Option<Arc<Effects>> {
    let running = RUNNING.try_with(Arc::clone).ok()?;
    Arc::ptr_eq(&running.host().kind, kind).then_some(running)
}

/// Resolves when a run has worked for that long from this call on; what a person takes at a window is not work.
pub(super) fn worked<'a>(
    clock: &'a dyn Clock,
    host: &'a SetupHost,
    longest: Duration,
) -> impl Future<Output = ()> + Send + 'a {
    // Begun now: a plugin that spins lets nobody begin it later.
    let asleep = clock.sleep(longest);
    async move {
        asleep.await;
        let mut passed = longest;
        loop {
            let allowed = longest.saturating_add(host.lock().excused);
            if passed >= allowed {
                return;
            }
            clock.sleep(allowed.saturating_sub(passed)).await;
            passed = allowed;
        }
    }
}

impl SetupHost {
    /// Whose setup it is.
    pub(crate) fn owner(&self) -> &str {
        &self.slot.owner
    }

    pub(super) fn tools(&self) -> Option<LocalTools> {
        LocalTools::new(&self.shared, &self.kind)
    }

    pub(super) fn windows(&self) -> Option<Windows> {
        let (kind, owner, profile) = (self.kind.kind().clone(), self.slot.owner.as_str().into(), self.profile);
        Windows::new(&self.shared, Whose { kind, owner, profile })
    }

    /// A person at a window is not a plugin that does not come to an end.
    pub(super) fn excuse(&self, time: Duration) {
        let mut inner = self.lock();
        inner.excused = inner.excused.saturating_add(time).min(Duration::from_secs(SESSION_LIFE));
    }
}
