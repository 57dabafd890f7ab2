//! Runs one command: parses the arguments, reads the configuration, dispatches, prints errors and returns the exit
//! code.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal as _,
    ops::{Deref, DerefMut},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use connection_contract::{ConnectionDefinition, Kind};
use connection_core::{
    AllowedTool, ConnectionRegistry, FilesPolicy, HttpPolicy, Limits, Machine, MachineTools, RegistryBuilder,
    StoreSource, ToolPolicy, is_restore_interrupted,
};
use connection_inbound::PublicEndpoint;
use connection_manifest::{Catalogue, FileKind};
use connection_oauth2::CLIENT_KEY;
use secrecy::ExposeSecret as _;

use crate::{
    Error, Exit,
    applications::applications,
    args, catalogue, commands,
    common::Common,
    completion,
    config::{Application, Environment, KeySources, PrivateAddresses, Settings, VerifySettings, check_tools},
    declared,
    empty_store::{EmptyStore, may_exist, sqlite_file},
    inbound::Endpoint,
    input,
    kind_entry::{KindEntry, KindSource, OwnKindNames},
    kinds_directory, name,
    output::{Output, clear_line, show_waits, unless_closed},
    platform::{self, Interrupts},
    plugins,
    remote::{self, Remote},
    spelling::misspelled,
};

/// The maximum time to wait for the threads of the runtime after a command.
const MAX_SHUTDOWN: Duration = Duration::from_millis(100);

type Registration = Box<dyn FnOnce(RegistryBuilder) -> RegistryBuilder + Send>;

/// A command line with a set of kinds.
///
/// ```no_run
/// # use connection_host::Cli;
/// fn main() -> std::process::ExitCode {
///     Cli::shipped().name("acme").run()
/// }
/// ```
#[derive(Default)]
pub struct Cli {
    name: Option<&'static str>,
    kinds: Vec<KindEntry>,
    registrations: Vec<Registration>,
    has_catalogue: bool,
    images: BTreeMap<Kind, &'static str>,
    tools: ToolPolicy,
}

impl Cli {
    /// Returns a command line without kinds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a command line with the kinds of the binary `connections`.
    pub fn shipped() -> Self {
        plugins::register(Self::new())
    }

    /// Sets the name of the program; the default is `connections`.
    ///
    /// Help, completions and hints use this name, so that they show commands that a person can type. Directories and
    /// variables keep the names that `docs/spec/words.md` lists.
    #[must_use]
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// Adds a kind that the command offers.
    #[must_use]
    pub fn kind(mut self, definition: impl ConnectionDefinition) -> Self {
        self.kinds.push(KindEntry::of(&definition));
        self.registrations.push(Box::new(move |builder| builder.kind(definition)));
        self
    }

    /// Adds the kinds of the [`Catalogue`]. Each of them is read only when it is named or has connections; a kind that
    /// was added by [`kind`](Self::kind) takes precedence over one of the same name.
    #[must_use]
    pub fn catalogue(mut self) -> Self {
        self.has_catalogue = true;
        self
    }

    /// Adds a kind that a file describes. A kind of that name which was added before takes precedence.
    fn kind_of_file(self, kind: FileKind, source: KindSource) -> Self {
        let name = kind.descriptor().kind;
        if let Some(known) = self.kinds.iter().find(|known| known.descriptor.kind == name) {
            if let (KindSource::File(path), KindSource::Program) = (&source, &known.source) {
                let path = path.display();
                platform::write_stderr(format_args!(
                    "warning: {path} is not used, because the program has a kind '{name}' already; change the id in \
                     the file, and call the file after it"
                ));
            }
            return self;
        }
        let mut cli = self.kind(kind);
        if let Some(added) = cli.kinds.last_mut() {
            added.source = source;
        }
        cli
    }

    /// Allows kinds to look for a local program and to run it, and says what a profile may set for it.
    ///
    /// A kind that declares a program that is not allowed works without its tool, its profiles and its container.
    #[must_use]
    pub fn allow_tool(mut self, tool: AllowedTool) -> Self {
        self.tools = self.tools.allow(tool);
        self
    }

    /// Adds the file from which `sandbox build` makes the image of a kind. The build copies no other file.
    #[must_use]
    pub fn image(mut self, kind: Kind, containerfile: &'static str) -> Self {
        self.images.insert(kind, containerfile);
        self
    }

    /// Parses the arguments of the process, runs the command, and returns the exit status.
    ///
    /// The call also protects the memory of the process, which holds secrets: the process writes no core file, and
    /// other processes of the same user cannot trace it on Linux. The protection lasts until the process ends.
    pub fn run(self) -> ExitCode {
        name::set(self.name.unwrap_or(name::OURS));
        let environment = Environment::read();
        if let Some(shell) = environment.completing_shell().map(str::to_owned) {
            platform::quiet_panics(true);
            completion::run(&shell, environment, self.known_kinds());
            return Exit::Fine.into();
        }
        // Do this before any secret is read.
        platform::keep_memory_private();
        // The arguments after `--` belong to another program.
        let json = std::env::args_os().take_while(|argument| argument != "--").any(|argument| argument == "--json");
        platform::quiet_panics(json);
        let result = catch_unwind(AssertUnwindSafe(|| self.dispatch(environment))).unwrap_or_else(|_| {
            Err(Error::new(Exit::Unexpected, "crashed", "the program crashed").remedy("report this to its author"))
        });
        result.unwrap_or_else(|error| {
            Output::error(json, &error);
            error.exit.into()
        })
    }

