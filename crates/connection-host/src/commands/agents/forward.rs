//! `agents forward`: runs a program in a container, and passes what it sends to a port of the container on to the socket of
//! the doors, because the libraries of providers take no socket as an address.

use std::{
    convert::Infallible,
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use connection_contract::Secret;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::door::{DOOR, TOKEN, Variable};
use crate::{Error, args::Forward, commands::run::child, platform::DoorStream, program::Program};

/// The pause after a connection could not be accepted.
const RESPITE: Duration = Duration::from_millis(100);

pub(super) async fn run(program: &Program, arguments: Forward) -> Result<u8, Error> {
    let Some((executable, rest)) = arguments.program.split_first() else {
        return Err(Error::usage("there is no program to run"));
    };
    let token = program.environment.secret(TOKEN);
    let Some(token) = token.as_ref().and_then(Secret::expose_str) else {
        return Err(Error::usage(format!("the variable '{TOKEN}' holds no token")));
    };
    let mut signals = program.interrupts.passed().map_err(|error| Error::io("signals", &error))?;
    let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listening.map_err(|error| Error::io("a port of the container", &error))?;
    let address = listener.local_addr().map_err(|error| Error::io("a port of the container", &error))?;
    let doors = format!("http://{address}/use");
    let mut command = Command::new(executable);
    command.args(rest).env(DOOR, &doors);
    for argument in &arguments.set {
        let variable = Variable::parse(argument).ok_or_else(|| Error::usage("--set takes NAME=VALUE"))?;
        command.env(&variable.name, variable.value(&doors, token));
    }
    let ended = tokio::select! {
        ended = child::run(command, &mut signals) => ended,
        never = forwarding(&listener, &arguments.socket) => match never {},
    };
    ended.map_err(|error| Error::io(executable.to_string_lossy(), &error))
}

/// Passes each connection on, for as long as the future is polled.
async fn forwarding(listener: &TcpListener, socket: &Path) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(passed(stream, socket.to_owned()))),
                // For example, the system has run out of sockets.
                Err(_) => tokio::time::sleep(RESPITE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Passes a connection on until either side ends it. Without a server, the program sees that the connection ends.
async fn passed(mut stream: TcpStream, socket: PathBuf) -> io::Result<()> {
    let mut door = DoorStream::connect(&socket).await?;
    copy_bidirectional(&mut stream, &mut door).await.map(drop)
}
