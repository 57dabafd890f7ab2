//! `profiles`: the identities of a local tool, each a directory of that tool. Nothing is written below a directory.

mod here;
mod in_use;
mod show;

use std::path::{Path, PathBuf};

use connection_api::{ChangeProfile, NewProfile, Profile};
use connection_core::{ConnectionRegistry, ProfileError, Profiles};
use connection_server::convert;

pub(super) use in_use::{InUse, in_use};
pub(super) use show::signed_in;

use self::here::Here;
use crate::{
    Error, Exit,
    args::{CreateProfile, DefaultProfile, ProfilesCommand, UpdateProfile},
    backend::{AT_THE_SERVER, Backend, Local},
    kind_entry::KindEntry,
    output::{Output, json},
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, command: ProfilesCommand) -> Result<Exit, Error> {
    let kind = kind_of(&command).to_owned();
    let server = program.server.clone();
    let (backend, profiles): (Box<dyn Backend>, _) = match server {
        Some(server) => (Box::new(server), None),
        None => {
            let (registry, profiles) = open(&mut program, &kind).await?;
            (Box::new(Local::new(registry, program.settings.clone())), Some(profiles))
        }
    };
    let here = profiles.as_ref().map(|profiles| Here { program: &program, kind: &kind, profiles });
    let those = ProfilesContext { output: &program.output, kind: &kind, backend: &*backend, here };
    let result = match command {
        ProfilesCommand::List { .. } => show::list(&those).await,
        ProfilesCommand::Create(arguments) => those.create(arguments).await,
        ProfilesCommand::Update(arguments) => those.update(arguments).await,
        ProfilesCommand::Remove { profile, .. } => those.remove(&profile).await,
        ProfilesCommand::Default(arguments) => those.make_default(arguments).await,
        ProfilesCommand::Probe { profile, dir: None, .. } => those.probe(profile.as_deref()).await,
        ProfilesCommand::Probe { dir: Some(dir), .. } => those.probe_directory(dir).await,
    };
    backend.close().await;
    result.map(|()| Exit::Fine)
}

fn kind_of(command: &ProfilesCommand) -> &str {
    match command {
        ProfilesCommand::Create(arguments) => &arguments.kind,
        ProfilesCommand::Default(arguments) => &arguments.kind,
        ProfilesCommand::Update(arguments) => &arguments.kind,
        ProfilesCommand::List { kind } | ProfilesCommand::Probe { kind, .. } | ProfilesCommand::Remove { kind, .. } => {
            kind
        }
    }
}

/// The state that these commands share.
struct ProfilesContext<'a> {
    output: &'a Output,
    kind: &'a str,
    backend: &'a dyn Backend,
    /// The machine of the profiles, if it is this one.
    here: Option<Here<'a>>,
}

