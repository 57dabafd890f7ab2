//! The JSON document of a declaration that was made in code.

use connection_contract::{
    AuthType, DisplayText, ExtensionDeclaration, Preference, PreferenceInput, Requirement, RequirementOAuth,
    RequirementRedirect, Text, Value,
};

use crate::object::ENGLISH;

pub(super) fn document(extension: &ExtensionDeclaration) -> Value {
    let ExtensionDeclaration { name, platforms, preferences: own, commands, requirement, .. } = extension;
    let mut members = vec![("name", Value::from(name.as_ref()))];
    if !platforms.is_empty() {
        members.push(("platforms", list(platforms, |platform| platform.name().into())));
    }
    members.extend(preferences(own));
    if !commands.is_empty() {
        let command = |command: &connection_contract::Command| {
            let name = ("name", Value::from(command.name.as_ref()));
            Value::object(std::iter::once(name).chain(preferences(&command.preferences)))
        };
        members.push(("commands", list(commands, command)));
    }
    members.push(("connection", connection(requirement)));
    Value::object(members)
}

fn preferences(preferences: &[Preference]) -> Option<(&'static str, Value)> {
    (!preferences.is_empty()).then(|| ("preferences", list(preferences, preference)))
}

fn preference(preference: &Preference) -> Value {
    let Preference { name, title, description, input, required, default, .. } = preference;
    let mut members = vec![("name", Value::from(name.as_ref()))];
    members.extend(title.as_ref().map(|title| ("title", Value::from(title.as_str()))));
    members.extend(description.as_ref().map(|text| ("description", Value::from(text.as_str()))));
    let form = match input {
        PreferenceInput::Checkbox => "checkbox",
        PreferenceInput::Dropdown(_) => "dropdown",
        PreferenceInput::Other(form) => form,
        _ => "textfield",
    };
    members.push(("type", form.into()));
    if let PreferenceInput::Dropdown(choices) = input {
        let choice = |(value, title): &(Text, DisplayText)| {
            Value::object([("title", title.as_str().into()), ("value", value.as_ref().into())])
        };
        members.push(("data", list(choices, choice)));
    }
    if *required {
        members.push(("required", true.into()));
    }
    members.extend(default.clone().map(|default| ("default", default)));
    Value::object(members)
}

fn connection(requirement: &Requirement) -> Value {
    let Requirement { id, provider, title, titles, auth, public_preference_names, connect_guide, api, .. } =
        requirement;
    let form = match auth.auth {
        AuthType::ApiKey => "apiKey",
        AuthType::OAuth => "oauth",
        AuthType::PersonalAccessToken => "personalAccessToken",
        AuthType::Basic => "basic",
        AuthType::None => "none",
        _ => "custom",
    };
    let mut ways = vec![("type", Value::from(form))];
    if !auth.secret_names.is_empty() {
        ways.push(("secretNames", list(&auth.secret_names, |name| name.as_str().into())));
    }
    if !auth.setup_fields.is_empty() {
        ways.push(("setupFields", list(&auth.setup_fields, |name| name.as_str().into())));
    }
    ways.extend(auth.oauth.iter().flat_map(oauth));
    let mut members = vec![
        ("id", Value::from(id.as_ref())),
        ("provider", provider.as_str().into()),
        ("title", display_text(title, titles)),
        ("auth", Value::object(ways)),
    ];
    if !public_preference_names.is_empty() {
        members.push(("publicPreferenceNames", list(public_preference_names, |name| name.as_ref().into())));
    }
    members.extend(connect_guide.as_ref().map(|guide| ("connectGuide", Value::from(guide.as_str()))));
    if let Some(Value::Map(requests)) = api {
        members.extend(requests.iter().map(|(name, value)| (name.as_str(), value.clone())));
    }
    Value::object(members)
}

/// Returns a title as plain text, or as an object with a text per language, which always has `en_US` and `zh_Hans`.
fn display_text(title: &DisplayText, titles: &[(Text, DisplayText)]) -> Value {
    if titles.is_empty() {
        return title.as_str().into();
    }
    let mut words = vec![(ENGLISH, Value::from(title.as_str()))];
    words.extend(titles.iter().map(|(language, title)| (language.as_ref(), Value::from(title.as_str()))));
    if !titles.iter().any(|(language, _)| language == "zh_Hans") {
        words.push(("zh_Hans", "".into()));
    }
    Value::object(words)
}

fn oauth(oauth: &RequirementOAuth) -> Vec<(&'static str, Value)> {
    let RequirementOAuth { authorization_url, token_url, registration_url, client_id, scopes, redirect, .. } = oauth;
    let mut members =
        vec![("authorizationUrl", Value::from(authorization_url.as_ref())), ("tokenUrl", token_url.as_ref().into())];
    members.extend(registration_url.as_ref().map(|url| ("registrationUrl", Value::from(url.as_ref()))));
    members.extend([
        ("clientId", client_id.as_ref().into()),
        ("scopes", list(scopes, |scope| scope.as_ref().into())),
        ("redirect", way_back(redirect)),
    ]);
    members
}

fn way_back(redirect: &RequirementRedirect) -> Value {
    let way = |form: &str, members: &[(&str, &Text)]| {
        let members = members.iter().map(|(name, text)| (*name, Value::from(text.as_ref())));
        Value::object(std::iter::once(("type", form.into())).chain(members))
    };
    match redirect {
        RequirementRedirect::AppScheme { scheme, callback_path } => {
            way("app-scheme", &[("scheme", scheme), ("callbackPath", callback_path)])
        }
        RequirementRedirect::AppUri { uri_scheme, callback_path } => {
            way("app-uri", &[("uriScheme", uri_scheme), ("callbackPath", callback_path)])
        }
        RequirementRedirect::Other(form) => way(form, &[]),
        RequirementRedirect::Web { redirect_url } => way("web", &[("redirectUrl", redirect_url)]),
        // A redirect of a later version of the contract is written as a loopback redirect.
        _ => way("loopback", &[]),
    }
}

fn list<T>(items: &[T], item: impl Fn(&T) -> Value) -> Value {
    Value::List(items.iter().map(item).collect())
}
