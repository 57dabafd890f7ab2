//! Runs plugin code on a credential, contained, with services that are bounded by the credential's reach.

use std::{sync::Arc, time::Duration};

use connection_contract::{
    Connection, ConnectionError, GrantedDirectory, HttpService, NotLive, Reason, Services, VerifyContext, reason,
};
use connection_egress::{Egress, EgressHttp, HttpClient, LastAnswer};

use crate::{
    Clock, ConnectionId, Error, ProfileId,
    connection::{Payload, named_secrets},
    contain::{Contained, contain},
    definition::Probed,
    host_services::{CachedFiles, LocalTools, WindowOwner, Windows},
    limits, profiles,
    registry::{KindEntry, Shared},
    services::{
        crypto::SystemCrypto,
        files::{LocalFiles, Reading},
        kv::StoredValues,
        log::TracingLog,
    },
};

/// The longest probe.
const MAX_DURATION: Duration = Duration::from_secs(60);
/// The time after `MAX_DURATION` until a plugin that never yields is abandoned on its thread.
const GRACE: Duration = Duration::from_secs(1);

/// A connection and its opened credential, on which plugin code runs.
pub(crate) struct Subject {
    pub(crate) id: ConnectionId,
    pub(crate) owner: String,
    pub(crate) profile: Option<ProfileId>,
    pub(crate) payload: Payload,
    pub(crate) config: Vec<(String, String)>,
}

impl Subject {
    /// Returns the connection as the plugin sees it.
    pub(crate) fn connection(&self) -> Connection {
        let config = self.config.iter().map(|(name, value)| (name.clone().into(), value.clone()));
        let connection = Connection::new(self.id.to_string(), self.owner.clone())
            .with_config(config)
            .with_base_url(self.payload.base_url.clone())
            .with_roots(self.payload.roots.clone());
        match self.profile {
            Some(profile) => connection.with_profile(profile.to_string()),
            None => connection,
        }
    }
}

/// The origin of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeTrigger {
    /// A caller of the host. A person may be present.
    Host,
    /// The scheduler. No person is present.
    Schedule,
}

/// Services bounded by the reach of one credential.
pub(crate) struct HostServices {
    client: HttpClient,
    egress: Egress,
    clock: Arc<dyn Clock>,
    crypto: SystemCrypto,
    log: TracingLog,
    files: LocalFiles,
    cache: CachedFiles,
    values: StoredValues,
    tools: Option<LocalTools>,
    windows: Option<Windows>,
    kind: Arc<KindEntry>,
    directory: Option<GrantedDirectory>,
}

impl HostServices {
    pub(crate) fn new(shared: &Arc<Shared>, kind: &Arc<KindEntry>, owner: &str, payload: &Payload) -> Self {
        let files = LocalFiles::new(payload.roots.clone(), Reading::of(shared, owner));
        Self {
            client: shared.http.clone(),
            egress: payload.egress(owner),
            clock: shared.clock.clone(),
            crypto: shared.crypto,
            log: TracingLog::new(kind.kind().clone()),
            cache: CachedFiles::new(shared, owner, kind.kind(), files.clone()),
            files,
            values: StoredValues::new(shared, owner, kind),
            tools: LocalTools::new(shared, kind),
            windows: Windows::new(
                shared,
                WindowOwner { kind: kind.kind().clone(), owner: owner.into(), profile: None },
            ),
            kind: kind.clone(),
            directory: None,
        }
    }

    /// Returns the services for a call without a person: no login window is shown.
    pub(crate) fn unattended(self) -> Self {
        Self { windows: None, ..self }
    }

    /// Returns the services with the current directory of the connection's profile.
    ///
    /// # Errors
    ///
    /// The store's errors. Without its profile, a tool would report about another identity.
    pub(crate) async fn of(shared: &Arc<Shared>, kind: &Arc<KindEntry>, subject: &Subject) -> Result<Self, Error> {
        let services = Self::new(shared, kind, &subject.owner, &subject.payload);
        let directory = match subject.profile {
            Some(id) => profiles::granted(shared, &subject.owner, kind, id).await?.and_then(|granted| granted.root),
            None => None,
        };
        let roots = subject.payload.roots.iter().chain(&directory).cloned();
        let files = LocalFiles::new(roots, Reading::of(shared, &subject.owner));
        let cache = services.cache.over(files.clone());
        let kind = kind.kind().clone();
        let owner = subject.owner.as_str().into();
        let windows = Windows::new(shared, WindowOwner { kind, owner, profile: subject.profile });
        Ok(Self { files, cache, windows, directory, ..services })
    }

