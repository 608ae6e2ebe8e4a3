//! Several processes, one store, one vendor, and everything that goes wrong between them, in
//! simulated time. Each seed is another history.

use std::time::{Duration, SystemTime};

use super::*;
use crate::shelf::Shelf;
use crate::{AccountId, OnLostAnswer, Status};

const LEASE: u64 = 20_000;
const LONGEST_LEASE: u64 = 60_000;
const LIFE: u64 = 600_000;

/// The vendor's refresh token is a number that grows with each grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cred {
    refresh: u32,
}

/// What goes wrong, each in percent of the occasions.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    store_errors: u64,
    vendor_errors: u64,
    lost_answers: u64,
    crashes: u64,
    clock_jumps: u64,
    lost_renewals: u64,
    defer: bool,
    /// Each refresh token is taken once, and never again.
    strict: bool,
}

/// Takes a token as long as no token that came of it was used: what many vendors do for a while.
#[derive(Default)]
struct Vendor {
    floor: u32,
    latest: u32,
    refusals: u32,
    grants: u32,
}

impl Vendor {
    fn token_call(&mut self, refresh: u32, strict: bool) -> Option<Cred> {
        if refresh < self.floor || (strict && refresh < self.latest) {
            self.refusals += 1;
            return None;
        }
        self.floor = refresh;
        self.latest += 1;
        self.grants += 1;
        Some(Cred {
            refresh: self.latest,
        })
    }
}

#[expect(clippy::large_enum_variant, reason = "one a process, in a test")]
enum Doing {
    Step(Step<Cred>),
    Mark,
    Reach,
    Answer(Result<Granted<Cred>, Failure>),
}

struct Run {
    cause: Cause,
    flight: Flight<Cred>,
    doing: Doing,
    at: u64,
    began: u64,
    renew_at: Option<u64>,
    from: SystemTime,
    sent_at: Option<SystemTime>,
    waited: bool,
}

struct Process {
    name: String,
    /// How far its clock is off, in ms.
    skew: i64,
    known: u64,
    run: Option<Run>,
}

struct World {
    random: u64,
    now: u64,
    faults: Faults,
    /// Faults happen until then.
    calm_from: u64,
    shelf: Shelf<Cred>,
    vendor: Vendor,
    processes: Vec<Process>,
    ended: u32,
}

fn acme() -> AccountId {
    AccountId::from("acme")
}

