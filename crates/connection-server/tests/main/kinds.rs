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

/// Returns the kind with the terms that a person agrees to by connecting.
pub(crate) fn acme_with(terms: &str) -> Scripted {
    let descriptor = Descriptor::new(ACME, "Acme & Sons", AuthType::ApiKey)
        .field(Field::text("name", "Name"))
        .field(Field::secret("apiKey", "API key"))
        .secret_name("apiKey");
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
