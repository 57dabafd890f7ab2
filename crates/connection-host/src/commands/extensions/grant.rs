//! `extensions grant NAME C` and `extensions revoke NAME [C]`.

use connection_api::{Extension, Grant};

use crate::{
    Error, Exit,
    args::Grant as GrantArguments,
    commands::rules::given_rules,
    output::{Output, json},
    program::Program,
    select,
};

pub(super) async fn grant(mut program: Program, arguments: GrantArguments) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let extension = backend.extension(&arguments.name).await?;
    let names = names(&extension, &arguments)?;
    let connection = select::connection(&*backend, &arguments.connection).await?.connection;
    let granted = match &arguments.rules {
        Some(rules) => {
            let rules = given_rules(rules, &connection)?;
            backend.grant_within(&extension.name, &connection.id, rules).await?
        }
        None => backend.grant(&extension.name, &connection.id, names).await?,
    };
    backend.close().await;
    let output = &program.output;
    match output.json {
        true => output.shape(&granted)?,
        false => print(output, &extension.name, &granted)?,
    }
    Ok(Exit::Fine)
}

/// Prints what an extension may do.
fn print(output: &Output, extension: &str, grant: &Grant) -> Result<(), Error> {
    let connection = json::granted_name(grant);
    let Some(words) = &grant.words else {
        return output.line(format!("{extension} may use {connection}, {}", with(&grant.secret_names)));
    };
    output.line(format!("{extension} may use {connection} without its secrets, within rules:"))?;
    words.iter().try_for_each(|line| output.line(format!("  {line}")))
}

/// Returns the secrets to grant: those that are named, or all that the extension declares.
fn names(extension: &Extension, arguments: &GrantArguments) -> Result<Vec<String>, Error> {
    let declared = &extension.secret_names;
    if arguments.no_secrets {
        return Ok(Vec::new());
    }
    if arguments.names.is_empty() {
        return Ok(declared.clone());
    }
    if arguments.names.iter().any(|name| !declared.contains(name)) {
        // Do not repeat what was typed, because it may be the secret itself.
        return Err(Error::new(Exit::Usage, "undeclared", format!("'{}' declares no such secret", extension.name))
            .remedy(format!(
                "--name takes {}",
                if declared.is_empty() { "nothing here".into() } else { declared.join(", ") }
            )));
    }
    // Keep the order of the declaration, with each name once.
    Ok(declared.iter().filter(|known| arguments.names.contains(known)).cloned().collect())
}

fn with(names: &[String]) -> String {
    if names.is_empty() { "without its secrets".into() } else { format!("with {}", names.join(", ")) }
}

pub(super) async fn revoke(mut program: Program, name: &str, reference: Option<&str>) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    // An extension that was not added may have grants, too.
    let known = backend.extensions().await?.into_iter().find(|known| known.name == name);
    let known = match known {
        Some(known) => known,
        None => backend.extension(name).await?,
    };
    let mut grants = known.grants;
    if let Some(reference) = reference {
        let id = select::connection_id(backend.lookup(), reference).await?;
        grants.retain(|grant| grant.connection == id);
    }
    let mut revoked = Vec::new();
    for grant in grants {
        revoked.extend(backend.revoke(grant).await?);
    }
    backend.close().await;
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
