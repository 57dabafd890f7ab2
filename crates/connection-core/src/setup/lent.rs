//! What a kind is lent, as effects of a session: by way of its context, and by way of the handle that it has kept.
//!
//! The session of a running setup is known to whatever its plugin calls, so that a handle that knows of no session finds it.

use std::{sync::Arc, time::Duration};

use connection_contract::{
    BoxFuture, Compute, FileCache, FoundTool, LoggedIn, LoginWindow, LoginWindowService, Record, Root, Secret,
    ServiceError, Services, ToolService, ToolSpec, encode,
};
use connection_replay::Effect;

use super::{
    effects::{Effects, changed},
    run::SESSION_LIFE,
};
use crate::{
    Clock,
    lent::{CachedFiles, LONGEST_WINDOW, LocalTools, Whose, Windows},
    registry::KindEntry,
    services::kv::{Part, StoredValues},
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
    Arc::ptr_eq(&running.kind, kind).then_some(running)
}

/// Resolves when a run has worked for that long from this call on; what a person takes at a window is not work.
pub(super) fn worked<'a>(
    clock: &'a dyn Clock,
    effects: &'a Effects,
    longest: Duration,
) -> impl Future<Output = ()> + Send + 'a {
    // Begun now: a plugin that spins lets nobody begin it later.
    let asleep = clock.sleep(longest);
    async move {
        asleep.await;
        let mut passed = longest;
        loop {
            let allowed = longest.saturating_add(effects.lock().excused);
            if passed >= allowed {
                return;
            }
            clock.sleep(allowed.saturating_sub(passed)).await;
            passed = allowed;
        }
    }
}

impl Effects {
    /// With what this host lends the kind.
    pub(super) fn lend<'a>(&'a self, mut services: Services<'a>) -> Services<'a> {
        if self.tools().is_some() {
            services = services.tools(self);
        }
        if self.windows().is_some() {
            services = services.login_window(self);
        }
        services.file_cache(self)
    }

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

    /// Reads a value for the kind's own handle.
    pub(crate) async fn get_lent(
        &self,
        values: StoredValues,
        part: Part,
        key: &str,
    ) -> Result<Option<Secret>, ServiceError> {
        self.read_value("lent get", values, part, key).await
    }

    /// Writes a value for the kind's own handle.
    pub(crate) async fn put_lent(
        &self,
        values: StoredValues,
        part: Part,
        key: &str,
        value: Option<Secret>,
    ) -> Result<(), ServiceError> {
        self.write_value("lent put", values, part, key, value).await
    }

    /// What is asked of a tool: which one, and what makes it answer.
    fn tool_fingerprint(&self, name: &str, tool: &ToolSpec) -> String {
        use connection_contract::Crypto as _;
        let asked = format!("{}\0{}", tool.binary, tool.version_form.argument());
        format!("1 {name} {}", encode::hex(&self.sha256(asked.as_bytes())))
    }

    async fn looked(&self, what: String, live: impl Future<Output = Effect>) -> Result<Secret, ServiceError> {
        match self.ask(what, live).await {
            Effect::Read(found) => found,
            _ => self.fail(changed()).await,
        }
    }

    /// A person at a window is not a plugin that does not come to an end.
    fn excuse(&self, time: Duration) {
        let mut inner = self.lock();
        inner.excused = inner.excused.saturating_add(time).min(Duration::from_secs(SESSION_LIFE));
    }
}

impl ToolService for Effects {
    fn find<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<FoundTool, ServiceError>> {
        Box::pin(async move {
            let live = async move {
                let found = match self.tools() {
                    Some(tools) => tools.look(tool).await,
                    None => Err(ServiceError::Unavailable),
                };
                Effect::Read(found.map(|found| written(&found)))
            };
            let found = self.looked(self.tool_fingerprint("find", tool), live).await?;
            match read(&found) {
                Some(found) => Ok(found),
                None => self.fail(changed()).await,
            }
        })
    }

    fn version<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<String, ServiceError>> {
        Box::pin(async move {
            let live = async move {
                let said = match self.tools() {
                    Some(tools) => tools.ask(tool).await,
                    None => Err(ServiceError::Unavailable),
                };
                Effect::Read(said.map(Secret::from))
            };
            let said = self.looked(self.tool_fingerprint("version", tool), live).await?;
            Ok(said.expose_str().unwrap_or_default().to_owned())
        })
    }
}

