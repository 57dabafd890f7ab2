//! The connection and the services for plugin code that runs on a credential. The credential's reach bounds the
//! services.

use std::sync::Arc;

use connection_contract::{Connection, GrantedDirectory, HttpService, Origin, Services};
use connection_egress::{Egress, EgressHttp, HttpClient, LastAnswer};

use super::{Operation, Payload};
use crate::{
    Clock, ConnectionId, Error, ProfileId,
    ground::Ground,
    host_services::{CachedFiles, LocalTools, WindowOwner, Windows, kv::StoredValues},
    kinds::KindEntry,
    profile_rows,
    services::{crypto::SystemCrypto, files::LocalFiles, log::TracingLog},
};

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

/// Services bounded by the reach of one credential.
pub(crate) struct CredentialServices {
    client: HttpClient,
    egress: Egress,
    /// The discovered origins that the operation reaches.
    discovered: Vec<Origin>,
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

impl CredentialServices {
    pub(crate) fn new(
        ground: &Arc<Ground>,
        kind: &Arc<KindEntry>,
        owner: &str,
        payload: &Payload,
        operation: Operation,
    ) -> Self {
        let files = LocalFiles::new(payload.roots.clone(), ground.reading(owner));
        Self {
            client: ground.http.clone(),
            egress: payload.egress(owner, operation),
            discovered: payload.discovered(operation).map(|allowed| allowed.origin.clone()).collect(),
            clock: ground.clock.clone(),
            crypto: ground.crypto,
            log: TracingLog::new(kind.kind().clone()),
            cache: CachedFiles::new(ground, owner, kind.kind(), files.clone()),
            files,
            values: StoredValues::new(ground, owner, kind),
            tools: LocalTools::new(ground, kind),
            windows: Windows::new(
                ground,
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
    /// The store's errors. They are not ignored, because without its profile a tool would report about another
    /// identity.
    pub(crate) async fn of(
        ground: &Arc<Ground>,
        kind: &Arc<KindEntry>,
        subject: &Subject,
        operation: Operation,
    ) -> Result<Self, Error> {
        let services = Self::new(ground, kind, &subject.owner, &subject.payload, operation);
        let directory = match subject.profile {
            Some(id) => profile_rows::granted(ground, &subject.owner, kind, id).await?.and_then(|granted| granted.root),
            None => None,
        };
        let roots = subject.payload.roots.iter().chain(&directory).cloned();
        let files = LocalFiles::new(roots, ground.reading(&subject.owner));
        let cache = services.cache.over(files.clone());
        let kind = kind.kind().clone();
        let owner = subject.owner.as_str().into();
        let windows = Windows::new(ground, WindowOwner { kind, owner, profile: subject.profile });
        Ok(Self { files, cache, windows, directory, ..services })
    }

    /// Returns the files that the credential reaches.
    pub(crate) fn files(&self) -> &LocalFiles {
        &self.files
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
            .discovered(&self.discovered)
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
