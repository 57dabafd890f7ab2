//! `extensions add FILE`: stores the declaration of an extension. An existing extension of that name keeps everything
//! else.

use connection_api::{Extension, RequirementStatus};
use connection_core::{ConnectionRegistry, ExtensionHandle, ExtensionInfo};
use connection_server::view;

use crate::{
    Error, Exit,
    commands::{
        declared,
        resolve::{Notes, print},
        show::fact,
    },
    input::{self, Manifest},
    output::{Output, short_id},
    program::Program,
};

pub(super) async fn run(mut program: Program, file: &str, verbose: bool) -> Result<Exit, Error> {
    let Manifest { file, text } = input::manifest(file)?;
    let notes = Notes::of(&program.output, &file, verbose);
    if program.server.is_some() {
        let backend = program.backend().await?;
        let added = backend.add_extension(file, text).await?;
        print_extension(&program.output, &added)?;
        notes.last(&program.output);
        return Ok(Exit::Fine);
    }
    let registry = program.open().await?;
    let declaration = file.into_declaration();
    let similar = declared::similar_provider(&registry, &declaration);
    declared::check(&mut program, &registry, &declaration)?;
    if let Some(similar) = similar.filter(|_| !program.output.json) {
        program.output.note(format!(
            "No kind connects {}, so the extension's own declaration does. If {similar} is meant, correct \"provider\" in \
             the manifest and add it again; `connections kinds` lists what can be connected.",
            declaration.requirement.provider
        ));
    }
    let added = registry.extensions().add(&declaration, text).await?;
    let handle = registry.extensions().handle(declaration)?;
    print_requirement(&program, &registry, &added, &handle).await?;
    registry.close().await;
    notes.last(&program.output);
    Ok(Exit::Fine)
}

/// Prints the state of an extension's requirement.
pub(super) async fn print_requirement(
    program: &Program,
    registry: &ConnectionRegistry,
    added: &ExtensionInfo,
    handle: &ExtensionHandle,
) -> Result<(), Error> {
    let output = &program.output;
    if output.json {
        return output.shape(&view::extension(registry, &added.name).await?);
    }
    let resolved = handle.resolve(handle.requirement()).await?;
    print(output, registry, handle, &resolved, None).await
}

/// Prints the state of an extension on a server, which does not tell what else the manifest says.
pub(super) fn print_extension(output: &Output, of: &Extension) -> Result<(), Error> {
    if output.json {
        return output.shape(of);
    }
    let whom = format!("{} ({})", of.title.as_deref().unwrap_or_default(), of.provider.as_deref().unwrap_or_default());
    let names = of.secret_names.join(", ");
    fact(output, "extension", &of.name)?;
    fact(output, "needs", &if names.is_empty() { whom } else { format!("{whom}, {names}") })?;
    fact(output, "status", of.status.map_or("unknown", RequirementStatus::as_str))?;
    if let Some(error) = &of.error {
        fact(output, "because", &error.message)?;
    }
    if let Some(connection) = &of.connection {
        fact(output, "connection", short_id(connection))?;
        fact(output, "granted", if of.granted { "yes" } else { "no" })?;
    }
    if !of.missing_scopes.is_empty() {
        fact(output, "lacks scopes", &of.missing_scopes.join(", "))?;
    }
    Ok(())
}
