//! The comparison of parameters with one condition of a rule.

use crate::{
    decision::view::Fit,
    parameters::{Name, Parameter},
    text::is_same_folded,
};

/// Compares parameters with the values that one of them must have.
///
/// A rule that allows compares letter for letter. The other rules compare names as lenient systems do.
pub(crate) fn only_fit(parameters: &[Parameter], name: &Name, values: &[String], is_loose: bool) -> Fit {
    let mut named = parameters.iter().filter(|parameter| parameter.name.lenient == name.lenient);
    let Some(first) = named.next() else { return Fit::No };
    if named.next().is_some() {
        return Fit::Unclear;
    }
    let is_met = if is_loose {
        values.iter().any(|value| is_same_folded(value, &first.value))
    } else {
        first.name.text == name.text && values.contains(&first.value)
    };
    if is_met { Fit::Yes } else { Fit::No }
}

/// Compares parameters with a name that must not be there.
///
/// The rule matches without the parameter, so the comparisons are the other way around: a rule that allows takes a
/// similar name for the parameter, and the other rules do not.
pub(crate) fn denied_fit(parameters: &[Parameter], name: &Name, is_loose: bool) -> Fit {
    let is_there = parameters.iter().any(|parameter| {
        if is_loose { parameter.name.text == name.text } else { parameter.name.lenient == name.lenient }
    });
    if is_there { Fit::No } else { Fit::Yes }
}
