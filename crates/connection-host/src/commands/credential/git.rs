//! A credential helper of git (gitcredentials(7), "Custom helpers"; git-credential(1), "Input/output format").

use std::{collections::HashMap, io::Read as _};

use connection_contract::{HelperProtocol, host};
use connection_core::ConnectionRegistry;

use super::{Asked, text};
use crate::{
    Error, Exit,
    args::{GitAction, Helper},
    program::Program,
};

/// The maximum length of a request, in bytes.
const MAX_REQUEST: u64 = 64 * 1024;

pub(super) async fn run(mut program: Program, helper: &Helper, action: GitAction) -> Result<Exit, Error> {
    let attributes = read()?;
    if action == GitAction::Store {
        return Ok(Exit::Fine);
    }
    let registry = program.open().await?;
    let answered = match action {
        GitAction::Erase => check(&registry, helper, &attributes).await,
        GitAction::Get | GitAction::Store => get(&program, &registry, helper, &attributes).await,
    };
    registry.close().await;
    if answered.is_err() {
        // git asks neither another helper nor the person.
        program.output.line("quit=1")?;
    }
    answered.map(|()| Exit::Fine)
}

/// Reads the attributes up to the empty line or the end. Of an attribute that comes twice, the last value counts, as in git.
fn read() -> Result<HashMap<String, String>, Error> {
    let mut request = String::new();
    let read = std::io::stdin().lock().take(MAX_REQUEST).read_to_string(&mut request);
    read.map_err(|error| Error::io("the request of git", &error))?;
    let lines = request.lines().take_while(|line| !line.is_empty());
    let pairs = lines.filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn origin(attributes: &HashMap<String, String>) -> Option<connection_contract::Origin> {
    let (protocol, name) = (attributes.get("protocol")?, attributes.get("host")?);
    host::origin(&format!("{protocol}://{name}"))
}

async fn get(
    program: &Program,
    registry: &ConnectionRegistry,
    helper: &Helper,
    attributes: &HashMap<String, String>,
) -> Result<(), Error> {
    let asked = Asked::of(registry, helper).await?;
    // Nothing is printed for another host, so that git asks the next helper.
    let Some(origin) = origin(attributes) else { return Ok(()) };
    let Some(released) = asked.credential(HelperProtocol::Git, Some(&origin)).await? else { return Ok(()) };
    let output = &program.output;
    output.line(format!("username={}", released.user.as_deref().unwrap_or_default()))?;
    output.value(&format!("password={}", text(&released.secret)?))?;
    if let Some(until) = released.valid_until {
        output.line(format!("password_expiry_utc={}", until.seconds()))?;
    }
    Ok(())
}

/// Verifies the connection whose credential the provider may have refused.
async fn check(
    registry: &ConnectionRegistry,
    helper: &Helper,
    attributes: &HashMap<String, String>,
) -> Result<(), Error> {
    let asked = Asked::of(registry, helper).await?;
    let Some(origin) = origin(attributes) else { return Ok(()) };
    if let Some(connection) = asked.connection(Some(HelperProtocol::Git), Some(&origin)).await? {
        registry.connection(connection).await?.verify().await?;
    }
    Ok(())
}
