//! The search for a request that one rule set permits and another one treats more strictly.
//!
//! A skeleton fixes the method, the place and the class of the body. What is left are variables with few values each,
//! and each rule is a conjunction of conditions on single variables. The search assigns sets of values: the target rule
//! must match, the rules before it must not, and no rule of the other set may come to the same effect.

use crate::{
    decision::{Fit, View, body_fit, is_document_parameter, looks_at},
    diff::{
        body::{Body, Skeleton, skeletons},
        difference::{Diff, Difference},
        domain::{Choice, Domain, Literal, RuleLiterals, Variable},
        member::{is_below, is_there, may_add},
        witness::{Padding, Parts, build},
    },
    request::Request,
    rules::{Effect, Rule, Rules},
};

/// The number of steps after which the search is given up.
const MAX_STEPS: usize = 400_000;
/// The number of steps that a skeleton counts as.
const STEPS_OF_SKELETON: usize = 20;

/// Searches a request that `after` permits and `before` treats more strictly.
pub(super) fn search(before: &Rules, after: &Rules) -> Diff {
    if before.is_everything() || before.rules() == after.rules() {
        return Diff::None;
    }
    let domain = Domain::new([before, after]);
    let mut search = Search { before, after, is_complete: domain.is_complete, domain: &domain, steps: 0 };
    for skeleton in skeletons([before, after]) {
        // A skeleton costs as much as some steps.
        search.steps += STEPS_OF_SKELETON;
        if search.steps > MAX_STEPS {
            search.is_complete = false;
            break;
        }
        if let Some(difference) = search.run(&skeleton) {
            return Diff::Found(Box::new(difference));
        }
    }
    if search.is_complete { Diff::None } else { Diff::Unknown }
}

struct Search<'a> {
    before: &'a Rules,
    after: &'a Rules,
    domain: &'a Domain,
    /// `false` after a part of the search was left out.
    is_complete: bool,
    steps: usize,
}

/// One rule under a skeleton: an effect, and the conditions that are left.
struct Case<'a> {
    effect: Effect,
    /// The result of the conditions that the skeleton decides, which is not [`Fit::No`].
    base: Fit,
    literals: Vec<&'a Literal>,
}

/// For each variable the set of values that are still possible.
type Sets = Vec<u128>;

