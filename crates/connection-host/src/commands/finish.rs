//! The ways to finish a setup at a provider: in a browser, with a device code, or by pasting the address that a browser
//! ended on.

use connection_contract::{Descriptor, Field, Input, Reason, Redirect, Secret, SetupMethod};
use connection_server::convert::{is_called_back, way};

use super::setup_port::SetupPort;
use crate::{
    Error, Exit,
    args::FinishArguments,
    common::Common,
    config::Settings,
    inbound::{self, GivenAddress},
    input::Inputs,
};

/// The chosen method, and the abilities of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct FinishMethod {
    /// `--device` or `--paste`; `None` for whichever way succeeds first.
    way: Option<SetupMethod>,
    /// `true` if a browser is opened on this machine.
    opens: bool,
    /// `true` with `--yes`: any account is accepted as the right one.
    agrees: bool,
}

impl FinishMethod {
    pub(super) fn new(arguments: &FinishArguments, common: &Common) -> Self {
        let way = match (arguments.device, arguments.paste) {
            (true, _) => Some(SetupMethod::Device),
            (_, true) => Some(SetupMethod::Paste),
            _ => None,
        };
        let here = common.person && !common.output.json && common.environment.has_desktop();
        Self { way, opens: way.is_none() && here && !arguments.no_browser, agrees: arguments.yes }
    }

    /// Refuses a way that the kind or this machine does not support, before anything is created.
    pub(super) fn check(self, descriptor: &Descriptor, settings: &Settings) -> Result<(), Error> {
        self.check_way(descriptor)?;
        match self.way {
            None if is_called_back(descriptor) => inbound::check(settings),
            _ => Ok(()),
        }
    }

    /// Refuses a way that the kind does not support.
    pub(super) fn check_way(self, descriptor: &Descriptor) -> Result<(), Error> {
        match self.way {
            Some(way) if !descriptor.ways.contains(&way) => Err(not_offered(way, descriptor)),
            _ => Ok(()),
        }
    }

    /// Accepts any account if no person can be asked, for a server, which always asks.
    pub(super) fn agreeing_without_person(self, inputs: &Inputs) -> Self {
        Self { agrees: self.agrees || !inputs.person(), ..self }
    }

    /// Answers the question of a kind that asks for the way.
    pub(super) fn choose(self, inputs: &mut Inputs, descriptor: &Descriptor) {
        let Some(word) = self.way.map(|method| way(method).as_str()) else { return };
        let asks = |field: &&Field| matches!(&field.input, Input::Choice(choices) if choices.iter().any(|(value, _)| value == word));
        if let Some(field) = descriptor.fields.iter().filter(|field| field.name == "method").find(asks) {
            inputs.give(&field.name, Secret::from(word));
        }
    }

    /// Returns `true` if the user chose a way, which shows that the user wants to connect.
    pub(super) fn is_chosen(self) -> bool {
        self.way.is_some()
    }

    /// Returns `true` unless the user pastes the address that the browser ended on.
    ///
    /// In that case the browser may be unable to reach our address, and the command opens none.
    pub(super) fn leads(self) -> bool {
        !self.is_paste()
    }

    /// Returns `true` if the user is asked to confirm the account.
    pub(super) fn confirms(self, inputs: &Inputs) -> bool {
        inputs.person() && !self.agrees
    }

    /// Returns `true` if the user accepts any account.
    pub(super) fn agrees(self) -> bool {
        self.agrees
    }

    pub(super) fn is_paste(self) -> bool {
        self.way == Some(SetupMethod::Paste)
    }

    pub(super) fn is_device(self) -> bool {
        self.way == Some(SetupMethod::Device)
    }

    /// Returns `true` if the command asks for the fields that may end the wait while the browser is open: if the user
    /// chose this way or gave the fields, or if no browser can return.
    pub(super) fn asks(self, inputs: &Inputs, fields: &[Field], ways: &[SetupMethod], given: &GivenAddress) -> bool {
        let comes_back = ways.is_empty() || ways.contains(&SetupMethod::Browser);
        match self.way {
            Some(way) => way == SetupMethod::Paste,
            None if inputs.has(fields) || !comes_back => true,
            None => match given {
                GivenAddress::Address(_) | GivenAddress::Server => false,
                // The listener may be an unrelated program, so a person can use either way.
                GivenAddress::Elsewhere(_) => inputs.person(),
                GivenAddress::Nothing | GivenAddress::Unreachable => true,
            },
        }
    }

