//! The state of a command that works on this machine: its settings, its kinds and its store.

use std::{
    collections::BTreeMap,
    error::Error as StdError,
    ops::{Deref, DerefMut},
    path::PathBuf,
    sync::Arc,
};

use connection_api::{Kind as KindShape, ListedKind};
use connection_contract::{Kind, Secret};
use connection_core::{
    ConnectionRegistry, Door, FilesPolicy, HostSecret, HttpPolicy, Limits, Machine, MachineTools, RegistryBuilder,
    StoreSource, ToolPolicy, is_database_missing_in_use, is_restore_interrupted,
};
use connection_inbound::PublicEndpoint;
use connection_manifest::Catalogue;
use connection_oauth2::{CLIENT_DOCUMENT_KEY, CLIENT_KEY};
use connection_server::declared::DeclaredKinds;
use secrecy::ExposeSecret as _;

use crate::{
    Error, Exit,
    backend::{AT_THE_SERVER, Backend, Local, OwnKind, PlaceKind, PlaceKinds, Remote},
    catalogue,
    common::Common,
    config::{Application, KeySources, PrivateAddresses, RecordSettings, VerifySettings, known_kinds, may_exist},
    empty_store::EmptyStore,
    inbound::Endpoint,
    kind_entry::{KindEntry, OwnKindNames},
    spelling::misspelled,
};

/// The registration of a kind.
pub(crate) type Registration = Box<dyn FnOnce(RegistryBuilder) -> RegistryBuilder + Send>;

/// The state of commands that work on this machine.
pub(crate) struct Program {
    pub(crate) common: Common,
    pub(crate) registrations: Vec<Registration>,
    pub(crate) own_kinds: OwnKindNames,
    /// `true` if the kinds of the catalogue can be used.
    pub(crate) has_catalogue: bool,
    /// The files from which images are made.
    pub(crate) images: BTreeMap<Kind, &'static str>,
    /// The local programs that kinds may look for and run.
    pub(crate) tools: ToolPolicy,
    /// The configured applications of kinds.
    pub(crate) applications: BTreeMap<Kind, Arc<Application>>,
    /// The sources of the key; `None` on a server, which has its own.
    pub(crate) key: Option<KeySources>,
    /// The server that `--host` names.
    pub(crate) server: Option<Remote>,
    /// `true` for a command that only reads and creates nothing.
    pub(crate) only_reads: bool,
    /// The store of such a command if there is no database.
    pub(crate) empty: Option<EmptyStore>,
}

impl Deref for Program {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

impl DerefMut for Program {
    fn deref_mut(&mut self) -> &mut Common {
        &mut self.common
    }
}

impl Program {
    /// Returns a program that works on a server.
    pub(crate) fn on(server: Remote, common: Common) -> Self {
        Self {
            common,
            registrations: Vec::new(),
            own_kinds: OwnKindNames::default(),
            has_catalogue: false,
            images: BTreeMap::new(),
            tools: ToolPolicy::default(),
            applications: BTreeMap::new(),
            key: None,
            server: Some(server),
            only_reads: false,
            empty: None,
        }
    }

    /// Returns the kind with this name.
    pub(crate) fn kind(&self, name: &str) -> Result<&KindEntry, Error> {
        self.kinds.iter().find(|kind| kind.descriptor.kind.as_str() == name).ok_or_else(|| {
            let known: Vec<&str> = self.kinds.iter().map(|kind| kind.descriptor.kind.as_str()).collect();
            let embedded = if self.has_catalogue { Catalogue::ids().collect() } else { Vec::new() };
            let all: Vec<&str> = known.iter().copied().chain(embedded.iter().map(|id| -> &str { id })).collect();
            let suggestion = misspelled(name, all);
            let suggestion = suggestion.map(|suggestion| format!(". Did you mean '{suggestion}'?")).unwrap_or_default();
            Error::new(Exit::NotFound, "unknown_kind", format!("unknown kind '{name}'{suggestion}"))
                .remedy(known_kinds(&known, self.has_catalogue))
        })
    }

    /// Returns `true` if the answers that the kind stores may be available already.
    ///
    /// A configured application that cannot be read is an error.
    pub(crate) async fn may_have_kept(&self, kind: &Kind) -> Result<bool, Error> {
        match self.applications.get(kind) {
            Some(application) => application.check().await.map(|()| true),
            None => Ok(self.has_database()),
        }
    }

    /// Returns `true` unless opening would create the database. A database that is not a file counts as present.
    pub(crate) fn has_database(&self) -> bool {
        self.missing_database().is_none()
    }

