//! How many reports a second in batches of 1,000 lines, durable, beside a handler that
//! only parses the lines and computes their cells?

mod load;

use actix_web::{HttpResponse, web};
use groundswell::domain::grid::{Cell, Position};
use groundswell::domain::report::Place;
use load::cities::Cities;
use load::crowd::Crowd;
use load::duel::{self, Side};
use load::metrics::Commits;
use load::pool::Pool;
use load::run::{Expected, Span};
use load::server::{Cpu, Server};
use load::task::{Options, Task};
use load::{closed_loop, disk, sheet, yardstick};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

const LINES: usize = 1_000;
const CONNECTIONS: usize = 16;
/// The least share of the yardstick, from the requirements.
const TARGET: f64 = 0.4;
const EXPECTED: Expected = Expected { status: 200, containing: r#""counted":1000,"# };
/// The limit of a batch's body.
const BODY_BYTES: usize = 4 << 20;

fn main() -> anyhow::Result<()> {
    match Task::from_args()? {
        Task::Yardstick(_) => yardstick::serve(|routes| {
            routes
                .app_data(web::PayloadConfig::new(BODY_BYTES))
                .route("/v1/reports/batch", web::post().to(parse_and_locate));
        }),
        Task::Measure(options) => measure(options),
    }
}

fn measure(options: Options) -> anyhow::Result<()> {
    let scratch = disk::scratch()?;
    let yardstick = Server::yardstick(None, &scratch.path().join("yardstick.log"))?;
    let rival = if options.against_itself {
        Server::yardstick(None, &scratch.path().join("rival.log"))?
    } else {
        Server::groundswell(&scratch.path().join("store"))?
    };
    let (rounds, span) = options.pick((3, Span::seconds(0.3, 1.0)), (9, Span::seconds(0.5, 3.0)));
    let mut crowd = Crowd::new(2, Cities::of("CA")?);
    let before = Commits::of(&rival)?;
    let duel = duel::fight(rounds, &rival, &yardstick, |server| {
        let mut pool = Pool::of_batches(&mut crowd, 64, LINES);
        closed_loop::for_a_span(server.address, CONNECTIONS, span, EXPECTED, |request| {
            pool.next(request);
        })
    })?;
    sheet::title(&format!("Batches of {LINES} lines"));
    let rows = [row(yardstick.name, &duel.yardstick), row(rival.name, &duel.rival)];
    sheet::table(
        [
            "server",
            "reports/s",
            "rounds (batches/s)",
            "p50 ms a batch",
            "p99 ms a batch",
            "cores: server + client + others",
        ],
        &rows,
    );
    let commits = before
        .zip(Commits::of(&rival)?)
        .map_or_else(String::new, |(before, after)| after.since(before));
    sheet::paragraph(&format!("{CONNECTIONS} connections: {}; {commits}.", duel.verdict(TARGET)));
    sheet::paragraph("Where the rest goes, in CPU time per report:");
    let mut costs = costs(yardstick.name, &duel.yardstick);
    costs.extend(self::costs(rival.name, &duel.rival));
    sheet::table(["server", "threads", "own code ns", "kernel ns", "together ns"], &costs);
    let written = duel.rival.written_bytes_per_answer() / LINES as f64;
    let fsync = disk::median_fsync(scratch.path())?;
    sheet::paragraph(&format!(
        "{} wrote {written:.0} bytes a report. Median fsync {fsync:?}. A new reporter every line.",
        rival.name
    ));
    Ok(())
}

fn row(server: &str, side: &Side) -> [String; 6] {
    let (rates, latencies) = (side.per_second(), side.latencies());
    [
        server.to_owned(),
        sheet::thousands(sheet::median(&rates) * LINES as f64),
        sheet::spread(&rates, sheet::thousands),
        sheet::ms(latencies.value_at_quantile(0.5)),
        sheet::ms(latencies.value_at_quantile(0.99)),
        side.cores().to_string(),
    ]
}

fn costs(server: &str, side: &Side) -> Vec<[String; 5]> {
    let ns = |us_per_batch: f64| format!("{:.0}", us_per_batch * 1e3 / LINES as f64);
    let line = |threads: &str, cpu: Cpu| {
        [server.to_owned(), threads.to_owned(), ns(cpu.user), ns(cpu.system), ns(cpu.seconds())]
    };
    let client = Cpu { user: side.client_us_per_answer(), system: 0.0 };
    let mut lines: Vec<_> =
        side.thread_us_per_answer().map(|(threads, cpu)| line(threads, cpu)).collect();
    lines.push(line("all", side.cpu_us_per_answer()));
    lines.push([
        server.to_owned(),
        "the client".to_owned(),
        String::new(),
        String::new(),
        ns(client.seconds()),
    ]);
    lines
}

/// A line, borrowing what it can from the body.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "parsing is the work; most of it nobody reads")]
struct Line<'a> {
    #[serde(borrow)]
    provider: Cow<'a, str>,
    #[serde(borrow)]
    symptom: Cow<'a, str>,
    lat: f64,
    lon: f64,
    accuracy_m: Option<f64>,
    observed_at: Option<&'a str>,
    #[serde(borrow)]
    reporter_id: Cow<'a, str>,
}

#[derive(Debug, Default, Serialize)]
struct Outcomes {
    counted: usize,
    duplicate: usize,
    rejected: usize,
    results: [(); 0],
}

async fn parse_and_locate(body: web::Bytes) -> HttpResponse {
    let mut answer = Outcomes::default();
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match cell_of(line) {
            Some(cell) => {
                std::hint::black_box(cell);
                answer.counted += 1;
            }
            None => answer.rejected += 1,
        }
    }
    HttpResponse::Ok().json(answer)
}

fn cell_of(line: &[u8]) -> Option<Cell> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    let position = Position::new(line.lat, line.lon).ok()?;
    Some(Place::Position { position, accuracy_m: line.accuracy_m }.cell())
}
