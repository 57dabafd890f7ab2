//! `webhooks C`: shows and changes a connection's webhook address and keys, and tests whether deliveries arrive.
//!
//! The address and the keys are secrets. A person copies them to the provider, so they are printed to a terminal, or
//! with `--show-secrets`.

use connection_contract::{Secret, SigningKey, Timestamp};
use connection_core::{Connection, WebhookInfo, WebhookTest};
use connection_inbound::{PublicUrl, check_webhook};

use super::{confirm, show::fact};
use crate::{
    Error, Exit,
    args::{Webhooks, WebhooksCommand},
    cli::Program,
    output::{Elements, Output, Table, account, json, moment, name, quoted},
    select,
};

pub(super) async fn run(mut program: Program, arguments: Webhooks) -> Result<Exit, Error> {
    let Webhooks { connection: reference, show_secrets, command } = arguments;
    let reveals = show_secrets || (program.output.at_terminal() && !program.output.json);
    match &command {
        Some(WebhooksCommand::Disable { yes }) => {
            confirm::possible(&program, *yes, "whether to remove the address")?;
        }
        Some(WebhooksCommand::Enable | WebhooksCommand::Test) => drop(public_url(&program)?),
        Some(WebhooksCommand::Key) if !reveals => {
            return Err(
                Error::usage("a key is printed only to a terminal").remedy("use --show-secrets to print it anyway")
            );
        }
        _ => {}
    }
    let registry = program.open().await?;
    let connection = select::connection(&registry, &reference).await?;
    let of = WebhookCommand { program: &program, connection: &connection, reveals };
    let ended = of.run(command).await;
    registry.close().await;
    ended.map_err(|error| of.explained(error))
}

/// Returns the configured public URL, which leads to `serve`.
fn public_url(program: &Program) -> Result<&PublicUrl, Error> {
    program.settings.inbound.public_url.as_ref().ok_or_else(|| {
        Error::configuration("inbound.public_url is not set, so no provider knows where to send").remedy(
            "set it (or CONNECTIONS_INBOUND__PUBLIC_URL) to the https address that leads to `connections serve`, such as https://host.example",
        )
    })
}

/// The connection that the command acts on.
struct WebhookCommand<'a> {
    program: &'a Program,
    connection: &'a Connection,
    reveals: bool,
}

