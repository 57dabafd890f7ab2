//! The state of the fake host, which all its services share.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use connection_contract::{
    Clock, Descriptor, GrantedDirectory, HttpError, HttpRequest, HttpResponse, LogEvent, LogService, Origin, Services,
    SetupFailure, Timestamp, host, reason,
};
use connection_replay::descriptor::Checked;

use crate::{
    crypto::FakeCrypto,
    files::FakeFiles,
    host_services::{FakeTools, FakeWindow},
    kv::{self, FakeKv},
    script::Script,
    spend::KeptAnswers,
};

/// The inbound HTTP of the host.
#[derive(Clone, Debug, Default)]
pub(crate) enum Inbound {
    #[default]
    Absent,
    NoneLeft,
    At(String),
}

pub(crate) struct HostState {
    pub(crate) descriptor: Descriptor,
    pub(crate) checked: Checked,
    pub(crate) script: Script,
    pub(crate) crypto: FakeCrypto,
    pub(crate) files: Option<FakeFiles>,
    /// `true` if the results that are computed from files go through a cache.
    pub(crate) has_file_cache: bool,
    pub(crate) directory: Option<GrantedDirectory>,
    /// The scopes that a setup asks for in addition to those that every setup asks for.
    pub(crate) further_scopes: Vec<String>,
    /// The origins that a setup has discovered, for the operations after it.
    pub(crate) discovered: Vec<Origin>,
    pub(crate) kv: Option<FakeKv>,
    pub(crate) tools: Option<FakeTools>,
    pub(crate) window: Option<FakeWindow>,
    pub(crate) inbound: Inbound,
    pub(crate) kept: KeptAnswers,
    now: AtomicI64,
    log: Mutex<Vec<LogEvent>>,
    made: Mutex<Vec<String>>,
}

impl HostState {
    /// The initial time of the host, 2026-01-31T10:20:30Z.
    const START: i64 = 1_769_854_830;

    pub(crate) fn new(descriptor: Descriptor, checked: Checked) -> Self {
        let now = AtomicI64::new(Self::START);
        Self {
            descriptor,
            checked,
            script: Default::default(),
            crypto: Default::default(),
            files: None,
            has_file_cache: true,
            directory: None,
            further_scopes: Vec::new(),
            discovered: Vec::new(),
            kv: None,
            tools: None,
            window: None,
            inbound: Default::default(),
            kept: Default::default(),
            now,
            log: Default::default(),
            made: Default::default(),
        }
    }

    pub(crate) fn set_now(&self, time: Timestamp) {
        self.now.store(time.seconds(), Ordering::Relaxed);
    }

    pub(crate) fn events(&self) -> MutexGuard<'_, Vec<LogEvent>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the code and message of a failure, without the secrets of the test.
    pub(crate) fn describe_failure(&self, failure: &SetupFailure) -> String {
        let text = format!("{}: {}", failure.code, failure.message);
        self.script.redacted(&(text + &self.undeclared(&failure.code)))
    }

    /// Returns the undeclared address that caused a fault, as text to append to its message, or an empty string.
    pub(crate) fn undeclared(&self, code: &str) -> String {
        let events = self.events();
        let is_named = |event: &&LogEvent| event.name == "undeclared_address" && code == reason::PLUGIN_FAULT;
        let found = events.iter().rev().find(is_named).and_then(|event| event.fields.first());
        found.map(|(_, address)| format!(": {address}")).unwrap_or_default()
    }

    /// Returns the results that the plugin computed from files, in order.
    pub(crate) fn made_of_files(&self) -> MutexGuard<'_, Vec<String>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Restores an earlier state of the key-value store, if there is one.
    pub(crate) fn restore(&self, state: Option<kv::State>) {
        if let (Some(fake), Some(state)) = (&self.kv, state) {
            fake.restore(state);
        }
    }

    pub(crate) fn services(&self) -> Services<'_> {
        let mut services = Services::new(self, self, &self.crypto, self)
            .addresses(&self.checked.addresses)
            .wildcards(&self.checked.wildcards)
            .discovered(&self.discovered);
        services = services.spend(self).directory(self.directory.as_ref());
        if self.files.is_some() {
            services = services.files(self);
        }
        if self.files.is_some() && self.has_file_cache {
            services = services.file_cache(self);
        }
        if self.kv.is_some() {
            services = services.kv(self);
        }
        if let Some(tools) = &self.tools {
            services = services.tools(tools);
        }
        if let Some(window) = &self.window {
            services = services.login_window(window);
        }
        services
    }
}

impl HostState {
    /// Answers a request from the script. The script sees signatures that a test can compute.
    pub(crate) fn answer(&self, request: &HttpRequest, now: Timestamp) -> Result<HttpResponse, HttpError> {
        let mut seen = host::duplicate(request);
        seen.body = self.crypto.retold(seen.body.expose());
        for (_, value) in &mut seen.headers {
            *value = self.crypto.retold(value.expose()).into();
        }
        let url = self.crypto.retold(request.url().as_bytes());
        self.script.answer(&seen, url.expose_str().unwrap_or_default(), now)
    }
}

impl Clock for HostState {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.now.load(Ordering::Relaxed))
    }
}

impl LogService for HostState {
    fn log(&self, event: LogEvent) {
        self.events().push(event);
    }
}
