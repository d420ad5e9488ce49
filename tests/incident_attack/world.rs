//! Small worlds with known truth: people of a village in one cell of resolution 6 and its
//! children, far from everybody else.

use crate::support::server::TestServer;
use crate::support::{ndjson, text};
use groundswell::domain::grid::{Cell, Position, Resolution};
use groundswell::domain::privacy::asked::AskedRule;
use groundswell::domain::privacy::rule::LeftOut;
use groundswell::domain::time::Minute;
use groundswell::http::policy::Policy;
use serde_json::{Value, json};
use std::ops::Range;

const VILLAGE: (f64, f64) = (49.78, -85.42);
const CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml");
/// Degrees between houses of one child.
const STEP: f64 = 0.003;

/// People who report a brand from a child in one minute.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    pub brand: &'static str,
    pub child: usize,
    pub people: u32,
}

/// Who reports in each minute that something happens, and how long it takes until then.
pub struct Scene(Vec<(i64, Vec<Group>)>);

/// A scene that was played.
pub struct World {
    pub server: TestServer,
    pub parent: Cell,
    pub children: Vec<Cell>,
    pub k: u8,
    /// Who reported, and when.
    pub sent: Vec<(Minute, Group)>,
    /// Minutes of which everything was taken back.
    pub voided: Range<Minute>,
}

const fn charlie(child: usize, people: u32) -> Group {
    Group { brand: "charlie", child, people }
}

impl Scene {
    /// Two beside a place in which enough speak.
    pub fn beside_a_named_place() -> Self {
        Self(vec![(1, vec![charlie(0, 5), charlie(6, 2)])])
    }

    /// Four in one place, and two beside them.
    pub fn beside_four() -> Self {
        Self(vec![(1, vec![charlie(0, 4), charlie(6, 2)])])
    }

    /// Many in one place, four in another, and later so many of the same.
    pub fn four_and(more: u32) -> Self {
        let first = vec![charlie(0, 8), charlie(6, 4)];
        let then = vec![charlie(6, more)];
        Self(vec![(1, first), (8, if more == 0 { Vec::new() } else { then })])
    }

    /// One brand names a place; of another four are in it, and one beside it.
    pub fn of_two_brands() -> Self {
        let of = |brand, child, people| Group { brand, child, people };
        let first = vec![of("alpha", 0, 7), of("bravo", 0, 4)];
        Self(vec![(1, first), (2, vec![of("bravo", 6, 1)]), (3, vec![of("bravo", 5, 1)])])
    }

    /// A handful of people over an hour, more of them in some children than in others.
    pub fn sparse(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut some = |_| {
            let child = if random.bool() { random.usize(0..2) } else { random.usize(0..7) };
            let people = if random.bool() { 1 } else { random.u32(2..5) };
            (random.i64(1..6), vec![charlie(child, people)])
        };
        Self((0..9).map(&mut some).collect())
    }
}

impl World {
    /// Plays a scene on a server with a quiet past.
    pub fn play(scene: &Scene, left_out: LeftOut, k: u8) -> Self {
        let asked = AskedRule { k: Some(k), finest: Some(Resolution::DEFAULT) };
        let server = TestServer::start_by_asking_after_quiet_past(Policy::default(), asked);
        server.engine.leave_out(left_out);
        server.catch_up();
        let position = Position::new(VILLAGE.0, VILLAGE.1).unwrap();
        let parent = Cell::at(position, Resolution::ALL[6]);
        let children = parent.descendants(Resolution::ALL[7]).collect();
        let mut world =
            Self { server, parent, children, k, sent: Vec::new(), voided: Minute(0)..Minute(0) };
        for (after, groups) in &scene.0 {
            world.server.watch_minutes(*after);
            for group in groups {
                world.report(*group);
            }
            world.server.watch_minutes(1);
        }
        world.server.watch_minutes(12);
        world
    }

    fn report(&mut self, group: Group) {
        let at = self.children[group.child].centre();
        let first = self.sent.len() * 100;
        let reports: Vec<Value> = (0..group.people as usize)
            .map(|n| {
                // Not all at one corner.
                let (north, east) = (STEP * (n % 3) as f64 - STEP, STEP * (n / 3 % 2) as f64);
                let calls_fail = (first + n) % 4 == 3;
                let symptom = if calls_fail { "no_emergency_calls" } else { "no_service" };
                json!({
                    "provider": group.brand, "symptom": symptom, "lat": at.lat() + north,
                    "lon": at.lon() + east, "accuracy_m": 35,
                    "reporter_id": format!("villager {}", first + n),
                })
            })
            .collect();
        let answer = self.server.batch(&ndjson(&reports));
        assert_eq!(answer.json()["counted"], json!(reports.len()), "{answer}");
        self.sent.push((self.server.now().minute(), group));
    }

    /// Somebody in each child says late what they observed, what some minutes brought is
    /// taken back, and the server starts anew.
    pub fn after_late_reports_a_void_and_a_restart(self, left_out: LeftOut) -> Self {
        let now = self.server.now();
        let late = |(n, child): (usize, &Cell)| {
            let (at, observed) = (child.centre(), now.minute().plus(-8 - n as i64));
            json!({
                "provider": "charlie", "symptom": "no_service", "lat": at.lat(), "lon": at.lon(),
                "accuracy_m": 35, "reporter_id": format!("late {n}"),
                "observed_at": text(observed.start()),
            })
        };
        let reports: Vec<Value> = self.children.iter().enumerate().map(late).collect();
        let answer = self.server.batch(&ndjson(&reports));
        assert_eq!(answer.json()["counted"], json!(reports.len()), "{answer}");
        self.server.watch_minutes(2);
        let (from, to) = (now.minute().plus(-20), now.minute().plus(-15));
        let void = json!({"source": 0, "from": text(from.start()), "to": text(to.start()),
            "reason": "a test"});
        let json = [("Content-Type", "application/json")];
        let answer = self.server.send("POST", "/v1/voids", &json, void.to_string().as_bytes());
        assert_eq!(answer.status, 202, "{answer}");
        self.server.watch_minutes(2);
        let catalogue = std::fs::read_to_string(CATALOGUE).unwrap();
        let server = self.server.restarted_with(&catalogue);
        server.engine.leave_out(left_out);
        server.catch_up();
        server.watch_minutes(12);
        Self { server, voided: from..to, ..self }
    }

    /// How many people reported from where that holds.
    pub fn people_in(&self, is_in: &dyn Fn(Cell) -> bool) -> usize {
        let here = self.sent.iter().filter(|(_, group)| is_in(self.children[group.child]));
        here.map(|(_, group)| group.people as usize).sum()
    }
}
