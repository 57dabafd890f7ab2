//! `usage`: how much of each account is used. A provider that does not answer is data: what was fetched last and well is
//! shown with its age.

mod bars;

use std::collections::BTreeSet;

use connection_contract::{Kind, Timestamp};
use connection_core::{ConnectionRegistry, Error as CoreError, ProfileId, UsageReading, UsageStatus};

use super::{follow::until_interrupted, identities::Identities};
use crate::{Error, Exit, args::Usage, cli::Program, output::json, select};

pub(super) async fn run(mut program: Program, arguments: Usage) -> Result<Exit, Error> {
    if let Some(kind) = &arguments.kind {
        let entry = program.kind(kind)?;
        if !entry.usage {
            let what = "tell how much of their account is used";
            return Err(CoreError::NotSupported { kind: entry.descriptor.kind.clone(), what }.into());
        }
    }
    let registry = program.open().await?;
    let shown = show(&program, &registry, &arguments).await;
    registry.close().await;
    shown.map(|()| Exit::Fine)
}

async fn show(program: &Program, registry: &ConnectionRegistry, arguments: &Usage) -> Result<(), Error> {
    let output = &program.output;
    let meant = match &arguments.profile {
        Some(reference) => {
            Meant::named(program, registry, arguments.kind.as_deref().unwrap_or_default(), reference).await?
        }
        None => Meant::connected(program, registry, arguments.kind.as_deref()).await?,
    };
    let mut told = Vec::new();
    for account in &meant {
        told.push(account.look(registry, Look::Fetch).await?);
    }
    if output.json && !arguments.watch {
        return output.shape(&told.iter().map(Told::body).collect::<Vec<_>>());
    }
    let now = registry.clock().now();
    told.iter().try_for_each(|told| told.print(program, now))?;
    if !arguments.watch {
        return if told.is_empty() { output.line(nothing(arguments)) } else { Ok(()) };
    }
    if !output.json {
        output.note("Watching; Ctrl-C ends it.");
    }
    // Those that are connected later are shown as well.
    until_interrupted(&program.interrupts, async {
        let mut changes = registry.usage_changes();
        let polling = registry.poll_usage(program.settings.usage.bounds());
        let telling = async {
            while changes.changed().await {
                for account in Meant::again(&meant, program, registry, arguments).await? {
                    let next = account.look(registry, Look::Kept).await?;
                    let before = told.iter_mut().find(|told| told.account == account);
                    match before {
                        Some(before) if before.is_as(&next) => continue,
                        Some(before) => *before = next.clone(),
                        None => told.push(next.clone()),
                    }
                    next.print(program, registry.clock().now())?;
                }
            }
            Ok(())
        };
        tokio::select! {
            () = polling => Ok(()),
            told = telling => told,
        }
    })
    .await
}

fn nothing(arguments: &Usage) -> String {
    match &arguments.kind {
        Some(kind) => format!("No connection of '{kind}' is there; `connections add {kind}` makes one."),
        None => "No connection tells how much is used. `connections kinds` says which kinds do.".to_owned(),
    }
}

/// Whose usage it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Meant {
    kind: Kind,
    profile: Option<ProfileId>,
    /// What the profile is called.
    label: String,
}

/// How to know.
#[derive(Clone, Copy, Debug)]
enum Look {
    /// Ask the provider.
    Fetch,
    /// What this process was told last.
    Kept,
}

impl Meant {
    async fn named(
        program: &Program,
        registry: &ConnectionRegistry,
        kind: &str,
        reference: &str,
    ) -> Result<Vec<Self>, Error> {
        let kind = program.kind(kind)?.descriptor.kind.clone();
        let profiles = registry.profiles(&kind)?.list().await?;
        let profile = select::profile(kind.as_str(), profiles, reference)?;
        Ok(vec![Self { kind, profile: Some(profile.id), label: profile.label.to_string() }])
    }

    /// Of all connections that tell it, each account and profile once.
    async fn connected(
        program: &Program,
        registry: &ConnectionRegistry,
        kind: Option<&str>,
    ) -> Result<Vec<Self>, Error> {
        let tells = |of: &Kind| program.kinds.iter().any(|kind| kind.usage && kind.descriptor.kind == *of);
        let mut rows = select::all(registry).await?;
        rows.retain(|info| tells(&info.kind) && kind.is_none_or(|kind| kind == info.kind.as_str()));
        let mut identities = Identities::new();
        identities.learn(registry, &rows).await?;
        let meant = rows.iter().map(|info| Self {
            kind: info.kind.clone(),
            profile: info.profile,
            label: identities.of(info).to_owned(),
        });
        Ok(meant.collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// As they are now.
    async fn again(
        named: &[Self],
        program: &Program,
        registry: &ConnectionRegistry,
        arguments: &Usage,
    ) -> Result<Vec<Self>, Error> {
        match arguments.profile {
            Some(_) => Ok(named.to_vec()),
            None => Self::connected(program, registry, arguments.kind.as_deref()).await,
        }
    }

    async fn look(&self, registry: &ConnectionRegistry, look: Look) -> Result<Told, Error> {
        let usage = registry.usage(&self.kind);
        let status = match usage.status(self.profile).await {
            Ok(status) => status,
            // Of one account; the others are told all the same.
            Err(error @ CoreError::Ambiguous { .. }) => return Ok(self.told(Err(error.into()))),
            Err(error) => return Err(error.into()),
        };
        let reading = match look {
            Look::Fetch => usage.fetch(self.profile).await.map(Some),
            Look::Kept => usage.snapshot(self.profile).await,
        };
        Ok(self.told(match reading {
            Ok(reading) => Ok((status, reading)),
            Err(error @ CoreError::Store(_)) => return Err(error.into()),
            Err(error) => Err(error.into()),
        }))
    }

    fn told(&self, found: Result<(UsageStatus, Option<UsageReading>), Error>) -> Told {
        Told { account: self.clone(), found }
    }
}

/// What is known of one account.
#[derive(Clone, Debug)]
struct Told {
    account: Meant,
    found: Result<(UsageStatus, Option<UsageReading>), Error>,
}

impl Told {
    /// Whether a person would see the same, but for the age.
    fn is_as(&self, other: &Self) -> bool {
        let seen = |told: &Self| match &told.found {
            Ok((_, Some(reading))) => {
                let why = reading.error.as_ref().map(|error| error.reason.code.to_string());
                (reading.snapshot.as_ref().map(|snapshot| (**snapshot).clone()), why)
            }
            Ok((_, None)) => (None, None),
            Err(error) => (None, Some(error.code.clone())),
        };
        seen(self) == seen(other)
    }

    fn body(&self) -> json::UsageBody {
        let Meant { kind, profile, .. } = &self.account;
        let found = self.found.as_ref().map(|(status, reading)| (status, reading.as_ref()));
        json::UsageBody::of(kind, *profile, found)
    }

    fn print(&self, program: &Program, now: Timestamp) -> Result<(), Error> {
        let output = &program.output;
        if output.json { output.element(&self.body()) } else { bars::print(output, self, now) }
    }
}
