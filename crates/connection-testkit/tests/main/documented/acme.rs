//! The plugin in the documentation of `ConnectionDefinition`.

use connection_contract::prelude::*;

/// The kind `acme`.
#[derive(Debug, Default)]
pub struct Acme;

const API: &str = "https://api.acme.example";

impl Acme {
    async fn account(&self, key: &Secret, ctx: &Context<'_>) -> Result<Identity, NotLive> {
        let request = HttpRequest::get(ctx.base_url(API)?, "/v1/me");
        let me = classify(ctx.send_as(self, key, request).await)?.json()?;
        Ok(Identity::new(me.str_at("id")?.to_owned(), me.str_at("name")?.to_owned()))
    }
}

impl ConnectionDefinition for Acme {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey)
            .origin(API)
            .field(Field::secret("apiKey", "API key"))
    }
    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let key = ctx.prompt(Prompt::new("Connect Acme").field("apiKey")).await.secret("apiKey")?;
        let identity = self.account(&key, ctx).await?;
        Ok(SetupResult::new(key, identity))
    }
    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        Ok(key.duplicate())
    }
    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        if bytes.is_empty() { Err(CredentialError::Malformed) } else { Ok(Secret::new(bytes)) }
    }
    async fn verify(&self, key: &Secret, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live().identity(self.account(key, ctx).await?))
    }
    fn authorizer(&self) -> Option<&dyn Authorizer<Secret>> {
        Some(self)
    }
}

impl Authorizer<Secret> for Acme {
    fn authorize(&self, key: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(key);
        Ok(())
    }
    fn seats(&self) -> Vec<Seat> {
        vec![Seat::bearer()]
    }
}
