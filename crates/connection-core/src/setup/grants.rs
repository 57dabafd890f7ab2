//! Grants the directories that a person named, and refuses addresses that are not open to the owner.
//!
//! Directories are read on a separate thread, where a disk that hangs blocks nothing else.

use std::{collections::HashMap, sync::Arc};

use connection_contract::{Answer, DisplayText, Field, GrantedDirectory, Input, Secret, Text};

use super::{System, answers::FieldProblem};
use crate::owner::has_environment;

const CLOSED: &str = "is an address in the network of this host, which is open only to the host's own owner: enter a \
                      public address, or set http.private_addresses to all-owners";

/// The result for each directory, by the text that was given.
pub(super) struct Grants(HashMap<String, Result<GrantedDirectory, DisplayText>>);

impl Grants {
    /// Checks every directory among the answers.
    pub(super) async fn of(shared: &Arc<System>, owner: &str, fields: &[Field], answers: &[(String, Secret)]) -> Self {
        let is_directory =
            |name: &str| fields.iter().any(|field| *field.name == *name && field.input == Input::Directory);
        let named = answers.iter().filter(|(name, _)| is_directory(name));
        let texts: Vec<String> = named.filter_map(|(_, value)| value.expose_str().map(str::to_owned)).collect();
        if texts.is_empty() {
            return Self(HashMap::new());
        }
        let Ok(bounds) = shared.reading(owner).bounds().await else { return Self(HashMap::new()) };
        let look = move || {
            let granted = |text: String| {
                let root = bounds.grant(&text).map_err(|error| error.to_string().into());
                (text, root)
            };
            texts.into_iter().map(granted).collect()
        };
        // The thread is started by a task of the core, because the caller may be on another executor.
        let looked = shared.runtimes.spawn(async move { tokio::task::spawn_blocking(look).await });
        // Neither task panics. If the runtime shuts down, the registry ends with it.
        Self(looked.await.ok().and_then(Result::ok).unwrap_or_default())
    }

    pub(super) fn grant(&self, text: &str) -> Result<GrantedDirectory, DisplayText> {
        self.0.get(text).cloned().unwrap_or_else(|| Err("could not be checked".into()))
    }
}

/// Returns the problems of addresses that the owner may not reach. A host name that leads to such an address is
/// refused when it is resolved.
pub(super) fn closed_addresses(shared: &System, owner: &str, answers: &[(Text, Answer)]) -> Vec<FieldProblem> {
    let is_closed = |answer: &Answer| {
        let Answer::Url(base) = answer else { return false };
        !has_environment(owner) && shared.http.is_of_process_alone(base.origin())
    };
    let closed = answers.iter().filter(|(_, answer)| is_closed(answer));
    closed.map(|(field, _)| FieldProblem::new(field.to_string(), CLOSED)).collect()
}
