//! A plugin that asks for one field of every input type, and keeps the answers.

use connection_contract::prelude::*;
use connection_faults::scripted::Scripted;

pub(crate) const FORM: Kind = Kind::from_static("form");

fn shown(answer: &Answer) -> String {
    match answer {
        Answer::Bool(flag) => format!("bool {flag}"),
        Answer::Directory(root) => format!("directory {}", root.as_str()),
        Answer::Number(number) => format!("number {number}"),
        Answer::Secret(secret) => format!("secret {}", secret.expose().len()),
        Answer::Text(text) => format!("text {text}"),
        Answer::Url(base) => format!("url {base}"),
        other => format!("{other:?}"),
    }
}

/// A plugin that records each answer as `name=value`.
pub(crate) fn form() -> Scripted {
    let choices = [("eu", "Europe"), ("us", "America")].map(|(value, label)| (value.into(), label.into()));
    let descriptor = Descriptor::new(FORM, "Form", AuthType::Custom)
        .field(Field::text("sid", "SID").pattern("AC[0-9]{4}|old"))
        .field(Field::secret("token", "Token").optional())
        .field(Field::secret("pem", "Key").optional().pattern("(?s)-----.*-----\n?"))
        .field(Field::new("region", "Region", Input::Choice(choices.into())).optional())
        .field(Field::new("flag", "Flag", Input::Bool).optional())
        .field(Field::new("count", "Count", Input::Number).optional())
        .field(Field::url("base", "Address").default("https://form.example"))
        .field(Field::directory("roots", "Directories").many().optional())
        .field(Field::text("other", "Asked by no prompt"));
    Scripted::new(descriptor).setup(|it, ctx| {
        Box::pin(async move {
            let names = ["sid", "token", "pem", "region", "flag", "count", "base", "roots"];
            let answers = ctx.prompt(names.into_iter().fold(Prompt::new("Form"), Prompt::field)).await;
            for (name, answer) in answers.iter() {
                it.saw(format!("{name}={}", shown(answer)));
            }
            let roots = answers.directories("roots").unwrap_or_default();
            let reach = roots.into_iter().fold(Reach::base(answers.url("base")?.clone()), Reach::root);
            Ok(SetupResult::new("key".into(), Identity::new("1", "form")).reach(reach))
        })
    })
}