impl Effects {
    fn files_made(&self) -> CachedFiles {
        CachedFiles::new(&self.shared, &self.slot.owner, self.kind.kind(), self.local_files())
    }
}

/// Of a replay nothing is read and nothing computed: what was made then is what the plugin goes on with.
impl FileCache for Effects {
    fn cached<'a>(
        &'a self,
        root: &'a Root,
        path: &'a str,
        version: u32,
        limit: usize,
        compute: Compute<'a>,
    ) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(async move {
            let what = format!("{} {version}", self.fingerprint("cached", root, path));
            let live = async move {
                let made = self.files_made().made(root, path, version, limit, compute).await;
                Effect::Read(made.map(|made| {
                    made.iter().fold(Record::new(), |record, made| record.with("made", made.as_str())).encode()
                }))
            };
            let made = self.looked(what, live).await?;
            match Record::decode(made.expose()) {
                Ok(record) => Ok(record.text("made").ok().map(str::to_owned)),
                Err(_) => self.fail(changed()).await,
            }
        })
    }

    fn prune<'a>(&'a self, root: &'a Root, live: &'a [&'a str]) -> BoxFuture<'a, Result<u64, ServiceError>> {
        Box::pin(async move {
            let what = self.fingerprint("prune", root, &live.join("\0"));
            let pruned = async move {
                Effect::Read(self.files_made().pruned(root, live).map(|pruned| Secret::from(pruned.to_string())))
            };
            let pruned = self.looked(what, pruned).await?;
            Ok(pruned.expose_str().and_then(|pruned| pruned.parse().ok()).unwrap_or_default())
        })
    }
}

impl LoginWindowService for Effects {
    fn open(&self, window: LoginWindow) -> BoxFuture<'_, LoggedIn> {
        Box::pin(async move {
            let asked = [window.link.as_str(), &*window.cookie_name, &*window.cookie_domain, &*window.partition];
            let what = self.value_fingerprint("window", &asked.join("\0"), None);
            let live = async move {
                let Some(windows) = self.windows() else {
                    return Effect::Kept(Ok(Some(ended(&LoggedIn::Failed("this host shows no windows".into())))));
                };
                self.excuse(window.timeout.min(LONGEST_WINDOW));
                Effect::Kept(Ok(Some(ended(&windows.show(window).await))))
            };
            let Effect::Kept(found) = self.ask(what, live).await else { return self.fail(changed()).await };
            match found.ok().flatten().and_then(|found| to_ended(&found)) {
                Some(ended) => ended,
                None => self.fail(changed()).await,
            }
        })
    }
}

fn written(found: &FoundTool) -> Secret {
    let record = found.path.iter().fold(Record::new(), |record, path| record.with("path", path.as_str()));
    found.probed.iter().fold(record, |record, path| record.with("probed", path.as_str())).encode()
}

fn read(bytes: &Secret) -> Option<FoundTool> {
    let record = Record::decode(bytes.expose()).ok()?;
    let text = |name: &str, value: &Secret, of: &str| (name == of).then(|| value.expose_str().map(str::to_owned))?;
    let path = record.fields().find_map(|(name, value)| text(name, value, "path"));
    let probed: Vec<_> = record.fields().filter_map(|(name, value)| text(name, value, "probed")).collect();
    Some(FoundTool::new(path.map(Into::into), probed.into_iter().map(Into::into)))
}

fn ended(ended: &LoggedIn) -> Secret {
    let record = Record::new();
    match ended {
        LoggedIn::Cancelled => record.with("cancelled", ""),
        LoggedIn::Success(cookie) => record.with("cookie", cookie.duplicate()),
        LoggedIn::TimedOut => record.with("timed_out", ""),
        LoggedIn::Failed(why) => record.with("failed", why.as_str()),
        _ => record.with("failed", "the window ended in a way that this version does not know"),
    }
    .encode()
}

fn to_ended(bytes: &Secret) -> Option<LoggedIn> {
    let record = Record::decode(bytes.expose()).ok()?;
    let (name, value) = record.fields().next()?;
    Some(match name {
        "cancelled" => LoggedIn::Cancelled,
        "cookie" => LoggedIn::Success(value.duplicate()),
        "timed_out" => LoggedIn::TimedOut,
        _ => LoggedIn::Failed(value.expose_str()?.to_owned().into()),
    })
}
