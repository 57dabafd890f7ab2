//! The properties of a tool as data, and the contract types that are built from them.

use connection_contract::prelude::*;

/// Name of the field that selects how the tool is signed in.
pub(crate) const HOW: &str = "how";
/// Value of that field for the tool's own login.
pub(crate) const OWN: &str = "own";
/// Value of that field for an API key. It is also the name of the field and of the secret.
pub(crate) const API_KEY: &str = "apiKey";
/// Value of that field for a token that the tool prints. It is also the name of the field and of the secret.
pub(crate) const SETUP_TOKEN: &str = "setupToken";
/// Name of the field for a key that may read the costs.
pub(crate) const ADMIN_KEY: &str = "adminKey";

/// The properties by which the tools differ; the rest of the crate is the same for all.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) kind: Kind,
    /// Name of the tool that a person reads.
    pub(crate) name: &'static str,
    /// Name of the provider, for people.
    pub(crate) provider: &'static str,
    pub(crate) binary: &'static str,
    /// Permission to ask the tool for its version.
    pub(crate) version: Version,
    /// Directories below the home directory in which installers put the tool, in addition to `PATH`.
    pub(crate) places: &'static [&'static str],
    /// Name of the package in the npm registry.
    pub(crate) package: &'static str,
    /// Address of the installation instructions.
    pub(crate) docs: &'static str,
    /// Address of the instructions for signing in.
    pub(crate) sign_in_docs: &'static str,
    /// Command line that signs in without a browser on this machine.
    pub(crate) sign_in: &'static [&'static str],
    pub(crate) sign_in_hint: &'static str,
    /// Environment variable that accepts a token of the tool's own login or, if there is no such token, a key.
    pub(crate) token_env: &'static str,
    /// Command that prints a token for that variable, if a connection may hold such a token.
    pub(crate) token_command: Option<&'static str>,
    /// Page on which a person revokes such a token.
    pub(crate) token_page: Option<&'static str>,
    /// Environment variable that accepts an API key.
    pub(crate) key_env: &'static str,
    /// Arguments without which the tool does not read that variable. They precede those of the person.
    pub(crate) key_args: &'static [&'static str],
    pub(crate) directory: Directory,
    pub(crate) api: Api,
    /// Permission modes, in the order in which a person cycles through them.
    pub(crate) modes: &'static [&'static str],
    pub(crate) cache_ttl: Option<Duration>,
    pub(crate) image: Image,
    pub(crate) usage: Usage,
}

/// Permission to ask a tool for its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// The tool prints its version and does nothing else.
    Asked,
    /// The tool writes into the directory of its login even then, so it is never asked.
    NotAsked,
}

/// The directory of a tool's login and configuration.
#[derive(Debug)]
pub(crate) struct Directory {
    /// Environment variable that names the directory.
    pub(crate) variable: &'static str,
    /// Name of the directory below the home directory.
    pub(crate) name: &'static str,
    /// Environment variable that names the parent of the directory, if the tool reads that one.
    pub(crate) parent_env: Option<&'static str>,
    /// `true` if the tool rejects a directory that does not exist.
    pub(crate) must_exist: bool,
    pub(crate) markers: &'static [&'static str],
    pub(crate) logins: &'static [At],
    pub(crate) accounts: &'static [At],
    /// Locations of an id of the account that stays when the account is renamed.
    pub(crate) ids: &'static [At],
    /// Locations of an id of the person, for an account that several people share.
    pub(crate) people: &'static [At],
    /// Locations of the plan of the account, for a login that is paid for by a subscription.
    pub(crate) plans: &'static [At],
}

/// The location of a value: a file, a JSON pointer, and a JSON pointer into the claims of a token.
#[derive(Debug)]
pub(crate) struct At(pub(crate) &'static str, pub(crate) &'static str, pub(crate) Option<&'static str>);

/// The documented API of the provider.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) origin: &'static str,
    /// Path of the list of models, which costs nothing and shows whether a key works.
    pub(crate) models: &'static str,
    /// Field of the answer that contains the list.
    pub(crate) list: &'static str,
    /// Header for a key. With `authorization`, the key is sent as a bearer token.
    pub(crate) header: &'static str,
    pub(crate) more_headers: &'static [(&'static str, &'static str)],
    /// Address of the page that creates keys.
    pub(crate) console: &'static str,
}

