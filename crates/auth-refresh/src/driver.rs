//! The one future that flies flights and keeps the schedule.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::clock::mono_after;
use crate::entry::{Entry, Job};
use crate::flight::Cause;
use crate::fly::{Slot, fly};
use crate::queue::Queue;
use crate::schedule::{LONGEST_BACKOFF, LONGEST_REAUTH, Timetable};
use crate::state::{Command, Mark, State};
use crate::{AccountId, BoxFuture, Due, Record, Status, StoreError};

/// Flies the flights of a [`Keeper`](crate::Keeper) and renews by the schedule. Run it beside what
/// uses the keeper, for example with `tokio::spawn`; nothing is renewed while it does not run.
///
/// Ends after [`Keeper::shutdown`](crate::Keeper::shutdown), or when every keeper is gone, once the
/// token calls that were sent have been read and written. Dropping it earlier may lose the answer
/// of a call that was sent.
#[must_use = "nothing is renewed unless the driver is run"]
pub struct Driver<C> {
    work: BoxFuture<'static, ()>,
    _credential: std::marker::PhantomData<fn() -> C>,
}

impl<C> fmt::Debug for Driver<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

impl<C> Future for Driver<C> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.work.as_mut().poll(cx)
    }
}

impl<C: Clone + Send + Sync + 'static> Driver<C> {
    pub(crate) fn new(state: Arc<State<C>>, commands: mpsc::UnboundedReceiver<Command<C>>) -> Self {
        Self {
            work: Box::pin(Engine::new(state).run(commands)),
            _credential: std::marker::PhantomData,
        }
    }
}

/// At most so many accounts are taken from the store's schedule at one look, beside those that
/// wait already.
const BATCH: usize = 256;
/// The shortest time between two looks.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
/// Where the store says that something is due that it did not give (it is leased, perhaps), or
/// where it failed.
const LONGER_PAUSE: Duration = Duration::from_secs(1);
/// Looks of different processes at the same moment are spread over this: the first takes all.
const SPREAD: Duration = Duration::from_secs(1);

struct Looked {
    due: Vec<AccountId>,
    full: bool,
    soonest: Option<SystemTime>,
}

enum Done<C> {
    /// A flight has ended; when this process itself should look at the account again.
    Landed {
        account: AccountId,
        plan: Option<Instant>,
    },
    Looked(Result<Looked, StoreError>),
    Loaded(Result<Option<Record<C>>, StoreError>),
    Marked,
}

struct Engine<C> {
    state: Arc<State<C>>,
    queue: Queue<Job<C>>,
    work: FuturesUnordered<BoxFuture<'static, Done<C>>>,
    timetable: Timetable,
    next_look: Instant,
    looking: bool,
    freed: mpsc::UnboundedSender<Arc<str>>,
    freed_slots: mpsc::UnboundedReceiver<Arc<str>>,
}