impl World {
    fn new(seed: u64, processes: usize, faults: Faults) -> Self {
        let mut world = Self {
            random: seed,
            now: 1_000_000_000,
            faults,
            calm_from: 1_000_000_000 + 1_200_000,
            shelf: Shelf::default(),
            vendor: Vendor::default(),
            processes: Vec::new(),
            ended: 0,
        };
        for n in 0..processes {
            let skew = i64::try_from(world.below(10_000)).unwrap() - 5_000;
            world.processes.push(Process {
                name: format!("process-{n}"),
                skew,
                known: 1,
                run: None,
            });
        }
        let now = world.wall(0);
        world.shelf.put(Record {
            renewable: true,
            expires_at: Some(now + Duration::from_millis(LIFE)),
            refresh_at: Some(now),
            ..Record::new("acme", "vendor", Cred { refresh: 0 }, now)
        });
        world
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn happens(&mut self, percent: u64) -> bool {
        self.now < self.calm_from && self.below(100) < percent
    }

    fn wall(&self, process: usize) -> SystemTime {
        let skew = self.processes.get(process).map_or(0, |p| p.skew);
        let ms = self.now.saturating_add_signed(skew);
        SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
    }

    fn sight(&mut self, process: usize, waited: bool) -> Sight {
        let random = Duration::from_millis(self.below(1000)).as_secs_f64();
        Sight {
            now: self.wall(process),
            waited,
            closing: false,
            random,
        }
    }

    fn begin(&mut self, process: usize, cause: Cause) {
        let waited = self.below(2) == 0;
        let sight = self.sight(process, waited);
        let policy = RefreshPolicy {
            on_lost_answer: if self.faults.defer {
                OnLostAnswer::Defer
            } else {
                OnLostAnswer::Retry
            },
            ..RefreshPolicy::default()
        };
        let terms = Terms {
            policy,
            lease: Duration::from_millis(LEASE),
            longest_lease: Duration::from_millis(LONGEST_LEASE),
        };
        let known = self.processes[process].known;
        let (flight, step) = Flight::begin(cause, known, terms, sight);
        let latency = self.below(300);
        self.processes[process].run = Some(Run {
            cause,
            flight,
            doing: Doing::Step(step),
            at: self.now + latency,
            began: self.now,
            renew_at: None,
            from: sight.now,
            sent_at: None,
            waited,
        });
    }

    /// Lets a store operation happen, or fail, or happen while only its answer is lost.
    fn store<T>(&mut self, operation: impl FnOnce(&mut Self) -> T) -> Result<T, StoreError> {
        let away = StoreError::new("the store is away");
        if !self.happens(self.faults.store_errors) {
            return Ok(operation(self));
        }
        if self.below(3) == 0 {
            operation(self);
        }
        Err(away)
    }

    /// Runs one event of the process whose time comes first.
    fn step(&mut self) -> bool {
        let next = (0..self.processes.len())
            .filter_map(|n| {
                let run = self.processes[n].run.as_ref()?;
                Some((run.renew_at.map_or(run.at, |at| at.min(run.at)), n))
            })
            .min();
        let Some((at, process)) = next else {
            return false;
        };
        self.now = self.now.max(at);
        let Some(mut run) = self.processes[process].run.take() else {
            return false;
        };
        if self.happens(self.faults.crashes) {
            // The process is started anew, and reads the store.
            self.processes[process].known = self.shelf.load(&acme()).unwrap().version;
            return true;
        }
        if self.happens(self.faults.clock_jumps) {
            let hours = i64::try_from(self.below(5)).unwrap() - 2;
            self.processes[process].skew = hours * 3_600_000;
        }
        if run.renew_at.is_some_and(|at| at <= self.now) && run.at > self.now {
            let (lease, _) = run.flight.hold().unwrap();
            let until = self.wall(process) + Duration::from_millis(LEASE);
            if !self.happens(self.faults.lost_renewals) {
                self.shelf.renew(&lease, until);
            }
            run.renew_at = Some(self.now + LEASE / 3);
            self.processes[process].run = Some(run);
            return true;
        }
        self.advance(process, run);
        true
    }

    fn advance(&mut self, process: usize, mut run: Run) {
        let wall = self.wall(process);
        let account = acme();
        let doing = std::mem::replace(&mut run.doing, Doing::Mark);
        let event = match doing {
            Doing::Step(Step::Load) => Event::Loaded(self.store(|w| w.shelf.load(&account))),
            Doing::Step(Step::Acquire { version, until }) => {
                let owner = self.processes[process].name.clone();
                let longest = Duration::from_millis(LONGEST_LEASE);
                Event::Acquired(self.store(|w| {
                    w.shelf
                        .acquire(&account, version, &owner, wall, until, longest)
                }))
            }
            Doing::Step(Step::Pause(_)) => Event::Paused,
            Doing::Step(Step::Call) => {
                let (_, record) = run.flight.hold().unwrap();
                let rejected =
                    matches!(run.cause, Cause::Rejected { version } if version == record.version);
                if self.faults.defer && record.sent_at.is_some() && !rejected {
                    assert!(
                        outcome::is_over(&record, wall + Duration::from_secs(1)),
                        "sent again"
                    );
                }
                run.from = wall;
                return self.again(process, run, Doing::Mark, 300);
            }
            Doing::Mark => {
                let (lease, _) = run.flight.hold().unwrap();
                match self.store(|w| w.shelf.mark_sent(&lease, wall)) {
                    Ok(true) => {
                        run.sent_at = Some(wall);
                        run.renew_at = Some(self.now + LEASE / 3);
                        return self.again(process, run, Doing::Reach, 1_000);
                    }
                    Ok(false) => called(&run, Err(Failure::not_sent("fenced")), true),
                    Err(_) => called(&run, Err(Failure::not_sent("unmarked")), false),
                }
            }
            Doing::Reach => {
                self.assert_alone(process);
                let answer = self.reach_vendor(&run, wall);
                return self.again(process, run, Doing::Answer(answer), 90_000);
            }
            Doing::Answer(result) => {
                run.renew_at = None;
                let event = called(&run, result, false);
                run.sent_at = None;
                event
            }
            Doing::Step(Step::Commit(renewed)) => {
                let (lease, _) = run.flight.hold().unwrap();
                Event::Committed(self.store(|w| w.shelf.commit(&lease, renewed)))
            }
            Doing::Step(Step::GiveBack(outcome)) => {
                let (lease, _) = run.flight.hold().unwrap();
                Event::GivenBack(self.store(|w| w.shelf.give_back(&lease, outcome)))
            }
            Doing::Step(Step::End(end)) => return self.end(process, end),
        };
        let sight = self.sight(process, run.waited);
        let step = run.flight.next(event, sight);
        let latency = match &step {
            Step::Pause(pause) => u64::try_from(pause.as_millis()).unwrap() + 1,
            Step::End(_) => 0,
            _ => self.below(300),
        };
        // No flight is lost: once nothing goes wrong any more, each comes to its end.
        let calm_for = self.now.saturating_sub(self.calm_from.max(run.began));
        assert!(calm_for < 900_000, "a flight does not end");
        run.at = self.now + latency;
        run.doing = Doing::Step(step);
        self.processes[process].run = Some(run);
    }

    fn again(&mut self, process: usize, mut run: Run, doing: Doing, longest: u64) {
        run.at = self.now + self.below(longest);
        run.doing = doing;
        self.processes[process].run = Some(run);
    }

    fn reach_vendor(&mut self, run: &Run, wall: SystemTime) -> Result<Granted<Cred>, Failure> {
        if self.happens(self.faults.vendor_errors) {
            return Err(Failure::Transient {
                reason: "503".into(),
                retry_after: None,
            });
        }
        let (_, record) = run.flight.hold().unwrap();
        let granted = self
            .vendor
            .token_call(record.credential.refresh, self.faults.strict);
        if self.happens(self.faults.lost_answers) {
            return Err(Failure::unanswered("cut"));
        }
        granted
            .map(|credential| Granted {
                credential,
                expires_at: Some(wall + Duration::from_millis(LIFE)),
                refresh_expires_at: None,
            })
            .ok_or(Failure::Refused {
                reason: "invalid_grant".into(),
            })
    }

    /// One token call at a time, as long as leases are renewed and clocks agree.
    fn assert_alone(&self, process: usize) {
        if self.faults.clock_jumps > 0 || self.faults.lost_renewals > 0 {
            return;
        }
        let others = self.processes.iter().enumerate().filter(|(n, p)| {
            let doing = p.run.as_ref().map(|run| &run.doing);
            *n != process && matches!(doing, Some(Doing::Reach | Doing::Answer(_)))
        });
        assert_eq!(others.count(), 0, "two token calls at a time");
    }

    fn end(&mut self, process: usize, end: End<Cred>) {
        self.ended += 1;
        if let End::Renewed { record, .. } = end {
            let durable = self.shelf.load(&acme()).unwrap();
            assert!(
                durable.version > record.version
                    || (durable.version == record.version
                        && durable.credential == record.credential),
                "published before it was durable"
            );
            self.processes[process].known = record.version;
        }
    }

    /// An hour of faults, then peace until all flights have ended.
    fn run(&mut self) {
        while self.now < self.calm_from {
            let process = usize::try_from(self.below(self.processes.len() as u64)).unwrap();
            if self.processes[process].run.is_none() && self.below(3) == 0 {
                let known = self.processes[process].known;
                let cause = match self.below(5) {
                    0 => Cause::Hand,
                    1 => Cause::Wanted,
                    2 => Cause::Rejected { version: known },
                    3 => Cause::Listed,
                    _ => Cause::Schedule,
                };
                self.begin(process, cause);
            }
            if !self.step() {
                self.now += 1_000;
            }
        }
        for process in 0..self.processes.len() {
            self.processes[process].skew = 0;
        }
        while self.step() {}
    }

    /// After the last fault: one flight by hand, once leases and the token's life are over.
    fn heal(&mut self) {
        self.now += LIFE + LONGEST_LEASE + 10_000_000;
        self.begin(0, Cause::Hand);
        while self.step() {}
    }
}

fn called(run: &Run, result: Result<Granted<Cred>, Failure>, fenced: bool) -> Event<Cred> {
    Event::Called(Call {
        result,
        from: run.from,
        sent_at: run.sent_at,
        fenced,
    })
}

mod properties;
