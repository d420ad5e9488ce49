//! What does the store on Redis take and give, beside what Redis itself can do, and
//! beside the embedded store?

mod load;

use anyhow::ensure;
use load::cities::Cities;
use load::crowd::{Crowd, now};
use load::day::{DOWN, Day, Scene};
use load::duel;
use load::fill::{fill, until_ready};
use load::pool::Pool;
use load::redis::Redis;
use load::run::{Expected, Span};
use load::server::Server;
use load::task::{Options, Task};
use load::{closed_loop, disk, http, sheet};
use std::path::Path;
use std::time::{Duration, Instant};

const LINES: usize = 1_000;
const BATCH_CONNECTIONS: usize = 16;
/// The least share of redis-benchmark's `HINCRBY` a second, from the requirements.
const BATCH_TARGET: f64 = 0.2;
const SINGLE_CONNECTIONS: usize = 512;
/// The least share of the embedded store's single reports a second, from the
/// requirements.
const SINGLE_TARGET: f64 = 0.5;
/// Reports from one node's answer to the other's map, and what all must stay under, from
/// the requirements.
const SIGHTINGS: usize = 100;
const SIGHTING_TARGET_S: f64 = 2.5;
const METROS: usize = 10;
const COUNTED: Expected = Expected { status: 202, containing: r#""outcome":"counted""# };
const BATCH_COUNTED: Expected = Expected { status: 200, containing: r#""counted":1000,"# };

fn main() -> anyhow::Result<()> {
    let Task::Measure(options) = Task::from_args()? else { return Ok(()) };
    ensure!(
        !options.against_itself,
        "redis-benchmark takes no reports, so this yardstick cannot stand in for Groundswell"
    );
    let scratch = disk::scratch()?;
    sheet::title("The store on Redis");
    batches(scratch.path(), options)?;
    singles(scratch.path(), options)?;
    sightings(scratch.path(), options)?;
    a_day(scratch.path(), options)?;
    sheet::paragraph(&format!(
        "Median fsync {:?}. A new reporter every time.",
        disk::median_fsync(scratch.path())?
    ));
    Ok(())
}

/// Batches, in turns with redis-benchmark on the same server.
fn batches(scratch: &Path, options: Options) -> anyhow::Result<()> {
    let (rounds, span, commands) = options
        .pick((2, Span::seconds(0.3, 1.0), 200_000), (7, Span::seconds(0.5, 3.0), 1_500_000));
    let mut crowd = Crowd::new(11, Cities::of("CA")?);
    let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
    for appendfsync in ["everysec", "always"] {
        let redis = Redis::start(&scratch.join(appendfsync), appendfsync)?;
        let server =
            Server::groundswell_on(&redis.url(), &scratch.join(format!("{appendfsync}.log")))?;
        let (mut yardstick, mut reports, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut redis_us, mut node_us, mut latencies) = (0.0, 0.0, load::run::no_latencies());
        for round in 1..=rounds {
            yardstick.push(redis.hincrby_per_second(commands)?);
            let mut pool = Pool::of_batches(&mut crowd, 64, LINES);
            let (redis_cpu, node_cpu) = (redis.cpu()?, server.cpu()?);
            let run = closed_loop::for_a_span(
                server.address,
                BATCH_CONNECTIONS,
                span,
                BATCH_COUNTED,
                |request| pool.next(request),
            )?;
            ensure!(run.wrong == 0, "{} wrong answers, first: {:?}", run.wrong, run.first_wrong);
            let each = 1e6 / (run.all_answers as f64 * LINES as f64 * f64::from(rounds));
            redis_us += redis.cpu()?.since(redis_cpu).seconds() * each;
            node_us += server.cpu()?.since(node_cpu).seconds() * each;
            reports.push(run.per_second() * LINES as f64);
            ratios.push(reports[reports.len() - 1] / yardstick[yardstick.len() - 1]);
            latencies.add(&run.latencies)?;
            eprintln!("round {round} of {rounds}, {appendfsync}: {:.3}", ratios[ratios.len() - 1]);
        }
        rows.push([
            appendfsync.to_owned(),
            sheet::thousands(sheet::median(&yardstick)),
            sheet::thousands(sheet::median(&reports)),
            sheet::spread(&reports, sheet::thousands),
            sheet::ms(latencies.value_at_quantile(0.5)),
            sheet::ms(latencies.value_at_quantile(0.99)),
            format!("{redis_us:.2}"),
            format!("{node_us:.2}"),
        ]);
        let ratio = sheet::median(&ratios);
        let verdict = match appendfsync {
            "everysec" if ratio >= BATCH_TARGET => format!(", target {BATCH_TARGET}: met"),
            "everysec" => format!(", target {BATCH_TARGET}: missed"),
            _ => String::new(),
        };
        let spread = sheet::spread(&ratios, |ratio| format!("{ratio:.2}"));
        verdicts.push(format!(
            "- `appendfsync {appendfsync}`: **{ratio:.2}** reports for each \
             `HINCRBY` (rounds {spread}){verdict}"
        ));
    }
    sheet::paragraph(&format!(
        "Batches of {LINES} lines over {BATCH_CONNECTIONS} connections, in turns with \
         `redis-benchmark -P 64 HINCRBY` on the same Redis; node, Redis and \
         client share the machine."
    ));
    sheet::table(
        [
            "appendfsync",
            "HINCRBY/s",
            "reports/s",
            "rounds",
            "p50 ms a batch",
            "p99 ms a batch",
            "Redis CPU µs a report",
            "node CPU µs a report",
        ],
        &rows,
    );
    sheet::paragraph(&verdicts.join("\n"));
    Ok(())
}

/// Single reports, in turns with the embedded store.
fn singles(scratch: &Path, options: Options) -> anyhow::Result<()> {
    let (rounds, span) = options.pick((2, Span::seconds(0.3, 1.0)), (7, Span::seconds(0.5, 3.0)));
    let redis = Redis::start(&scratch.join("singles"), "everysec")?;
    let on_redis = Server::groundswell_on(&redis.url(), &scratch.join("singles.log"))?;
    let embedded = Server::groundswell(&scratch.join("embedded"))?;
    let mut crowd = Crowd::new(12, Cities::of("CA")?);
    let before = redis.cpu()?;
    let duel = duel::fight(rounds, &on_redis, &embedded, |server| {
        let mut pool = Pool::of_single_reports(&mut crowd, 4_096);
        closed_loop::for_a_span(server.address, SINGLE_CONNECTIONS, span, COUNTED, |request| {
            pool.next(request);
        })
    })?;
    let redis_seconds = redis.cpu()?.since(before).seconds();
    let row = |name: &str, side: &duel::Side| {
        let (rates, latencies) = (side.per_second(), side.latencies());
        [
            name.to_owned(),
            sheet::thousands(sheet::median(&rates)),
            sheet::spread(&rates, sheet::thousands),
            sheet::ms(latencies.value_at_quantile(0.5)),
            sheet::ms(latencies.value_at_quantile(0.99)),
            format!("{:.1}", side.cpu_us_per_answer().seconds()),
        ]
    };
    sheet::paragraph(&format!(
        "Single reports over {SINGLE_CONNECTIONS} connections, in turns on both stores:"
    ));
    let rows = [row("embedded", &duel.yardstick), row("Redis, everysec", &duel.rival)];
    sheet::table(["store", "reports/s", "rounds", "p50 ms", "p99 ms", "node CPU µs each"], &rows);
    let redis_us = redis_seconds * 1e6 / duel.rival.all_answers();
    sheet::paragraph(&duel.verdict(SINGLE_TARGET).replace("the yardstick", "the embedded store"));
    sheet::paragraph(&format!("Redis took {redis_us:.1} µs of CPU a report."));
    Ok(())
}

/// From a report's answer by one node to its being in the map of another.
fn sightings(scratch: &Path, options: Options) -> anyhow::Result<()> {
    let redis = Redis::start(&scratch.join("sightings"), "everysec")?;
    let nodes = ["a", "b"].map(|name| {
        Server::groundswell_on(&redis.url(), &scratch.join(format!("sightings-{name}.log")))
    });
    let [a, b] = nodes;
    let (a, b) = (a?, b?);
    let mut crowd = Crowd::new(13, Cities::of("CA")?);
    let target = format!("/v1/heatmap?provider={DOWN}&window=15m&resolution=3");
    let total = |server: &Server| -> anyhow::Result<u64> {
        let view: serde_json::Value =
            serde_json::from_slice(&http::fetch(server.address, &target, "identity")?)?;
        Ok(view["total"].as_u64().unwrap_or(0))
    };
    let mut seconds = Vec::new();
    for _ in 0..options.pick(10, SIGHTINGS) {
        let before = total(&b)?;
        let mut body = Vec::new();
        crowd.report(now()).write(&mut body);
        http::exchange(a.address, &http::post("/v1/reports", "application/json", &body), 202)?;
        let answered = Instant::now();
        while total(&b)? <= before {
            ensure!(answered.elapsed() < Duration::from_secs(30), "the other node never shows it");
            std::thread::sleep(Duration::from_millis(5));
        }
        seconds.push(answered.elapsed().as_secs_f64());
        // Not in step with the ticks.
        std::thread::sleep(Duration::from_millis(seconds.len() as u64 * 37 % 500));
    }
    seconds.sort_by(f64::total_cmp);
    let p99 = seconds[(seconds.len() * 99).div_ceil(100) - 1];
    let met = if p99 < SIGHTING_TARGET_S { "met" } else { "missed" };
    sheet::paragraph(&format!(
        "From the answer of node A to the map of node B, {} times: median **{:.2} s**, p99 \
         **{p99:.2} s**, target {SIGHTING_TARGET_S} s: {met}.",
        seconds.len(),
        sheet::median(&seconds)
    ));
    // What an idle tick costs: the map is asked for every second, and nothing comes.
    let (calls, seconds) = (redis.calls("hgetall")?, 5);
    for _ in 0..seconds {
        std::thread::sleep(Duration::from_secs(1));
        total(&b)?;
    }
    let idle = (redis.calls("hgetall")? - calls) as f64 / f64::from(seconds);
    sheet::paragraph(&format!(
        "A map that is watched while nothing comes costs {idle:.0} commands a second, each the \
         index of a shard."
    ));
    Ok(())
}

/// A day of a large outage, replayed as batches.
fn a_day(scratch: &Path, options: Options) -> anyhow::Result<()> {
    let reports = options.pick(100_000, 14_000_000);
    let redis = Redis::start(&scratch.join("day"), "everysec")?;
    let server = Server::groundswell_on(&redis.url(), &scratch.join("day.log"))?;
    until_ready(&server)?;
    let empty = redis.used_memory()?;
    let day = Day::new(7, Scene::Outage(Cities::of("CA")?.largest(METROS), now()));
    let (began, cpu) = (Instant::now(), redis.cpu()?);
    fill(&server, day.clone().take(reports))?;
    let took = began.elapsed().as_secs_f64();
    let (cpu, memory) = (redis.cpu()?.since(cpu).seconds(), redis.used_memory()? - empty);
    let of_the_one_down = day.take(reports).filter(|report| report.provider == DOWN).count();
    let cold = Server::groundswell_on(&redis.url(), &scratch.join("cold.log"))?;
    let asked = Instant::now();
    let target = format!("/v1/heatmap?provider={DOWN}&window=24h&resolution=3");
    let view: serde_json::Value =
        serde_json::from_slice(&http::fetch(cold.address, &target, "identity")?)?;
    ensure!(
        view["total"] == of_the_one_down,
        "the map shows {} reports of {of_the_one_down}",
        view["total"]
    );
    let first_view = asked.elapsed().as_secs_f64();
    sheet::paragraph(&format!(
        "{} reports of a day, 90 % of one provider, in {METROS} metropolises, in batches of \
         {LINES}: {took:.1} s ({} reports/s, {:.1} µs of Redis' CPU each), \
         {} MiB of Redis' memory ({:.1} bytes a report), {} MiB on disk; exact afterwards. A new \
         node shows the whole day of the one provider \
         {first_view:.1} s after it was asked, and then holds {} MiB.",
        sheet::thousands(reports as f64),
        sheet::thousands(reports as f64 / took),
        cpu * 1e6 / reports as f64,
        sheet::mib(memory),
        memory as f64 / reports as f64,
        sheet::mib(disk::bytes_in(&scratch.join("day"))?),
        sheet::mib(cold.resident_bytes()?),
    ));
    Ok(())
}
