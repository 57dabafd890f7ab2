//! One run of a setup in memory: the implementation of the replay engine's `Host` for the fake host.

use std::{
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
};

use connection_contract::{
    Compute, Descriptor, FileStat, FoundTool, GrantedDirectory, HttpError, HttpRequest, HttpResponse, LogEvent,
    LogService as _, LoginOutcome, LoginWindow, Secret, ServiceError, Services, Spend, Timestamp, ToolSpec,
};
use connection_replay::{EffectRequest, Fault, Host, Part, StoreChange, WaitEndings};

use crate::{
    crypto::{FakeCrypto, sha256},
    host_services::{FakeTools, FakeWindow, WindowEnd},
    host_state::{HostState, Inbound},
    journal::{AskedEffect, Entry},
    spend,
};

/// The services of one run of a setup.
pub(crate) type Effects<'w> = connection_replay::Effects<Memory<'w>>;
/// The state of one run. A fake host has no reasons of its own to stop a run.
pub(crate) type Run = connection_replay::Run<Infallible>;

pub(crate) struct Memory<'w> {
    world: &'w HostState,
    crypto: FakeCrypto,
    /// The requested effects of the journal that is replayed.
    before: Vec<AskedEffect>,
    input: usize,
    run: Mutex<Run>,
    request: Mutex<AskedEffect>,
    live: Mutex<Vec<Entry>>,
}

pub(crate) struct RunResult {
    pub(crate) run: Run,
    /// The last effect that the plugin requested.
    pub(crate) request: AskedEffect,
    /// The effects that this run has recorded.
    pub(crate) live: Vec<Entry>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn into<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl<'w> Memory<'w> {
    /// Creates a run over a journal, for a setup that began at `started` and has had `input` inputs.
    pub(crate) fn new(world: &'w HostState, journal: &[Entry], started: Timestamp, input: usize) -> Self {
        let bytes = journal.iter().map(Entry::size).sum();
        let run = Run::new(journal.iter().map(Entry::read).collect(), bytes, started);
        Self {
            world,
            crypto: world.crypto.anew(),
            before: journal.iter().map(|entry| entry.request.clone()).collect(),
            input,
            run: Mutex::new(run.grant(world.directory.clone())),
            request: Mutex::default(),
            live: Mutex::default(),
        }
    }

    pub(crate) fn over(self) -> RunResult {
        RunResult { run: into(self.run), request: into(self.request), live: into(self.live) }
    }

    fn request_text(&self, question: &EffectRequest<'_>) -> String {
        let request = |verb: &str, request: &HttpRequest| {
            format!("{verb} {}", self.world.script.shown(&request.method, request.url()))
        };
        let text = match question {
            EffectRequest::Allocate => "allocate a callback".to_owned(),
            EffectRequest::AllocateAt(part) => format!("allocate {part}"),
            EffectRequest::Discover(url, purpose) => format!("discover {} {url}", purpose.as_str()),
            EffectRequest::Cached { root, path, version } => format!("cached {} {path} {version}", root.as_str()),
            EffectRequest::Find(tool) => format!("find {}", tool.binary),
            EffectRequest::Get { verb, part, key } | EffectRequest::Put { verb, part, key, .. } => {
                format!("{verb} {part:?} {key}")
            }
            EffectRequest::List(root, path) => format!("list {} {path}", root.as_str()),
            EffectRequest::Prune(root, _) => format!("prune {}", root.as_str()),
            EffectRequest::Read(root, path) => format!("read {} {path}", root.as_str()),
            EffectRequest::Send(sent) => request("send", sent),
            EffectRequest::SendOnce(sent, _) => request("spend", sent),
            EffectRequest::Stat(root, path) => format!("stat {} {path}", root.as_str()),
            EffectRequest::Version(tool) => format!("version {}", tool.binary),
            EffectRequest::Wait { ways, fields, .. } => {
                let names: Vec<_> = fields.iter().map(|field| &*field.name).collect();
                format!("{} [{}]", waits(*ways), names.join(" "))
            }
            EffectRequest::Window(window) => format!("window {}", window.cookie_name),
            _ => "something that this testkit does not know".to_owned(),
        };
        self.world.script.redacted(&text)
    }

    /// Returns text for the page that a person sees during a wait: the earlier notices and those of the wait.
    ///
    /// A stand-in replaces each signature, because a replay may sign the same text with another result.
    fn notices_text(&self, question: &EffectRequest<'_>) -> String {
        let EffectRequest::Wait { look, .. } = question else { return String::new() };
        let text = format!("{look} {:?}", lock(&self.run).notices);
        String::from_utf8_lossy(self.crypto.settled(text.as_bytes()).expose()).into_owned()
    }
}

fn waits(ways: WaitEndings) -> String {
    let ways = [(ways.answer, "an answer"), (ways.callback, "a callback"), (ways.elapsed, "a time")];
    let ways: Vec<_> = ways.iter().filter(|(given, _)| *given).map(|(_, name)| *name).collect();
    format!("wait for {}", ways.join(" or "))
}

/// Returns the services of this host, from which the plugin's context is created.
pub(crate) fn services<'a>(effects: &'a Effects<'_>) -> Services<'a> {
    let Memory { world, crypto, .. } = effects.host();
    let mut services = Services::new(effects, effects, crypto, effects)
        .addresses(&world.checked.addresses)
        .wildcards(&world.checked.wildcards)
        .discovered(effects)
        .spend(effects)
        .directory(world.directory.as_ref());
    if world.files.is_some() {
        services = services.files(effects);
    }
    if world.files.is_some() && world.has_file_cache {
        services = services.file_cache(effects);
    }
    if world.kv.is_some() {
        services = services.kv(effects);
    }
    if world.tools.is_some() {
        services = services.tools(effects);
    }
    if world.window.is_some() {
        services = services.login_window(effects);
    }
    services
}

impl Host for Memory<'_> {
    type Halt = Infallible;

