//! A real Redis to measure on, and to measure with.

use super::server::{Cpu, cpu_of};
use anyhow::{Context, ensure};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server in a directory of its own. Killed when dropped.
#[derive(Debug)]
pub struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    /// A server with an append-only file, synced as `appendfsync` says.
    ///
    /// # Errors
    /// Where it does not start: is the package redis-server installed?
    pub fn start(directory: &Path, appendfsync: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let settings = [
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            appendfsync,
        ];
        let process = Command::new("redis-server")
            .args(settings)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let redis = Self {
            process: process.context("these benches need redis-server (package redis-server)")?,
            port,
        };
        let began = Instant::now();
        while redis.cli(&["PING"])?.trim() != "PONG" {
            ensure!(began.elapsed() < Duration::from_secs(10), "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(redis)
    }

    /// Its address as a store.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// CPU time that it has used.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn cpu(&self) -> anyhow::Result<Cpu> {
        cpu_of(self.process.id())
    }

    /// Memory that its data take, as it counts it.
    ///
    /// # Errors
    /// Where it does not say.
    pub fn used_memory(&self) -> anyhow::Result<u64> {
        let info = self.cli(&["INFO", "memory"])?;
        let number =
            info.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok());
        number.context("INFO memory has no used_memory")
    }

    /// Calls of a command so far.
    ///
    /// # Errors
    /// Where it does not say.
    pub fn calls(&self, command: &str) -> anyhow::Result<u64> {
        let stats = self.cli(&["INFO", "commandstats"])?;
        let calls = stats.lines().find_map(|line| {
            line.strip_prefix(&format!("cmdstat_{command}:calls="))?.split(',').next()?.parse().ok()
        });
        Ok(calls.unwrap_or(0))
    }

    /// `HINCRBY` a second of redis-benchmark with 64 commands a pipeline, over so many
    /// commands; its data are removed again.
    ///
    /// # Errors
    /// Where redis-benchmark cannot run.
    pub fn hincrby_per_second(&self, commands: usize) -> anyhow::Result<f64> {
        let (port, commands) = (self.port.to_string(), commands.to_string());
        let arguments = [
            "-p",
            &port,
            "-P",
            "64",
            "-n",
            &commands,
            "-r",
            "100000",
            "--csv",
            "HINCRBY",
            "bench:__rand_int__",
            "field",
            "1",
        ];
        let output = Command::new("redis-benchmark")
            .args(arguments)
            .output()
            .context("these benches need redis-benchmark (package redis-tools)")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let rate = text.lines().last().and_then(|line| {
            line.rsplit_once("\",\"")
                .and(line.split("\",\"").nth(1))?
                .trim_matches('"')
                .parse()
                .ok()
        });
        self.cli(&[
            "EVAL",
            "for _, key in ipairs(redis.call('KEYS', 'bench:*')) do redis.call('UNLINK', key) end",
            "0",
        ])?;
        rate.with_context(|| format!("redis-benchmark said {text}"))
    }

    /// What redis-cli says to a command.
    ///
    /// # Errors
    /// Where it cannot run.
    pub fn cli(&self, command: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(command)
            .output()
            .context("redis-cli")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
