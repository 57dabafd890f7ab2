//! The arguments of `serve`.

use clap::Args;

/// The help of `serve`: everything that an operator needs to know before running it.
pub(super) const SERVE: &str = "\
Run the server: the page, the API, callbacks, webhooks, token refresh and
pending setups

Nobody uses the page or the API without a token; --open gives one to your
browser, even if the server is already running. The server runs until SIGTERM,
SIGHUP or control-C, finishes what is under way, and exits with 0.

Ports
  inbound.listen       Address to listen on [default: 127.0.0.1:8745]
  inbound.public_url   Address at which browsers and providers reach it
                       [default: the address that it listens on]
  inbound.tls_certificate, inbound.tls_key
                       PEM files with which the server speaks TLS itself; new
                       ones are used within 10 s [default: HTTP, for a proxy]
  inbound.unencrypted_url
                       Address in your own network without encryption, for
                       devices that speak no TLS [default: none]
  /                    The page
  /api/v1              The API for programs; /api/v1/openapi.json describes it
  /healthz             Answers 200 while the database can be read, else 503
  /readyz              The same for load balancers, and 503 from the moment that
                       the server is asked to stop
  /livez               Answers 503 only if a restart of the server is needed
  /metrics             Metrics for Prometheus, with a token for every owner

Database and key
  database_url         A file or postgres://… [default: store/connections.db
                       in the data directory]
  key.file             The key that opens the database [default: root.key in
                       the configuration directory; `connections key` says
                       where]

Directories
  data_dir             [default: the data directory of the user]
  state_dir            Answers of providers that the database cannot take yet;
                       local to the machine, and made if it is missing
                       [default: beside a database in a file, and `state` in
                       the data directory for one on a server]

Log
  log                  `error`, `warn`, `info`, `debug` or `trace` on standard
                       error [default: start, stop, warnings, and every loss
                       and recovery of the database or a provider]

Each of these is a key of the configuration file, and a variable: inbound.listen
is CONNECTIONS_INBOUND__LISTEN.";

#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Open the page in your browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Print an address of the page with a code, for a program that opens it
    ///
    /// The code is good once, and for 60 seconds. A person who opens the address may use and change the connections.
    #[arg(long)]
    pub(crate) print_page: bool,
}
