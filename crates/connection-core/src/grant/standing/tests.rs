//! Everything that ends or changes what a use was decided with is found; and the stage on which the users of this check
//! are tested.
#![cfg(feature = "workspace-tests")]

use std::{sync::Arc, time::Duration};

use connection_contract::{AuthType, Descriptor, Field, Kind, Timestamp, encode};
use connection_egress::ManualClock;
use connection_faults::{scripted::Scripted, sql, test_database::TestDatabase};
use connection_rules::{RequestParts, Rules};

use super::{AgentStanding, Why};
use crate::{
    Agent, Connection, ConnectionRegistry, Door, Error, Frozen, KeyFile, Limits, Outcome, Reauthorize, RequestBody,
    RuleError,
    ground::Ground,
    store::rows::{AccountRow, ApprovalRow},
};

const KIND: Kind = Kind::from_static("acme");
const API: &str = "https://api.acme.example";

/// A kind with these terms. The key of an account is its id.
fn kind(terms: &'static str) -> Scripted {
    let descriptor = Descriptor::new(KIND, "Acme", AuthType::ApiKey).origin(API).field(Field::secret("key", "Key"));
    Scripted::new(descriptor.terms(terms)).bearer()
}

/// What happens after a use was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Nothing,
    RemovesAgent,
    EditsAgent,
    EditsGrant,
    EditsConnection,
    RevokesGrant,
    EndsGrant,
    ReplacesGrant,
    RemovesConnection,
    ChangesAccount,
    ChangesTerms,
    Freezes,
    ReplacesCredential,
}

impl Deed {
    pub(crate) const ALL: [Self; 13] = [
        Self::Nothing,
        Self::RemovesAgent,
        Self::EditsAgent,
        Self::EditsGrant,
        Self::EditsConnection,
        Self::RevokesGrant,
        Self::EndsGrant,
        Self::ReplacesGrant,
        Self::RemovesConnection,
        Self::ChangesAccount,
        Self::ChangesTerms,
        Self::Freezes,
        Self::ReplacesCredential,
    ];
}

