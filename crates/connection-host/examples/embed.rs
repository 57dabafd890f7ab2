//! A host in twenty lines: connects an account, uses it without touching the secret again, and removes it.
//!
//! `printf %s "$GITHUB_TOKEN" | cargo run --example embed`
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

// region: host
use std::{error::Error, path::Path};

use connection_contract::{Kind, Secret};
use connection_core::{ConnectionRegistry, HttpPolicy, KeyFile, Outcome, SetupStep};
use connection_plugin_github::GitHub;

pub(crate) async fn whoami(directory: &Path, http: HttpPolicy, token: Secret) -> Result<Secret, Box<dyn Error>> {
    let registry = ConnectionRegistry::builder()
        .store(directory.join("connections.db").display().to_string())
        .key(KeyFile::at(directory.join("root.key")))
        .http(http)
        .kind(GitHub)
        .open()
        .await?;
    let session = registry.setups().begin(&Kind::from_static("github")).ephemeral().await?;
    let (step, _) = session.next_step().await?.ok_or("the setup asks for nothing")?;
    session.advance(step, &[("accessToken".into(), token)]).await?;
    let (_, end) = session.next_step().await?.ok_or("the setup was cancelled")?;
    let SetupStep::Done { .. } = end else { return Err(end.problem().unwrap_or("it asks for more".into()).into()) };
    let Outcome::Done(done) = session.terminal().await? else { return Err("the setup was cancelled".into()) };
    let connection = registry.connection(done.connection).await?;
    let answer = connection.send(connection.request("GET", "/user").await?).await?.bytes(1 << 20).await?;
    registry.remove(done.connection).await?;
    Ok(answer)
}
// end: host

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join("connections-embed");
    let token = Secret::from(std::io::read_to_string(std::io::stdin())?.trim());
    let answer = whoami(&directory, HttpPolicy::new(), token).await?;
    println!("{}", answer.expose_str().ok_or("the answer is not text")?);
    Ok(())
}