    /// Returns the names of the kinds of the program, with those of the catalogue.
    fn known_kinds(&self) -> BTreeSet<String> {
        let embedded = self.has_catalogue.then(Catalogue::ids).into_iter().flatten().map(str::to_owned);
        self.kinds.iter().map(|kind| kind.descriptor.kind.to_string()).chain(embedded).collect()
    }

    fn dispatch(self, environment: Environment) -> Result<ExitCode, Error> {
        let arguments = match args::parse() {
            Ok(arguments) => arguments,
            Err(error) => return unless_closed(args::help_or_refusal(&error).map(ExitCode::from)),
        };
        match arguments.command.only_prints() {
            true => unless_closed(self.execute(arguments, environment)),
            false => self.execute(arguments, environment),
        }
    }

    fn execute(self, arguments: args::Arguments, environment: Environment) -> Result<ExitCode, Error> {
        arguments.global.check()?;
        if arguments.global.host.is_some() {
            remote::check_command(&args::command_path())?;
        }
        let settings = Settings::load(&arguments.global, &environment)?;
        for warning in &settings.warnings {
            platform::write_stderr(format_args!("warning: {warning}"));
        }
        if let Some(exposed) = &settings.exposed {
            // Do not use an untrusted file, not even the name of the program that prints the key.
            return match arguments.command {
                args::Command::Doctor { .. } => {
                    commands::exposed(&Output::new(arguments.global.json, &environment), exposed).map(ExitCode::from)
                }
                _ => Err(exposed.clone()),
            };
        }
        let is_server = matches!(arguments.command, args::Command::Serve(_));
        platform::log(settings.log.as_deref(), settings.logs_json, is_server);
        let output = Output::new(arguments.global.json, &environment);
        input::settle_colours(!environment.no_color());
        let person = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let interrupts = Interrupts::default();
        if let Some(host) = &arguments.global.host {
            let common =
                Common { kinds: Vec::new(), settings, environment, output, person, interrupts: interrupts.clone() };
            let remote = Remote::new(host, &arguments.global, common)?;
            return run(interrupts, commands::remote::run(remote, arguments.command));
        }
        let key = settings.key_sources(&environment, input::passphrase)?;
        let own = settings.kinds_directory().map(|directory| kinds_directory::read(&directory)).unwrap_or_default();
        for problem in own.problems.values().flatten() {
            platform::write_stderr(format_args!("warning: {problem}"));
        }
        let built_in: Vec<Kind> = self.kinds.iter().map(|kind| kind.descriptor.kind.clone()).collect();
        let names = own.kinds.iter().map(|(_, kind)| kind.descriptor().kind);
        let own_kinds = OwnKindNames {
            kinds: names.filter(|kind| !built_in.contains(kind)).collect(),
            built_in,
            stamps: own.stamps,
        };
        let embedded = if self.has_catalogue { catalogue::wanted(&arguments.command, &settings) } else { Vec::new() };
        let own = own.kinds.into_iter().map(|(path, kind)| (kind, KindSource::File(path)));
        let embedded = embedded.into_iter().map(|kind| (kind, KindSource::Catalogue));
        let mut cli = own.chain(embedded).fold(self, |cli, (kind, source)| cli.kind_of_file(kind, source));
        cli.kinds.sort_by(|a, b| a.descriptor.kind.cmp(&b.descriptor.kind));
        let Self { kinds, registrations, has_catalogue, images, tools, .. } = cli;
        check_tools(&settings.sandbox, &settings.usage, kinds.iter().map(|kind| &kind.descriptor.kind))?;
        let applications = applications(&settings, &kinds)?;
        let unheard = interrupts.clone();
        let program = Program {
            common: Common { kinds, settings, environment, output, person, interrupts },
            registrations,
            own_kinds,
            has_catalogue,
            images,
            tools,
            applications,
            key,
            only_reads: arguments.command.only_reads(),
            empty: None,
        };
        run(unheard, commands::run(program, arguments.command))
    }
}

/// Runs a command to its end, or until it does not hear an interruption.
fn run(interrupts: Interrupts, command: impl Future<Output = Result<ExitCode, Error>>) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::io("the runtime", &error))?;
    let result = runtime.block_on(async {
        tokio::select! {
            biased;
            result = command => result,
            () = interrupts.unheard() => Err(platform::interrupted()),
            never = show_waits() => match never {},
        }
    });
    clear_line();
    // A prompt that waits for input must not keep the process alive. The other threads end at once and are joined: glibc
    // 2.36 reads the memory of a thread that ends while it is detached.
    runtime.shutdown_timeout(MAX_SHUTDOWN);
    result
}

