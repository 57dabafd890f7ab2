//! A plugin that puts its secret where it does not belong: into panics, addresses and bodies.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use connection_contract::prelude::*;

use crate::acme::API;

pub(crate) const CARELESS: Kind = Kind::from_static("careless");

/// Puts its secret where it does not belong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Careless {
    /// If set, the plugin panics wherever it gets its key.
    pub(crate) crashes: Arc<AtomicBool>,
}

impl Careless {
    fn crash(&self, key: &Secret) {
        let key = key.expose_str().unwrap_or_default();
        assert!(!self.crashes.load(SeqCst), "the key is {key}");
    }
}

impl ConnectionDefinition for Careless {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(CARELESS, "Careless", AuthType::Custom)
            .origin(API)
            .field(Field::text("how", "How"))
            .field(Field::secret("accessToken", "Key"))
            .secret_name("accessToken")
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let mut answers = ctx.prompt(Prompt::new("Connect").field("how").field("accessToken")).await;
        let key = answers.secret("accessToken")?;
        let how = answers.text("how")?.to_owned();
        match &*how {
            "setup" => panic!("the key is {:?}", key.expose_str()),
            "parts" => panic!("the key is {:?}", key.expose()),
            "callback" => {
                let base = ctx.base_url(API)?;
                let handle = ctx.callback().await?;
                let link = Link::to(base, "/authorize").query("state", handle.state());
                let request = ctx.redirect(Redirect::new(link), &handle).await;
                let code = request.parameter("code").ok_or_else(|| SetupFailure::new("careless_code", "no code"))?;
                let spend = HttpRequest::post(base, "/token").form("code", code).query("code", code);
                let answer = classify(ctx.send(spend.basic("ada", &key)).await)?;
                ctx.log(LogEvent::new("answered"));
                let token = answer.json()?.str_at("secret")?.to_owned();
                Ok(SetupResult::new(Secret::from(token), Identity::new("1", "ada")))
            }
            _ => Ok(SetupResult::new(key, Identity::new("2", "ada")).measured(VerifyResult::live())),
        }
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        Ok(key.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, key: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        self.crash(key);
        Ok(VerifyResult::live())
    }

    async fn teardown(&self, key: &Secret, _: &TeardownContext<'_>) -> Result<(), ConnectionError> {
        self.crash(key);
        Ok(())
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Secret>> {
        Some(self)
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<Secret>> {
        Some(self)
    }
}

impl Authorizer<Secret> for Careless {
    fn authorize(&self, key: &Secret, _: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        self.crash(key);
        Ok(())
    }
}

impl NamedSecrets<Secret> for Careless {
    fn secret(&self, key: &Secret, _: &str) -> Option<Secret> {
        self.crash(key);
        Some(key.duplicate())
    }
}
