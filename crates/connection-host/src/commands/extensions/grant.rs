//! `extensions grant NAME C` and `extensions revoke NAME [C]`.

use connection_contract::SecretName;
use connection_core::{ConnectionRegistry, ExtensionHandle};

use crate::{
    Error, Exit,
    args::Grant,
    cli::Program,
    extensions::{bodies, explained, handle, open_grants},
    output::{json, name as named},
    select,
};

pub(super) async fn grant(mut program: Program, arguments: Grant) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let handle = handle(&registry, &arguments.name).await?;
    let names = names(&handle, &arguments)?;
    let connection = select::connection(&registry, &arguments.connection).await?;
    let info = connection.info();
    let granted = match registry.extensions().grant(handle.name(), info.id, &names).await {
        Ok(granted) => granted,
        Err(error) => return Err(explained(&registry, error).await),
    };
    registry.close().await;
    let output = &program.output;
    match output.json {
        true => output.shape(&json::GrantBody::of(&granted, info))?,
        false => output.line(format!("{} may use {}, {}", handle.name(), named(info), with(&names)))?,
    }
    Ok(Exit::Fine)
}

/// Returns the secrets to grant: those that are named, or all that the extension declares.
fn names(handle: &ExtensionHandle, arguments: &Grant) -> Result<Vec<SecretName>, Error> {
    let declared = &handle.requirement().auth.secret_names;
    if arguments.no_secrets {
        return Ok(Vec::new());
    }
    if arguments.names.is_empty() {
        return Ok(declared.clone());
    }
    if arguments.names.iter().any(|name| !declared.iter().any(|known| known.as_str() == name)) {
        let known: Vec<_> = declared.iter().map(SecretName::as_str).collect();
        // Do not repeat what was typed, because it may be the secret itself.
        return Err(Error::new(Exit::Usage, "undeclared", format!("'{}' declares no such secret", handle.name()))
            .remedy(format!(
                "--name takes {}",
                if known.is_empty() { "nothing here".into() } else { known.join(", ") }
            )));
    }
    // Keep the order of the declaration, with each name once.
    Ok(declared.iter().filter(|known| arguments.names.iter().any(|name| known.as_str() == name)).cloned().collect())
}

fn with(names: &[SecretName]) -> String {
    let names: Vec<_> = names.iter().map(SecretName::as_str).collect();
    if names.is_empty() { "without its secrets".into() } else { format!("with {}", names.join(", ")) }
}

pub(super) async fn revoke(mut program: Program, name: &str, reference: Option<&str>) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let mut grants = open_grants(&registry, Some(name)).await?;
    if grants.is_empty()
        && let Err(error) = registry.extensions().get(name).await
    {
        return Err(explained(&registry, error).await);
    }
    if let Some(reference) = reference {
        let connection = select::connection(&registry, reference).await?.id();
        grants.retain(|grant| grant.connection == connection);
    }
    let revoked = revoked_message(&registry, name, &grants).await?;
    registry.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&revoked)?;
    } else if revoked.is_empty() {
        output.line(format!("{name} had no such grant"))?;
    } else {
        for grant in &revoked {
            output.line(format!("{name} may no longer use {}", json::granted_name(grant)))?;
        }
    }
    Ok(Exit::Fine)
}

/// Revokes the grants; returns those that were still open, as they are afterwards.
async fn revoked_message(
    registry: &ConnectionRegistry,
    name: &str,
    grants: &[connection_core::Grant],
) -> Result<Vec<json::GrantBody>, Error> {
    let mut revoked = Vec::new();
    for grant in grants {
        if registry.extensions().revoke(name, grant.connection).await? {
            revoked.push(grant.connection);
        }
    }
    let mut now = registry.extensions().grants().await?;
    now.retain(|grant| grant.extension == name && revoked.contains(&grant.connection));
    bodies(registry, &now).await
}