impl std::fmt::Debug for Cli {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.kinds.iter().map(|kind| &kind.descriptor.kind)).finish()
    }
}

/// The state of commands that work on this machine.
pub(crate) struct Program {
    pub(crate) common: Common,
    registrations: Vec<Registration>,
    pub(crate) own_kinds: OwnKindNames,
    /// `true` if the kinds of the catalogue can be used.
    pub(crate) has_catalogue: bool,
    /// The files from which images are made.
    pub(crate) images: BTreeMap<Kind, &'static str>,
    /// The local programs that kinds may look for and run.
    pub(crate) tools: ToolPolicy,
    /// The configured applications of kinds.
    pub(crate) applications: BTreeMap<Kind, Arc<Application>>,
    pub(crate) key: KeySources,
    /// `true` for a command that only reads and creates nothing.
    pub(crate) only_reads: bool,
    /// The store of such a command if there is no database.
    empty: Option<EmptyStore>,
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
    /// Returns the kind with this name.
    pub(crate) fn kind(&self, name: &str) -> Result<&KindEntry, Error> {
        self.kinds.iter().find(|kind| kind.descriptor.kind.as_str() == name).ok_or_else(|| {
            let known: Vec<&str> = self.kinds.iter().map(|kind| kind.descriptor.kind.as_str()).collect();
            let embedded = if self.has_catalogue { Catalogue::ids().collect() } else { Vec::new() };
            let all: Vec<&str> = known.iter().copied().chain(embedded.iter().map(|id| -> &str { id })).collect();
            let suggestion = misspelled(name, all);
            let suggestion = suggestion.map(|suggestion| format!(". Did you mean '{suggestion}'?")).unwrap_or_default();
            Error::new(Exit::NotFound, "unknown_kind", format!("unknown kind '{name}'{suggestion}"))
                .remedy(self.known_kinds(&known))
        })
    }

    /// Returns the sentence that names the kinds.
    fn known_kinds(&self, known: &[&str]) -> String {
        let all = if self.has_catalogue { "; `connections kinds --all` lists more" } else { "" };
        format!("the kinds are {}{all}", known.join(", "))
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
            Some(url) => sqlite_file(url.expose_secret())?.to_owned(),
        };
        // A database whose restore was interrupted is not missing; opening it says what to do.
        (!may_exist(&file) && !is_restore_interrupted(&file)).then_some(file)
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
        ConnectionRegistry::builder().store(store).limits(limits)
    }

    /// Sets the state directory of this machine. A database in a file has one beside it, which is used unless
    /// another one is configured.
    fn with_state(&self, builder: RegistryBuilder) -> RegistryBuilder {
        let url = self.settings.database.as_ref().map(|url| url.expose_secret());
        let has_own = url.is_none_or(|url| sqlite_file(url).is_some());
        match self.settings.state.is_none() && has_own {
            true => builder,
            false => builder.state_directory(self.settings.state_directory()),
        }
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
            None => self.with_state(self.key.apply(self.builder())),
        };
        let builder = self.with_kinds(builder)?;
        let registry = self.output.waiting("the database", lend(builder).open()).await?;
        self.output.waits_for("the database");
        if self.has_catalogue {
            catalogue::register_connected(&registry, &registry.server().connected_kinds().await?);
        }
        let registry = match &self.settings.owner {
            Some(owner) => registry.owner(owner.as_str())?,
            None => registry,
        };
        self.learn(registry.kinds().own().await?.into_iter().map(KindEntry::of_info));
        Ok(registry)
    }

    /// Returns the builder of a registry with its key and its kinds.
    pub(crate) fn whole_builder(&mut self) -> Result<RegistryBuilder, Error> {
        let builder = self.with_state(self.key.apply(self.builder()));
        self.with_kinds(builder)
    }

    /// Sets what kinds use, and registers them.
    fn with_kinds(&mut self, builder: RegistryBuilder) -> Result<RegistryBuilder, Error> {
        let builder = builder.own_kinds(declared::source(self.has_catalogue));
        let builder = builder.http(self.http()?).files(self.files()).machine(Machine::new().tools(self.tools.clone()));
        let registrations = std::mem::take(&mut self.registrations);
        let builder = registrations.into_iter().fold(builder, |builder, register| register(builder));
        Ok(self.applications.iter().fold(builder, |builder, (kind, application)| {
            builder.secret_value(kind.clone(), CLIENT_KEY, application.clone())
        }))
    }

    /// Learns the kinds that the added extensions declare, for a command that otherwise needs no database. Nothing is
    /// created, and no question is asked.
    pub(crate) async fn learn_declared(&mut self) {
        // Without its key, a database holds no extension, and opening it would create the key.
        let has_key = self.key.file.as_deref().is_none_or(may_exist);
        if !self.has_database() || !has_key || self.key.asks {
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
