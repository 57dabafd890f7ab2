//! The profiles of a server, which are directories of its machine.

use std::path::Path;

use connection_api::{ChangeProfile, ChangeProfileSlot, DirectoryProbe, DirectoryState, NewProfile, Profile};

use crate::{
    Error, Exit,
    args::{DefaultProfile, ProfilesCommand},
    backend::{AT_THE_SERVER, Remote},
    commands::show::fact,
    output::{Output, Table, json, short_id},
    select,
};

pub(super) async fn run(output: &Output, server: &Remote, command: ProfilesCommand) -> Result<Exit, Error> {
    let of = ServerProfiles { output, server };
    match command {
        ProfilesCommand::List { kind } => of.list(&kind).await?,
        ProfilesCommand::Create(arguments) => {
            let directory = path(&arguments.dir);
            let new = NewProfile { kind: arguments.kind, label: arguments.label, directory };
            let mut made = server.client.create_profile(&new).await?;
            if arguments.default {
                let change = ChangeProfile { default: true, ..ChangeProfile::default() };
                made = server.client.change_profile(&made.id, &change).await?;
            }
            of.print(&made, "Made")?;
        }
        ProfilesCommand::Update(arguments) => {
            let before = of.named(&arguments.kind, &arguments.profile).await?;
            let directory = arguments.dir.as_deref().map(path);
            let change = ChangeProfile { label: arguments.label, directory, default: false };
            let changed = server.client.change_profile(&before.id, &change).await?;
            of.print(&changed, if changed == before { "Left" } else { "Changed" })?;
        }
        ProfilesCommand::Remove { kind, profile } => {
            let profile = of.named(&kind, &profile).await?;
            let removed = server.client.remove_profile(&profile.id).await?;
            match output.json {
                true => output.shape(&removed)?,
                false => {
                    let directory = &profile.directory;
                    output.line(format!("Removed {} ({kind}); {directory} was not changed", profile.label))?;
                }
            }
        }
        ProfilesCommand::Default(arguments) => of.make_default(arguments).await?,
        ProfilesCommand::Probe { dir: Some(_), .. } => {
            let message = "--dir does not work with --host: a server looks into the directories of profiles alone";
            return Err(Error::usage(message).remedy(AT_THE_SERVER));
        }
        ProfilesCommand::Probe { kind, profile, dir: None } => of.probe(&kind, profile.as_deref()).await?,
    }
    Ok(Exit::Fine)
}

/// Returns a path of the server's machine as it was typed.
fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

struct ServerProfiles<'a> {
    output: &'a Output,
    server: &'a Remote,
}

