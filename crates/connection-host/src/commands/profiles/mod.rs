//! `profiles`: the identities of a local tool, each a directory of the tool's. Nothing is written below one.

mod change;
mod look;

use std::path::{Path, PathBuf};

use connection_core::{ConnectionRegistry, Profile, Profiles};

use crate::{Error, Exit, args::ProfilesCommand, cli::Program, select};

pub(super) async fn run(mut program: Program, command: ProfilesCommand) -> Result<Exit, Error> {
    let kind = kind_of(&command).to_owned();
    let (registry, profiles) = open(&mut program, &kind).await?;
    let those = Those { program: &program, kind: &kind, profiles: &profiles };
    let result = match command {
        ProfilesCommand::List { .. } => look::list(&those).await,
        ProfilesCommand::Create(arguments) => change::create(&those, arguments).await,
        ProfilesCommand::Update(arguments) => change::update(&those, arguments).await,
        ProfilesCommand::Remove { profile, .. } => change::remove(&those, &profile).await,
        ProfilesCommand::Default(arguments) => change::make_default(&those, arguments).await,
        ProfilesCommand::Probe { profile, dir, .. } => look::probe(&those, profile.as_deref(), dir).await,
    };
    registry.close().await;
    result.map(|()| Exit::Fine)
}

fn kind_of(command: &ProfilesCommand) -> &str {
    match command {
        ProfilesCommand::Create(arguments) => &arguments.kind,
        ProfilesCommand::Default(arguments) => &arguments.kind,
        ProfilesCommand::Update(arguments) => &arguments.kind,
        ProfilesCommand::List { kind }
        | ProfilesCommand::Probe { kind, .. }
        | ProfilesCommand::Remove { kind, .. } => kind,
    }
}

/// What every one of these commands has at hand.
struct Those<'a> {
    program: &'a Program,
    kind: &'a str,
    profiles: &'a Profiles,
}

impl Those<'_> {
    /// The profile that the reference names.
    async fn named(&self, reference: &str) -> Result<Profile, Error> {
        select::profile(self.kind, self.profiles.list().await?, reference)
    }
}

/// The registry, and the profiles of a kind; a kind without is refused before anything is made.
pub(super) async fn open(program: &mut Program, kind: &str) -> Result<(ConnectionRegistry, Profiles), Error> {
    let entry = program.kind(kind)?;
    let name = entry.descriptor.kind.clone();
    if !entry.profiles {
        return Err(connection_core::Error::from(connection_core::ProfileError::Unsupported { kind: name }).into());
    }
    let registry = program.open().await?;
    let profiles = registry.profiles(&name)?;
    Ok((registry, profiles))
}

/// A directory that was typed: from the root on. One that begins with `~` is a shell's word that no shell has read.
fn directory(path: PathBuf) -> PathBuf {
    if path.starts_with("~") { path } else { std::path::absolute(&path).unwrap_or(path) }
}

/// For people.
fn shown(path: &Path) -> String {
    connection_contract::DisplayText::from(path.to_string_lossy().into_owned()).to_string()
}
