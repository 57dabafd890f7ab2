//! The commands, one file each.

mod add;
mod agents;
mod approvals;
mod backup;
mod completions;
mod config;
mod confirm;
mod credential;
mod declared;
mod default;
mod dialogue;
mod doctor;
mod events;
mod exec;
mod extensions;
mod failover;
mod files;
mod finish;
mod follow_events;
mod forget_client;
mod freeze;
mod import;
mod key;
mod kind_accept;
mod kind_add;
mod kind_draft;
mod kind_files;
mod kind_import;
mod kind_new;
mod kind_remove;
mod kind_shape;
mod kind_test;
mod kinds;
mod link;
mod list;
mod list_all_owners;
mod list_counts;
mod list_printer;
mod mcp;
mod moving;
mod open_settings;
mod own_kinds;
mod preferences;
mod profiles;
mod reauthorize;
mod refresh;
mod remove;
mod remove_kind;
mod rename;
mod resolve;
mod restore;
mod rollback;
mod rules;
mod run;
mod sandbox;
mod send;
mod serve;
mod setup;
mod setup_on_server;
mod setup_place;
mod setup_port;
mod setup_report;
mod setup_steps;
mod show;
mod tag;
mod tokens;
mod tool;
mod upgrade;
mod usage;
mod uses;
mod verify;
mod watch;
mod webhooks;

use std::process::ExitCode;

pub(crate) use doctor::exposed;

use crate::{
    Error,
    args::{Command, KindsCommand, KindsImport, SandboxCommand},
    program::Program,
};

/// Runs the command. `Ok` has the exit status of a command without an error to print.
pub(crate) async fn run(program: Program, command: Command) -> Result<ExitCode, Error> {
    let exit = match command {
        Command::Kinds { command: None, all } => kinds::list(program, all).await,
        Command::Kinds { command: Some(command), .. } => match command {
            KindsCommand::Accept { kind, yes } => kind_accept::run(program, &kind, yes).await,
            KindsCommand::Add { file, replace } => kind_add::run(&program, &file, replace),
            KindsCommand::Check { files, sources } => kind_files::check(&program, &files, sources),
            KindsCommand::ForgetClient { kind } => forget_client::run(program, &kind).await,
            KindsCommand::Import { from: KindsImport::Nango { file, output } } => {
                kind_import::nango(&program, &file, &output)
            }
            KindsCommand::New { output } => kind_new::run(&program, output).await,
            KindsCommand::Remove { kind, yes } => kind_remove::run(program, &kind, yes).await,
            KindsCommand::Schema => kind_files::schema(&program),
            KindsCommand::Show { kind } => kinds::show(program, &kind).await,
            KindsCommand::Test(arguments) => kind_test::run(program, *arguments).await,
        },
        Command::Add(arguments) => add::run(program, arguments).await,
        Command::List(arguments) => list::run(program, arguments).await,
        Command::Show { connection } => show::run(program, &connection).await,
        Command::Verify { connections, all: _, now } => verify::run(program, &connections, now).await,
        Command::Rename { connection, label } => rename::run(program, &connection, &label).await,
        Command::Tag(arguments) => tag::run(program, &arguments).await,
        Command::Link(arguments) => link::run(program, &arguments).await,
        Command::Default { connection, clear } => default::run(program, &connection, clear).await,
        Command::Reauthorize(arguments) => reauthorize::run(program, arguments).await,
        Command::Rollback { connection, yes } => rollback::run(program, &connection, yes).await,
        Command::Import(arguments) => import::run(program, arguments).await,
        Command::Refresh { connection, force } => refresh::run(program, &connection, force).await,
        Command::Webhooks(arguments) => webhooks::run(program, arguments).await,
        Command::Events { connection, follow: true } => follow_events::run(program, connection.as_deref()).await,
        Command::Events { connection, follow: false } => events::run(program, connection.as_deref()).await,
        Command::Watch(arguments) => watch::run(program, arguments).await,
        Command::Remove { kind: Some(kind), revoke, yes, .. } => remove_kind::run(program, &kind, revoke, yes).await,
        Command::Remove { connection, kind: None, revoke, yes } => {
            remove::run(program, &connection.unwrap_or_default(), revoke, yes).await
        }
        Command::Uses(arguments) => uses::run(program, *arguments).await,
        Command::Approvals { command } => approvals::run(program, command).await,
        Command::Freeze(arguments) => freeze::freeze(program, &arguments).await,
        Command::Thaw(arguments) => freeze::thaw(program, &arguments).await,
        Command::Send(arguments) => send::run(program, arguments).await,
        Command::Mcp(arguments) => mcp::run(program, arguments).await,
        Command::Rules { command } => rules::run(&program, command),
        Command::Files { connection, command } => files::run(program, &connection, command).await,
        Command::Resolve { file, verbose } => resolve::run(program, &file, verbose).await,
        Command::Agents { command } => return agents::run(program, command).await,
        Command::Credential { command } => credential::run(program, command).await,
        Command::Extensions { command } => extensions::run(program, command).await,
        Command::Preferences { command } => preferences::run(program, command).await,
        // The exit status is that of the program.
        Command::Exec(arguments) => return exec::run(program, arguments).await,
        Command::OpenSettings(arguments) => open_settings::run(program, arguments).await,
        Command::Profiles { command } => profiles::run(program, command).await,
        // The exit status is that of the tool.
        Command::Run(arguments) => return run::run(program, arguments).await,
        Command::Sandbox { command: SandboxCommand::Build { kind, file } } => {
            sandbox::build(program, &kind, file.as_deref()).await
        }
        Command::Usage(arguments) => usage::run(program, arguments).await,
        Command::Setup { command } => setup::run(program, command).await,
        Command::Backup { file } => backup::run(program, file).await,
        Command::Restore { file, mark: _ } => restore::run(program, file).await,
        Command::Move { address, undo } => moving::run(program, &address, undo).await,
        Command::Failover { synchronous } => failover::run(program, synchronous).await,
        Command::Key { command } => key::run(program, command).await,
        Command::Upgrade { command } => upgrade::run(program, command).await,
        Command::Serve(arguments) => serve::run(program, &arguments).await,
        Command::Tokens { command } => tokens::run(program, command).await,
        Command::Doctor { callback } => doctor::run(program, callback).await,
        Command::Config => config::run(&program),
        Command::Completions { shell } => completions::completions(&program, shell),
        Command::Man => completions::manual(&program),
    };
    exit.map(ExitCode::from)
}
