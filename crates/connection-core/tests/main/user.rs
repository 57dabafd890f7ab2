//! A person in front of a host, who answers prompts until a setup ends.

use std::time::Duration;

use connection_contract::Kind;
use connection_core::{AdvanceError, ConnectionRegistry, Error, Outcome, SetupSession, SetupStep};

use crate::{
    sql,
    test_host::{World, answers},
};

/// Answers every prompt with `x`, until the end.
pub(crate) async fn finish(session: &SetupSession) -> Result<Outcome, Error> {
    while let Some((no, step)) = session.next_step().await? {
        if let SetupStep::Prompt { fields, .. } = step {
            let pairs: Vec<_> = fields.iter().map(|field| (&*field.name, "x")).collect();
            match session.advance(no, &answers(&pairs)).await {
                Ok(()) => {}
                Err(AdvanceError::Error(error)) => return Err(error),
                Err(error) => panic!("{error}"),
            }
        }
    }
    session.terminal().await
}

/// Performs a whole setup.
pub(crate) async fn set_up(registry: &ConnectionRegistry, kind: &Kind) -> Outcome {
    finish(&registry.setups().begin(kind).await.unwrap()).await.unwrap()
}

/// Returns the labels of all connections.
pub(crate) async fn labels(registry: &ConnectionRegistry) -> Vec<String> {
    let page = registry.list_connections(connection_core::Filter::new()).await.unwrap();
    page.items.iter().map(|info| info.label.to_string()).collect()
}

/// Returns the number of requests to the provider that start like this.
pub(crate) fn requests_to(world: &World, start: &str) -> usize {
    world.server.requests().iter().filter(|request| request.starts_with(start)).count()
}

/// Returns the messages that stay on the page.
pub(crate) fn beside(step: &SetupStep) -> Vec<String> {
    match step {
        SetupStep::Prompt { beside, .. } | SetupStep::Redirect { beside, .. } | SetupStep::Notice { beside } => {
            beside.iter().map(|notice| notice.message.to_string()).collect()
        }
        SetupStep::Confirm { .. } | SetupStep::Done { .. } | SetupStep::Failed(_) => Vec::new(),
    }
}

/// Lets time pass until the task ends, which waits for the next poll of the store: no faster than the machine works.
pub(crate) async fn looked<T>(world: &World, task: impl Future<Output = T>) -> T {
    let database = world.database();
    let mut task = std::pin::pin!(task);
    let pace = Duration::from_millis(5);
    loop {
        tokio::select! {
            biased;
            result = &mut task => return result,
            _ = sql::number(&database, "SELECT 1") => world.clock.advance(pace),
        }
    }
}
