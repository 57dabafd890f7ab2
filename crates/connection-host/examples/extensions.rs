//! A host of extensions. Each extension has only a handle, offers its tools while its connection works, and is checked
//! again whenever a tool is called.
//!
//! `printf %s "$GITHUB_TOKEN" | cargo run --example extensions -- issues.json`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

// region: host
use std::{error::Error, path::Path};

use connection_contract::Secret;
use connection_core::{
    ConnectionRegistry, ConnectionRequired, ExtensionHandle, HttpPolicy, KeyFile, Outcome, RequiredAction,
};
use connection_manifest::ExtensionFile;
use connection_plugin_github::GitHub;

/// Code that runs for an extension. It has access to its handle, and to neither the registry, the store nor the key.
pub(crate) struct Extension {
    handle: ExtensionHandle,
}

/// The offer of an extension to a person or an agent.
pub(crate) enum Offer {
    /// The tools, which are the commands that the extension declared.
    Tools(Vec<String>),
    /// The connection that is required first, and what a person can do about it.
    Required(ConnectionRequired),
}

/// The error of a tool: a code for programs, and a sentence with the remedy.
#[derive(Debug)]
pub(crate) struct ToolError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl From<connection_core::Error> for ToolError {
    fn from(error: connection_core::Error) -> Self {
        let remedy = error.remedy().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        Self { code: error.code(), message: format!("{error}{remedy}") }
    }
}

impl Extension {
    /// Begins an extension. The host knows which code it runs; grants refer to the name in the manifest.
    pub(crate) fn begin(registry: &ConnectionRegistry, manifest: &[u8]) -> Result<Self, Box<dyn Error>> {
        let file = ExtensionFile::parse(manifest)?;
        Ok(Self { handle: registry.extensions().handle(file.into_declaration())? })
    }

    /// Returns the current offer. Without a connection that the extension may use, there are no tools.
    pub(crate) async fn offer(&self) -> Result<Offer, Box<dyn Error>> {
        let commands = &self.handle.declaration().commands;
        Ok(match self.handle.connection_required().await? {
            Some(required) => Offer::Required(required),
            None => Offer::Tools(commands.iter().map(|command| command.name.to_string()).collect()),
        })
    }

    /// Calls a tool. The connection may have been removed since the tools were listed, so everything is checked again.
    pub(crate) async fn call(&self, tool: &str) -> Result<String, ToolError> {
        if self.handle.declaration().find_command(tool).is_none() {
            return Err(ToolError { code: "undeclared", message: format!("there is no tool '{tool}'") });
        }
        let requirement = self.handle.requirement().clone();
        // The token is passed to a library that needs it, and wiped when this returns.
        let answer = self.handle.with_access_token(&requirement, async |token| a_library(tool, token).await);
        Ok(answer.await?)
    }

    /// Uses the connection without the token: the core attaches the credential, and the extension does not see it.
    pub(crate) async fn whoami(&self) -> Result<Secret, ToolError> {
        let request = self.handle.request("GET", "/user").await?;
        Ok(self.handle.send(request).await?.bytes(1 << 20).await?)
    }
}

/// Stands for a library that takes a token.
async fn a_library(tool: &str, token: &Secret) -> String {
    format!("{tool} has a token of {} bytes", token.expose().len())
}

/// Opens the store with the kinds of this host.
pub(crate) async fn open(
    address: &str,
    key: &Path,
    http: HttpPolicy,
) -> Result<ConnectionRegistry, connection_core::OpenError> {
    ConnectionRegistry::builder().store(address).key(KeyFile::at(key)).http(http).kind(GitHub).open().await
}

/// The host's settings: a person connects for an extension, and grants it the connection with the declared secrets.
pub(crate) async fn connect(
    registry: &ConnectionRegistry,
    extension: &Extension,
    token: Secret,
) -> Result<(), Box<dyn Error>> {
    let kind = extension.handle.kinds_for_setup().into_iter().next().ok_or("no kind here can connect it")?;
    let session = registry.setups().begin(&kind).extension(&extension.handle).await?;
    let (step, _) = session.next_step().await?.ok_or("the setup asks for nothing")?;
    session.advance(step, &[("accessToken".into(), token)]).await?;
    match session.terminal().await? {
        Outcome::Done(_) => Ok(()),
        Outcome::Failed(failure) => Err(failure.into()),
        _ => Err("cancelled".into()),
    }
}

/// The host's settings: a person grants an extension the existing connection.
pub(crate) async fn allow(registry: &ConnectionRegistry, extension: &Extension) -> Result<(), Box<dyn Error>> {
    let requirement = extension.handle.requirement();
    let resolved = extension.handle.resolve(requirement).await?;
    let connection = resolved.connection().ok_or("nothing is connected")?;
    registry.extensions().grant(extension.handle.name(), connection, &requirement.auth.secret_names).await?;
    Ok(())
}

/// The host's settings: a person revokes all grants of an extension. Offers that were made before become useless.
pub(crate) async fn forbid(registry: &ConnectionRegistry, extension: &Extension) -> Result<(), Box<dyn Error>> {
    let name = extension.handle.name();
    for grant in registry.extensions().grants().await?.into_iter().filter(|grant| grant.extension == name) {
        registry.extensions().revoke(name, grant.connection).await?;
    }
    Ok(())
}
// end: host

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let manifest = std::env::args().nth(1).ok_or("name a manifest")?;
    let token = Secret::from(std::io::read_to_string(std::io::stdin())?.trim());
    let registry = open("extensions.db", Path::new("root.key"), HttpPolicy::new()).await?;
    let extension = Extension::begin(&registry, &std::fs::read(manifest)?)?;
    if let Offer::Required(required) = extension.offer().await? {
        println!("{}: {}", required.title, required.guide.unwrap_or_default());
        match required.action {
            RequiredAction::Connect => connect(&registry, &extension, token).await?,
            RequiredAction::Grant => allow(&registry, &extension).await?,
            action => println!("{action:?}"),
        }
    }
    if let Offer::Tools(tools) = extension.offer().await? {
        for tool in tools {
            match extension.call(&tool).await {
                Ok(said) => println!("{said}"),
                Err(ToolError { code, message }) => println!("{code}: {message}"),
            }
        }
        match extension.whoami().await {
            Ok(answer) => println!("{}", answer.expose_str().ok_or("the answer is not text")?),
            Err(ToolError { code, message }) => println!("{code}: {message}"),
        }
    }
    forbid(&registry, &extension).await?;
    registry.close().await;
    Ok(())
}
