//! slurmctld's part of the world: jobs wait, start, are suspended and requeued, and end.

use super::*;

impl World<'_> {
    /// The partitions in which a job could ever start.
    pub(super) fn fitting(&self, partitions: &[usize], minutes: Option<u32>, ask: &crate::plan::Ask) -> Vec<usize> {
        let fits = |at: &usize| {
            let partition = &self.site.cluster.partitions[*at];
            let short = minutes.is_none_or(|asked| partition.max_minutes.is_none_or(|most| asked <= most));
            short && allocation(ask, self.site, *at, 0, &mut Random::of(0, 0)).is_some()
        };
        partitions.iter().copied().filter(fits).collect()
    }

    pub(super) fn schedule(&mut self) {
        self.scheduled = false;
        let waiting: Vec<usize> =
            self.shown.iter().copied().filter(|at| self.jobs[*at].state == State::Pending).collect();
        for at in waiting {
            while self.jobs[at].state == State::Pending && self.jobs[at].eligible <= self.now {
                let job = &mut self.jobs[at];
                // One event for each: were it looked at before, events would breed while jobs wait.
                if job.passed_over > self.now {
                    break;
                }
                if job.random.chance(35) {
                    let later = self.now.plus(job.random.magnitude(1, 2_400));
                    job.passed_over = later;
                    self.at(later, Event::Schedule);
                    break;
                }
                if !self.start(at) {
                    break;
                }
            }
        }
    }

    pub(super) fn reschedule(&mut self) {
        if !self.scheduled {
            self.scheduled = true;
            self.after(1, Event::Schedule);
        }
    }

    /// Starts a job, or one task of an array, if there are CPUs and GPUs.
    pub(super) fn start(&mut self, at: usize) -> bool {
        let job = &mut self.jobs[at];
        let place = job.random.pick(&job.partitions);
        let partition = &self.site.cluster.partitions[place];
        let Some(held) = allocation(&job.ask, self.site, place, job.queue, &mut job.random) else {
            return false;
        };
        if held[CPU] > self.free[0] || held[GPU] > self.free[1] {
            return false;
        }
        let mut runs = at;
        if job.tasks > 1 {
            job.tasks -= 1;
            let mut task = job.clone();
            task.id = self.next_id;
            task.tasks = 1;
            task.random = Random::of(job.random.next(), u64::from(self.next_id));
            self.next_id += 1;
            runs = self.jobs.len();
            self.shown.push(runs);
            self.jobs.push(task);
        }
        self.free = [self.free[0] - held[CPU], self.free[1] - held[GPU]];
        self.numbers.runs += 1;
        let job = &mut self.jobs[runs];
        self.numbers.requeued += u64::from(job.restarts > 0);
        let limit = job.limit_in(partition);
        job.serial += 1;
        job.state = State::Running;
        job.started = Some(self.now);
        job.runs_since = self.now;
        job.held = held;
        job.partitions = vec![place];
        job.minutes = limit.map(|seconds| (seconds / 60) as u32);
        job.wants = wants(&mut job.random, limit);
        job.note(self.now, format!("job {} starts with {held:?} of {}, limit {limit:?} s", job.id, partition.name));
        let (serial, wanted) = (job.serial, job.wants);
        let turn = job.random.between(0, 99);
        let inside = job.random.between(0, wanted.saturating_sub(1));
        self.truth.runs(runs, &self.jobs[runs], self.now);
        match turn {
            0..5 => self.after(inside, Event::Requeue(runs, serial)),
            5..11 => self.after(inside, Event::Suspend(runs, serial)),
            _ => self.after(wanted, Event::End(runs, serial)),
        }
        true
    }

    /// The run is over; slurmdbd will tell.
    pub(super) fn leave(&mut self, at: usize, state: EndState) {
        let job = &mut self.jobs[at];
        match job.state {
            State::Running => job.ran += self.now.seconds_since(job.runs_since),
            State::Suspended => job.suspended += self.now.seconds_since(job.suspended_at),
            State::Pending | State::Ended(_) => {}
        }
        job.serial += 1;
        job.note(self.now, format!("{} after {} s", state.word(), job.ran));
        if job.started.is_some() {
            self.free = [self.free[0] + job.held[CPU], self.free[1] + job.held[GPU]];
        }
        let delay = match job.random.between(0, 99) {
            0..92 => job.random.between(0, 60),
            _ => job.random.magnitude(60, 1_800),
        };
        let visible = self.now.plus(delay);
        let row = listed::run(&job.row(self.site, state, self.now));
        self.awaited_rows.push(((row.jobid, row.submitted_at), at, visible));
        self.database.add(self.now, visible, row);
        self.truth.stands(at, self.now);
        self.reschedule();
    }

    pub(super) fn end(&mut self, at: usize, state: EndState) {
        self.leave(at, state);
        self.jobs[at].state = State::Ended(state);
        self.jobs[at].ended = self.now;
    }

    pub(super) fn requeue(&mut self, at: usize) {
        if self.jobs[at].submit == self.now {
            return self.end(at, EndState::Failed);
        }
        self.leave(at, EndState::Requeued);
        let job = &mut self.jobs[at];
        let delay = job.random.pick(&[0, 0, 121]);
        job.state = State::Pending;
        job.submit = self.now;
        job.eligible = self.now.plus(delay);
        job.started = None;
        job.held = Amounts::default();
        job.ran = 0;
        job.suspended = 0;
        job.restarts += 1;
        self.after(delay, Event::Schedule);
    }

    pub(super) fn suspend(&mut self, at: usize) {
        self.numbers.suspended += 1;
        let job = &mut self.jobs[at];
        job.serial += 1;
        job.ran += self.now.seconds_since(job.runs_since);
        job.state = State::Suspended;
        job.suspended_at = self.now;
        job.note(self.now, format!("suspended after {} s", job.ran));
        let length = job.random.magnitude(5, 14 * 3_600);
        let serial = job.serial;
        let gone = job.random.chance(10);
        self.truth.stands(at, self.now);
        self.after(length, if gone { Event::End(at, serial) } else { Event::Resume(at, serial) });
    }

    pub(super) fn resume(&mut self, at: usize) {
        let job = &mut self.jobs[at];
        job.serial += 1;
        job.suspended += self.now.seconds_since(job.suspended_at);
        job.state = State::Running;
        job.runs_since = self.now;
        job.note(self.now, "resumed");
        let (serial, rest) = (job.serial, job.wants - job.ran);
        let again = job.random.chance(20);
        let inside = job.random.between(0, rest.saturating_sub(1));
        self.truth.runs(at, &self.jobs[at], self.now);
        if again {
            self.after(inside, Event::Suspend(at, serial));
        } else {
            self.after(rest, Event::End(at, serial));
        }
    }

    pub(super) fn cancel_pending(&mut self, at: usize) {
        if self.jobs[at].state == State::Pending {
            self.end(at, EndState::Cancelled);
        }
    }
}
