//! Local tools and login windows.

use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};

use connection_contract::{
    BoxFuture, FoundTool, LoginOutcome, LoginWindow, LoginWindowService, Record, Secret, ServiceError, ToolService,
    ToolSpec,
};

use crate::{Effect, EffectRequest, Effects, Host};

pub(super) fn decode_tool(effect: Effect) -> Option<Result<Secret, ServiceError>> {
    if let Effect::Read(result) = effect { Some(result) } else { None }
}

impl<H: Host> ToolService for Effects<H> {
    fn find<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<FoundTool, ServiceError>> {
        Box::pin(async move {
            let live = async move { Effect::Read(self.host().find(tool).await.map(|tool| encode_tool(&tool))) };
            let tool_found = |effect| match decode_tool(effect)? {
                Ok(bytes) => to_tool(&bytes).map(Ok),
                Err(error) => Some(Err(error)),
            };
            self.perform(&EffectRequest::Find(tool), live, tool_found).await
        })
    }

    fn version<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<String, ServiceError>> {
        Box::pin(async move {
            let live = async move { Effect::Read(self.host().version(tool).await.map(Secret::from)) };
            let version = self.perform(&EffectRequest::Version(tool), live, decode_tool).await?;
            Ok(version.expose_str().unwrap_or_default().to_owned())
        })
    }
}

impl<H: Host> LoginWindowService for Effects<H> {
    fn open(&self, window: LoginWindow) -> BoxFuture<'_, LoginOutcome> {
        Box::pin(async move {
            let shown = window.clone();
            let live = async move { Effect::Value(Ok(Some(encode_login(&self.host().open(window).await)))) };
            let read = |effect| match effect {
                Effect::Value(Ok(Some(bytes))) => decode_login(&bytes),
                _ => None,
            };
            self.perform(&EffectRequest::Window(&shown), live, read).await
        })
    }
}

fn encode_tool(found: &FoundTool) -> Secret {
    let record = found.path.iter().fold(Record::new(), |record, path| record.with("path", path.as_str()));
    found.probed.iter().fold(record, |record, path| record.with("probed", path.as_str())).encode()
}

fn to_tool(bytes: &Secret) -> Option<FoundTool> {
    let record = Record::decode(bytes.expose()).ok()?;
    let text = |name: &str, value: &Secret, of: &str| (name == of).then(|| value.expose_str().map(str::to_owned))?;
    let path = record.fields().find_map(|(name, value)| text(name, value, "path"));
    let probed: Vec<_> = record.fields().filter_map(|(name, value)| text(name, value, "probed")).collect();
    Some(FoundTool::new(path.map(Into::into), probed.into_iter().map(Into::into)))
}

fn encode_login(ended: &LoginOutcome) -> Secret {
    let record = Record::new();
    match ended {
        LoginOutcome::Cancelled => record.with("cancelled", ""),
        LoginOutcome::Success(cookie) => record.with("cookie", cookie.duplicate()),
        LoginOutcome::TimedOut => record.with("timed_out", ""),
        LoginOutcome::Failed(why) => record.with("failed", why.as_str()),
        _ => record.with("failed", "the window ended in a way that this version does not know"),
    }
    .encode()
}

fn decode_login(bytes: &Secret) -> Option<LoginOutcome> {
    let record = Record::decode(bytes.expose()).ok()?;
    let (name, value) = record.fields().next()?;
    Some(match name {
        "cancelled" => LoginOutcome::Cancelled,
        "cookie" => LoginOutcome::Success(value.duplicate()),
        "timed_out" => LoginOutcome::TimedOut,
        _ => LoginOutcome::Failed(value.expose_str()?.to_owned().into()),
    })
}
