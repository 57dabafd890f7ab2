//! A credential helper of git (gitcredentials(7), "Custom helpers"; git-credential(1), "Input/output format").

use std::{collections::HashMap, io::Read as _};

use connection_contract::{HelperProtocol, Origin, host};
use connection_core::ConnectionRegistry;

use super::{Asked, text, user};
use crate::{
    Error, Exit,
    args::{GitAction, Helper},
    program::Program,
};

/// The maximum length of a request, in bytes.
const MAX_REQUEST: u64 = 64 * 1024;

pub(super) async fn run(mut program: Program, helper: &Helper, action: GitAction) -> Result<Exit, Error> {
    let attributes = read()?;
    // Nothing is printed for what is no host, so that git asks the next helper.
    let Some(origin) = origin(&attributes) else { return Ok(Exit::Fine) };
    if action == GitAction::Store {
        return Ok(Exit::Fine);
    }
    let answered = answered(&mut program, helper, action, &attributes, &origin).await;
    if answered.is_err() && action == GitAction::Get {
        // git asks neither another helper nor the person.
        program.output.line("quit=1")?;
    }
    answered.map(|()| Exit::Fine)
}

async fn answered(
    program: &mut Program,
    helper: &Helper,
    action: GitAction,
    attributes: &HashMap<String, String>,
    origin: &Origin,
) -> Result<(), Error> {
    let registry = program.open().await?;
    let answered = match action {
        GitAction::Erase => check(&registry, helper, origin).await,
        GitAction::Get | GitAction::Store => get(program, &registry, helper, attributes, origin).await,
    };
    registry.close().await;
    answered
}

/// Reads the attributes up to the empty line or the end. Of an attribute that comes twice, the last value counts, as in git.
fn read() -> Result<HashMap<String, String>, Error> {
    let mut request = Vec::new();
    let read = std::io::stdin().lock().take(MAX_REQUEST).read_to_end(&mut request);
    read.map_err(|error| Error::io("the request of git", &error))?;
    // What is not text is no host of a kind.
    let request = String::from_utf8_lossy(&request).into_owned();
    let lines = request.split('\n').take_while(|line| !line.is_empty());
    let pairs = lines.filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Returns the origin of a request. git decodes the host of an address, which may then hold what ends a host.
fn origin(attributes: &HashMap<String, String>) -> Option<Origin> {
    let (protocol, name) = (attributes.get("protocol")?, attributes.get("host")?);
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || ".-:[]".contains(letter);
    let is_host = ["http", "https"].contains(&&**protocol) && !name.is_empty() && name.chars().all(is_part);
    is_host.then(|| host::origin(&format!("{protocol}://{name}"))).flatten()
}

async fn get(
    program: &Program,
    registry: &ConnectionRegistry,
    helper: &Helper,
    attributes: &HashMap<String, String>,
    origin: &Origin,
) -> Result<(), Error> {
    let asked = Asked::of(registry, helper).await?;
    // A person who names another user in the address means a credential that another helper may have.
    let named = attributes.get("username").map(String::as_str);
    let released = asked.credential(HelperProtocol::Git, Some(origin), named).await?;
    let Some(released) = released else { return Ok(()) };
    let (user, secret) = (user(&released)?, text(&released.secret)?);
    let output = &program.output;
    output.value(&format!("username={user}"))?;
    output.value(&format!("password={secret}"))?;
    if let Some(until) = released.valid_until {
        output.line(format!("password_expiry_utc={}", until.seconds()))?;
    }
    Ok(())
}

/// Verifies the connection whose credential the provider may have refused.
async fn check(registry: &ConnectionRegistry, helper: &Helper, origin: &Origin) -> Result<(), Error> {
    let asked = Asked::of(registry, helper).await?;
    if let Some(connection) = asked.connection(Some(HelperProtocol::Git), Some(origin), None).await? {
        registry.connection(connection).await?.verify().await?;
    }
    Ok(())
}
