//! `webhooks C`: shows and changes a connection's webhook address and keys, and tests whether deliveries arrive.
//!
//! The address and the keys are secrets. A person copies them to the provider, so they are printed to a terminal, or
//! with `--show-secrets`.

use connection_api::{Check, Connection, Delivery, SignedBy, Webhook, WebhookTest};

use super::{confirm, show::fact};
use crate::{
    Error, Exit,
    args::{Webhooks, WebhooksCommand},
    backend::Backend,
    output::{Elements, Output, Table, account, moment, name, quoted, time},
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, arguments: Webhooks) -> Result<Exit, Error> {
    let Webhooks { connection: reference, show_secrets, command } = arguments;
    let reveals = show_secrets || (program.output.at_terminal() && !program.output.json);
    match &command {
        Some(WebhooksCommand::Disable { yes }) => {
            confirm::possible(&program, *yes, "whether to remove the address")?;
        }
        Some(WebhooksCommand::Enable | WebhooksCommand::Test) if program.server.is_none() => {
            program.settings.public_url()?;
        }
        Some(WebhooksCommand::Key) if !reveals => {
            return Err(
                Error::usage("a key is printed only to a terminal").remedy("use --show-secrets to print it anyway")
            );
        }
        _ => {}
    }
    let backend = program.backend().await?;
    let connection = select::connection(&*backend, &reference).await?.connection;
    let of = WebhookCommand { program: &program, backend: &*backend, connection: &connection, reveals };
    let ended = of.run(command).await;
    backend.close().await;
    ended.map_err(|error| of.explained(error))
}

/// The connection that the command acts on.
struct WebhookCommand<'a> {
    program: &'a Program,
    backend: &'a dyn Backend,
    connection: &'a Connection,
    reveals: bool,
}

