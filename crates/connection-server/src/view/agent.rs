//! Agents, with their grants and their tokens.

use std::collections::{HashMap, hash_map::Entry};

use connection_api as api;
use connection_contract::{Descriptor, Kind};
use connection_core::{AgentGrant, Connection, ConnectionId, ConnectionInfo, ConnectionRegistry, Cursor, Error};
use connection_rules::{Preset, Rules};

use crate::convert;

/// The names of the presets that every kind has, apart from those that it states itself.
const COMMON: [&str; 2] = ["ask", "everything"];

/// Returns a page of the agents with their grants, by name. Without a limit, it has all. The number of queries depends on
/// the number of granted connections, and not on that of agents.
///
/// # Errors
///
/// [`Error::InvalidCursor`], those of the store, and those of reading a connection that is granted.
pub async fn agents(
    registry: &ConnectionRegistry,
    after: Option<Cursor>,
    limit: Option<u32>,
) -> Result<api::Page<api::Agent>, Error> {
    let page = registry.agents().page(after, limit).await?;
    let mut granted = HashMap::<_, Vec<AgentGrant>>::new();
    for grant in registry.agents().grants_of(&page.items).await? {
        granted.entry(grant.agent).or_default().push(grant);
    }
    let mut shapes = GrantShapes::new(registry);
    let mut items = Vec::new();
    for agent in &page.items {
        let grants = granted.remove(&agent.id()).unwrap_or_default();
        items.push(convert::agent(agent, shapes.of(&grants).await?));
    }
    Ok(api::Page { items, next: page.next.map(|next| next.to_string()) })
}

/// Returns an agent with its grants and its tokens.
///
/// # Errors
///
/// [`Error::Agent`] if there is none, [`Error::Row`] if its row was edited, and those of [`agents`].
pub async fn agent(registry: &ConnectionRegistry, name: &str) -> Result<api::ShownAgent, Error> {
    let agent = registry.agents().get(name).await?;
    let grants = GrantShapes::new(registry).of(&agent.grants().await?).await?;
    let tokens = agent.tokens().await?.iter().map(convert::agent_token).collect();
    let client = match agent.client() {
        Some(client) => Some(convert::model_client(&client, agent.signed_in().await?)),
        None => None,
    };
    Ok(api::ShownAgent { agent: convert::agent(&agent, grants), client, tokens })
}

/// Returns the shape of a grant of this connection.
pub(crate) async fn agent_grant(
    registry: &ConnectionRegistry,
    grant: &AgentGrant,
    info: &ConnectionInfo,
) -> Result<api::AgentGrant, Error> {
    let kind = descriptor(registry, &info.kind).await?;
    let preset = preset_name(&presets(kind.as_ref()), &grant.rules);
    let origins = match registry.connection(info.id).await {
        Ok(connection) => origins(&connection).await,
        Err(Error::NotFound(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(convert::agent_grant(grant, info, &origins, kind.as_ref(), preset, registry.clock().now()))
}

/// Returns the origins of a connection, as far as it can be opened now.
async fn origins(connection: &Connection) -> Vec<String> {
    let origins = connection.origins().await.unwrap_or_default();
    origins.iter().map(|origin| origin.as_str().to_owned()).collect()
}

/// Returns the descriptor of a kind; `None` if this host does not have the kind.
pub(crate) async fn descriptor(registry: &ConnectionRegistry, kind: &Kind) -> Result<Option<Descriptor>, Error> {
    Ok(registry.kinds().find(kind).await?.map(|info| info.descriptor))
}

/// Returns the presets of a kind: those that it states, and those that every kind has.
pub(crate) fn presets(descriptor: Option<&Descriptor>) -> Vec<Preset> {
    let own = descriptor.map(Preset::of_kind).unwrap_or_else(|| Ok(Vec::new()));
    let mut presets = own.unwrap_or_else(|error| {
        tracing::warn!(%error, "the presets of a kind cannot be read");
        Vec::new()
    });
    let missing = COMMON.iter().filter(|name| presets.iter().all(|preset| preset.name() != **name));
    let missing: Vec<_> = missing.filter_map(|name| Preset::common(name)).collect();
    presets.extend(missing);
    presets
}

/// Returns the name of the first preset with exactly these rules.
pub(crate) fn preset_name(presets: &[Preset], rules: &Rules) -> Option<String> {
    presets.iter().find(|preset| preset.rules() == rules).map(|preset| preset.name().to_owned())
}

/// Makes the shapes of grants, and reads each connection and each kind once.
struct GrantShapes<'a> {
    registry: &'a ConnectionRegistry,
    /// `None` for a connection that was removed in the meantime.
    connections: HashMap<ConnectionId, Option<(ConnectionInfo, Vec<String>)>>,
    kinds: HashMap<Kind, (Option<Descriptor>, Vec<Preset>)>,
}

impl<'a> GrantShapes<'a> {
    fn new(registry: &'a ConnectionRegistry) -> Self {
        Self { registry, connections: HashMap::new(), kinds: HashMap::new() }
    }

    /// Returns the shapes of grants. A grant whose connection was removed in the meantime is left out.
    async fn of(&mut self, grants: &[AgentGrant]) -> Result<Vec<api::AgentGrant>, Error> {
        let now = self.registry.clock().now();
        let mut shapes = Vec::new();
        for grant in grants {
            let info = match self.connections.entry(grant.connection) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => match self.registry.connection(grant.connection).await {
                    Ok(connection) => unknown.insert(Some((connection.info().clone(), origins(&connection).await))),
                    Err(Error::NotFound(_)) => unknown.insert(None),
                    Err(error) => return Err(error),
                },
            };
            let Some((info, origins)) = info else { continue };
            let (kind, presets) = match self.kinds.entry(info.kind.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    let kind = descriptor(self.registry, &info.kind).await?;
                    let presets = presets(kind.as_ref());
                    unknown.insert((kind, presets))
                }
            };
            let preset = preset_name(presets, &grant.rules);
            shapes.push(convert::agent_grant(grant, info, origins, kind.as_ref(), preset, now));
        }
        Ok(shapes)
    }
}
