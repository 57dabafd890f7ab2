//! `run KIND -- ARGS`: runs a local tool with one of its identities, in its own environment or in a container.
//!
//! The profile is applied last and takes precedence over the user's variables. The only credential that is added is the
//! token or API key that the kind's tool takes in a variable. The tool's environment holds none of our own variables.

pub(super) mod child;
mod door;
mod identity;
mod passed_variables;
mod shape;

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use connection_agent::{PreparedRun, Sandbox, SandboxAccess, SandboxRun};
use connection_core::{ConnectionRegistry, SpawnOptions};

use door::{Door, Socket};
use shape::RunBody;

use super::{
    agents::door::TOKEN,
    profiles, sandbox,
    tool::{self, Variables},
};
use crate::{Error, Exit, args::Run, kind_entry::KindEntry, output::quoted, platform::Passed, program::Program};

/// The directory of the workspace in a container.
const INSIDE: &str = "/workspace";

pub(super) async fn run(mut program: Program, arguments: Run) -> Result<ExitCode, Error> {
    let kind = program.kind(&arguments.kind)?.clone();
    let tool = tool::of(&kind)?;
    if arguments.sandbox {
        sandbox::supported(&kind)?;
    }
    let workspace = workspace(arguments.workspace.as_deref())?;
    // In a container, the program is the one of the image.
    let path = match arguments.sandbox {
        true => PathBuf::from(&*tool.binary),
        false => match tool::path(&program, tool).await {
            // Another program starts the tool at the place where it is installed; the profile is the same.
            Err(error) if arguments.dry_run && kind.profiles.is_some() && error.code == "tool_missing" => {
                PathBuf::from(&*tool.binary)
            }
            found => found?,
        },
    };
    let options = arguments.args.iter().fold(SpawnOptions::new(path), SpawnOptions::arg).cwd(&workspace);
    let mut options = passed_variables::put(&program, &kind, &arguments.env, options)?;
    let named = arguments.profile.is_some() || arguments.slot.is_some();
    // A tool without profiles needs no store, unless it runs in a container.
    let mut opened = None;
    let mut identity = identity::Identity::default();
    if kind.profiles.is_some() {
        let (registry, profiles) = profiles::open(&mut program, &arguments.kind).await?;
        identity = identity::apply(&program, &arguments, &profiles, &mut options).await?;
        opened = Some(registry);
    } else if named {
        return profiles::supported(&kind).map(|()| Exit::Fine.into());
    } else if arguments.sandbox {
        opened = Some(program.open().await?);
    }
    let socket = match &arguments.with {
        Some(_) => Some(Socket::of(&program).await?),
        None => None,
    };
    let mut run = match (&opened, arguments.sandbox) {
        (Some(registry), true) => Some(contained(&program, registry, &kind, &workspace, socket.as_ref(), &options)?),
        _ => None,
    };
    let mut door = None;
    if let (Some(agent), Some(socket), Some(registry), Some(run)) = (&arguments.with, &socket, &opened, &mut run) {
        let led = Door::of(&program, registry, agent, socket).await?;
        led.lead(run)?;
        door = Some(led);
    }
    let token = identity.token.iter().map(|name| name.to_string_lossy().into_owned());
    let named: Vec<_> = arguments.env.iter().cloned().chain(token).collect();
    run.iter().try_for_each(|run| passed_variables::check_passed(&named, run))?;
    if let Some(registry) = opened.filter(|_| door.is_none()) {
        // Close the registry, because the tool may run for days. The token of an agent is revoked in it.
        registry.close().await;
    }
    let ended = match run {
        Some(run) => in_container(&program, run, door, &arguments, &options, identity.token.as_ref()).await,
        None => on_host(&program, arguments.dry_run, &options, identity.token.as_ref()).await,
    };
    // The tool has ended, so its profile may be removed.
    drop(identity);
    ended.map(ExitCode::from)
}

/// Returns the workspace: an existing directory, as an absolute path.
fn workspace(named: Option<&Path>) -> Result<PathBuf, Error> {
    let path = named.unwrap_or(Path::new("."));
    let shown = named.map_or("the current directory".to_owned(), |path| path.display().to_string());
    let path = path.canonicalize().map_err(|error| Error::io(&shown, &error))?;
    match path.is_dir() {
        true => Ok(path),
        false => Err(Error::usage(format!("{shown} is not a directory")).remedy("name one with --workspace")),
    }
}

