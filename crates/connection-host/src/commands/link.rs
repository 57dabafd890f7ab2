//! `link C`: makes a setup link with which somebody else repairs a connection, or connects a new account.

use connection_contract::Kind;
use connection_core::{ConnectionRegistry, Error as CoreError, NewSetupLink};

use super::tag;
use crate::{
    Error, Exit,
    args::Link,
    cli::Program,
    output::{Output, json, short_id},
    select,
};

/// The time in which a link can be opened, as people read it.
const LIFETIME: &str = "30 minutes";

pub(super) async fn run(mut program: Program, arguments: &Link) -> Result<Exit, Error> {
    let inbound = &program.settings.inbound;
    let page = inbound.url(inbound.listen()?)?.to_string();
    let registry = program.open().await?;
    let link = new_link(&program, &registry, arguments).await?;
    let issued = registry.access_tokens().create_link(link).await?;
    registry.close().await;
    let body = json::SetupLinkBody::of(&issued, page.trim_end_matches('/'));
    if program.output.json {
        program.output.shape(&body)?;
        return Ok(Exit::Fine);
    }
    print_link(&program.output, body.address(), &issued.token.id.to_string())
}

async fn new_link(program: &Program, registry: &ConnectionRegistry, arguments: &Link) -> Result<NewSetupLink, Error> {
    let owner = registry.owner_name();
    let link = match &arguments.connection {
        Some(reference) => {
            let connection = select::connection(registry, reference).await?;
            if !connection.info().registered {
                return Err(CoreError::UnknownKind(connection.info().kind.clone()).into());
            }
            NewSetupLink::repair(owner, arguments.name.clone(), connection.id())
        }
        None => {
            let tags = tag::parsed(&arguments.tags)?;
            let mut kinds = Vec::new();
            for name in &arguments.kinds {
                let kind = Kind::parse(name).ok_or_else(|| Error::usage("--kind does not accept this value"))?;
                if registry.kinds().get(&kind).is_none() {
                    return Err(CoreError::UnknownKind(kind).into());
                }
                kinds.push(kind);
            }
            NewSetupLink::new(owner, arguments.name.clone(), kinds).tags(tags)
        }
    };
    match &arguments.return_to {
        Some(address) if !program.settings.page.allows(address) => {
            Err(Error::usage("--return-to takes an address of 'page.return_addresses' alone, perhaps with a query")
                .remedy("add the address to 'page.return_addresses' in the configuration"))
        }
        Some(address) => Ok(link.return_to(address)),
        None => Ok(link),
    }
}

pub(super) fn print_link(output: &Output, address: &str, id: &str) -> Result<Exit, Error> {
    output.line(address)?;
    output.note(format!(
        "Give this address to the person: it can be opened once, within {LIFETIME}, while `connections serve` runs."
    ));
    output.note(format!("`connections tokens revoke {}` ends it until then.", short_id(id)));
    Ok(Exit::Fine)
}
