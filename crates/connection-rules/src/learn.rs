//! The narrowest rules that cover requests which were made.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    path::Path,
    profile::Profile,
    rules::{Effect, MAX_RULES, PathPattern, PatternSegment, Rule, Rules},
    text::is_token,
};

/// The numbers of rules that may take the place of one rule, from the first that is tried.
const AT_MOST: [usize; 4] = [20, 8, 3, 1];
/// The number of different texts from which on a segment is taken for a name.
const NAMES: usize = 4;
/// The number of different texts from which on a segment is taken for a name, if each of them looks like an id.
const IDS: usize = 2;

/// A request that was made, as far as a record says it.
///
/// ```
/// use connection_rules::{MadeRequest, Profile};
///
/// let made = MadeRequest::read("GET", "/repos/acme/site/issues/7", &Profile::strict());
/// assert!(made.is_some());
/// assert!(MadeRequest::read("GET", "/repos/../issues", &Profile::strict()).is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MadeRequest {
    method: String,
    path: PathPattern,
    is_from_origin: bool,
    rule: Option<String>,
    is_refused: bool,
}

impl MadeRequest {
    /// Reads a method, and a path without a query. Nothing in the path stands for anything else, so that a program cannot
    /// send a request whose path is taken for a pattern.
    ///
    /// Returns `None` if no rule can be about the request, because it can be read in two ways.
    pub fn read(method: &str, path: &str, profile: &Profile) -> Option<Self> {
        let Path { segments, has_end_slash } = Path::read(path, profile).ok()?;
        let segments = segments.into_iter().map(PatternSegment::Literal).collect();
        let pattern = PathPattern { segments, has_rest: false, has_end_slash };
        let path = PathPattern::read(&pattern.to_string()).ok().filter(|again| *again == pattern)?;
        Self::of_pattern(method, path)
    }

    /// Returns the requests to the path of a rule, where the record has that path in place of theirs.
    ///
    /// Returns `None` for a method that no rule can name.
    pub fn of_pattern(method: &str, path: PathPattern) -> Option<Self> {
        let method = Some(method.to_owned()).filter(|method| is_token(method) && *method == method.to_uppercase())?;
        Some(Self { method, path, is_from_origin: false, rule: None, is_refused: false })
    }

    /// Says that the path begins at an origin outside the base address.
    #[must_use]
    pub fn from_origin(self, is_from_origin: bool) -> Self {
        Self { is_from_origin, ..self }
    }

    /// Names the rule that decided about the request.
    #[must_use]
    pub fn by(self, rule: Option<String>) -> Self {
        Self { rule, ..self }
    }

    /// Says that the request was denied or asked about.
    #[must_use]
    pub fn refused(self, is_refused: bool) -> Self {
        Self { is_refused, ..self }
    }

    /// Returns `true` if this is the effect that is proposed for a request that was refused.
    fn is(&self, effect: Effect) -> bool {
        let is_read = matches!(&*self.method, "GET" | "HEAD");
        effect == if is_read { Effect::Allow } else { Effect::Ask }
    }
}

impl Rules {
    /// Returns the narrowest rules that cover these requests.
    ///
    /// Each rule is narrowed to the methods and the paths that were used, and keeps its other conditions. Rules that
    /// deny stay. Ids, and names of which four are seen, become `{name}`; a rule of which more than 20 paths are seen
    /// is narrowed to its methods. The result permits nothing that these rules do not permit, unless `with_refused` is
    /// set: then a request that no rule is about gets one, which allows `GET` and `HEAD` and asks about all else. If there
    /// is nothing to cover, these rules are returned.
    ///
    /// ```
    /// use connection_rules::{MadeRequest, Profile, Rules};
    ///
    /// let made = |path| MadeRequest::read("GET", path, &Profile::strict()).unwrap();
    /// let made = [made("/repos/acme/site/issues/7"), made("/repos/acme/site/issues/8")];
    /// let words = Rules::everything().learn(&made, false).words();
    /// assert_eq!(words, ["may send GET /repos/acme/site/issues/{number}", "nothing else"]);
    /// ```
    #[must_use]
    pub fn learn(&self, made: &[MadeRequest], with_refused: bool) -> Self {
        let mut uses = vec![Vec::new(); self.rules.len()];
        let mut refused = Vec::new();
        for one in made {
            match self.covering(one) {
                Some(index) => uses[index].push(one),
                None if with_refused && one.is_refused && !self.forbids(one) => refused.push(one),
                None => {}
            }
        }
        if refused.is_empty() && uses.iter().all(Vec::is_empty) {
            return self.clone();
        }
        let mut rules = AT_MOST.iter().map(|most| self.narrowed(&uses, *most)).find(|rules| rules.len() <= MAX_RULES);
        let mut rules = rules.take().unwrap_or_else(|| self.rules.clone());
        for (name, effect) in [("reads", Effect::Allow), ("changes", Effect::Ask)] {
            for is_from_origin in [false, true] {
                let is_this = |made: &&&MadeRequest| made.is(effect) && made.is_from_origin == is_from_origin;
                let made: Vec<_> = refused.iter().filter(is_this).copied().collect();
                let room = AT_MOST[0].min(MAX_RULES.saturating_sub(rules.len()));
                let added = variants(&Rule { is_from_origin, ..Rule::new(name, effect) }, &made);
                rules.extend(added.into_iter().take(room));
            }
        }
        name(&mut rules);
        Self::new(self.expires, self.budget, rules).with_release(self.release)
    }

