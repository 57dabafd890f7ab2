//! Acme with an API key.
//!
//! Knows one endpoint, which tells whose key it is. Cite the provider's public reference here.
#![no_std]
#![forbid(unsafe_code)]

use connection_contract::prelude::*;

/// The kind `acme`: accounts of Acme, each reached with an API key.
#[derive(Debug, Default)]
pub struct Acme;

/// The credential: an API key of one account.
#[derive(Debug)]
pub struct Key(Secret);

/// The origin of the API. The key is sent nowhere else.
const API: &str = "https://api.acme.example";

impl Acme {
    /// Returns the account to which the key belongs. Setup and verify send the same request.
    async fn account(&self, key: &Key, base: &BaseUrl, ctx: &Context<'_>) -> Result<Identity, NotLive> {
        let request = HttpRequest::get(base, "/me");
        let me = classify(ctx.send_as(self, key, request).await)?.json()?;
        Ok(Identity::new(me.str_at("id")?.to_owned(), me.str_at("name")?.to_owned()))
    }
}

impl ConnectionDefinition for Acme {
    type Credential = Key;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey)
            .origin(API)
            .field(Field::secret("apiKey", "API key"))
            .guide("Make an API key in the settings of your account.")
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Key>, SetupFailure> {
        let mut answers = ctx.prompt(Prompt::new("Connect Acme").field("apiKey")).await;
        let key = Key(answers.secret("apiKey")?);
        let identity = self.account(&key, ctx.base_url(API)?, ctx).await?;
        let live = VerifyResult::live().identity(identity.clone());
        Ok(SetupResult::new(key, identity).measured(live))
    }

    fn serialize_credential(&self, key: &Key) -> Result<Secret, CredentialError> {
        Ok(Record::new().with("apiKey", key.0.duplicate()).encode())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Key, CredentialError> {
        Ok(Key(Record::decode(bytes)?.take("apiKey")?))
    }

    async fn verify(&self, key: &Key, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Key>, ConnectionError> {
        let base = ctx.connection().base_url()?;
        Ok(VerifyResult::live().identity(self.account(key, base, ctx).await?))
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Key>> {
        Some(self)
    }
}

impl Authorizer<Key> for Acme {
    fn authorize(&self, key: &Key, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(&key.0);
        Ok(())
    }

    fn seats(&self) -> Vec<Seat> {
        vec![Seat::bearer()]
    }
}
