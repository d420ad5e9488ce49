//! How quickly is a heatmap of 50,000 active cells answered, while reports come in?
//!
//! A metropolis at a fixed rate, for its latency; and the whole view and a tile as often as
//! possible, each beside a static answer of the same bytes.

mod load;

use actix_web::http::header::{ContentEncoding, ContentType};
use actix_web::{HttpResponse, web};
use anyhow::{Context, ensure};
use fastrand::Rng;
use groundswell::domain::grid::Cell;
use load::crowd::now;
use load::duel::{self, Cores};
use load::fill::fill;
use load::open_loop::Stream;
use load::report::Report;
use load::run::{Expected, Run, Span};
use load::server::Server;
use load::task::{Options, Task};
use load::territory::{CONTINENT, METRO, bounding_box, distinct_cells};
use load::{closed_loop, disk, http, machine, open_loop, sheet, yardstick};
use std::f64::consts::PI;
use std::path::Path;
use std::time::{Duration, Instant};

const CELLS: usize = 50_000;
const METRO_CELLS: usize = 2_000;
/// Reports from every cell before anybody reads.
const REPORTS_PER_CELL: usize = 3;
const WHOLE_VIEW: &str = "/v1/heatmap?provider=rogers&resolution=8";
/// Requests a second for the metropolis, and what 99 % of them must stay under, from the
/// requirements.
const READS_PER_SECOND: f64 = 2_000.0;
const TARGET_P99_MS: f64 = 5.0;
/// Reports a second that come in meanwhile: every view is out of date within a tick.
const REPORTS_PER_SECOND: f64 = 200.0;
/// The least shares of a static answer, from the requirements: of the whole view, of a tile.
const WHOLE_VIEW_TARGET: f64 = 0.7;
const TILE_TARGET: f64 = 0.8;
const TILE_ZOOM: u32 = 8;
const READ: Expected = Expected { status: 200, containing: "" };
const COUNTED: Expected = Expected { status: 202, containing: r#""outcome":"counted""# };

fn main() -> anyhow::Result<()> {
    match Task::from_args()? {
        Task::Yardstick(argument) => {
            let path = argument.context("the static answer is in a file")?;
            let encoding = if path.ends_with("gzip") {
                ContentEncoding::Gzip
            } else {
                ContentEncoding::Identity
            };
            let body = web::Bytes::from(std::fs::read(path)?);
            yardstick::serve(move |routes| {
                let body = body.clone();
                let answer = move || std::future::ready(static_answer(&body, encoding));
                routes
                    .route("/v1/heatmap", web::get().to(answer.clone()))
                    .route("/v1/tiles/{z}/{x}/{y}.mvt", web::get().to(answer));
            })
        }
        Task::Measure(options) => measure(options),
    }
}

fn measure(options: Options) -> anyhow::Result<()> {
    ensure!(
        !options.against_itself,
        "a static answer takes no reports, so this yardstick cannot stand in for Groundswell"
    );
    let scratch = disk::scratch()?;
    let server = Server::groundswell(&scratch.path().join("store"))?;
    let mut outage = Outage::new();
    fill(&server, (0..CELLS * REPORTS_PER_CELL).map(|n| outage.report(n % CELLS)))?;
    until_total(&server, outage.reporters)?;
    sheet::title("Heatmap");
    metro(&server, &mut outage, options)?;
    let view = format!("The whole view, {CELLS} cells");
    beside_static(&server, scratch.path(), options, &view, WHOLE_VIEW, WHOLE_VIEW_TARGET)?;
    let tile = format!("A tile of the metropolis at zoom {TILE_ZOOM}");
    beside_static(&server, scratch.path(), options, &tile, &metro_tile(), TILE_TARGET)?;
    sheet::paragraph(&format!("Median fsync {:?}.", disk::median_fsync(scratch.path())?));
    Ok(())
}

/// The metropolis at a fixed rate, while the view keeps changing.
fn metro(server: &Server, outage: &mut Outage, options: Options) -> anyhow::Result<()> {
    let span = options.pick(Span::seconds(1.0, 3.0), Span::seconds(2.0, 20.0));
    let mut rows = Vec::new();
    for (boxes, encoding) in [(1, "identity"), (1, "gzip"), (500, "identity")] {
        let requests = metro_requests(boxes, encoding);
        let mut turn = requests.iter().cycle();
        let next = |request: &mut Vec<u8>| request.clone_from(turn.next().expect("there is a box"));
        let (cpu, busy) = (server.cpu()?, machine::busy_seconds());
        let trickle = Stream { rate: REPORTS_PER_SECOND, connections: 4, span };
        let (reads, reports) = std::thread::scope(|threads| {
            let trickle = || {
                open_loop::stream(server.address, trickle, COUNTED, |request| outage.next(request))
            };
            let reports = threads.spawn(trickle);
            let reads = open_loop::stream(
                server.address,
                Stream { rate: READS_PER_SECOND, connections: 64, span },
                READ,
                next,
            );
            (reads, reports.join().expect("the trickle does not panic"))
        });
        let (reads, reports) = (reads?, reports?);
        let client = reads.client_cpu_seconds + reports.client_cpu_seconds;
        let (server_cpu, busy) =
            (server.cpu()?.since(cpu).seconds(), machine::busy_seconds() - busy);
        let cores = Cores::of(server_cpu, client, busy, reads.whole_seconds);
        for run in [&reads, &reports] {
            ensure!(run.wrong == 0, "{} wrong answers, first: {:?}", run.wrong, run.first_wrong);
        }
        rows.push(row(boxes, encoding, &reads, &reports, cores));
    }
    sheet::paragraph(&format!(
        "{CELLS} active cells at resolution 8, {METRO_CELLS} of them in the metropolis; \
         {READS_PER_SECOND} reads/s of it at a fixed rate, \
         latency from when each was due, while {REPORTS_PER_SECOND} reports/s come in. Target: \
         p99 under {TARGET_P99_MS} ms."
    ));
    sheet::table(
        [
            "boxes",
            "encoding",
            "kB each",
            "p50 ms",
            "p99 ms",
            "p99.9 ms",
            "max ms",
            "target",
            "a report's p99 ms",
            "cores: server + client + others",
        ],
        &rows,
    );
    Ok(())
}

fn row(boxes: u32, encoding: &str, reads: &Run, reports: &Run, cores: Cores) -> [String; 10] {
    let at = |quantile| reads.latencies.value_at_quantile(quantile);
    let met = if (at(0.99) as f64 / 1e3) < TARGET_P99_MS { "met" } else { "missed" };
    [
        boxes.to_string(),
        encoding.to_owned(),
        format!("{:.1}", reads.bytes as f64 / reads.answers as f64 / 1e3),
        sheet::ms(at(0.5)),
        sheet::ms(at(0.99)),
        sheet::ms(at(0.999)),
        sheet::ms(reads.latencies.max()),
        met.to_owned(),
        sheet::ms(reports.latencies.value_at_quantile(0.99)),
        cores.to_string(),
    ]
}

/// An answer as often as possible, against the same bytes from memory.
fn beside_static(
    server: &Server,
    scratch: &Path,
    options: Options,
    what: &str,
    target: &str,
    least: f64,
) -> anyhow::Result<()> {
    let (rounds, span) = options.pick((3, Span::seconds(0.3, 1.0)), (7, Span::seconds(0.5, 3.0)));
    let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
    for encoding in ["identity", "gzip"] {
        let file = scratch.join(format!("answer.{encoding}"));
        std::fs::write(&file, http::fetch(server.address, target, encoding)?)?;
        let yardstick = Server::yardstick(Some(&file), &scratch.join("yardstick.log"))?;
        let request = http::get(target, encoding);
        let duel = duel::fight(rounds, server, &yardstick, |server| {
            closed_loop::for_a_span(server.address, 16, span, READ, |last| {
                last.clone_from(&request);
            })
        })?;
        for (name, side) in [(yardstick.name, &duel.yardstick), (server.name, &duel.rival)] {
            rows.push([
                encoding.to_owned(),
                name.to_owned(),
                sheet::thousands(sheet::median(&side.per_second())),
                sheet::thousands(side.bytes_per_second() / 1e6),
                format!("{:.0}", side.cpu_us_per_answer().seconds()),
                format!("{:.0}", side.client_us_per_answer()),
                side.cores().to_string(),
            ]);
        }
        verdicts.push(format!("- {encoding}: {}", duel.verdict(least)));
    }
    sheet::paragraph(&format!("{what}, 16 connections, beside a static answer of the same bytes:"));
    sheet::table(
        [
            "encoding",
            "server",
            "answers/s",
            "MB/s",
            "server CPU µs each",
            "client CPU µs each",
            "cores: server + client + others",
        ],
        &rows,
    );
    sheet::paragraph(&verdicts.join("\n"));
    Ok(())
}

fn static_answer(body: &web::Bytes, encoding: ContentEncoding) -> HttpResponse {
    HttpResponse::Ok().insert_header(ContentType::json()).insert_header(encoding).body(body.clone())
}

/// The tile in which the middle of the metropolis is.
fn metro_tile() -> String {
    let [west, south, east, north] = METRO;
    let tiles = f64::from(1_u32 << TILE_ZOOM);
    let lat = f64::midpoint(south, north).to_radians();
    let x = (f64::midpoint(west, east) + 180.0) / 360.0 * tiles;
    let y = (1.0 - lat.tan().asinh() / PI) / 2.0 * tiles;
    format!("/v1/tiles/{TILE_ZOOM}/{}/{}.mvt?provider=rogers", x as u32, y as u32)
}

/// Requests for the metropolis: the box itself, or that many a little beside it, as
/// people move their maps.
fn metro_requests(boxes: u32, encoding: &str) -> Vec<Vec<u8>> {
    let request = |n: u32| {
        let [west, south, east, north] = METRO.map(|degrees| degrees + f64::from(n) * 1e-4);
        http::get(&format!("{WHOLE_VIEW}&bbox={west:.4},{south:.4},{east:.4},{north:.4}"), encoding)
    };
    (0..boxes).map(request).collect()
}

/// Waits until the view shows all that was reported, in all the cells.
fn until_total(server: &Server, reports: u64) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let view: serde_json::Value =
            serde_json::from_slice(&http::fetch(server.address, WHOLE_VIEW, "identity")?)?;
        let (total, cells) = (view["total"].as_u64(), view["cells"].as_array().map(Vec::len));
        if total == Some(reports) && cells == Some(CELLS) {
            return Ok(());
        }
        ensure!(
            began.elapsed() < Duration::from_secs(10),
            "the view shows {total:?} reports in {cells:?} cells, not {reports} in {CELLS}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An outage that is felt in the same cells all the time, by new people.
struct Outage {
    random: Rng,
    cells: Vec<Cell>,
    reporters: u64,
}

impl Outage {
    fn new() -> Self {
        let mut random = Rng::with_seed(4);
        let metro = bounding_box(METRO);
        let mut cells =
            distinct_cells(&mut random, METRO, METRO_CELLS, |centre| metro.contains(centre));
        cells.extend(distinct_cells(&mut random, CONTINENT, CELLS - METRO_CELLS, |centre| {
            !metro.contains(centre)
        }));
        random.shuffle(&mut cells);
        Self { random, cells, reporters: 0 }
    }

    fn report(&mut self, cell: usize) -> Report {
        self.reporters += 1;
        let position = self.cells[cell].centre();
        Report {
            provider: "rogers",
            position,
            accuracy_m: 50,
            observed_at: Some(now()),
            reporter: self.reporters,
        }
    }

    fn next(&mut self, request: &mut Vec<u8>) {
        let cell = self.random.usize(0..CELLS);
        let mut body = Vec::new();
        self.report(cell).write(&mut body);
        *request = http::post("/v1/reports", "application/json", &body);
    }
}
