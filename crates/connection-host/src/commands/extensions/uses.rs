//! `extensions use NAME C`: chooses the connection that an extension uses, in place of its provider's default. It
//! grants nothing.

use super::add::print_requirement;
use crate::{
    Error, Exit,
    args::Use,
    cli::Program,
    extensions::{explained, handle},
    select,
};

pub(super) async fn run(mut program: Program, arguments: Use) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let handle = handle(&registry, &arguments.name).await?;
    let changed = match &arguments.connection {
        Some(reference) => {
            let connection = select::connection(&registry, reference).await?;
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
