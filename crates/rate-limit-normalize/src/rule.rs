//! One compiled rule.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::answer::Context;
use crate::calendar;
use crate::fault::Faults;
use crate::format::duration;
use crate::hooks::{Hooks, ZoneOf};
use crate::judgement::{Judgement, PathScope, Tried, TriedWait};
use crate::spec::{CalendarSpec, FallbackSpec, Outcome, RuleSpec, WaitUse};
use crate::test_language::Test;
use crate::wait::{Unusable, Wait};

pub(crate) struct Rule {
    id: Option<Arc<str>>,
    /// The id, or the place in the list.
    pub(crate) name: String,
    pub(crate) when: Test,
    outcome: Outcome,
    retryable: Option<bool>,
    scope: Option<Arc<str>>,
    wait_use: WaitUse,
    waits: Vec<Wait>,
    fallback: Option<Fallback>,
    max: Duration,
}

enum Fallback {
    Fixed(Duration),
    Calendar(Duration, Zone),
}

enum Zone {
    Fixed(TimeZone),
    Of(ZoneOf),
}

impl Rule {
    pub(crate) fn compile(
        place: usize,
        spec: &RuleSpec,
        hooks: &dyn Hooks,
        faults: &mut Faults,
    ) -> Option<Self> {
        let when = faults.at("when", |f| Test::read(&spec.when, hooks, f));
        let waits = faults.at("wait", |faults| {
            let each =
                spec.wait.iter().enumerate().filter_map(|(place, wait)| {
                    faults.at(place, |f| Wait::compile(wait, hooks, f))
                });
            each.collect()
        });
        let fallback = spec.fallback.as_ref();
        let fallback =
            fallback.and_then(|spec| faults.at("fallback", |f| Fallback::compile(spec, hooks, f)));
        if spec.max.0.is_zero() {
            faults.at("max", |f| f.add("a wait of at most nothing is none"));
        }
        if spec.scope.as_ref().is_some_and(String::is_empty) {
            faults.at("scope", |f| f.add("a scope is a word"));
        }
        let id = spec.id.as_deref();
        Some(Self {
            name: id.map_or_else(|| format!("#{place}"), str::to_owned),
            id: id.map(Arc::from),
            when: when?,
            outcome: spec.outcome,
            retryable: spec.retryable,
            scope: spec.scope.as_deref().map(Arc::from),
            wait_use: spec.wait_use,
            waits,
            fallback,
            max: spec.max.0,
        })
    }

    /// Must the body be read for this rule, should its head hold?
    pub(crate) fn reads_body(&self) -> bool {
        self.when.reads_body() || self.waits.iter().any(Wait::reads_body)
    }

    pub(crate) fn reads_request(&self) -> bool {
        self.when.reads_request() || self.waits.iter().any(Wait::reads_request)
    }

    pub(crate) fn reads_account(&self) -> bool {
        let zone = matches!(&self.fallback, Some(Fallback::Calendar(_, Zone::Of(_))));
        zone || self.when.reads_account() || self.waits.iter().any(Wait::reads_account)
    }

    /// What follows from its match.
    pub(crate) fn decide(&self, context: &Context<'_>, mut tried: Option<&mut Tried>) -> Judgement {
        let limited = self.outcome == Outcome::Limited;
        let mut judgement = Judgement {
            rate_limited: limited,
            rule: self.id.clone(),
            retryable: self.retryable.or(limited.then_some(true)),
            ..Judgement::default()
        };
        let why = if limited {
            judgement.scope.clone_from(&self.scope);
            judgement.path = self.when.path.clone().map(|regex| PathScope { regex });
            self.time(context, &mut judgement, tried.as_deref_mut())
        } else {
            "not limited"
        };
        if let Some(tried) = tried {
            why.clone_into(&mut tried.why);
        }
        judgement
    }

    /// Fills in when to come back; says what decided.
    fn time(
        &self,
        context: &Context<'_>,
        judgement: &mut Judgement,
        mut tried: Option<&mut Tried>,
    ) -> &'static str {
        let mut best: Option<(u128, &Wait)> = None;
        for wait in &self.waits {
            let nanos = wait.nanos(context);
            if let Some(tried) = &mut tried {
                tried.waits.push(entry(wait, nanos));
            }
            let Ok(nanos) = nanos else { continue };
            if best.is_none_or(|(longest, _)| nanos > longest) {
                best = Some((nanos, wait));
            }
            if self.wait_use == WaitUse::First {
                break;
            }
        }
        if let Some((nanos, wait)) = best {
            let hint = duration(nanos);
            let delay = hint.min(self.max);
            judgement.clamped = hint > self.max;
            judgement.wait = Some(delay.as_secs_f64());
            judgement.wait_from = Some(Arc::clone(&wait.from));
            judgement.delay = Some(delay);
            return "limited";
        }
        let Some(fallback) = &self.fallback else {
            return "limited, backoff decides";
        };
        judgement.delay = fallback.delay(context);
        if judgement.delay.is_none() {
            return "limited, backoff decides: the account's time zone is not known";
        }
        judgement.wait_from = Some(Arc::from(fallback.name()));
        "limited, the fallback decides"
    }
}

fn entry(wait: &Wait, nanos: Result<u128, Unusable>) -> TriedWait {
    TriedWait {
        from: wait.from.to_string(),
        seconds: nanos.ok().map(|nanos| duration(nanos).as_secs_f64()),
        why: nanos.err().map(|why| why.to_string()),
    }
}

impl Fallback {
    fn compile(spec: &FallbackSpec, hooks: &dyn Hooks, faults: &mut Faults) -> Option<Self> {
        match (spec.seconds, &spec.calendar) {
            (Some(seconds), None) => {
                let fixed = Duration::try_from_secs_f64(seconds).ok();
                let fixed = fixed.filter(|fixed| !fixed.is_zero());
                if fixed.is_none() {
                    faults.at("seconds", |f| f.add("not a number of seconds above 0"));
                }
                fixed.map(Self::Fixed)
            }
            (None, Some(spec)) => faults.at("calendar", |f| Self::calendar(spec, hooks, f)),
            _ => {
                faults.add("a fallback has exactly one of seconds, calendar");
                None
            }
        }
    }

    fn calendar(spec: &CalendarSpec, hooks: &dyn Hooks, faults: &mut Faults) -> Option<Self> {
        let every = spec.every.0;
        if !calendar::allowed(every) {
            faults.at("every", |f| f.add("1d, or what divides a day: 15m, 1h, 6h"));
        }
        let zone = faults.at("tz", |faults| {
            if spec.tz.contains("{{") {
                return faults.take(hooks.time_zone(&spec.tz)).map(Zone::Of);
            }
            let zone = TimeZone::get(&spec.tz);
            let unknown = || format!("`{}` is no known time zone", spec.tz.escape_debug());
            faults.take(zone.map_err(|_| unknown())).map(Zone::Fixed)
        })?;
        Some(Self::Calendar(every, zone))
    }

    /// `None` where the account's zone is not known: a guess may come hours too late.
    fn delay(&self, context: &Context<'_>) -> Option<Duration> {
        match self {
            Self::Fixed(fixed) => Some(*fixed),
            Self::Calendar(every, Zone::Fixed(zone)) => {
                calendar::until_next(context.vendor_now(), *every, zone)
            }
            Self::Calendar(every, Zone::Of(zone_of)) => {
                let name = zone_of(context.account())?;
                calendar::until_next(context.vendor_now(), *every, &TimeZone::get(&name).ok()?)
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Fixed(_) => "fallback:seconds",
            Self::Calendar(..) => "fallback:calendar",
        }
    }
}
