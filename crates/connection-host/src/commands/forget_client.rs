//! `kinds forget-client KIND`: removes the stored application that the first setup asked for.

use connection_api::{ForgottenClient, KindSummary};

use crate::{Error, Exit, output::json::ForgottenBody, program::Program};

pub(super) async fn run(mut program: Program, name: &str) -> Result<Exit, Error> {
    let shown = program.place_kinds().show(name).await?;
    let KindSummary { kind, provider, .. } = shown.summary().clone();
    // The configuration of a server is not known here.
    let configured = shown.entry().and_then(|_| program.settings.kinds.get(kind.as_str()));
    let configured_in = configured.map(|application| application.place().to_owned());
    let mut client = ForgottenClient { kind, forgotten: false };
    let mut any = false;
    // Do not create a database only to find it empty.
    if program.server.is_some() || program.has_database() {
        let backend = program.backend().await?;
        client = backend.forget_client(&client.kind).await?;
        // The kinds of a provider share an application.
        any = backend.is_provider_connected(&provider).await?;
        backend.close().await;
    }
    let output = &program.output;
    if output.json {
        output.shape(&ForgottenBody { client, configured_in })?;
        return Ok(Exit::Fine);
    }
    let ForgottenClient { kind, forgotten } = client;
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
