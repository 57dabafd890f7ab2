//! Confirmation of an action by a person.

use crate::{Error, Exit, common::Common, input, platform::without_line};

/// Refuses if no person can be asked and `--yes` was not given. Call it before anything is created on disk.
pub(super) fn possible(common: &Common, yes: bool, what: &str) -> Result<(), Error> {
    if yes || common.person {
        return Ok(());
    }
    Err(Error::new(Exit::Usage, "confirmation_required", format!("nobody can be asked {what}"))
        .remedy("add --yes to answer yes to that question"))
}

/// Asks the question and returns whether the person agreed. If not, prints `left`, which says what stays unchanged.
pub(super) async fn ask(common: &Common, question: String, left: &str) -> Result<bool, Error> {
    let agreed = agreed(question).await?;
    if !agreed {
        common.output.note(left);
    }
    Ok(agreed)
}

/// Asks the question and returns whether the person agreed.
pub(super) async fn agreed(question: String) -> Result<bool, Error> {
    let _asking = without_line();
    let agreed = tokio::task::spawn_blocking(move || input::confirm(&question)).await;
    agreed.map_err(|_| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))?
}
