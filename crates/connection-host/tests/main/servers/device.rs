//! A code that a person types at the provider, in any browser (RFC 8628).

use connection_contract::encode;
use connection_core::{Outcome, SetupStep};
use connection_faults::{
    oidc::{CLIENT, OidcServer, SECRET},
    user_agent::UserAgent,
};
use connection_oauth2::Method;

use super::{Host, REAL, discovered, passing, step};

/// Returns the value of a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let marker = format!("name=\"{name}\" value=\"");
    let at = page.find(&marker).unwrap_or_else(|| panic!("no {name} in {page}")) + marker.len();
    page[at..].split('"').next().unwrap().to_owned()
}

/// Types the code and confirms it, signed in as `ada`.
pub(crate) fn allowed(link: &str, code: &str) {
    let mut agent = UserAgent::new();
    let home = link.split_once("/device").unwrap().0.to_owned();
    let page = agent.get(&format!("{home}/device")).unwrap();
    let form = |xsrf: &str, confirm: bool| {
        let mut pairs = vec![("xsrf", xsrf), ("user_code", code)];
        pairs.extend(confirm.then_some(("confirm", "yes")));
        encode::form(pairs)
    };
    let device = format!("{home}/device");
    let page = agent.post(&device, "", &form(&hidden(&page.body, "xsrf"), false)).unwrap();
    let mut answer = agent.post(&device, "", &form(&hidden(&page.body, "xsrf"), true)).unwrap();
    while let Some(location) = answer.header("location").map(str::to_owned) {
        let url = if location.starts_with('/') { format!("{home}{location}") } else { location };
        answer = agent.get(&url).unwrap();
    }
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// S18
#[tokio::test]
async fn a_code_that_is_typed_elsewhere_connects() {
    let Some(server) = OidcServer::start("{}") else { return };
    let config = discovered(&server, CLIENT, Some(SECRET)).methods([Method::Device]).build().unwrap();
    let host = Host::open(server.issuer(), config).await;
    let session = host.registry.setups().begin(&REAL).await.unwrap();
    let (_, shown) = step(&session).await;
    let SetupStep::Notice { beside } = &shown else { panic!("{shown:?}") };
    let notice = beside.iter().find(|notice| notice.user_code.is_some()).unwrap();
    let link = notice.link.clone().unwrap();
    let code = notice.user_code.clone().unwrap();
    let typed = move || allowed(link.as_str(), code.as_str());
    tokio::task::spawn_blocking(typed).await.unwrap();
    assert!(matches!(passing(&host, &server, session.terminal()).await.unwrap(), Outcome::Done(_)));
    host.close().await;
}
