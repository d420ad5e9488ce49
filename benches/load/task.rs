//! What a bench was started to do.

use anyhow::bail;

/// The hidden argument with which a bench starts itself again as its yardstick.
pub const YARDSTICK: &str = "--yardstick";

/// What this process is for.
#[derive(Debug, Clone)]
pub enum Task {
    /// Measure and print.
    Measure(Options),
    /// Be the server that Groundswell is compared with; with an argument where the
    /// yardstick takes one.
    Yardstick(Option<String>),
}

/// How to measure.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// A short version, to see that it works.
    pub quick: bool,
    /// The yardstick in Groundswell's place too: what the ratio is then, and how much it
    /// moves, is the error of the method.
    pub against_itself: bool,
}

impl Task {
    /// The task that the command line asks for.
    ///
    /// # Errors
    /// At an argument that no bench has.
    pub fn from_args() -> anyhow::Result<Self> {
        let mut options = Options::default();
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                YARDSTICK => return Ok(Self::Yardstick(args.next())),
                "--quick" => options.quick = true,
                "--against-itself" => options.against_itself = true,
                // Cargo says this to every bench.
                "--bench" => {}
                other => bail!("expected --quick or --against-itself, got {other:?}"),
            }
        }
        Ok(Self::Measure(options))
    }
}

impl Options {
    /// The one of two values that suits the length asked for.
    pub fn pick<T>(self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }
}