    /// Returns `true` if a rule let a request pass, or asked about it, as far as the record says so.
    ///
    /// ```
    /// use connection_rules::{MadeRequest, Profile, Rules};
    ///
    /// let made = |method| MadeRequest::read(method, "/user", &Profile::strict()).unwrap();
    /// assert!(Rules::ask().covers(&made("GET")) && !Rules::ask().covers(&made("DELETE")));
    /// ```
    pub fn covers(&self, made: &MadeRequest) -> bool {
        self.covering(made).is_some()
    }

    /// Returns the position of the rule that let a request pass, or asked about it, as far as the record says so.
    fn covering(&self, made: &MadeRequest) -> Option<usize> {
        let is_about = |rule: &Rule| match rule.effect {
            Effect::Deny => false,
            Effect::Ask => rule.covers(made),
            // A refused request differs from the rule in what the record does not say.
            Effect::Allow => !made.is_refused && rule.covers(made),
        };
        let named = self.rules.iter().position(|rule| Some(rule.name()) == made.rule.as_deref());
        named.filter(|index| is_about(&self.rules[*index])).or_else(|| self.rules.iter().position(is_about))
    }

    /// Returns `true` if a rule is about a request that was refused: one that denies it, or one that allows others.
    fn forbids(&self, made: &MadeRequest) -> bool {
        self.rules.iter().any(|rule| rule.covers(made))
    }

    /// Returns the rules with up to `most` in place of each, narrowed to these uses.
    fn narrowed(&self, uses: &[Vec<&MadeRequest>], most: usize) -> Vec<Rule> {
        let narrowed = |keeps_asking: bool| {
            let narrowed = self.rules.iter().zip(uses).flat_map(|(rule, made)| match rule.effect {
                Effect::Deny => vec![rule.clone()],
                Effect::Ask if keeps_asking => vec![rule.clone()],
                Effect::Ask | Effect::Allow => {
                    let variants = variants(rule, made);
                    let methods = || rule.methods_of(made);
                    if variants.len() <= most { variants } else { vec![Rule { methods: methods(), ..rule.clone() }] }
                }
            });
            narrowed.collect::<Vec<_>>()
        };
        // A narrowed rule that allows may be about what a rule that asked was about.
        let rules = narrowed(false);
        let mut named = rules.clone();
        name(&mut named);
        if Self::new(None, None, named).narrows(self) { rules } else { narrowed(true) }
    }
}

impl Rule {
    /// Returns `true` if the rule is about the request, as far as the record says so.
    fn covers(&self, made: &MadeRequest) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(&made.method))
            && self.is_from_origin == made.is_from_origin
            && self.path.as_ref().is_none_or(|path| path.covers(&made.path))
    }

    /// Returns the methods of these requests.
    fn methods_of(&self, made: &[&MadeRequest]) -> Option<Vec<String>> {
        let used: BTreeSet<_> = made.iter().map(|made| made.method.clone()).collect();
        Some(used.into_iter().collect())
    }
}

impl PathPattern {
    /// Returns `true` if each path that the other pattern matches is matched by this one, too.
    fn covers(&self, other: &Self) -> bool {
        let is_long_enough = match self.has_rest {
            true => other.segments.len() >= self.segments.len(),
            false => {
                !other.has_rest
                    && other.segments.len() == self.segments.len()
                    && other.has_end_slash == self.has_end_slash
            }
        };
        is_long_enough
            && self.segments.iter().zip(&other.segments).all(|pair| match pair {
                (PatternSegment::Any(_), _) => true,
                (one @ PatternSegment::Literal(_), other) => one == other,
            })
    }
}

