//! The list of profiles, and the state of their directories.

use std::path::{Path, PathBuf};

use connection_api as api;
use connection_core::{DirectoryProbe, DirectoryState, Profile};
use connection_server::convert;

use super::{ProfilesContext, directory, display_path};
use crate::{
    Error,
    commands::show::fact,
    output::{Table, quoted, short_id},
};

pub(super) async fn list(those: &ProfilesContext<'_>) -> Result<(), Error> {
    let output = &those.program.output;
    let profiles = those.profiles.list().await?;
    let slots = Slots::of(those).await?;
    let mut found = Vec::new();
    for profile in &profiles {
        found.push(those.profiles.probe(&profile.directory).await?);
    }
    let rows = profiles.iter().zip(&found);
    if output.json {
        let bodies = rows.map(|(profile, found)| slots.body(those.kind, profile, found));
        return output.shape(&bodies.collect::<Vec<_>>());
    }
    let mut table = Table::new(["ID", "LABEL", "DEFAULT", "SIGNED IN", "DIRECTORY", "NOTE"], 2);
    for (profile, found) in rows {
        table.row([
            short_id(&profile.id.to_string()).into(),
            profile.label.as_str().into(),
            slots.default_of(profile).into(),
            signed_in(found).into(),
            display_path(&profile.directory).into(),
            note(found, those.wants(Some(profile))).into(),
        ]);
    }
    output.table(&table)
}

pub(super) async fn probe(
    those: &ProfilesContext<'_>,
    reference: Option<&str>,
    path: Option<PathBuf>,
) -> Result<(), Error> {
    let output = &those.program.output;
    let profile = match (&path, reference) {
        (Some(_), _) => None,
        (None, Some(reference)) => Some(those.named(reference).await?),
        (None, None) => Some(those.profiles.default_profile().await?),
    };
    let path = path.map(directory).or_else(|| Some(profile.as_ref()?.directory.clone())).unwrap_or_default();
    let found = those.profiles.probe(&path).await?;
    if output.json {
        return output.shape(&convert::probe(&path, &found));
    }
    facts(those, profile.as_ref(), &path, &found)?;
    match profile {
        Some(profile) => mend(those, &profile).await,
        None => Ok(()),
    }
}

fn facts(
    those: &ProfilesContext<'_>,
    profile: Option<&Profile>,
    path: &Path,
    found: &DirectoryProbe,
) -> Result<(), Error> {
    let output = &those.program.output;
    fact(output, "directory", &display_path(path))?;
    let note = note(found, those.wants(profile));
    if !note.is_empty() {
        fact(output, "note", &note)?;
    }
    fact(output, "signed in", if found.authenticated.is_none() { "not known" } else { signed_in(found) })?;
    match &found.account_label {
        Some(account) => fact(output, "account", account.as_str()),
        None => Ok(()),
    }
}

/// Prints a profile after an action.
pub(super) async fn print(those: &ProfilesContext<'_>, profile: &Profile, done: &str) -> Result<(), Error> {
    let output = &those.program.output;
    if output.json {
        let slots = Slots::of(those).await?;
        let found = those.profiles.probe(&profile.directory).await?;
        return output.shape(&slots.body(those.kind, profile, &found));
    }
    let default = if profile.is_default { ", the default" } else { "" };
    output.line(format!("{done} {} ({}) · {}{default}", profile.label, those.kind, display_path(&profile.directory)))
}

/// Prints how to sign in, unless the directory shows a login.
pub(super) async fn mend(those: &ProfilesContext<'_>, profile: &Profile) -> Result<(), Error> {
    let output = &those.program.output;
    let found = those.profiles.probe(&profile.directory).await?;
    if output.json || found.authenticated == Some(true) {
        return Ok(());
    }
    let how = those.sign_in(profile).await?;
    if found.state == DirectoryState::Gone && those.wants(Some(profile)) && !how.is_empty() {
        let make = if cfg!(windows) { "mkdir" } else { "mkdir -p -m 700" };
        output.line(format!("Create the directory first: {make} {}", quoted(&profile.directory.to_string_lossy())))?;
    }
    how.into_iter().try_for_each(|line| output.line(line))
}

/// The slots of a kind, and the profile of each.
struct Slots(Vec<(String, connection_core::ProfileId)>);

impl Slots {
    async fn of(those: &ProfilesContext<'_>) -> Result<Self, Error> {
        Ok(Self(those.profiles.slots().await?.into_iter().collect()))
    }

    fn names(&self, profile: &Profile) -> Vec<String> {
        self.0.iter().filter(|(_, id)| *id == profile.id).map(|(slot, _)| slot.clone()).collect()
    }

    /// Returns the defaults of a profile, such as `yes, slot work`.
    fn default_of(&self, profile: &Profile) -> String {
        let slots = self.names(profile).into_iter().map(|slot| format!("slot {slot}"));
        profile.is_default.then(|| "yes".to_owned()).into_iter().chain(slots).collect::<Vec<_>>().join(", ")
    }

    fn body(&self, kind: &str, profile: &Profile, found: &DirectoryProbe) -> api::Profile {
        convert::profile(kind, profile, &self.names(profile), found)
    }
}

/// Returns the account, `yes` or `no`; empty if unknown.
pub(in crate::commands) fn signed_in(found: &DirectoryProbe) -> &str {
    match (found.authenticated, &found.account_label) {
        (Some(true), Some(account)) => account.as_str(),
        (Some(true), None) => "yes",
        (Some(false), _) => "no",
        (None, _) => "",
    }
}

/// Returns a note on an unusual state of the directory.
fn note(found: &DirectoryProbe, is_wanted: bool) -> String {
    match &found.state {
        DirectoryState::Gone if is_wanted => "does not exist yet; `connections run` creates it".to_owned(),
        DirectoryState::Gone => "does not exist yet; the tool creates it".to_owned(),
        DirectoryState::Link(to) => match &found.reason {
            Some(why) => format!("a link to {}; {}", display_path(to), why.message),
            None => format!("a link to {}", display_path(to)),
        },
        DirectoryState::NotADirectory => "not a directory".to_owned(),
        DirectoryState::NotAllowed => {
            "outside the directories that this host allows to be read (files.allow)".to_owned()
        }
        DirectoryState::There if !found.exists => "the tool has not used it yet".to_owned(),
        DirectoryState::There => found.reason.as_ref().map_or(String::new(), |why| why.message.to_string()),
        _ => "cannot be read".to_owned(),
    }
}
