//! `extensions`: every one that was added, what becomes of what it needs, and what it may use.

use connection_contract::ExtensionDeclaration;
use connection_core::{ConnectionRegistry, ExtensionInfo, Grant};

use crate::{
    Error, Exit,
    cli::Program,
    extensions::{bodies, open_grants},
    input::stored,
    output::{Table, json},
};

pub(super) async fn run(mut program: Program) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let bodies = all(&registry).await?;
    registry.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&bodies)?;
        return Ok(Exit::Fine);
    }
    if bodies.is_empty() {
        output.line("No extension was added. `connections extensions add FILE` adds one.")?;
        return Ok(Exit::Fine);
    }
    let mut table = Table::new(["EXTENSION", "PROVIDER", "STATUS", "MAY USE", "NOTE"], 1);
    for body in &bodies {
        let uses: Vec<_> = body.grants.iter().map(json::GrantBody::told).collect();
        table.row([
            body.name.as_str().into(),
            body.provider.as_str().into(),
            body.status.unwrap_or("unknown").into(),
            uses.join(", ").into(),
            body.error.as_ref().map(|error| error.message.clone()).unwrap_or_default().into(),
        ]);
    }
    output.table(&table)?;
    Ok(Exit::Fine)
}

/// In a handful of queries, however many there are.
async fn all(registry: &ConnectionRegistry) -> Result<Vec<json::ExtensionBody>, Error> {
    let added = registry.extensions().await?;
    let grants = open_grants(registry, None).await?;
    let files = added.iter().map(|added| stored(&added.name, &added.source)).collect::<Vec<_>>();
    let declarations: Vec<ExtensionDeclaration> =
        files.iter().filter_map(|file| file.as_ref().ok().map(|file| file.declaration().clone())).collect();
    let mut resolved = registry.resolve_all(&declarations).await?.into_iter();
    let mut all = Vec::new();
    for (added, file) in added.iter().zip(files) {
        let body = of(registry, added, &grants).await?;
        all.push(match file {
            // What cannot be read harms nobody but who declared it.
            Err(error) => json::ExtensionBody { error: Some((&error).into()), ..body },
            Ok(file) => {
                let body = body.declared(file.declaration());
                // One for each declaration.
                match resolved.next() {
                    Some(Ok(resolved)) => body.resolved(&resolved),
                    Some(Err(error)) => json::ExtensionBody { error: Some((&Error::from(error)).into()), ..body },
                    None => body,
                }
            }
        });
    }
    Ok(all)
}

async fn of(
    registry: &ConnectionRegistry,
    added: &ExtensionInfo,
    grants: &[Grant],
) -> Result<json::ExtensionBody, Error> {
    let own: Vec<_> = grants.iter().filter(|grant| grant.extension == added.name).cloned().collect();
    Ok(json::ExtensionBody::of(added, bodies(registry, &own).await?))
}