/// Returns a rule for each pattern of these requests, which has the other conditions of `rule`.
fn variants(rule: &Rule, made: &[&MadeRequest]) -> Vec<Rule> {
    let mut paths: BTreeMap<&str, Vec<PathPattern>> = BTreeMap::new();
    for one in made {
        paths.entry(&one.method).or_default().push(one.path.clone());
    }
    let mut variants: BTreeMap<String, (PathPattern, Vec<String>)> = BTreeMap::new();
    for (method, paths) in paths {
        for path in patterns(paths, rule.path.as_ref()) {
            let variant = variants.entry(path.to_string()).or_insert_with(|| (path, Vec::new()));
            variant.1.push(method.to_owned());
        }
    }
    let variant = |(path, methods)| Rule { methods: Some(methods), path: Some(path), ..rule.clone() };
    variants.into_values().map(variant).collect()
}

/// Returns the patterns of these paths, with a name for each segment whose texts are ids or many.
fn patterns(paths: Vec<PathPattern>, of_rule: Option<&PathPattern>) -> Vec<PathPattern> {
    let mut patterns: BTreeMap<String, PathPattern> = by_text(paths);
    loop {
        let before = patterns.len();
        let longest = patterns.values().map(|pattern| pattern.segments.len()).max().unwrap_or_default();
        // The names of things are often equal apart from the ids of their parts.
        for enough in [Enough::Ids, Enough::Names] {
            for position in 0..longest {
                patterns = by_text(named_at(patterns.into_values().collect(), position, enough, of_rule));
            }
        }
        if patterns.len() == before {
            return patterns.into_values().collect();
        }
    }
}

fn by_text(patterns: Vec<PathPattern>) -> BTreeMap<String, PathPattern> {
    patterns.into_iter().map(|pattern| (pattern.to_string(), pattern)).collect()
}

/// The texts that are enough for a name.
#[derive(Clone, Copy)]
enum Enough {
    /// Two that look like ids, and no other.
    Ids,
    /// Four.
    Names,
}

impl Enough {
    fn are(self, texts: &[&str]) -> bool {
        match self {
            Self::Ids => texts.len() >= IDS && texts.iter().all(|text| is_id(text)),
            Self::Names => texts.len() >= NAMES,
        }
    }
}

/// Replaces the segment at this position by a name, in patterns that are otherwise equal.
fn named_at(
    patterns: Vec<PathPattern>,
    position: usize,
    enough: Enough,
    of_rule: Option<&PathPattern>,
) -> Vec<PathPattern> {
    let mut groups: BTreeMap<String, Vec<PathPattern>> = BTreeMap::new();
    for pattern in patterns {
        let mut others = pattern.clone();
        let key = match others.segments.get_mut(position) {
            Some(segment @ PatternSegment::Literal(_)) => {
                *segment = PatternSegment::Any(String::new());
                others.to_string()
            }
            _ => format!("{others} as it is"),
        };
        groups.entry(key).or_default().push(pattern);
    }
    let named = |group: Vec<PathPattern>| {
        let texts: Vec<&str> = group.iter().filter_map(|pattern| literal(pattern, position)).collect();
        let Some(first) = group.first().filter(|_| enough.are(&texts)) else { return group };
        let name = match of_rule.and_then(|rule| rule.segments.get(position)) {
            Some(PatternSegment::Any(name)) => name.as_str(),
            _ if texts.iter().all(|text| is_number(text)) => "number",
            _ => "name",
        };
        let mut pattern = first.clone();
        let name = free_name(&pattern, name);
        pattern.segments[position] = PatternSegment::Any(name);
        vec![pattern]
    };
    groups.into_values().flat_map(named).collect()
}

fn literal(pattern: &PathPattern, position: usize) -> Option<&str> {
    match pattern.segments.get(position) {
        Some(PatternSegment::Literal(segment)) => Some(&segment.text),
        Some(PatternSegment::Any(_)) | None => None,
    }
}

/// Returns a name that the pattern does not have yet.
fn free_name(pattern: &PathPattern, name: &str) -> String {
    let is_free = |name: &String| !pattern.segments.contains(&PatternSegment::Any(name.clone()));
    let numbered = (2..).map(|number: u32| format!("{name}{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns `true` for a text that looks like the id of a thing, such as `1347` or `cus_NffrFeUfNV2Hib`.
fn is_id(text: &str) -> bool {
    let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    is_number(text) || text.len() >= 8 && text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().all(is_of_id)
}

/// Gives each rule a name of its own.
fn name(rules: &mut [Rule]) {
    let mut taken = BTreeSet::new();
    for rule in rules {
        let stem: String = rule.name.chars().take(60).collect();
        let numbered = (2..).map(|number: u32| format!("{} {number}", stem.trim_end()));
        let mut names = std::iter::once(rule.name.clone()).chain(numbered);
        rule.name = names.find(|name| !taken.contains(name)).unwrap_or_default();
        taken.insert(rule.name.clone());
    }
}
