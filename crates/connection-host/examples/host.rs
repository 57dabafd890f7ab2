//! A host that separates its users, on SQLite or PostgreSQL.
//!
//! `printf %s "$GITHUB_TOKEN" | cargo run --example host -- connections.db`, or with `postgres://USER@HOST/DATABASE`.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

// region: host
use std::{error::Error, path::Path};

use connection_contract::{Kind, Secret};
use connection_core::{Connection, ConnectionRegistry, Filter, HttpPolicy, KeyFile, Outcome};
use connection_plugin_github::GitHub;

const GITHUB: Kind = Kind::from_static("github");

/// Opens the database: a path, or `postgres://…`.
pub(crate) async fn open(address: &str, key: &Path, http: HttpPolicy) -> Result<ConnectionRegistry, Box<dyn Error>> {
    let builder = ConnectionRegistry::builder().store(address).key(KeyFile::at(key)).http(http);
    Ok(builder.kind(GitHub).open().await?)
}

/// Connects a user's account. The host authenticates the user: an owner is never taken from a request.
pub(crate) async fn connect(
    registry: &ConnectionRegistry,
    user: &str,
    token: Secret,
) -> Result<Connection, Box<dyn Error>> {
    let registry = registry.owner(user)?;
    let session = registry.setups().begin(&GITHUB).label("work").await?;
    let (step, _) = session.next_step().await?.ok_or("the setup asks for nothing")?;
    session.advance(step, &[("accessToken".into(), token)]).await?;
    match session.terminal().await? {
        Outcome::Done(done) => Ok(registry.connection(done.connection).await?),
        Outcome::Failed(failure) => Err(failure.into()),
        _ => Err("cancelled".into()),
    }
}

/// Returns the content of a user's page: no secret, and no other user's connections.
pub(crate) async fn page(registry: &ConnectionRegistry, user: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let shown = registry.owner(user)?.list_connections(Filter::new().limit(50)).await?;
    Ok(shown.items.iter().map(|c| format!("{}:{} {:?}", c.kind, c.label, c.liveness)).collect())
}

/// Uses the user's connection of this kind: the only one, or the default.
pub(crate) async fn whoami(registry: &ConnectionRegistry, user: &str) -> Result<Secret, Box<dyn Error>> {
    let connection = registry.owner(user)?.connection_of(&GITHUB).await?;
    let request = connection.request("GET", "/user").await?;
    Ok(connection.send(request).await?.bytes(1 << 20).await?)
}
// end: host

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("name a database: a path, or postgres://USER@HOST/DATABASE")?;
    let token = Secret::from(std::io::read_to_string(std::io::stdin())?.trim());
    let registry = open(&address, Path::new("root.key"), HttpPolicy::new()).await?;
    let connection = connect(&registry, "ada", token).await?;
    println!("{:?}", page(&registry, "ada").await?);
    println!("{}", whoami(&registry, "ada").await?.expose_str().ok_or("the answer is not text")?);
    registry.owner("ada")?.remove(connection.id()).await?;
    registry.close().await;
    Ok(())
}
