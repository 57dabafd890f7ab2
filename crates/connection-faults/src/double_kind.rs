//! The kind `double`, whose credential is a key for a [`Provider`](crate::provider::Provider).

use connection_contract::prelude::*;

/// The origin of the kind. Tests map it to the origin of their provider.
pub const API: &str = "https://api.double.example";
/// The name of the kind.
pub const DOUBLE: Kind = Kind::from_static("double");

/// The plugin that provides the kind.
#[derive(Clone, Copy, Debug)]
pub struct Double;

impl Double {
    async fn account(&self, key: &Secret, base: &BaseUrl, ctx: &Context<'_>) -> Result<Identity, NotLive> {
        let me = classify(ctx.send_as(self, key, HttpRequest::get(base, "/me")).await)?.json()?;
        let id = me.str_at("id")?.to_owned();
        Ok(Identity::new(id.clone(), id))
    }
}

impl ConnectionDefinition for Double {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(DOUBLE, "Double", AuthType::ApiKey).origin(API).field(Field::secret("key", "Key"))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let key = ctx.prompt(Prompt::new("Connect Double").field("key")).await.secret("key")?;
        let base = ctx.base_url(API)?;
        let identity = self.account(&key, base, ctx).await?;
        Ok(SetupResult::new(key, identity).reach(Reach::base(base.clone())))
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        Ok(key.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, key: &Secret, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        let identity = self.account(key, ctx.connection().base_url()?, ctx).await?;
        Ok(VerifyResult::live().identity(identity))
    }

    async fn teardown(&self, key: &Secret, ctx: &TeardownContext<'_>) -> Result<(), ConnectionError> {
        classify(ctx.send_as(self, key, HttpRequest::delete(ctx.connection().base_url()?, "/me")).await)?;
        Ok(())
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Secret>> {
        Some(self)
    }
}

impl Authorizer<Secret> for Double {
    fn authorize(&self, key: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(key);
        Ok(())
    }
}
