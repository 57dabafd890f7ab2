//! A plugin that sends a browser to a provider and exchanges the code that the browser returns with.

use connection_contract::prelude::*;
use connection_faults::scripted::Scripted;

pub(crate) const LOGIN: Kind = Kind::from_static("login");
/// The same plugin, at another provider.
pub(crate) const OTHER: Kind = Kind::from_static("other-login");
pub(crate) const API: &str = "https://login.example";

/// Returns the kind `login` or `other-login`.
pub(crate) fn login(kind: Kind) -> Scripted {
    let own = kind.as_str().split_once('/').map(|(extension, provider)| (extension.to_owned(), Kind::parse(provider)));
    let descriptor = Descriptor::new(kind, "Login & Co", AuthType::OAuth).origin(API).needs(Need::InboundHttp);
    let descriptor = match own {
        Some((extension, provider)) => descriptor.provider(provider.unwrap()).extension(extension),
        None => descriptor,
    };
    Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let base = ctx.base_url(API)?;
            let handle = ctx.callback().await?;
            let link = Link::to(base, "/authorize").query("redirect_uri", handle.redirect_uri());
            let link = link.query("state", handle.state());
            let back = ctx.redirect(Redirect::new(link), &handle).await;
            if let Some(error) = back.parameter("error") {
                let error = error.expose_str().unwrap_or_default().to_owned();
                let failure = SetupFailure::new("access_denied", format!("the provider says {error}"));
                return Err(failure.remedy("press the other button"));
            }
            let code = back.parameter("code").ok_or_else(|| SetupFailure::new("no_code", "there is no code"))?;
            let exchange = HttpRequest::post(base, "/token").form("code", code);
            let account = classify(ctx.send(exchange).await)?.json()?;
            let identity = Identity::new(account.str_at("id")?.to_owned(), account.str_at("name")?.to_owned());
            let live = VerifyResult::live().identity(identity.clone());
            Ok(SetupResult::new(code.duplicate(), identity).measured(live))
        })
    })
}
