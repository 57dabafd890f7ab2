//! The values that a path, parameters and members of a body can have, one of each class.

use std::collections::BTreeMap;

use crate::{
    decision::{Fit, denied_fit, only_fit, pointer_fit},
    diff::member::{object, other_case},
    parameters::{Name, Parameter},
    path::{Path, Segment},
    profile::Profile,
    rules::{ParameterCondition, PatternSegment, Rule, Rules},
    text::{encode, fold, is_plain_in_segment},
};

/// The largest number of values of a variable that the search distinguishes.
const MAX_VALUES: usize = 128;

/// The largest number of values that are compared with each other.
const MAX_CHOICES: usize = 4096;

/// A part of a request that the search chooses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Variable {
    /// The number of segments, and whether a `/` follows.
    Form,
    /// The segment at a position.
    Segment(usize),
    /// The parameters of the query with a lenient name.
    Query(String),
    /// The parameters of the form with a lenient name.
    Field(String),
    /// The value at a JSON pointer, without a difference of letter case.
    Pointer(String),
}

/// A value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    Form {
        segments: usize,
        has_end_slash: bool,
    },
    Segment(Segment),
    Parameters(Vec<Parameter>),
    /// The pointer at which something is, or `None`.
    Pointer(Option<String>),
}

/// One condition of a rule on one variable. Bit `n` of a mask stands for value `n` of the variable.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    pub(super) variable: usize,
    pub(super) no: u128,
    pub(super) unclear: u128,
    pub(super) yes: u128,
}

/// The conditions of one rule.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleLiterals {
    pub(super) head: Vec<Literal>,
    pub(super) form: Vec<Literal>,
    pub(super) pointers: Vec<Literal>,
}

/// The variables with their values, and the conditions of all rules.
#[derive(Debug)]
pub(super) struct Domain {
    pub(super) variables: Vec<(Variable, Vec<Choice>)>,
    /// The conditions of the rules of both sets.
    pub(super) literals: [Vec<RuleLiterals>; 2],
    /// `false` if a variable has more values than the search distinguishes.
    pub(super) is_complete: bool,
}

/// The part of a body or head to which a condition belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Head,
    Form,
    Pointers,
}

/// A condition before its variable has a number: the rule, the variable, and the comparison.
struct Condition<'a> {
    set: usize,
    rule: usize,
    group: Group,
    variable: Variable,
    fit: Box<dyn Fn(&Choice) -> Fit + 'a>,
}

impl Domain {
    pub(super) fn new(sets: [&Rules; 2]) -> Self {
        let mut conditions = Vec::new();
        for (set, rules) in sets.iter().enumerate() {
            for (index, rule) in rules.rules().iter().enumerate() {
                collect(set, index, rule, &mut conditions);
            }
        }
        let rules: Vec<&Rule> = sets.iter().flat_map(|set| set.rules()).collect();
        let mut domain = Self {
            variables: Vec::new(),
            literals: sets.map(|set| vec![RuleLiterals::default(); set.rules().len()]),
            is_complete: true,
        };
        for (variable, choices) in values(&rules) {
            let own: Vec<&Condition<'_>> = conditions.iter().filter(|other| other.variable == variable).collect();
            domain.add(variable, choices, &own);
        }
        domain
    }

