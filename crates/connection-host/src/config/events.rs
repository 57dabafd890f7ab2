//! The table `[events]`: the address to which `serve` sends events, and the secret that signs them.

use std::sync::Arc;

use connection_contract::Secret;
use connection_core::{AttentionUrl, EventReceiver, EventReceiverError};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Source, secret::SecretSetting};
use crate::Error;

/// The remedy for a secret that is missing or not valid.
const NEW_SECRET: &str = "make one with `echo \"whsec_$(openssl rand -base64 32)\"`, and give it to the receiver, too";

/// The configuration keys below `events`.
#[derive(Debug, Default)]
pub(crate) struct EventSettings {
    url: Option<SecretString>,
    attention_url: Option<AttentionUrl>,
    pub(super) secret: SecretSetting,
    /// The place of the address, such as a file.
    place: String,
}

impl EventSettings {
    pub(super) fn url(&mut self, url: String, source: &Source) {
        self.url = Some(url.into());
        self.place.clone_from(&source.name);
    }

    pub(super) fn attention_url(&mut self, template: &str, source: &Source) -> Result<(), Error> {
        let template = AttentionUrl::parse(template)
            .map_err(|error| Error::configuration(format!("{}: 'events.attention_url': {error}", source.name)))?;
        self.attention_url = Some(template);
        Ok(())
    }

    /// Returns where events are sent; `None` if nothing is configured.
    pub(crate) fn receiver(&self) -> Result<Option<Arc<EventReceiver>>, Error> {
        let Some(url) = &self.url else {
            return match self.secret.place() {
                None if self.attention_url.is_some() => {
                    Err(Error::configuration("'events.attention_url' is set, and 'events.url' is not")
                        .remedy("set 'events.url' and its secret, or leave the address out"))
                }
                None => Ok(None),
                Some(_) => Err(Error::configuration("'events.secret' is set, and 'events.url' is not")
                    .remedy("set 'events.url', or leave the secret out")),
            };
        };
        let place = &self.place;
        let Some(secret) = self.secret.text("events.secret")? else {
            let problem =
                format!("{place}: 'events.url' is set, and neither 'events.secret' nor 'events.secret_file' is");
            return Err(Error::configuration(problem).remedy(NEW_SECRET));
        };
        let secret = Secret::from(secret.expose_secret());
        match EventReceiver::new(url.expose_secret(), &secret) {
            Ok(receiver) => Ok(Some(Arc::new(match &self.attention_url {
                Some(template) => receiver.with_attention_url(template.clone()),
                None => receiver,
            }))),
            Err(error @ EventReceiverError::Secret) => {
                Err(Error::configuration(format!("'events.secret': {error}")).remedy(NEW_SECRET))
            }
            Err(error) => Err(Error::configuration(format!("{place}: 'events.url': {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Global;
    use super::super::tests::load;

    #[test]
    fn events_are_sent_to_a_safe_address_with_a_strong_secret_alone() {
        let receiver = |file: &str| load(file, &[], Global::default()).unwrap().events.receiver();
        assert!(receiver("").unwrap().is_none());
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let file = format!("[events]\nurl = \"https://a.test/events\"\nsecret = \"{secret}\"");
        assert_eq!(receiver(&file).unwrap().unwrap().origin(), "https://a.test");
        for (file, expected) in [
            ("url = \"https://a.test\"", "neither 'events.secret' nor 'events.secret_file'"),
            ("secret = \"whsec_hunter2\"", "'events.url' is not"),
            ("url = \"https://a.test\"\nsecret = \"hunter2\"", "'events.secret': the secret is not whsec_"),
            ("url = \"https://a.test\"\nsecret = \"whsec_aHVudGVyMg==\"", "24 to 64 bytes"),
            (
                &format!("url = \"http://hunter2.test\"\nsecret = \"{secret}\""),
                "'events.url': the address is not encrypted",
            ),
        ] {
            let error = receiver(&format!("[events]\n{file}")).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_address_for_people_who_have_to_act_is_checked_at_the_start() {
        let attention = |template: &str| format!("[events]\nattention_url = \"{template}\"\n");
        for (template, expected) in [
            (
                "https://app.example/{account}",
                "the placeholder {account} is not known: use {connection}, {owner} and {kind}",
            ),
            ("http://app.example/{connection}", "is not encrypted"),
            ("https://{owner}.example/", "is not of the form https://app.example/accounts/{connection}"),
            ("https://app.example/{owner", "is not closed"),
        ] {
            let error = load(&attention(template), &[], Global::default()).unwrap_err().to_string();
            assert!(error.contains("'events.attention_url'") && error.contains(expected), "{error}");
        }
        let good = attention("https://app.example/{connection}?owner={owner}");
        let alone = load(&good, &[], Global::default()).unwrap().events.receiver().unwrap_err().to_string();
        assert!(alone.contains("'events.attention_url' is set, and 'events.url' is not"), "{alone}");
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let both = format!("{good}url = \"https://a.test/events\"\nsecret = \"{secret}\"");
        assert!(load(&both, &[], Global::default()).unwrap().events.receiver().unwrap().is_some());
    }
}
