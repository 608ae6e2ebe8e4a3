//! The end of a flight: what is known first, then who waits, then who counts.

use tokio::time::Instant;

use crate::clock::mono_after;
use crate::entry::{Job, Landed};
use crate::flight::{End, Fault};
use crate::observe::Refreshed;
use crate::setback::Setback;
use crate::state::State;
use crate::{CredentialError, Failure, Record, Status};

/// After another process was found at work, no request that can do without begins a flight for so
/// long.
const CALM: std::time::Duration = std::time::Duration::from_secs(1);

/// Publishes how a flight ended. `before`: the status under which the lease was taken. Answers
/// when this process itself should look at the account again.
pub(crate) fn conclude<C: Clone + Send + Sync + 'static>(
    state: &State<C>,
    job: &Job<C>,
    before: Option<Status>,
    end: End<C>,
) -> Option<Instant> {
    let now = state.now();
    let install = |record: Record<C>| job.entry.install(record, Some(job.version), now);
    let land = |landed, setback: Option<Setback>| {
        job.entry
            .land(&job.ticket, landed, |board| board.setback = setback);
    };
    let observe = &state.settings.observe;
    match end {
        End::Renewed { record, bought } => {
            if bought {
                tell_status(state, before, &record);
            }
            let current = install(record);
            job.entry
                .rejections
                .store(0, std::sync::atomic::Ordering::Relaxed);
            let plan = current.due_at().filter(|_| bought);
            land(Landed::Renewed(current), None);
            observe.refreshed(
                &job.provider,
                if bought {
                    Refreshed::Ok
                } else {
                    Refreshed::Joined
                },
            );
            plan
        }
        End::Failed { record, fault } => {
            tell_failure(&job.provider, &fault);
            let random = state.jitter.next();
            let account = &job.entry.account;
            let setback = Setback::failed(account, &fault, record.as_ref(), now, random);
            let mut plan = setback.until;
            if let Some(record) = record {
                tell_status(state, before, &record);
                let current = install(record);
                plan = current.due_at().map_or(plan, |due| due.max(plan));
            }
            land(Landed::Failed(setback.clone()), Some(setback));
            observe.refreshed(
                &job.provider,
                match fault {
                    Fault::Call(Failure::Refused { .. }) => Refreshed::Revoked,
                    _ => Refreshed::Transient,
                },
            );
            Some(plan)
        }
        End::Held { until } => {
            job.entry.land(&job.ticket, Landed::Elsewhere, |board| {
                board.calm_until = Some(mono_after(now.mono, CALM));
            });
            Some(now.mono_at(until).max(mono_after(now.mono, CALM)))
        }
        End::NotYet { record, until } => {
            let until = now.mono_at(until);
            let setback = Setback::not_yet(&record, until);
            install(record);
            land(Landed::Failed(setback.clone()), Some(setback));
            Some(until)
        }
        End::Fresh(record) => {
            let plan = install(record).due_at();
            land(Landed::Elsewhere, None);
            plan
        }
        End::Disabled(record) => {
            install(record);
            let account = job.entry.account.clone();
            land(Landed::Ended(CredentialError::Disabled(account)), None);
            None
        }
        End::NotRenewable(record) => {
            install(record);
            let account = job.entry.account.clone();
            land(Landed::Ended(CredentialError::NotRenewable(account)), None);
            None
        }
        End::Gone => {
            state.remove(&job.entry.account);
            let account = job.entry.account.clone();
            land(
                Landed::Ended(CredentialError::UnknownAccount(account)),
                None,
            );
            None
        }
    }
}

fn tell_status<C>(state: &State<C>, before: Option<Status>, record: &Record<C>) {
    let Some(before) = before.filter(|before| *before != record.status) else {
        return;
    };
    state.settings.observe.status(
        &record.account,
        &record.provider,
        before,
        record.status,
        record.reason.as_deref(),
    );
}

/// The account stays out of the log.
fn tell_failure(provider: &str, fault: &Fault) {
    match fault {
        Fault::Store(error) => tracing::warn!(provider, %error, "no token: the store failed"),
        Fault::Call(failure) => tracing::warn!(provider, error = %failure, "no token"),
    }
}
