//! Creates, changes and removes profiles. The content of their directories stays unchanged.

use connection_core::{NewProfile, Profile, ProfileError, ProfilePatch};
use connection_server::convert;

use super::{InUse, ProfilesContext, directory, show};
use crate::{
    Error,
    args::{CreateProfile, DefaultProfile, UpdateProfile},
    output::json,
};

pub(super) async fn create(those: &ProfilesContext<'_>, arguments: CreateProfile) -> Result<(), Error> {
    let CreateProfile { kind: _, label, dir, default } = arguments;
    let new = NewProfile::new(label, directory(dir));
    let made = those.profiles.create(if default { new.make_default() } else { new }).await?;
    make_directory(those, &made).await;
    show::print(those, &made, "Made").await?;
    show::mend(those, &made).await
}

pub(super) async fn update(those: &ProfilesContext<'_>, arguments: UpdateProfile) -> Result<(), Error> {
    let UpdateProfile { kind: _, profile, label, dir } = arguments;
    let before = those.named(&profile).await?;
    let patch = label.into_iter().fold(ProfilePatch::new(), |patch, label| patch.label(label));
    let patch = dir.into_iter().fold(patch, |patch, dir| patch.directory(directory(dir)));
    let changed = those.profiles.update(before.id, patch).await?;
    if changed.directory != before.directory {
        make_directory(those, &changed).await;
    }
    show::print(those, &changed, if changed == before { "Left" } else { "Changed" }).await
}

/// Creates the directory for a tool that requires one. The profile is stored by now, so a failure is only noted; the
/// next start tries again.
async fn make_directory(those: &ProfilesContext<'_>, profile: &Profile) {
    let made = match those.start(profile).await {
        Ok(start) => those.profiles.make_directory(&start).await.map_err(Error::from),
        Err(error) => Err(error),
    };
    if let Err(error) = made
        && !those.program.output.json
    {
        those.program.output.note(error.to_string());
    }
}

pub(super) async fn remove(those: &ProfilesContext<'_>, reference: &str) -> Result<(), Error> {
    let output = &those.program.output;
    let profile = those.named(reference).await?;
    // A tool that is started with the profile waits until the removal has ended.
    let Some(unused) = InUse::by_nobody(those.program, profile.id) else {
        return Err(connection_core::Error::from(ProfileError::InUse {
            kind: those.program.kind(those.kind)?.descriptor.kind.clone(),
            label: profile.label.to_string(),
            by: "by a tool that runs as it".to_owned(),
        })
        .into());
    };
    those.profiles.remove(profile.id).await?;
    unused.forget();
    if output.json {
        return output.shape(&convert::removed_profile(those.kind, &profile));
    }
    let directory = super::display_path(&profile.directory);
    output.line(format!("Removed {} ({}); {directory} was not changed", profile.label, those.kind))
}

pub(super) async fn make_default(those: &ProfilesContext<'_>, arguments: DefaultProfile) -> Result<(), Error> {
    let DefaultProfile { kind: _, profile, slot, clear: _ } = arguments;
    let output = &those.program.output;
    let profile = match profile {
        Some(reference) => Some(those.named(&reference).await?),
        None => None,
    };
    match (profile, slot) {
        (Some(profile), None) => {
            let profile = those.profiles.set_default(profile.id).await?;
            show::print(those, &profile, "Chose").await
        }
        (Some(profile), Some(slot)) => {
            those.profiles.set_slot(&slot, profile.id).await?;
            if output.json {
                return output.shape(&json::ProfileSlotBody::of(those.kind, &slot, Some(profile.id)));
            }
            output.line(format!("Slot {slot} uses {} ({})", profile.label, those.kind))
        }
        (None, Some(slot)) => {
            let had_one = those.profiles.clear_slot(&slot).await?;
            if output.json {
                return output.shape(&json::ProfileSlotBody::of(those.kind, &slot, None::<String>));
            }
            output.line(match had_one {
                true => format!("Slot {slot} uses the default of {} again", those.kind),
                false => format!("Slot {slot} had no profile of its own"),
            })
        }
        // The command line requires one of the two.
        (None, None) => Err(Error::usage("name a profile: `connections profiles default KIND PROFILE`")),
    }
}