fn contained(
    program: &Program,
    registry: &ConnectionRegistry,
    kind: &KindEntry,
    workspace: &Path,
    socket: Option<&Socket>,
    options: &SpawnOptions,
) -> Result<SandboxRun, Error> {
    let name = &kind.descriptor.kind;
    let policy = program.settings.sandbox.policy(name, sandbox::engine_here(program));
    let policy = policy.project(workspace, INSIDE, SandboxAccess::Writable).scratch(program.settings.copies());
    let person = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let policy = if person { policy.terminal() } else { policy };
    let policy = match socket {
        Some(socket) => socket.mounted(policy),
        None => policy,
    };
    Ok(Sandbox::new(registry, name)?.compose(&policy, options)?)
}

async fn in_container(
    program: &Program,
    run: SandboxRun,
    door: Option<Door>,
    arguments: &Run,
    options: &SpawnOptions,
    token: Option<&OsString>,
) -> Result<u8, Error> {
    for left_out in run.left_out.iter().filter(|_| !program.output.json) {
        program.output.note(format!("left out: {left_out}"));
    }
    if arguments.dry_run {
        if let Some(door) = &door {
            door.close(program, None).await;
        }
        // The user's variables may be secret, and the user who runs the printed line has them already.
        let of_profile = run.env.iter().filter(|(name, _)| !arguments.env.contains(name));
        let env = of_profile.map(|(name, value)| (name.into(), value.clone())).collect();
        let variables = Variables { without: Vec::new(), env, secrets: BTreeSet::new() }.with_secret(token);
        let of_door = OsString::from(TOKEN);
        let variables = variables.with_secret(door.as_ref().map(|_| &of_door));
        return print_command(program, &run.argv(), &variables, &run.left_out, options);
    }
    let engine = run.engine;
    let mut signals = caught(program)?;
    let mut preparing = tokio::task::spawn_blocking(move || run.prepare());
    let (prepared, received) = tokio::select! {
        prepared = &mut preparing => (prepared, None),
        // Wait for the copying to end, so that the copies are removed.
        signal = signals.next() => (preparing.await, Some(signal)),
    };
    let prepared: PreparedRun =
        prepared.map_err(|_| Error::new(Exit::Unexpected, "crashed", "the copies for the container failed"))??;
    if let Some(signal) = received {
        return Ok(signal.exit_code());
    }
    let mut command = prepared.command();
    let mut issued = None;
    if let Some(door) = &door {
        match door.open(&arguments.kind, &mut command).await {
            Ok(token) => issued = Some(token),
            Err(error) => {
                door.close(program, None).await;
                return Err(error);
            }
        }
    }
    of_tools(program, &SpawnOptions::new(""), &mut command);
    let ended = child::run(command, &mut signals).await.map_err(|error| sandbox::not_started(engine, &error));
    if let Some(door) = door {
        door.close(program, issued.as_ref()).await;
    }
    // Remove the private copies after the container has ended.
    drop(prepared);
    ended
}

async fn on_host(program: &Program, dry: bool, options: &SpawnOptions, token: Option<&OsString>) -> Result<u8, Error> {
    if dry {
        let argv: Vec<_> =
            std::iter::once(options.program.clone().into()).chain(options.args.iter().cloned()).collect();
        return print_command(program, &argv, &Variables::of(program, options).with_secret(token), &[], options);
    }
    let mut command = Command::new(&options.program);
    command.args(&options.args).envs(&options.env);
    if let Some(cwd) = &options.cwd {
        command.current_dir(cwd);
    }
    of_tools(program, options, &mut command);
    child::run(command, &mut caught(program)?).await.map_err(|error| Error::io(options.program.display(), &error))
}

fn caught(program: &Program) -> Result<Passed, Error> {
    program.interrupts.passed().map_err(|error| Error::io("signals", &error))
}

/// Gives a command the user's environment without the variables of this program. Variables that are already set take
/// precedence.
fn of_tools(program: &Program, options: &SpawnOptions, command: &mut Command) {
    let own: Vec<_> = command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    command.env_clear();
    let others = program.environment.of_extensions(program.settings.key.variable.as_deref());
    command.envs(others.filter(|(name, _)| !options.without.contains::<OsStr>(name)));
    command.envs(own.into_iter().filter_map(|(name, value)| Some((name, value?))));
}

/// Prints what would be run, with only the variables that the profile sets, and only the name of a token's variable.
fn print_command(
    program: &Program,
    argv: &[OsString],
    variables: &Variables,
    left_out: &[String],
    options: &SpawnOptions,
) -> Result<u8, Error> {
    let output = &program.output;
    if output.json {
        output.shape(&RunBody::of(argv, variables, left_out, options))?;
    } else {
        let words = argv.iter().map(|word| quoted(&word.to_string_lossy()));
        output.line(variables.words().into_iter().chain(words).collect::<Vec<_>>().join(" "))?;
    }
    Ok(Exit::Fine.number())
}
