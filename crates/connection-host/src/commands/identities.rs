//! The labels of connections' profiles, for people; programs get ids.

use std::collections::HashMap;

use connection_core::{ConnectionInfo, ConnectionRegistry, Error as CoreError, ProfileId};

use crate::{Error, output::short_id};

/// The labels that have been looked up, by id.
#[derive(Debug, Default)]
pub(super) struct Identities(HashMap<ProfileId, String>);

impl Identities {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Looks up the labels for these connections, each once.
    pub(super) async fn learn(&mut self, registry: &ConnectionRegistry, rows: &[ConnectionInfo]) -> Result<(), Error> {
        for info in rows.iter().filter(|info| info.registered) {
            let Some(id) = info.profile.filter(|id| !self.0.contains_key(id)) else { continue };
            match registry.owner(info.owner.as_str())?.profiles(&info.kind) {
                Ok(profiles) => {
                    let known = profiles.list().await?.into_iter();
                    self.0.extend(known.map(|profile| (profile.id, profile.label.to_string())));
                    self.0.entry(id).or_insert_with(|| short_id(&id.to_string()).to_owned());
                }
                // The kind had profiles once, but no longer has.
                Err(CoreError::Profile(_)) => drop(self.0.insert(id, short_id(&id.to_string()).to_owned())),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Returns the labels of the profiles of these connections, from pairs of an id and a label.
    pub(super) fn known<'p>(rows: &[ConnectionInfo], profiles: impl Iterator<Item = (&'p str, String)>) -> Self {
        let labels: HashMap<&str, String> = profiles.collect();
        let label = |id: ProfileId| {
            let text = id.to_string();
            (id, labels.get(&*text).cloned().unwrap_or_else(|| short_id(&text).to_owned()))
        };
        Self(rows.iter().filter_map(|info| info.profile).map(label).collect())
    }

    /// Returns the label of a connection's profile; empty if it has none.
    pub(super) fn of(&self, info: &ConnectionInfo) -> &str {
        info.profile.and_then(|id| self.0.get(&id)).map_or("", String::as_str)
    }
}
