//! Twilio with an auth token or an API key.
//!
//! This is the worked example of a plugin: a person chooses one of two ways to log in, and the probe distinguishes a
//! wrong login from a suspended account. It uses [accounts](https://www.twilio.com/docs/iam/api/account) and
//! [messages](https://www.twilio.com/docs/messaging/api/message-resource).
//!
//! The crate may change without notice, except for its kind, its field names and the formats that it ever stored.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod probe;
mod webhooks;

use connection_contract::prelude::*;

/// The plugin for the kind `twilio`.
#[derive(Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "hosts write it as a value, and it has no state")]
pub struct Twilio;

/// The login to one account.
#[derive(Debug)]
pub struct Login {
    account_sid: String,
    proof: Proof,
}

/// The secret that Twilio accepts for basic authentication: <https://www.twilio.com/docs/usage/requests-to-twilio>.
#[derive(Debug)]
enum Proof {
    /// The auth token of the account.
    AuthToken(Secret),
    /// The SID and the secret of an API key.
    ApiKey(String, Secret),
}

const KIND: Kind = Kind::from_static("twilio");
const API: &str = "https://api.twilio.com";
/// Page of the console that lists the auth tokens and the API keys:
/// <https://www.twilio.com/docs/iam/api-keys/keys-in-console>.
const KEYS: &str = "https://console.twilio.com/us1/account/keys-credentials/api-keys";
/// The preset `read`. A `GET` changes nothing: <https://www.twilio.com/docs/usage/requests-to-twilio>. The answer to a
/// `GET` of an account holds its auth token, so that accounts themselves are denied:
/// <https://www.twilio.com/docs/iam/api/account>.
const READ: &str = r#"{ "rule": [
    { "name": "no list of accounts", "path": "/2010-04-01/Accounts", "effect": "deny" },
    { "name": "no auth tokens", "path": "/2010-04-01/Accounts/{account}", "effect": "deny" },
    {
        "name": "reads of an account",
        "methods": ["GET", "HEAD"],
        "path": "/2010-04-01/Accounts/{account}/**",
        "effect": "allow"
    }
] }"#;

impl ConnectionDefinition for Twilio {
    type Credential = Login;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(KIND, "Twilio", AuthType::Basic)
            .origin(API)
            .field(Field::text("accountSid", "Account SID").pattern("AC[0-9a-fA-F]{32}").placeholder("AC…"))
            .field(Field::secret("authToken", "Auth token").key().optional().help("either this or an API key"))
            .field(
                Field::text("apiKeySid", "API key SID")
                    .offer("Use an API key instead of the auth token?")
                    .pattern("SK[0-9a-fA-F]{32}")
                    .placeholder("SK…"),
            )
            .field(Field::secret("apiKeySecret", "API key secret").key().optional())
            .secret_name("authToken")
            .secret_name("apiKeySecret")
            .gets_only_read()
            .rule_preset("read", READ)
            .guide("The account SID and the auth token are on the first page of the Twilio console.")
            .guide_link("Open the console", "https://console.twilio.com")
            .guide_link("Or make an API key", "https://www.twilio.com/docs/iam/api-keys/keys-in-console")
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Login>, SetupFailure> {
        let prompt = Prompt::new("Connect Twilio").field("accountSid").field("apiKeySid");
        let made = ctx.ask_until(3, prompt, |answers| async move {
            let wanted = if answers.has("apiKeySid") { "apiKeySecret" } else { "authToken" };
            let mut secrets = ctx.prompt(Prompt::new("Connect Twilio").field(wanted)).await;
            if !secrets.has(wanted) {
                let missing = "give the auth token, or both parts of an API key";
                return Err(SetupFailure::new(reason::UNAUTHORIZED, missing));
            }
            let secret = secrets.secret(wanted)?;
            let proof = match answers.has("apiKeySid") {
                true => Proof::ApiKey(answers.text("apiKeySid")?.to_owned(), secret),
                false => Proof::AuthToken(secret),
            };
            let login = Login { account_sid: answers.text("accountSid")?.to_owned(), proof };
            let identity = probe::account(self, &login, ctx).await?;
            let found = VerifyResult::live().identity(identity.clone());
            Ok(SetupResult::new(login, identity).measured(found))
        });
        let remedy = "copy the auth token from the console, or make an API key";
        made.await.map_err(|failure| failure.when_refused("Twilio accepted none of the logins", remedy))
    }

    fn serialize_credential(&self, login: &Login) -> Result<Secret, CredentialError> {
        let record = Record::new().with("accountSid", login.account_sid.as_str());
        let record = match &login.proof {
            Proof::AuthToken(token) => record.with("authToken", token.duplicate()),
            Proof::ApiKey(sid, secret) => {
                record.with("apiKeySid", sid.as_str()).with("apiKeySecret", secret.duplicate())
            }
        };
        Ok(record.encode())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Login, CredentialError> {
        let mut record = Record::decode(bytes)?;
        let account_sid = record.text("accountSid")?.to_owned();
        let proof = match record.take("authToken") {
            Ok(token) => Proof::AuthToken(token),
            Err(_) => Proof::ApiKey(record.text("apiKeySid")?.to_owned(), record.take("apiKeySecret")?),
        };
        Ok(Login { account_sid, proof })
    }

    async fn verify(&self, login: &Login, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Login>, ConnectionError> {
        Ok(VerifyResult::live().identity(probe::account(self, login, ctx).await?))
    }

    async fn teardown(&self, login: &Login, _: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        // An API key cannot delete itself, and no request deletes the auth token of an account.
        Ok(Teardown::not_revoked(match login.proof {
            Proof::ApiKey(..) => "the API key works at Twilio until it is deleted there",
            Proof::AuthToken(_) => "the auth token works at Twilio until it is replaced there",
        }))
    }

    fn credential_page(&self, _: Option<&Login>, _: &Connection) -> Option<Text> {
        Some(KEYS.into())
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Login>> {
        Some(self)
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<Login>> {
        Some(self)
    }

    fn webhooks(&self) -> Option<&dyn Webhooks<Login>> {
        Some(self)
    }
}

impl Authorizer<Login> for Twilio {
    fn authorize(&self, login: &Login, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        match &login.proof {
            Proof::AuthToken(token) => request.set_basic(&login.account_sid, token),
            Proof::ApiKey(sid, secret) => request.set_basic(sid, secret),
        }
        Ok(())
    }

    fn is_immediate(&self) -> bool {
        true
    }

    fn seats(&self) -> Vec<Seat> {
        vec![Seat::BasicPassword]
    }
}

impl NamedSecrets<Login> for Twilio {
    fn secret(&self, login: &Login, name: &str) -> Option<Secret> {
        match (&login.proof, name) {
            (Proof::AuthToken(secret), "authToken") | (Proof::ApiKey(_, secret), "apiKeySecret") => {
                Some(secret.duplicate())
            }
            _ => None,
        }
    }
}