impl<'a> Search<'a> {
    fn run(&mut self, skeleton: &Skeleton) -> Option<Difference> {
        let blank = build(skeleton, &Parts::default(), Padding::Declared)?;
        let after = cases(self.after, self.domain.literals.get(1)?, skeleton, &blank);
        let before = cases(self.before, self.domain.literals.first()?, skeleton, &blank);
        let start = self.start(skeleton);
        for (index, target) in after.iter().enumerate() {
            if target.effect == Effect::Deny || target.base != Fit::Yes {
                continue;
            }
            let Some(sets) = self.require(&start, &target.literals, |literal| literal.yes) else { continue };
            let earlier = after.get(..index).unwrap_or_default();
            let found =
                self.pass(earlier, sets, &mut |search, sets| search.stricter(&before, sets, target.effect, skeleton));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Returns all values that the variables can have under a skeleton.
    fn start(&self, skeleton: &Skeleton) -> Sets {
        let full = |choices: &[Choice]| {
            let count = u32::try_from(choices.len()).unwrap_or(u32::MAX);
            1_u128.checked_shl(count).map_or(u128::MAX, |bit| bit - 1)
        };
        let only = |choices: &[Choice], is_kept: &dyn Fn(&Choice) -> bool| {
            let kept = choices.iter().enumerate().filter(|(_, choice)| is_kept(choice));
            kept.fold(0_u128, |mask, (bit, _)| mask | (1 << bit))
        };
        let is_absent = |choice: &Choice| match choice {
            Choice::Parameters(parameters) => parameters.is_empty(),
            other => *other == Choice::Pointer(None),
        };
        let sets = self.domain.variables.iter().map(|(variable, choices)| match (variable, &skeleton.body) {
            (Variable::Query(name), _) if is_document_parameter(name) && self.has_graphql() => {
                match skeleton.has_document {
                    false => only(choices, &is_absent),
                    true if name == "query" => only(choices, &|choice| !is_absent(choice)),
                    true => full(choices),
                }
            }
            (Variable::Field(_), Body::Form { .. }) => full(choices),
            (Variable::Pointer(pointer), Body::Json { value, .. }) => {
                if is_there(value, pointer) {
                    only(choices, &|choice| !is_absent(choice))
                } else if may_add(value, pointer) {
                    full(choices)
                } else {
                    only(choices, &is_absent)
                }
            }
            (Variable::Field(_) | Variable::Pointer(_), _) => only(choices, &is_absent),
            _ => full(choices),
        });
        sets.collect()
    }

    fn has_graphql(&self) -> bool {
        [self.before, self.after].iter().any(|set| set.rules().iter().any(|rule| rule.graphql.is_some()))
    }

    /// Restricts the sets to values for which all literals have the wanted result.
    fn require(&self, sets: &Sets, literals: &[&Literal], wanted: impl Fn(&Literal) -> u128) -> Option<Sets> {
        let mut sets = sets.clone();
        for literal in literals {
            let set = sets.get_mut(literal.variable)?;
            *set &= wanted(literal);
            if *set == 0 {
                return None;
            }
        }
        self.propagate(sets)
    }

    /// Applies that something below a member of a body implies the member.
    fn propagate(&self, mut sets: Sets) -> Option<Sets> {
        let pointers = self.domain.variables.iter().enumerate().filter_map(|(index, (variable, _))| match variable {
            Variable::Pointer(pointer) => Some((index, pointer)),
            _ => None,
        });
        let pointers: Vec<(usize, &String)> = pointers.collect();
        // The value with number 0 is that nothing is there.
        for (lower, pointer) in &pointers {
            for (upper, _) in pointers.iter().filter(|(_, ancestor)| is_below(pointer, ancestor)) {
                if sets.get(*lower).is_some_and(|set| set & 1 == 0) {
                    *sets.get_mut(*upper)? &= !1;
                }
                if sets.get(*upper) == Some(&1) {
                    *sets.get_mut(*lower)? &= 1;
                }
            }
        }
        sets.iter().all(|set| *set != 0).then_some(sets)
    }

    /// Lets a request pass all rules of a list, in each way in which they do not match, and then continues.
    fn pass(
        &mut self,
        cases: &[Case<'a>],
        sets: Sets,
        then: &mut dyn FnMut(&mut Self, Sets) -> Option<Difference>,
    ) -> Option<Difference> {
        let Some((first, rest)) = cases.split_first() else { return then(self, sets) };
        for sets in self.ways_past(first, &sets) {
            let found = self.pass(rest, sets, then);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Returns the sets under which a rule does not match. They have no request in common.
    fn ways_past(&mut self, case: &Case<'a>, sets: &Sets) -> Vec<Sets> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            self.is_complete = false;
            return Vec::new();
        }
        let is_allowing = case.effect == Effect::Allow;
        if is_allowing && case.base == Fit::Unclear {
            return vec![sets.clone()];
        }
        let past = |literal: &Literal| if is_allowing { literal.no | literal.unclear } else { literal.no };
        let mut ways = Vec::new();
        let mut matching = sets.clone();
        for literal in &case.literals {
            let Some(set) = matching.get(literal.variable).copied() else { continue };
            if set & past(literal) != 0 {
                let way = self.require(&matching, &[*literal], past);
                ways.extend(way);
            }
            let Some(kept) = self.require(&matching, &[*literal], |literal| !past(literal)) else { return ways };
            matching = kept;
        }
        ways
    }

    /// Searches the rules of the first set for an effect that is stricter.
    fn stricter(&mut self, cases: &[Case<'a>], sets: Sets, effect: Effect, skeleton: &Skeleton) -> Option<Difference> {
        let Some((first, rest)) = cases.split_first() else { return self.verify(&sets, skeleton) };
        for sets in self.matches_below(first, &sets, effect) {
            let found = self.verify(&sets, skeleton);
            if found.is_some() {
                return found;
            }
        }
        for sets in self.ways_past(first, &sets) {
            let found = self.stricter(rest, sets, effect, skeleton);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Returns the sets under which a rule decides more strictly than an effect.
    fn matches_below(&self, case: &Case<'a>, sets: &Sets, effect: Effect) -> Vec<Sets> {
        let mut found = Vec::new();
        let not_no = |literal: &Literal| literal.yes | literal.unclear;
        match case.effect {
            Effect::Allow => {}
            Effect::Deny => found.extend(self.require(sets, &case.literals, not_no)),
            Effect::Ask if effect == Effect::Allow || case.base == Fit::Unclear => {
                found.extend(self.require(sets, &case.literals, not_no));
            }
            Effect::Ask => {
                // A condition that cannot be compared makes a rule that asks deny.
                for literal in case.literals.iter().filter(|literal| literal.unclear != 0) {
                    let sets = self.require(sets, &case.literals, not_no);
                    found.extend(sets.and_then(|sets| self.require(&sets, &[*literal], |literal| literal.unclear)));
                }
            }
        }
        found
    }

    /// Builds a request from the sets, and lets both rule sets decide about it.
    fn verify(&mut self, sets: &Sets, skeleton: &Skeleton) -> Option<Difference> {
        for is_lowest in [true, false] {
            let Some(request) = self.request(sets, skeleton, is_lowest, Padding::Declared) else { continue };
            let (before, after) = (self.before.decide(&request).effect(), self.after.decide(&request).effect());
            if before < after {
                let request = self.request(sets, skeleton, is_lowest, Padding::Sent)?;
                return Some(Difference::new(request, before, after));
            }
        }
        self.is_complete = false;
        None
    }

    fn request(&self, sets: &Sets, skeleton: &Skeleton, is_lowest: bool, padding: Padding) -> Option<Request> {
        let mut parts = Parts::default();
        let mut segments = Vec::new();
        for ((variable, choices), set) in self.domain.variables.iter().zip(sets) {
            let bit = if is_lowest { set.trailing_zeros() } else { 127 - set.leading_zeros() };
            let choice = choices.get(usize::try_from(bit).ok()?)?;
            if let (Variable::Segment(position), Choice::Segment(segment)) = (variable, choice) {
                segments.push((*position, segment.text.as_str()));
            }
            parts.add(choice, matches!(variable, Variable::Query(_)));
        }
        for (position, text) in segments {
            if let Some(segment) = parts.segments.get_mut(position) {
                *segment = text;
            }
        }
        let base = match &skeleton.body {
            Body::Json { value, .. } => Some(value),
            _ => None,
        };
        parts.pointers.retain(|pointer| !base.is_some_and(|value| is_there(value, pointer)));
        build(skeleton, &parts, padding)
    }
}

/// Returns the rules that can match under a skeleton.
fn cases<'a>(rules: &Rules, literals: &'a [RuleLiterals], skeleton: &Skeleton, blank: &Request) -> Vec<Case<'a>> {
    if rules.is_everything() {
        return vec![Case { effect: Effect::Allow, base: Fit::Yes, literals: Vec::new() }];
    }
    let view: View<'_> = rules.deciding_view(blank);
    let case = |(rule, literals): (&Rule, &'a RuleLiterals)| {
        let base = body_fit(rule, view);
        let mut all: Vec<&Literal> = literals.head.iter().collect();
        match &skeleton.body {
            Body::Form { .. } => all.extend(&literals.form),
            Body::Json { value, .. } if value.is_object() && looks_at(rule, &blank.head) => {
                all.extend(&literals.pointers);
            }
            _ => {}
        }
        (base != Fit::No).then_some(Case { effect: rule.effect(), base, literals: all })
    };
    rules.rules().iter().zip(literals).filter_map(case).collect()
}