    /// Returns the address to open: our address that leads to the provider if the browser returns to it, and the
    /// provider's own if the user pastes.
    pub(super) async fn address(self, setup: &dyn SetupPort, redirect: &Redirect, asks: bool) -> Result<String, Error> {
        let comes_back = match setup.given() {
            GivenAddress::Address(_) => !asks,
            GivenAddress::Elsewhere(_) => self.leads(),
            GivenAddress::Server => true,
            GivenAddress::Nothing | GivenAddress::Unreachable => false,
        };
        let led = match (comes_back, self.opens) {
            (false, _) => None,
            (true, true) => setup.local_start_address().await?,
            (true, false) => setup.start_address().await?,
        };
        Ok(led.unwrap_or_else(|| redirect.link.as_str().to_owned()))
    }

    /// Shows the address, and opens it on a desktop.
    pub(super) async fn lead(self, common: &Common, address: &str, given: &GivenAddress, asks: bool) {
        let output = &common.output;
        match given {
            GivenAddress::Address(address) => output.note(format!("Redirect address: {address}")),
            GivenAddress::Elsewhere(address) => {
                output.note(format!("Redirect address: {address}"));
                output.note(
                    "Another program listens there. If that is the command that began this setup, this command sees \
                     the result, too; if not, use --paste.",
                );
            }
            GivenAddress::Unreachable => {
                output.note(
                    "No browser can come back to the address of this setup: paste the address it ends on, or \
                           begin a new setup.",
                );
            }
            GivenAddress::Nothing | GivenAddress::Server => {}
        }
        output.note(format!("Open {address}"));
        if self.opens
            && let Err(error) = common.environment.browser().open(address).await
        {
            output.note(format!("No browser was opened: {error}; {}", error.remedy()));
        }
        if !asks {
            let place = if matches!(given, GivenAddress::Server) { "the server" } else { "this machine" };
            output.note(format!(
                "Waiting for the browser to come back. If it cannot reach {place}, use --paste instead."
            ));
        }
    }
}

/// Returns the error for a setup that shows no device code although the user chose that way. `why` is the reason that the
/// setup states, and `was_shown` is `true` if there was a code before.
pub(super) fn no_code(kind: &str, why: Option<&Reason>, was_shown: bool) -> Error {
    const OTHER_WAYS: &str = "leave --device out, or use --paste";
    match why {
        Some(why) => {
            let own = why.remedy.as_ref().map(|remedy| format!("{remedy}; or ")).unwrap_or_default();
            Error::new(Exit::SetupFailed, why.code.clone(), why.message.to_string())
                .remedy(format!("{own}{OTHER_WAYS}"))
                .provider_text(why.provider_text.clone())
        }
        None if was_shown => {
            Error::new(Exit::SetupFailed, "setup_expired", "nobody typed the code in time").remedy("begin again")
        }
        None => Error::new(Exit::Usage, "way_not_offered", format!("the setup of '{kind}' shows no device code"))
            .remedy(OTHER_WAYS),
    }
}

fn not_offered(way: SetupMethod, descriptor: &Descriptor) -> Error {
    let kind = &descriptor.kind;
    let (flag, what) = match way {
        SetupMethod::Device => ("--device", "does not support device codes"),
        _ => ("--paste", "does not support a pasted address"),
    };
    let remedy = if descriptor.ways.contains(&SetupMethod::Paste) {
        format!(
            "use --paste: open the address in any browser, and paste the address it ends on; `connections kinds show \
             {kind}` says more"
        )
    } else if descriptor.ways.contains(&SetupMethod::Device) {
        "use --device: you enter a code at the provider, on any machine".to_owned()
    } else {
        format!("leave {flag} out; `connections kinds show {kind}` says what it asks for")
    };
    Error::new(Exit::Usage, "way_not_offered", format!("'{kind}' {what}")).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_not_shown_is_told_with_the_reason_of_the_setup() {
        let said = "id.acme.example answered 503 Service Unavailable";
        let told = no_code("acme", Some(&Reason::new("provider_error", said)), false);
        assert_eq!((told.exit, &*told.code, &*told.message), (Exit::SetupFailed, "provider_error", said));
        assert_eq!(told.remedy.as_deref(), Some("leave --device out, or use --paste"));
        let refused = Reason::new("acme_code_refused", "refused").remedy("begin again");
        let told = no_code("acme", Some(&refused), true);
        assert_eq!(told.code, "acme_code_refused", "nothing says that nobody typed the code");
        assert_eq!(told.remedy.as_deref(), Some("begin again; or leave --device out, or use --paste"));
        assert_eq!(no_code("acme", None, true).code, "setup_expired");
    }
}
