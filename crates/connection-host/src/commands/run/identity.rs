//! As which identity a tool is run: the profile that is meant, put in last of all, and the token of its connection.

use std::ffi::OsString;

use connection_core::{ProfileId, Profiles, SpawnOptions};

use crate::{Error, args::Run, cli::Program, commands::profiles::InUse, select};

/// The identity that was put into a start.
#[derive(Default)]
pub(super) struct Identity {
    /// As long as it is kept, nobody removes the profile.
    _in_use: Option<InUse>,
    /// The variable that holds the token of the profile's connection.
    pub(super) token: Option<OsString>,
}

/// Puts the profile in that is meant. A dry run is told the variable of a token and puts no value into it.
pub(super) async fn apply(
    program: &Program,
    arguments: &Run,
    profiles: &Profiles,
    options: &mut SpawnOptions,
) -> Result<Identity, Error> {
    let named = match &arguments.profile {
        Some(reference) => Some(select::profile(&arguments.kind, profiles.list().await?, reference)?.id),
        None => None,
    };
    let meant = profiles.resolve(named, arguments.slot.as_deref()).await?;
    // Before the last look at it, so that it cannot go any more.
    let in_use = if arguments.dry_run { None } else { Some(InUse::by_a_tool(program, meant.id).await) };
    if profiles.apply_profile(options, meant.id).await?.is_none() {
        // It was removed in between; the tool must not run as somebody else.
        return select::profile(&arguments.kind, Vec::new(), meant.label.as_str()).map(|_| Identity::default());
    }
    let token = token(arguments, profiles, meant.id, options).await?;
    if !arguments.dry_run {
        profiles.make_directory(options).await?;
    }
    Ok(Identity { _in_use: in_use, token })
}

/// Puts the token of the profile's connection in, unless the person named the variable with `--env`.
async fn token(
    arguments: &Run,
    profiles: &Profiles,
    profile: ProfileId,
    options: &mut SpawnOptions,
) -> Result<Option<OsString>, Error> {
    let token = profiles.token(profile).await?;
    let Some(token) = token.filter(|token| !arguments.env.iter().any(|name| name == token.variable())) else {
        return Ok(None);
    };
    let variable = OsString::from(token.variable());
    if arguments.dry_run {
        options.env.insert(variable.clone(), OsString::new());
    } else {
        token.apply(options).await?;
    }
    Ok(Some(variable))
}
