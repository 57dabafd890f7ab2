//! The preferences of an extension or a command.

use connection_contract::{DisplayText, Preference, PreferenceInput, Text};

use crate::{
    error::Fault,
    object::{Beside, Member, Object},
};

pub(super) fn preferences(owner: &mut Object<'_>, beside: &mut Beside) -> Result<Vec<Preference>, Fault> {
    let Some(preferences) = owner.take("preferences") else { return Ok(Vec::new()) };
    preferences
        .items("preferences are a list; write [] for none")?
        .into_iter()
        .map(|member| preference(member, beside))
        .collect()
}

fn preference(member: Member<'_>, beside: &mut Beside) -> Result<Preference, Fault> {
    const NAMED: &str = "a preference has a name; write one, as text";
    let mut object = member.object("a preference is an object; write its name and its type into one")?;
    let name = object.need("name", NAMED)?.text(NAMED)?.to_owned();
    let input = input(&mut object, beside)?;
    let mut preference = Preference::new(name, input);
    // Some manifests call the title of a field its label.
    preference.title = object.either("title", "label").map(|title| title.one_language(beside)).transpose()?;
    preference.description = object.take("description").map(|text| text.one_language(beside)).transpose()?;
    if let Some(required) = object.take("required") {
        preference.required = required.truth("required is true or false; write one of the two, without quotes")?;
    }
    if let Some(default) = object.take("default") {
        preference.default = Some(default.value.clone());
        note_default(&preference, &default.at, beside);
    }
    object.rest(beside);
    Ok(preference)
}

fn input(object: &mut Object<'_>, beside: &mut Beside) -> Result<PreferenceInput, Fault> {
    let Some(form) = object.take("type") else { return Ok(PreferenceInput::Text) };
    match form.text("a type is textfield, checkbox or dropdown; write one of these")? {
        "text" | "textfield" => Ok(PreferenceInput::Text),
        "checkbox" => Ok(PreferenceInput::Checkbox),
        "dropdown" => choices(object, beside).map(PreferenceInput::Dropdown),
        // The contract checks that no preference is a password.
        other => {
            beside.note(form.at.as_str(), "this form of input is not known here; it is asked as text");
            Ok(PreferenceInput::Other(other.to_owned().into()))
        }
    }
}

fn choices(object: &mut Object<'_>, beside: &mut Beside) -> Result<Vec<(Text, DisplayText)>, Fault> {
    let Some(data) = object.take("data") else {
        beside.note(object.at.as_str(), "this dropdown has no data, so there is nothing to choose");
        return Ok(Vec::new());
    };
    data.items("data is a list of choices; write [] for none")?
        .into_iter()
        .map(|member| choice(member, beside))
        .collect()
}

fn choice(member: Member<'_>, beside: &mut Beside) -> Result<(Text, DisplayText), Fault> {
    const VALUE: &str = "a choice has a value; write one, as text";
    let mut object = member.object("a choice is an object; write its title and its value into one")?;
    let value = object.need("value", VALUE)?.text(VALUE)?.to_owned();
    let title = match object.take("title") {
        Some(title) => title.one_language(beside)?,
        None => value.clone().into(),
    };
    object.rest(beside);
    Ok((value.into(), title))
}

/// Notes a default that the form of input cannot show, or that the preference cannot have.
fn note_default(preference: &Preference, at: &str, beside: &mut Beside) {
    let Some(default) = &preference.default else { return };
    if !preference.input.fits(default) {
        beside.note(at, "this default does not fit its form of input, so that it is none; it is kept");
    } else if preference.input == PreferenceInput::Text && default.as_str().is_none() {
        beside.note(at, "this default does not fit its form of input; it holds all the same");
    }
}
