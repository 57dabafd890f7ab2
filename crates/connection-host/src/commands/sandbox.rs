//! What `run --sandbox` stands on: the engine, and the image of a kind.

use std::{io, path::Path};

use connection_core::{SandboxEngine, SandboxError};

use crate::{
    Error, Exit,
    cli::{KindEntry, Program},
    output::json,
    platform,
};

/// Refuses a kind without a container before anything starts.
pub(super) fn supported(kind: &KindEntry) -> Result<(), Error> {
    match &kind.sandbox {
        Some(_) => Ok(()),
        None => {
            let kind = kind.descriptor.kind.clone();
            Err(connection_core::Error::from(SandboxError::Unsupported { kind }).into())
        }
    }
}

/// The engine that is on this machine: podman, which needs no service, before docker.
pub(super) fn engine_here(program: &Program) -> Option<SandboxEngine> {
    let engines = [SandboxEngine::Podman, SandboxEngine::Docker];
    engines.into_iter().find(|engine| program.environment.has_program(engine.program()))
}

pub(super) fn not_started(engine: SandboxEngine, error: &io::Error) -> Error {
    let engine = engine.program();
    match error.kind() {
        io::ErrorKind::NotFound => {
            Error::new(Exit::NotFound, "engine_missing", format!("'{engine}', which runs containers, is not installed"))
                .remedy("install podman or docker, or name the one that is here as sandbox.engine")
        }
        _ => Error::io(engine, error),
    }
}

/// `sandbox build KIND`: the image, under the name that runs use.
pub(super) async fn build(mut program: Program, kind: &str, file: Option<&Path>) -> Result<Exit, Error> {
    let entry = program.kind(kind)?.clone();
    supported(&entry)?;
    let name = &entry.descriptor.kind;
    let engine = engine_here(&program);
    let policy = program.settings.sandbox.policy(name, engine);
    let used = program.settings.sandbox.engine.or(engine).unwrap_or_default();
    if !program.environment.has_program(used.program()) {
        return Err(not_started(used, &io::ErrorKind::NotFound.into()));
    }
    let context = Context::of(&program, name, file)?;
    let registry = program.open().await?;
    let sandbox = registry.sandbox(name)?;
    let directory = context.directory.clone();
    let built = tokio::task::spawn_blocking(move || sandbox.build(&policy, &directory)).await;
    drop(context);
    registry.close().await;
    let image = built.map_err(|_| Error::new(Exit::Unexpected, "crashed", "the build crashed"))??;
    let output = &program.output;
    if output.json {
        output.shape(&json::ImageBody { kind: name.to_string(), engine: used.program(), image })?;
    } else {
        output.line(format!("Built {image}; `connections run {name} --sandbox` uses it."))?;
    }
    Ok(Exit::Fine)
}

/// The directory that is built, with its `Containerfile`.
#[derive(Debug)]
struct Context {
    directory: std::path::PathBuf,
    is_ours: bool,
}

impl Context {
    fn of(program: &Program, kind: &connection_contract::Kind, file: Option<&Path>) -> Result<Self, Error> {
        if let Some(file) = file {
            if file.file_name().is_none_or(|name| name != "Containerfile") {
                return Err(Error::usage("--file takes the path of a file that is called Containerfile"));
            }
            let path = file.canonicalize().map_err(|error| Error::io(file.display(), &error))?;
            let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
            return Ok(Self { directory, is_ours: false });
        }
        let Some(text) = program.images.get(kind) else {
            let message = format!("nothing says how the image of kind '{kind}' is made");
            return Err(Error::new(Exit::Refused, "not_supported", message).remedy("name a Containerfile with --file"));
        };
        let directory = program.settings.copies().join(format!("image-{kind}-{}", std::process::id()));
        let failed = |error: io::Error| Error::io(directory.display(), &error);
        platform::create_private_dir(&directory).map_err(failed)?;
        let context = Self { directory: directory.clone(), is_ours: true };
        std::fs::write(directory.join("Containerfile"), text).map_err(failed)?;
        Ok(context)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if self.is_ours {
            // What cannot be removed is a file without a secret.
            std::fs::remove_dir_all(&self.directory).unwrap_or_default();
        }
    }
}
