//! The credential of a connection: the tool's own login, an API key or a token, and an optional admin key.

use connection_contract::prelude::*;

use crate::spec::{ADMIN_KEY, API_KEY, HOW, OWN, SETUP_TOKEN};

/// The credential of a connection to a tool.
#[derive(Debug)]
pub struct Login {
    how: LoginMethod,
    admin_key: Option<Secret>,
}

/// The three ways in which a tool can be signed in.
#[derive(Debug)]
pub(crate) enum LoginMethod {
    /// An API key of the tool's provider.
    ApiKey(Secret),
    /// The tool's own login, which the plugin does not read.
    Own {
        /// Id of the account, if setup could read it.
        account: Option<String>,
        /// `true` if setup found that the account has a subscription.
        is_subscription: bool,
    },
    /// A token that the tool printed and that it receives when it is started.
    SetupToken(Secret),
}

const ACCOUNT: &str = "account";
const MODE: &str = "mode";
/// Word for an account that is paid for by a subscription.
pub(crate) const SUBSCRIPTION: &str = "subscription";

impl Login {
    pub(crate) fn own(account: Option<String>, is_subscription: bool) -> Self {
        Self { how: LoginMethod::Own { account, is_subscription }, admin_key: None }
    }
    pub(crate) fn api_key(key: Secret) -> Self {
        Self { how: LoginMethod::ApiKey(key), admin_key: None }
    }
    pub(crate) fn setup_token(token: Secret) -> Self {
        Self { how: LoginMethod::SetupToken(token), admin_key: None }
    }

    #[must_use]
    pub(crate) fn with_admin_key(mut self, key: Option<Secret>) -> Self {
        self.admin_key = key;
        self
    }
    pub(crate) fn how(&self) -> &LoginMethod {
        &self.how
    }
    pub(crate) fn admin_key(&self) -> Option<&Secret> {
        self.admin_key.as_ref()
    }

    pub(crate) fn encode(&self) -> Secret {
        let record = match &self.how {
            LoginMethod::ApiKey(key) => Record::new().with(HOW, API_KEY).with(API_KEY, key.duplicate()),
            LoginMethod::Own { account, is_subscription } => {
                let record = Record::new().with(HOW, OWN);
                let record = account.iter().fold(record, |record, account| record.with(ACCOUNT, account.as_str()));
                if *is_subscription { record.with(MODE, SUBSCRIPTION) } else { record }
            }
            LoginMethod::SetupToken(token) => Record::new().with(HOW, SETUP_TOKEN).with(SETUP_TOKEN, token.duplicate()),
        };
        match &self.admin_key {
            Some(key) => record.with(ADMIN_KEY, key.duplicate()).encode(),
            None => record.encode(),
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CredentialError> {
        let mut record = Record::decode(bytes)?;
        let how = match record.text(HOW)? {
            API_KEY => LoginMethod::ApiKey(record.take(API_KEY)?),
            OWN => {
                let account = record.find(ACCOUNT).map(|_| record.text(ACCOUNT).map(ToOwned::to_owned)).transpose()?;
                let mode = record.find(MODE).map(|_| record.text(MODE)).transpose()?;
                LoginMethod::Own { is_subscription: mode == Some(SUBSCRIPTION), account }
            }
            SETUP_TOKEN => LoginMethod::SetupToken(record.take(SETUP_TOKEN)?),
            _ => return Err(CredentialError::Malformed),
        };
        let admin_key = record.take(ADMIN_KEY).ok();
        Ok(Self { how, admin_key })
    }
}
