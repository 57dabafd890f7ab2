//! The command line, declared with clap.
//!
//! An error never repeats the value of an argument, because it may be a secret that was typed into the wrong place.
//! Checks that go beyond clap's structure are therefore made after parsing, by this crate.

mod agent;
mod approvals;
mod credential;
mod extension;
mod freeze;
mod help;
mod helper;
mod key;
mod kind_test;
mod link;
mod mcp;
mod profiles;
mod refusal;
mod rules;
mod run;
mod serve;
mod setup;
mod show;
mod tokens;
mod upgrade;
mod uses;
mod webhooks;

use std::{convert::Infallible, ffi::OsString, path::PathBuf};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::{config::Global, name};

pub(crate) use agent::{
    AgentToken, AgentsCommand, CreateAgent, ExplainAgent, Forward, GrantAgent, LearnAgent, RunAgent, TokenArguments,
};
pub(crate) use approvals::{ApprovalsCommand, Approve, ListApprovals};
pub(crate) use credential::{FilesCommand, Send};
pub(crate) use extension::{Exec, ExtensionsCommand, Grant, OpenSettings, PreferencesCommand, Use};
pub(crate) use freeze::{Freeze, Thaw, Thing};
pub(crate) use help::{command_path, help_or_refusal};
pub(crate) use helper::{CargoHelper, CredentialCommand, DockerAction, GitAction, Helper};
pub(crate) use key::{KeyChange, KeyCommand};
pub(crate) use kind_test::KindTest;
pub(crate) use link::{Link, Tag};
pub(crate) use mcp::{Adopt, Mcp, McpCommand};
pub(crate) use profiles::{CreateProfile, DefaultProfile, ProfilesCommand, UpdateProfile};
pub(crate) use rules::{ExplainRules, ExplainedRequest, RulesCommand};
pub(crate) use run::{Run, SandboxCommand, Usage};
pub(crate) use serve::Serve;
pub(crate) use setup::{Add, FinishArguments, Importing, InputArguments, Reauthorize, SetupCommand};
pub(crate) use show::{KindsCommand, KindsImport, List, Watching};
pub(crate) use tokens::{CreateToken, RevokeTokens, TokensCommand};
pub(crate) use upgrade::UpgradeCommand;
pub(crate) use uses::{Uses, UsesCommand, UsesFilter};
pub(crate) use webhooks::{Webhooks, WebhooksCommand};

/// Returns the command line, for completions and the manual.
pub(crate) fn command() -> clap::Command {
    let command = plain_command();
    let overview = help::overview(&command);
    command.override_help(name::hints(&overview).into_owned())
}

/// Returns the command line under the name of the program, without the text of its overview.
pub(crate) fn plain_command() -> clap::Command {
    Arguments::command().name(name::name()).bin_name(name::name())
}

/// Returns `true` for the name of a command.
pub(crate) fn is_command(word: &str) -> bool {
    plain_command().get_subcommands().any(|command| command.get_name() == word)
}

/// Parses the arguments of this process.
pub(crate) fn parse() -> Result<Arguments, clap::Error> {
    let mut parsed =
        command().try_get_matches_from(words()).and_then(|matches| Arguments::from_arg_matches(&matches))?;
    if let Command::Freeze(Freeze { thing, .. }) | Command::Thaw(Thaw { thing }) = &mut parsed.command {
        thing.owner.clone_from(&parsed.global.owner);
    }
    Ok(parsed)
}

/// Returns the arguments of this process. Cargo runs a credential provider with one argument of its own and nothing else.
fn words() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    if matches!(&*words, [_, only] if only == "--cargo-plugin") {
        words.splice(1..1, ["credential".into(), "cargo".into()]);
    }
    words
}

/// Returns the name of a kind as kinds are called: `Google_Drive` is `google-drive`.
pub(crate) fn kind_name(typed: &str) -> String {
    let letter = |letter: char| match letter {
        ' ' | '.' | '_' => '-',
        other => other.to_ascii_lowercase(),
    };
    typed.chars().map(letter).collect()
}

/// As [`kind_name`], for clap.
fn parse_kind(typed: &str) -> Result<String, Infallible> {
    Ok(kind_name(typed))
}

/// As [`kind_name`], for an argument that may be the address of an MCP server as well.
fn parse_kind_or_address(typed: &str) -> Result<String, Infallible> {
    if typed.contains("://") { Ok(typed.to_owned()) } else { parse_kind(typed) }
}

