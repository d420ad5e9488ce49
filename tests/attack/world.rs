//! Small worlds with known truth: people in one cell of resolution 6 and its children.

use super::solver::{PLACES, Region};
use crate::support::server::TestServer;
use crate::support::{self, but, text};
use groundswell::domain::grid::{Cell, Position, Resolution};
use groundswell::domain::privacy::rule::LeftOut;
use groundswell::domain::time::Minute;
use serde_json::json;

/// A server, and what was sent to it.
pub struct World {
    pub server: TestServer,
    pub parent: Cell,
    pub children: Vec<Cell>,
    /// When and from which child each person reported.
    pub sent: Vec<(Minute, usize)>,
    /// The first and last minute of it.
    pub began: Minute,
}

/// Far from everybody else.
const SOMEWHERE: (f64, f64) = (48.4, -81.3);
const DAY_MINUTES: i64 = 24 * 60;

impl World {
    fn start(left_out: LeftOut) -> Self {
        let server = TestServer::start();
        server.engine.leave_out(left_out);
        Self::on(server)
    }

    /// An empty world on a server.
    pub fn on(server: TestServer) -> Self {
        let position = Position::new(SOMEWHERE.0, SOMEWHERE.1).unwrap();
        let parent = Cell::at(position, Resolution::ALL[6]);
        let children = parent.descendants(Resolution::ALL[7]).collect();
        let began = server.now().minute();
        Self { server, parent, children, sent: Vec::new(), began }
    }

    /// Somebody new reports from a child.
    pub fn report(&mut self, child: usize) {
        let at = self.children[child].centre();
        let id = format!("person {}", self.sent.len());
        // Some of them cannot call for help, which has a layer of its own.
        let calls_fail = self.sent.len() % 5 == 4;
        let symptom = if calls_fail { "no_emergency_calls" } else { "no_service" };
        let fields = json!({"provider": "alpha", "lat": at.lat(), "lon": at.lon(),
            "accuracy_m": 35, "symptom": symptom});
        let answer = self.server.report(&but(support::report(&id), fields));
        assert_eq!(answer.status, 202, "{answer}");
        self.sent.push((self.server.now().minute(), child));
    }

    /// Somebody new reports what they observed in a child so many minutes ago.
    pub fn report_late(&self, child: usize, ago: i64) {
        let (at, observed) = (self.children[child].centre(), self.server.now().minute().plus(-ago));
        let id = format!("late {child} {ago}");
        let fields = json!({"provider": "alpha", "lat": at.lat(), "lon": at.lon(),
            "accuracy_m": 35, "observed_at": text(observed.start())});
        let answer = self.server.report(&but(support::report(&id), fields));
        assert_eq!(answer.status, 202, "{answer}");
    }

    /// Takes back what was reported between so many minutes after the world began.
    pub fn void(&self, from: i64, to: i64) {
        let at = |minutes| text(self.began.plus(minutes).start());
        let void = json!({"source": 0, "from": at(from), "to": at(to), "reason": "a test"});
        let body = void.to_string();
        let headers = [("Content-Type", "application/json")];
        let answer = self.server.send("POST", "/v1/voids", &headers, body.as_bytes());
        assert_eq!(answer.status, 202, "{answer}");
        self.server.step_detection();
        self.server.next_tick();
    }

    /// The same on a server that was started anew.
    pub fn restarted(self) -> Self {
        let catalogue = std::fs::read_to_string(CATALOGUE).unwrap();
        Self { server: self.server.restarted_with(&catalogue), ..self }
    }

    pub fn pass(&mut self, minutes: i64) {
        self.server.advance_minutes(minutes);
    }

    /// How many people reported from a region in the day around a minute in which that were
    /// most.
    pub fn people_in(&self, region: Region, minute: Minute) -> usize {
        let from = |start: Minute| {
            let day = start..start.plus(DAY_MINUTES);
            let here = self.sent.iter().filter(|(at, child)| day.contains(at) && region[*child]);
            here.count()
        };
        let starts = self.sent.iter().map(|(at, _)| *at);
        let starts = starts.filter(|start| *start <= minute && minute < start.plus(DAY_MINUTES));
        starts.map(from).max().unwrap_or(0)
    }
}

const CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml");

/// A handful of people over a day and a half, more of them in some children than in others.
pub fn sparse(seed: u64, left_out: LeftOut) -> World {
    sparse_seen(seed, left_out, |_| ())
}

/// The same, with somebody who looks at it again and again.
pub fn sparse_seen(seed: u64, left_out: LeftOut, mut look: impl FnMut(&World)) -> World {
    let (mut world, mut random) = (World::start(left_out), fastrand::Rng::with_seed(seed));
    for _ in 0..36 {
        world.pass(random.i64(1..120));
        // Half of them in two children: some places open, and some close again.
        let child = if random.bool() { random.usize(0..2) } else { random.usize(0..PLACES - 1) };
        world.report(child);
        world.pass(1);
        look(&world);
    }
    world.pass(DAY_MINUTES);
    world
}

/// Six children are open, and one person reports from the seventh.
pub fn six_of_seven(left_out: LeftOut) -> World {
    six_of_seven_on(World::start(left_out))
}

/// The same in a world that is there.
pub fn six_of_seven_on(mut world: World) -> World {
    for child in 0..6 {
        for _ in 0..9 {
            world.pass(1);
            world.report(child);
        }
    }
    world.pass(20);
    world.report(6);
    world.pass(60);
    world
}

/// Six children are known to lack one person each, since they have just closed; somebody
/// reports, and none of them opens.
pub fn exclusion(left_out: LeftOut) -> World {
    let mut world = World::start(left_out);
    for child in 0..6 {
        world.report(child);
    }
    world.pass(60);
    for _ in 0..4 {
        for child in 0..6 {
            world.report(child);
        }
        world.pass(1);
    }
    world.pass(DAY_MINUTES - 64 + 20);
    world.report(6);
    world.pass(60);
    world
}

/// Four people are known to be in a child, since it has just closed; somebody beside them
/// reports, and their parent opens.
pub fn beside_those_left(left_out: LeftOut) -> World {
    let mut world = World::start(left_out);
    world.report(0);
    world.pass(60);
    (0..4).for_each(|_| world.report(0));
    world.pass(DAY_MINUTES - 60 + 20);
    world.report(6);
    world.pass(60);
    world
}

/// Somebody reports beside an open child, which closes when the first of its people leaves
/// the day; then their parent opens.
pub fn beside_one_that_closes(left_out: LeftOut) -> World {
    let mut world = World::start(left_out);
    world.report(0);
    world.pass(60);
    (0..4).for_each(|_| world.report(0));
    world.pass(30);
    world.report(6);
    world.pass(DAY_MINUTES - 90 + 60);
    world
}