impl ServerProfiles<'_> {
    /// Returns the profiles of a kind.
    async fn of_kind(&self, kind: &str) -> Result<Vec<Profile>, Error> {
        // An unknown kind is refused, with the kinds of the server.
        self.server.kind(kind).await?;
        let mut profiles = self.server.client.profiles().await?;
        profiles.retain(|profile| profile.kind == kind);
        Ok(profiles)
    }

    async fn named(&self, kind: &str, reference: &str) -> Result<Profile, Error> {
        select::profile_of_server(kind, self.of_kind(kind).await?, reference)
    }

    async fn list(&self, kind: &str) -> Result<(), Error> {
        let profiles = self.of_kind(kind).await?;
        if self.output.json {
            return self.output.shape(&profiles);
        }
        let mut table = Table::new(["ID", "LABEL", "DEFAULT", "SIGNED IN", "DIRECTORY", "NOTE"], 2);
        for profile in &profiles {
            let slots = profile.slots.iter().map(|slot| format!("slot {slot}"));
            let default = profile.is_default.then(|| "yes".to_owned()).into_iter().chain(slots);
            table.row([
                short_id(&profile.id).into(),
                profile.label.as_str().into(),
                default.collect::<Vec<_>>().join(", ").into(),
                signed_in(&profile.found).into(),
                profile.directory.as_str().into(),
                note(&profile.found).into(),
            ]);
        }
        self.output.table(&table)
    }

    async fn probe(&self, kind: &str, reference: Option<&str>) -> Result<(), Error> {
        let profile = match reference {
            Some(reference) => self.named(kind, reference).await?,
            None => {
                let default = self.of_kind(kind).await?.into_iter().find(|profile| profile.is_default);
                default.ok_or_else(|| Error::new(Exit::NotFound, "profile_not_found", "there is no default profile"))?
            }
        };
        let (output, found) = (self.output, &profile.found);
        if output.json {
            return output.shape(found);
        }
        fact(output, "directory", &found.directory)?;
        let note = note(found);
        if !note.is_empty() {
            fact(output, "note", note)?;
        }
        fact(output, "signed in", if found.authenticated.is_none() { "not known" } else { signed_in(found) })?;
        match &found.account {
            Some(account) => fact(output, "account", account),
            None => Ok(()),
        }
    }

    async fn make_default(&self, arguments: DefaultProfile) -> Result<(), Error> {
        let DefaultProfile { kind, profile, slot, clear: _ } = arguments;
        let (output, client) = (self.output, &self.server.client);
        match (profile, slot) {
            (Some(reference), None) => {
                let profile = self.named(&kind, &reference).await?;
                let change = ChangeProfile { default: true, ..ChangeProfile::default() };
                self.print(&client.change_profile(&profile.id, &change).await?, "Chose")
            }
            (Some(reference), Some(slot)) => {
                let profile = self.named(&kind, &reference).await?;
                client.change_slot(&profile.id, &ChangeProfileSlot { slot: slot.clone(), uses: true }).await?;
                match output.json {
                    true => output.shape(&json::ProfileSlotBody::of(&kind, &slot, Some(profile.id))),
                    false => output.line(format!("Slot {slot} uses {} ({kind})", profile.label)),
                }
            }
            (None, Some(slot)) => {
                let profiles = self.of_kind(&kind).await?;
                let user = profiles.iter().find(|profile| profile.slots.contains(&slot));
                if let Some(user) = user {
                    client.change_slot(&user.id, &ChangeProfileSlot { slot: slot.clone(), uses: false }).await?;
                }
                if output.json {
                    return output.shape(&json::ProfileSlotBody::of(&kind, &slot, None::<String>));
                }
                output.line(match user {
                    Some(_) => format!("Slot {slot} uses the default of {kind} again"),
                    None => format!("Slot {slot} had no profile of its own"),
                })
            }
            // The command line requires one of the two.
            (None, None) => Err(Error::usage("name a profile: `connections profiles default KIND PROFILE`")),
        }
    }

    /// Prints a profile after an action.
    fn print(&self, profile: &Profile, done: &str) -> Result<(), Error> {
        if self.output.json {
            return self.output.shape(profile);
        }
        let default = if profile.is_default { ", the default" } else { "" };
        let Profile { label, kind, directory, .. } = profile;
        self.output.line(format!("{done} {label} ({kind}) · {directory}{default}"))
    }
}

/// Returns the account, `yes` or `no`; empty if unknown.
fn signed_in(found: &DirectoryProbe) -> &str {
    match (found.authenticated, &found.account) {
        (Some(true), Some(account)) => account,
        (Some(true), None) => "yes",
        (Some(false), _) => "no",
        (None, _) => "",
    }
}

/// Returns a note on an unusual state of the directory.
fn note(found: &DirectoryProbe) -> &str {
    let why = found.reason.as_ref().map_or("", |why| why.message.as_str());
    match found.state {
        DirectoryState::Gone => "does not exist yet",
        DirectoryState::Link => "a link",
        DirectoryState::NotADirectory => "not a directory",
        DirectoryState::NotAllowed => "outside the directories that the server allows to be read (files.allow)",
        DirectoryState::There if !found.exists => "the tool has not used it yet",
        DirectoryState::There => why,
        _ => "cannot be read",
    }
}