    /// Returns the directory of the profile, if it may be read.
    pub(crate) fn directory(&self) -> Option<&GrantedDirectory> {
        self.directory.as_ref()
    }

    /// Returns the record of the last answer to a request of these services.
    pub(crate) fn heard(&self) -> LastAnswer {
        self.egress.heard.clone()
    }

    /// Records the answers to requests of these services in `heard`.
    pub(crate) fn hearing(mut self, heard: LastAnswer) -> Self {
        self.egress.heard = heard;
        self
    }

    pub(crate) fn http(&self) -> EgressHttp<'_> {
        EgressHttp::new(&self.client, &self.egress)
    }

    pub(crate) fn services<'a>(&'a self, http: &'a dyn HttpService) -> Services<'a> {
        let mut services = Services::new(http, &*self.clock, &self.crypto, &self.log)
            .addresses(&self.kind.checked.addresses)
            .wildcards(&self.kind.checked.wildcards)
            .files(&self.files)
            .kv(&self.values)
            .directory(self.directory.as_ref());
        if let Some(tools) = &self.tools {
            services = services.tools(tools);
        }
        if let Some(windows) = &self.windows {
            services = services.login_window(windows);
        }
        services.file_cache(&self.cache)
    }
}

/// Verifies the credential. If the plugin panics or times out, the result is `failing`.
///
/// # Errors
///
/// A failure that says nothing about the connection.
pub(crate) async fn probe(
    shared: &Arc<Shared>,
    kind: &Arc<KindEntry>,
    subject: Subject,
    asker: ProbeTrigger,
) -> Result<Probed, ConnectionError> {
    let services = match (HostServices::of(shared, kind, &subject).await, asker) {
        (Ok(services), ProbeTrigger::Host) => services,
        (Ok(services), ProbeTrigger::Schedule) => services.unattended(),
        (Err(error), _) => {
            tracing::warn!(connection = %subject.id, code = error.code(), "the profile of a connection could not be looked up");
            let reason = Reason::new(reason::PROVIDER_ERROR, "the profile of the connection cannot be looked up now");
            return Ok(NotLive::offline(reason).into());
        }
    };
    // The plugin would learn only that access is denied, so the check is made here. A connection without directories
    // needs no task for it.
    let refused = if services.files.has_roots() {
        let files = services.files.clone();
        shared.runtimes.spawn(async move { files.refused().await }).await.unwrap_or_default()
    } else {
        None
    };
    if let Some(refused) = refused {
        let reason = Reason::new(refused.code(), refused.to_string()).remedy(refused.remedy());
        return Ok(NotLive::failing(reason).into());
    }
    let clock = shared.clock.clone();
    let definition = kind.definition.clone();
    let heard = services.heard();
    let declared = named_secrets::declared(kind);
    let task = async move {
        let connection = subject.connection();
        let http = services.http();
        let ctx = VerifyContext::new(services.services(&http), &connection);
        let verify = || definition.verify(&subject.payload.credential, &declared, &ctx);
        contain(&*clock, MAX_DURATION, verify, || false, || {}).await
    };
    let ended = match shared.runtimes.run(&*shared.clock, MAX_DURATION + GRACE, task).await {
        Contained::Ended(ended) => ended,
        Contained::Panicked => Contained::Panicked,
        Contained::Stopped | Contained::TimedOut => Contained::TimedOut,
    };
    let fault = |code, message| Ok(NotLive::failing(Reason::new(code, message).remedy(limits::REPORT)).into());
    match ended {
        Contained::Ended(result) => limits::probed(result).map(|probed| {
            let found = heard.describe_result(probed.found, shared.clock.now());
            Probed { found, ..probed }
        }),
        Contained::Panicked => fault(reason::PLUGIN_PANICKED, "the plugin crashed"),
        Contained::Stopped | Contained::TimedOut => fault(reason::PLUGIN_TIMEOUT, "the plugin did not finish in time"),
    }
}