    /// Adds a variable. Of values that no condition tells apart, the first one stays.
    fn add(&mut self, variable: Variable, choices: Vec<Choice>, conditions: &[&Condition<'_>]) {
        let is_short = choices.len() <= MAX_CHOICES;
        let mut kept: Vec<(Choice, Vec<Fit>)> = Vec::new();
        for choice in choices.into_iter().take(MAX_CHOICES) {
            let fits: Vec<Fit> = conditions.iter().map(|condition| (condition.fit)(&choice)).collect();
            if !kept.iter().any(|(_, other)| *other == fits) {
                kept.push((choice, fits));
            }
            if kept.len() > MAX_VALUES {
                break;
            }
        }
        self.is_complete &= kept.len() <= MAX_VALUES && is_short;
        kept.truncate(MAX_VALUES);
        let number = self.variables.len();
        for (index, condition) in conditions.iter().enumerate() {
            let mask = |wanted: Fit| {
                let bits = kept.iter().enumerate().filter(|(_, (_, fits))| fits.get(index) == Some(&wanted));
                bits.fold(0_u128, |mask, (bit, _)| mask | (1 << bit))
            };
            let literal =
                Literal { variable: number, no: mask(Fit::No), unclear: mask(Fit::Unclear), yes: mask(Fit::Yes) };
            let rules = self.literals.get_mut(condition.set);
            let Some(rule) = rules.and_then(|rules| rules.get_mut(condition.rule)) else { continue };
            match condition.group {
                Group::Head => rule.head.push(literal),
                Group::Form => rule.form.push(literal),
                Group::Pointers => rule.pointers.push(literal),
            }
        }
        self.variables.push((variable, kept.into_iter().map(|(choice, _)| choice).collect()));
    }
}

/// Collects the conditions of a rule that concern a variable.
fn collect<'a>(set: usize, index: usize, rule: &'a Rule, conditions: &mut Vec<Condition<'a>>) {
    let is_loose = rule.is_loose();
    let mut push = |group, variable, fit: Box<dyn Fn(&Choice) -> Fit + 'a>| {
        conditions.push(Condition { set, rule: index, group, variable, fit });
    };
    if let Some(pattern) = &rule.path {
        push(
            Group::Head,
            Variable::Form,
            Box::new(move |choice| match choice {
                Choice::Form { segments, has_end_slash } => met(pattern.fits_form(*segments, *has_end_slash, is_loose)),
                _ => Fit::Yes,
            }),
        );
        for (position, segment) in pattern.segments.iter().enumerate() {
            if matches!(segment, PatternSegment::Any(_)) {
                continue;
            }
            let fit = move |choice: &Choice| match choice {
                Choice::Segment(given) => met(segment.fits(given, is_loose)),
                _ => Fit::Yes,
            };
            push(Group::Head, Variable::Segment(position), Box::new(fit));
        }
    }
    let groups = [(Group::Head, Some(&rule.query)), (Group::Form, rule.form.as_ref())];
    for (group, condition) in groups.into_iter().filter_map(|(group, condition)| Some((group, condition?))) {
        let variable = |name: &Name| match group {
            Group::Form => Variable::Field(name.lenient.clone()),
            Group::Head | Group::Pointers => Variable::Query(name.lenient.clone()),
        };
        for (name, values) in &condition.only {
            let fit = move |choice: &Choice| match choice {
                Choice::Parameters(parameters) => only_fit(parameters, name, values, is_loose),
                _ => Fit::Yes,
            };
            push(group, variable(name), Box::new(fit));
        }
        for name in &condition.deny {
            let fit = move |choice: &Choice| match choice {
                Choice::Parameters(parameters) => denied_fit(parameters, name, is_loose),
                _ => Fit::Yes,
            };
            push(group, variable(name), Box::new(fit));
        }
    }
    for pointer in rule.body.iter().flat_map(|body| &body.deny) {
        let fit = move |choice: &Choice| match choice {
            Choice::Pointer(Some(there)) => pointer_fit(&object(&[there]), pointer, is_loose),
            _ => Fit::Yes,
        };
        push(Group::Pointers, Variable::Pointer(fold(pointer).into_owned()), Box::new(fit));
    }
}

fn met(is_met: bool) -> Fit {
    if is_met { Fit::Yes } else { Fit::No }
}

