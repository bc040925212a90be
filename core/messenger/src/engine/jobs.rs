//! Work that is due by time: one list of jobs, which says what to do now and when to wake.

use sotto_db::{NEVER, PersonState, Tables};

use crate::engine::base::schedule;
use crate::engine::carry::{outcome, receipt};
use crate::engine::file::{body, down, picture, preview};
use crate::engine::group::repair;
use crate::engine::hear::bucket::{self, Meter};
use crate::engine::hear::incoming;
use crate::engine::hear::query::What;
use crate::engine::input::Effect;
use crate::engine::keys::deep::SESSIONS;
use crate::engine::keys::{invite, publish, session};
use crate::engine::people::{cards, contact, news, reset};
use crate::engine::post::parcel;
use crate::engine::talk::{effects, expire, holes, read, state};
use crate::engine::{Engine, Step, receive};
use crate::error::{Code, Error, Kind};

macro_rules! jobs {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A kind of work with its due time.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Job { $($(#[$doc])* $name,)* }

        const JOBS: &[Job] = &[$(Job::$name),*];
    };
}

// In the order in which they run.
jobs! {
    /// No node answers: tell the person.
    Offline,
    /// Release pushes held since the start.
    Release,
    /// Search far ahead of the tags that sessions expect.
    Look,
    /// Open waiting envelopes that a session expects now.
    Matched,
    Receipts,
    InviteCards,
    News,
    /// Publish the cards under the contacts secret.
    OwnCards,
    /// Publish parcels, and check whether stores have them.
    Publish,
    Probe,
    Poll,
    CatchUp,
    /// Send and fetch parts of files.
    Files,
    Previews,
    Holes,
    /// Digests, new epochs and questions of groups.
    Groups,
    /// Missing messages of groups.
    GroupHoles,
    /// What a group said since the welcome.
    GroupPast,
    Cards,
    OwnList,
    /// Delete messages whose time is over.
    Vanish,
    /// Add older texts to the index of search.
    Index,
    Expire,
}

impl Engine {
    /// When a job is due; `None` while something else must come first.
    fn at(&self, job: Job) -> Result<Option<i64>, Error> {
        let (live, db) = (&self.live, &self.db);
        let Some(own) = self.own.as_ref().filter(|own| !own.replaced || job == Job::Offline) else {
            return Ok(None); // the install that took over does the rest
        };
        let at = match job {
            // A polled bucket needs no standing connection.
            Job::Offline => live.offline_ms.filter(|_| !self.polls()),
            Job::Release => self.release_at(),
            Job::Look => self.look_from(),
            Job::Matched => (!live.matched.is_empty()).then_some(self.now_ms),
            Job::Receipts => db.read(|tx| tx.links.due_ms())?,
            Job::InviteCards => db.read(|tx| tx.invites.due_ms())?,
            Job::News => db.read(|tx| tx.news.due_ms())?,
            Job::OwnCards => Some(own.next_contacts_ms),
            Job::Publish => {
                let due = db.read(|tx| Ok::<_, Error>([tx.parcels.due_ms()?, tx.parcels.check_ms()?]))?;
                let from = live.post.hand_over_ms(live.connectivity.publish_nodes);
                due.into_iter().flatten().min().zip(from).map(|(at, from)| at.max(from))
            }
            Job::Probe => live.probe.wake_ms(),
            Job::Poll => (self.polls() && live.hear.caught_up).then_some(live.hear.poll_ms),
            Job::CatchUp => self.catch_up_from(),
            Job::Vanish => db.read(|tx| tx.messages.expires_ms())?,
            Job::Index => db.read(|tx| tx.messages.has_unindexed())?.then_some(live.index_after_ms),
            Job::Expire => Some(live.expire_after_ms),
            Job::Files => self.files_from()?,
            Job::Groups => db.read(|tx| tx.groups.due_ms())?,
            Job::GroupHoles => db.read(|tx| tx.group_chains.due_ms())?,
            _ if !live.connectivity.store => None,
            // A few at a time: other commands do not wait behind them.
            Job::Previews if live.hear.asks(|what| matches!(what, What::Preview { .. })) => None,
            Job::Previews => db.read(|tx| tx.files.preview_due_ms())?,
            Job::Holes => db.read(|tx| tx.holes.due_ms())?,
            Job::GroupPast => db.read(|tx| tx.groups.past_ms())?,
            Job::Cards => db.read(|tx| tx.persons.cards_due_ms())?,
            Job::OwnList => Some(own.next_self_ms),
        };
        Ok(at.map(|at| live.put_off.get(&job).map_or(at, |until| at.max(*until))))
    }

    fn do_job(&mut self, job: Job) -> Result<(), Error> {
        match job {
            Job::Offline => {
                self.live.offline_ms = None;
                self.notice(Code::NetworkUnreachable);
            }
            Job::Release => self.release()?,
            Job::Look => self.look_deep(SESSIONS)?,
            Job::Matched => {
                // Each of these may make another one due.
                while !self.live.matched.is_empty() {
                    let batch: Vec<_> = self.live.matched.drain(..).collect();
                    let open = |step: &mut Step<'_>, hash| receive::matched(step, &hash);
                    self.each(|_, _| Ok(batch.clone()), open, |_, _, _| Ok(()))?;
                }
            }
            Job::OwnCards => self.run(|step| {
                let read = step.tx.persons.count_in(PersonState::Accepted)? > 0;
                publish::publish_contacts(step, read)?;
                picture::refresh(step)
            })?,
            Job::Probe => self.probe(),
            Job::Poll => self.live.hear.caught_up = false,
            Job::CatchUp => self.catch_up()?,
            Job::Publish => self.do_publish()?,
            Job::OwnList => self.run(cards::ask_own)?,
            Job::Index => {
                self.live.index_after_ms = self.now_ms.saturating_add(schedule::INDEX);
                self.run(|step| read::index(step))?;
            }
            Job::Expire => self.expire()?,
            Job::Files => self.do_files()?,
            _ => self.do_rows(job)?,
        }
        Ok(())
    }

    fn do_rows(&mut self, job: Job) -> Result<(), Error> {
        match job {
            Job::Receipts => self.each(
                |tx, now_ms| tx.links.due(now_ms),
                |step, chat| receipt::leave(step, &chat),
                |step, chat, at_ms| receipt::put_off(step, chat, at_ms),
            ),
            Job::InviteCards => self.each(
                |tx, now_ms| Ok(tx.invites.all()?.into_iter().filter(|row| row.next_card_ms <= now_ms).collect()),
                |step, row| publish::publish_invite(step, row),
                |step, row, at_ms| invite::put_off(step, row, at_ms),
            ),
            Job::News => self.each(|tx, now_ms| tx.news.due(now_ms), news::leave, news::put_off),
            Job::Previews => self.each(
                |tx, now_ms| tx.files.previews(now_ms),
                |step, id| preview::ask(step, &id),
                |step, id, at_ms| preview::put_off(step, &id, at_ms),
            ),
            Job::Holes => {
                let topics = self.live.hear.topics.clone();
                self.each(
                    holes::due,
                    |step, batch| holes::ask(step, &topics, batch),
                    |step, batch, at_ms| holes::put_off(step, batch, at_ms),
                )
            }
            Job::Groups => self.each(
                |tx, now_ms| tx.groups.due(now_ms),
                |step, id| repair::due(step, &id),
                |step, id, at_ms| repair::put_off_due(step, &id, at_ms),
            ),
            Job::GroupHoles => self.each(
                |tx, now_ms| tx.group_chains.due(now_ms),
                |step, chain| repair::ask(step, &chain),
                |step, chain, at_ms| repair::put_off(step, &chain, at_ms),
            ),
            Job::GroupPast => self.each(
                |tx, now_ms| tx.groups.past(now_ms),
                |step, id| repair::ask_past(step, &id),
                |step, id, at_ms| repair::past_at(step, &id, at_ms),
            ),
            Job::Vanish => self.each(
                |tx, now_ms| tx.messages.expired(now_ms),
                |step, id| expire::end(step, &id),
                |step, id, at_ms| expire::put_off(step, &id, at_ms),
            ),
            Job::Cards => self.each(|tx, now_ms| tx.persons.cards_due(now_ms), cards::ask, contact::put_off_cards),
            _ => Ok(()),
        }
    }

    fn do_publish(&mut self) -> Result<(), Error> {
        let slots = self.live.post.slots(self.live.connectivity.publish_nodes);
        self.each(
            |tx, now_ms| tx.parcels.due(now_ms, slots),
            |step, id| body::resend(step, id).and_then(|facts| state::facts(step, facts)),
            |step, id, due_ms| parcel::wait_until(step, id, due_ms),
        )?;
        self.each(
            |tx, now_ms| tx.parcels.checks_due(now_ms, 16),
            |step, id| outcome::check(step, id),
            |step, id, at_ms| parcel::check_at(step, id, Some(at_ms)),
        )
    }

    /// Works on the due rows in one step; after a bug on each row in its own step, and the failing row is put off.
    fn each<R: Clone>(
        &mut self,
        due: impl Fn(&Tables<'_>, i64) -> Result<Vec<R>, sotto_db::Error>,
        work: impl Fn(&mut Step<'_>, R) -> Result<(), Error>,
        put_off: impl Fn(&mut Step<'_>, R, i64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // A row that cannot be worked on stops no other; a disk that fails stops all.
        let is_bug = |done: &Result<(), Error>| done.is_err_and(|error| error.kind() != Kind::Storage);
        let all = self.run(|step| due(&step.tx, step.now_ms)?.into_iter().try_for_each(|row| work(step, row)));
        if !is_bug(&all) {
            return all;
        }
        for row in self.db.read(|tx| due(tx, self.now_ms))? {
            let mut done = self.run(|step| work(step, row.clone()));
            if is_bug(&done) {
                done = self.run(|step| put_off(step, row, step.now_ms.saturating_add(schedule::BUG)));
            }
            done?;
        }
        Ok(())
    }

    /// Runs all due jobs. A job that ends in a bug is put off; any other failure ends the work.
    pub(crate) fn work(&mut self) {
        if self.own.is_none() || self.now_ms < self.live.work_after_ms {
            return;
        }
        self.subscribe();
        for &job in JOBS {
            let done = match self.at(job) {
                Ok(at) if at.is_some_and(|at| at <= self.now_ms) => self.do_job(job),
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => {}
                Err(error) if error.code() == Code::Internal => {
                    log::warn!("{error}");
                    self.live.put_off.insert(job, self.now_ms.saturating_add(schedule::BUG));
                }
                Err(error) => {
                    self.live.work_failed(self.now_ms);
                    return self.background_error(&error);
                }
            }
        }
    }

    pub(crate) fn set_wake(&mut self) {
        let wake = match self.next_wake() {
            Ok(wake) => wake,
            Err(error) => {
                if self.now_ms >= self.live.work_after_ms {
                    self.background_error(&error);
                }
                Some(self.live.work_after_ms)
            }
        };
        if wake != self.live.wake {
            self.live.wake = wake;
            self.out.push(Effect::WakeAt(wake));
        }
    }

    fn next_wake(&self) -> Result<Option<i64>, Error> {
        if self.is_replaced() {
            return Ok(None);
        }
        let mut next = NEVER;
        for &job in JOBS.iter().filter(|job| **job != Job::Expire) {
            next = next.min(self.at(job)?.unwrap_or(NEVER));
        }
        Ok((next < NEVER).then(|| next.max(self.live.work_after_ms).max(self.now_ms)))
    }

    /// Deletes expired rows, and finds silent sessions.
    fn expire(&mut self) -> Result<(), Error> {
        self.live.expire_after_ms = self.now_ms.saturating_add(schedule::EXPIRE);
        self.with_meter(|step, meter: &Meter| {
            bucket::store(step, meter)?;
            session::expire(step)?;
            for (tag, payload) in incoming::expire(step)? {
                step.index.waits_no_more(tag, payload);
            }
            reset::drop_old(step)?;
            effects::expire(step)?;
            expire::hasten(step)?;
            down::hasten(step)?;
            repair::expire(step)?;
            reset::look(step)
        })
    }
}
