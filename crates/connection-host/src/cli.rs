//! Runs one command: parses the arguments, reads the configuration, dispatches, prints errors and returns the exit
//! code.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal as _,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use connection_contract::{ConnectionDefinition, Kind};
use connection_core::{AllowedTool, ToolPolicy};
use connection_manifest::{Catalogue, FileKind};

use crate::{
    Error, Exit,
    applications::applications,
    args,
    backend::{self, Remote},
    catalogue, commands,
    common::Common,
    completion,
    config::{Environment, Settings, check_tools},
    input,
    kind_entry::{KindEntry, KindSource, OwnKindNames},
    kinds_directory, name,
    output::{Output, unless_closed},
    platform::{self, Interrupts, clear_line, show_waits},
    program::{Program, Registration},
};

/// The maximum number of threads that run the tasks of a command, however many processors there are: `serve` idles on
/// laptops all day.
const MAX_WORKERS: usize = 8;
/// The maximum time to wait for the threads of the runtime after a command.
const MAX_SHUTDOWN: Duration = Duration::from_millis(100);

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
    usual: &'static [&'static str],
}

impl Cli {
    /// Returns a command line without kinds.
    pub fn new() -> Self {
        Self::default()
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

    /// Adds the kinds of the [`Catalogue`]. Each of them is read when it is first used; a kind that was added by
    /// [`kind`](Self::kind) takes precedence over one of the same name.
    #[must_use]
    pub fn catalogue(mut self) -> Self {
        self.has_catalogue = true;
        self
    }

    /// Sets the kinds with which a list to choose from begins; the others follow by name.
    pub(crate) fn usual(mut self, kinds: &'static [&'static str]) -> Self {
        self.usual = kinds;
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
        #[cfg(unix)]
        if let Some(code) = crate::courier::work() {
            return code;
        }
        let commands = name::Commands { is_known: args::is_command, works_on_server: backend::has_command };
        name::set(self.name.unwrap_or(name::OURS), commands);
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
            backend::check_command(&args::command_path())?;
        }
        let mut settings = Settings::load(&arguments.global, &environment)?;
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
        // What a command of the key writes would break the lines of a server's log.
        settings.key.shows_errors = std::io::stderr().is_terminal() && !is_server;
        let output = Output::new(arguments.global.json, &environment);
        input::settle_colours(!environment.no_color());
        let person = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let interrupts = Interrupts::default();
        let settings = Arc::new(settings);
        if let Some(host) = &arguments.global.host {
            let server = Remote::new(host, &arguments.global, &settings, &environment)?;
            output.waits_for("the server");
            let signals = interrupts.clone();
            let usual = self.usual;
            let common = Common { kinds: Vec::new(), usual, settings, environment, output, person, interrupts };
            return run(signals, commands::run(Program::on(server, common), arguments.command));
        }
        let key = settings.key_sources(&environment, input::passphrase)?;
        let own =
            settings.kinds_directory().map(|directory| kinds_directory::read_at_start(&directory)).unwrap_or_default();
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
        let Self { kinds, registrations, has_catalogue, images, tools, usual, .. } = cli;
        let known = kinds.iter().map(|kind| &kind.descriptor.kind);
        check_tools(&settings.sandbox, &settings.usage, known, has_catalogue)?;
        let applications = match arguments.command.is_of_kind_files() {
            true => BTreeMap::new(),
            false => applications(&settings, &kinds, has_catalogue)?,
        };
        let signals = interrupts.clone();
        let program = Program {
            common: Common { kinds, usual, settings, environment, output, person, interrupts },
            registrations,
            own_kinds,
            has_catalogue,
            images,
            tools,
            applications,
            key: Some(key),
            server: None,
            only_reads: arguments.command.only_reads(),
            empty: None,
        };
        run(signals, commands::run(program, arguments.command))
    }
}

/// Runs a command to its end, or until a signal stops it.
fn run(interrupts: Interrupts, command: impl Future<Output = Result<ExitCode, Error>>) -> Result<ExitCode, Error> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MAX_WORKERS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|error| Error::io("the runtime", &error))?;
    drop(runtime.spawn(interrupts.clone().watch()));
    let result = runtime.block_on(interrupts.run(async {
        tokio::select! {
            biased;
            result = command => result,
            never = show_waits() => match never {},
        }
    }));
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