/// Connect outside accounts, keep them working, and use them without handling secrets.
#[derive(Debug, Parser)]
#[command(name = "connections", version)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Command {
    /// Returns `true` for a command that only shows state. Without a database it creates none.
    ///
    /// `profiles list` is not among them: it creates the first profile, because it prints the profile's id.
    pub(crate) fn only_reads(&self) -> bool {
        match self {
            Self::List(_) | Self::Show { .. } | Self::Verify { .. } | Self::Files { .. } | Self::Resolve { .. } => true,
            Self::Agents { command } => {
                matches!(command, None | Some(AgentsCommand::List | AgentsCommand::Show { .. }))
            }
            Self::Approvals { command } => {
                matches!(command, None | Some(ApprovalsCommand::List(_) | ApprovalsCommand::Show { .. }))
            }
            Self::Events { follow, .. } => !follow,
            Self::Freeze(freeze) => freeze.list,
            Self::Extensions { command } => matches!(command, None | Some(ExtensionsCommand::List)),
            Self::Preferences { command } => matches!(command, PreferencesCommand::Get { .. }),
            Self::Profiles { command } => matches!(command, ProfilesCommand::Probe { .. }),
            Self::Setup { command } => matches!(command, SetupCommand::List),
            Self::Tokens { command } => matches!(command, None | Some(TokensCommand::List)),
            Self::Usage(usage) => !usage.watch,
            Self::Uses(uses) => !uses.follow && !matches!(uses.command, Some(UsesCommand::Erase { .. })),
            Self::Webhooks(webhooks) => {
                matches!(webhooks.command, None | Some(WebhooksCommand::Deliveries | WebhooksCommand::Key))
            }
            _ => false,
        }
    }
}

impl Command {
    /// Returns `true` for a command that does nothing but print, so that it succeeds when its reader has read enough.
    ///
    /// `verify`, `doctor` and `send` are not among them: their exit statuses tell what was found.
    pub(crate) fn only_prints(&self) -> bool {
        match self {
            Self::Verify { .. } => false,
            Self::Completions { .. } | Self::Config | Self::Events { .. } | Self::Man | Self::Watch(_) => true,
            Self::Key { command } => command.is_none(),
            Self::Kinds { command, .. } => {
                matches!(command, None | Some(KindsCommand::Show { .. } | KindsCommand::Schema))
            }
            Self::Mcp(Mcp { command: Some(McpCommand::Adopt(adopt)), .. }) => adopt.list,
            Self::Profiles { command } => matches!(command, ProfilesCommand::List { .. }),
            Self::Rules { .. } | Self::Usage(_) => true,
            Self::Upgrade { command } => !matches!(command, Some(UpgradeCommand::Finish { dry_run: false })),
            Self::Uses(uses) => !matches!(uses.command, Some(UsesCommand::Erase { .. })),
            _ => self.only_reads(),
        }
    }

    /// Returns `true` for a command that reads, checks or writes files of kinds alone. The configuration may then name an
    /// application of a kind that is not there yet.
    pub(crate) fn is_of_kind_files(&self) -> bool {
        let Self::Kinds { command: Some(command), .. } = self else { return false };
        match command {
            KindsCommand::Add { .. }
            | KindsCommand::Check { .. }
            | KindsCommand::Import { .. }
            | KindsCommand::New { .. }
            | KindsCommand::Schema
            | KindsCommand::Test(_) => true,
            KindsCommand::Accept { .. }
            | KindsCommand::ForgetClient { .. }
            | KindsCommand::Remove { .. }
            | KindsCommand::Show { .. } => false,
        }
    }

