//! As which identity a tool is run: the profile that is meant, put in last of all, or left out where the tool is to run as
//! it does by itself.

use std::ffi::OsString;

use connection_contract::{PathBase, ProfileSpec};
use connection_core::{Profile, Profiles, SpawnOptions};

use crate::{Error, args::Run, cli::Program, select};

/// What a profile did to a start.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// Variables of the person's that would point the tool elsewhere.
    pub(super) without: Vec<OsString>,
}

/// Puts the profile in that is meant. The directory that the tool uses by itself needs nothing, unless somebody named it:
/// without its variable a tool may keep more beside it.
pub(super) async fn apply(
    program: &Program,
    arguments: &Run,
    profiles: &Profiles,
    spec: &ProfileSpec,
    options: &mut SpawnOptions,
) -> Result<Identity, Error> {
    let named = match &arguments.profile {
        Some(reference) => Some(select::profile(&arguments.kind, profiles.list().await?, reference)?.id),
        None => None,
    };
    let meant = profiles.resolve(named, arguments.slot.as_deref()).await?;
    let mut with = options.clone();
    if profiles.apply_profile(&mut with, meant.id).await?.is_none() {
        // It was removed in between; the tool must not run as somebody else.
        return select::profile(&arguments.kind, Vec::new(), meant.label.as_str()).map(|_| Identity::default());
    }
    if named.is_none() && meant.is_default && !arguments.sandbox && is_by_itself(program, spec, &meant) {
        return Ok(Identity { without: with.env.into_keys().collect() });
    }
    *options = with;
    Ok(Identity::default())
}

/// Whether the tool uses that directory without being told, as the home is now.
fn is_by_itself(program: &Program, spec: &ProfileSpec, profile: &Profile) -> bool {
    let home = match &spec.implicit_dir.base {
        PathBase::Home => program.environment.home(),
        _ => None,
    };
    profile.is_implicit
        && home.is_some_and(|home| {
            let implicit = spec.implicit_dir.parts().iter().fold(home, |path, part| path.join(part));
            implicit == profile.directory
        })
}
