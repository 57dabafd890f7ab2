//! What is special about a tool, as data, and what the contract is told of it.

use connection_contract::prelude::*;

/// The field by which a person says how the tool is signed in.
pub(crate) const HOW: &str = "how";
/// The other way: the tool's own login.
pub(crate) const OWN: &str = "own";
/// The field, the secret name and the way of an API key.
pub(crate) const API_KEY: &str = "apiKey";
/// The field, the secret name and the way of a token that the tool prints.
pub(crate) const SETUP_TOKEN: &str = "setupToken";
/// The field for a key that may ask what was spent.
pub(crate) const ADMIN_KEY: &str = "adminKey";

/// A tool.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) kind: Kind,
    /// For people.
    pub(crate) name: &'static str,
    /// Whose it is, for people.
    pub(crate) provider: &'static str,
    pub(crate) binary: &'static str,
    /// Whether anybody asks it for its version.
    pub(crate) version: Version,
    /// Below the home directory, where its installers put it besides `PATH`.
    pub(crate) places: &'static [&'static str],
    /// In the registry of npm.
    pub(crate) package: &'static str,
    /// Where installing it is described.
    pub(crate) docs: &'static str,
    /// Where signing in is described.
    pub(crate) sign_in_docs: &'static str,
    /// The command line that signs in without a browser on this machine.
    pub(crate) sign_in: &'static [&'static str],
    pub(crate) sign_in_hint: &'static str,
    /// The variable that takes a token of its own login or, where there is none, a key.
    pub(crate) token_env: &'static str,
    /// The command that prints a token for that variable, where a connection may hold it.
    pub(crate) token_command: Option<&'static str>,
    pub(crate) directory: Directory,
    pub(crate) api: Api,
    /// Its permission modes, in the order in which a person cycles through them.
    pub(crate) modes: &'static [&'static str],
    pub(crate) cache_ttl: Option<Duration>,
    pub(crate) image: Image,
    pub(crate) usage: Usage,
}

/// Whether a tool may be asked for its version unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// It prints it and does nothing else.
    Asked,
    /// It writes into the directory of its login even then, which nobody does here unasked.
    NotAsked,
}

/// Where a tool keeps its login and its configuration.
#[derive(Debug)]
pub(crate) struct Directory {
    /// The variable that names it.
    pub(crate) variable: &'static str,
    /// Its name below the home directory.
    pub(crate) name: &'static str,
    /// A variable that names the directory which it lies in, where the tool reads that one.
    pub(crate) parent_env: Option<&'static str>,
    /// Whether the tool refuses one that is not there.
    pub(crate) must_exist: bool,
    pub(crate) markers: &'static [&'static str],
    pub(crate) logins: &'static [At],
    pub(crate) accounts: &'static [At],
    /// Where an id of the account is that stays when the account is named anew.
    pub(crate) ids: &'static [At],
    /// Where an id of the person is, for an account that several people share.
    pub(crate) people: &'static [At],
    /// Where the plan of the account is, for a login that is paid for by a subscription.
    pub(crate) plans: &'static [At],
}

/// Where a value is: a file, a pointer, and a pointer among the claims of a token.
#[derive(Debug)]
pub(crate) struct At(pub(crate) &'static str, pub(crate) &'static str, pub(crate) Option<&'static str>);

/// The provider's documented interface.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) origin: &'static str,
    /// The list of models, which costs nothing and says whether a key is good.
    pub(crate) models: &'static str,
    /// The field of the answer that holds the list.
    pub(crate) list: &'static str,
    /// The header of a key; `authorization` takes it as a bearer token.
    pub(crate) header: &'static str,
    pub(crate) more_headers: &'static [(&'static str, &'static str)],
    /// Where keys are made.
    pub(crate) console: &'static str,
}

/// Its image for a container.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) name: &'static str,
    /// Files beside the directory, below the home directory.
    pub(crate) files: &'static [&'static str],
    /// Subdirectories of the directory that a later run needs.
    pub(crate) keeps: &'static [&'static str],
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

/// Where it can be read how much is used.
#[derive(Debug)]
pub(crate) struct Usage {
    /// The tool writes the limits of a subscription into its sessions.
    pub(crate) rollouts: bool,
    /// The provider tells an organization what it spent.
    pub(crate) costs: Option<Costs>,
    /// The document in which the tool tells of a running session.
    pub(crate) session: Session,
}

/// The form of the document in which a tool tells of a running session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    /// None: a host counts the tokens of the context itself.
    Context,
    /// What Claude Code hands to the command of a status line: <https://code.claude.com/docs/en/statusline>.
    StatusLine,
    /// What Gemini CLI prints with `--output-format json`, or sends as the event of an answer:
    /// <https://geminicli.com/docs/cli/headless>, <https://geminicli.com/docs/cli/telemetry>.
    Telemetry,
}

/// How a provider tells what was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Costs {
    /// <https://platform.claude.com/docs/en/api/admin/cost_report>
    Anthropic,
    /// <https://platform.openai.com/docs/api-reference/usage/costs>
    OpenAi,
}

/// The home directory of the user in the images.
const CONTAINER_HOME: &str = "/agent";

impl Api {
    /// Attaches a key.
    pub(crate) fn attach(&self, key: &Secret, request: &mut HttpRequest) {
        for (name, value) in self.more_headers {
            request.set_header(*name, *value);
        }
        if self.header == "authorization" {
            request.set_bearer(key);
        } else {
            request.set_header(self.header, key.duplicate());
        }
    }
}

