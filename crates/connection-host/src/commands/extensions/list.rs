//! `extensions`: lists the added extensions, the state of their requirements and their grants, and the grants that a
//! host gave to extensions that were not added.

use connection_api as api;

use crate::{
    Error, Exit,
    output::{Table, json, reauthorize_command, short_id},
    program::Program,
};

pub(super) async fn run(mut program: Program) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let bodies: Vec<_> = backend.extensions().await?.into_iter().map(with_remedy).collect();
    backend.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&bodies)?;
        return Ok(Exit::Fine);
    }
    if bodies.is_empty() {
        output.line("No extension was added. `connections extensions add FILE` adds one.")?;
        return Ok(Exit::Fine);
    }
    let mut table = Table::new(["EXTENSION", "PROVIDER", "STATUS", "MAY USE", "NOTE"], 1);
    for body in &bodies {
        let uses: Vec<_> = body.grants.iter().map(json::granted_secrets).collect();
        table.row([
            body.name.as_str().into(),
            body.provider.as_deref().unwrap_or_default().into(),
            body.status.map_or("unknown", api::RequirementStatus::as_str).into(),
            uses.join(", ").into(),
            note(body).into(),
        ]);
    }
    output.table(&table)?;
    Ok(Exit::Fine)
}

/// Returns the error, or the missing scopes with the command that requests them.
fn note(body: &api::Extension) -> String {
    match (&body.error, &body.connection) {
        (Some(error), _) => error.message.clone(),
        (None, Some(id)) if !body.missing_scopes.is_empty() => {
            let scopes = body.missing_scopes.join(", ");
            let command = reauthorize_command(short_id(id), &body.askable_scopes);
            format!("lacks the scopes {scopes}: {command}")
        }
        _ => String::new(),
    }
}

/// Names the commands that help with an extension which was not added.
fn with_remedy(body: api::Extension) -> api::Extension {
    let remedy = json::unadded_remedy(&body.name);
    let error = body.error.map(|error| match error.code == "unknown_extension" {
        true => api::Reason { remedy: Some(remedy), ..error },
        false => error,
    });
    api::Extension { error, ..body }
}
