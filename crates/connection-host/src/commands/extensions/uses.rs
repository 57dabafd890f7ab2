//! `extensions use NAME C`: chooses the connection that an extension uses, in place of its provider's default. It
//! grants nothing.

use super::add::{print_extension, print_requirement};
use crate::{
    Error, Exit,
    args::Use,
    extensions::{explained, handle},
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, arguments: Use) -> Result<Exit, Error> {
    if program.server.is_some() {
        let backend = program.backend().await?;
        let connection = match &arguments.connection {
            Some(reference) => Some(select::connection_id(backend.lookup(), reference).await?),
            None => None,
        };
        print_extension(&program.output, &backend.choose(&arguments.name, connection.as_deref()).await?)?;
        return Ok(Exit::Fine);
    }
    let registry = program.open().await?;
    let handle = handle(&registry, &arguments.name).await?;
    let changed = match &arguments.connection {
        Some(reference) => {
            let connection = select::opened(&registry, reference).await?;
            registry.extensions().choose(handle.name(), connection.id()).await
        }
        None => registry.extensions().clear_choice(handle.name()).await.map(drop),
    };
    if let Err(error) = changed {
        return Err(explained(&registry, error).await);
    }
    let added = registry.extensions().get(handle.name()).await?;
    print_requirement(&program, &registry, &added, &handle).await?;
    registry.close().await;
    Ok(Exit::Fine)
}
