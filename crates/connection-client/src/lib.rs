//! A client of the HTTP API of Connections.
//!
//! A server, `connections serve`, keeps the accounts of its users and their secrets. With this client a program on any
//! machine lists these accounts, connects and repairs them, and sends requests through them without ever holding a
//! secret of a provider. [`Client`] has a method for each request; the types have the
//! members of the server's OpenAPI document, `/api/v1/openapi.json`, and are those of `connection-api`.
//!
//! # Examples
//!
//! This program prints which accounts need attention, and sends a request through the first account of GitHub. Its token
//! comes from `connections tokens create NAME --role use`.
//!
//! ```no_run
//! # // region: readme
//! use connection_client::{Client, ConnectionFilter, Error, ListState, SendRequest};
//! use secrecy::SecretString;
//!
//! async fn report(token: SecretString) -> Result<(), Error> {
//!     let client = Client::new("https://connections.example", token)?;
//!     let page = client.connections(&ConnectionFilter::new().state(ListState::Attention)).await?;
//!     for listed in page.items {
//!         let reason = listed.connection.reason.map(|reason| reason.message).unwrap_or_default();
//!         println!("{}:{} {reason}", listed.connection.kind, listed.connection.label);
//!     }
//!     let page = client.connections(&ConnectionFilter::new().kind("github").limit(1)).await?;
//!     if let Some(listed) = page.items.first() {
//!         let answer = client.send(&listed.connection.id, &SendRequest::new("GET", "/user")).await?;
//!         println!("{} {}", answer.status, answer.body);
//!     }
//!     Ok(())
//! }
//! # // end: readme
//! # let _ = report;
//! ```
//!
//! A setup is a loop: [`Client::begin_setup`] begins it, [`Client::next_setup`] waits for its next state, and a person's
//! answers go to [`Client::answer_setup`].
//!
//! # What this crate is not
//!
//! It stores nothing, follows no redirect, reads no proxy from the environment, and repeats no request. It does not depend
//! on the core, and so on no database.
//!
//! The API of the crate may change before 1.0. Members that a later version of the server adds are ignored.

mod address;
mod agents;
mod approvals;
mod call;
mod client;
mod connection_filter;
mod connections;
mod consents;
mod doctor;
mod error;
mod events;
mod extensions;
mod files;
mod freezes;
mod imports;
mod kinds;
mod live;
mod profiles;
mod send;
mod setup_links;
mod setups;
mod tokens;
mod usage;
mod uses;
mod webhooks;

pub use client::{Client, ClientBuilder};
pub use connection_api::{
    Account, Agent, AgentGrant, AgentToken, Answer, Answers, Approval, ApprovalState, Audience, AuthType, BeginSetup,
    Capability, Chain, ChangeKind, ChangeProfile, ChangeProfileSlot, Check, CheckReport, Connection, ConnectionCounts,
    ConnectionPage, DeclaredPreference, Delivery, DirectoryProbe, DirectoryState, Doctor, Encoding, ErasedUses, Event,
    EventPage, Explanation, Extension, FieldProblem, File, FileContent, FileType, ForgottenClient, Freeze,
    FreezeChange, Freezes, Froze, Grant, GrantBudget, GrantPreview, GrantRules, GrantState, Guide, Header, Impact,
    ImportAccount, ImportOutcome, ImportResult, ImportRow, ImportedRow, Input, IssuedAgentToken, IssuedToken, Kind,
    KindChange, KindChanges, KindDescription, KindField, KindSummary, LearnedRules, ListState, ListedConnection,
    ListedKind, ListedSetup, Liveness, Me, NewAgentGrant, NewAgentToken, NewApproval, NewAudience, NewFreeze,
    NewProfile, NewRole, NewSetupLink, NewToken, OpenAddress, OpenSetup, Page, Preferences, Problem, Profile, Reason,
    RedirectUri, RefreshOutcome, Refreshed, ReleasedSecret, RemedyAction, Removal, Removed, RemovedAgent,
    RemovedExtension, RemovedProfile, RequestChange, RequirementStatus, Revisions, Role, RuleEffect, RulesDecision,
    RulesDifference, SendEncoding, SendHeader, SendRequest, Setup, SetupField, SetupLink, SetupNotice, SetupState,
    SetupType, ShownAgent, ShownApproval, ShownConnection, ShownPreferences, ShownRequest, SignedBy, System,
    SystemCertificate, SystemKey, Teardown, Thawed, Token, Usage, UsageRequest, UsageSession, Use, UseDoor, UseOutcome,
    UsePage, Way, Webhook, WebhookCheck, WebhookKey, WebhookTest, Widening,
};
pub use connection_filter::ConnectionFilter;
pub use error::Error;
pub use events::EventFilter;
pub use live::{Change, LiveChanges};
pub use uses::UsesFilter;
