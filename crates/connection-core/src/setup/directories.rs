//! Grants the directories that a person named, and refuses addresses that are not open to the owner.
//!
//! Directories are read on a separate thread, where a disk that hangs blocks nothing else.

use std::{collections::HashMap, sync::Arc};

use connection_contract::{Answer, DisplayText, Field, GrantedDirectory, Input, Secret, Text};
use connection_egress::NamedBy;

use super::{System, answerer::Answerer, answers::FieldProblem};
use crate::owner::has_environment;

const CLOSED: &str = "is an address in the network of this host, which is open only to the host's own owner: enter a \
                      public address, or set http.private_addresses to all-owners";

/// The problem of an address in the network of the host, for the visitor of a setup link.
const CLOSED_TO_VISITORS: &str = "is an address in the network of this host, which is closed to the visitors of a setup \
                                  link: enter a public address, or ask whoever sent the link for one that opens it";
/// The problem of a directory, for the visitor of a setup link.
const NO_DIRECTORY: &str =
    "is a directory on the computer of this host, which is closed to the visitors of a setup link";

/// Returns `true` if an answer names an address or a directory. Which of them are open depends on the person who answers.
pub(super) fn depend_on_answerer(fields: &[Field], answers: &[(String, Secret)]) -> bool {
    let is_given = |field: &Field| answers.iter().any(|(name, _)| *field.name == **name);
    fields.iter().any(|field| matches!(field.input, Input::Directory | Input::Url) && is_given(field))
}

/// The result for each directory, by the text that was given.
pub(super) struct GrantedDirectories(HashMap<String, Result<GrantedDirectory, DisplayText>>);

impl GrantedDirectories {
    /// Checks every directory among the answers.
    pub(super) async fn of(
        system: &Arc<System>,
        owner: &str,
        answerer: &Answerer,
        fields: &[Field],
        answers: &[(String, Secret)],
    ) -> Self {
        let is_directory =
            |name: &str| fields.iter().any(|field| *field.name == *name && field.input == Input::Directory);
        let named = answers.iter().filter(|(name, _)| is_directory(name));
        let texts: Vec<String> = named.filter_map(|(_, value)| value.expose_str().map(str::to_owned)).collect();
        if texts.is_empty() {
            return Self(HashMap::new());
        }
        if answerer.is_visitor() {
            return Self(texts.into_iter().map(|text| (text, Err(NO_DIRECTORY.into()))).collect());
        }
        let Ok(bounds) = system.ground.reading(owner).bounds().await else { return Self(HashMap::new()) };
        let look = move || {
            let granted = |text: String| {
                let root = bounds.grant(&text).map_err(|error| error.to_string().into());
                (text, root)
            };
            texts.into_iter().map(granted).collect()
        };
        // The thread is started by a task of the core, because the caller may be on another executor.
        let looked = system.ground.runtimes.spawn(async move { tokio::task::spawn_blocking(look).await });
        // Neither task panics. If the runtime shuts down, the registry ends with it.
        Self(looked.await.ok().and_then(Result::ok).unwrap_or_default())
    }

    pub(super) fn of_text(&self, text: &str) -> Result<GrantedDirectory, DisplayText> {
        self.0.get(text).cloned().unwrap_or_else(|| Err("could not be checked".into()))
    }
}

/// Returns the problems of addresses that the person who answers may not reach. A host name that leads to such an
/// address is refused when it is resolved.
pub(super) fn closed_addresses(
    system: &System,
    owner: &str,
    answerer: &Answerer,
    answers: &[(Text, Answer)],
) -> Vec<FieldProblem> {
    let problem = |answer: &Answer| {
        let Answer::Url(base) = answer else { return None };
        let problem = match answerer.naming(base.origin()) {
            NamedBy::Visitor => CLOSED_TO_VISITORS,
            NamedBy::Nobody | NamedBy::Owner if has_environment(owner) => return None,
            NamedBy::Nobody | NamedBy::Owner => CLOSED,
        };
        system.ground.http.is_of_process_alone(base.origin()).then_some(problem)
    };
    let problems = answers.iter().filter_map(|(field, answer)| Some((field, problem(answer)?)));
    problems.map(|(field, problem)| FieldProblem::new(field.to_string(), problem)).collect()
}
