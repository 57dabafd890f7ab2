//! `show C`: prints everything that is known of a connection, and where its credential may go.

use connection_contract::reason;
use connection_core::{Connection, ConnectionInfo};

use super::{identities::Identities, tag::listed};
use crate::{
    Error, Exit,
    cli::Program,
    output::{Output, TRUST_CERTIFICATE, condition, json, moment, name, reason_line},
    select,
};

pub(super) async fn run(mut program: Program, reference: &str) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let connection = select::connection(&registry, reference).await?;
    let info = connection.info();
    let output = &program.output;
    if output.json {
        output.shape(&json::ConnectionBody::of(info, output.now))?;
    } else {
        let mut identities = Identities::new();
        identities.learn(&registry, std::slice::from_ref(info)).await?;
        // Only a registered kind has known capabilities.
        let can = program.known_kind(&info.kind).map(|kind| json::KindBody::capabilities(kind).join(", "));
        facts(output, info, identities.of(info), can)?;
        reach(&program, &connection).await?;
    }
    registry.close().await;
    Ok(Exit::Fine)
}

/// Prints what is known of a connection; `can` has the capabilities of its kind.
pub(super) fn facts(output: &Output, info: &ConnectionInfo, profile: &str, can: Option<String>) -> Result<(), Error> {
    let now = output.now;
    let fact = |name: &str, value: String| fact(output, name, &value);
    fact("connection", name(info))?;
    fact("id", info.id.to_string())?;
    fact("account", format!("{} ({})", info.identity.label, info.identity.account_id))?;
    fact("provider", info.provider.to_string())?;
    fact("owner", info.owner.clone())?;
    if !profile.is_empty() {
        fact("profile", profile.to_owned())?;
    }
    let (liveness, reason) = condition(info);
    fact("state", output.liveness(liveness))?;
    if let Some(reason) = reason {
        fact("reason", format!("{} ({})", reason.message, reason.code))?;
        match &reason.remedy {
            Some(remedy) => fact("what to do", remedy.to_string())?,
            None if reason.code == reason::TLS => fact("what to do", TRUST_CERTIFICATE.to_owned())?,
            None => {}
        }
    }
    if let (_, Some(mend)) = reason_line(info, now) {
        let tries = mend.starts_with("connections verify ");
        fact(if tries { "try again" } else { "fix with" }, mend)?;
    }
    fact("checked", info.checked_at.map_or("never".into(), |time| when(time, now)))?;
    if let Some(until) = info.paused_until {
        fact("not asked before", when(until, now))?;
    }
    if let Some(until) = info.valid_until {
        let renewed = if info.renews { ", renewed before" } else { "" };
        fact("valid until", format!("{}{renewed}", when(until, now)))?;
    }
    if let Some(until) = info.authorized_until {
        fact("authorized until", when(until, now))?;
    }
    if let Some(scopes) = &info.scopes {
        fact("scopes", if scopes.is_empty() { "none".into() } else { scopes.join(", ") })?;
    }
    for (key, value) in &info.config {
        fact(key, value.clone())?;
    }
    if !info.tags.is_empty() {
        fact("tags", listed(&info.tags))?;
    }
    if info.is_default {
        fact("default", "yes".into())?;
    }
    if let Some(can) = can {
        fact("can", can)?;
    }
    fact("connected", when(info.created_at, now))?;
    fact("changed", when(info.updated_at, now))
}

/// Prints where the credential may go, and which addresses are redirected. The sealed reach may fail to open, which is
/// printed too.
async fn reach(program: &Program, connection: &Connection) -> Result<(), Error> {
    let output = &program.output;
    if !connection.info().registered {
        return Ok(());
    }
    let origins = match connection.origins().await {
        Ok(origins) => origins,
        Err(error) => return fact(output, "reach", &Error::from(error).to_string()),
    };
    let policy = program.http()?;
    for origin in &origins {
        fact(output, "reach", origin.as_str())?;
        for (from, to) in policy.endpoints().filter(|(from, _)| *from == origin.as_str()) {
            fact(output, "mapping", &format!("{from} goes to {to}"))?;
        }
    }
    if origins.is_empty()
        && let Ok(files) = connection.files().await
    {
        for root in files.roots() {
            fact(output, "reach", root.as_str())?;
        }
    }
    Ok(())
}

pub(super) fn fact(output: &Output, name: &str, value: &str) -> Result<(), Error> {
    output.line(format!("{name:<12}  {value}"))
}

pub(super) fn when(time: connection_contract::Timestamp, now: connection_contract::Timestamp) -> String {
    format!("{} ({})", time.to_rfc3339(), moment(time, now))
}
