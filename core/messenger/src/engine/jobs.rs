//! Work that is due by time: one list of jobs, which says what to do now and when to wake.

use sotto_db::{NEVER, PersonState, Tables};

use crate::engine::base::schedule;
use crate::engine::carry::{blob, outcome, receipt, send};
use crate::engine::hear::bucket::{self, Meter};
use crate::engine::hear::incoming;
use crate::engine::input::Effect;
use crate::engine::keys::deep::SESSIONS;
use crate::engine::keys::{invite, publish, session};
use crate::engine::people::{cards, contact, news, reset};
use crate::engine::post::parcel;
use crate::engine::talk::{holes, state};
use crate::engine::work::notice;
use crate::engine::{Engine, Step, receive};
use crate::error::{Code, Error};

/// A kind of work with its due time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Job {
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
    /// Probe the time.
    Probe,
    /// Poll a busy bucket.
    Poll,
    CatchUp,
    /// Fetch chunks of long texts.
    Chunks,
    Holes,
    /// Look for cards of contacts.
    Cards,
    OwnList,
    /// Delete expired rows.
    Expire,
}

/// The order in which jobs run.
const JOBS: [Job; 17] = [
    Job::Offline,
    Job::Release,
    Job::Look,
    Job::Matched,
    Job::Receipts,
    Job::InviteCards,
    Job::News,
    Job::OwnCards,
    Job::Publish,
    Job::Probe,
    Job::Poll,
    Job::CatchUp,
    Job::Chunks,
    Job::Holes,
    Job::Cards,
    Job::OwnList,
    Job::Expire,
];

impl Engine {
    /// When a job is due; `None` while something else must come first.
    fn at(&self, job: Job, now_ms: i64) -> Result<Option<i64>, Error> {
        let (live, db) = (&self.live, &self.db);
        let Some(own) = self.own.as_ref().filter(|own| !own.replaced || job == Job::Offline) else {
            return Ok(None); // the install that took over does the rest
        };
        let at = match job {
            // A polled bucket needs no standing connection.
            Job::Offline => live.offline_ms.filter(|_| !self.polls()),
            Job::Release => self.release_at(),
            Job::Look => self.look_from(now_ms),
            Job::Matched => (!live.matched.is_empty()).then_some(now_ms),
            Job::Receipts => db.read(|tx| tx.links.due_ms())?,
            Job::InviteCards => db.read(|tx| tx.invites.due_ms())?,
            Job::News => db.read(|tx| tx.news.due_ms())?,
            Job::OwnCards => Some(own.next_contacts_ms),
            Job::Publish => match live.post.hand_over_ms(live.publish_nodes()) {
                Some(from) => {
                    let due = db.read(|tx| Ok::<_, Error>([tx.parcels.due_ms()?, tx.parcels.check_ms()?]))?;
                    due.into_iter().flatten().min().map(|at| at.max(from))
                }
                None => None,
            },
            Job::Probe => live.probe.wake_ms(),
            Job::Poll => (self.polls() && live.hear.caught_up).then_some(live.hear.poll_ms),
            Job::CatchUp => self.catch_up_from(),
            Job::Expire => Some(live.expire_after_ms),
            _ if !live.connectivity.store => None,
            Job::Chunks => db.read(|tx| tx.fetches.due_ms())?,
            Job::Holes => db.read(|tx| tx.holes.due_ms())?,
            Job::Cards => db.read(|tx| tx.persons.cards_due_ms())?,
            Job::OwnList => Some(own.next_self_ms),
        };
        Ok(at.map(|at| live.put_off.get(&job).map_or(at, |until| at.max(*until))))
    }

    fn do_job(&mut self, job: Job, now_ms: i64, out: &mut Vec<Effect>) -> Result<(), Error> {
        match job {
            Job::Offline => {
                self.live.offline_ms = None;
                out.push(notice(Code::NetworkUnreachable));
            }
            Job::Release => self.release(now_ms, out)?,
            Job::Look => self.look_deep(now_ms, SESSIONS)?,
            Job::Matched => {
                // Each of these may make another one due.
                while !self.live.matched.is_empty() {
                    let batch: Vec<_> = self.live.matched.drain(..).collect();
                    let open = |step: &mut Step<'_>, hash| receive::matched(step, &hash);
                    self.each(now_ms, out, |_| Ok(batch.clone()), open, |_, _, _| Ok(()))?;
                }
            }
            Job::OwnCards => self.run(now_ms, out, |step| {
                let read = step.tx.persons.count_in(PersonState::Accepted)? > 0;
                publish::publish_contacts(step, read)
            })?,
            Job::Probe => self.probe(now_ms, out),
            Job::Poll => self.live.hear.caught_up = false,
            Job::CatchUp => self.catch_up(now_ms, out)?,
            Job::Publish => self.do_publish(now_ms, out)?,
            Job::OwnList => self.run(now_ms, out, cards::ask_own)?,
            Job::Expire => self.expire(now_ms, out)?,
            _ => self.do_rows(job, now_ms, out)?,
        }
        Ok(())
    }

