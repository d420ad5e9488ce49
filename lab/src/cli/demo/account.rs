//! The account in the terminal: where to look, and a line for what happens.

use super::local_time::local;
use super::story::events;
use super::summary::summary;
use crate::simulate::scenario::{Scenario, Word, instant};
use groundswell::domain::access::entry::Actor;
use groundswell::domain::incident::entry::Note;
use groundswell::domain::incident::register::Register;
use groundswell::domain::incident::{Incident, IncidentId};
use groundswell::domain::time::{MINUTE_MS, Timestamp};
use groundswell::engine::Engine;
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How often what was made known is looked through.
const STEP_EVERY: Duration = Duration::from_millis(100);
/// The network that fails first.
const NETWORK: &str = "rogers";

pub fn opening(address: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Groundswell: 8 July 2022, when Rogers went dark in Canada.\n\n\
         The crowd is synthetic: curves fitted through the few counts on record, one in ten of \
         those whom the largest\n\
         public aggregator counted. Everything else is real: what is posted, stored, detected and \
         answered.\n\n\
         While it runs, look at\n  \
         http://{address}/                                     who is reported about now\n  \
         http://{address}/v1/incidents                         what is down, where, since when\n  \
         http://{address}/v1/incidents.geojson                 the same for a map of yours\n  \
         http://{address}/v1/providers/rogers                  how one provider is doing\n  \
         http://{address}/v1/cells/872b9bc29ffffff?provider=rogers   why downtown Toronto is \
         flagged, number by number\n  \
         http://{address}/docs/                                all there is to ask\n"
    )?;
    writeln!(out, "Three quiet weeks come first, so that the detectors know what is usual ...")
}

pub fn preloaded(reports: u64) -> std::io::Result<()> {
    writeln!(
        std::io::stdout(),
        "... {reports} reports of quiet days are in. It is 04:38 in Toronto.\n"
    )
}

/// Tells what is made known until the clock shows `ends`.
pub fn tell(
    engine: &Engine,
    scenario: &Scenario,
    ends: Timestamp,
    address: SocketAddr,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Revisions of each incident that were told of.
    let mut told: HashMap<IncidentId, usize> = HashMap::new();
    let mut words = scenario.words.iter().peekable();
    loop {
        let now = engine.now();
        let register = engine.register();
        tell_news(&register, &mut told)?;
        if let Some(word) = words.next_if(|word| instant(word.at) <= now) {
            official_word(engine, &runtime, &register, word)?;
        }
        if ends <= now {
            return Ok(summary(&engine.register(), scenario, address)?);
        }
        std::thread::sleep(STEP_EVERY);
    }
}

fn tell_news(register: &Register, told: &mut HashMap<IncidentId, usize>) -> std::io::Result<()> {
    let mut news: Vec<(&Incident, String)> = Vec::new();
    for case in register.newest_first(None) {
        let revisions = case.revisions();
        let told = told.entry(case.latest().id).or_default();
        for at in *told..revisions.len() {
            news.extend(
                events(&revisions[..at], &revisions[at])
                    .into_iter()
                    .map(|text| (&*revisions[at], text)),
            );
        }
        *told = revisions.len();
    }
    news.sort_by_key(|(revision, _)| revision.known_at);
    let mut out = std::io::stdout().lock();
    for (revision, text) in news {
        writeln!(out, "{}  {:<9} {text}", local(revision.known_at), revision.network)?;
    }
    Ok(())
}

/// Notes an official word on the first incident, as an operator would, and says how far
/// the crowd was ahead.
fn official_word(
    engine: &Engine,
    runtime: &tokio::runtime::Runtime,
    register: &Register,
    word: &Word,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let said_at = instant(word.at);
    writeln!(out, "{}  official  \"{}\"", local(said_at), word.text)?;
    let of_network = |incident: &&Arc<Incident>| incident.network == NETWORK;
    let Some(incident) =
        register.open().filter(of_network).min_by_key(|incident| incident.detected_at)
    else {
        return Ok(());
    };
    let note = Note {
        incident: incident.id,
        official: true,
        said_at,
        known_at: engine.now(),
        source: "the company, as the press reported".into(),
        text: word.text.into(),
    };
    runtime.block_on(engine.note(Actor::CommandLine, note))?;
    let lead = said_at.ms_since(incident.detected_at) / MINUTE_MS;
    Ok(writeln!(
        out,
        "{}  crowd     was {} h {:02} min ahead of it",
        local(said_at),
        lead / 60,
        lead % 60
    )?)
}
