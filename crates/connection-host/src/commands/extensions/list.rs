//! `extensions`: lists the added extensions, the state of their requirements and their grants, and the grants that a
//! host gave to extensions that were not added.

use std::collections::{BTreeMap, HashMap};

use connection_contract::ExtensionDeclaration;
use connection_core::ConnectionRegistry;

use crate::{
    Error, Exit,
    cli::Program,
    extensions::open_grants,
    input::stored,
    output::{Table, json, reauthorize_command, short_id},
    select,
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
        let uses: Vec<_> = body.grants.iter().map(json::granted_secrets).collect();
        table.row([
            body.name.as_str().into(),
            body.provider.as_deref().unwrap_or_default().into(),
            body.status.unwrap_or("unknown").into(),
            uses.join(", ").into(),
            note(body).into(),
        ]);
    }
    output.table(&table)?;
    Ok(Exit::Fine)
}

/// Returns the error, or the missing scopes with the command that requests them.
fn note(body: &json::ExtensionBody) -> String {
    match (&body.error, &body.connection) {
        (Some(error), _) => error.message.clone(),
        (None, Some(id)) if !body.missing_scopes.is_empty() => {
            let scopes = body.missing_scopes.join(", ");
            let command = reauthorize_command(short_id(id), &body.askable_scopes);
            format!("lacks the scopes {scopes}: {command}")
        }
        _ => String::new(),
    }
}

/// Returns the shapes of all extensions. The number of queries does not depend on how many there are.
async fn all(registry: &ConnectionRegistry) -> Result<Vec<json::ExtensionBody>, Error> {
    let added = registry.extensions().list().await?;
    let mut grants = granted(registry).await?;
    let files = added.iter().map(|added| stored(&added.name, &added.source)).collect::<Vec<_>>();
    let declarations: Vec<ExtensionDeclaration> =
        files.iter().filter_map(|file| file.as_ref().ok().map(|file| file.declaration().clone())).collect();
    let mut resolved = registry.extensions().resolve_all(&declarations).await?.into_iter();
    let bodies = added.iter().zip(files).map(|(added, file)| {
        let body = json::ExtensionBody::of(added, grants.remove(&added.name).unwrap_or_default());
        match file {
            // A manifest that cannot be read affects its own extension only.
            Err(error) => body.failed((&error).into()),
            Ok(file) => {
                let body = body.declared(file.declaration());
                // There is one result for each declaration.
                match resolved.next() {
                    Some(Ok(resolved)) => body.resolved(&resolved),
                    Some(Err(error)) => body.failed((&Error::from(error)).into()),
                    None => body,
                }
            }
        }
    });
    let mut bodies: Vec<_> = bodies.collect();
    // The requirements of these extensions are unknown, but a person must be able to see their grants.
    bodies.extend(grants.into_iter().map(|(name, grants)| {
        let remedy = json::unadded_remedy(&name);
        json::ExtensionBody::unadded(name, grants, remedy)
    }));
    Ok(bodies)
}

/// Returns the grants of each extension, by its name.
async fn granted(registry: &ConnectionRegistry) -> Result<BTreeMap<String, Vec<json::GrantBody>>, Error> {
    let mut granted: BTreeMap<String, Vec<json::GrantBody>> = BTreeMap::new();
    let open = open_grants(registry, None).await?;
    if open.is_empty() {
        return Ok(granted);
    }
    let infos: HashMap<_, _> = select::all(registry).await?.into_iter().map(|info| (info.id, info)).collect();
    for grant in &open {
        // The grant of a connection that was removed in the meantime has been removed with it.
        if let Some(info) = infos.get(&grant.connection) {
            granted.entry(grant.extension.clone()).or_default().push(json::GrantBody::of(grant, info));
        }
    }
    Ok(granted)
}
