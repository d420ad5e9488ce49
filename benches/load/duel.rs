//! Two servers under the same load, in turns, so that what changes on the machine
//! meanwhile meets both.

use super::machine;
use super::run::{Run, no_latencies};
use super::server::{Cpu, Server};
use super::sheet::{median, spread};
use anyhow::ensure;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// What came of it.
#[derive(Debug)]
pub struct Duel {
    /// Groundswell's side.
    pub rival: Side,
    /// The other.
    pub yardstick: Side,
}

/// The rounds of one server.
#[derive(Debug, Default)]
pub struct Side {
    runs: Vec<Run>,
    cpu: Cpu,
    threads: BTreeMap<String, Cpu>,
    written_bytes: u64,
    busy_seconds: f64,
}

/// Cores that were busy, on average.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    /// With the server.
    pub server: f64,
    /// With the load.
    pub client: f64,
    /// With anything else. Where this is not next to nothing, the figures beside it are
    /// those of a disturbed run.
    pub others: f64,
}

/// Lets both servers play so many rounds, in turns.
///
/// # Errors
/// Where a round fails, or an answer was not as expected.
pub fn fight(
    rounds: usize,
    rival: &Server,
    yardstick: &Server,
    mut play: impl FnMut(&Server) -> anyhow::Result<Run>,
) -> anyhow::Result<Duel> {
    let mut duel = Duel { rival: Side::default(), yardstick: Side::default() };
    for round in 1..=rounds {
        duel.yardstick.play(yardstick, &mut play)?;
        duel.rival.play(rival, &mut play)?;
        eprintln!("round {round} of {rounds}: {:.3} of the yardstick", duel.ratios()[round - 1]);
    }
    Ok(duel)
}

impl Duel {
    /// Answers a second as a share of the yardstick's, round by round.
    #[must_use]
    pub fn ratios(&self) -> Vec<f64> {
        let pairs = self.rival.runs.iter().zip(&self.yardstick.runs);
        pairs.map(|(rival, yardstick)| rival.per_second() / yardstick.per_second()).collect()
    }

    /// The median ratio and its extremes, beside the target, as a sentence.
    #[must_use]
    pub fn verdict(&self, target: f64) -> String {
        let ratios = self.ratios();
        let median = median(&ratios);
        let met = if median >= target { "met" } else { "missed" };
        format!(
            "**{median:.2}** of the yardstick (rounds {}), target {target}: {met}",
            spread(&ratios, |ratio| format!("{ratio:.2}"))
        )
    }
}

impl Side {
    /// Lets a server play a round.
    ///
    /// # Errors
    /// Where the round fails, or an answer was not as expected.
    pub fn play(
        &mut self,
        server: &Server,
        play: impl FnOnce(&Server) -> anyhow::Result<Run>,
    ) -> anyhow::Result<()> {
        let (cpu, threads, written) =
            (server.cpu()?, server.cpu_by_thread()?, server.written_bytes()?);
        let busy = machine::busy_seconds();
        let run = play(server)?;
        ensure!(
            run.wrong == 0,
            "{} gave {} wrong answers, first: {}",
            server.name,
            run.wrong,
            run.first_wrong.unwrap_or_default()
        );
        self.busy_seconds += machine::busy_seconds() - busy;
        let used = server.cpu()?.since(cpu);
        self.cpu = Cpu { user: self.cpu.user + used.user, system: self.cpu.system + used.system };
        for (name, now) in server.cpu_by_thread()? {
            let used = now.since(threads.get(&name).copied().unwrap_or_default());
            let sum = self.threads.entry(name).or_default();
            *sum = Cpu { user: sum.user + used.user, system: sum.system + used.system };
        }
        self.written_bytes += server.written_bytes()? - written;
        self.runs.push(run);
        Ok(())
    }

    /// Answers a second, round by round.
    #[must_use]
    pub fn per_second(&self) -> Vec<f64> {
        self.runs.iter().map(Run::per_second).collect()
    }

    /// Bytes answered a second, the median.
    #[must_use]
    pub fn bytes_per_second(&self) -> f64 {
        median(&self.runs.iter().map(|run| run.bytes as f64 / run.seconds).collect::<Vec<_>>())
    }

    /// Latencies of all rounds, in microseconds.
    #[must_use]
    pub fn latencies(&self) -> Histogram<u64> {
        let mut all = no_latencies();
        for run in &self.runs {
            all.add(&run.latencies).expect("all histograms have one range");
        }
        all
    }

    /// The server's CPU time an answer, in microseconds: in its own code and in the
    /// kernel's.
    #[must_use]
    pub fn cpu_us_per_answer(&self) -> Cpu {
        self.per_answer_us(self.cpu)
    }

    /// The same by thread, those that used some.
    pub fn thread_us_per_answer(&self) -> impl Iterator<Item = (&str, Cpu)> {
        self.threads
            .iter()
            .map(|(name, cpu)| (name.as_str(), self.per_answer_us(*cpu)))
            .filter(|(_, cpu)| cpu.seconds() > 0.0)
    }

    /// The client's CPU time an answer, in microseconds.
    #[must_use]
    pub fn client_us_per_answer(&self) -> f64 {
        self.runs.iter().map(|run| run.client_cpu_seconds).sum::<f64>() * 1e6 / self.all_answers()
    }

    /// How many cores were busy with what.
    #[must_use]
    pub fn cores(&self) -> Cores {
        let sum = |seconds: fn(&Run) -> f64| self.runs.iter().map(seconds).sum::<f64>();
        Cores::of(
            self.cpu.seconds(),
            sum(|run| run.client_cpu_seconds),
            self.busy_seconds,
            sum(|run| run.whole_seconds),
        )
    }

    /// Bytes written to disk an answer.
    #[must_use]
    pub fn written_bytes_per_answer(&self) -> f64 {
        self.written_bytes as f64 / self.all_answers()
    }

    fn per_answer_us(&self, cpu: Cpu) -> Cpu {
        let us = 1e6 / self.all_answers();
        Cpu { user: cpu.user * us, system: cpu.system * us }
    }

    /// All answers, those before the measured spans too.
    #[must_use]
    pub fn all_answers(&self) -> f64 {
        self.runs.iter().map(|run| run.all_answers as f64).sum()
    }
}

impl Cores {
    /// From CPU times of server and client, that of the whole machine, and the time by
    /// the clock.
    #[must_use]
    pub fn of(server: f64, client: f64, machine: f64, clock: f64) -> Self {
        // Ticks are coarse: a quiet machine may come out a little below zero.
        let others = (machine - server - client).max(0.0);
        Self { server: server / clock, client: client / clock, others: others / clock }
    }
}

impl std::fmt::Display for Cores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} + {:.2} + {:.2}", self.server, self.client, self.others)
    }
}
