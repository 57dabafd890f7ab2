//! Rules about the requests of an extension: what they let pass, and that no setup and no editor widens them.

use connection_contract::{HttpRequest, Secret};
use connection_core::{
    Connection, ConnectionRegistry, Error, ExtensionHandle, Outcome, RuleError,
};
use connection_rules::Rules;
use serde_json::json;

use crate::{
    extension_kit::{handle, secret_name},
    sql,
    test_host::{World, answers, connected, me, step},
    test_server::Reply,
    uses_kit,
};

fn rules(budget: u64) -> Rules {
    let rules = json!({
        "budget": { "requests": budget, "per": "1h" },
        "rule": [
            { "name": "read", "methods": ["GET"], "path": "/issues/**", "effect": "allow" },
            {
                "name": "comment",
                "methods": ["POST"],
                "path": "/issues/{number}/comments",
                "body": { "media": ["application/json"], "max": "1 KiB", "deny": ["/labels"] },
                "effect": "allow",
            },
            { "name": "close", "methods": ["PATCH"], "path": "/issues/{number}", "effect": "ask" },
        ],
    });
    Rules::from_value(&rules).unwrap()
}

struct Narrowed {
    world: World,
    registry: ConnectionRegistry,
    connection: Connection,
    issues: ExtensionHandle,
}

impl Narrowed {
    async fn new(budget: u64) -> Self {
        let world = World::new().await;
        let registry = world.acme().await;
        let connection = connected(&registry, "key-1").await;
        let issues = handle(&registry, "issues");
        registry.extensions().grant_within("issues", connection.id(), &rules(budget)).await.unwrap();
        Self { world, registry, connection, issues }
    }

    async fn request(&self, method: &str, path: &str) -> HttpRequest {
        self.connection.request(method, path).await.unwrap()
    }

    async fn sent(&self, method: &str, path: &str) -> Result<u16, Error> {
        Ok(self.issues.send(self.request(method, path).await).await?.status())
    }

    async fn commented(&self, body: &str) -> Result<u16, Error> {
        let mut request = self.request("POST", "/issues/7/comments").await;
        request.headers.push(("content-type".into(), "application/json".into()));
        request.body = Secret::from(body.to_owned());
        Ok(self.issues.send(request).await?.status())
    }

    /// Connects the account again, for the extension.
    async fn reauthorize(&self) {
        let session = self.connection.reauthorize().extension(&self.issues).await.unwrap();
        let (no, _) = step(&session).await;
        session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
        let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("not authorized") };
        assert_eq!(done.connection, self.connection.id());
    }

    /// Returns the number of recorded uses that were sent.
    async fn uses(&self) -> usize {
        uses_kit::lines(&self.registry).await.iter().filter(|line| line.contains(": answered")).count()
    }
}