    /// Returns the file in which opening would create a database, if there is none.
    pub(crate) fn missing_database(&self) -> Option<PathBuf> {
        let file = match &self.settings.database {
            None => self.settings.database_file(),
            Some(url) => StoreSource::from(url.clone()).file()?,
        };
        // A database whose restore was interrupted, or that was moved under a running process, does not count as
        // missing; opening it says what to do.
        let is_lost = is_restore_interrupted(&file) || is_database_missing_in_use(&file);
        (!may_exist(&file) && !is_lost).then_some(file)
    }

    /// Returns the configured HTTP policy.
    pub(crate) fn http(&self) -> Result<HttpPolicy, Error> {
        let mut policy = HttpPolicy::new();
        for (from, to) in &self.settings.endpoints {
            policy =
                policy.endpoint(from, to).map_err(|error| Error::configuration(format!("http.endpoints: {error}")))?;
        }
        if let Some(proxy) = &self.settings.proxy {
            policy = policy.proxy(proxy.expose_secret());
        }
        policy = match self.settings.private_addresses {
            PrivateAddresses::AllOwners => policy.private_addresses_for_all_owners(),
            PrivateAddresses::Named => policy,
            PrivateAddresses::Never => policy.no_private_addresses(),
        };
        if let Some(timeout) = self.settings.timeout {
            policy = policy.timeout(timeout);
        }
        if let Some(certificates) = self.settings.root_certificate()? {
            policy = policy.root_certificate_pem(certificates);
        }
        Ok(policy)
    }

    /// Returns the configured policy for reading files.
    pub(crate) fn files(&self) -> FilesPolicy {
        self.settings.files()
    }

    /// Returns the local tools of this machine that kinds may look for and run.
    pub(crate) fn machine(&self) -> MachineTools {
        MachineTools::new(self.tools.clone())
    }

    /// Returns the builder of a registry with the database alone.
    pub(crate) fn builder(&self) -> RegistryBuilder {
        let store = match &self.settings.database {
            Some(url) => url.expose_secret().to_owned(),
            None => self.settings.database_file().display().to_string(),
        };
        let VerifySettings { at_once, per_provider } = self.settings.verify;
        let limits = at_once.into_iter().fold(Limits::new(), Limits::verify_at_once);
        let limits = per_provider.into_iter().fold(limits, Limits::verify_per_provider);
        let store = self.settings.direct.iter().cloned().fold(StoreSource::from(store), StoreSource::direct);
        let RecordSettings { keep, paths, approvals_expire } = self.settings.record;
        let builder =
            ConnectionRegistry::builder().store(store).limits(limits).door(Door::Command).recorded_paths(paths);
        let builder = approvals_expire.into_iter().fold(builder, RegistryBuilder::approvals_expire);
        keep.into_iter().fold(builder, RegistryBuilder::keep_uses)
    }

    /// Sets the state directory of this machine. A database in a file has one beside it, which is used unless
    /// another one is configured.
    fn with_state(&self, builder: RegistryBuilder) -> RegistryBuilder {
        let database = self.settings.database.as_ref();
        let has_own = database.is_none_or(|url| StoreSource::from(url.clone()).file().is_some());
        #[cfg(unix)]
        let builder = match self.settings.without_couriers {
            true => builder,
            false => {
                let variables = self.environment.of_commands(&[]).map(|(name, value)| (name.into(), value.into()));
                builder.couriers(Arc::new(crate::courier::CourierProcesses(variables.collect())))
            }
        };
        match self.settings.state.is_none() && has_own {
            true => builder,
            false => builder.state_directory(self.settings.state_directory()),
        }
    }

    /// Returns the sources of the key.
    pub(crate) fn key(&self) -> Result<&KeySources, Error> {
        let message = "the key of the database is not known with --host";
        self.key.as_ref().ok_or_else(|| Error::usage(message).remedy(AT_THE_SERVER))
    }

    /// Returns the kinds of the place where the command works, whose store is not opened.
    pub(crate) fn place_kinds(&self) -> &dyn PlaceKinds {
        match &self.server {
            Some(server) => server,
            None => self,
        }
    }

    /// Returns the place where the command works: the server that `--host` names, or the local store, which is opened.
    pub(crate) async fn backend(&mut self) -> Result<Box<dyn Backend>, Error> {
        if let Some(server) = &self.server {
            return Ok(Box::new(server.clone()));
        }
        let registry = self.open().await?;
        Ok(Box::new(Local::new(registry, self.settings.clone())))
    }

    /// Opens the registry, creating what does not exist. Callbacks arrive at the public URL if one is configured.
    pub(crate) async fn open(&mut self) -> Result<ConnectionRegistry, Error> {
        let url = self.settings.inbound.public_url.clone();
        self.open_with(|builder| match url {
            Some(url) => builder.inbound(Arc::new(PublicEndpoint::new(url))),
            None => builder,
        })
        .await
    }

