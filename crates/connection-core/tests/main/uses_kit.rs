//! What the tests of the record of use share.

use connection_core::{
    Agent, AgentCaller, Audience, Connection, ConnectionRegistry, Door, RequestBody, Use, UseFilter,
};
use connection_rules::{RequestParts, Rules};
use serde_json::json;

use crate::{
    agents::issued,
    test_host::{World, connected},
};

/// Returns all uses of a registry, oldest first.
pub(crate) async fn all(registry: &ConnectionRegistry) -> Vec<Use> {
    let mut uses = registry.uses().list(UseFilter::new(), None, 1000).await.unwrap().items;
    uses.reverse();
    uses
}

/// Returns a line for each use, oldest first.
pub(crate) async fn lines(registry: &ConnectionRegistry) -> Vec<String> {
    all(registry).await.iter().map(line).collect()
}

pub(crate) fn line(of: &Use) -> String {
    let by = match (&of.agent, &of.grantee) {
        (Some(agent), _) => agent.clone(),
        (None, Some(grantee)) => grantee.to_string(),
        (None, None) => "host".to_owned(),
    };
    let what = match (&of.method, &of.path) {
        (Some(method), path) => format!("{method} {}", path.as_deref().unwrap_or("-")),
        (None, _) => of.secrets.join(","),
    };
    let command = of.command.as_ref().map(|command| format!(" for {command}")).unwrap_or_default();
    let end = match &of.end {
        None => "unknown".to_owned(),
        Some(end) => {
            let status = end.status.map(|status| format!(" {status}")).unwrap_or_default();
            let count = if end.count > 1 { format!(" x{}", end.count) } else { String::new() };
            format!("{}{status}{count}", end.outcome.as_str())
        }
    };
    format!("{by} {} {what}{command}: {end}", of.door.as_str())
}

/// An agent that may read issues, and is asked about closing them.
pub(crate) struct Agents {
    pub(crate) world: World,
    pub(crate) registry: ConnectionRegistry,
    pub(crate) connection: Connection,
    pub(crate) agent: Agent,
    pub(crate) caller: AgentCaller,
}

impl Agents {
    pub(crate) async fn new(budget: u64) -> Self {
        let world = World::new().await;
        let registry = world.acme().await;
        Self::of(world, registry, budget).await
    }

    pub(crate) async fn of(world: World, registry: ConnectionRegistry, budget: u64) -> Self {
        let connection = connected(&registry, "key-of-the-account").await;
        let agent = registry.agents().create("deploy").await.unwrap();
        let rules = json!({
            "budget": { "requests": budget, "per": "1h" },
            "rule": [
                { "name": "read", "methods": ["GET"], "path": "/issues/{number}", "effect": "allow" },
                { "name": "close", "methods": ["PATCH"], "path": "/issues/{number}", "effect": "ask" },
            ],
        });
        agent.grant(connection.id()).rules(Rules::from_value(&rules).unwrap()).await.unwrap();
        let text = issued(&agent).await;
        let caller = registry.authenticate_agent(&text, Audience::Doors).await.unwrap().unwrap();
        Self { world, registry, connection, agent, caller: caller.through(Door::Reverse) }
    }

    /// Sends a request of the agent, and reads the answer.
    pub(crate) async fn ask(&self, method: &str, target: &str) -> Result<u16, connection_core::Error> {
        let (parts, body) = (RequestParts::new(method, target), RequestBody::empty());
        let answer = self.registry.for_agent(&self.caller).open(self.connection.id(), parts, body).await?;
        let status = answer.status();
        answer.bytes(1 << 20).await?;
        Ok(status)
    }
}