impl WebhookCommand<'_> {
    async fn run(&self, command: Option<WebhooksCommand>) -> Result<Exit, Error> {
        let connection = self.connection;
        match command {
            None => self.shown(self.waiting(connection.webhooks().info()).await?, None),
            Some(WebhooksCommand::Enable) => {
                let mut info = self.waiting(connection.webhooks().enable()).await?;
                if info.signing_key == SigningKey::Handshake && info.keys.is_empty() {
                    // The provider sends its key as soon as the address is entered there.
                    info = self.waiting(connection.webhooks().await_handshake()).await?;
                }
                self.with_key(info).await
            }
            Some(WebhooksCommand::Rotate) => {
                let info = self.waiting(connection.webhooks().rotate_key()).await?;
                self.with_key(info).await
            }
            Some(WebhooksCommand::EndGrace) => {
                self.shown(Some(self.waiting(connection.webhooks().end_grace()).await?), None)
            }
            Some(WebhooksCommand::Handshake) => {
                self.shown(Some(self.waiting(connection.webhooks().await_handshake()).await?), None)
            }
            Some(WebhooksCommand::Key) => self.key().await,
            Some(WebhooksCommand::Disable { yes }) => self.disable(yes).await,
            Some(WebhooksCommand::Test) => self.test().await,
            Some(WebhooksCommand::Deliveries) => self.deliveries().await,
        }
    }

    /// Awaits an operation of the database, with a line at the terminal if it takes more than a second.
    async fn waiting<T>(&self, work: impl Future<Output = T>) -> T {
        self.program.output.waiting("the database", work).await
    }

    /// As [`shown`](Self::shown), with the key if it was generated here and may be shown.
    async fn with_key(&self, info: WebhookInfo) -> Result<Exit, Error> {
        let is_told = self.reveals && info.signing_key == SigningKey::Generated;
        let key = if is_told { Some(self.waiting(self.connection.webhooks().key()).await?) } else { None };
        self.shown(Some(info), key)
    }

    async fn key(&self) -> Result<Exit, Error> {
        let key = self.waiting(self.connection.webhooks().key()).await?;
        match self.program.output.json {
            true => self.shown(self.connection.webhooks().info().await?, Some(key)),
            false => {
                self.program.output.line(text(&key))?;
                Ok(Exit::Fine)
            }
        }
    }

    async fn disable(&self, yes: bool) -> Result<Exit, Error> {
        if !yes && self.connection.webhooks().info().await?.is_some() {
            let question = format!("Remove the webhook address of {}?", account(self.connection.info()));
            if !confirm::ask(self.program, question, "Nothing was removed.").await? {
                return Ok(Exit::Fine);
            }
        }
        self.waiting(self.connection.webhooks().disable()).await?;
        self.shown(None, None)
    }

    async fn test(&self) -> Result<Exit, Error> {
        let url = public_url(self.program)?;
        let check = self.program.output.waiting(url.as_str(), check_webhook(self.connection, url)).await?;
        let check = match check.problem {
            None => json::CheckBody::passed("webhook", format!("a signed delivery to {url} arrives and is authentic")),
            Some(problem) => {
                let message = format!("{} ({})", problem.message, problem.code);
                json::CheckBody::failed("webhook", message, Some(problem.remedy))
            }
        };
        let ok = check.ok;
        let output = &self.program.output;
        if output.json {
            output.shape(&check)?;
        } else {
            output.line(format!("{:<7} {}", if ok { "ok" } else { "failed" }, check.message))?;
            if let Some(remedy) = &check.remedy {
                output.line(format!("{:<7} {remedy}", ""))?;
            }
        }
        Ok(if ok { Exit::Fine } else { Exit::Unexpected })
    }

    async fn deliveries(&self) -> Result<Exit, Error> {
        let output = &self.program.output;
        let mut after = None;
        let mut elements = Elements::new();
        let mut printed = false;
        loop {
            let page = self.waiting(self.connection.webhooks().inbox(after)).await?;
            if output.json {
                page.events.iter().try_for_each(|event| elements.push(output, &json::DeliveryBody::from(event)))?;
            } else if !page.events.is_empty() {
                let mut table = Table::new(["NO", "RECEIVED", "EVENT", "BYTES", "NOTE"], 1);
                for event in &page.events {
                    table.row(match event {
                        Ok(event) => [
                            event.number().to_string().into(),
                            event.received_at().to_rfc3339().into(),
                            event.name().as_str().into(),
                            event.body().expose().len().to_string().into(),
                            "".into(),
                        ],
                        Err(error) => ["?".into(), "".into(), "".into(), "".into(), error.to_string().into()],
                    });
                }
                output.table(&if printed { table.without_heading() } else { table })?;
                printed = true;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        match (output.json, printed) {
            (true, _) => elements.end(output)?,
            (false, false) => output.line("No events are waiting.")?,
            (false, true) => {}
        }
        Ok(Exit::Fine)
    }

    /// Prints the state of the webhook.
    fn shown(&self, info: Option<WebhookInfo>, key: Option<Secret>) -> Result<Exit, Error> {
        let output = &self.program.output;
        let url = self.program.settings.inbound.public_url.as_ref();
        let address = info.as_ref().zip(url).map(|(info, url)| url.webhook(&info.path_token));
        let tested = info.as_ref().and_then(|info| last_test(info, url));
        if output.json {
            let address = address.filter(|_| self.reveals);
            let key = key.as_ref().map(text);
            output.shape(&json::WebhookBody::of(self.connection.info(), info.as_ref(), address, key, tested))?;
            return Ok(Exit::Fine);
        }
        let named = quoted(&name(self.connection.info()));
        let Some(info) = &info else {
            fact(output, "webhooks", "off")?;
            output.note(format!("`connections webhooks {named} enable` gives it an address."));
            return Ok(Exit::Fine);
        };
        fact(output, "webhooks", "on")?;
        fact(output, "address", &self.address(address, url))?;
        fact(output, "signed by", signed_by(info.signing_key))?;
        facts(output, info)?;
        fact(output, "last test", &test_summary(output, tested))?;
        if let Some(key) = &key {
            fact(output, "key", text(key))?;
        }
        self.advise(info, key.is_some(), &named);
        if tested.is_some_and(|test| test.failure.is_some()) {
            output.note(format!("`connections webhooks {named} test` shows whether the problem remains."));
        }
        Ok(Exit::Fine)
    }

    fn address(&self, address: Option<String>, url: Option<&PublicUrl>) -> String {
        match (address, url) {
            (Some(address), _) if self.reveals => address,
            (_, Some(url)) => format!("{url}/webhooks/… (--show-secrets prints it)"),
            (_, None) => {
                "unknown: set inbound.public_url to the https address that leads to `connections serve`".to_owned()
            }
        }
    }

    /// Prints what the person has to do next.
    fn advise(&self, info: &WebhookInfo, has_key: bool, named: &str) {
        let output = &self.program.output;
        match info.signing_key {
            SigningKey::Generated if has_key => {
                output.note("Enter the address and the key at the provider.");
                if info.keys.len() > 1 {
                    output.note(format!(
                        "When the provider has the key, `connections webhooks {named} end-grace` ends the former keys."
                    ));
                }
            }
            SigningKey::Handshake if info.handshake_until.is_some() => {
                output.note("Enter the address at the provider now; the provider sends its key to it.");
                output.note(format!(
                    "Then `connections webhooks {named} key` shows the key, to be pasted at the provider."
                ));
            }
            SigningKey::Handshake if info.keys.is_empty() => {
                output.note(format!(
                    "The provider sent no key; `connections webhooks {named} handshake` waits for one again."
                ));
            }
            _ => {}
        }
    }

    /// Converts an error, with the command that solves the problem as its remedy.
    fn explained(&self, error: Error) -> Error {
        let named = quoted(&name(self.connection.info()));
        match error.code.as_str() {
            "webhook_disabled" => error.remedy(format!("`connections webhooks {named} enable` gives it an address")),
            "not_supported" => error.remedy("`connections kinds` shows what each kind can"),
            "webhook_key_missing" if error.remedy.is_none() => {
                error.remedy(format!("`connections webhooks {named}` shows its keys"))
            }
            _ => error,
        }
    }
}

fn facts(output: &Output, info: &WebhookInfo) -> Result<(), Error> {
    let when = |at: Timestamp| when(output, at);
    for key in &info.keys {
        let until = key.until.map(|until| format!(", until {}", when(until))).unwrap_or_default();
        fact(output, "valid key", &format!("since {}{until}", when(key.since)))?;
    }
    if let Some(until) = info.handshake_until {
        fact(output, "handshake", &format!("awaited until {}", when(until)))?;
    }
    let last = info.last_received_at.map(|at| format!(", the last {}", when(at))).unwrap_or_default();
    fact(output, "received", &format!("{}{last}", info.received))?;
    fact(output, "waiting", &info.waiting.to_string())
}

/// Returns a time, and how far it is from now.
fn when(output: &Output, at: Timestamp) -> String {
    format!("{} ({})", at.to_rfc3339(), moment(at, output.now))
}

/// Returns the last test of the current address. A test at another public URL says nothing about it.
fn last_test<'i>(info: &'i WebhookInfo, url: Option<&PublicUrl>) -> Option<&'i WebhookTest> {
    info.last_test.as_ref().filter(|test| url.is_none_or(|url| test.address == url.webhook("")))
}

fn test_summary(output: &Output, test: Option<&WebhookTest>) -> String {
    match test.map(|test| (when(output, test.at), &test.failure)) {
        None => "never".to_owned(),
        Some((when, None)) => format!("passed, {when}"),
        Some((when, Some(code))) => format!("failed, {when}: {code}"),
    }
}

fn signed_by(key: SigningKey) -> &'static str {
    match key {
        SigningKey::Credential => "the credential",
        SigningKey::Generated => "a key that is made here",
        SigningKey::Handshake => "a key that the provider sends",
        _ => "a key",
    }
}

/// Returns a key as text. The keys of every provider are text.
fn text(key: &Secret) -> &str {
    key.expose_str().unwrap_or_default()
}