impl<C: Clone + Send + Sync + 'static> Engine<C> {
    fn new(state: Arc<State<C>>) -> Self {
        let (freed, freed_slots) = mpsc::unbounded_channel();
        let settings = &state.settings;
        Self {
            queue: Queue::new(settings.flights_per_provider, settings.flights),
            work: FuturesUnordered::new(),
            timetable: Timetable::default(),
            next_look: settings.clock.monotonic(),
            looking: false,
            freed,
            freed_slots,
            state,
        }
    }

    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command<C>>) {
        let mut open = true;
        loop {
            if !open {
                self.queue.clear();
                if self.work.is_empty() {
                    return;
                }
            }
            let scheduled = open && self.state.settings.schedule;
            if scheduled {
                self.keep_schedule();
            }
            // Last before waiting, so that no job waits for an event that has passed.
            while let Some(job) = self.queue.pop() {
                self.start(job);
            }
            let timer = tokio::time::sleep(self.next_event());
            tokio::select! {
                command = commands.recv(), if open => match command {
                    None | Some(Command::Close) => {
                        open = false;
                        self.state.close();
                        // Jobs that were sent already, or come later, tell who waits for them.
                        commands.close();
                        while commands.try_recv().is_ok() {}
                    }
                    Some(command) => self.obey(command),
                },
                Some(done) = self.work.next(), if !self.work.is_empty() => self.done(done),
                Some(provider) = self.freed_slots.recv() => self.queue.done(&provider),
                () = timer, if scheduled => {}
            }
        }
    }

    /// How long until something of the schedule is due.
    fn next_event(&self) -> Duration {
        let now = self.state.settings.clock.monotonic();
        let latest = mono_after(now, self.state.settings.look_again);
        let look = if self.looking { latest } else { self.next_look };
        let at = self.timetable.soonest().map_or(look, |at| at.min(look));
        at.min(latest).saturating_duration_since(now)
    }

    fn keep_schedule(&mut self) {
        let now = self.state.now();
        while let Some(account) = self.timetable.take_due(now.mono) {
            if let Some(entry) = self.state.entry(&account) {
                self.schedule(&entry, Cause::Schedule);
            }
        }
        if !self.looking && self.next_look <= now.mono {
            self.looking = true;
            self.work.push(Box::pin(look(
                Arc::clone(&self.state),
                Due {
                    now: now.wall,
                    longest_lease: self.state.settings.longest_lease(),
                    longest_backoff: LONGEST_BACKOFF,
                    longest_reauth: LONGEST_REAUTH,
                    limit: BATCH + self.queue.waiting(),
                },
            )));
        }
    }

    fn start(&mut self, job: Job<C>) {
        let state = Arc::clone(&self.state);
        let slot = Slot::new(Arc::clone(&job.provider), self.freed.clone());
        let account = job.entry.account.clone();
        let flight = AssertUnwindSafe(fly(state, job, slot)).catch_unwind();
        self.work.push(Box::pin(async move {
            let plan = flight.await.unwrap_or_else(|_| {
                tracing::error!("a flight panicked; its account is looked at again later");
                None
            });
            Done::Landed { account, plan }
        }));
    }

    /// Begins a flight for an account whose time has come.
    fn schedule(&mut self, entry: &Arc<Entry<C>>, cause: Cause) {
        let Some(current) = entry.current.load_full() else {
            return;
        };
        if !current.renewable || current.status == Status::Disabled {
            return;
        }
        if let (_, Some(job)) = entry.join_or_begin(&current, cause, false) {
            self.enqueue(job, false);
        }
    }

    fn enqueue(&mut self, job: Job<C>, urgent: bool) {
        let provider = Arc::clone(&job.provider);
        let account = job.entry.account.clone();
        self.queue.push(&provider, account, job, urgent);
    }

    fn obey(&mut self, command: Command<C>) {
        match command {
            Command::Fly(job) => {
                let urgent = job.ticket.urgent.load(std::sync::atomic::Ordering::Relaxed);
                self.enqueue(job, urgent);
            }
            Command::Promote { provider, account } => self.queue.promote(&provider, &account),
            Command::Plan { account, at } => self.timetable.set(&account, at),
            Command::Mark(mark) => {
                let marking = set_status(Arc::clone(&self.state), mark);
                self.work.push(Box::pin(async move {
                    marking.await;
                    Done::Marked
                }));
            }
            Command::Nudge => self.next_look = self.state.settings.clock.monotonic(),
            // Handled where commands are received.
            Command::Close => {}
        }
    }

    fn done(&mut self, done: Done<C>) {
        match done {
            Done::Landed { account, plan } => {
                let plan = plan.filter(|_| self.state.settings.schedule);
                self.timetable.set(&account, plan);
            }
            Done::Looked(looked) => self.looked(looked),
            Done::Loaded(Ok(Some(record))) => {
                let entry = self.state.install_loaded(record);
                if !self.state.closing() {
                    self.schedule(&entry, Cause::Listed);
                }
            }
            Done::Loaded(_) | Done::Marked => {}
        }
    }

    fn looked(&mut self, looked: Result<Looked, StoreError>) {
        self.looking = false;
        let now = self.state.now();
        let pause = match looked {
            Err(error) => {
                tracing::warn!(%error, "the schedule could not be read");
                LONGER_PAUSE * 5
            }
            Ok(looked) => {
                let pause = if looked.full {
                    SHORTEST_PAUSE
                } else {
                    looked
                        .soonest
                        .map_or(Duration::MAX, |at| now.until(at))
                        .max(LONGER_PAUSE)
                };
                if !self.state.closing() {
                    self.take(looked.due);
                }
                pause
            }
        };
        let spread = SPREAD.mul_f64(self.state.jitter.next());
        let pause = pause.saturating_add(spread);
        let pause = pause.min(self.state.settings.look_again);
        self.next_look = mono_after(now.mono, pause);
    }

    fn take(&mut self, due: Vec<AccountId>) {
        for account in due {
            match self.state.entry(&account) {
                Some(entry) if entry.current.load().is_some() => {
                    self.schedule(&entry, Cause::Listed);
                }
                _ => {
                    let state = Arc::clone(&self.state);
                    self.work.push(Box::pin(async move {
                        Done::Loaded(state.bounded(state.store.load(&account)).await)
                    }));
                }
            }
        }
    }
}

async fn look<C: Clone + Send + Sync + 'static>(state: Arc<State<C>>, due: Due) -> Done<C> {
    let looking = async {
        let found = state.bounded(state.store.due(&due)).await?;
        Ok(Looked {
            full: found.len() >= due.limit,
            due: found,
            soonest: state.bounded(state.store.soonest()).await?,
        })
    };
    Done::Looked(looking.await)
}

async fn set_status<C: Clone + Send + Sync + 'static>(state: Arc<State<C>>, mark: Mark<C>) {
    let now = state.now();
    let account = &mark.entry.account;
    let writing =
        state
            .store
            .set_status(account, Some(mark.version), mark.to, mark.reason, now.wall);
    match state.bounded(writing).await {
        Ok(Some(record)) => {
            state.settings.observe.status(
                account,
                &record.provider,
                mark.from,
                record.status,
                record.reason.as_deref(),
            );
            mark.entry.install(record, None, now);
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "a status could not be written"),
    }
}
