//! Variables of templates: each must be declared, and must have a value where it is used.

use std::collections::BTreeSet;

use super::{At, Checker};
use crate::kind::{
    model::{FieldSource, JsonTemplate, Pairs},
    template::{Scope, Template, Variable},
};

/// The variables that a place of a file may use. Declared `config` variables are always allowed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowed<'a> {
    pub(super) secret: bool,
    pub(super) token: bool,
    pub(super) refresh: bool,
    pub(super) client_id: bool,
    pub(super) client_secret: bool,
    pub(super) flow: bool,
    pub(super) signed: bool,
    /// The names of the values that earlier steps captured; `None` outside of steps.
    pub(super) steps: Option<&'a BTreeSet<String>>,
    /// The place is filled in before the lookups are done.
    pub(super) before_lookups: bool,
}

impl Checker<'_> {
    /// Checks the variables of a template.
    pub(super) fn template(&mut self, at: At<'_>, template: &Template, allowed: Allowed<'_>) {
        for variable in template.variables() {
            if let Some(sentence) = self.refusal(variable, allowed) {
                self.report_variable(at, sentence);
            }
        }
    }

    /// Checks a text that is sent in a line of its own: the value of a header, or a path.
    pub(super) fn line(&mut self, at: At<'_>, template: &Template, allowed: Allowed<'_>) {
        if template.literals().any(|text| text.contains(char::is_control)) {
            self.report(at, "there is a control character, such as a line break, in this text; remove it");
        }
        self.template(at, template, allowed);
    }

    /// Checks a text of a file as a template.
    pub(super) fn parsed(&mut self, at: At<'_>, text: &str, allowed: Allowed<'_>) -> Option<Template> {
        match Template::parse(text) {
            Ok(template) => {
                self.template(at, &template, allowed);
                Some(template)
            }
            Err(sentence) => {
                self.report(at, sentence);
                None
            }
        }
    }

    pub(super) fn templates(&mut self, at: At<'_>, pairs: &Pairs<Template>, allowed: Allowed<'_>) {
        for (name, template) in pairs.iter() {
            self.template(At::Name(&at, name), template, allowed);
        }
    }

    pub(super) fn json(&mut self, at: At<'_>, json: &JsonTemplate, allowed: Allowed<'_>) {
        let mut refusals = Vec::new();
        json.each(&mut |template| {
            refusals.extend(template.variables().filter_map(|variable| self.refusal(variable, allowed)));
        });
        for sentence in refusals {
            self.report_variable(at, sentence);
        }
    }

    /// Refuses variables where a text must be fixed.
    pub(super) fn fixed(&mut self, at: At<'_>, text: &str) {
        if text.contains("${") {
            self.report(at, "a template is not possible here; write the text itself");
        }
    }

    /// Checks a text that people read.
    pub(super) fn shown(&mut self, at: At<'_>, text: &str, most: usize) {
        self.fixed(at, text);
        if text.chars().any(|c| is_invisible(c) && c != '\n') {
            self.report(at, "there is a control character in this text for people; remove it");
        }
        if text.chars().count() > most {
            self.report(at, format!("a text for people has at most {most} characters here; write less"));
        }
    }

    /// Returns why a variable cannot be used.
    fn refusal(&self, variable: &Variable, allowed: Allowed<'_>) -> Option<String> {
        let Variable { scope, name } = variable;
        let field = self.fields.get(name.as_str());
        let not_here = || Some(format!("`{}.{name}` has no value here; use another variable", scope.name()));
        match scope {
            Scope::Config => match field {
                None => Some(format!("`config.{name}` is not declared; add a field with this name")),
                Some(field) if field.secret => Some(format!("`{name}` is a secret; write ${{secret.{name}}}")),
                Some(field) if field.source == FieldSource::Lookup && allowed.before_lookups => {
                    Some(format!("`config.{name}` is looked up only after connecting; use another variable"))
                }
                Some(_) => None,
            },
            Scope::Secret => match field {
                _ if !allowed.secret => not_here(),
                None => Some(format!("`secret.{name}` is not declared; add a field with this name")),
                Some(field) if !field.secret => Some(format!("`{name}` is no secret; write ${{config.{name}}}")),
                Some(_) => None,
            },
            Scope::Token if name == "access" => {
                if allowed.token {
                    None
                } else {
                    not_here()
                }
            }
            Scope::Token if name == "refresh" => {
                if allowed.refresh {
                    None
                } else {
                    not_here()
                }
            }
            Scope::Client if name == "id" => {
                if allowed.client_id {
                    None
                } else {
                    not_here()
                }
            }
            Scope::Client if name == "secret" => {
                if allowed.client_secret {
                    None
                } else {
                    not_here()
                }
            }
            Scope::Flow if matches!(name.as_str(), "redirect" | "state") => {
                if allowed.flow {
                    None
                } else {
                    not_here()
                }
            }
            Scope::Signed if name == "jwt" => {
                if allowed.signed {
                    None
                } else {
                    not_here()
                }
            }
            Scope::Step => match allowed.steps {
                None => not_here(),
                Some(steps) if steps.contains(name) => None,
                Some(_) => Some(format!("no earlier step captures `{name}`; add it to `capture` of one")),
            },
            Scope::Client | Scope::Flow | Scope::Signed | Scope::Token => {
                let known =
                    "token.access, token.refresh, client.id, client.secret, flow.state, flow.redirect and signed.jwt";
                Some(format!("there is no variable `{}.{name}`; there are {known}", scope.name()))
            }
        }
    }
}

/// Returns `true` for a character that changes how the text around it is shown: control characters, and those that
/// change the direction of writing (Unicode Bidirectional Algorithm, section 2).
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