    fn with_run<T>(&self, work: impl FnOnce(&mut Run) -> T) -> T {
        work(&mut lock(&self.run))
    }

    fn descriptor(&self) -> &Descriptor {
        &self.world.descriptor
    }

    /// Time advances only in waits.
    fn now(&self) -> Timestamp {
        lock(&self.run).now
    }

    fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        sha256(bytes)
    }

    fn settled(&self, bytes: &[u8]) -> Secret {
        self.crypto.settled(bytes)
    }

    fn state(&self, number: u64) -> [u8; 32] {
        FakeCrypto::derived("state", number)
    }

    /// Compares the page of a wait with the recorded one, which a real host does not do.
    ///
    /// A plugin that shows something else in a replay depends on data from outside its context.
    fn asks(&self, question: &EffectRequest<'_>, fingerprint: &str) {
        let text = self.request_text(question);
        let shown = self.notices_text(question);
        let mut run = lock(&self.run);
        let before = usize::try_from(run.next).ok().and_then(|next| self.before.get(next));
        if let Some(before) = before.filter(|before| before.what == fingerprint && before.shown != shown) {
            let detail = format!("{shown}, after it was {}", before.shown);
            let fault = Fault::new("setup_shown", "the plugin shows something else in a replay");
            run.fail(fault.detail(self.world.script.redacted(&detail)));
        }
        let script = self.world.script.next();
        *lock(&self.request) = AskedEffect { what: fingerprint.to_owned(), text, shown, script };
    }

    async fn record(&self, _: i64, entry: &Secret, _: StoreChange<'_>) -> Result<(), Infallible> {
        let kv = self.world.kv.as_ref().map(|kv| kv.state());
        let request = lock(&self.request).clone();
        lock(&self.live).push(Entry::new(entry.duplicate(), request, self.input, kv));
        Ok(())
    }

    fn log(&self, event: LogEvent) {
        self.world.log(event);
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.world.answer(&request, self.now())
    }

    /// The number of the effect is ignored, because each call in a setup is an exchange of its own.
    fn spend_key(&self, _: i64, spend: &Spend<'_>) -> [u8; 32] {
        spend::key(spend)
    }

    async fn send_once(
        &self,
        _: [u8; 32],
        request: HttpRequest,
    ) -> Result<Result<HttpResponse, HttpError>, Infallible> {
        Ok(spend::certain(self.world.answer(&request, self.now())))
    }

    fn takes_callbacks(&self) -> bool {
        !matches!(self.world.inbound, Inbound::Absent)
    }

    async fn redirect_uri(&self, part: Option<&str>) -> Option<String> {
        let Inbound::At(uri) = &self.world.inbound else { return None };
        Some(part.map_or_else(|| uri.clone(), |part| format!("{uri}/{part}")))
    }

    async fn stat(&self, root: &GrantedDirectory, path: &str) -> Result<FileStat, ServiceError> {
        self.world.on_files(|files| files.stat(root, path))
    }

    async fn list(&self, root: &GrantedDirectory, path: &str) -> Result<Vec<FileStat>, ServiceError> {
        self.world.on_files(|files| files.list(root, path))
    }

    async fn read(&self, root: &GrantedDirectory, path: &str, limit: usize) -> Result<Secret, ServiceError> {
        self.world.on_files(|files| files.read(root, path, limit))
    }

    async fn cached(
        &self,
        root: &GrantedDirectory,
        path: &str,
        _: u32,
        limit: usize,
        compute: Compute<'_>,
    ) -> Result<Option<String>, ServiceError> {
        self.world.made(root, path, limit, compute)
    }

    async fn prune(&self, _: &GrantedDirectory, _: &[&str]) -> Result<u64, ServiceError> {
        Ok(0)
    }

    async fn get(&self, part: &Part, key: &str) -> Result<Option<Secret>, ServiceError> {
        Ok(self.world.read_kv(part, key).map(Secret::new))
    }

    async fn put(&self, part: &Part, key: &str, value: Option<Secret>) -> Result<(), ServiceError> {
        self.world.write_kv(part, key, value.map(|value| value.expose().to_vec()))
    }

    async fn find(&self, tool: &ToolSpec) -> Result<FoundTool, ServiceError> {
        let found = |tools: &FakeTools| tools.find_tool(tool);
        self.world.tools.as_ref().map_or(Err(ServiceError::Unavailable), found)
    }

    async fn version(&self, tool: &ToolSpec) -> Result<String, ServiceError> {
        let said = |tools: &FakeTools| tools.version_of(tool);
        self.world.tools.as_ref().map_or(Err(ServiceError::Unavailable), said)
    }

    async fn open(&self, _: LoginWindow) -> LoginOutcome {
        let next = self.world.window.as_ref().map(FakeWindow::next);
        next.unwrap_or_else(|| WindowEnd::Failed("no windows".into())).outcome()
    }
}
