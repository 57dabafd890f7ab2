//! What each effect of a setup gave, so that a replay gives it again.

use connection_contract::{
    Answer, FileStat, FoundTool, HttpError, HttpResponse, Secret, ServiceError, Text, Timestamp, Woken, host,
};

use crate::{fault::fail, input::duplicates, kv, lent::WindowEnd};

/// What an effect gave.
pub(crate) enum Effect {
    Allocated(Option<String>),
    Answered(Vec<(Text, Answer)>),
    Callback(Vec<(String, Secret)>),
    Elapsed,
    Found(Result<FoundTool, ServiceError>),
    Http(Result<HttpResponse, HttpError>),
    List(Result<Vec<FileStat>, ServiceError>),
    Made(Result<Option<String>, ServiceError>),
    Put(Result<(), ServiceError>),
    Read(Result<Secret, ServiceError>),
    Stat(Result<FileStat, ServiceError>),
    Value(Option<Vec<u8>>),
    Window(WindowEnd),
}
/// One effect, and where the fakes stood: `script` and `input` before it, `kv` after it.
pub(crate) struct Entry {
    /// The question; a replay that asks another one is at fault. Holds no secret.
    pub(crate) what: String,
    /// What a person saw while it was waited for; empty for anything else. A replay shows the same.
    pub(crate) shown: String,
    pub(crate) effect: Effect,
    pub(crate) at: Timestamp,
    pub(crate) script: usize,
    pub(crate) input: usize,
    pub(crate) kv: Option<kv::State>,
}
impl Entry {
    /// The answers, if this is a wait that ended with some.
    pub(crate) fn answers(&self) -> impl Iterator<Item = &Answer> {
        let answers = if let Effect::Answered(answers) = &self.effect { answers.as_slice() } else { &[] };
        answers.iter().map(|(_, answer)| answer)
    }
    pub(crate) fn duplicate(&self) -> Self {
        Self {
            what: self.what.clone(),
            shown: self.shown.clone(),
            effect: self.effect.duplicate(),
            at: self.at,
            script: self.script,
            input: self.input,
            kv: self.kv.clone(),
        }
    }
}
impl Effect {
    fn duplicate(&self) -> Self {
        match self {
            Self::Allocated(uri) => Self::Allocated(uri.clone()),
            Self::Answered(answers) => {
                Self::Answered(answers.iter().map(|(n, a)| (n.clone(), duplicate_answer(a))).collect())
            }
            Self::Callback(parameters) => Self::Callback(duplicates(parameters)),
            Self::Elapsed => Self::Elapsed,
            Self::Http(result) => Self::Http(result.as_ref().map_err(|e| *e).map(duplicate_response)),
            Self::List(result) => Self::List(result.clone()),
            Self::Found(result) => Self::Found(result.clone()),
            Self::Made(result) => Self::Made(result.clone()),
            Self::Put(result) => Self::Put(*result),
            Self::Read(result) => Self::Read(result.as_ref().map(Secret::duplicate).map_err(|e| *e)),
            Self::Stat(result) => Self::Stat(result.clone()),
            Self::Value(value) => Self::Value(value.clone()),
            Self::Window(end) => Self::Window(end.clone()),
        }
    }
    /// What ended a wait.
    pub(crate) fn woken(self) -> Option<Woken> {
        match self {
            Self::Answered(answers) => Some(Woken::Answered(host::answers(answers))),
            Self::Callback(parameters) => Some(Woken::Callback(host::callback_request(parameters))),
            Self::Elapsed => Some(Woken::Elapsed),
            _ => None,
        }
    }
}
pub(crate) fn duplicate_response(response: &HttpResponse) -> HttpResponse {
    let headers = response.headers().to_vec();
    HttpResponse::new(response.status(), headers, response.body().duplicate(), response.received_at())
}
fn duplicate_answer(answer: &Answer) -> Answer {
    match answer {
        Answer::Bool(flag) => Answer::Bool(*flag),
        Answer::Directory(root) => Answer::Directory(root.clone()),
        Answer::Number(number) => Answer::Number(*number),
        Answer::Secret(secret) => Answer::Secret(secret.duplicate()),
        Answer::Text(text) => Answer::Text(text.clone()),
        Answer::Url(url) => Answer::Url(url.clone()),
        _ => fail("the testkit is older than the contract: it does not know this answer"),
    }
}
