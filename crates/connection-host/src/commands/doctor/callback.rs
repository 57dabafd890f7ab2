//! `doctor --callback`: checks this host's own callbacks over the network, as a browser would reach them.
//!
//! If `serve` is running, it answers. If not, this process listens in its place during the check, so that the proxy
//! and the public URL can be configured first; the result says so.

use std::{future::pending, io};

use connection_api::{Check, RedirectUri};
use connection_contract::{AuthType, Descriptor, Need};
use connection_inbound::{CallbackCheck, PublicUrl, Server, callback_routes, check_callback};

use super::{failed, of_error, passed};
use crate::{
    Error,
    commands::serve::{self, Certificate, mounted, not_listening},
    program::Program,
};

const NAME: &str = "callback";

/// Returns the result of the check, and the redirect addresses to register at the providers.
pub(super) async fn check(program: &mut Program) -> (Check, Vec<RedirectUri>) {
    if !program.has_database() {
        let remedy = "start `connections serve`, which creates it, then run this command again";
        return (
            failed(NAME, "there is no database yet, by which this host recognizes itself".to_owned(), remedy),
            Vec::new(),
        );
    }
    check_callbacks(program).await.unwrap_or_else(|error| (of_error(NAME, &error), Vec::new()))
}

async fn check_callbacks(program: &mut Program) -> Result<(Check, Vec<RedirectUri>), Error> {
    let listen = program.settings.inbound.listen()?;
    let certificate = program.settings.inbound.tls()?.as_ref().map(Certificate::read).transpose()?;
    let server = match Server::bind(listen).await {
        Ok(server) => Some(match certificate {
            Some(certificate) => server.tls(certificate.tls()),
            None => server,
        }),
        // This is probably `serve`; the check shows whether it is.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => None,
        Err(error) => return Err(not_listening(listen, &error)),
    };
    let url = program.settings.inbound.url(server.as_ref().map_or(listen, Server::address))?;
    let registry = serve::open(program, &url).await?;
    let asking = check_callback(&registry, &url);
    let in_its_place = server.is_some();
    let asking = program.output.waiting(url.as_str(), asking);
    let check = match server {
        None => asking.await,
        Some(server) => {
            let routes = mounted(&url, || callback_routes(registry.clone(), url.clone()));
            let serving = async {
                server.serve(routes, &url, pending()).await;
                pending().await
            };
            tokio::select! {
                check = asking => check,
                never = serving => never,
            }
        }
    };
    registry.close().await;
    Ok((to_check(check, &url, in_its_place), redirect_uris(program, &url)))
}

fn to_check(check: CallbackCheck, url: &PublicUrl, in_its_place: bool) -> Check {
    let arrive = format!("callbacks arrive at {url}");
    match check.problem {
        Some(problem) => failed(NAME, problem.message, &problem.remedy),
        None if in_its_place => {
            let stood_in = "`connections serve` does not run here, so this check stood in for it";
            let start = Some("start it, and keep it running".to_owned());
            let remedy = start.into_iter().chain(at_the_root(url)).collect::<Vec<_>>().join("; ");
            Check { remedy: Some(remedy), ..passed(NAME, format!("{arrive}; {stood_in}")) }
        }
        None => Check { remedy: at_the_root(url), ..passed(NAME, arrive) },
    }
}

/// Returns what a proxy must pass on besides, if the address of this host has a path: clients look for the metadata of the
/// door for models at the root (RFC 8414, section 3.1; RFC 9728, section 3.1). Nothing of that is checked here.
fn at_the_root(url: &PublicUrl) -> Option<String> {
    let path = Some(url.prefix()).filter(|path| !path.is_empty())?;
    Some(format!(
        "for clients of the door for models, let the proxy also pass on /.well-known/oauth-protected-resource{path}/mcp \
         and /.well-known/oauth-authorization-server{path}"
    ))
}

/// Returns the redirect addresses of the kinds that use a browser.
fn redirect_uris(program: &Program, url: &PublicUrl) -> Vec<RedirectUri> {
    let kinds = program.kinds.iter().map(|kind| &kind.descriptor);
    let come_back = kinds.filter(|kind| kind.auth == AuthType::OAuth || kind.needs.contains(&Need::InboundHttp));
    let uri =
        |kind: &Descriptor| RedirectUri { kind: kind.kind.to_string(), redirect_uri: url.redirect_uri(&kind.kind) };
    come_back.map(uri).collect()
}
