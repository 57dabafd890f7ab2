//! `profiles`: the identities of a local tool, each a directory of that tool. Nothing is written below a directory.

mod change;
mod in_use;
mod on_server;
mod show;

use std::path::{Component, Path, PathBuf};

use connection_core::{ConnectionRegistry, Profile, ProfileError, Profiles, SpawnOptions};

pub(super) use in_use::{InUse, in_use};
pub(super) use show::signed_in;

use super::tool;
use crate::{Error, Exit, args::ProfilesCommand, kind_entry::KindEntry, program::Program, select};

pub(super) async fn run(mut program: Program, command: ProfilesCommand) -> Result<Exit, Error> {
    if let Some(server) = program.server.clone() {
        return on_server::run(&program.output, &server, command).await;
    }
    let kind = kind_of(&command).to_owned();
    let (registry, profiles) = open(&mut program, &kind).await?;
    let those = ProfilesContext { program: &program, kind: &kind, profiles: &profiles };
    let result = match command {
        ProfilesCommand::List { .. } => show::list(&those).await,
        ProfilesCommand::Create(arguments) => change::create(&those, arguments).await,
        ProfilesCommand::Update(arguments) => change::update(&those, arguments).await,
        ProfilesCommand::Remove { profile, .. } => change::remove(&those, &profile).await,
        ProfilesCommand::Default(arguments) => change::make_default(&those, arguments).await,
        ProfilesCommand::Probe { profile, dir, .. } => show::probe(&those, profile.as_deref(), dir).await,
    };
    registry.close().await;
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
    program: &'a Program,
    kind: &'a str,
    profiles: &'a Profiles,
}

impl ProfilesContext<'_> {
    /// Returns the profile that the reference names.
    async fn named(&self, reference: &str) -> Result<Profile, Error> {
        select::profile(self.kind, self.profiles.list().await?, reference)
    }

    /// Returns `true` if the tool refuses a missing directory and would be started with this one.
    fn wants(&self, profile: Option<&Profile>) -> bool {
        let spec = self.program.kind(self.kind).ok().and_then(|kind| kind.profiles.as_ref());
        spec.is_some_and(|spec| spec.needs_directory) && profile.is_none_or(|profile| !profile.is_implicit)
    }

    /// Returns the options for a start of the tool with a profile, without the tool itself.
    async fn start(&self, profile: &Profile) -> Result<SpawnOptions, Error> {
        let mut options = SpawnOptions::new("");
        self.profiles.apply_profile(&mut options, profile.id).await?;
        Ok(options)
    }

    /// Returns how a person signs in with a profile, for a login that is missing.
    async fn sign_in(&self, profile: &Profile) -> Result<Vec<String>, Error> {
        let Ok(tool) = tool::of(self.program.kind(self.kind)?) else { return Ok(Vec::new()) };
        Ok(tool::sign_in(tool, &tool::Variables::of(self.program, &self.start(profile).await?)))
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

/// Makes a typed directory absolute. A path that begins with `~` was not expanded by a shell, and is left unchanged.
fn directory(path: PathBuf) -> PathBuf {
    if path.starts_with("~") {
        return path;
    }
    let path = std::path::absolute(&path).unwrap_or(path);
    let parts: Vec<_> = path.components().collect();
    let Some(last) = parts.iter().rposition(|part| *part == Component::ParentDir) else { return path };
    let (above, below) = parts.split_at(last + 1);
    // Only the disk can resolve `..` after a symbolic link. A path that does not exist is left unchanged.
    match above.iter().collect::<PathBuf>().canonicalize() {
        Ok(real) => real.join(below.iter().collect::<PathBuf>()),
        Err(_) => path,
    }
}

/// Returns a path for people, without control characters.
pub(super) fn display_path(path: &Path) -> String {
    connection_contract::DisplayText::from(path.to_string_lossy().into_owned()).to_string()
}
