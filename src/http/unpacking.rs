//! Packed bodies, unpacked within their limit.
//!
//! What follows the last packed part and is only filler is passed over, as `gzip` itself
//! does: zero bytes of a block, a newline of a shell.

use super::content_encoding::ContentEncoding;
use flate2::bufread::GzDecoder;
use memmap2::MmapMut;
use std::io::{self, ErrorKind, Read};
use std::ops::Deref;

/// The first `length` bytes of memory that is the system's again when dropped. An
/// allocator would keep it for the thread that happened to unpack, and a few packed
/// bodies at once would hold many times their limit.
#[derive(Debug)]
pub struct Mapped {
    /// Room for the limit and one byte more; taken only as far as it is filled.
    map: MmapMut,
    /// How much is filled.
    length: usize,
    limit: usize,
}

/// Whether there was room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    Whole,
    OverLimit,
}

/// How a body is packed that does not say so: some proxies lose the header. No JSON
/// begins with these bytes.
#[must_use]
pub fn told_by(body: &[u8]) -> ContentEncoding {
    match body {
        [0x1f, 0x8b, ..] => ContentEncoding::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ContentEncoding::Zstd,
        _ => ContentEncoding::Identity,
    }
}

/// What gzip packed, in one or several members; none where that is more than `limit`.
///
/// # Errors
/// Where it is not what it says it is.
pub fn gzip(packed: &[u8], limit: usize) -> io::Result<Option<Mapped>> {
    in_parts(packed, limit, |rest, mapped| {
        let mut decoder = GzDecoder::new(rest);
        let filled = mapped.fill(&mut decoder)?;
        Ok((filled, decoder.into_inner()))
    })
}

/// What Zstandard packed, in one or several frames; none where that is more than `limit`.
///
/// # Errors
/// Where it is not what it says it is.
pub fn zstd(packed: &[u8], limit: usize) -> io::Result<Option<Mapped>> {
    in_parts(packed, limit, |rest, mapped| {
        let mut decoder = zstd::Decoder::with_buffer(rest)?.single_frame();
        let filled = mapped.fill(&mut decoder)?;
        Ok((filled, decoder.finish()))
    })
}

/// Unpacks part after part until nothing but filler is left.
fn in_parts<'a>(
    packed: &'a [u8],
    limit: usize,
    mut part: impl FnMut(&'a [u8], &mut Mapped) -> io::Result<(Filled, &'a [u8])>,
) -> io::Result<Option<Mapped>> {
    let mut mapped = Mapped { map: MmapMut::map_anon(limit + 1)?, length: 0, limit };
    let mut rest = packed;
    loop {
        let (filled, left) = part(rest, &mut mapped)?;
        if filled == Filled::OverLimit {
            return Ok(None);
        }
        // Fillers between parts are passed over, too: what they came from wrote whole
        // blocks.
        let is_filler = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
        let Some(next) = left.iter().position(|byte| !is_filler(byte)) else {
            return Ok(Some(mapped));
        };
        rest = &left[next..];
    }
}

impl Mapped {
    fn fill(&mut self, reader: &mut impl Read) -> io::Result<Filled> {
        while self.length <= self.limit {
            match reader.read(&mut self.map[self.length..]) {
                Ok(0) => return Ok(Filled::Whole),
                Ok(read) => self.length += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Filled::OverLimit)
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LIMIT: usize = 1_000;

    fn gzipped(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zstded(plain: &[u8]) -> Vec<u8> {
        zstd::encode_all(plain, 1).unwrap()
    }

    type Pack = fn(&[u8]) -> Vec<u8>;
    type Unpack = fn(&[u8], usize) -> io::Result<Option<Mapped>>;
    const BOTH: [(Pack, Unpack); 2] = [(gzipped, gzip), (zstded, super::zstd)];

    #[test]
    fn fillers_after_a_part_are_passed_over() {
        for (pack, unpack) in BOTH {
            for filler in [&b""[..], b"\n", b"\r\n", b"\0", &[0; 511], b"\0\n"] {
                let one = [&pack(b"ab"), filler].concat();
                assert_eq!(&*unpack(&one, LIMIT).unwrap().unwrap(), b"ab", "{filler:?}");
                let two = [&one[..], &pack(b"cd"), filler].concat();
                assert_eq!(&*unpack(&two, LIMIT).unwrap().unwrap(), b"abcd", "{filler:?}");
            }
        }
    }

    #[test]
    fn what_is_broken_is_no_filler() {
        for (pack, unpack) in BOTH {
            let whole = pack(b"abcdefgh");
            let broken = [
                [&whole[..], b"x"].concat(),
                [&whole[..], b"\0x"].concat(),
                [&whole[..], &whole[..5]].concat(),
                whole[..whole.len() - 1].to_vec(),
                b"\0\0".to_vec(),
                Vec::new(),
            ];
            for packed in broken {
                assert!(unpack(&packed, LIMIT).is_err(), "{packed:?}");
            }
        }
    }

    #[test]
    fn more_than_the_limit_is_none_however_it_is_parted() {
        for (pack, unpack) in BOTH {
            assert_eq!(
                unpack(&pack(&[b' '; LIMIT]), LIMIT).unwrap().map(|mapped| mapped.len()),
                Some(LIMIT)
            );
            assert!(unpack(&pack(&[b' '; LIMIT + 1]), LIMIT).unwrap().is_none());
            let two = [pack(&[b' '; LIMIT]), pack(b" ")].concat();
            assert!(unpack(&two, LIMIT).unwrap().is_none());
        }
    }
}
