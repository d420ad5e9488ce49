//! `groundswell demo`: 8 July 2022 unfolds. A server on a fast clock, in this process; a
//! synthetic crowd that posts to it; and an account of what it makes known.

mod account;
mod local_time;
mod story;
mod summary;

use super::simulate::{files, send};
use crate::simulate::plan::Plan;
use crate::simulate::scenario::{Scenario, instant};
use anyhow::{Context, ensure};
use clap::Args;
use groundswell::cli::signals::Signals;
use groundswell::cli::{listening, opened, serve};
use groundswell::config::KeyConfig;
use groundswell::config::listen::Listen;
use groundswell::domain::detect::parameters::Parameters;
use groundswell::domain::privacy::asked::AskedRule;
use groundswell::domain::time::{DEFAULT_LATENESS_MS, MINUTE_MS, Timestamp};
use groundswell::engine::Engine;
use groundswell::engine::clock::Clock;
use groundswell::engine::replay::Setting;
use groundswell::engine::replay::leftovers::Leftover;
use groundswell::engine::replay::simulation::Simulation;
use groundswell::engine::timetable::Timetable;
use groundswell::http::policy::Policy;
use groundswell::store::embedded::{Durability, Options};
use groundswell::store::place::Place;
use groundswell::store::timing::Timing;
use groundswell::store::{Store, Terms};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

const SCENARIO: &str = "rogers-2022";
const SEED: u64 = 1;
/// One in ten of those whom the largest public aggregator counted.
const CROWD: f64 = 0.1;
const HISTORY_WEEKS: i64 = 3;
/// The clock begins a few minutes before the outage, 04:38 in Toronto.
const BEGINS: &str = "2022-07-08T08:38:00Z";
/// Before that it goes as fast as time, so that detectors come to the present first.
const CATCHES_UP_FROM: &str = "2022-07-08T08:37:55Z";
/// By then the morning has been told; the rest of the day passes faster.
const FASTER_FROM: &str = "2022-07-08T11:00:00Z";
const FASTER: u32 = 10;
/// On Saturday morning, by when all is over.
const ENDS: &str = "2022-07-09T18:00:00Z";

/// How fast, and where.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// How many times as fast as time the night passes, 1 to 1000. From 07:00 in Toronto
    /// on it is ten times that
    #[arg(
        long,
        default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..=1_000),
        value_name = "N",
    )]
    speed: u32,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    listen: Listen,
    /// Serve on when the story is over, until Ctrl-C; so it is on a terminal
    #[arg(long)]
    stay: bool,
}

/// Shows it.
///
/// # Errors
/// Where the port is taken, or files cannot be written.
pub fn run(arguments: &Arguments, signals: &Signals) -> anyhow::Result<()> {
    let addresses = listening::addresses(&arguments.listen)?;
    let is_near = addresses.iter().all(|address| address.ip().to_canonical().is_loopback());
    ensure!(is_near, "--listen: a demonstration is for this machine: give a loopback address");
    let listener = listening::bind(&arguments.listen, &addresses)
        .context("choose another port with --listen 127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let plan = Plan::new(Scenario::by_name(SCENARIO).expect("a test looks it up"), SEED, CROWD);
    let directory = Leftover::directory("groundswell-demo-")?;
    let catalogue = groundswell::catalogue::builtin();
    account::opening(address)?;
    let key = opened::reporter_key(
        &KeyConfig { reporter_key: None, reporter_key_file: None },
        Place::Directory(directory.path()),
    )?;
    let setting = Setting {
        catalogue,
        key,
        lateness_ms: DEFAULT_LATENESS_MS,
        parameters: Parameters::default(),
    };
    let store = with_history(&plan, &setting, directory.path())?;
    let faster = (arguments.speed * FASTER).min(10_000);
    let speed = arguments.speed;
    let timetable: Timetable =
        format!("{CATCHES_UP_FROM}@1x,{BEGINS}@{speed}x,{FASTER_FROM}@{faster}x").parse()?;
    let (catalogue, key) = (setting.catalogue.clone(), setting.key.clone());
    let timing = Timing::default();
    let engine = Arc::new(Engine::start(
        catalogue,
        Clock::simulated(timetable, timing.probation()),
        DEFAULT_LATENESS_MS,
        &key,
        store,
        timing,
    )?);
    tokio::runtime::Runtime::new()?.block_on(engine.agree_on_privacy(AskedRule::default()))?;
    let (over, is_over) = tokio::sync::oneshot::channel::<()>();
    let stay = arguments.stay || std::io::stdout().is_terminal();
    let telling = std::thread::Builder::new().name("account".into()).spawn({
        let (engine, scenario) = (Arc::clone(&engine), plan.scenario);
        move || {
            let told = account::tell(&engine, scenario, instant(ENDS), address);
            if !stay || told.is_err() {
                drop(over);
                return told;
            }
            writeln!(
                std::io::stdout(),
                "\nThe server goes on, on its fast clock: look around, Ctrl-C ends it."
            )?;
            // Held until the process is told to stop.
            std::mem::forget(over);
            Ok(())
        }
    })?;
    let sending = std::thread::Builder::new().name("crowd".into()).spawn(move || {
        send::send(
            &plan,
            &format!("http://{address}"),
            Some(instant(BEGINS)),
            Some(instant(ENDS)),
            None,
        )
    })?;
    let asked = signals.asked();
    let stop = async {
        tokio::select! { () = asked => {}, _ = is_over => {} }
    };
    serve::serve(2, listener.into(), &engine, Policy::default(), stop)?;
    drop(sending);
    if telling.is_finished() {
        telling.join().map_err(|_| anyhow::anyhow!("the account ended in a panic"))??;
    }
    Ok(())
}

/// A store with three quiet weeks in it, played through the real ingest.
fn with_history(plan: &Plan, setting: &Setting, directory: &Path) -> anyhow::Result<Store> {
    let terms =
        Terms { reporter_key_check: setting.key.check_value(), lateness_ms: setting.lateness_ms };
    let open = || {
        let options = Options { durability: Durability::Unsynced, ..Options::default() };
        Store::open_embedded(&directory.join("store"), &setting.catalogue, terms, options)
    };
    let begins: Timestamp = instant(BEGINS);
    let files = directory.join("files");
    files::write(
        plan,
        files::history_before(&(begins..begins), HISTORY_WEEKS),
        begins..begins.plus_ms(MINUTE_MS),
        &files,
    )?;
    let mut simulation = Simulation::over(setting, open()?)?;
    let account = simulation.history(&[files.join("history.ndjson.gz").into()], &mut |_| {})?;
    simulation.store().close()?;
    drop(simulation);
    account::preloaded(account.counted)?;
    Ok(open()?)
}
