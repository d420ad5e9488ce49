//! Ids that many phones send alike: what programs write where they have no id, and
//! constants of faulty or simulated devices.
//!
//! Such an id says nothing about who reports, so it must never stand for one person.

/// Longest text that is compared with the list, in bytes. Longer ids are a device's own.
const LONGEST: usize = 64;

/// Ids as [`is_shared`] compares them: letters and digits in lower case, nothing else.
const SHARED: [&str; 36] = [
    // No value, as languages write it: JavaScript, C, Swift, Go, Python, Lua, and "n/a".
    "null",
    "nullnull",
    "undefined",
    "nil",
    "optionalnil",
    "none",
    "nan",
    "na",
    "empty",
    "false",
    "true",
    // A JavaScript object that was made a string.
    "objectobject",
    // A word for nobody, or for anybody.
    "unknown",
    "unknownid",
    "unavailable",
    "notavailable",
    "anonymous",
    "anon",
    "guest",
    "default",
    "user",
    "device",
    "test",
    "tester",
    "testuser",
    "testdevice",
    // A name or template that nobody filled in; `string` is what API explorers put there.
    "id",
    "userid",
    "deviceid",
    "reporterid",
    "string",
    // ANDROID_ID of every device of a faulty firmware of Android 2.2, and of some
    // emulators (Android issue 10603).
    "9774d56d682e549c",
    "dead00beef",
    // The only MAC address that apps see since iOS 7 and Android 6.
    "020000000000",
    // Serial numbers (IMEI) of cloned devices and of emulators.
    "004999010640000",
    "012345678901234",
];

/// Whether many phones send this id: blank, zeros only (the advertising id of iOS without
/// consent, the nil UUID, the IMEI of an emulator), `f` only (the greatest UUID), or one
/// of the list. Case, blanks at the ends and ASCII signs do not matter.
#[must_use]
pub fn is_shared(id: &str) -> bool {
    if id.len() > LONGEST {
        return id.trim().is_empty();
    }
    let id = id.trim().trim_matches('\0');
    let letters = || {
        id.chars()
            .filter(|c| !c.is_ascii_punctuation() && !c.is_whitespace() && !is_invisible(*c))
            .map(|c| c.to_ascii_lowercase())
    };
    // Asked for every report: most ids are told by their first letter.
    let Some(first) = letters().next() else { return true };
    let of_only = |sign: char, least: usize| {
        first == sign && letters().all(|c| c == sign) && letters().count() >= least
    };
    let is_listed =
        || SHARED.iter().any(|shared| shared.starts_with(first) && letters().eq(shared.chars()));
    of_only('0', 1) || of_only('f', 12) || is_listed()
}

/// Marks that show nothing: a byte order mark, spaces without width, joiners.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_phones_send_is_shared_however_it_is_written() {
        let rows = [
            "",
            " ",
            "\u{200b}",
            "\u{feff} ",
            "\0\0",
            "--",
            "null",
            "NULL",
            "(null)",
            "<null>",
            "nil",
            "Optional(nil)",
            "None",
            "undefined",
            "unknown",
            "N/A",
            "NaN",
            "[object Object]",
            "0",
            "-0",
            "000000000000000",
            "00000000-0000-0000-0000-000000000000",
            "{00000000-0000-0000-0000-000000000000}",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "9774d56d682e549c",
            "02:00:00:00:00:00",
            "${deviceId}",
            "{{device_id}}",
            "test",
        ];
        for id in rows {
            assert!(is_shared(id), "{id:?}");
        }
        assert!(is_shared(&" ".repeat(100)));
    }

    #[test]
    fn an_id_of_ones_own_is_not_shared() {
        let rows = [
            "7",
            "r",
            "f",
            "fff",
            "test-1",
            "nullable",
            "unknown-7f3a",
            "😀",
            "Ω",
            "b7e2c1d0-6c1f-4f7a-9d0e-3f1a2b4c5d6e",
            "00000000-0000-0000-0000-000000000001",
            "some-random-string",
            "synthetic-0000000000000abc",
        ];
        for id in rows {
            assert!(!is_shared(id), "{id:?}");
        }
        assert!(!is_shared(&"0".repeat(65)), "longer than any constant");
    }
}
