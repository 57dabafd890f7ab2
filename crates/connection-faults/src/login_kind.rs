//! The kind `login`, whose setup sends a browser to a provider and gets a code.

use connection_contract::prelude::*;

use crate::scripted::{Scripted, identity, live};

/// Returns the plugin that provides the kind. Every code is the credential of the account `ada`.
pub fn login() -> Scripted {
    const API: &str = "https://login.example";
    let descriptor = Descriptor::new(Kind::from_static("login"), "Login", AuthType::OAuth);
    Scripted::new(descriptor.origin(API).needs(Need::InboundHttp)).setup(|_, ctx| {
        Box::pin(async move {
            let handle = ctx.callback().await?;
            let link = Link::to(ctx.base_url(API)?, "/authorize").query("state", handle.state());
            let back = ctx.redirect(Redirect::new(link), &handle).await;
            let code = back.parameter("code").ok_or_else(|| SetupFailure::new("no_code", "there is no code"))?;
            Ok(live(code.duplicate(), identity("ada")))
        })
    })
}
