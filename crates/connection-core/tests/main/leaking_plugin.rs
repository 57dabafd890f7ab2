//! A plugin that puts its secret where it does not belong: into panics, addresses and bodies.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use connection_contract::prelude::*;
use connection_faults::scripted::{Scripted, live};

use crate::acme::API;

pub(crate) const CARELESS: Kind = Kind::from_static("careless");

#[derive(Default)]
pub(crate) struct Careless {
    /// If set, the plugin panics wherever it gets its key.
    pub(crate) crashes: AtomicBool,
}

impl Careless {
    fn crash(&self, key: &Secret) {
        let key = key.expose_str().unwrap_or_default();
        assert!(!self.crashes.load(SeqCst), "the key is {key}");
    }
}

/// A plugin that puts its secret where it does not belong.
pub(crate) fn careless() -> Scripted<Careless> {
    let descriptor = Descriptor::new(CARELESS, "Careless", AuthType::Custom)
        .origin(API)
        .field(Field::text("how", "How"))
        .field(Field::secret("accessToken", "Key"))
        .secret_name("accessToken");
    Scripted::with(Careless::default(), descriptor)
        .setup(|_, ctx| {
            Box::pin(async move {
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
                        let code =
                            request.parameter("code").ok_or_else(|| SetupFailure::new("careless_code", "no code"))?;
                        let spend = HttpRequest::post(base, "/token").form("code", code).query("code", code);
                        let answer = classify(ctx.send(spend.basic("ada", &key)).await)?;
                        ctx.log(LogEvent::new("answered"));
                        let token = answer.json()?.str_at("secret")?.to_owned();
                        Ok(SetupResult::new(Secret::from(token), Identity::new("1", "ada")))
                    }
                    _ => Ok(live(key, Identity::new("2", "ada"))),
                }
            })
        })
        .verify(|it, key, _| {
            Box::pin(async move {
                it.crash(key);
                Ok(VerifyResult::live())
            })
        })
        .teardown(|it, key, _| {
            Box::pin(async move {
                it.crash(key);
                Ok(Teardown::Revoked)
            })
        })
        .authorizes(|it, key, _| {
            it.crash(key);
            Ok(())
        })
        .hands_out(|it, key, _| {
            it.crash(key);
            Some(key.duplicate())
        })
}
