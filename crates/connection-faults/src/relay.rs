//! A setup that several processes run in turn. Each process does one part, reports it and waits until it is killed.

use std::{error::Error, future::pending, io::Write as _};

use connection_contract::Secret;
use connection_core::{Outcome, SetupSession, SetupStep};

use crate::{double_kind::DOUBLE, work::Order};

type Failure = Box<dyn Error + Send + Sync>;

/// Begins a setup (`begin`), answers its prompt (`answer ID KEY`), or runs it to its end (`finish ID KEY`).
///
/// The first two parts print one line and then wait for ever.
///
/// # Errors
///
/// Returns an error if the part is unknown or fails.
pub async fn part(order: &Order, words: &[String]) -> Result<(), Failure> {
    let registry = order.open().await?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words {
        ["begin"] => {
            let session = registry.setups().begin(&DOUBLE).await?;
            session.next_step().await?;
            say(&session.id().to_string())?;
            pending().await
        }
        ["answer", id, key] => {
            let session = registry.setups().resume(id.parse()?).await?;
            answer(&session, key).await?;
            say("answered")?;
            pending().await
        }
        ["finish", id, key] => {
            let session = registry.setups().resume(id.parse()?).await?;
            answer(&session, key).await?;
            match session.terminal().await? {
                Outcome::Done(done) => say(&format!("done {}", done.identity.account_id))?,
                other => say(&format!("{other:?}"))?,
            }
            registry.close().await;
            Ok(())
        }
        _ => Err("there is no such part".into()),
    }
}

/// Answers the prompt, if the session waits for one.
async fn answer(session: &SetupSession, key: &str) -> Result<(), Failure> {
    if let Some((no, SetupStep::Prompt { .. })) = session.next_step().await? {
        session.advance(no, &[("key".to_owned(), Secret::from(key))]).await?;
    }
    Ok(())
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(format!("{line}\n").as_bytes())?;
    out.flush()
}
