//! `remove C`: asks, gives back what was taken, deletes.

use connection_core::Teardown;

use crate::{
    Error, Exit,
    cli::Program,
    input,
    output::{account, json},
    select,
};

pub(super) async fn run(mut program: Program, reference: &str, yes: bool) -> Result<Exit, Error> {
    if !yes && !program.person {
        return Err(Error::new(Exit::Usage, "confirmation_required", "nobody can be asked whether to remove it")
            .remedy("say --yes"));
    }
    let registry = program.open().await?;
    let connection = select::connection(&registry, reference).await?;
    let (info, output) = (connection.info(), &program.output);
    if !yes {
        let question = format!("Remove {}?", account(info));
        let agreed = tokio::task::spawn_blocking(move || input::confirm(&question)).await;
        if !agreed.map_err(|_| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))?? {
            // Not 0: what a shell runs after it with `&&` counts on the removal.
            return Err(Error::new(
                Exit::Usage,
                "confirmation_required",
                "it was not confirmed, and nothing was removed",
            ));
        }
    }
    let removal = registry.remove(info.id).await?;
    registry.close().await;
    let teardown = match removal.teardown {
        Teardown::Done => "done",
        Teardown::Skipped => "skipped",
        _ => "failed",
    };
    if output.json {
        let (id, kind, label) = (info.id.to_string(), info.kind.to_string(), info.label.to_string());
        output.shape(&json::RemovedBody { id, kind, label, teardown })?;
        return Ok(Exit::Fine);
    }
    output.line(format!("Removed {}", account(info)))?;
    if teardown == "failed" {
        output.note(format!("What was made at the provider could not be given back; look there ({}).", info.provider));
    }
    Ok(Exit::Fine)
}
