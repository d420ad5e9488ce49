//! The lines of files, one file after the other. The next ones can be looked at before
//! their turn.

use super::input::Input;
use super::lines::{Lines, Next};
use super::statistics::{Flaw, Place};
use super::{ReplayError, input_line, plausible};
use crate::domain::time::Timestamp;
use std::collections::VecDeque;

/// The lines of files. Holds [`plausible::ASKED`] of them ahead at most.
pub struct Queue<'a> {
    inputs: std::slice::Iter<'a, Input>,
    open: Option<Open<'a>>,
    ahead: VecDeque<Ahead<'a>>,
    place: Option<(&'a Input, u64)>,
    read: u64,
}

struct Open<'a> {
    input: &'a Input,
    lines: Lines,
}

/// A line that has been read before its turn.
struct Ahead<'a> {
    place: (&'a Input, u64),
    content: Result<Vec<u8>, Flaw>,
    received_at: Option<Timestamp>,
}

impl<'a> Queue<'a> {
    pub fn of(inputs: &'a [Input]) -> Self {
        Self { inputs: inputs.iter(), open: None, ahead: VecDeque::new(), place: None, read: 0 }
    }

    /// Reads the next line into `line`, or says what is wrong with it; none at the end.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn next(&mut self, line: &mut Vec<u8>) -> Result<Option<Result<(), Flaw>>, ReplayError> {
        if let Some(ahead) = self.ahead.pop_front() {
            self.place = Some(ahead.place);
            return Ok(Some(ahead.content.map(|content| *line = content)));
        }
        let Some((place, read)) = self.read(line)? else { return Ok(None) };
        self.place = Some(place);
        Ok(Some(read))
    }

    /// When the next lines were received, [`plausible::ASKED`] of them at most, those
    /// left out that do not say so.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn received_next(&mut self) -> Result<Vec<Timestamp>, ReplayError> {
        while self.ahead.len() < plausible::ASKED {
            let mut line = Vec::new();
            let Some((place, read)) = self.read(&mut line)? else { break };
            let received_at = input_line::received_at(&line);
            self.ahead.push_back(Ahead { place, content: read.map(|()| line), received_at });
        }
        Ok(self.ahead.iter().filter_map(|ahead| ahead.received_at).collect())
    }

    /// Where the line stands that came last.
    pub fn place(&self) -> Place {
        self.place.map_or_else(Place::default, |(input, line)| Place {
            file: input.path().to_owned(),
            line,
        })
    }

    /// Bytes of the files that were read since this was last asked.
    pub fn newly_read(&mut self) -> u64 {
        let open = self.open.as_mut().map_or(0, |open| open.lines.newly_read());
        std::mem::take(&mut self.read) + open
    }

    /// Reads the next line into `line`; gives where it stands, and what is wrong with it.
    fn read(
        &mut self,
        line: &mut Vec<u8>,
    ) -> Result<Option<((&'a Input, u64), Result<(), Flaw>)>, ReplayError> {
        loop {
            let open = match &mut self.open {
                Some(open) => open,
                None => match self.inputs.next() {
                    Some(input) => self.open.insert(Open { input, lines: Lines::open(input)? }),
                    None => return Ok(None),
                },
            };
            let read = match open.lines.next()? {
                Next::Line(next) => {
                    line.clear();
                    line.extend_from_slice(next);
                    Ok(())
                }
                Next::Flaw(flaw) => Err(flaw),
                Next::End => {
                    self.read += open.lines.newly_read();
                    self.open = None;
                    continue;
                }
            };
            return Ok(Some(((open.input, open.lines.number()), read)));
        }
    }
}
