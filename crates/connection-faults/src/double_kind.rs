//! The kind `double`, whose credential is a key for a [`Provider`](crate::provider::Provider).

use connection_contract::prelude::*;

use crate::scripted::{Scripted, identity};

/// The origin of the kind. Tests map it to the origin of their provider.
pub const API: &str = "https://api.double.example";
/// The name under which the kind is registered.
pub const DOUBLE: Kind = Kind::from_static("double");

async fn account(it: &Scripted, key: &Secret, base: &BaseUrl, ctx: &Context<'_>) -> Result<Identity, NotLive> {
    let me = classify(ctx.send_as(it, key, HttpRequest::get(base, "/me")).await)?.json()?;
    Ok(identity(me.str_at("id")?))
}

/// Returns the plugin that provides the kind.
pub fn double() -> Scripted {
    let descriptor = Descriptor::new(DOUBLE, "Double", AuthType::ApiKey).origin(API).field(Field::secret("key", "Key"));
    Scripted::new(descriptor)
        .setup(|it, ctx| {
            Box::pin(async move {
                let key = ctx.prompt(Prompt::new("Connect Double").field("key")).await.secret("key")?;
                let base = ctx.base_url(API)?;
                let identity = account(it, &key, base, ctx).await?;
                Ok(SetupResult::new(key, identity).reach(Reach::base(base.clone())))
            })
        })
        .verify(|it, key, ctx| {
            Box::pin(async move {
                let identity = account(it, key, ctx.connection().base_url()?, ctx).await?;
                Ok(VerifyResult::live().identity(identity))
            })
        })
        .teardown(|it, key, ctx| {
            Box::pin(async move {
                classify(ctx.send_as(it, key, HttpRequest::delete(ctx.connection().base_url()?, "/me")).await)?;
                Ok(Teardown::Revoked)
            })
        })
        .bearer()
}
