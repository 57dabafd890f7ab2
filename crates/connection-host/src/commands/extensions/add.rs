//! `extensions add FILE`: stores the declaration of an extension. An existing extension of that name keeps everything
//! else.

use connection_core::{ConnectionRegistry, ExtensionHandle, ExtensionInfo};

use crate::{
    Error, Exit,
    cli::Program,
    commands::resolve::{Notes, print},
    declared,
    extensions::{bodies, open_grants},
    input::{self, Manifest},
    output::json,
};

pub(super) async fn run(mut program: Program, file: &str, verbose: bool) -> Result<Exit, Error> {
    let Manifest { file, text } = input::manifest(file)?;
    let notes = Notes::of(&program.output, &file, verbose);
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
    let resolved = handle.resolve(handle.requirement()).await?;
    if output.json {
        let grants = bodies(registry, &open_grants(registry, Some(&added.name)).await?).await?;
        let body = json::ExtensionBody::of(added, grants).declared(handle.declaration());
        return output.shape(&body.resolved(&resolved));
    }
    print(output, registry, handle, &resolved, None).await
}
