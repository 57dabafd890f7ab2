//! The kinds of the test host: one that asks for a key, and one that sends a browser to a provider.

use connection_contract::prelude::*;
use connection_core::{AllowedTool, Machine, ToolPolicy};
use connection_faults::scripted::{Scripted, identity, live};

pub(crate) const ACME: Kind = Kind::from_static("acme");
pub(crate) const TOOL: Kind = Kind::from_static("tool");
pub(crate) const LOGIN: Kind = Kind::from_static("login");
const API: &str = "https://login.example";

pub(crate) fn acme() -> Scripted {
    acme_with("")
}

/// The preset `read` of the kind.
const READ: &str = r#"{ "rule": [{ "name": "reads", "methods": ["GET", "HEAD"], "effect": "allow" }] }"#;

/// Returns the kind with the terms that a person agrees to by connecting.
pub(crate) fn acme_with(terms: &str) -> Scripted {
    let descriptor = Descriptor::new(ACME, "Acme & Sons", AuthType::ApiKey)
        .field(Field::text("name", "Name"))
        .field(Field::secret("apiKey", "API key"))
        .optional_scope("write")
        .secret_name("apiKey")
        .rule_preset("read", READ);
    let descriptor = if terms.is_empty() { descriptor } else { descriptor.terms(terms.to_owned()) };
    let kind = Scripted::new(descriptor).hands_out(|_, key, _| Some(key.duplicate()));
    kind.setup(|_, ctx| {
        Box::pin(async move {
            let mut answers = ctx.prompt(Prompt::new("Connect Acme").field("name").field("apiKey")).await;
            let key = answers.secret("apiKey")?;
            let name = answers.text("name")?.to_owned();
            Ok(live(key, identity(name)))
        })
    })
}

fn tool_home() -> PathSpec {
    PathSpec::new(PathBase::Home, ".tool").unwrap()
}

/// A local tool with profiles.
pub(crate) fn tool() -> Scripted {
    let descriptor = Descriptor::new(TOOL, "The tool", AuthType::Custom).tool(ToolSpec::new("tool"));
    Scripted::new(descriptor).profiles(ProfileSpec::new("TOOL_HOME", tool_home()))
}

/// The machine, which allows the tool.
pub(crate) fn machine() -> Machine {
    let tool = AllowedTool::new("tool").variable("TOOL_HOME").paths([tool_home()]);
    Machine::new().tools(ToolPolicy::new().allow(tool))
}

pub(crate) fn login() -> Scripted {
    let descriptor = Descriptor::new(LOGIN, "Login", AuthType::OAuth).origin(API).needs(Need::InboundHttp);
    Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let handle = ctx.callback().await?;
            let link = Link::to(ctx.base_url(API)?, "/authorize").query("state", handle.state());
            let back = ctx.redirect(Redirect::new(link), &handle).await;
            let code = back.parameter("code").ok_or_else(|| SetupFailure::new("no_code", "there is no code"))?;
            Ok(live(code.duplicate(), identity("ada")))
        })
    })
}

/// A kind with webhooks whose deliveries are signed with a key of ours.
pub(crate) struct Hooked;

pub(crate) const HOOKED: Kind = Kind::from_static("hooked");

impl ConnectionDefinition for Hooked {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(HOOKED, "Hooked", AuthType::ApiKey).field(Field::secret("apiKey", "API key"))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let key = ctx.prompt(Prompt::new("Connect Hooked").field("apiKey")).await.secret("apiKey")?;
        Ok(live(key, identity("ada".to_owned())))
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        Ok(key.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }

    fn webhooks(&self) -> Option<&dyn Webhooks<Secret>> {
        Some(self)
    }
}

impl Webhooks<Secret> for Hooked {
    fn signing_key(&self) -> SigningKey {
        SigningKey::Generated
    }

    fn receive(
        &self,
        _: &Secret,
        keys: &[Secret],
        delivery: &Delivery,
        ctx: &Context<'_>,
    ) -> Result<WebhookEvent, NotAuthentic> {
        let came = delivery.header(SIGNATURE).ok_or(NotAuthentic::Signature)?;
        let is_signed_by = |key: &Secret| ctx.crypto().equal(mac(key, delivery, ctx).as_bytes(), came.as_bytes());
        let event = || WebhookEvent::new("thing.made", delivery.body().duplicate());
        keys.iter().any(is_signed_by).then(event).ok_or(NotAuthentic::Signature)
    }

    fn sign(&self, _: &Secret, key: Option<&Secret>, url: &str, ctx: &Context<'_>) -> Result<Delivery, NotAuthentic> {
        let key = key.ok_or_else(|| NotAuthentic::no_key("there is none"))?;
        let unsigned = Delivery::new("POST", url, Vec::new(), Secret::from("{}"), ctx.now());
        let headers = vec![(SIGNATURE.to_owned(), mac(key, &unsigned, ctx))];
        Ok(Delivery::new("POST", url, headers, Secret::from("{}"), ctx.now()))
    }
}

const SIGNATURE: &str = "x-signature";

fn mac(key: &Secret, delivery: &Delivery, ctx: &Context<'_>) -> String {
    encode::hex(&ctx.crypto().hmac_sha256(key, delivery.body().expose()))
}
