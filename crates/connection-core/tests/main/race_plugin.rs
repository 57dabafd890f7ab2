//! A plugin with a wait that ends in one of three ways: a pasted code, a callback, or the time for a poll.

use connection_contract::prelude::*;
use connection_faults::scripted::Scripted;

use crate::acme::API;

pub(crate) const RACE: Kind = Kind::from_static("race");

/// The kind `race`: the answer to `POST /token` says whether the first result is valid, and may ask a poll to wait.
pub(crate) fn race() -> Scripted {
    let descriptor = Descriptor::new(RACE, "Race", AuthType::OAuth)
        .origin(API)
        .field(Field::secret("code", "Code"))
        .needs(Need::InboundHttp);
    Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let base = ctx.base_url(API)?;
            let handle = ctx.callback().await.ok();
            let device = classify(ctx.send(HttpRequest::post(base, "/device")).await)?;
            let code = device.json()?.str_at("name")?.to_owned();
            loop {
                let page = Link::to(base, "/activate");
                let wait = Wait::new().device_code(page, code.clone()).answer(Prompt::new("Paste").field("code"));
                let mut wait = wait.callback(handle.as_ref()).elapsed(Duration::from_secs(5));
                if let Some(handle) = &handle {
                    wait = wait.open(Link::to(base, "/authorize").query("state", handle.state()));
                }
                let won = match ctx.wait(wait).await {
                    WaitOutcome::Answered(mut answers) => answers.secret("code")?,
                    WaitOutcome::Callback(request) => {
                        let code = request.parameter("code").map(Secret::duplicate);
                        code.ok_or_else(|| SetupFailure::new("race_denied", "the provider refused"))?
                    }
                    _ => "poll".into(),
                };
                let answer = ctx.send(HttpRequest::post(base, "/token").form("by", &won)).await;
                if answer.as_ref().is_ok_and(|answer| answer.status() == 400) {
                    continue;
                }
                classify(answer)?;
                let name = won.expose_str().unwrap_or_default().to_owned();
                return Ok(SetupResult::new(won, Identity::new(name, "racer")));
            }
        })
    })
}
