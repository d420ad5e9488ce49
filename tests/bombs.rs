//! Small bodies that unpack to gigabytes are refused, and the memory of the process stays
//! flat.

use crate::support::binary::Binary;
use crate::support::gzip;

const MIB: usize = 1 << 20;
/// As large as the body of a batch may be as sent.
const BODY: usize = 4 * MIB;
/// More than the 16 MiB that a batch may unpack to and what the allocator keeps for the
/// next one; far less than any bomb.
const FLAT: u64 = 64 * MIB as u64;

/// A body of nearly four mebibytes, of the same packed piece again and again: both
/// formats allow several pieces in a row.
fn repeated(piece: &[u8]) -> Vec<u8> {
    piece.repeat(BODY / piece.len())
}

#[test]
fn a_bomb_is_refused_and_memory_stays_flat() {
    let store = tempfile::tempdir().unwrap();
    let server = Binary::start(store.path(), &["--workers", "1"]);
    let zeros = vec![0; 32 * MIB];
    let (gzip_piece, zstd_piece) = (gzip(&zeros), zstd::encode_all(&zeros[..], 1).unwrap());
    assert!(
        repeated(&gzip_piece).len() / gzip_piece.len() * zeros.len() >= 256 * MIB,
        "this is a bomb"
    );
    assert_eq!(
        server.batch(&vec![b'x'; BODY]).status,
        200,
        "an ordinary large body, for comparison"
    );
    let before = server.peak_memory();
    for (encoding, body) in [("gzip", repeated(&gzip_piece)), ("zstd", repeated(&zstd_piece))] {
        for media_type in ["application/json", "application/x-ndjson"] {
            let headers = [("Content-Type", media_type), ("Content-Encoding", encoding)];
            let answer = server.send("POST", "/v1/reports/batch", &headers, &body);
            assert_eq!(
                (answer.status, answer.json()["code"].as_str()),
                (413, Some("too_large")),
                "{encoding} {media_type}"
            );
        }
        let answer =
            server.send("POST", "/v1/reports", &[("Content-Encoding", encoding)], &body[..60_000]);
        assert!([400, 413].contains(&answer.status), "{encoding}: {answer}");
    }
    let grown = server.peak_memory() - before;
    assert!(grown < FLAT, "the process grew by {} MiB", grown / MIB as u64);
}

#[test]
fn a_zstd_frame_that_asks_for_a_huge_window_gets_none() {
    let store = tempfile::tempdir().unwrap();
    let server = Binary::start(store.path(), &["--workers", "1"]);
    let before = server.peak_memory();
    // A frame's head: magic number, no flags, a window of 2^41 bytes; then an empty last
    // block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00];
    let answer = server.send("POST", "/v1/reports/batch", &[("Content-Encoding", "zstd")], &frame);
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (400, Some("malformed_body")),
        "{answer}"
    );
    assert!(server.peak_memory() - before < FLAT);
}

#[test]
fn deep_nesting_and_many_small_items_take_no_more_memory_than_their_limit_allows() {
    let store = tempfile::tempdir().unwrap();
    let server = Binary::start(store.path(), &["--workers", "1"]);
    let before = server.peak_memory();
    for body in [
        vec![b'['; BODY],
        format!("[{}1]", "1,".repeat(BODY / 2 - 2)).into_bytes(),
        "\n".repeat(BODY).into_bytes(),
    ] {
        for media_type in ["application/json", "application/x-ndjson"] {
            let answer =
                server.send("POST", "/v1/reports/batch", &[("Content-Type", media_type)], &body);
            assert!([200, 400, 413].contains(&answer.status), "{media_type}: {answer}");
        }
    }
    let grown = server.peak_memory() - before;
    assert!(grown < FLAT, "the process grew by {} MiB", grown / MIB as u64);
}
