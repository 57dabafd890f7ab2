//! A program with its own kinds at an authorization server on this machine, for tests. The server's address is in
//! `CONNECTIONS_TEST_ISSUER`, and its applications are those of `connection_faults::oidc`.
//!
//! | Kind | Its application | How it is finished |
//! |---|---|---|
//! | `real` | asked, or configured | browser, code or pasted |
//! | `real-public` | the program's own, without a secret | browser or pasted |
//! | `real-chosen` | the program's own | asks which way |
//! | `real-own` | each connection's own | browser or pasted |

use std::process::ExitCode;

use connection_contract::{Kind, Secret};
use connection_host::Cli;
use connection_oauth2::{Account, Client, ClientAuth, Method, OAuth2, OAuth2Config, oauth2};

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "tests say where their server is")]
    let issuer = std::env::var("CONNECTIONS_TEST_ISSUER").unwrap_or_else(|_| "http://127.0.0.1:9".to_owned());
    let both = [Method::Browser, Method::Paste];
    let all = [Method::Browser, Method::Device, Method::Paste];
    let configured =
        |id: &str, secret: Option<&str>| Client::Configured { id: id.to_owned(), secret: secret.map(Secret::from) };
    let app = configured("app", Some("app-secret/+ =%"));
    Cli::new()
        .kind(kind(&issuer, "real", Client::Prompted, &all, false))
        .kind(kind(&issuer, "real-public", configured("public", None), &both, false))
        .kind(kind(&issuer, "real-chosen", app, &all, true))
        .kind(kind(&issuer, "real-own", Client::PerConnection, &both, false))
        .run()
}

fn kind(issuer: &str, name: &'static str, client: Client, methods: &[Method], asks: bool) -> OAuth2 {
    let public = matches!(&client, Client::Configured { secret: None, .. });
    let config = OAuth2Config::builder(Kind::from_static(name), "Real")
        .api(issuer)
        .discover(issuer)
        .issuer_in_callback()
        .scope("openid")
        .scope("offline_access")
        .account(Account::probe("/me", "/sub", "/sub"))
        .client(client)
        .client_auth(if public { ClientAuth::None } else { ClientAuth::Basic })
        .methods(methods.iter().copied())
        .guide("Register an application at the server, with the redirect address below.");
    let config = if asks { config.ask_method() } else { config };
    oauth2(config.build().expect("the same each time, and the tests run it"))
}
