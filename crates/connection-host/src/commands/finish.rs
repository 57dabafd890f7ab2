//! How a setup that leads to a provider is finished: in a browser, with a device's code, or by pasting where a browser
//! ended.

use connection_contract::{Descriptor, Field, Input, Redirect, Secret, Way};
use connection_core::SetupSession;

use super::kinds;
use crate::{
    Error, Exit,
    args::FinishArguments,
    cli::Program,
    config::Settings,
    inbound::{self, Endpoint, Given},
    input::Inputs,
    output::json::way_word,
};

/// What was chosen, and what can be done here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish {
    /// `--device` or `--paste`; without, whatever comes first.
    way: Option<Way>,
    /// Whether a browser is opened on this machine.
    opens: bool,
    /// `--yes`: whichever account comes of it is the right one.
    agrees: bool,
}

impl Finish {
    pub(super) fn new(arguments: &FinishArguments, program: &Program) -> Self {
        let way = match (arguments.device, arguments.paste) {
            (true, _) => Some(Way::Device),
            (_, true) => Some(Way::Paste),
            _ => None,
        };
        let here = program.person && !program.output.json && program.environment.has_desktop();
        Self { way, opens: way.is_none() && here && !arguments.no_browser, agrees: arguments.yes }
    }

    /// Refuses a way that the kind or this machine does not have, before anything is made.
    pub(super) fn check(self, descriptor: &Descriptor, settings: &Settings) -> Result<(), Error> {
        match self.way {
            Some(way) if !descriptor.ways.contains(&way) => Err(not_offered(way, descriptor)),
            None if kinds::is_called_back(descriptor) => inbound::check(settings),
            _ => Ok(()),
        }
    }

    /// Answers a kind that asks which way.
    pub(super) fn choose(self, inputs: &mut Inputs, descriptor: &Descriptor) {
        let Some(word) = self.way.map(way_word) else { return };
        let asks = |field: &&Field| matches!(&field.input, Input::Choice(choices) if choices.iter().any(|(value, _)| value == word));
        if let Some(field) = descriptor.fields.iter().filter(|field| field.name == "method").find(asks) {
            inputs.give(&field.name, Secret::from(word));
        }
    }

    /// Whether somebody said which way, and so that it is to be gone.
    pub(super) fn is_chosen(self) -> bool {
        self.way.is_some()
    }

    /// Returns `true` unless somebody pastes where a browser ended: then the browser may be one that cannot reach an
    /// address of ours, and the command opens none.
    pub(super) fn leads(self) -> bool {
        !self.is_paste()
    }

    /// Returns `true` when somebody is asked whether the account is the right one.
    pub(super) fn confirms(self, inputs: &Inputs) -> bool {
        inputs.person() && !self.agrees
    }

    /// Returns `true` when somebody said that whichever account comes of it is the right one.
    pub(super) fn agrees(self) -> bool {
        self.agrees
    }

    pub(super) fn is_paste(self) -> bool {
        self.way == Some(Way::Paste)
    }

    pub(super) fn is_device(self) -> bool {
        self.way == Some(Way::Device)
    }

    /// Whether what may end the wait beside the browser is asked for: somebody chose that, or brought it, or no browser
    /// comes back.
    pub(super) fn asks(self, inputs: &Inputs, fields: &[Field], ways: &[Way], endpoint: &Endpoint) -> bool {
        let comes_back = ways.is_empty() || ways.contains(&Way::Browser);
        match self.way {
            Some(way) => way == Way::Paste,
            None if inputs.has(fields) || !comes_back => true,
            None => match endpoint.given() {
                Given::Address(_) => false,
                // Who listens there may be anybody: a person can do both.
                Given::Elsewhere(_) => inputs.person(),
                Given::Nothing | Given::Unreachable => true,
            },
        }
    }

    /// Returns the address that a person opens: one of ours that leads to the provider where the browser comes back to it,
    /// and the provider's own where somebody pastes.
    pub(super) async fn address(
        self,
        session: &SetupSession,
        redirect: &Redirect,
        endpoint: &Endpoint,
        asks: bool,
    ) -> Result<String, Error> {
        let comes_back = match endpoint.given() {
            Given::Address(_) => !asks,
            Given::Elsewhere(_) => self.leads(),
            Given::Nothing | Given::Unreachable => false,
        };
        let led = if comes_back { session.lead_address().await? } else { None };
        Ok(led.unwrap_or_else(|| redirect.link.as_str().to_owned()))
    }

    /// Shows where to go, and goes there on a desktop.
    pub(super) async fn lead(self, program: &Program, address: &str, endpoint: &Endpoint, asks: bool) {
        let output = &program.output;
        match endpoint.given() {
            Given::Address(address) => output.note(format!("Redirect address: {address}")),
            Given::Elsewhere(address) => {
                output.note(format!("Redirect address: {address}"));
                output.note(
                    "Another program listens there. If that is the command that began this setup, its end is seen here, \
                     too; if not, use --paste.",
                );
            }
            Given::Unreachable => {
                output
                    .note("No browser can come back to the address of this setup: paste where it ends, or begin anew.");
            }
            Given::Nothing => {}
        }
        output.note(format!("Open {address}"));
        if self.opens
            && let Err(error) = program.environment.browser().open(address).await
        {
            output.note(format!("No browser was opened: {error}; {}", error.remedy()));
        }
        if !asks {
            output.note("Waiting for the browser to come back. If it cannot reach this machine, use --paste instead.");
        }
    }
}

/// There is no code though the kind may have one: the provider gives none.
pub(super) fn no_code(kind: &str) -> Error {
    Error::new(Exit::Usage, "way_not_offered", format!("the provider of '{kind}' gives no device codes"))
        .remedy("leave --device out, or use --paste")
}

/// There was a code, and its time is over.
pub(super) fn code_over() -> Error {
    Error::new(Exit::SetupFailed, "setup_expired", "nobody typed the code in time").remedy("begin again")
}

fn not_offered(way: Way, descriptor: &Descriptor) -> Error {
    let kind = &descriptor.kind;
    let (flag, what) = match way {
        Way::Device => ("--device", "has no device codes"),
        _ => ("--paste", "has no address to paste"),
    };
    let remedy = if descriptor.ways.contains(&Way::Paste) {
        format!(
            "use --paste: open the address in any browser, and paste where it ends; `connections kinds show {kind}` says more"
        )
    } else if descriptor.ways.contains(&Way::Device) {
        "use --device: a code is typed at the provider, on any machine".to_owned()
    } else {
        format!("leave {flag} out; `connections kinds show {kind}` says what it asks for")
    };
    Error::new(Exit::Usage, "way_not_offered", format!("'{kind}' {what}")).remedy(remedy)
}