/// The container image of a tool.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) name: &'static str,
    /// Files beside the directory, relative to the home directory.
    pub(crate) files: &'static [&'static str],
    /// Subdirectories of the directory that a later run needs.
    pub(crate) keeps: &'static [&'static str],
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

/// The sources of a tool's usage.
#[derive(Debug)]
pub(crate) struct Usage {
    /// `true` if the tool writes the limits of a subscription into its session files.
    pub(crate) rollouts: bool,
    /// The report in which the provider lists the costs of an organization.
    pub(crate) costs: Option<Costs>,
    /// Document in which the tool reports on a running session.
    pub(crate) session: Session,
}

/// The form of the document in which a tool reports on a running session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    /// There is no document: the host counts the tokens of the context itself.
    Context,
    /// The document that Claude Code passes to the command of a status line:
    /// <https://code.claude.com/docs/en/statusline>.
    StatusLine,
    /// The document that Gemini CLI prints with `--output-format json` or sends as the event of an answer:
    /// <https://geminicli.com/docs/cli/headless>, <https://geminicli.com/docs/cli/telemetry>.
    Telemetry,
}

/// The cost report of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Costs {
    /// Anthropic's report: <https://platform.claude.com/docs/en/api/admin/cost_report>.
    Anthropic,
    /// OpenAI's report: <https://platform.openai.com/docs/api-reference/usage/costs>.
    OpenAi,
}

impl Costs {
    /// Returns the page that lists the admin keys of an organization.
    pub(crate) fn keys(self) -> &'static str {
        match self {
            Self::Anthropic => "https://platform.claude.com/settings/admin-keys",
            Self::OpenAi => "https://platform.openai.com/settings/organization/admin-keys",
        }
    }
}

/// The home directory of the user in the images.
const CONTAINER_HOME: &str = "/agent";

impl Api {
    /// Attaches a key to a request.
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

    /// Returns the place of a request where [`attach`](Self::attach) puts the key.
    pub(crate) fn seat(&self) -> Seat {
        if self.header == "authorization" { Seat::bearer() } else { Seat::header(self.header) }
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
            .field(Field::secret(API_KEY, format!("API key of {}", self.provider)).key().help(self.api.console))
            .secret_name(API_KEY)
            .guide(format!("Install it with '{}'.", self.install()))
            .guide(format!("Sign in with '{}': {}.", self.sign_in.join(" "), self.sign_in_hint))
            .guide_link("How to install", self.docs)
            .guide_link("How to sign in", self.sign_in_docs)
            .guide_link("API keys", self.api.console);
        if self.costs().is_some() {
            let field = Field::secret(ADMIN_KEY, "Admin key of the organization").key().offer("Show what was spent?");
            descriptor = descriptor.field(field.help("the provider reports costs only to this key"));
        }
        if let Some(command) = self.token_command {
            let field = Field::secret(SETUP_TOKEN, format!("Token of {}", self.name)).key().pattern("[!-~]+");
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
        let key = self.key_args.iter().fold(ToolKey::new(API_KEY, self.key_env), |key, arg| key.arg(*arg));
        let sign_in = sign_in.key(key);
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

    /// Returns the mounts: the directory first, then the files beside it.
    ///
    /// Each mount is a copy, because the tools write there at every start, and a login of the user must not be changed
    /// from within a container. A file beside the directory belongs to the login in that directory and to no other.
    pub(crate) fn sandbox(&self) -> SandboxSpec {
        let mount = |name: &str| ConfigMount::new(home(name.to_owned()), format!("{CONTAINER_HOME}/{name}")).copied();
        let directory =
            self.image.keeps.iter().fold(mount(self.directory.name).profile(), |mount, name| mount.keeps(*name));
        let spec = SandboxSpec::new(self.image.name, self.binary).config_mount(directory);
        let spec = self.image.files.iter().fold(spec, |spec, file| spec.config_mount(mount(file).implicit_only()));
        // Every user in the container has this home directory.
        let spec = spec.variable("HOME", CONTAINER_HOME);
        self.image.variables.iter().fold(spec, |spec, (name, value)| spec.variable(*name, *value))
    }

    pub(crate) fn install(&self) -> String {
        format!("npm install -g {}", self.package)
    }

    /// Returns a reason code of this kind: `claude_signed_out`.
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

/// Returns a path below the user's home directory.
fn home(relative: impl Into<Text>) -> PathSpec {
    PathSpec::new(PathBase::Home, relative).expect("the names in the table are plain parts")
}
