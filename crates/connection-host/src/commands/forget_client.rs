//! `kinds forget-client KIND`: removes the stored application that the first setup asked for.

use crate::{Error, Exit, output::json::ForgottenBody, program::Program};

pub(super) async fn run(mut program: Program, name: &str) -> Result<Exit, Error> {
    let (kind, provider, configured_in) = match &program.server {
        // The configuration of a server is not known here.
        Some(server) => {
            let kind = server.kind(name).await?.listed;
            (kind.kind, kind.provider, None)
        }
        None => {
            let descriptor = &program.kind(name)?.descriptor;
            let configured = program.settings.kinds.get(descriptor.kind.as_str());
            let place = configured.map(|kind| kind.place().to_owned());
            (descriptor.kind.to_string(), descriptor.provider.to_string(), place)
        }
    };
    let mut forgotten = false;
    let mut any = false;
    // Do not create a database only to find it empty.
    if program.server.is_some() || program.has_database() {
        let backend = program.backend().await?;
        forgotten = backend.forget_client(&kind).await?.forgotten;
        // The kinds of a provider share an application.
        any = backend.is_provider_connected(&provider).await?;
        backend.close().await;
    }
    let output = &program.output;
    if output.json {
        output.shape(&ForgottenBody { kind, forgotten, configured_in })?;
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
