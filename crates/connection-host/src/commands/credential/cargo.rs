//! A credential provider of cargo (<https://doc.rust-lang.org/cargo/reference/credential-provider-protocol.html>).
//!
//! Cargo runs the program with `--cargo-plugin` alone, and sends the other arguments of its configuration in the request.

use std::io::{BufRead as _, Read as _};

use clap::Parser;
use connection_contract::HelperProtocol;
use connection_core::ReleasedCredential;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, origin, text};
use crate::{
    Error, Exit,
    args::{CargoHelper, Helper},
    program::Program,
};

/// The version of the protocol.
const VERSION: u32 = 1;
/// The maximum length of a request, in bytes.
const MAX_REQUEST: u64 = 64 * 1024;

/// A request of cargo. What is not read here makes no difference to the answer.
#[derive(Deserialize)]
struct Request {
    v: u32,
    kind: String,
    registry: Registry,
    #[serde(default)]
    args: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Registry {
    index_url: String,
}

/// The arguments in a request.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Arguments {
    #[command(flatten)]
    helper: Helper,
}

/// The reason why cargo gets no token.
enum Refused {
    /// Cargo asks another provider.
    Registry,
    /// The action is not one of this program.
    Action,
    /// Cargo shows the error.
    Other(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

pub(super) async fn run(mut program: Program, arguments: CargoHelper) -> Result<Exit, Error> {
    program.output.value(&json!({ "v": [VERSION] }).to_string())?;
    // Cargo waits for each answer before it sends the next request. It shows no error of a program that fails.
    while let Some(line) = next_line()? {
        let answered = answered(&mut program, &arguments, &line).await;
        program.output.value(&answer(answered)?.to_string())?;
    }
    Ok(Exit::Fine)
}

fn next_line() -> Result<Option<String>, Error> {
    let mut line = String::new();
    let read = std::io::stdin().lock().take(MAX_REQUEST).read_line(&mut line);
    let read = read.map_err(|error| Error::io("the request of cargo", &error))?;
    Ok((read > 0).then_some(line))
}

async fn answered(program: &mut Program, arguments: &CargoHelper, line: &str) -> Result<ReleasedCredential, Refused> {
    let request: Request = serde_json::from_str(line)
        .map_err(|_| Error::usage("the request is not one of cargo's credential provider protocol"))?;
    if request.v != VERSION {
        return Err(Error::usage(format!("cargo speaks version {} of the protocol", request.v)).into());
    }
    if request.kind != "get" {
        return Err(Refused::Action);
    }
    let helper = helper(arguments, &request.args)?;
    let address = request.registry.index_url;
    let address = address.strip_prefix("sparse+").or_else(|| address.strip_prefix("registry+")).unwrap_or(&address);
    let origin = origin(address).ok_or(Refused::Registry)?;
    let registry = program.open().await?;
    let released = async {
        let asked = Asked::of(&registry, &helper).await?;
        asked.credential(HelperProtocol::Cargo, Some(&origin), None).await
    };
    let released = released.await;
    registry.close().await;
    released?.ok_or(Refused::Registry)
}

/// Returns the agent and the connection that the arguments in the request name, or those of the command line.
fn helper(arguments: &CargoHelper, words: &[String]) -> Result<Helper, Error> {
    let of_command = ["credential", "cargo"];
    let is_whole = words.iter().take(2).eq(of_command.iter());
    let words = if is_whole { words.get(of_command.len()..).unwrap_or_default() } else { words };
    match (&arguments.agent, words) {
        (Some(agent), []) => Ok(Helper { agent: agent.clone(), connection: arguments.connection.clone() }),
        _ => {
            let example = r#"credential-provider = ["connections", "credential", "cargo", "--agent", "NAME"]"#;
            let refused = |_| {
                Error::usage("the configuration of cargo names no agent, or has other arguments")
                    .remedy(format!("write {example}"))
            };
            Ok(Arguments::try_parse_from(words).map_err(refused)?.helper)
        }
    }
}

/// Returns the answer as cargo reads it.
fn answer(answered: Result<ReleasedCredential, Refused>) -> Result<Value, Error> {
    let released = match answered {
        Ok(released) => released,
        Err(Refused::Registry) => return Ok(json!({ "Err": { "kind": "url-not-supported" } })),
        Err(Refused::Action) => return Ok(json!({ "Err": { "kind": "operation-not-supported" } })),
        Err(Refused::Other(error)) => {
            return Ok(json!({ "Err": { "kind": "other", "message": error.to_string(), "caused-by": [] } }));
        }
    };
    let mut answer = json!({
        "kind": "get",
        "token": text(&released.secret)?,
        "cache": "session",
        "operation_independent": true,
    });
    if let Some(until) = released.valid_until {
        answer["cache"] = "expires".into();
        answer["expiration"] = until.seconds().into();
    }
    Ok(json!({ "Ok": answer }))
}
