//! What a fake host lends: tools and windows as a test says, values by the handle, and usage by the facet.

use std::sync::Mutex;

use connection_contract::{HostServices, LoggedIn, prelude::*};
use connection_testkit::{Expected, FakeFiles, FakeHost, FakeTools, FakeWindow, Input, Reply, conformance::Suite};

use crate::check;

const API: &str = "https://api.meter.example";

/// Logs in in a window, looks for its tool and a file, and counts its activations unless it is right.
#[derive(Debug, Default)]
struct Meter {
    counts: bool,
    host: Mutex<Option<HostServices>>,
}

fn tool() -> ToolSpec {
    ToolSpec::new("meter")
}

impl ConnectionDefinition for Meter {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("meter"), "Meter", AuthType::Custom)
            .origin(API)
            .tool(tool())
            .field(Field::directory("root", "Directory"))
    }
    async fn activate(&self, host: HostServices) -> Result<(), ConnectionError> {
        if let (Some(kv), true) = (host.kv(), self.counts) {
            let before = kv.get("count").await?.unwrap_or_default();
            kv.put("count", Some(format!("{before}+"))).await?;
        }
        *self.host.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(host);
        Ok(())
    }
    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<Established<Secret>, SetupFailure> {
        let lacks = || SetupFailure::new("lacks", "the host lacks something");
        let failed = |error: ServiceError| SetupFailure::new("failed", format!("{error}"));
        let root = ctx.prompt(Prompt::new("Where?").field("root")).await.directory("root")?.clone();
        let tools = ctx.tools().ok_or_else(lacks)?;
        tools.find(&tool()).await.map_err(failed)?;
        let version = tools.version(&tool()).await.map_err(failed)?;
        let cache = ctx.file_cache().ok_or_else(lacks)?;
        let upper = |content: &Secret| Ok(content.expose_str().map(str::to_uppercase));
        let made = cache.cached(&root, "name", 1, 100, Box::new(upper)).await.map_err(failed)?;
        let link = Link::from_provider("https://meter.example/login").ok_or_else(lacks)?;
        let window = LoginWindow::new(link, "session", "meter.example");
        let cookie = match ctx.login_window().ok_or_else(lacks)?.open(window).await {
            LoggedIn::Success(cookie) => cookie,
            LoggedIn::Cancelled => return Err(SetupFailure::new("cancelled", "the window was closed")),
            _ => return Err(lacks()),
        };
        let name = format!("{} {version}", made.unwrap_or_default());
        Ok(Established::new(cookie, Identity::new(name.clone(), name)).reach(Reach::declared().root(root)))
    }
    fn serialize_credential(&self, cookie: &Secret) -> Result<Secret, CredentialError> {
        Ok(cookie.duplicate())
    }
    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        if bytes.is_empty() { Err(CredentialError::Malformed) } else { Ok(Secret::new(bytes)) }
    }
    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }
    fn usage(&self) -> Option<&dyn UsageSource<Secret>> {
        Some(self)
    }
}

impl UsageSource<Secret> for Meter {
    fn fetch<'a>(
        &'a self,
        _: &'a Secret,
        ctx: &'a UsageContext<'_>,
    ) -> BoxFuture<'a, Result<UsageSnapshot, ConnectionError>> {
        Box::pin(async move {
            let base = ctx.base_url(API).map_err(|_| ConnectionError::Bug("no base".into()))?;
            classify(ctx.send(HttpRequest::get(base, "/usage")).await)?;
            Ok(UsageSnapshot::new(ctx.now()).metric(TokenUtilization::new("all", "All", 7)))
        })
    }
}

fn lent(host: FakeHost<Meter>) -> FakeHost<Meter> {
    let files = FakeFiles::new().root("/data", &[("name", "ada")]);
    let tools = FakeTools::new().tool("meter", "/usr/bin/meter", "2.1");
    host.files(files).tools(tools).login_window(FakeWindow::cookie("a-cookie-of-some-length")).key_value()
}

fn usage() -> Expected {
    Expected::get("https://api.meter.example/usage").answer(Reply::json(200, "{}"))
}

#[test]
fn what_is_lent_is_what_the_test_says() {
    let host = lent(FakeHost::new(Meter::default())).expect(usage());
    host.activate().unwrap();
    let made = host.setup([Input::answers(&[("root", "/data")])]).run().unwrap();
    assert_eq!(made.identity.account_id.as_str(), "ADA 2.1");
    let snapshot = host.fetch_usage(&made.credential, &host.connection(&made)).unwrap();
    assert_eq!(snapshot.metrics.len(), 1);
    host.finish();
    let closed = lent(FakeHost::new(Meter::default())).login_window(FakeWindow::cancelled());
    let failure = closed.setup([Input::answers(&[("root", "/data")])]).run().unwrap_err();
    assert_eq!(failure.code, "cancelled");
}

fn suite(counts: bool) -> Suite<Meter> {
    let made = move || Meter { counts, ..Meter::default() };
    Suite::new(made).host(lent).setup([Input::answers(&[("root", "/data")])], []).usage([usage()])
}

#[test]
fn a_plugin_that_keeps_what_it_is_lent_passes() {
    suite(false).check();
}

#[test]
fn one_whose_second_activation_keeps_more_is_caught() {
    check("a second activation keeps something", || suite(true).check());
}
