//! `link C`: makes a setup link with which somebody else repairs a connection, or connects a new account.

use connection_api::NewSetupLink;

use super::{kinds::is_declared, tag};
use crate::{Error, Exit, args::Link, output::short_id, program::Program, select};

/// The time in which a link can be opened, as people read it.
const LIFETIME: &str = "30 minutes";

pub(super) async fn run(mut program: Program, arguments: &Link) -> Result<Exit, Error> {
    let tags = tag::parsed(&arguments.tags)?;
    let backend = program.backend().await?;
    let link = match &arguments.connection {
        Some(reference) => NewSetupLink::repair(select::connection_id(backend.lookup(), reference).await?),
        None => {
            // A lookup suggests the name that was meant if there is no such kind.
            for kind in arguments.kinds.iter().filter(|kind| !is_declared(kind)) {
                program.place_kinds().show(kind).await?;
            }
            let link = NewSetupLink::kinds(arguments.kinds.iter().cloned());
            tags.iter().fold(link, |link, (name, value)| link.tag(name, value))
        }
    };
    let link = arguments.return_to.iter().fold(link.name(arguments.name.as_str()), NewSetupLink::return_to);
    let link = backend.create_link(link).await?;
    backend.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&link)?;
        return Ok(Exit::Fine);
    }
    output.line(&link.address)?;
    output.note(format!(
        "Give this address to the person: it can be opened once, within {LIFETIME}, while `connections serve` runs."
    ));
    output.note(format!("`connections tokens revoke {}` ends it until then.", short_id(&link.id)));
    Ok(Exit::Fine)
}
