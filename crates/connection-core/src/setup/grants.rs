//! Grants directories that a person named, on a thread where a disk that hangs holds nobody else.

use std::{collections::HashMap, sync::Arc};

use connection_contract::{DisplayText, Field, Input, Root, Secret};

use crate::registry::Shared;

/// What became of each directory, by the text that was given.
pub(super) struct Grants(HashMap<String, Result<Root, DisplayText>>);

impl Grants {
    /// Looks at every directory among the answers.
    pub(super) async fn of(shared: &Arc<Shared>, fields: &[Field], answers: &[(String, Secret)]) -> Self {
        let asked = |name: &str| fields.iter().any(|field| *field.name == *name && field.input == Input::Directory);
        let named = answers.iter().filter(|(name, _)| asked(name));
        let texts: Vec<String> = named.filter_map(|(_, value)| value.expose_str().map(str::to_owned)).collect();
        if texts.is_empty() {
            return Self(HashMap::new());
        }
        let files = shared.files.clone();
        let look = move || {
            let granted = |text: String| {
                let root = files.grant(&text).map_err(|error| error.to_string().into());
                (text, root)
            };
            texts.into_iter().map(granted).collect()
        };
        // On a task of the core, since the caller may be on another executor.
        let looked = shared.runtimes.spawn(async move { tokio::task::spawn_blocking(look).await });
        // Neither crashes; a runtime that goes away takes the registry with it.
        Self(looked.await.ok().and_then(Result::ok).unwrap_or_default())
    }

    pub(super) fn grant(&self, text: &str) -> Result<Root, DisplayText> {
        self.0.get(text).cloned().unwrap_or_else(|| Err("could not be looked at".into()))
    }
}