impl WebhookCommand<'_> {
    async fn run(&self, command: Option<WebhooksCommand>) -> Result<Exit, Error> {
        let (backend, id) = (self.backend, self.connection.id.as_str());
        match command {
            None => self.now().await,
            Some(WebhooksCommand::Enable) => {
                let webhook = self.waiting(backend.enable_webhook(id)).await?;
                self.with_key(webhook)
            }
            Some(WebhooksCommand::Rotate) => {
                let webhook = self.waiting(backend.rotate_webhook_key(id)).await?;
                self.with_key(webhook)
            }
            Some(WebhooksCommand::EndGrace) => {
                self.waiting(backend.end_webhook_grace(id)).await?;
                self.now().await
            }
            Some(WebhooksCommand::Handshake) => {
                self.waiting(backend.await_webhook_key(id)).await?;
                self.now().await
            }
            Some(WebhooksCommand::Key) => {
                let webhook = self.waiting(backend.reveal_webhook(id)).await?;
                match (self.program.output.json, &webhook.key) {
                    (true, _) => self.shown(&webhook),
                    (false, key) => {
                        self.program.output.line(key.as_deref().unwrap_or_default())?;
                        Ok(Exit::Fine)
                    }
                }
            }
            Some(WebhooksCommand::Disable { yes }) => self.disable(yes).await,
            Some(WebhooksCommand::Test) => self.test().await,
            Some(WebhooksCommand::Deliveries) => self.deliveries().await,
        }
    }

    /// Awaits an operation, with a line at the terminal if it takes more than a second.
    async fn waiting<T>(&self, work: impl Future<Output = T>) -> T {
        let place = if self.program.server.is_some() { "the server" } else { "the database" };
        self.program.output.waiting(place, work).await
    }

    /// Prints the settings as they are.
    async fn now(&self) -> Result<Exit, Error> {
        self.shown(&self.waiting(self.backend.webhook(&self.connection.id, self.reveals)).await?)
    }

    /// Prints settings with what may be shown of them: the address, and a key that was made here.
    fn with_key(&self, webhook: Webhook) -> Result<Exit, Error> {
        let is_told = self.reveals && webhook.signed_by == Some(SignedBy::Generated);
        let key = webhook.key.clone().filter(|_| is_told);
        let address = webhook.address.clone().filter(|_| self.reveals);
        self.shown(&Webhook { key, address, ..webhook })
    }

    async fn disable(&self, yes: bool) -> Result<Exit, Error> {
        let id = &self.connection.id;
        if !yes && self.backend.webhook(id, false).await?.enabled {
            let question = format!("Remove the webhook address of {}?", account(self.connection));
            if !confirm::ask(self.program, question, "Nothing was removed.").await? {
                return Ok(Exit::Fine);
            }
        }
        self.shown(&self.waiting(self.backend.disable_webhook(id)).await?)
    }

    async fn test(&self) -> Result<Exit, Error> {
        let output = &self.program.output;
        let place = self.backend.public_url().map_or("the server", |url| url.as_str());
        let found = output.waiting(place, self.backend.test_webhook(&self.connection.id)).await?;
        let check = match found.code {
            None => Check::passed("webhook", found.message),
            Some(code) => Check::failed("webhook", format!("{} ({code})", found.message), found.remedy),
        };
        let ok = check.ok;
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
        let mut after: Option<String> = None;
        let mut elements = Elements::new();
        let mut printed = false;
        loop {
            let page = self.waiting(self.backend.deliveries(&self.connection.id, after.as_deref())).await?;
            if output.json {
                page.items.iter().try_for_each(|event| elements.push(output, event))?;
            } else if !page.items.is_empty() {
                let table = table(&page.items);
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
    fn shown(&self, webhook: &Webhook) -> Result<Exit, Error> {
        let output = &self.program.output;
        if output.json {
            output.shape(webhook)?;
            return Ok(Exit::Fine);
        }
        let named = quoted(&name(self.connection));
        if !webhook.enabled {
            fact(output, "webhooks", "off")?;
            output.note(format!("`connections webhooks {named} enable` gives it an address."));
            return Ok(Exit::Fine);
        }
        fact(output, "webhooks", "on")?;
        fact(output, "address", &self.address(webhook))?;
        fact(output, "signed by", signed_by(webhook.signed_by))?;
        facts(output, webhook)?;
        fact(output, "last test", &test_summary(output, webhook.last_test.as_ref()))?;
        if let Some(key) = &webhook.key {
            fact(output, "key", key)?;
        }
        self.advise(webhook, &named);
        if webhook.last_test.as_ref().is_some_and(|test| !test.ok) {
            output.note(format!("`connections webhooks {named} test` shows whether the problem remains."));
        }
        Ok(Exit::Fine)
    }

    fn address(&self, webhook: &Webhook) -> String {
        match (&webhook.address, self.backend.public_url()) {
            (Some(address), _) => address.clone(),
            (None, Some(url)) => format!("{url}/webhooks/… (--show-secrets prints it)"),
            (None, None) if self.program.server.is_some() => "hidden (--show-secrets prints it)".to_owned(),
            (None, None) => {
                "unknown: set inbound.public_url to the https address that leads to `connections serve`".to_owned()
            }
        }
    }

    /// Prints what the person has to do next.
    fn advise(&self, webhook: &Webhook, named: &str) {
        let output = &self.program.output;
        match webhook.signed_by {
            Some(SignedBy::Generated) if webhook.key.is_some() => {
                output.note("Enter the address and the key at the provider.");
                if webhook.keys.len() > 1 {
                    output.note(format!(
                        "When the provider has the key, `connections webhooks {named} end-grace` ends the former keys."
                    ));
                }
            }
            Some(SignedBy::Handshake) if webhook.handshake_until.is_some() => {
                output.note("Enter the address at the provider now; the provider sends its key to it.");
                output.note(format!(
                    "Then `connections webhooks {named} key` shows the key, to be pasted at the provider."
                ));
            }
            Some(SignedBy::Handshake) if webhook.keys.is_empty() => {
                output.note(format!(
                    "The provider sent no key; `connections webhooks {named} handshake` waits for one again."
                ));
            }
            _ => {}
        }
    }

    /// Converts an error, with the command that solves the problem as its remedy.
    fn explained(&self, error: Error) -> Error {
        let named = quoted(&name(self.connection));
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

fn table(deliveries: &[Delivery]) -> Table {
    let mut table = Table::new(["NO", "RECEIVED", "EVENT", "BYTES", "NOTE"], 1);
    for delivery in deliveries {
        let size = delivery.bytes().map_or_else(String::new, |bytes| bytes.len().to_string());
        table.row([
            delivery.number.map_or_else(|| "?".to_owned(), |number| number.to_string()).into(),
            delivery.received_at.as_deref().unwrap_or_default().into(),
            delivery.event.as_deref().unwrap_or_default().into(),
            size.into(),
            delivery.error.as_ref().map_or("", |error| error.message.as_str()).into(),
        ]);
    }
    table
}

fn facts(output: &Output, webhook: &Webhook) -> Result<(), Error> {
    let when = |at: &String| when(output, at);
    for key in &webhook.keys {
        let until = key.until.as_ref().map(|until| format!(", until {}", when(until))).unwrap_or_default();
        fact(output, "valid key", &format!("since {}{until}", when(&key.since)))?;
    }
    if let Some(until) = &webhook.handshake_until {
        fact(output, "handshake", &format!("awaited until {}", when(until)))?;
    }
    let last = webhook.last_received_at.as_ref().map(|at| format!(", the last {}", when(at))).unwrap_or_default();
    fact(output, "received", &format!("{}{last}", webhook.received))?;
    fact(output, "waiting", &webhook.waiting.to_string())
}

/// Returns a time, and how far it is from now.
fn when(output: &Output, at: &String) -> String {
    time(Some(at)).map_or_else(String::new, |time| format!("{at} ({})", moment(time, output.now)))
}

fn test_summary(output: &Output, test: Option<&WebhookTest>) -> String {
    match test.map(|test| (when(output, &test.at), &test.code)) {
        None => "never".to_owned(),
        Some((when, None)) => format!("passed, {when}"),
        Some((when, Some(code))) => format!("failed, {when}: {code}"),
    }
}

fn signed_by(key: Option<SignedBy>) -> &'static str {
    match key {
        Some(SignedBy::Credential) => "the credential",
        Some(SignedBy::Generated) => "a key that is made here",
        Some(SignedBy::Handshake) => "a key that the provider sends",
        _ => "a key",
    }
}
