//! The identity with which a tool runs: the selected profile, applied last, and the token or key of its connection.

use std::ffi::OsString;

use connection_core::{ProfileId, Profiles, SpawnOptions};

use crate::{Error, args::Run, commands::profiles::InUse, program::Program, select};

/// The identity that was applied to a start.
#[derive(Default)]
pub(super) struct Identity {
    /// The lock that keeps the profile from being removed.
    _in_use: Option<InUse>,
    /// The variable that holds the token or key of the profile's connection.
    pub(super) token: Option<OsString>,
}

/// Applies the selected profile. A dry run gets the variable of a token without its value.
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
    let profile = profiles.resolve(named, arguments.slot.as_deref()).await?;
    // Lock the profile before it is read for the last time, so that it cannot be removed afterwards.
    let in_use = if arguments.dry_run { None } else { Some(InUse::by_a_tool(program, profile.id).await) };
    if profiles.apply_profile(options, profile.id).await?.is_none() {
        // The profile was removed in between, and the tool must not run with another identity.
        return select::profile(&arguments.kind, Vec::new(), profile.label.as_str()).map(|_| Identity::default());
    }
    let token = token(arguments, profiles, profile.id, options).await?;
    if !arguments.dry_run {
        profiles.make_directory(options).await?;
    }
    Ok(Identity { _in_use: in_use, token })
}

/// Adds the token or key of the profile's connection, unless the user named its variable with `--env`.
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
        token.show(options);
    } else {
        token.apply(options).await?;
    }
    Ok(Some(variable))
}
