//! Fakes and a conformance suite for authors of connection plugins.
//!
//! A [`FakeHost`] provides everything that a plugin can see of a host: strict scripted HTTP, a clock that stands still,
//! deterministic random bytes with real SHA-256, files, a key-value store, callbacks and a log. It runs a setup by
//! replay, as a real host does, and then runs it again from every effect. Whatever a real host treats as a fault of the
//! plugin fails the test, with a message that contains no secret.
//!
//! ```
//! use connection_contract::prelude::*;
//! use connection_testkit::{Expected, FakeHost, Input, Reply};
//! # #[derive(Debug, Default)]
//! # struct Acme;
//! # const API: &str = "https://api.acme.example";
//! # impl Acme {
//! #     async fn account(&self, key: &Secret, ctx: &Context<'_>) -> Result<Identity, NotLive> {
//! #         let request = HttpRequest::get(ctx.base_url(API)?, "/v1/me");
//! #         let me = classify(ctx.send_as(self, key, request).await)?.json()?;
//! #         Ok(Identity::new(me.str_at("id")?.to_owned(), me.str_at("name")?.to_owned()))
//! #     }
//! # }
//! # impl ConnectionDefinition for Acme {
//! #     type Credential = Secret;
//! #     fn descriptor(&self) -> Descriptor {
//! #         Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey)
//! #             .origin(API)
//! #             .field(Field::secret("apiKey", "API key"))
//! #     }
//! #     async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
//! #         let key = ctx.prompt(Prompt::new("Connect Acme").field("apiKey")).await.secret("apiKey")?;
//! #         let identity = self.account(&key, ctx).await?;
//! #         Ok(SetupResult::new(key, identity))
//! #     }
//! #     fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
//! #         Ok(key.duplicate())
//! #     }
//! #     fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
//! #         if bytes.is_empty() { Err(CredentialError::Malformed) } else { Ok(Secret::new(bytes)) }
//! #     }
//! #     async fn verify(&self, key: &Secret, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
//! #         Ok(VerifyResult::live().identity(self.account(key, ctx).await?))
//! #     }
//! #     fn authorizer(&self) -> Option<&dyn Authorizer<Secret>> {
//! #         Some(self)
//! #     }
//! # }
//! # impl Authorizer<Secret> for Acme {
//! #     fn authorize(&self, key: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
//! #         request.set_bearer(key);
//! #         Ok(())
//! #     }
//! #     fn seats(&self) -> Vec<Seat> {
//! #         vec![Seat::bearer()]
//! #     }
//! # }
//! // `Acme` is the plugin in the documentation of `ConnectionDefinition`.
//! let me = || {
//!     Expected::get("https://api.acme.example/v1/me")
//!         .header("authorization", "Bearer k-123")
//!         .answer(Reply::json(200, r#"{"id": "42", "name": "Ada"}"#))
//! };
//! let host = FakeHost::new(Acme).expect(me()).expect(me());
//!
//! let made = host.setup([Input::answers(&[("apiKey", "k-123")])]).run().unwrap();
//! assert_eq!(made.identity.account_id.as_str(), "42");
//!
//! let connection = host.connection(&made);
//! assert_eq!(host.verify(&made.credential, &connection).unwrap().liveness, Liveness::Live);
//! host.finish();
//! ```
//!
//! [`conformance::Suite`] takes such a script and tests every sentence of the contract that can be tested. [`fixtures`]
//! has worked examples of plugins, and [`oauth2`] scripts the provider of a kind that is made from a configuration.
//!
//! # What this crate is not
//!
//! The crate contains no part of a real host, so that a third party can test a plugin without one. Setups run on the
//! engine of `connection-replay`, as in a real host, with the same limits and the same messages. Descriptors and answers
//! go through the same checks as in a real host.
//!
//! # Stability
//!
//! The API may change without notice. The rules that it checks are those of the contract, which do not change.
#![forbid(unsafe_code)]

pub mod conformance;
pub mod fixtures;

pub mod canary;
mod check;
mod crypto;
mod drive;
mod fault;
mod files;
mod host;
mod host_services;
mod host_state;
mod input;
mod journal;
mod kv;
mod memory;
pub mod oauth2;
mod poll;
mod processor_time;
mod script;
mod services;
mod setup;
mod spend;
mod webhooks;

pub use connection_contract::host::offline;
pub use crypto::{hmac_sha1, hmac_sha256, sha256, signature};
pub use drive::{SetupRun, Step};
pub use files::FakeFiles;
pub use host::{FakeHost, header};
pub use host_services::{FakeTools, FakeWindow};
pub use input::Input;
pub use script::{Expected, Reply};
pub use setup::Setup;
