//! A plugin that asks for one field of every input type, and keeps the answers.

use std::sync::{Arc, Mutex};

use connection_contract::prelude::*;

pub(crate) const FORM: Kind = Kind::from_static("form");

#[derive(Clone, Debug, Default)]
pub(crate) struct Form(Arc<Mutex<Vec<String>>>);

impl Form {
    /// Returns each answer that the plugin received, as `name=value`.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

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

impl ConnectionDefinition for Form {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        let choices = [("eu", "Europe"), ("us", "America")].map(|(value, label)| (value.into(), label.into()));
        Descriptor::new(FORM, "Form", AuthType::Custom)
            .field(Field::text("sid", "SID").pattern("AC[0-9]{4}|old"))
            .field(Field::secret("token", "Token").optional())
            .field(Field::secret("pem", "Key").optional().pattern("(?s)-----.*-----\n?"))
            .field(Field::new("region", "Region", Input::Choice(choices.into())).optional())
            .field(Field::new("flag", "Flag", Input::Bool).optional())
            .field(Field::new("count", "Count", Input::Number).optional())
            .field(Field::url("base", "Address").default("https://form.example"))
            .field(Field::directory("roots", "Directories").many().optional())
            .field(Field::text("other", "Asked by no prompt"))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let names = ["sid", "token", "pem", "region", "flag", "count", "base", "roots"];
        let answers = ctx.prompt(names.into_iter().fold(Prompt::new("Form"), Prompt::field)).await;
        self.0.lock().unwrap().extend(answers.iter().map(|(name, answer)| format!("{name}={}", shown(answer))));
        let roots = answers.directories("roots").unwrap_or_default();
        let reach = roots.into_iter().fold(Reach::base(answers.url("base")?.clone()), Reach::root);
        Ok(SetupResult::new(Secret::default(), Identity::new("1", "form")).reach(reach))
    }

    fn serialize_credential(&self, credential: &Secret) -> Result<Secret, CredentialError> {
        Ok(credential.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }

    async fn teardown(&self, _: &Secret, _: &TeardownContext<'_>) -> Result<(), ConnectionError> {
        Ok(())
    }
}
