//! Conducts setups, as a host does.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use connection_contract::{Kind, Secret};
use connection_core::{ConnectionRegistry, Outcome, SetupSession, SetupStep};

/// Returns answers as a session takes them.
pub fn answers(pairs: &[(&str, &str)]) -> Vec<(String, Secret)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::from(*value))).collect()
}

/// Returns the next step. A session that shows none fails the test.
pub async fn step(session: &SetupSession) -> (u64, SetupStep) {
    session.next_step().await.unwrap().expect("the session shows a step")
}

/// Begins a setup, answers its first prompt, and returns how it ends.
pub async fn connect(registry: &ConnectionRegistry, kind: &Kind, pairs: &[(&str, &str)]) -> Outcome {
    let session = registry.setups().begin(kind).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(pairs)).await.unwrap();
    session.terminal().await.unwrap()
}

/// Returns the outcome of a session as a word.
pub fn code(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Cancelled => "cancelled".into(),
        Outcome::Done(done) => format!("done {:?}", done.liveness),
        Outcome::Failed(failure) => failure.code.to_string(),
    }
}
