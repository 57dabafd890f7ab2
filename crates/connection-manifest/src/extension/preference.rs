//! The preferences of an extension or a command.

use connection_contract::{DisplayText, Preference, PreferenceInput, Text};

use crate::{
    error::Fault,
    object::{Member, Object, ReadNotes},
};

pub(super) fn preferences(owner: &mut Object<'_>, beside: &mut ReadNotes) -> Result<Vec<Preference>, Fault> {
    let Some(preferences) = owner.take("preferences") else { return Ok(Vec::new()) };
    preferences
        .items("preferences must be a list; write [] for none")?
        .into_iter()
        .map(|member| preference(member, beside))
        .collect()
}

fn preference(member: Member<'_>, beside: &mut ReadNotes) -> Result<Preference, Fault> {
    const NAMED: &str = "a preference needs a name; write it as text";
    let mut object = member.object("a preference must be an object with a name and a type")?;
    let name = object.need("name", NAMED)?.text(NAMED)?.to_owned();
    let input = input(&mut object, beside)?;
    let mut preference = Preference::new(name, input);
    // Some manifests call the title of a field its label.
    preference.title = object.either("title", "label").map(|title| title.one_language(beside)).transpose()?;
    preference.description = object.take("description").map(|text| text.one_language(beside)).transpose()?;
    if let Some(required) = object.take("required") {
        preference.required = required.truth("required must be true or false; write one of the two, without quotes")?;
    }
    if let Some(default) = object.take("default") {
        preference.default = Some(default.value.clone());
        note_default(&preference, &default.at, beside);
    }
    object.rest(beside);
    Ok(preference)
}

fn input(object: &mut Object<'_>, beside: &mut ReadNotes) -> Result<PreferenceInput, Fault> {
    let Some(form) = object.take("type") else { return Ok(PreferenceInput::Text) };
    match form.text("the type must be textfield, checkbox or dropdown; write one of these")? {
        "text" | "textfield" => Ok(PreferenceInput::Text),
        "checkbox" => Ok(PreferenceInput::Checkbox),
        "dropdown" => choices(object, beside).map(PreferenceInput::Dropdown),
        // The contract checks that no preference is a password.
        other => {
            beside.note(form.at.as_str(), "this program does not know this form of input, and asks for a text");
            Ok(PreferenceInput::Other(other.to_owned().into()))
        }
    }
}

fn choices(object: &mut Object<'_>, beside: &mut ReadNotes) -> Result<Vec<(Text, DisplayText)>, Fault> {
    let Some(data) = object.take("data") else {
        beside.note(object.at.as_str(), "this dropdown has no data, so there is nothing to choose");
        return Ok(Vec::new());
    };
    data.items("data must be a list of choices; write [] for none")?
        .into_iter()
        .map(|member| choice(member, beside))
        .collect()
}

fn choice(member: Member<'_>, beside: &mut ReadNotes) -> Result<(Text, DisplayText), Fault> {
    const VALUE: &str = "a choice needs a value; write it as text";
    let mut object = member.object("a choice must be an object with a title and a value")?;
    let value = object.need("value", VALUE)?.text(VALUE)?.to_owned();
    let title = match object.take("title") {
        Some(title) => title.one_language(beside)?,
        None => value.clone().into(),
    };
    object.rest(beside);
    Ok((value.into(), title))
}

/// Notes a default that the form of input cannot show, or that the preference cannot have.
fn note_default(preference: &Preference, at: &str, beside: &mut ReadNotes) {
    let Some(default) = &preference.default else { return };
    if !preference.input.fits(default) {
        beside.note(at, "this default does not fit its form of input, so it is not used; it is kept");
    } else if preference.input == PreferenceInput::Text && default.as_str().is_none() {
        beside.note(at, "this default does not fit its form of input, but it is used");
    }
}
