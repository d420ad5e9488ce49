//! The real binary as a process of its own: started, asked, stopped and killed.

use super::client::Client;
use super::fake_time::FakeTime;
use std::io::{BufRead, BufReader, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const STARTS_WITHIN: Duration = Duration::from_mins(1);
const SERVER: &str = env!("CARGO_BIN_EXE_groundswell");
const SMALL_CATALOGUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml");

/// `groundswell serve` on a store. Killed when dropped.
#[derive(Debug)]
pub struct Binary {
    process: Child,
    client: Client,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// Commands of the laboratory; all others are the server's.
const OF_LAB: [&str; 5] = ["backtest", "demo", "guard", "rehearse", "simulate"];

/// The command by the program that has it, its environment free of settings that the
/// tests did not choose.
pub fn groundswell(arguments: &[&str]) -> Command {
    let of_lab = arguments.first().is_some_and(|command| OF_LAB.contains(command));
    let mut command = Command::new(if of_lab { lab() } else { SERVER.as_ref() });
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GROUNDSWELL_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The program of the laboratory, as the tests' profile builds it: cargo builds the
/// programs of the package that is tested only, so it is asked for this one.
pub fn lab() -> &'static Path {
    static LAB: LazyLock<PathBuf> = LazyLock::new(|| {
        let program = Path::new(SERVER).with_file_name("groundswell-lab");
        let target = program.parent().and_then(Path::parent).unwrap();
        let profile = program.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--locked", "--package", "groundswell-lab", "--bins", "--profile"]);
        cargo.arg(if profile == "debug" { "dev" } else { profile });
        let output = cargo.arg("--target-dir").arg(target).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        program
    });
    &LAB
}

/// Runs `groundswell serve` where it must refuse to start, and gives what it said.
pub fn refused(arguments: &[&str]) -> Output {
    refused_by(&mut groundswell(&[&["serve"], arguments].concat()))
}

/// The same by a command.
pub fn refused_by(command: &mut Command) -> Output {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ended = within(STARTS_WITHIN, || process.try_wait().unwrap().is_some());
    if !ended {
        process.kill().unwrap();
    }
    let output = process.wait_with_output().unwrap();
    assert!(ended, "it should refuse to start, but runs: {output:?}");
    assert_ne!(output.status.code(), Some(0), "{output:?}");
    output
}

/// Whether something comes true before a deadline.
pub fn within(deadline: Duration, mut is_true: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < deadline {
        if is_true() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

impl Binary {
    /// Starts it on a store with the small catalogue, with further arguments, and returns
    /// once it listens.
    pub fn start(store: &Path, arguments: &[&str]) -> Self {
        Self::start_with_all(store, &[&["--catalogue", SMALL_CATALOGUE], arguments].concat())
    }

    /// The same by another wall clock.
    pub fn start_by(clock: &FakeTime, store: &Path, arguments: &[&str]) -> Self {
        let mut command = groundswell(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--catalogue",
            SMALL_CATALOGUE,
            "--store",
        ]);
        command.arg(store).args(arguments);
        clock.rule(&mut command);
        Self::of(&mut command)
    }

    /// The same with the catalogue compiled in.
    pub fn start_with_all(store: &Path, arguments: &[&str]) -> Self {
        let mut command = groundswell(&["serve", "--listen", "127.0.0.1:0", "--store"]);
        Self::of(command.arg(store).args(arguments))
    }

    /// A server by any command that starts one.
    pub fn of(command: &mut Command) -> Self {
        Self::try_of(command)
            .unwrap_or_else(|said| panic!("it should say where it listens: {said}"))
    }

    /// A server by any command that starts one; what it said where it ends before it
    /// listens.
    pub fn try_of(command: &mut Command) -> Result<Self, String> {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (log, mut stderr) =
            (Arc::new(Mutex::new(String::new())), process.stderr.take().unwrap());
        let into = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            let mut some = [0; 4_096];
            while let Ok(count @ 1..) = stderr.read(&mut some) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&some[..count]));
            }
        });
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .and_then(|address| address.parse().ok());
        let Some(address) = address else {
            drop(process.kill());
            process.wait().unwrap();
            reader.join().unwrap();
            return Err(format!("{line:?}: {}", log.lock().unwrap()));
        };
        Ok(Self { process, client: Client::new(address), log, reader: Some(reader) })
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The most memory it ever had, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits until it has ended. Gives its status and all that it logged.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let ended = within(Duration::from_mins(1), || self.process.try_wait().unwrap().is_some());
        assert!(ended, "it should have ended: {}", self.log());
        self.reader.take().unwrap().join().unwrap();
        (self.process.wait().unwrap(), self.log())
    }

    /// Kills it, at whatever it is doing.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Deref for Binary {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