    /// Returns `true` for a command that may use a kind which its arguments do not name, before it opens the database.
    pub(crate) fn uses_any_kind(&self) -> bool {
        match self {
            Self::Kinds { all, .. } => *all,
            Self::Add(add) => add.kind.is_none(),
            Self::Rules { command } => matches!(command, RulesCommand::Presets { kind: None }),
            Self::OpenSettings(_) | Self::Setup { .. } => true,
            _ => false,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what can be connected
    #[command(args_conflicts_with_subcommands = true)]
    Kinds {
        #[command(subcommand)]
        command: Option<KindsCommand>,
        /// List the kinds of the catalogue, too
        #[arg(long)]
        all: bool,
    },
    /// Connect an account
    Add(Add),
    /// Import connections from another program
    Import(Importing),
    /// List connections, those that need attention first
    List(List),
    /// Show one connection in full
    Show {
        /// KIND, KIND:LABEL, an id, or the end of an id
        connection: String,
    },
    /// Check that credentials still work
    Verify {
        /// Any number of: KIND, KIND:LABEL, an id, or the end of an id
        connections: Vec<String>,
        /// Check all connections
        #[arg(long, conflicts_with = "connections")]
        all: bool,
        /// Ask a provider even if it asked to wait
        #[arg(long)]
        now: bool,
    },
    /// Change the label of a connection
    Rename {
        /// KIND, KIND:LABEL, an id, or the end of an id
        connection: String,
        /// The new label
        label: String,
    },
    /// Set the tags of a connection
    Tag(Tag),
    /// Make a link with which somebody else repairs or connects an account
    Link(Link),
    /// Choose the default for a provider
    Default {
        /// KIND, KIND:LABEL, an id, or the end of an id
        connection: String,
        /// Leave the provider without a default
        #[arg(long)]
        clear: bool,
    },
    /// Replace a credential in place, keeping id and label
    Reauthorize(Reauthorize),
    /// Return to the credential before the last reauthorize
    Rollback {
        /// KIND, KIND:LABEL, an id, or the end of an id
        connection: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Renew a credential now
    Refresh {
        /// KIND, KIND:LABEL, an id, or the end of an id
        connection: String,
        /// Renew it even if the provider refused the last time
        #[arg(long)]
        force: bool,
    },
    /// Show and test where a provider sends events
    Webhooks(Webhooks),
    /// Show what happened
    Events {
        /// KIND, KIND:LABEL, an id (also of a removed connection), or the end of an id
        connection: Option<String>,
        /// Print what happened, and continue with what happens
        #[arg(long)]
        follow: bool,
    },
    /// Follow what happens, live
    Watch(Watching),
    /// Remove a connection and say what still works
    Remove {
        /// KIND, KIND:LABEL, an id, or the end of an id
        #[arg(required_unless_present = "kind")]
        connection: Option<String>,
        /// Remove every connection of this kind
        #[arg(long, conflicts_with = "connection", value_parser = parse_kind)]
        kind: Option<String>,
        /// Also revoke a token that was pasted
        #[arg(long)]
        revoke: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Show what was done with connections, and by which program
    Uses(Box<Uses>),
    /// Answer requests of agents about which you are asked
    Approvals {
        #[command(subcommand)]
        command: Option<ApprovalsCommand>,
    },
    /// Stop all uses at once, and keep everything alive
    Freeze(Freeze),
    /// Let what was frozen be used again
    Thaw(Thaw),
    /// Send a request with a connection's credential
    Send(Send),
    /// Check and compare rules about what programs may do
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Let a model use the connections of an agent, and programs use MCP servers
    ///
    /// Without a command, this is an MCP server on standard streams. Its tools list the connections that are granted to
    /// the agent, send requests within the rules, and say what a person must do.
    Mcp(Mcp),
    /// List and read files of a directory connection
    Files {
        /// KIND, KIND:LABEL, an id, or the end of an id
        connection: String,
        #[command(subcommand)]
        command: FilesCommand,
    },
    /// Show which connection an extension would use
    Resolve {
        /// The manifest of the extension; `-` is standard input
        #[arg(value_name = "FILE|-")]
        file: String,
        /// List the parts of the manifest that are not read
        #[arg(long)]
        verbose: bool,
    },
    /// Create agents, and say what each may do
    Agents {
        #[command(subcommand)]
        command: Option<AgentsCommand>,
    },
    /// Let git, docker, cargo and others get a secret that an agent was granted
    ///
    /// The grant must say so: `connections agents grant NAME CONNECTION --release`. A program that can use a door of the
    /// server needs no secret; see `connections agents run`.
    Credential {
        #[command(subcommand)]
        command: CredentialCommand,
    },
    /// Add extensions and grant them connections
    Extensions {
        #[command(subcommand)]
        command: Option<ExtensionsCommand>,
    },
    /// Get and set an extension's settings
    Preferences {
        #[command(subcommand)]
        command: PreferencesCommand,
    },
    /// Run a program with the secrets granted to an extension
    Exec(Exec),
    /// Connect and grant what an extension still needs
    OpenSettings(OpenSettings),
    /// Manage separate identities of a local tool
    Profiles {
        #[command(subcommand)]
        command: ProfilesCommand,
    },
    /// Run a local tool with one of its profiles
    Run(Run),
    /// Build container images for `run --sandbox`
    Sandbox {
        #[command(subcommand)]
        command: SandboxCommand,
    },
    /// Show how much of each account's quota is used
    Usage(Usage),
    /// List, resume or cancel unfinished setups
    Setup {
        #[command(subcommand)]
        command: SetupCommand,
    },
    /// Write a copy of the database, while it is in use
    Backup {
        /// The file of the backup, which must not exist
        file: PathBuf,
    },
    /// Replace the database by a backup
    Restore {
        /// The file of the backup
        #[arg(required_unless_present = "mark", conflicts_with = "mark")]
        file: Option<PathBuf>,
        /// Mark a database that other tools restored
        #[arg(long)]
        mark: bool,
    },
    /// Move the database from its file to a PostgreSQL server
    Move {
        /// The address of the server: postgres://USER@HOST/DATABASE, or `-` to read it from standard input
        address: String,
        /// Take the move back, while nobody has opened the copy
        #[arg(long)]
        undo: bool,
    },
    /// Mark used tokens after a standby was promoted
    Failover {
        /// Mark nothing, because the standby had every commit
        #[arg(long)]
        synchronous: bool,
    },
    /// Show, move or rotate the database key
    Key {
        #[command(subcommand)]
        command: Option<KeyCommand>,
    },
    /// Show which versions of the program may write, or finish an upgrade
    Upgrade {
        #[command(subcommand)]
        command: Option<UpgradeCommand>,
    },
    /// Run the server: page, API, callbacks, token refresh
    #[command(long_about = serve::SERVE)]
    Serve(Serve),
    /// Show, make and revoke the tokens of pages and programs
    Tokens {
        #[command(subcommand)]
        command: Option<TokensCommand>,
    },
    /// Find problems and say how to fix them
    Doctor {
        /// Check callbacks, too, and show what to register
        #[arg(long)]
        callback: bool,
    },
    /// Show the configuration, and where each value is from
    Config,
    /// Print shell completions
    Completions {
        /// Shell to print completions for
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[cfg(test)]
#[cfg(feature = "workspace-tests")]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::plain_command;

    /// The specification of the API, with a table that pairs commands, routes and methods.
    const API: &str = include_str!("../../../../docs/spec/api.md");

    fn commands(of: &clap::Command, path: &str, found: &mut BTreeSet<String>) {
        let mut below = of.get_subcommands().filter(|command| command.get_name() != "help").peekable();
        if below.peek().is_none() || !of.is_subcommand_required_set() && !path.is_empty() {
            found.insert(path.to_owned());
        }
        for command in below.filter(|command| !command.is_hide_set()) {
            let path = if path.is_empty() { String::new() } else { format!("{path} ") };
            commands(command, &format!("{path}{}", command.get_name()), found);
        }
    }

    /// Returns the rows of the table below a heading: the second cell of each command.
    fn rows(heading: &str) -> BTreeMap<String, String> {
        let table = API.split(heading).nth(1).unwrap().split("\n#").next().unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.map(|row| {
            let mut cells = row.split(" | ");
            let command = cells.next().unwrap().trim_end_matches('`');
            (command.to_owned(), cells.next().unwrap().trim_end_matches(['|', ' ']).to_owned())
        })
        .collect()
    }

    #[test]
    fn each_command_has_a_route_or_a_reason_in_the_specification_of_the_api() {
        let mut known = BTreeSet::new();
        commands(&plain_command(), "", &mut known);
        let routes = rows("## Commands, routes and methods");
        assert_eq!(routes.keys().cloned().collect::<BTreeSet<_>>(), known);

        let reasons = rows("### Commands without a route");
        let is_route = |cell: &str| {
            ["`GET /", "`POST /", "`PUT /", "`PATCH /", "`DELETE /"].iter().any(|route| cell.contains(route))
        };
        let without: Vec<_> = routes.iter().filter(|(_, route)| !is_route(route)).collect();
        assert!(without.iter().all(|(_, route)| *route == "–"), "{without:?}");
        let without: BTreeSet<_> = without.into_iter().map(|(command, _)| command).collect();
        assert_eq!(without, reasons.keys().collect());
        assert!(reasons.values().all(|reason| reason.ends_with('.')), "{reasons:?}");
    }
}