impl ProfilesContext<'_> {
    /// Returns the profile that the reference names.
    async fn named(&self, reference: &str) -> Result<Profile, Error> {
        select::profile_shape(self.kind, self.backend.profiles(self.kind).await?, reference)
    }

    /// Returns the path of a directory of the profiles' machine, from what was typed.
    fn directory(&self, typed: PathBuf) -> String {
        let path = if self.here.is_some() { here::directory(typed) } else { typed };
        path.to_string_lossy().into_owned()
    }

    /// Creates the directory for a tool that requires one, and returns the profile as it is then.
    async fn with_directory(&self, profile: Profile) -> Result<Profile, Error> {
        match &self.here {
            Some(here) if here.make_directory(&profile).await => self.named(&profile.id).await,
            _ => Ok(profile),
        }
    }

    async fn create(&self, arguments: CreateProfile) -> Result<(), Error> {
        let CreateProfile { kind: _, label, dir, default } = arguments;
        let new = NewProfile { kind: self.kind.to_owned(), label, directory: self.directory(dir) };
        let made = self.backend.create_profile(&new, default).await?;
        let made = self.with_directory(made).await?;
        show::print(self.output, &made, "Made")?;
        self.mend(&made).await
    }

    async fn update(&self, arguments: UpdateProfile) -> Result<(), Error> {
        let UpdateProfile { kind: _, profile, label, dir } = arguments;
        let before = self.named(&profile).await?;
        let directory = dir.map(|dir| self.directory(dir));
        let change = ChangeProfile { label, directory, default: false };
        let changed = self.backend.change_profile(&before, &change).await?;
        let is_same = (&changed.label, &changed.directory) == (&before.label, &before.directory);
        let changed = match changed.directory == before.directory {
            true => changed,
            false => self.with_directory(changed).await?,
        };
        show::print(self.output, &changed, if is_same { "Left" } else { "Changed" })
    }

    async fn remove(&self, reference: &str) -> Result<(), Error> {
        let profile = self.named(reference).await?;
        // A tool that is started with the profile waits until the removal has ended.
        let unused = self.here.as_ref().map(|here| here.lock(&profile)).transpose()?;
        let removed = self.backend.remove_profile(&profile).await?;
        if let Some(unused) = unused {
            unused.forget();
        }
        if self.output.json {
            return self.output.shape(&removed);
        }
        let directory = display_text(&profile.directory);
        self.output.line(format!("Removed {} ({}); {directory} was not changed", profile.label, self.kind))
    }

    async fn make_default(&self, arguments: DefaultProfile) -> Result<(), Error> {
        let DefaultProfile { kind: _, profile, slot, clear: _ } = arguments;
        let profile = match profile {
            Some(reference) => Some(self.named(&reference).await?),
            None => None,
        };
        match (profile, slot) {
            (Some(profile), None) => {
                let change = ChangeProfile { default: true, ..ChangeProfile::default() };
                show::print(self.output, &self.backend.change_profile(&profile, &change).await?, "Chose")
            }
            (Some(profile), Some(slot)) => {
                self.backend.set_slot(&profile, &slot).await?;
                if self.output.json {
                    return self.output.shape(&json::ProfileSlotBody::of(self.kind, &slot, Some(profile.id)));
                }
                self.output.line(format!("Slot {slot} uses {} ({})", profile.label, self.kind))
            }
            (None, Some(slot)) => {
                let had_one = self.backend.clear_slot(self.kind, &slot).await?;
                if self.output.json {
                    return self.output.shape(&json::ProfileSlotBody::of(self.kind, &slot, None::<String>));
                }
                self.output.line(match had_one {
                    true => format!("Slot {slot} uses the default of {} again", self.kind),
                    false => format!("Slot {slot} had no profile of its own"),
                })
            }
            // The command line requires one of the two.
            (None, None) => Err(Error::usage("name a profile: `connections profiles default KIND PROFILE`")),
        }
    }

    /// Shows the directory of a profile, or of the default one.
    async fn probe(&self, reference: Option<&str>) -> Result<(), Error> {
        let profile = match reference {
            Some(reference) => self.named(reference).await?,
            None => {
                let default = self.backend.profiles(self.kind).await?.into_iter().find(|profile| profile.is_default);
                default.ok_or_else(|| Error::new(Exit::NotFound, "profile_not_found", "there is no default profile"))?
            }
        };
        if self.output.json {
            return self.output.shape(&profile.found);
        }
        show::facts(self, Some(&profile), &profile.found)?;
        self.mend(&profile).await
    }

    /// Shows a directory of this machine, of a profile or not.
    async fn probe_directory(&self, typed: PathBuf) -> Result<(), Error> {
        let Some(here) = &self.here else {
            let message = "--dir does not work with --host: a server looks into the directories of profiles alone";
            return Err(Error::usage(message).remedy(AT_THE_SERVER));
        };
        let path = here::directory(typed);
        let found = convert::probe(&path, &here.profiles.probe(&path).await?);
        if self.output.json {
            return self.output.shape(&found);
        }
        show::facts(self, None, &found)
    }

    /// Prints how to sign in on this machine, unless the directory shows a login.
    async fn mend(&self, profile: &Profile) -> Result<(), Error> {
        let Some(here) = self.here.as_ref().filter(|_| !self.output.json) else { return Ok(()) };
        here.sign_in_lines(profile).await?.into_iter().try_for_each(|line| self.output.line(line))
    }
}

/// Opens the registry and the profiles of a kind. A kind without profiles is refused before anything is created.
pub(super) async fn open(program: &mut Program, kind: &str) -> Result<(ConnectionRegistry, Profiles), Error> {
    let entry = program.kind(kind)?;
    let name = entry.descriptor.kind.clone();
    supported(entry)?;
    let registry = program.open().await?;
    let profiles = registry.profiles(&name)?;
    Ok((registry, profiles))
}

/// Refuses a kind without profiles.
pub(super) fn supported(entry: &KindEntry) -> Result<(), Error> {
    match &entry.profiles {
        Some(_) => Ok(()),
        None => {
            let kind = entry.descriptor.kind.clone();
            Err(connection_core::Error::from(ProfileError::Unsupported { kind }).into())
        }
    }
}

/// Returns a path for people, without control characters.
pub(super) fn display_path(path: &Path) -> String {
    display_text(&path.to_string_lossy())
}

fn display_text(text: &str) -> String {
    connection_contract::DisplayText::from(text.to_owned()).to_string()
}
