//! The servers under load, each a process of its own: started, watched through `/proc`,
//! and killed.

use super::task::YARDSTICK;
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The unit of CPU times in `/proc`: `USER_HZ`, 100 on every Linux that Rust's standard
/// library runs on.
pub const TICKS_PER_SECOND: f64 = 100.0;

const GROUNDSWELL: &str = "groundswell";

/// A server that listens. Killed, as by `kill -9`, when dropped.
#[derive(Debug)]
pub struct Server {
    /// What the tables call it.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took until it listened.
    pub started_in: Duration,
    process: Child,
    /// Kept open: a server that writes to a closed pipe would end.
    _stdout: BufReader<ChildStdout>,
}

/// CPU time of a process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cpu {
    /// In its own code, in seconds.
    pub user: f64,
    /// In the kernel's, in seconds.
    pub system: f64,
}

impl Server {
    /// Groundswell, as it comes, on the store in that directory; its log goes beside it.
    ///
    /// # Errors
    /// Where it ends before it listens.
    pub fn groundswell(store: &Path) -> anyhow::Result<Self> {
        Self::groundswell_on(&store.display().to_string(), &store.with_extension("log"))
    }

    /// Groundswell on a store of any kind.
    ///
    /// # Errors
    /// Where it ends before it listens.
    pub fn groundswell_on(store: &str, log: &Path) -> anyhow::Result<Self> {
        Self::groundswell_by(&[], store, log)
    }

    /// The same by settings of its own, such as who may call.
    ///
    /// # Errors
    /// Where it ends before it listens.
    pub fn groundswell_by(settings: &[&str], store: &str, log: &Path) -> anyhow::Result<Self> {
        let mut command = groundswell("serve");
        command.args(["--listen", "127.0.0.1:0", "--store", store]).args(settings);
        if store.contains("://") {
            command.env("GROUNDSWELL_REPORTER_KEY", "the key of a bench");
        }
        Self::start(GROUNDSWELL, command, log)
    }

    /// This bench again, as its own yardstick, which may take an argument.
    ///
    /// # Errors
    /// Where it ends before it listens.
    pub fn yardstick(argument: Option<&Path>, log: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(YARDSTICK).args(argument);
        Self::start("yardstick", command, log)
    }

    fn start(name: &'static str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let began = Instant::now();
        let log_file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file).spawn()?;
        let mut stdout = BufReader::new(process.stdout.take().expect("standard output is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let Some(address) = line.trim_end().strip_prefix("listening on http://") else {
            let _ = process.kill();
            let status = process.wait()?;
            let said = std::fs::read_to_string(log).unwrap_or_default();
            bail!("{name} ended before it listened ({status}): {line}{said}");
        };
        Ok(Self {
            name,
            address: address.parse()?,
            started_in: began.elapsed(),
            process,
            _stdout: stdout,
        })
    }

    /// Whether it is the one that is measured, not one that it is measured against.
    #[must_use]
    pub fn is_groundswell(&self) -> bool {
        self.name == GROUNDSWELL
    }

    /// Memory that it holds now, in bytes.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn resident_bytes(&self) -> anyhow::Result<u64> {
        let kib = self.number_in("status", "VmRSS:")?;
        Ok(kib * 1024)
    }

    /// The most memory that it ever held, in bytes.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn peak_resident_bytes(&self) -> anyhow::Result<u64> {
        let kib = self.number_in("status", "VmHWM:")?;
        Ok(kib * 1024)
    }

    /// Bytes that it has caused to be written to disk.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn written_bytes(&self) -> anyhow::Result<u64> {
        self.number_in("io", "write_bytes:")
    }

    /// CPU time that it has used.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn cpu(&self) -> anyhow::Result<Cpu> {
        cpu_of(self.process.id())
    }

    /// CPU time that its threads have used, by their names without trailing numbers.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn cpu_by_thread(&self) -> anyhow::Result<BTreeMap<String, Cpu>> {
        let mut threads: BTreeMap<String, Cpu> = BTreeMap::new();
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            // A thread may end while it is looked at.
            let Ok(stat) = std::fs::read_to_string(thread?.path().join("stat")) else { continue };
            let (name, cpu) = named_cpu(&stat)?;
            // actix-web's names hold a bar, which would end a cell of a table.
            let group = name.replace('|', "/");
            let group = group.trim_end_matches(|c: char| c.is_ascii_digit() || "-: #".contains(c));
            let sum = threads.entry(group.to_owned()).or_default();
            *sum = Cpu { user: sum.user + cpu.user, system: sum.system + cpu.system };
        }
        Ok(threads)
    }

    fn number_in(&self, file: &str, name: &str) -> anyhow::Result<u64> {
        let text = self.read(file)?;
        let number = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
        number.with_context(|| format!("/proc/{}/{file} has no {name}", self.process.id()))
    }

    fn read(&self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.process.id());
        std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))
    }
}

/// A command of Groundswell's, in an environment free of settings for it.
#[must_use]
pub fn groundswell(name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groundswell"));
    let ours =
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GROUNDSWELL_"));
    for (name, _) in ours {
        command.env_remove(name);
    }
    command.arg(name);
    command
}

/// CPU time that a process has used.
///
/// # Errors
/// Where it is gone.
pub fn cpu_of(process: u32) -> anyhow::Result<Cpu> {
    let path = format!("/proc/{process}/stat");
    Ok(named_cpu(&std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?)?.1)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Cpu {
    /// What was used since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self { user: self.user - before.user, system: self.system - before.system }
    }

    /// Both, in seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.user + self.system
    }
}

/// Name and CPU time of a line of `/proc/PID/stat`: fields 2, 14 and 15 (proc(5)). The
/// name stands in brackets and may hold spaces.
fn named_cpu(stat: &str) -> anyhow::Result<(String, Cpu)> {
    let split = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(") "));
    let (name, rest) = split.context("a line of /proc/PID/stat has a name in brackets")?;
    let mut ticks = rest.split(' ').skip(11).map(str::parse::<f64>);
    let mut seconds = || {
        ticks
            .next()
            .context("a line of /proc/PID/stat has CPU times")?
            .context("CPU times are numbers")
    };
    let (user, system) = (seconds()? / TICKS_PER_SECOND, seconds()? / TICKS_PER_SECOND);
    Ok((name.to_owned(), Cpu { user, system }))
}
