//! A plugin of many kinds, with a key that is refreshed, verified and sent.
//!
//! Its setup sends nothing to its provider, so that creating a connection is measured without a request.

use connection_contract::prelude::*;

pub(crate) const API: &str = "https://api.scale.example";

/// As many providers as are needed to run the maximum number of probes at once.
pub(crate) const KINDS: [Kind; 8] = [
    Kind::from_static("scale-1"),
    Kind::from_static("scale-2"),
    Kind::from_static("scale-3"),
    Kind::from_static("scale-4"),
    Kind::from_static("scale-5"),
    Kind::from_static("scale-6"),
    Kind::from_static("scale-7"),
    Kind::from_static("scale-8"),
];

/// A plugin of one of the kinds.
#[derive(Clone)]
pub(crate) struct Plugin(pub(crate) Kind);

/// The account that the provider returns for `key-ID`.
pub(crate) fn identity(id: &str) -> Identity {
    Identity::new(id.to_owned(), format!("account {id}"))
}

impl ConnectionDefinition for Plugin {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(self.0.clone(), "Scale", AuthType::OAuth)
            .origin(API)
            .field(Field::text("account", "Account"))
            .secret_name("accessToken")
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let answers = ctx.prompt(Prompt::new("Connect").field("account")).await;
        let account = answers.text("account")?;
        let key = Secret::from(format!("key-{account}"));
        Ok(SetupResult::new(key, identity(account)).measured(VerifyResult::live()))
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        Ok(key.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, key: &Secret, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        let request = HttpRequest::get(ctx.connection().base_url()?, "/slow");
        let me = classify(ctx.send_as(self, key, request).await)?.json()?;
        Ok(VerifyResult::live().identity(identity(me.str_at("id")?)))
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Secret>> {
        Some(self)
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<Secret>> {
        Some(self)
    }

    fn refresher(&self) -> Option<&dyn Refresher<Secret>> {
        Some(self)
    }
}

impl Authorizer<Secret> for Plugin {
    fn authorize(&self, key: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(key);
        Ok(())
    }

    fn is_immediate(&self) -> bool {
        true
    }
}

impl NamedSecrets<Secret> for Plugin {
    fn secret(&self, key: &Secret, name: &str) -> Option<Secret> {
        (name == "accessToken").then(|| key.duplicate())
    }
}

impl Refresher<Secret> for Plugin {
    fn semantics(&self) -> RefreshSemantics {
        RefreshSemantics::Strict
    }

    fn refresh<'a>(
        &'a self,
        key: &'a Secret,
        ctx: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<Secret>, ConnectionError>> {
        Box::pin(async move {
            let request = HttpRequest::post(ctx.base_url(API)?, "/token").form("refresh_token", key);
            let made = classify(ctx.send_once(Spend::new("refresh_token", key), request).await)?.json()?;
            Ok(Refreshed::new(Secret::from(made.str_at("key")?)))
        })
    }
}
