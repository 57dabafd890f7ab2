//! As which identity a tool is run: the profile that is meant, put in last of all.

use connection_core::{Profiles, SpawnOptions};

use crate::{Error, args::Run, cli::Program, commands::profiles::InUse, select};

/// Puts the profile in that is meant, which nobody removes as long as what comes back is kept.
pub(super) async fn apply(
    program: &Program,
    arguments: &Run,
    profiles: &Profiles,
    options: &mut SpawnOptions,
) -> Result<Option<InUse>, Error> {
    let named = match &arguments.profile {
        Some(reference) => Some(select::profile(&arguments.kind, profiles.list().await?, reference)?.id),
        None => None,
    };
    let meant = profiles.resolve(named, arguments.slot.as_deref()).await?;
    // Before the last look at it, so that it cannot go any more.
    let in_use = if arguments.dry_run { None } else { Some(InUse::by_a_tool(program, meant.id).await) };
    if profiles.apply_profile(options, meant.id).await?.is_none() {
        // It was removed in between; the tool must not run as somebody else.
        return select::profile(&arguments.kind, Vec::new(), meant.label.as_str()).map(|_| None);
    }
    if !arguments.dry_run {
        profiles.make_directory(options).await?;
    }
    Ok(in_use)
}
