//! The list of profiles, and the state of their directories.

use connection_api::{DirectoryProbe, DirectoryState, Profile};

use super::{ProfilesContext, display_text};
use crate::{
    Error,
    commands::show::fact,
    output::{Output, Table, short_id},
};

pub(super) async fn list(those: &ProfilesContext<'_>) -> Result<(), Error> {
    let output = those.output;
    let profiles = those.backend.profiles(those.kind).await?;
    if output.json {
        return output.shape(&profiles);
    }
    let mut table = Table::new(["ID", "LABEL", "DEFAULT", "SIGNED IN", "DIRECTORY", "NOTE"], 2);
    for profile in &profiles {
        let slots = profile.slots.iter().map(|slot| format!("slot {slot}"));
        let default = profile.is_default.then(|| "yes".to_owned()).into_iter().chain(slots);
        table.row([
            short_id(&profile.id).into(),
            profile.label.as_str().into(),
            default.collect::<Vec<_>>().join(", ").into(),
            signed_in(profile.found.authenticated, profile.found.account.as_deref()).into(),
            display_text(&profile.directory).into(),
            note(those, Some(profile), &profile.found).into(),
        ]);
    }
    output.table(&table)
}

/// Prints what a directory shows, of a profile or not.
pub(super) fn facts(
    those: &ProfilesContext<'_>,
    profile: Option<&Profile>,
    found: &DirectoryProbe,
) -> Result<(), Error> {
    let output = those.output;
    fact(output, "directory", &display_text(&found.directory))?;
    let note = note(those, profile, found);
    if !note.is_empty() {
        fact(output, "note", &note)?;
    }
    let signed_in = match found.authenticated {
        None => "not known",
        is_signed_in => signed_in(is_signed_in, found.account.as_deref()),
    };
    fact(output, "signed in", signed_in)?;
    match &found.account {
        Some(account) => fact(output, "account", account),
        None => Ok(()),
    }
}

/// Prints a profile after an action.
pub(super) fn print(output: &Output, profile: &Profile, done: &str) -> Result<(), Error> {
    if output.json {
        return output.shape(profile);
    }
    let default = if profile.is_default { ", the default" } else { "" };
    let directory = display_text(&profile.directory);
    output.line(format!("{done} {} ({}) · {directory}{default}", profile.label, profile.kind))
}

/// Returns the account, `yes` or `no`; empty if unknown.
pub(in crate::commands) fn signed_in(authenticated: Option<bool>, account: Option<&str>) -> &str {
    match (authenticated, account) {
        (Some(true), Some(account)) => account,
        (Some(true), None) => "yes",
        (Some(false), _) => "no",
        (None, _) => "",
    }
}

/// Returns a note on an unusual state of the directory.
fn note(those: &ProfilesContext<'_>, profile: Option<&Profile>, found: &DirectoryProbe) -> String {
    let why = found.reason.as_ref().map(|why| why.message.as_str());
    match (found.state, &those.here) {
        (DirectoryState::Gone, Some(here)) if here.needs_directory(profile) => {
            "does not exist yet; `connections run` creates it".to_owned()
        }
        (DirectoryState::Gone, Some(_)) => "does not exist yet; the tool creates it".to_owned(),
        (DirectoryState::Gone, None) => "does not exist yet".to_owned(),
        (DirectoryState::Link, _) => {
            let target = found.target.as_deref().map(display_text).unwrap_or_default();
            let why = why.map(|why| format!("; {why}")).unwrap_or_default();
            format!("a link to {target}{why}")
        }
        (DirectoryState::NotADirectory, _) => "not a directory".to_owned(),
        (DirectoryState::NotAllowed, here) => {
            let host = if here.is_some() { "this host" } else { "the server" };
            format!("outside the directories that {host} allows to be read (files.allow)")
        }
        (DirectoryState::There, _) if !found.exists => "the tool has not used it yet".to_owned(),
        (DirectoryState::There, _) => why.unwrap_or_default().to_owned(),
        _ => "cannot be read".to_owned(),
    }
}
