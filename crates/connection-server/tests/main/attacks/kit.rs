//! The host that is attacked, and what is checked about each attack: the refusal, and that nothing reached the provider.

use std::{future::pending, time::Duration};

use axum::Router;
use connection_contract::prelude::*;
use connection_core::{
    Agent, Audience, ConnectionId, ConnectionRegistry, HttpPolicy, RegistryBuilder, Role, UseFilter,
};
use connection_faults::{
    scripted::{Scripted, identity, live},
    server::{Reply, TestServer},
};
use connection_inbound::{PublicUrl, Server};
use connection_rules::Rules;
use connection_server::{ApiOptions, api_router, door_router, page_router};
use serde_json::{Value, json};
use tokio::{runtime::Handle, task::AbortHandle};

use crate::{
    doors::{self, Door, new_token, stored},
    doors_seats::{self, KINDS, SIGNED, everything, file, kind},
    http::{Answer, Request},
    test_host::KEY,
};

/// A host with an agent that may use one connection of Ada, and a provider that answers each request.
pub(crate) type Site = Door<TestServer>;

/// The time after which a body or an answer that does not go on is given up.
pub(crate) const IDLE: Duration = Duration::from_secs(3);
/// The lifetime of a token of the kind `renewing`, in seconds.
const LIFE: i64 = 3600;

/// A kind whose key is replaced by another one when the provider refuses it.
fn renewing() -> Scripted {
    let later = |now: Timestamp| Some(Timestamp::from_seconds(now.seconds() + LIFE));
    let descriptor = Descriptor::new(Kind::from_static("renewing"), "Renewing", AuthType::OAuth).origin(doors::API);
    let kind = Scripted::new(descriptor.field(Field::secret("apiKey", "API key"))).bearer();
    let kind = kind.setup(move |_, ctx| {
        Box::pin(async move {
            let key = ctx.prompt(Prompt::new("Connect").field("apiKey")).await.secret("apiKey")?;
            Ok(live(key, identity("ada")).valid_until(later(ctx.now())))
        })
    });
    kind.refreshes(move |_, _, ctx| {
        Box::pin(async move {
            let request = HttpRequest::post(ctx.base_url(doors::API)?, "/token");
            let fresh = classify(ctx.send(request).await)?.json()?;
            Ok(Refreshed::new(Secret::from(fresh.str_at("key")?)).valid_until(later(ctx.now())))
        })
    })
}

/// Adds the kinds whose requests go to the provider.
fn kinds(registry: RegistryBuilder, provider: &str) -> RegistryBuilder {
    let policy = HttpPolicy::new().endpoint(doors::API, provider).unwrap();
    let policy = policy.endpoint(doors_seats::API, provider).unwrap().first_byte(IDLE).idle(IDLE);
    let registry = registry.http(policy).kind(stored()).kind(renewing()).kind(file("signed", SIGNED));
    KINDS.iter().fold(registry, |registry, (id, request)| registry.kind(kind(id, request)))
}

impl Site {
    /// Creates a host whose provider answers each request with `hello`.
    pub(crate) async fn start() -> Self {
        Self::answering(|_| Reply::ok("hello")).await
    }

    /// Creates a host whose provider gives these answers.
    pub(crate) async fn answering(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let provider = TestServer::start(reply).await;
        let origin = provider.origin();
        Self::to(provider, |registry| kinds(registry, &origin)).await
    }

    /// Returns a request of the agent that its rules allow.
    pub(crate) fn get(&self) -> Request {
        self.request("GET", "/objects/1")
    }

    /// Connects an account, and lets the agent send every request through it.
    pub(crate) async fn connected(&self, kind: &str) -> ConnectionId {
        let id = match kind {
            "signed" => {
                let keys = json!({ "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": KEY });
                self.world.connected_by(&self.ada, kind, keys).await
            }
            _ => self.world.connected_by_key(&self.ada, kind).await,
        };
        let id = id.parse().unwrap();
        self.agent.grant(id).rules(Rules::from_value(&everything()).unwrap()).await.unwrap();
        id
    }

