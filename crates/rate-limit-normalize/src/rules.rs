//! The rules of one provider: compiled once, then pure.

use std::fmt;
use std::time::SystemTime;

use http::StatusCode;

use crate::answer::{AccountFacts, Answer, Context};
use crate::fault::{Faults, RuleFault};
use crate::generic;
use crate::hooks::{Hooks, NoHooks};
use crate::judgement::{Judgement, Tried};
use crate::media::{codings, has_body, readable};
use crate::rule::Rule;
use crate::spec::RuleSpec;
use crate::test_language::Statuses;

/// A provider's own rules, then the built-in generic ones. The first whose `when` holds decides.
pub struct Rules {
    rules: Vec<Rule>,
    /// The statuses that any rule is about.
    statuses: Statuses,
    reads_request: bool,
    reads_account: bool,
}

impl Rules {
    /// Compiles a provider's own rules; all their faults at once. A fault's pointer begins with
    /// the rule's place in the list: `/2/wait/0/regex`.
    pub fn compile(specs: &[RuleSpec], hooks: &dyn Hooks) -> Result<Self, Vec<RuleFault>> {
        let mut faults = Faults::default();
        let own = specs.iter().enumerate().filter_map(|(place, spec)| {
            faults.at(place, |faults| Rule::compile(place, spec, hooks, faults))
        });
        let mut rules: Vec<_> = own.collect();
        if !faults.found.is_empty() {
            return Err(faults.found);
        }
        let generic = generic::rules();
        let more = generic.iter().enumerate().filter_map(|(place, spec)| {
            faults.at(place, |faults| Rule::compile(place, spec, &NoHooks, faults))
        });
        rules.extend(more);
        debug_assert!(faults.found.is_empty(), "{:?}", faults.found);
        let mut statuses = Statuses::NONE;
        rules
            .iter()
            .for_each(|rule| statuses.add(&rule.when.status));
        Ok(Self {
            reads_request: rules.iter().any(Rule::reads_request),
            reads_account: rules.iter().any(Rule::reads_account),
            rules,
            statuses,
        })
    }

    /// The built-in generic rules alone.
    pub fn generic() -> Self {
        Self::compile(&[], &NoHooks).unwrap_or_else(|_| Self {
            rules: Vec::new(),
            statuses: Statuses::NONE,
            reads_request: false,
            reads_account: false,
        })
    }

    /// No rule at all, the generic ones neither: nothing is ever a limit.
    pub fn none() -> Self {
        Self {
            rules: Vec::new(),
            statuses: Statuses::NONE,
            reads_request: false,
            reads_account: false,
        }
    }

    /// Is any rule about answers with this status? If not, there is nothing to judge.
    pub fn concerns(&self, status: StatusCode) -> bool {
        self.statuses.contains(status)
    }

    /// Does any rule ask for the path or the method of the request?
    pub fn reads_request(&self) -> bool {
        self.reads_request
    }

    /// Does any rule ask for the account?
    pub fn reads_account(&self) -> bool {
        self.reads_account
    }

    /// Must the body be read to judge? Asked with an answer whose `body` is `None`, before
    /// anything is read: by the rules' heads, the content type and the content coding.
    pub fn wants_body(&self, answer: &Answer<'_>, now: SystemTime) -> bool {
        if !self.concerns(answer.status) || !lookable(answer) {
            return false;
        }
        for rule in &self.rules {
            if rule.when.head_failure(answer, now).is_some() {
                continue;
            }
            if rule.reads_body() {
                return true;
            }
            if rule.when.decided_by_head() {
                return false;
            }
        }
        false
    }

    /// What the rules make of an answer. `now` is our wall clock; absolute times are measured by
    /// the vendor's `Date`.
    pub fn judge(
        &self,
        answer: &Answer<'_>,
        facts: &dyn AccountFacts,
        now: SystemTime,
    ) -> Judgement {
        if !self.concerns(answer.status) {
            return Judgement::default();
        }
        let context = Context::new(answer, facts, now);
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.when.failure(&context).is_none());
        rule.map_or_else(Judgement::default, |rule| rule.decide(&context, None))
    }

    /// The same, with all that was tried.
    pub fn explain(
        &self,
        answer: &Answer<'_>,
        facts: &dyn AccountFacts,
        now: SystemTime,
    ) -> Judgement {
        let context = Context::new(answer, facts, now);
        let mut tried = Vec::new();
        for rule in &self.rules {
            let failure = rule.when.failure(&context);
            let mut entry = Tried {
                rule: rule.name.clone(),
                matched: failure.is_none(),
                why: failure.map_or_else(String::new, |failure| failure.to_string()),
                waits: Vec::new(),
            };
            if failure.is_some() {
                tried.push(entry);
                continue;
            }
            let mut judgement = rule.decide(&context, Some(&mut entry));
            tried.push(entry);
            judgement.tried = tried;
            return judgement;
        }
        Judgement {
            tried,
            ..Judgement::default()
        }
    }
}

/// May the body of this answer be read at all: is there one, of a kind that is text, in a coding
/// that can be undone?
pub(crate) fn lookable(answer: &Answer<'_>) -> bool {
    has_body(answer.method, answer.status)
        && readable(answer.headers)
        && codings(answer.headers).is_some()
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rules.iter().map(|rule| &rule.name);
        f.write_str("Rules")?;
        f.debug_list().entries(names).finish()
    }
}
