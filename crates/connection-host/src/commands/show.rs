//! `show C`: prints everything that is known of a connection, and where its credential may go.

use connection_api::ShownConnection;
use connection_contract::{Timestamp, reason};

use super::tag::listed;
use crate::{
    Error, Exit,
    output::{Output, is_registered, joined, moment, name, reason_line, time, tls_remedy},
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, reference: &str) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let id = select::connection_id(backend.lookup(), reference).await?;
    let shown = backend.shown(&id).await?;
    let output = &program.output;
    let connection = &shown.listed.connection;
    if output.json {
        backend.close().await;
        output.shape(connection)?;
        return Ok(Exit::Fine);
    }
    let labels = backend.profile_labels(std::slice::from_ref(connection)).await?;
    let profile = connection.profile.as_ref().and_then(|id| labels.get(id));
    // Only a registered kind has known capabilities.
    let can = backend.capabilities(&connection.kind).await?.map(|capabilities| joined(&capabilities));
    let mappings = backend.mappings();
    backend.close().await;
    facts(output, &shown, profile.map(String::as_str), can)?;
    if shown.reach.is_none() && is_registered(connection) {
        fact(output, "reach", "unknown while the connection cannot be used")?;
    }
    for place in shown.reach.iter().flatten() {
        fact(output, "reach", place)?;
        for (from, to) in mappings.iter().filter(|(from, _)| from == place) {
            fact(output, "mapping", &format!("{from} goes to {to}"))?;
        }
    }
    Ok(Exit::Fine)
}

/// Prints what is known of a connection; `can` has the capabilities of its kind.
fn facts(output: &Output, shown: &ShownConnection, profile: Option<&str>, can: Option<String>) -> Result<(), Error> {
    let of = &shown.listed.connection;
    let now = output.now;
    let fact = |name: &str, value: String| fact(output, name, &value);
    let at = |member: &String| time(Some(member)).map_or_else(String::new, |time| when(time, now));
    fact("connection", name(of))?;
    fact("id", of.id.clone())?;
    fact("account", format!("{} ({})", of.account.label, of.account.id))?;
    fact("provider", of.provider.clone())?;
    fact("owner", of.owner.clone())?;
    if let Some(profile) = profile {
        fact("profile", profile.to_owned())?;
    }
    fact("state", output.liveness(of.liveness))?;
    if of.frozen {
        fact("frozen", "yes; `connections freeze --list` shows by what".to_owned())?;
    }
    if let Some(reason) = &of.reason {
        fact("reason", format!("{} ({})", reason.message, reason.code))?;
        if let Some(words) = &reason.provider_text {
            fact("provider says", words.clone())?;
        }
        match &reason.remedy {
            remedy if reason.code == reason::TLS => fact("what to do", tls_remedy(remedy.as_deref()))?,
            Some(remedy) => fact("what to do", remedy.clone())?,
            None => {}
        }
    }
    if let (_, Some(mend)) = reason_line(of, now) {
        let tries = mend.starts_with("connections verify ");
        fact(if tries { "try again" } else { "fix with" }, mend)?;
    }
    fact("checked", of.checked_at.as_ref().map_or_else(|| "never".to_owned(), at))?;
    if let Some(until) = &of.paused_until {
        fact("not asked before", at(until))?;
    }
    if let Some(until) = &of.valid_until {
        let is_over = of.reason.as_ref().is_some_and(|why| why.code == reason::NEEDS_REAUTHORIZATION);
        let renewed = match of.renews {
            true if is_over => ", no longer renewed",
            true => ", renewed before",
            false => "",
        };
        fact("valid until", format!("{}{renewed}", at(until)))?;
    }
    if let Some(until) = &of.authorized_until {
        fact("authorized until", at(until))?;
    }
    if let Some(scopes) = &of.scopes {
        fact("scopes", if scopes.is_empty() { "none".into() } else { scopes.join(", ") })?;
    }
    for (key, value) in &of.config {
        fact(key, value.clone())?;
    }
    if !of.tags.is_empty() {
        fact("tags", listed(&of.tags))?;
    }
    if of.is_default {
        fact("default", "yes".into())?;
    }
    if let Some(can) = can {
        fact("can", can)?;
    }
    fact("connected", at(&shown.created_at))?;
    fact("changed", at(&shown.updated_at))
}

pub(super) fn fact(output: &Output, name: &str, value: &str) -> Result<(), Error> {
    output.line(format!("{name:<12}  {value}"))
}

pub(super) fn when(time: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", time.to_rfc3339(), moment(time, now))
}
