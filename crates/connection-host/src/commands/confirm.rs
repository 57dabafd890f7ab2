//! What is not done before somebody said yes.

use crate::{Error, Exit, cli::Program, input};

/// Refuses where nobody can be asked and nobody said `--yes`; before anything is made on the disk.
pub(super) fn possible(program: &Program, yes: bool, what: &str) -> Result<(), Error> {
    if yes || program.person {
        return Ok(());
    }
    Err(Error::new(Exit::Usage, "confirmation_required", format!("nobody can be asked {what}"))
        .remedy("add --yes to answer yes to that question"))
}

/// Asks, and returns whether it was a yes. After a no it says what is left as it was.
pub(super) async fn ask(program: &Program, question: String, left: &str) -> Result<bool, Error> {
    let agreed = agreed(question).await?;
    if !agreed {
        program.output.note(left);
    }
    Ok(agreed)
}

/// Asks; whether it was a yes.
pub(super) async fn agreed(question: String) -> Result<bool, Error> {
    let agreed = tokio::task::spawn_blocking(move || input::confirm(&question)).await;
    agreed.map_err(|_| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))?
}
