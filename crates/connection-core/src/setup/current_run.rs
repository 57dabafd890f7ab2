//! The services that a kind may use during a setup, through its context and through the handle that it keeps.
//!
//! While a plugin is polled, a task-local names its session, so that the handle that it keeps, which knows no session,
//! finds it.

use std::{sync::Arc, time::Duration};

use super::{
    effects::{Effects, SetupHost},
    row::SESSION_LIFE,
};
use crate::{
    Clock,
    host_services::{LocalTools, WindowOwner, Windows},
    kinds::KindEntry,
};

tokio::task_local! {
    /// The session whose plugin is being polled.
    static CURRENT: Arc<Effects>;
}

/// Runs a plugin so that the handle that it keeps finds its session.
pub(super) async fn with_current_run<T>(effects: Arc<Effects>, plugin: impl Future<Output = T>) -> T {
    CURRENT.scope(effects, plugin).await
}

/// Returns the session whose plugin is calling, if the session is of this kind.
pub(crate) fn current_run(kind: &Arc<KindEntry>) -> Option<Arc<Effects>> {
    let running = CURRENT.try_with(Arc::clone).ok()?;
    Arc::ptr_eq(&running.host().kind, kind).then_some(running)
}

/// Waits until a run has worked for `longest`, counted from this call. The time that a person is given at a window is
/// added.
pub(super) fn until_time_limit<'a>(
    clock: &'a dyn Clock,
    host: &'a SetupHost,
    longest: Duration,
) -> impl Future<Output = ()> + Send + 'a {
    // The sleep begins now, because a plugin that spins would keep it from beginning later.
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
    /// Returns the owner of the session.
    pub(crate) fn owner(&self) -> &str {
        &self.slot.owner
    }

    pub(super) fn tools(&self) -> Option<LocalTools> {
        LocalTools::new(&self.system.ground, &self.kind)
    }

    pub(super) fn windows(&self) -> Option<Windows> {
        let owner = WindowOwner {
            kind: self.kind.kind().clone(),
            owner: self.slot.owner.as_str().into(),
            profile: self.profile,
        };
        Windows::new(&self.system.ground, owner)
    }

    /// Extends the time of the run by the time that a person may take at a window.
    pub(super) fn extend_time_limit(&self, time: Duration) {
        let mut inner = self.lock();
        inner.excused = inner.excused.saturating_add(time).min(Duration::from_secs(SESSION_LIFE));
    }
}
