//! A credential helper of docker (<https://github.com/docker/docker-credential-helpers>, "Development").

use std::io::Read as _;

use connection_contract::HelperProtocol;
use serde::Serialize;

use super::{Asked, origin, text, user};
use crate::{
    Error, Exit,
    args::{DockerAction, Helper},
    program::Program,
};

/// The text by which docker knows that there is no credential (`credentials/error.go` of the same repository).
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The maximum length of a request, in bytes.
const MAX_REQUEST: u64 = 64 * 1024;

/// The answer to `get`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'c> {
    #[serde(rename = "ServerURL")]
    server_url: &'c str,
    username: &'c str,
    secret: &'c str,
}

pub(super) async fn run(mut program: Program, helper: &Helper, action: DockerAction) -> Result<Exit, Error> {
    match action {
        DockerAction::Get => {}
        // Docker reads this list for some builds, and then asks for each address in it.
        DockerAction::List => return program.output.value("{}").map(|()| Exit::Fine),
        DockerAction::Erase | DockerAction::Store => {
            // Docker shows what stands in standard output.
            program
                .output
                .line("the credential comes from a connection, and docker can neither store nor erase one")?;
            return Ok(Exit::Refused);
        }
    }
    let mut server = String::new();
    let read = std::io::stdin().lock().take(MAX_REQUEST).read_to_string(&mut server);
    read.map_err(|error| Error::io("the request of docker", &error))?;
    let server = server.trim();
    let registry = program.open().await?;
    let released = async {
        let asked = Asked::of(&registry, helper).await?;
        match origin(server) {
            Some(origin) => asked.credential(HelperProtocol::Docker, Some(&origin), None).await,
            None => Ok(None),
        }
    };
    let released = released.await;
    registry.close().await;
    let output = &program.output;
    match released {
        Ok(Some(released)) => {
            let username = user(&released)?;
            let answer = Credentials { server_url: server, username, secret: text(&released.secret)? };
            output.value(&serde_json::to_string(&answer).unwrap_or_default())?;
            Ok(Exit::Fine)
        }
        Ok(None) => {
            output.line(NOT_FOUND)?;
            Ok(Exit::NotFound)
        }
        Err(error) => {
            output.line(error.to_string())?;
            Err(error)
        }
    }
}
