//! A desktop program: it listens on this machine while a setup waits, and opens the user's browser.
//!
//! `cargo run --example desktop -- KIND`, with kinds of your own registered.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

// region: desktop
use std::{error::Error, path::Path, sync::Arc};

use connection_contract::{Field, Kind, Secret};
use connection_core::{ConnectionRegistry, KeyFile, Outcome, RegistryBuilder, SetupStep};
use connection_inbound::{Browser, LoopbackOptions, LoopbackServer};
use tokio::runtime::Handle;

// region: registry
pub(crate) fn registry(directory: &Path) -> RegistryBuilder {
    let server = LoopbackServer::new(Handle::current(), LoopbackOptions::new());
    ConnectionRegistry::builder()
        .store(directory.join("connections.db").display().to_string())
        .key(KeyFile::at(directory.join("root.key")))
        .inbound(Arc::new(server))
}
// end: registry

/// Connects an account. `ask` returns a person's answers to a step; its future is dropped if the step ends in another
/// way first.
pub(crate) async fn connect(
    registry: &ConnectionRegistry,
    kind: &Kind,
    browser: &Browser,
    mut ask: impl AsyncFnMut(&[Field]) -> Vec<(String, Secret)>,
) -> Result<String, Box<dyn Error>> {
    // The browser opens an address of this program first, so that callbacks from other browsers are rejected.
    let session = registry.setups().begin(kind).use_start_address().await?;
    let mut next = session.next_step().await?;
    let mut is_open = false;
    while let Some((no, step)) = next {
        let (fields, open, beside) = match &step {
            SetupStep::Prompt { prompt, fields, open, beside } => {
                println!("{}", prompt.title);
                if let Some(problem) = &prompt.problem {
                    println!("{problem}");
                }
                (Some(fields.as_slice()), open.as_ref(), beside.as_slice())
            }
            SetupStep::Redirect { redirect, beside } => (None, Some(redirect), beside.as_slice()),
            SetupStep::Notice { beside } => (None, None, beside.as_slice()),
            // Only setups that were begun with `confirm_account` have this step.
            SetupStep::Confirm { .. } => (None, None, [].as_slice()),
            SetupStep::Done { .. } | SetupStep::Failed(_) => break,
        };
        for notice in beside {
            let link = notice.link.as_ref().map(|link| link.as_str());
            let code = notice.user_code.as_ref().map(|code| code.as_str());
            println!("{} {} {}", notice.message, link.unwrap_or_default(), code.unwrap_or_default());
        }
        if let Some(redirect) = open {
            let address = session.local_start_address().await?.unwrap_or_else(|| redirect.link.as_str().to_owned());
            // The address is always printed, because a browser that was started may show nothing to the person.
            println!("Open {address}");
            // The browser is opened once. A later address is for a person who has not opened the first one.
            if !std::mem::replace(&mut is_open, true)
                && let Err(error) = browser.open(&address).await
            {
                println!("{error}: {}", error.remedy());
            }
        }
        let answering = async {
            match fields {
                Some(fields) => ask(fields).await,
                None => std::future::pending().await,
            }
        };
        // The step ends with a callback, a code that is typed elsewhere or an answer, whichever comes first.
        next = tokio::select! {
            next = session.next_step() => next?,
            answers = answering => {
                if let Err(error) = session.advance(no, &answers).await {
                    println!("{error}");
                }
                session.next_step().await?
            }
        };
    }
    match session.terminal().await? {
        Outcome::Done(done) => Ok(done.identity.label.to_string()),
        Outcome::Failed(failure) => Err(failure.message.to_string().into()),
        Outcome::Cancelled => Err("cancelled".into()),
    }
}
// end: desktop

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let kind = std::env::args().nth(1).and_then(|kind| Kind::parse(&kind)).ok_or("give a kind")?;
    let registry = registry(&std::env::temp_dir().join("connections-desktop")).open().await?;
    #[expect(clippy::disallowed_methods, reason = "a program reads its environment in one place: here")]
    let browser = Browser::of_desktop().environment(std::env::vars_os());
    println!("Connected {}", connect(&registry, &kind, &browser, typed).await?);
    Ok(())
}

/// Reads lines from the terminal. A real program hides what is typed into a secret field.
async fn typed(fields: &[Field]) -> Vec<(String, Secret)> {
    let mut answers = Vec::new();
    for field in fields {
        println!("{}:", field.label);
        let line = tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await;
        if let Ok(Some(Ok(line))) = line
            && !line.is_empty()
        {
            answers.push((field.name.to_string(), Secret::from(line)));
        }
    }
    answers
}
