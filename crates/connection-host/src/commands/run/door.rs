//! `run --sandbox --with AGENT`: the doors of an agent in the container, through the socket of the server.
//!
//! The container gets the directory of the socket and this program, which passes on what the tool sends to a port of the
//! container. So the tool reaches its accounts without a network, too.

use std::{ffi::OsString, io, path::PathBuf, process::Command};

use connection_agent::{SandboxAccess, SandboxPolicy, SandboxRun};
use connection_api::IssuedAgentToken;
use connection_core::ConnectionRegistry;

use crate::{
    Error, Exit,
    backend::{Backend as _, Local},
    commands::agents::door::{self, TOKEN, Variable},
    output::quoted,
    platform::{DoorStream, is_own, is_writable_by_others},
    program::Program,
};

/// The directory of the socket in a container.
const INSIDE: &str = "/run/connections/doors";
/// This program in a container.
const PROGRAM: &str = "/run/connections/program";
/// The time after which the token ends if this process is killed.
const LIFETIME: &str = "12h";

/// The doors of an agent for one run.
pub(super) struct Door {
    backend: Local,
    agent: String,
    /// The path of the socket in the container.
    socket: String,
    variables: Vec<Variable>,
}

/// The socket of the running server, in a directory that a container may see.
pub(super) struct Socket {
    directory: PathBuf,
    name: String,
}

impl Socket {
    /// Finds the socket of the server.
    ///
    /// # Errors
    ///
    /// Returns an error if no socket is configured, no server listens at it, or the container would see more than it.
    pub(super) async fn of(program: &Program) -> Result<Self, Error> {
        let Some(path) = &program.settings.inbound.unix_socket else {
            let error =
                Error::configuration("--with needs the socket of the server, and inbound.unix_socket is not set");
            return Err(error.remedy("set it to a path in a directory of its own, and restart `connections serve`"));
        };
        let shown = path.display();
        let error = |message: String| Error::new(Exit::Unexpected, "host_unreachable", message);
        match DoorStream::connect(path).await {
            // Whoever listens there receives the token.
            Ok(stream) if is_own(&stream) => {}
            Ok(_) => {
                let error = error(format!("a program of another user listens at the socket {shown}"));
                return Err(error.remedy("set inbound.unix_socket to a path that other users cannot write"));
            }
            Err(problem) => {
                let error = error(format!("no server listens at the socket {shown}: {problem}"));
                return Err(error.remedy("start one with `connections serve`"));
            }
        }
        let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
            return Err(error(format!("{shown} has no directory that a container can have")));
        };
        let directory = directory.canonicalize().map_err(|problem| Error::io(&shown, &problem))?;
        if is_writable_by_others(&directory).map_err(|problem| Error::io(directory.display(), &problem))? {
            let error = Error::configuration(format!("other users can write the directory of the socket {shown}"));
            return Err(error.remedy(format!("`chmod go-w {}` corrects it", quoted(&directory.to_string_lossy()))));
        }
        let entries = directory.read_dir().map_err(|problem| Error::io(directory.display(), &problem))?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>();
        let names = names.map_err(|problem| Error::io(directory.display(), &problem))?;
        if let Some(other) = names.iter().find(|found| **found != *name) {
            let message = format!(
                "the directory of the socket {shown} also has '{}', which the container would see",
                other.to_string_lossy()
            );
            let remedy = "set inbound.unix_socket to a path in a directory of its own";
            return Err(Error::configuration(message).remedy(remedy));
        }
        Ok(Self { directory, name: name.to_owned() })
    }

    /// Mounts the directory of the socket, because a server that starts again makes another socket in it, and this
    /// program.
    pub(super) fn mounted(&self, policy: SandboxPolicy) -> SandboxPolicy {
        policy.shared_directory(&self.directory, INSIDE, SandboxAccess::ReadOnly).own_program(PROGRAM)
    }
}

impl Door {
    pub(super) async fn of(
        program: &Program,
        registry: &ConnectionRegistry,
        agent: &str,
        socket: &Socket,
    ) -> Result<Self, Error> {
        let backend = Local::new(registry.clone(), program.settings.clone());
        let variables = door::variables(&backend, agent, &[]).await?;
        Ok(Self { backend, agent: agent.to_owned(), socket: format!("{INSIDE}/{}", socket.name), variables })
    }

    /// Makes the container start the tool through this program.
    ///
    /// # Errors
    ///
    /// Returns an error if a variable of the doors is also one of the profile, of the kind or of `--env`.
    pub(super) fn lead(&self, run: &mut SandboxRun) -> Result<(), Error> {
        let is_set = |name: &str| run.env.contains_key(name) || run.public_env.contains_key(name);
        let names = self.variables.iter().map(|variable| variable.name.as_str()).chain([TOKEN, door::DOOR]);
        if let Some(twice) = names.into_iter().find(|name| is_set(name)) {
            let message = format!("the doors of the agent {} set {twice}, which is set already", self.agent);
            let remedy = "use a profile without this login, leave --env out, or revoke the grant that sets it";
            return Err(Error::usage(message).remedy(remedy));
        }
        let tool = std::mem::replace(&mut run.program, PROGRAM.into());
        let of_tool = std::mem::take(&mut run.args);
        run.args = ["agents", "forward", "--socket", &self.socket].map(OsString::from).into();
        for variable in &self.variables {
            run.args.extend(["--set".into(), variable.argument().into()]);
        }
        run.args.extend(["--".into(), tool]);
        run.args.extend(of_tool);
        // The engine passes the variable on; its value is set when it starts.
        run.env.insert(TOKEN.to_owned(), OsString::new());
        Ok(())
    }

    /// Makes the token, and gives it to the engine that runs this tool.
    pub(super) async fn open(&self, tool: &str, command: &mut Command) -> Result<IssuedAgentToken, Error> {
        let issued = door::issue(&self.backend, &self.agent, tool, LIFETIME).await?;
        command.env(TOKEN, &issued.token);
        Ok(issued)
    }

    /// Revokes the token after the run.
    pub(super) async fn close(&self, program: &Program, issued: Option<&IssuedAgentToken>) {
        if let Some(issued) = issued {
            door::revoke(program, &self.backend, &self.agent, issued).await;
        }
        self.backend.close().await;
    }
}
