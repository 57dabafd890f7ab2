//! `kinds forget-client KIND`: removes the stored application that the first setup asked for.

use connection_core::Filter;

use crate::{Error, Exit, cli::Program, output::json::ForgottenBody};

pub(super) async fn run(mut program: Program, name: &str) -> Result<Exit, Error> {
    let descriptor = &program.kind(name)?.descriptor;
    let (kind, provider) = (descriptor.kind.clone(), descriptor.provider.clone());
    let configured_in = program.settings.kinds.get(kind.as_str()).map(|kind| kind.place().to_owned());
    let mut forgotten = false;
    let mut any = false;
    // Do not create a database only to find it empty.
    if program.has_database() {
        let registry = program.open().await?;
        forgotten = registry.kinds().forget_values(&kind).await? > 0;
        // The kinds of a provider share an application.
        let connected = registry.list_connections(Filter::new().provider(provider.clone()).limit(1)).await?;
        any = !connected.connections.is_empty();
        registry.close().await;
    }
    let output = &program.output;
    if output.json {
        output.shape(&ForgottenBody { kind: kind.to_string(), forgotten, configured_in })?;
        return Ok(Exit::Fine);
    }
    match forgotten {
        true => output.line(format!("Forgot the application of '{kind}'; the next setup asks for it"))?,
        false => output.line(format!("No application of '{kind}' was stored"))?,
    }
    match configured_in {
        Some(place) => output.line(format!("The application in the configuration stays: kinds.{kind} in {place}"))?,
        None if forgotten && any => {
            output.line(format!(
                "Connections of '{provider}' stay, but are not renewed until the application is entered again"
            ))?;
        }
        None => {}
    }
    Ok(Exit::Fine)
}
