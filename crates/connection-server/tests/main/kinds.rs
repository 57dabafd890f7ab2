//! The kinds of the test host.

use connection_contract::prelude::*;
use connection_core::{AllowedTool, Machine, ToolPolicy};
use connection_faults::{
    scripted::{Scripted, identity, live},
    signed_webhooks::SignedWebhooks,
};

pub(crate) const ACME: Kind = Kind::from_static("acme");
pub(crate) const TOOL: Kind = Kind::from_static("tool");

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

/// A kind with webhooks.
pub(crate) fn hooked() -> Scripted {
    let descriptor = Descriptor::new(Kind::from_static("hooked"), "Hooked", AuthType::ApiKey);
    let descriptor = descriptor.field(Field::secret("apiKey", "API key"));
    Scripted::new(descriptor).setup(|_, ctx| Box::pin(by_key(ctx))).webhooks(SignedWebhooks)
}

/// Asks for a key alone. Every key is one of the account `ada`.
pub(crate) async fn by_key(ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
    let key = ctx.prompt(Prompt::new("Connect").field("apiKey")).await.secret("apiKey")?;
    Ok(live(key, identity("ada")))
}
