//! A plugin that asks for fields of every type, then for one more.

use connection_contract::prelude::*;
use connection_faults::scripted::{Scripted, identity, live};

/// The origin of the provider.
pub(crate) const API: &str = "https://form.example";
pub(crate) const FORM: Kind = Kind::from_static("form");

pub(crate) fn form() -> Scripted {
    let choices = [("eu", "Europe"), ("us", "America")].map(|(value, label)| (value.into(), label.into()));
    let descriptor = Descriptor::new(FORM, "Form", AuthType::Custom)
        .origin(API)
        .field(Field::text("sid", "SID").pattern("AC[0-9]{4}").help("In the console").placeholder("AC0000"))
        .field(Field::secret("token", "Token"))
        .field(Field::new("region", "Region", Input::Choice(choices.into())).default("eu"))
        .field(Field::new("flag", "Flag", Input::Bool).optional())
        .field(Field::new("count", "Count", Input::Number).optional())
        .field(Field::directory("roots", "Directories").many().optional())
        .field(Field::text("code", "Code"))
        .guide("The console shows the SID.")
        .guide_link("Open the console", "https://console.example");
    Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let names = ["sid", "token", "region", "flag", "count", "roots"];
            let mut first = ctx.prompt(names.into_iter().fold(Prompt::new("Form"), Prompt::field)).await;
            let token = first.secret("token")?;
            let sid = first.text("sid")?.to_owned();
            let problem = Some("look again".into());
            let link = Link::to(ctx.base_url(API)?, "/codes");
            let wait = Wait::new().answer(Prompt::new("Code").field("code").problem(problem)).open(link.clone());
            let WaitOutcome::Answered(second) = ctx.wait(wait.device_code(link, "AB-CD")).await else {
                return Err(SetupFailure::new("odd", "nothing else was asked"));
            };
            let code = second.text("code")?;
            if code == "no" {
                return Err(SetupFailure::new("refused", "the code is wrong").remedy("read it again"));
            }
            if code == "ask" {
                classify(ctx.send(HttpRequest::post(ctx.base_url(API)?, "/token")).await)?;
            }
            Ok(live(token, identity(sid)))
        })
    })
}