/// An agent with a grant, whose rules ask about each request, and which releases the secret.
pub(crate) struct Stage {
    database: TestDatabase,
    pub(crate) clock: ManualClock,
    pub(crate) registry: ConnectionRegistry,
    pub(crate) connection: Connection,
    pub(crate) agent: Agent,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::new().await;
        let clock = ManualClock::at(Timestamp::from_seconds(1_800_000_000));
        let builder = ConnectionRegistry::builder().store(database.address()).key(KeyFile::at(database.key()));
        let builder = builder.clock(Arc::new(clock.clone())).limits(Limits::new().hot_rows(Duration::ZERO));
        let registry = builder.state_directory(database.state()).kind(kind("one")).open().await.unwrap();
        let session = registry.setups().begin(&KIND).await.unwrap();
        let (number, _) = session.next_step().await.unwrap().unwrap();
        session.advance(number, &[("key".to_owned(), "1".into())]).await.unwrap();
        let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("it is not connected") };
        let connection = registry.connection(done.connection).await.unwrap();
        let agent = registry.agents().create("deploy").await.unwrap();
        let stage = Self { database, clock, registry, connection, agent };
        stage.grant().await;
        stage
    }

    pub(crate) fn ground(&self) -> &Arc<Ground> {
        &self.registry.systems.ground
    }

    async fn grant(&self) {
        let rule = serde_json::json!({ "name": "all", "path": "/**", "effect": "ask" });
        let rules = Rules::from_value(&serde_json::json!({ "rule": [rule] })).unwrap().with_release(true);
        self.agent.grant(self.connection.id()).rules(rules).expires(Duration::from_secs(60)).await.unwrap();
    }

    /// Sends a request of the agent about which a person is asked, and returns the row of its approval.
    pub(crate) async fn asked(&self) -> ApprovalRow {
        let caller = self.agent.caller(Door::Library);
        let parts = RequestParts::new("GET", "/things");
        let opened = self.registry.for_agent(&caller).open(self.connection.id(), parts, RequestBody::empty()).await;
        let Err(Error::Rules(RuleError::Asks { approval: Some(id), .. })) = opened else { panic!("{opened:?}") };
        self.approval(id).await
    }

    pub(crate) async fn approval(&self, id: crate::ApprovalId) -> ApprovalRow {
        let mut reader = self.ground().reader().await.unwrap();
        reader.approval(self.agent.owner_name(), id).await.unwrap().unwrap()
    }

    async fn edits(&self, statement: &str) {
        sql::run(&self.database.database(), statement.to_owned()).await;
    }

    /// Returns the number of secrets of which an event says that they were handed out.
    pub(crate) async fn released(&self) -> Option<i64> {
        let events = "SELECT COUNT(*) FROM connection_event WHERE kind = 'secret_released'";
        sql::number(&self.database.database(), events).await
    }

    async fn reauthorized(&self, reauthorize: Reauthorize, key: &str) {
        let session = reauthorize.await.unwrap();
        let (number, _) = session.next_step().await.unwrap().unwrap();
        session.advance(number, &[("key".to_owned(), key.into())]).await.unwrap();
        assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
    }

    pub(crate) async fn does(&self, deed: Deed) {
        let id = self.connection.id();
        match deed {
            Deed::Nothing => {}
            Deed::RemovesAgent => assert!(self.registry.agents().remove("deploy").await.unwrap().was_there),
            Deed::EditsAgent => self.edits("UPDATE connection_agent SET made_at = made_at + 1").await,
            Deed::EditsGrant => self.edits("UPDATE connection_agent_grant SET expires_at = expires_at + 1").await,
            Deed::EditsConnection => self.edits("UPDATE connection_account SET label = 'other'").await,
            Deed::RevokesGrant => assert!(self.agent.revoke(id).await.unwrap().was_there),
            Deed::EndsGrant => self.clock.advance(Duration::from_secs(60)),
            Deed::ReplacesGrant => self.grant().await,
            Deed::RemovesConnection => drop(self.registry.remove(id).await.unwrap()),
            Deed::ChangesAccount => {
                self.reauthorized(self.connection.reauthorize().another_account(), "2").await;
                // The change has revoked the grant.
                self.grant().await;
            }
            Deed::ChangesTerms => {
                self.registry.kinds().replace(kind("two")).unwrap();
                let change = self.registry.kinds().changed().await.unwrap().remove(0);
                self.registry.kinds().accept(&change).await.unwrap();
            }
            Deed::Freezes => drop(self.registry.freezes().freeze(Frozen::Connection(id)).await.unwrap()),
            Deed::ReplacesCredential => self.reauthorized(self.connection.reauthorize(), "1").await,
        }
    }

    /// Returns what a use of the agent would be decided with now.
    async fn standing(&self) -> AgentStanding {
        let info = self.connection.info();
        AgentStanding {
            owner: self.agent.owner_name().to_owned(),
            agent: self.agent.id(),
            connection: info.id,
            revision: self.agent.granted(info.id).await.unwrap().revision(),
            account_id: info.identity.account_id.to_string(),
            terms: info.terms.as_deref().map(encode::hex),
        }
    }

    async fn check(&self, standing: AgentStanding) -> Result<AccountRow, Why> {
        let on = self.ground().clone();
        let job = self.ground().store.write(move |tx| Box::pin(async move { standing.check(tx, &on).await }));
        job.await.unwrap()
    }
}

#[tokio::test]
async fn each_reason_why_a_use_may_no_longer_happen_is_found() {
    for deed in Deed::ALL {
        let stage = Stage::new().await;
        let standing = stage.standing().await;
        stage.does(deed).await;
        let checked = stage.check(standing).await;
        let is_expected = match deed {
            Deed::Nothing | Deed::Freezes | Deed::ReplacesCredential => checked.is_ok(),
            Deed::RemovesAgent => matches!(checked, Err(Why::AgentRemoved)),
            Deed::EditsAgent | Deed::EditsGrant | Deed::EditsConnection => matches!(checked, Err(Why::Edited(_))),
            Deed::RevokesGrant => matches!(checked, Err(Why::GrantRevoked)),
            Deed::EndsGrant => matches!(checked, Err(Why::GrantEnded)),
            Deed::ReplacesGrant => matches!(checked, Err(Why::GrantReplaced)),
            Deed::RemovesConnection => matches!(checked, Err(Why::ConnectionRemoved)),
            Deed::ChangesAccount => matches!(checked, Err(Why::OtherAccount)),
            Deed::ChangesTerms => matches!(checked, Err(Why::OtherTerms)),
        };
        assert!(is_expected, "{deed:?}: {checked:?}");
        stage.registry.close().await;
    }
}
