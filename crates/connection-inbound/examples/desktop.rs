//! A program on a desktop: it listens on this machine while a setup waits, and opens the person's browser.
//!
//! `cargo run --example desktop -- KIND`, with kinds of your own registered.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

// region: desktop
use std::{error::Error, path::Path, sync::Arc};

use connection_contract::Kind;
use connection_core::{ConnectionRegistry, KeyFile, Outcome, RegistryBuilder, SetupStep};
use connection_inbound::{Browser, LoopbackOptions, LoopbackServer};
use tokio::runtime::Handle;

pub(crate) fn registry(directory: &Path) -> RegistryBuilder {
    let server = LoopbackServer::new(Handle::current(), LoopbackOptions::new());
    ConnectionRegistry::builder()
        .store(directory.join("connections.db").display().to_string())
        .key(KeyFile::at(directory.join("root.key")))
        .inbound(Arc::new(server))
}

pub(crate) async fn connect(
    registry: &ConnectionRegistry,
    kind: &Kind,
    browser: &Browser,
) -> Result<String, Box<dyn Error>> {
    let session = registry.begin_setup(kind).await?;
    while let Some((_, step)) = session.next_step().await? {
        if let SetupStep::Redirect { redirect, .. } = step {
            // Shown in any case: that a program was started does not mean that a person sees a page.
            println!("Open {}", redirect.link.as_str());
            if let Err(error) = browser.open(redirect.link.as_str()).await {
                println!("{error}: {}", error.remedy());
            }
        }
    }
    match session.terminal().await? {
        Outcome::Done(done) => Ok(done.identity.label.to_string()),
        Outcome::Failed(failure) => Err(failure.message.to_string().into()),
        Outcome::Cancelled => Err("cancelled".into()),
    }
}
// end: desktop

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let kind = std::env::args().nth(1).and_then(|kind| Kind::parse(&kind)).ok_or("give a kind")?;
    let registry = registry(&std::env::temp_dir().join("connections-desktop")).open().await?;
    #[expect(clippy::disallowed_methods, reason = "a program reads its environment in one place: here")]
    let browser = Browser::of_desktop().environment(std::env::vars_os());
    println!("Connected {}", connect(&registry, &kind, &browser).await?);
    Ok(())
}