fn refused(result: Result<u16, Error>) -> RuleError {
    match result.unwrap_err() {
        Error::Rules(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_rules_decide_about_each_request_of_the_extension() {
    let narrowed = Narrowed::new(100).await;
    let before = narrowed.world.server.requests().len();
    for (method, path) in [("DELETE", "/issues/7"), ("GET", "/keys"), ("POST", "/issues/7/comments"), ("GET", "/ISSUES/7")]
    {
        let error = refused(narrowed.sent(method, path).await);
        let is_expected = match method {
            "POST" => matches!(error, RuleError::Denied { .. } | RuleError::Ambiguous { .. }),
            _ => error.code() == "rule_denied",
        };
        assert!(is_expected, "{method} {path}: {error:?}");
    }
    let asks = refused(narrowed.sent("PATCH", "/issues/7").await);
    assert_eq!(asks.code(), "approval_required");
    assert_eq!(asks.to_string(), "the rule 'close' of 'issues' needs the approval of a person for this request");
    let denied = refused(narrowed.commented(r#"{"body":"Hello","labels":["urgent"]}"#).await);
    assert_eq!(denied.code(), "rule_denied");
    let mut second = narrowed.request("GET", "/issues/7").await;
    second.headers.push(("x-api-key".into(), "another".into()));
    assert_eq!(narrowed.issues.send(second).await.unwrap_err().code(), "ambiguous_request");
    assert_eq!(narrowed.uses().await, 0);
    assert_eq!(narrowed.world.server.requests().len(), before, "nothing was sent");

    assert_eq!(narrowed.sent("GET", "/issues/7").await.unwrap(), 200);
    assert_eq!(narrowed.commented(r#"{"body":"Hello"}"#).await.unwrap(), 200);
    assert_eq!(narrowed.uses().await, 2);
    narrowed.registry.close().await;
}

#[tokio::test]
async fn a_redirect_is_an_answer_so_that_the_next_request_is_decided_too() {
    let narrowed = Narrowed::new(100).await;
    narrowed.world.provider(|request| match request.starts_with("GET /issues/7 ") {
        true => Reply::redirect(302, "/keys"),
        false => me("a", "a"),
    });
    let before = narrowed.world.server.requests().len();
    assert_eq!(narrowed.sent("GET", "/issues/7").await.unwrap(), 302);
    assert_eq!(narrowed.world.server.requests().len(), before + 1);
    narrowed.registry.extensions().grant("issues", narrowed.connection.id(), &[]).await.unwrap();
    assert_eq!(narrowed.sent("GET", "/issues/7").await.unwrap(), 200, "the control follows it");
    narrowed.registry.close().await;
}

#[tokio::test]
async fn a_budget_counts_the_requests_of_the_extension() {
    let narrowed = Narrowed::new(2).await;
    for _ in 0..2 {
        assert_eq!(narrowed.sent("GET", "/issues/7").await.unwrap(), 200);
    }
    let spent = refused(narrowed.sent("GET", "/issues/7").await);
    assert_eq!(spent.code(), "budget_spent");
    assert_eq!(narrowed.uses().await, 2);
    narrowed.registry.close().await;
}

#[tokio::test]
async fn a_narrowed_extension_sees_no_secret() {
    let narrowed = Narrowed::new(100).await;
    let issues = &narrowed.issues;
    // A person has decided; there is nothing to ask for.
    assert!(issues.resolve(issues.requirement()).await.unwrap().is_granted());
    let token = issues.with_access_token(issues.requirement(), async |_| ()).await.unwrap_err();
    assert_eq!(token.code(), "not_granted");
    assert_eq!(issues.environment(None).await.unwrap_err().code(), "not_granted");
    let ending = Rules::from_value(&json!({ "expires": "1h", "rule": [] })).unwrap();
    let error = narrowed.registry.extensions().grant_within("issues", narrowed.connection.id(), &ending).await;
    assert_eq!(error.unwrap_err().code(), "invalid_rules");
    narrowed.registry.close().await;
}

#[tokio::test]
async fn a_setup_for_the_extension_keeps_the_rules_until_the_grant_is_revoked() {
    let narrowed = Narrowed::new(100).await;
    let Narrowed { registry, connection, .. } = &narrowed;
    narrowed.reauthorize().await;
    let grants = registry.extensions().grants().await.unwrap();
    assert_eq!((grants[0].rules.as_ref(), grants[0].names.len()), (Some(&rules(100)), 0));
    assert_eq!(refused(narrowed.sent("GET", "/keys").await).code(), "rule_denied");

    registry.extensions().revoke("issues", connection.id()).await.unwrap();
    narrowed.reauthorize().await;
    let grants = registry.extensions().grants().await.unwrap();
    assert_eq!((&grants[0].rules, &*grants[0].names), (&None, &[secret_name("accessToken")][..]));
    registry.close().await;
}

#[tokio::test]
async fn an_editor_of_the_database_can_neither_widen_nor_drop_the_rules() {
    for edit in ["rules = NULL", "rules = '{\"rule\":[{\"name\":\"a\",\"effect\":\"allow\"}]}'"] {
        let narrowed = Narrowed::new(100).await;
        sql::run(&narrowed.world.database(), format!("UPDATE connection_extension_grant SET {edit}")).await;
        let error = narrowed.sent("GET", "/keys").await.unwrap_err();
        assert!(matches!(error, Error::Row(_)), "{edit}: {error:?}");
        // A setup for the extension grants what it asks for, and takes over nothing that was edited.
        narrowed.reauthorize().await;
        assert_eq!(narrowed.registry.extensions().grants().await.unwrap()[0].rules, None, "{edit}");
        narrowed.registry.close().await;
    }
}
