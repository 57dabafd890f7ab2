//! An agent whose rules ask a person, and what the person does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_core::{
    Agent, AgentApproval, AgentCaller, Approval, ApprovalFilter, ApprovalId, Connection, ConnectionRegistry, Consent,
    Error, RequestBody, Response, RuleError,
};
use connection_rules::{RequestParts, Rules};
use serde_json::json;

use crate::{
    door::caller,
    test_host::{World, connected, me},
    test_server::Reply,
};

/// The time for which a test waits for a result, by the clock of the test. Results arrive long before.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3600);

pub(crate) fn rules() -> Rules {
    let rules = json!({
        "rule": [
            { "name": "read", "methods": ["GET"], "path": "/issues/**", "effect": "allow" },
            { "name": "close", "methods": ["PATCH", "DELETE"], "path": "/issues/{number}", "effect": "ask" },
            {
                "name": "comment",
                "methods": ["POST"],
                "path": "/issues/{number}/comments",
                "body": { "media": ["application/json"], "max": "2 MiB", "deny": ["/labels"] },
                "effect": "ask",
            },
            { "name": "upload", "methods": ["PUT"], "path": "/files/**", "effect": "ask" },
        ],
    });
    Rules::from_value(&rules).unwrap()
}

/// An agent that may use one connection within rules that ask.
pub(crate) struct Asking {
    pub(crate) world: World,
    pub(crate) registry: ConnectionRegistry,
    pub(crate) connection: Connection,
    pub(crate) agent: Agent,
    pub(crate) caller: AgentCaller,
    /// The number of requests that changed something at the provider.
    pub(crate) changes: Arc<AtomicU64>,
}

impl Asking {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let changes = Arc::new(AtomicU64::new(0));
        let counted = changes.clone();
        world.provider(move |request| match is_change(request) {
            false => me("1", "ada"),
            true => {
                let number = counted.fetch_add(1, SeqCst) + 1;
                Reply::whole(201, "", &format!(r#"{{"number":{number}}}"#))
            }
        });
        let registry = world.acme().await;
        let connection = connected(&registry, "key-1").await;
        let agent = registry.agents().create("deploy").await.unwrap();
        agent.grant(connection.id()).rules(rules()).await.unwrap();
        let caller = caller(&registry, &agent).await;
        Self { world, registry, connection, agent, caller, changes }
    }

    pub(crate) async fn open(&self, parts: RequestParts, body: &str) -> Result<Response, Error> {
        let body = RequestBody::whole(body.to_owned());
        self.registry.for_agent(&self.caller).open(self.connection.id(), parts, body).await
    }

    /// Sends a request about which a person is asked, and returns its approval.
    pub(crate) async fn asked(&self, parts: RequestParts, body: &str) -> ApprovalId {
        let before = self.world.server.requests().len();
        let error = self.open(parts, body).await.unwrap_err();
        assert_eq!(self.world.server.requests().len(), before, "{error}");
        approval_of(&error)
    }

    /// Sends the comment, with this text.
    pub(crate) async fn comment(&self, text: &str) -> ApprovalId {
        self.asked(comment(), &json!({ "body": text }).to_string()).await
    }

    /// Looks at an approval and approves it.
    pub(crate) async fn approve(&self, id: ApprovalId) -> Result<Approval, Error> {
        self.approve_as(id, Consent::Once).await
    }

    pub(crate) async fn approve_as(&self, id: ApprovalId, consent: Consent) -> Result<Approval, Error> {
        let digest = self.registry.approvals().get(id).await?.approval.digest;
        self.registry.approvals().by("ada").approve(id, &digest, consent).await
    }

    /// Returns the approval after it was sent and answered, or is over.
    pub(crate) async fn settled(&self, id: ApprovalId) -> Approval {
        self.registry.approvals().settled(id, PATIENCE).await.unwrap()
    }

    /// Returns what the agent sees after its request is over, and marks it as fetched.
    pub(crate) async fn fetched(&self, id: ApprovalId) -> AgentApproval {
        let found = self.registry.for_agent(&self.caller).approval(id, PATIENCE).await.unwrap();
        self.registry.for_agent(&self.caller).fetched(id).await.unwrap();
        found
    }

    pub(crate) async fn get(&self, id: ApprovalId) -> Approval {
        self.registry.approvals().get(id).await.unwrap().approval
    }

    pub(crate) async fn list(&self) -> Vec<Approval> {
        self.registry.approvals().list(ApprovalFilter::new()).await.unwrap()
    }

    /// Returns the number of requests that changed something at the provider.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(SeqCst)
    }

    /// Returns the last request that changed something at the provider.
    pub(crate) fn last_change(&self) -> String {
        self.world.server.requests().into_iter().rfind(|request| is_change(request)).unwrap()
    }
}

/// Returns `true` for a request of the agent that changes something. A removal asks the provider to revoke the key.
fn is_change(request: &str) -> bool {
    let line = request.lines().next().unwrap_or_default();
    !line.starts_with("GET ") && (line.contains("/issues/") || line.contains("/files/"))
}

pub(crate) fn comment() -> RequestParts {
    RequestParts::new("POST", "/issues/7/comments").header("content-type", "application/json")
}

pub(crate) fn upload() -> RequestParts {
    RequestParts::new("PUT", "/files/a").header("content-type", "text/plain")
}

pub(crate) fn approval_of(error: &Error) -> ApprovalId {
    match error {
        Error::Rules(RuleError::Asks { approval: Some(id), .. }) => *id,
        other => panic!("{other:?}"),
    }
}
