//! Connections as the API shows them.

use std::collections::HashSet;

use connection_api::{ListedConnection, RemedyAction, Removal, ShownConnection};
use connection_contract::{Liveness, RefreshSemantics, Timestamp, reason};
use connection_core::{AgentGrant, Connection, ConnectionInfo, ConnectionRegistry, Error, Grant};

use super::titles::Titles;
use crate::convert::{self, is_use_refused};

/// Converts a connection, with the extensions that use it and what a person can do about it.
pub(crate) fn listed_with(
    titles: &Titles<'_>,
    info: &ConnectionInfo,
    grants: &[Grant],
    now: Timestamp,
) -> ListedConnection {
    let used = grants.iter().filter(|grant| grant.connection == info.id && grant.revoked_at.is_none());
    ListedConnection {
        connection: convert::connection(info, now),
        kind_title: titles.title(&info.kind),
        provider_title: titles.title(&info.provider),
        used_by: used.map(|grant| grant.extension.clone()).collect(),
        needs_attention: info.needs_attention(now),
        remedy_action: remedy_action(info, now),
    }
}

fn remedy_action(info: &ConnectionInfo, now: Timestamp) -> Option<RemedyAction> {
    if info.kind_changed {
        return Some(RemedyAction::Accept);
    }
    if !info.registered {
        return None;
    }
    match info.liveness {
        // The application is mended, not the connection, which the reason says.
        Liveness::Failing if why(info).is_some_and(reason::is_application_refused) => None,
        Liveness::Failing if why(info).is_some_and(reason::is_mended_elsewhere) => Some(RemedyAction::Verify),
        Liveness::Failing => Some(RemedyAction::Reauthorize),
        Liveness::Offline if info.is_to_choose() => Some(RemedyAction::Reauthorize),
        Liveness::Offline => Some(RemedyAction::Wait),
        Liveness::Live if info.ends_soon(now) || info.is_restored() => Some(RemedyAction::Reauthorize),
        Liveness::Live => is_use_refused(info).then_some(RemedyAction::Verify),
        _ => Some(RemedyAction::Verify),
    }
}

/// Returns the code of the reason why the connection is as it is.
fn why(info: &ConnectionInfo) -> Option<&str> {
    info.reason.as_ref().map(|why| &*why.code)
}

/// Returns a connection as a list shows it.
///
/// # Errors
///
/// Those of the store.
pub async fn listed(
    registry: &ConnectionRegistry,
    info: &ConnectionInfo,
    now: Timestamp,
) -> Result<ListedConnection, Error> {
    let grants = registry.extensions().grants_of(&[info.id]).await?;
    let titles = Titles::of(registry, [&info.kind]).await?;
    Ok(listed_with(&titles, info, &grants, now))
}

/// Returns connections as a list shows them, in their order.
///
/// # Errors
///
/// Those of the store.
pub async fn listed_all(
    registry: &ConnectionRegistry,
    infos: &[ConnectionInfo],
    now: Timestamp,
) -> Result<Vec<ListedConnection>, Error> {
    let ids: Vec<_> = infos.iter().map(|info| info.id).collect();
    let grants = registry.extensions().grants_of(&ids).await?;
    let titles = Titles::of(registry, infos.iter().map(|info| &info.kind)).await?;
    Ok(infos.iter().map(|info| listed_with(&titles, info, &grants, now)).collect())
}

/// Returns a connection in full, apart from its reach and its previous credential, whose state is not that of the row.
pub(crate) async fn row(
    registry: &ConnectionRegistry,
    info: &ConnectionInfo,
    now: Timestamp,
) -> Result<ShownConnection, Error> {
    let grants = registry.extensions().grants_of(&[info.id]).await?;
    let uses = grants.iter().filter(|grant| grant.revoked_at.is_none());
    let semantics = registry.kinds().find(&info.kind).await?.and_then(|kind| kind.capabilities.refresh);
    let titles = Titles::of(registry, [&info.kind]).await?;
    Ok(ShownConnection {
        listed: listed_with(&titles, info, &grants, now),
        uses: uses.map(|grant| convert::grant(grant, info)).collect(),
        // Without a refresh token, nothing is accepted once.
        rotates: info.renews && semantics.is_some_and(|semantics| semantics != RefreshSemantics::Stable),
        previous_until: None,
        created_at: info.created_at.to_rfc3339(),
        updated_at: info.updated_at.to_rfc3339(),
        reach: None,
    })
}

/// Returns a connection in full for the person whose connection it is, with the provider's own words.
///
/// # Errors
///
/// Those of the store.
pub async fn shown(
    registry: &ConnectionRegistry,
    connection: &Connection,
    now: Timestamp,
) -> Result<ShownConnection, Error> {
    let row = with_words(row(registry, connection.info(), now).await?, connection, now).await?;
    with_reach(row, connection).await
}

/// Adds to a row the provider's own words about the reason.
pub(crate) async fn with_words(
    row: ShownConnection,
    connection: &Connection,
    now: Timestamp,
) -> Result<ShownConnection, Error> {
    if connection.info().reason.is_none() {
        return Ok(row);
    }
    let told = convert::connection(&connection.info_with_words().await?, now);
    Ok(ShownConnection { listed: ListedConnection { connection: told, ..row.listed }, ..row })
}

/// Adds to a row where the credential may go, and how long the previous one is kept.
pub(crate) async fn with_reach(row: ShownConnection, connection: &Connection) -> Result<ShownConnection, Error> {
    let previous_until = match connection.previous_until().await {
        Ok(until) => until.map(|until| until.to_rfc3339()),
        // A connection of a kind that is not registered is shown all the same.
        Err(Error::UnknownKind(_)) => None,
        Err(error) => return Err(error),
    };
    Ok(ShownConnection { reach: reach(connection).await, previous_until, ..row })
}

/// Returns the origins to which the credential of a connection may be sent, or else its directories.
async fn reach(connection: &Connection) -> Option<Vec<String>> {
    let origins = connection.origins().await.ok()?;
    if !origins.is_empty() {
        return Some(origins.iter().map(|origin| origin.as_str().to_owned()).collect());
    }
    let files = connection.files().await.ok();
    let roots = files.iter().flat_map(|files| files.roots()).map(|root| root.as_str().to_owned());
    Some(roots.collect())
}

/// Returns what a removal of the connection will do.
///
/// # Errors
///
/// Those of the store.
pub async fn removal(registry: &ConnectionRegistry, connection: &Connection) -> Result<Removal, Error> {
    let grants = registry.extensions().grants_of(&[connection.id()]).await?;
    let extensions =
        grants.into_iter().filter(|grant| grant.revoked_at.is_none()).map(|grant| grant.extension).collect();
    let now = registry.clock().now();
    let of_it = |grant: &AgentGrant| grant.connection == connection.id() && grant.is_live(now);
    let using: HashSet<_> = registry.agents().grants().await?.iter().filter(|g| of_it(g)).map(|g| g.agent).collect();
    let agents = registry.agents().list().await?.into_iter().filter(|agent| using.contains(&agent.id()));
    let agents = agents.map(|agent| agent.name().to_owned()).collect();
    let webhooks = match connection.webhooks().info().await {
        Ok(info) => info.is_some(),
        Err(_) => false,
    };
    let kind = registry.kinds().get(&connection.info().kind);
    let can_revoke = kind.is_some_and(|kind| kind.capabilities.revoke);
    Ok(Removal { extensions, agents, webhooks, can_revoke })
}
