//! The name that a person gives to an account, for a kind whose provider does not say which account a secret belongs to.
//!
//! Without it, two keys of such a provider would look like one account.

use super::model::{AccountModel, AccountSource, FieldModel, FieldSource, KindModel, Mechanism, Texts};

/// Name of the field in which a person names the account.
const NAME: &str = "accountName";

/// Adds the field, and makes its answer the account, if a person enters a secret and nothing names the account.
pub(super) fn ask(model: &mut KindModel) {
    let asks_for_secret = model.fields.iter().any(|field| field.secret && field.source == FieldSource::User);
    let is_taken = model.fields.iter().any(|field| field.name.as_deref() == Some(NAME));
    if model.account.is_some() || model.mechanism == Some(Mechanism::Oauth2) || !asks_for_secret || is_taken {
        return;
    }
    let provider = model.name.clone().unwrap_or_default();
    let help = format!("{provider} does not tell whose key this is, so give the account a name, such as 'work'.");
    model.fields.push(FieldModel {
        name: Some(NAME.to_owned()),
        label: Some("Name of the account".to_owned()),
        help: Some(help),
        default: Some(provider),
        ..FieldModel::default()
    });
    let id = Texts(vec![format!("${{config.{NAME}}}")]);
    model.account = Some(AccountModel { from: AccountSource::Fields, id, ..AccountModel::default() });
}
