//! The part of bursard, slurmdbd and restarts: lists, rows, snapshots.

use super::*;

impl World<'_> {
    pub(super) fn restart(&mut self) {
        self.plugin = Plugin::default();
        self.epoch += 1;
        self.numbers.restarts += 1;
        let (cycle, as_of) = self.visible;
        for job in &mut self.jobs {
            let unseen = job.listed_in.is_none_or(|first| first > cycle)
                && !self.agent.has_settled((job.id, job.submit))
                && job.verdict_at.plus(43_200) > self.now;
            let raised = job.raised_at.is_some_and(|at| at >= as_of);
            if (unseen || raised) && job.excuse.is_none() {
                self.numbers.lost += 1;
                job.excuse = Some(Excuse::LostAtRestart);
                job.note(self.now, "slurmctld starts again; the ledger is lost and no snapshot has this yet");
            }
        }
    }

    // bursard.

    pub(super) fn list(&mut self) {
        self.cycle.as_of = self.now.0;
        let delay = self.chance.between(0, 1);
        self.after(delay, Event::Squeue(self.token));
        // Pulled forward only from here on.
        self.next_list = self.now;
    }

    pub(super) fn squeue(&mut self) {
        let (now, jobs) = (self.now, &mut self.jobs);
        self.shown.retain(|at| jobs[*at].ended.plus(MIN_JOB_AGE) > now);
        self.cycle_number += 1;
        for at in &self.shown {
            jobs[*at].listed_in.get_or_insert(self.cycle_number);
        }
        let lines: Vec<_> = self.shown.iter().map(|at| jobs[*at].listed(self.site, now)).collect();
        self.cycle.listed = live_jobs(lines.iter());
        let delay = self.chance.between(0, 2);
        self.after(delay, Event::Sacct(self.token));
    }

    pub(super) fn sacct(&mut self) {
        self.numbers.lists += 1;
        let listed = std::mem::take(&mut self.cycle.listed);
        self.agent.take(self.site, listed, Timestamp(self.cycle.as_of), &self.database, self.now);
        let now = self.now;
        self.awaited_rows.retain(|(.., visible)| visible.plus(60) > now);
        if std::mem::take(&mut self.came_back) {
            for (key, at, _) in &self.awaited_rows {
                let job = &mut self.jobs[*at];
                if !self.agent.knows(*key) && job.excuse.is_none() {
                    job.excuse = Some(Excuse::LateRow);
                    job.note(now, "bursard is back: neither squeue nor sacct tells of this run");
                    self.numbers.late += 1;
                }
            }
        }
        let delay = self.chance.between(0, 1);
        self.after(delay, Event::Compile(self.token));
    }

    pub(super) fn compile(&mut self) {
        let published = self.agent.publish(self.site, Timestamp(self.cycle.as_of), self.now);
        let decode = |bytes| Snapshot::decode(bytes).expect("what was encoded can be decoded");
        self.cycle.controller = published.controller.map(decode);
        self.cycle.jobs = published.jobs.map(decode);
        let jobs = self.chance.between(0, 1);
        let both = (jobs + self.chance.between(0, 1)).max(1);
        self.after(jobs, Event::VisibleJobs(self.token));
        self.after(both, Event::Visible(self.token));
    }

    pub(super) fn becomes_visible(&mut self) {
        if let Some(controller) = self.cycle.controller.take() {
            self.files.controller = Some(controller);
        }
        self.visible = (self.cycle_number, Timestamp(self.cycle.as_of));
        // Brisk while bookings are fresh, then slower: what matters is that nothing is told in time, and the run's time.
        let pause = match self.active_until.seconds_since(self.now) {
            0 => self.chance.between(150, 280),
            left if left > BRISK => 2,
            _ => self.chance.between(2, 15),
        };
        self.next_list = Timestamp(self.cycle.as_of).plus(pause).max(self.now);
        self.at(self.next_list, Event::List(self.token));
    }

    // The truth.
}