impl Tool {
    pub(crate) fn descriptor(&self) -> Descriptor {
        let ways = [
            (OWN, format!("by {}'s own login", self.name)),
            (API_KEY, format!("with an API key of {}", self.provider)),
        ];
        let token = self.token_command.map(|command| (SETUP_TOKEN, format!("with a token that '{command}' prints")));
        let help = if token.is_some() { "own, apiKey or setupToken" } else { "own or apiKey" };
        let ways = ways.into_iter().chain(token).map(|(value, label)| (value.into(), label.into())).collect();
        let mut descriptor = Descriptor::new(self.kind.clone(), self.name, AuthType::ApiKey)
            .origin(self.api.origin)
            .needs(Need::Files)
            .needs(Need::Tools)
            .tool(self.tool())
            .field(Field::new(HOW, "How is it signed in", Input::Choice(ways)).default(OWN).help(help))
            .field(Field::secret(API_KEY, format!("API key of {}", self.provider)).help(self.api.console))
            .secret_name(API_KEY)
            .guide(format!("Install it with '{}'.", self.install()))
            .guide(format!("Sign in with '{}': {}.", self.sign_in.join(" "), self.sign_in_hint))
            .guide_link("How to install", self.docs)
            .guide_link("How to sign in", self.sign_in_docs)
            .guide_link("API keys", self.api.console);
        if self.costs().is_some() {
            let field = Field::secret(ADMIN_KEY, "Admin key of the organization").offer("Show what was spent?");
            descriptor = descriptor.field(field.help("the provider tells what was spent to this key alone"));
        }
        if let Some(command) = self.token_command {
            let field = Field::secret(SETUP_TOKEN, format!("Token of {}", self.name)).pattern("[!-~]+");
            descriptor = descriptor.field(field.help(format!("'{command}' prints it; one line without spaces")));
        }
        descriptor = self.modes.iter().fold(descriptor, |descriptor, mode| descriptor.permission_mode(*mode));
        match self.cache_ttl {
            Some(ttl) => descriptor.cache_ttl(ttl),
            None => descriptor,
        }
    }

    pub(crate) fn tool(&self) -> ToolSpec {
        let command = self.sign_in.iter().map(|word| Text::Borrowed(*word));
        let sign_in =
            SignIn::new(command).hint(self.sign_in_hint).token_env_var(self.token_env).docs_url(self.sign_in_docs);
        let sign_in = if self.token_command.is_some() { sign_in.token_secret(SETUP_TOKEN) } else { sign_in };
        let spec = ToolSpec::new(self.binary).install_command(self.install()).docs_url(self.docs).sign_in(sign_in);
        let places = self.places.iter().filter_map(|place| PathSpec::new(PathBase::Home, *place));
        let spec = places.fold(spec, ToolSpec::extra_path);
        match self.version {
            Version::Asked => spec,
            Version::NotAsked => spec.version_not_asked(),
        }
    }

    pub(crate) fn profiles(&self) -> ProfileSpec {
        let directory = &self.directory;
        let spec = ProfileSpec::new(directory.variable, home(directory.name)).probe(self.probe());
        let spec = if directory.must_exist { spec.needs_directory() } else { spec };
        match directory.parent_env {
            Some(parent) => spec.variable(parent, EnvValue::Parent).dir_name(directory.name),
            None => spec,
        }
    }

    pub(crate) fn probe(&self) -> ProbeSpec {
        let directory = &self.directory;
        let spec = directory.markers.iter().fold(ProbeSpec::new(), |spec, file| spec.marker(*file));
        let spec = directory.logins.iter().map(At::value).fold(spec, ProbeSpec::login);
        directory.accounts.iter().map(At::value).fold(spec, ProbeSpec::account)
    }

    pub(crate) fn account_ids(&self) -> Vec<ProbeValue> {
        self.directory.ids.iter().map(At::value).collect()
    }

    pub(crate) fn plans(&self) -> Vec<ProbeValue> {
        self.directory.plans.iter().map(At::value).collect()
    }

    pub(crate) fn people(&self) -> Vec<ProbeValue> {
        self.directory.people.iter().map(At::value).collect()
    }

    /// The directory comes first, then what lies beside it. Each is a copy: the tools write there at every start, and a login
    /// of the user's own must not be changed from within a container. What lies beside it is of the login in it, and no other's.
    pub(crate) fn sandbox(&self) -> SandboxSpec {
        let mount = |name: &str| ConfigMount::new(home(name.to_owned()), format!("{CONTAINER_HOME}/{name}")).copied();
        let directory =
            self.image.keeps.iter().fold(mount(self.directory.name).profile(), |mount, name| mount.keeps(*name));
        let spec = SandboxSpec::new(self.image.name, self.binary).config_mount(directory);
        let spec = self.image.files.iter().fold(spec, |spec, file| spec.config_mount(mount(file).implicit_only()));
        // Whoever it runs as there has that home.
        let spec = spec.variable("HOME", CONTAINER_HOME);
        self.image.variables.iter().fold(spec, |spec, (name, value)| spec.variable(*name, *value))
    }

    pub(crate) fn install(&self) -> String {
        format!("npm install -g {}", self.package)
    }

    /// A reason code of this kind: `claude_signed_out`.
    pub(crate) fn code(&self, what: &str) -> String {
        format!("{}_{what}", self.kind)
    }

    pub(crate) fn costs(&self) -> Option<Costs> {
        self.usage.costs
    }
}

impl At {
    fn value(&self) -> ProbeValue {
        let value = ProbeValue::new(self.0, self.1);
        match self.2 {
            Some(claim) => value.claim(claim),
            None => value,
        }
    }
}

/// A path below the user's home directory.
fn home(relative: impl Into<Text>) -> PathSpec {
    PathSpec::new(PathBase::Home, relative).expect("the names in the table are plain parts")
}