/// Returns the variables of both rule sets with all values that could belong to different classes.
fn values(rules: &[&Rule]) -> BTreeMap<Variable, Vec<Choice>> {
    let mut all = BTreeMap::new();
    let patterns: Vec<_> = rules.iter().filter_map(|rule| rule.path.as_ref()).collect();
    let longest = patterns.iter().map(|pattern| pattern.segments.len()).max().unwrap_or_default();
    let mut forms = vec![Choice::Form { segments: 0, has_end_slash: false }];
    for segments in 1..=longest + 1 {
        forms.extend([false, true].map(|has_end_slash| Choice::Form { segments, has_end_slash }));
    }
    all.insert(Variable::Form, forms);
    for position in 0..longest {
        let literals = patterns.iter().filter_map(|pattern| match pattern.segments.get(position) {
            Some(PatternSegment::Literal(literal)) => Some(literal.text.as_str()),
            _ => None,
        });
        all.insert(Variable::Segment(position), segments(literals.collect()));
    }
    let query: Vec<&ParameterCondition> = rules.iter().map(|rule| &rule.query).collect();
    let form: Vec<&ParameterCondition> = rules.iter().filter_map(|rule| rule.form.as_ref()).collect();
    for (conditions, variable) in [(query, Variable::Query as fn(String) -> Variable), (form, Variable::Field)] {
        for (name, choices) in parameters(&conditions) {
            all.insert(variable(name), choices);
        }
    }
    let pointers = rules.iter().filter_map(|rule| rule.body.as_ref()).flat_map(|body| &body.deny);
    let pointers: Vec<String> = unique(pointers.cloned().collect());
    for pointer in &pointers {
        let choices =
            all.entry(Variable::Pointer(fold(pointer).into_owned())).or_insert_with(|| vec![Choice::Pointer(None)]);
        choices.push(Choice::Pointer(Some(pointer.clone())));
        choices.extend(other_case(pointer, &pointers).map(|pointer| Choice::Pointer(Some(pointer))));
    }
    all
}

/// Returns a segment of each class that literals tell apart.
fn segments(literals: Vec<&str>) -> Vec<Choice> {
    let literals = unique(literals.into_iter().map(str::to_owned).collect());
    let mut texts: Vec<String> = vec!["other".to_owned()];
    for literal in &literals {
        texts.extend([literal.clone(), format!("{literal}.x"), format!("{literal};x")]);
        if let Some(case) = other_case(literal, &literals) {
            texts.extend([format!("{case}.x"), case]);
        }
    }
    texts.extend((0..).map(|number| format!("other{number}")).find(|text| !literals.contains(text)));
    let profile = Profile::strict().encoded_slash_is_data().empty_segment_is_data();
    let is_readable = |text: &String| Path::read(&format!("/{}", encode(text, is_plain_in_segment)), &profile).is_ok();
    texts.into_iter().filter(is_readable).map(|text| Choice::Segment(Segment::new(text))).collect()
}

/// Returns the parameters of each class that conditions tell apart, by lenient name.
fn parameters(conditions: &[&ParameterCondition]) -> BTreeMap<String, Vec<Choice>> {
    let mut named: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for condition in conditions {
        for (name, values) in &condition.only {
            let (names, all) = named.entry(name.lenient.clone()).or_default();
            names.push(name.text.clone());
            all.extend(values.iter().cloned());
        }
        for name in &condition.deny {
            named.entry(name.lenient.clone()).or_default().0.push(name.text.clone());
        }
    }
    named.into_iter().map(|(name, (names, values))| (name, occurrences(unique(names), unique(values)))).collect()
}

/// Returns no parameter, one, and two, in each spelling that is named and in another one.
fn occurrences(mut names: Vec<String>, mut values: Vec<String>) -> Vec<Choice> {
    // A name without letters has another spelling, too, because servers ignore what follows a bracket.
    let other_names: Vec<String> = names.iter().filter_map(|name| other_case(name, &names)).collect();
    names.extend(other_names.into_iter().next().or_else(|| names.first().map(|name| format!("{name}[]"))));
    let other_values: Vec<String> = values.iter().filter_map(|value| other_case(value, &values)).collect();
    values.extend(other_values);
    values.extend((0..).map(|number| format!("other{number}")).find(|value| !values.contains(value)));
    let parameter = |name: &String, value: &String| Parameter { name: Name::new(name.clone()), value: value.clone() };
    let mut choices = vec![Choice::Parameters(Vec::new())];
    for name in &names {
        choices.extend(values.iter().map(|value| Choice::Parameters(vec![parameter(name, value)])));
    }
    for first in &names {
        // Two parameters of one name can be spelled differently.
        let twice = |second| values.first().map(|value| vec![parameter(first, value), parameter(second, value)]);
        choices.extend(names.iter().filter_map(twice).map(Choice::Parameters));
    }
    choices
}

fn unique(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_unstable();
    texts.dedup();
    texts
}
