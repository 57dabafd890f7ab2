//! The basis of `run --sandbox`: the engine, and the image of a kind.

use std::{
    io,
    path::{Path, PathBuf},
};

use connection_agent::{Sandbox, SandboxEngine, SandboxError};
use serde::Serialize;

use crate::{Error, Exit, kind_entry::KindEntry, platform::without_line, program::Program};

/// Refuses a kind without a container before anything is started.
/// The shape of `sandbox build`.
#[derive(Debug, Serialize)]
struct ImageBody {
    kind: String,
    engine: &'static str,
    image: String,
}

pub(super) fn supported(kind: &KindEntry) -> Result<(), Error> {
    match &kind.sandbox {
        Some(_) => Ok(()),
        None => {
            let kind = kind.descriptor.kind.clone();
            Err(SandboxError::Unsupported { kind }.into())
        }
    }
}

/// Returns the engine on this machine. Podman is preferred to Docker, because it needs no service.
pub(super) fn engine_here(program: &Program) -> Option<SandboxEngine> {
    let engines = [SandboxEngine::Podman, SandboxEngine::Docker];
    engines.into_iter().find(|engine| program.environment.has_program(engine.program()))
}

pub(super) fn not_started(engine: SandboxEngine, error: &io::Error) -> Error {
    let engine = engine.program();
    match error.kind() {
        io::ErrorKind::NotFound => {
            Error::new(Exit::NotFound, "engine_missing", format!("'{engine}', which runs containers, is not installed"))
                .remedy("install podman or docker, or set sandbox.engine to the one that is installed")
        }
        _ => Error::io(engine, error),
    }
}

/// `sandbox build KIND`: builds the image under the name that `run` uses.
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
    let variables = program.environment.of_extensions(program.settings.key.variable.as_deref());
    let variables: Vec<_> = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let registry = program.open().await?;
    let sandbox = Sandbox::new(&registry, name)?;
    let building = without_line();
    let built = tokio::task::spawn_blocking(move || match context {
        Context::Directory(directory) => sandbox.build(&policy, &directory, variables),
        Context::Text(text) => sandbox.build_text(&policy, text, variables),
    })
    .await;
    drop(building);
    registry.close().await;
    let image = built.map_err(|_| Error::new(Exit::Unexpected, "crashed", "the build crashed"))??;
    let output = &program.output;
    if output.json {
        output.shape(&ImageBody { kind: name.to_string(), engine: used.program(), image })?;
    } else {
        output.line(format!("Built {image}; `connections run {name} --sandbox` uses it."))?;
    }
    Ok(Exit::Fine)
}

/// The source from which an image is built.
enum Context {
    /// A directory that contains a `Containerfile`, and the files that it copies.
    Directory(PathBuf),
    /// A `Containerfile` that comes with the kind.
    Text(&'static str),
}

impl Context {
    fn of(program: &Program, kind: &connection_contract::Kind, file: Option<&Path>) -> Result<Self, Error> {
        if let Some(file) = file {
            if file.file_name().is_none_or(|name| name != "Containerfile") {
                return Err(Error::usage("--file takes the path of a file that is called Containerfile"));
            }
            let path = file.canonicalize().map_err(|error| Error::io(file.display(), &error))?;
            return Ok(Self::Directory(path.parent().unwrap_or(Path::new("/")).to_owned()));
        }
        match program.images.get(kind) {
            Some(text) => Ok(Self::Text(text)),
            None => {
                let message = format!("the image of kind '{kind}' has no Containerfile");
                Err(Error::new(Exit::Refused, "not_supported", message).remedy("name a Containerfile with --file"))
            }
        }
    }
}