    /// A job that works row by row.
    fn do_rows(&mut self, job: Job, now_ms: i64, out: &mut Vec<Effect>) -> Result<(), Error> {
        match job {
            Job::Receipts => {
                let leave = |step: &mut Step<'_>, chat| receipt::leave(step, &chat);
                self.each(
                    now_ms,
                    out,
                    |tx| tx.links.due(now_ms),
                    leave,
                    |step, chat, at_ms| receipt::put_off(step, chat, at_ms),
                )?;
            }
            Job::InviteCards => {
                let due = |tx: &Tables<'_>| {
                    Ok(tx.invites.all()?.into_iter().filter(|row| row.next_card_ms <= now_ms).collect())
                };
                let leave = |step: &mut Step<'_>, row| publish::publish_invite(step, row);
                self.each(now_ms, out, due, leave, |step, row, at_ms| invite::put_off(step, row, at_ms))?;
            }
            Job::News => self.each(now_ms, out, |tx| tx.news.due(now_ms), news::leave, news::put_off)?,
            Job::Chunks => self.each(
                now_ms,
                out,
                |tx| tx.fetches.due(now_ms),
                |step, row| blob::ask(step, row),
                |step, row, due_ms| blob::put_off(step, row, due_ms),
            )?,
            Job::Holes => {
                let topics = self.live.hear.topics.clone();
                let ask = |step: &mut Step<'_>, batch| holes::ask(step, &topics, batch);
                self.each(
                    now_ms,
                    out,
                    |tx| holes::due(tx, now_ms),
                    ask,
                    |step, batch, at_ms| holes::put_off(step, batch, at_ms),
                )?;
            }
            Job::Cards => self.each(
                now_ms,
                out,
                |tx| tx.persons.cards_due(now_ms),
                cards::ask,
                |step, chat, at_ms| contact::put_off_cards(step, &chat, at_ms),
            )?,
            _ => {}
        }
        Ok(())
    }

    /// Parcels that are due, and due checks at stores.
    fn do_publish(&mut self, now_ms: i64, out: &mut Vec<Effect>) -> Result<(), Error> {
        let slots = self.live.post.slots(self.live.publish_nodes());
        self.each(
            now_ms,
            out,
            |tx| tx.parcels.due(now_ms, slots),
            |step, id| send::resend(step, id).and_then(|facts| state::facts(step, facts)),
            |step, id, due_ms| parcel::wait_until(step, id, due_ms),
        )?;
        self.each(
            now_ms,
            out,
            |tx| tx.parcels.checks_due(now_ms, 16),
            |step, id| outcome::check(step, id),
            |step, id, at_ms| parcel::check_at(step, id, Some(at_ms)),
        )
    }

    /// Works on the due rows in one step. If that ends in a bug, works on each row in its own step: the failing row is
    /// put off, and the others go on.
    fn each<R: Clone>(
        &mut self,
        now_ms: i64,
        out: &mut Vec<Effect>,
        due: impl Fn(&Tables<'_>) -> Result<Vec<R>, sotto_db::Error>,
        work: impl Fn(&mut Step<'_>, R) -> Result<(), Error>,
        put_off: impl Fn(&mut Step<'_>, R, i64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let is_bug = |done: &Result<(), Error>| done.is_err_and(|error| error.code() == Code::Internal);
        let all = self.run(now_ms, out, |step| due(&step.tx)?.into_iter().try_for_each(|row| work(step, row)));
        if !is_bug(&all) {
            return all;
        }
        for row in self.db.read(due)? {
            let mut done = self.run(now_ms, out, |step| work(step, row.clone()));
            if is_bug(&done) {
                done = self.run(now_ms, out, |step| put_off(step, row, now_ms.saturating_add(schedule::BUG)));
            }
            done?;
        }
        Ok(())
    }

    /// Runs all due jobs. A job that ends in a bug is put off; any other failure ends the work.
    pub(crate) fn work(&mut self, now_ms: i64, out: &mut Vec<Effect>) {
        if self.own.is_none() || now_ms < self.live.work_after_ms {
            return;
        }
        self.subscribe(now_ms, out);
        for job in JOBS {
            let done = match self.at(job, now_ms) {
                Ok(at) if at.is_some_and(|at| at <= now_ms) => self.do_job(job, now_ms, out),
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => {}
                Err(error) if error.code() == Code::Internal => {
                    log::warn!("{error}");
                    self.live.put_off.insert(job, now_ms.saturating_add(schedule::BUG));
                }
                Err(error) => {
                    self.live.work_failed(now_ms);
                    return self.background_error(now_ms, &error, out);
                }
            }
        }
    }

    /// Names the next deadline if it changed.
    pub(crate) fn set_wake(&mut self, now_ms: i64, out: &mut Vec<Effect>) {
        let wake = match self.next_wake(now_ms) {
            Ok(wake) => wake,
            Err(error) => {
                if now_ms >= self.live.work_after_ms {
                    self.background_error(now_ms, &error, out);
                }
                Some(self.live.work_after_ms)
            }
        };
        if wake != self.live.wake {
            self.live.wake = wake;
            out.push(Effect::WakeAt(wake));
        }
    }

    fn next_wake(&self, now_ms: i64) -> Result<Option<i64>, Error> {
        if self.is_replaced() {
            return Ok(None);
        }
        let mut next = NEVER;
        for job in JOBS.into_iter().filter(|job| *job != Job::Expire) {
            next = next.min(self.at(job, now_ms)?.unwrap_or(NEVER));
        }
        Ok((next < NEVER).then(|| next.max(self.live.work_after_ms).max(now_ms)))
    }

    /// Deletes expired rows, and finds silent sessions.
    fn expire(&mut self, now_ms: i64, out: &mut Vec<Effect>) -> Result<(), Error> {
        self.live.expire_after_ms = now_ms.saturating_add(schedule::EXPIRE);
        self.with_meter(now_ms, out, |step, meter: &Meter| {
            bucket::store(step, meter)?;
            session::expire(step)?;
            for (tag, payload) in incoming::expire(step)? {
                step.index.waits_no_more(tag, payload);
            }
            reset::drop_old(step)?;
            reset::look(step)
        })
    }
}
