//! How many single reports a second, durable, beside a bare actix-web handler that parses
//! the same body and answers 202?

mod load;

use actix_web::{HttpResponse, web};
use load::cities::Cities;
use load::crowd::Crowd;
use load::duel::{self, Side};
use load::metrics::Commits;
use load::pool::Pool;
use load::run::{Expected, Span};
use load::server::Server;
use load::task::{Options, Task};
use load::{closed_loop, disk, sheet, yardstick};
use serde::{Deserialize, Serialize};

/// Connections and the least share of the yardstick, from the requirements.
const TARGETS: [(usize, f64); 2] = [(64, 0.5), (512, 0.7)];
const EXPECTED: Expected = Expected { status: 202, containing: r#""outcome":"counted""# };

fn main() -> anyhow::Result<()> {
    match Task::from_args()? {
        Task::Yardstick(_) => yardstick::serve(|routes| {
            routes.route("/v1/reports", web::post().to(parse_and_accept));
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
    let mut crowd = Crowd::new(1, Cities::of("CA")?);
    let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
    for (connections, target) in TARGETS {
        let before = Commits::of(&rival)?;
        let duel = duel::fight(rounds, &rival, &yardstick, |server| {
            let mut pool = Pool::of_single_reports(&mut crowd, 4_096);
            closed_loop::for_a_span(server.address, connections, span, EXPECTED, |request| {
                pool.next(request);
            })
        })?;
        rows.push(row(connections, yardstick.name, &duel.yardstick));
        rows.push(row(connections, rival.name, &duel.rival));
        let commits = before
            .zip(Commits::of(&rival)?)
            .map_or_else(String::new, |(before, after)| after.since(before));
        verdicts.push(format!("- {connections} connections: {}; {commits}", duel.verdict(target)));
    }
    sheet::title("Single reports");
    sheet::table(
        [
            "connections",
            "server",
            "reports/s",
            "rounds",
            "p50 ms",
            "p99 ms",
            "server CPU µs each",
            "client CPU µs each",
            "cores: server + client + others",
        ],
        &rows,
    );
    sheet::paragraph(&verdicts.join("\n"));
    sheet::paragraph(&format!(
        "Median fsync {:?}. A new reporter every time.",
        disk::median_fsync(scratch.path())?
    ));
    Ok(())
}

fn row(connections: usize, server: &str, side: &Side) -> [String; 9] {
    let (rates, latencies) = (side.per_second(), side.latencies());
    [
        connections.to_string(),
        server.to_owned(),
        sheet::thousands(sheet::median(&rates)),
        sheet::spread(&rates, sheet::thousands),
        sheet::ms(latencies.value_at_quantile(0.5)),
        sheet::ms(latencies.value_at_quantile(0.99)),
        format!("{:.1}", side.cpu_us_per_answer().seconds()),
        format!("{:.1}", side.client_us_per_answer()),
        side.cores().to_string(),
    ]
}

/// The body, in the types that a plain handler would give it.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "parsing is the work; nobody reads what was parsed")]
struct Body {
    provider: String,
    symptom: String,
    lat: f64,
    lon: f64,
    accuracy_m: Option<f64>,
    observed_at: Option<String>,
    reporter_id: String,
}

/// An answer as long as Groundswell's.
#[derive(Debug, Serialize)]
struct Accepted {
    outcome: &'static str,
    cell: &'static str,
    observed_at: &'static str,
}

async fn parse_and_accept(body: web::Json<Body>) -> HttpResponse {
    std::hint::black_box(body);
    HttpResponse::Accepted().json(Accepted {
        outcome: "counted",
        cell: "882b9bc5ddfffff",
        observed_at: "2026-01-01T00:00:00Z",
    })
}