    /// As [`open`](Self::open), for a command that runs a setup. Callbacks arrive at this command or at a `serve`, or
    /// the user pastes the address that the browser ends on.
    pub(crate) async fn open_inbound(&mut self, pastes: bool) -> Result<(ConnectionRegistry, Arc<Endpoint>), Error> {
        let endpoint = Arc::new(Endpoint::of(&self.settings, pastes));
        let registry = self.open_with(|builder| builder.inbound(endpoint.clone())).await?;
        Ok((registry, endpoint))
    }

    /// Opens the registry with additions to its builder.
    pub(crate) async fn open_with(
        &mut self,
        lend: impl FnOnce(RegistryBuilder) -> RegistryBuilder,
    ) -> Result<ConnectionRegistry, Error> {
        let builder = match self.missing_database().filter(|_| self.only_reads) {
            Some(looked) => {
                if !self.output.json {
                    self.output
                        .note(format!("There is no database at {}, and this command creates none.", looked.display()));
                }
                let builder = self.builder();
                self.empty.insert(EmptyStore::new()?).apply(builder)
            }
            None => self.with_state(self.key()?.apply(self.builder())),
        };
        let builder = self.with_kinds(builder)?;
        let registry = self.output.waiting("the database", lend(builder).open()).await?;
        self.output.waits_for("the database");
        self.interrupts.guard(&registry).await;
        let registry = match &self.settings.owner {
            Some(owner) => registry.owner(owner.as_str())?,
            None => registry,
        };
        self.learn(registry.kinds().own().await?.into_iter().map(KindEntry::of_info));
        Ok(registry)
    }

    /// Returns the builder of a registry with its key and its kinds.
    pub(crate) fn whole_builder(&mut self) -> Result<RegistryBuilder, Error> {
        let builder = self.with_state(self.key()?.apply(self.builder()));
        self.with_kinds(builder)
    }

    /// Sets what kinds use, and registers them.
    fn with_kinds(&mut self, builder: RegistryBuilder) -> Result<RegistryBuilder, Error> {
        let builder = if self.has_catalogue { catalogue::on_demand(builder) } else { builder };
        let builder = builder.own_kinds(Arc::new(DeclaredKinds::new()));
        let builder = builder.http(self.http()?).files(self.files()).machine(Machine::new().tools(self.tools.clone()));
        let registrations = std::mem::take(&mut self.registrations);
        let builder = registrations.into_iter().fold(builder, |builder, register| register(builder));
        let builder = self.applications.iter().fold(builder, |builder, (kind, application)| {
            builder.secret_value(kind.clone(), CLIENT_KEY, application.clone())
        });
        let Some(address) = self.settings.client_document()? else { return Ok(builder) };
        let address = Arc::new(ClientDocument(address.to_owned()));
        let discover = self.kinds.iter().filter(|entry| entry.descriptor.discovers);
        Ok(discover.fold(builder, |builder, entry| {
            builder.secret_value(entry.descriptor.kind.clone(), CLIENT_DOCUMENT_KEY, address.clone())
        }))
    }

    /// Learns the kinds that the added extensions declare, for a command that otherwise needs no database. Nothing is
    /// created, and no question is asked.
    pub(crate) async fn learn_declared(&mut self) {
        // Without its key, a database holds no extension, and opening it would create the key.
        let Some(key) = &self.key else { return };
        let has_key = key.file.as_deref().is_none_or(may_exist);
        if !self.has_database() || !has_key || key.asks {
            return;
        }
        match self.open().await {
            Ok(registry) => registry.close().await,
            Err(error) if !self.output.json => {
                self.output.note(format!("The kinds of the added extensions are not known: {}.", error.message));
            }
            Err(_) => {}
        }
    }
}

#[async_trait::async_trait(?Send)]
impl PlaceKinds for Program {
    async fn list(&self) -> Result<Vec<PlaceKind<ListedKind>>, Error> {
        let own = |entry| PlaceKind::Own(Box::new(OwnKind::of(entry, &self.settings)));
        Ok(self.kinds.iter().map(own).collect())
    }

    async fn show(&self, name: &str) -> Result<PlaceKind<KindShape>, Error> {
        Ok(PlaceKind::Own(Box::new(OwnKind::of(self.kind(name)?, &self.settings))))
    }
}

/// The address of a document that describes this program as an OAuth application.
#[derive(Debug)]
struct ClientDocument(String);

#[async_trait::async_trait]
impl HostSecret for ClientDocument {
    async fn read(&self) -> Result<Secret, Box<dyn StdError + Send + Sync>> {
        Ok(Secret::from(self.0.as_str()))
    }
}
