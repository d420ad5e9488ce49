//! What do keys and limits cost a server under load? Single reports with a key beside the
//! same without; and one key that sends ten times what it may, beside others.

mod load;

use anyhow::ensure;
use load::cities::Cities;
use load::closed_loop;
use load::crowd::Crowd;
use load::duel::{self, Cores, Side};
use load::open_loop::{self, Stream};
use load::pool::Pool;
use load::run::{Expected, Run, Span, no_latencies};
use load::server::Server;
use load::task::{Options, Task};
use load::{disk, http, key, machine, sheet};
use std::path::Path;

const CONNECTIONS: usize = 512;
/// Of reports without a key, from the requirements.
const TARGET: f64 = 0.95;
/// What the key that sends too much may send in a second, and what it sends.
const ALLOWED: &str = "1000";
const SENT: f64 = 10_000.0;
/// Of the others, from the requirements.
const P99_TARGET_MS: f64 = 50.0;
/// Of the server a refused request, from the requirements.
const CPU_TARGET_US: f64 = 15.0;
/// What an app is allowed whose limit is never reached.
const PLENTY: &str = "1000000";
/// What an address is allowed whose limit is never reached.
const PLENTY_A_MINUTE: &str = "4000000000";
/// Reports of a batch that a key of one a second is granted, and then owes: it is refused
/// for longer than a bench takes.
const OWED: usize = 50;
const COUNTED: Expected = Expected { status: 202, containing: r#""outcome":"counted""# };
const REFUSED: Expected = Expected { status: 429, containing: "rate_limited" };
const BATCH_COUNTED: Expected = Expected { status: 200, containing: r#""counted":50,"# };

/// The keys of a server: each is for reports of one app.
struct Keys {
    /// May send more than it can.
    admitted: String,
    /// May send a tenth of what it sends.
    excessive: String,
    /// May send a report a second: a batch of the least that is granted uses up the most.
    exhausted: String,
}

/// Others at half of what a server can, alone or beside the key that sends too much.
#[derive(Default)]
struct Half {
    runs: Vec<Run>,
    excess: Vec<Run>,
    cpu: f64,
    busy: f64,
}

fn main() -> anyhow::Result<()> {
    match Task::from_args()? {
        Task::Measure(options) => measure(options),
        Task::Yardstick(_) => anyhow::bail!("this bench compares Groundswell with itself"),
    }
}

fn measure(options: Options) -> anyhow::Result<()> {
    let scratch = disk::scratch()?;
    let mut crowd = Crowd::new(9, Cities::of("CA")?);
    with_a_key(options, scratch.path(), &mut crowd)?;
    too_much(options, scratch.path(), &mut crowd)?;
    let fsync = disk::median_fsync(scratch.path())?;
    sheet::paragraph(&format!("Median fsync {fsync:?}. A new reporter every time."));
    Ok(())
}

/// A server that keys say who may call, and its keys.
fn started(directory: &Path, name: &str, settings: &[&str]) -> anyhow::Result<(Server, Keys)> {
    let store = directory.join(name);
    key::create_source(&store, "app")?;
    key::create(&store, "admin", &["--scopes", "admin"])?;
    let app = |name, per_second| {
        let limit = ["--scopes", "report", "--source", "app", "--per-second", per_second];
        key::create(&store, name, &limit)
    };
    let keys = Keys {
        admitted: app("admitted", PLENTY)?,
        excessive: app("excessive", ALLOWED)?,
        exhausted: app("exhausted", "1")?,
    };
    let settings = [&["--auth", "keys", "--anonymous", "report"][..], settings].concat();
    let log = store.with_extension("log");
    Ok((Server::groundswell_by(&settings, &store.display().to_string(), &log)?, keys))
}

fn with_a_key(options: Options, directory: &Path, crowd: &mut Crowd) -> anyhow::Result<()> {
    // Without a key a limit is looked at too, or the two would not be asked the same.
    let settings = ["--reports-per-minute", PLENTY_A_MINUTE];
    let (server, keys) = started(directory, "with-a-key", &settings)?;
    let (rounds, span) = options.pick((3, Span::seconds(0.3, 1.0)), (9, Span::seconds(0.5, 3.0)));
    // Both sides are one server: its turns are without a key and with one.
    let mut turns = [None, Some(&keys.admitted)].into_iter().cycle();
    let duel = duel::fight(rounds, &server, &server, |server| {
        let mut pool = Pool::of_single_reports(crowd, 4_096);
        if let Some(key) = turns.next().flatten() {
            pool = pool.with_key(key);
        }
        closed_loop::for_a_span(server.address, CONNECTIONS, span, COUNTED, |request| {
            pool.next(request);
        })
    })?;
    sheet::title("Single reports with a key");
    sheet::table(
        [
            "callers",
            "reports/s",
            "rounds",
            "p50 ms",
            "p99 ms",
            "server CPU µs each",
            "client CPU µs each",
            "cores: server + client + others",
        ],
        &[row("without a key", &duel.yardstick), row("with a key", &duel.rival)],
    );
    sheet::paragraph(&format!(
        "{CONNECTIONS} connections to one server, in turns without a key and with one, which here \
         are yardstick and rival: {}.",
        duel.verdict(TARGET)
    ));
    Ok(())
}

fn row(callers: &str, side: &Side) -> [String; 8] {
    let (rates, latencies) = (side.per_second(), side.latencies());
    [
        callers.to_owned(),
        sheet::thousands(sheet::median(&rates)),
        sheet::spread(&rates, sheet::thousands),
        sheet::ms(latencies.value_at_quantile(0.5)),
        sheet::ms(latencies.value_at_quantile(0.99)),
        format!("{:.1}", side.cpu_us_per_answer().seconds()),
        format!("{:.1}", side.client_us_per_answer()),
        side.cores().to_string(),
    ]
}

fn too_much(options: Options, directory: &Path, crowd: &mut Crowd) -> anyhow::Result<()> {
    let (server, keys) = started(directory, "too-much", &[])?;
    let (rounds, span) = options.pick((2, Span::seconds(0.5, 1.5)), (5, Span::seconds(1.0, 5.0)));
    let mut others = Pool::of_single_reports(crowd, 4_096).with_key(&keys.admitted);
    let mut excess = Pool::of_single_reports(crowd, 4_096).with_key(&keys.excessive);
    let capacity =
        closed_loop::for_a_span(server.address, CONNECTIONS, span, COUNTED, |request| {
            others.next(request);
        })?;
    ensure!(capacity.wrong == 0, "{:?}", capacity.first_wrong);
    let half = Stream { rate: capacity.per_second() / 2.0, connections: CONNECTIONS, span };
    let (mut alone, mut beside) = (Half::default(), Half::default());
    for round in 1..=rounds {
        alone.play(&server, half, &mut others, None)?;
        beside.play(&server, half, &mut others, Some(&mut excess))?;
        eprintln!("round {round} of {rounds}");
    }
    let [of_a_length, in_chunks] = refusals(options, &server, &keys.exhausted, crowd)?;
    sheet::title("One key that sends ten times what it may");
    sheet::table(
        ["others, at half", "reports/s", "p50 ms", "p99 ms", "rounds", "server + clients + others"],
        &[alone.row("alone"), beside.row("beside that key")],
    );
    let seconds: f64 = beside.excess.iter().map(|run| run.whole_seconds).sum();
    let a_second = |count: f64| sheet::thousands(count / seconds);
    let p99 = beside.p99_ms();
    sheet::paragraph(&format!(
        "Others have keys and send half of {} reports/s, which {CONNECTIONS} connections reached. \
         Of the key that may send {ALLOWED} a second, {} a second were refused and {} counted. \
         p99 of the others **{p99:.2} ms**, target {P99_TARGET_MS}: {}.",
        sheet::thousands(capacity.per_second()),
        a_second(beside.refused()),
        a_second(beside.taken()),
        met(p99, P99_TARGET_MS),
    ));
    sheet::paragraph(
        "Nothing but refusals, before the body is read (of one that never comes, too):",
    );
    sheet::table(
        ["body", "refused/s", "server CPU µs each", "in its own code", "client CPU µs each"],
        &[refused_row("of a length", &of_a_length), refused_row("in chunks", &in_chunks)],
    );
    let us = of_a_length.cpu_us_per_answer().seconds();
    sheet::paragraph(&format!(
        "A refused report took **{us:.1} µs** of the server's CPU, target {CPU_TARGET_US}: {}. \
         Beside the others it took {:.1} µs, with what counted of that key at the price of theirs.",
        met(us, CPU_TARGET_US),
        beside.cpu_us_per_refused(&alone),
    ));
    Ok(())
}

fn refused_row(body: &str, side: &Side) -> [String; 5] {
    let us = side.cpu_us_per_answer();
    [
        body.to_owned(),
        sheet::thousands(sheet::median(&side.per_second())),
        format!("{:.1}", us.seconds()),
        format!("{:.1}", us.user),
        format!("{:.1}", side.client_us_per_answer()),
    ]
}

fn met(value: f64, target: f64) -> &'static str {
    if value < target { "met" } else { "missed" }
}

/// Nothing but refusals, of a key that owes what it was granted: of bodies whose length is
/// said, and of bodies in chunks.
fn refusals(
    options: Options,
    server: &Server,
    key: &str,
    crowd: &mut Crowd,
) -> anyhow::Result<[Side; 2]> {
    let mut batch = Vec::new();
    Pool::of_batches(crowd, 1, OWED).with_key(key).next(&mut batch);
    let granted = http::exchange(server.address, &batch, BATCH_COUNTED.status)?;
    let is_counted = String::from_utf8_lossy(&granted).contains(BATCH_COUNTED.containing);
    ensure!(is_counted, "{}", String::from_utf8_lossy(&granted));
    // A head whose body never comes.
    let post = http::post("/v1/reports", "application/json", &[b' '; 1_000]);
    let head = http::with_key(&post[..post.len() - 1_000], key);
    http::exchange(server.address, &head, REFUSED.status)?;
    let (rounds, span) = options.pick((1, Span::seconds(0.3, 1.0)), (5, Span::seconds(0.5, 3.0)));
    let mut single = || Pool::of_single_reports(crowd, 4_096).with_key(key);
    let (mut of_a_length, mut in_chunks) = (single(), single().in_chunks());
    let mut sides = [Side::default(), Side::default()];
    for _ in 0..rounds {
        for (side, pool) in sides.iter_mut().zip([&mut of_a_length, &mut in_chunks]) {
            side.play(server, |server| {
                closed_loop::for_a_span(server.address, 64, span, REFUSED, |request| {
                    pool.next(request);
                })
            })?;
        }
    }
    Ok(sides)
}

impl Half {
    fn play(
        &mut self,
        server: &Server,
        half: Stream,
        others: &mut Pool,
        excess: Option<&mut Pool>,
    ) -> anyhow::Result<()> {
        let (cpu, busy) = (server.cpu()?, machine::busy_seconds());
        let too_much = Stream { rate: SENT, ..half };
        let (run, sent) = std::thread::scope(|scope| {
            let excess = excess.map(|pool| {
                scope.spawn(move || {
                    let render = |request: &mut Vec<u8>| pool.next(request);
                    open_loop::stream(server.address, too_much, REFUSED, render)
                })
            });
            let run = open_loop::stream(server.address, half, COUNTED, |request| {
                others.next(request);
            });
            (run, excess.map(|excess| excess.join().expect("it ends without a panic")))
        });
        let run = run?;
        ensure!(run.wrong == 0, "{} were not counted, first: {:?}", run.wrong, run.first_wrong);
        if let Some(sent) = sent.transpose()? {
            let first = sent.first_wrong.as_deref().unwrap_or("202");
            ensure!(first.starts_with("202"), "neither refused nor counted: {first}");
            self.excess.push(sent);
        }
        self.busy += machine::busy_seconds() - busy;
        self.cpu += server.cpu()?.since(cpu).seconds();
        self.runs.push(run);
        Ok(())
    }

    fn row(&self, name: &str) -> [String; 6] {
        let rates: Vec<f64> = self.runs.iter().map(Run::per_second).collect();
        let each: Vec<f64> = self.runs.iter().map(|run| p99_ms(&run.latencies)).collect();
        let clients = self.runs.iter().chain(&self.excess).map(|run| run.client_cpu_seconds).sum();
        let clock = self.runs.iter().map(|run| run.whole_seconds).sum();
        [
            name.to_owned(),
            sheet::thousands(sheet::median(&rates)),
            sheet::ms(self.latencies().value_at_quantile(0.5)),
            format!("{:.2}", self.p99_ms()),
            sheet::spread(&each, |ms| format!("{ms:.2}")),
            Cores::of(self.cpu, clients, self.busy, clock).to_string(),
        ]
    }

    fn latencies(&self) -> hdrhistogram::Histogram<u64> {
        let mut all = no_latencies();
        for run in &self.runs {
            all.add(&run.latencies).expect("all histograms have one range");
        }
        all
    }

    fn p99_ms(&self) -> f64 {
        p99_ms(&self.latencies())
    }

    fn taken(&self) -> f64 {
        self.excess.iter().map(|run| run.wrong as f64).sum()
    }

    fn refused(&self) -> f64 {
        self.excess.iter().map(|run| run.all_answers as f64).sum::<f64>() - self.taken()
    }

    fn counted(&self) -> f64 {
        self.runs.iter().map(|run| run.all_answers as f64).sum::<f64>() + self.taken()
    }

    /// What is left of the CPU time where each report that counted took as much as where
    /// all did.
    fn cpu_us_per_refused(&self, alone: &Self) -> f64 {
        let each = alone.cpu / alone.counted();
        1e6 * (self.cpu - each * self.counted()) / self.refused()
    }
}

fn p99_ms(latencies: &hdrhistogram::Histogram<u64>) -> f64 {
    latencies.value_at_quantile(0.99) as f64 / 1e3
}