    /// Returns a request through this connection, without a token.
    pub(crate) fn at(&self, connection: ConnectionId, method: &str, path: &str) -> Request {
        self.raw(method, &format!("/use/{connection}{path}")).without("authorization")
    }

    /// Sends a request that must reach the provider, and returns what the provider received.
    pub(crate) async fn passes(&self, request: Request) -> String {
        let before = self.provider.requests().len();
        let answer = self.send(request).await;
        assert_eq!((answer.status, &*answer.body), (200, "hello"), "{answer:?}");
        let mut requests = self.provider.requests().split_off(before);
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    /// Sends a request that must be refused with this status and code before anything reaches the provider.
    pub(crate) async fn refuses(&self, request: Request, refused: (u16, &str)) -> Answer {
        let (status, code) = refused;
        let before = self.provider.requests().len();
        let answer = self.send(request).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{answer:?}");
        assert_eq!(self.provider.requests().len(), before, "nothing reaches the provider");
        answer
    }

    /// Sends the request of the control, which must pass, and then that of the attack, which must be refused with this
    /// status and code. The attack is the same request, after or with the trick of the attacker.
    pub(crate) async fn tried(
        &self,
        control: impl AsyncFnOnce(&Self) -> Request,
        attack: impl AsyncFnOnce(&Self) -> Request,
        refused: (u16, &str),
    ) {
        self.passes(control(self).await).await;
        self.refuses(attack(self).await, refused).await;
    }

    /// Lets this time pass at once, after everything was written that waits to be written.
    pub(crate) async fn later(&self, time: Duration) {
        self.registry.uses().list(UseFilter::new(), None, 1).await.unwrap();
        self.world.clock.advance(time);
    }

    /// Changes rows as somebody who can edit the database does.
    pub(crate) async fn edited(&self, statement: impl Into<String>) {
        let statement = statement.into();
        assert!(self.world.change(statement.clone()).await > 0, "{statement}");
    }

    /// Creates an agent of Bob, who has no part in the connections of Ada.
    pub(crate) async fn bob(&self) -> Bob {
        let manage = self.world.token(Role::Manage, Some("bob")).await;
        let agent = self.world.registry.owner("bob").unwrap().agents().create("thief").await.unwrap();
        let token = new_token(&agent, Audience::Doors).await;
        Bob { manage, agent, token }
    }

    /// Opens another process of this host, with the server, the doors, the API and the page that a host has.
    pub(crate) async fn another_process(&self) -> Process {
        let origin = self.provider.origin();
        let registry = self.world.beside_with(|registry| kinds(registry, &origin)).await;
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (host, port) = (server.address().to_string(), server.address().port());
        let url: PublicUrl = format!("http://{host}").parse().unwrap();
        let options = ApiOptions::new(format!("http://{host}").parse().unwrap());
        let routes: Router = door_router(registry.clone(), options.clone());
        let routes = routes.merge(api_router(registry.clone(), options)).merge(page_router(""));
        let serving =
            Handle::current().spawn(async move { server.serve(routes, &url, pending()).await }).abort_handle();
        Process { registry, host, port, serving }
    }
}

/// Another owner of the host.
pub(crate) struct Bob {
    /// A token with the role `manage`.
    pub(crate) manage: String,
    pub(crate) agent: Agent,
    pub(crate) token: String,
}

/// Another process of a host.
pub(crate) struct Process {
    pub(crate) registry: ConnectionRegistry,
    pub(crate) host: String,
    pub(crate) port: u16,
    serving: AbortHandle,
}

impl Process {
    pub(crate) async fn send(&self, request: Request) -> Answer {
        request.with("host", &self.host).send(self.port).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Returns rules that allow this number of reads in an hour.
pub(crate) fn budget(requests: u64) -> Value {
    json!({ "budget": { "requests": requests, "per": "1h" }, "rule": doors::rules()["rule"] })
}
