//! The files that commands read and write: nothing that is read is written, nothing
//! appears by half, pipes are read once and whole.

use crate::support::binary::{groundswell, lab, within};
use crate::support::redis::RedisServer;
use crate::support::tiny_disk::TinyDisk;
use crate::support::{NOW, TORONTO, but, gzip, instant, ndjson, text};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const MINUTE_MS: i64 = 60_000;
const DEADLINE: Duration = Duration::from_mins(1);
const OLD: &[u8] = b"what was there before\n";

/// A directory with files of reports, in which commands run.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("a.ndjson", &reports(0..30));
        folder.write("b.ndjson", &reports(30..60));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Names of all that is in it, hidden files too.
    fn names(&self) -> Vec<String> {
        names_in(self.0.path())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = groundswell(arguments);
        command.current_dir(self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a line of the shell, in which `$G` is the server's program and `$L` the
    /// laboratory's.
    fn shell(&self, line: &str) -> Output {
        let mut command = Command::new("bash");
        command
            .args(["-c", line])
            .current_dir(self.0.path())
            .env("G", groundswell(&[]).get_program())
            .env("L", lab());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GROUNDSWELL_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).output().unwrap()
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A report each minute, of somebody else.
fn reports(minutes: std::ops::Range<i64>) -> Vec<u8> {
    ndjson(&minutes.map(|minute| report(minute, json!({}))).collect::<Vec<_>>())
}

fn report(minute: i64, fields: Value) -> Value {
    let (lat, lon) = TORONTO;
    let (received_at, id) = (text(instant(NOW).plus_ms(minute * MINUTE_MS)), format!("d{minute}"));
    but(
        json!({"received_at": received_at, "provider": "alpha", "symptom": "no_service", "lat": lat, "lon": lon, "accuracy_m": 31, "reporter_id": id}),
        fields,
    )
}

/// Enough of an outage, after enough hours without, to be told: so that an output has
/// something in it.
fn outage() -> Vec<u8> {
    let quiet = (0..36).map(|n| (n * 20, json!({"lat": TORONTO.0 + (n % 7) as f64 * 0.05})));
    let outage = (0..60).map(|n| {
        (
            9 * 60 + n,
            json!({"lat": TORONTO.0 + (n % 5) as f64 * 0.003, "reporter_id": format!("o{n}")}),
        )
    });
    let mut lines: Vec<(i64, Value)> = quiet.chain(outage).collect();
    lines.sort_by_key(|(minute, _)| *minute);
    ndjson(&lines.into_iter().map(|(minute, fields)| report(minute, fields)).collect::<Vec<_>>())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Fails with status 1, and says so.
#[track_caller]
fn refused(output: &Output, expected: &str) {
    let said = said(output);
    assert!(
        output.status.code() == Some(1) && said.contains(expected),
        "{expected:?} should be in {:?}: {said}",
        output.status
    );
}

#[track_caller]
fn done(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

#[test]
fn a_replay_writes_over_nothing_that_it_reads_by_whatever_name() {
    let folder = Folder::new();
    let (a, b) = (folder.read("a.ndjson"), folder.read("b.ndjson"));
    folder.write("data/a.ndjson", &a);
    folder.write("data/b.ndjson", &b);
    symlink("a.ndjson", folder.path("link")).unwrap();
    symlink(folder.0.path(), folder.path("here")).unwrap();
    symlink("link", folder.path("link-to-link")).unwrap();
    std::fs::hard_link(folder.path("a.ndjson"), folder.path("hard")).unwrap();
    let absolute = folder.path("a.ndjson").to_str().unwrap().to_owned();
    let catalogue =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml")).unwrap();
    folder.write("catalogue.toml", &catalogue);
    folder.write("key", b"secret\n");
    let rows: [&[&str]; 17] = [
        &["data/a.ndjson", "data/b.ndjson", "--out", "data/"],
        &["data/a.ndjson", "data/b.ndjson", "--out", "data"],
        &["a.ndjson", "b.ndjson", "--out", "."],
        &["a.ndjson", "--out", "a.ndjson"],
        &["b.ndjson", "a.ndjson", "--out", "./data/../a.ndjson"],
        &["a.ndjson", "--out", &absolute],
        &["a.ndjson", "--out", "link"],
        &["a.ndjson", "--out", "link-to-link"],
        &["link-to-link", "--out", "a.ndjson"],
        &["a.ndjson", "--out", "here/a.ndjson"],
        &["a.ndjson", "--out", "hard"],
        &["hard", "--out", "here/link"],
        &["b.ndjson", "--history", "a.ndjson", "--out", "a.ndjson"],
        &["a.ndjson", "--out", "out", "--explained", "a.ndjson"],
        &["b.ndjson", "--history", "hard", "--out", "out", "--explained", "link"],
        &["a.ndjson", "--catalogue", "catalogue.toml", "--out", "catalogue.toml"],
        &["a.ndjson", "--reporter-key-file", "key", "--out", "key"],
    ];
    for arguments in rows {
        refused(&folder.run(&[&["replay"], arguments].concat()), "is the file that is read as");
    }
    refused(
        &folder.shell("$G replay /dev/fd/3 --out a.ndjson 3<a.ndjson"),
        "is the file that is read as",
    );
    refused(
        &folder.shell("$G replay a.ndjson --out /dev/fd/3 3>>a.ndjson"),
        "is the file that is read as",
    );
    refused(&folder.shell("$G replay a.ndjson --out - >>a.ndjson"), "is the file that is read as");
    refused(&folder.shell("$G replay - --out a.ndjson <a.ndjson"), "is the file that is read as");
    for (name, content) in [
        ("a.ndjson", &a),
        ("b.ndjson", &b),
        ("data/a.ndjson", &a),
        ("data/b.ndjson", &b),
        ("key", &b"secret\n".to_vec()),
    ] {
        assert!(folder.read(name) == *content, "{name}");
    }
    assert!(folder.read("catalogue.toml") == catalogue && !folder.path("out").exists());
    assert_eq!(names_in(&folder.path("data")), ["a.ndjson", "b.ndjson"]);
}

#[test]
fn two_outputs_are_two_files_and_stores_have_their_directories_alone() {
    let folder = Folder::new();
    symlink("out", folder.path("other")).unwrap();
    for explained in ["out", "./out", "other"] {
        refused(
            &folder.run(&["replay", "a.ndjson", "--out", "out", "--explained", explained]),
            "are one file",
        );
    }
    refused(
        &folder.shell(
            "$G replay a.ndjson --out - --explained /dev/stdout | cat; exit ${PIPESTATUS[0]}",
        ),
        "are one file",
    );
    folder.write("data/a.ndjson", &reports(0..30));
    for (store, out) in [
        ("data", "out"),
        ("data/", "out"),
        (".", "out"),
        ("store", "store/out"),
        ("store", "store/deeper/out"),
    ] {
        std::fs::create_dir_all(folder.path("store")).unwrap();
        refused(
            &folder.run(&["replay", "data/a.ndjson", "--store", store, "--out", out]),
            "the directory of the store",
        );
    }
    assert_eq!(names_in(&folder.path("data")), ["a.ndjson"]);
    refused(
        &folder.run(&["replay", "a.ndjson", "--out", "data/../data", "--explained", "data"]),
        "is a directory",
    );
    done(&folder.run(&["replay", "a.ndjson", "--out", "/dev/null", "--explained", "/dev/null"]));
}

#[test]
fn a_copy_takes_no_directory_for_its_end() {
    let folder = Folder::new();
    done(&folder.run(&[
        "replay",
        "a.ndjson",
        "--store",
        "store",
        "--out",
        "out",
        "--reporter-key",
        "secret",
    ]));
    let before = names_in(&folder.path("store"));
    let output =
        folder.run(&["copy", "--from", "store", "--to", "store", "--reporter-key", "secret"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(names_in(&folder.path("store")), before);
    refused(
        &folder.run(&["copy", "--from", "missing", "--to", "redis://127.0.0.1:9"]),
        "no directory of an embedded store",
    );
}

#[test]
fn an_output_is_there_whole_or_the_old_one_stays() {
    let folder = Folder::new();
    folder.write("outage.ndjson", &outage());
    folder.write("out", OLD);
    folder.write("damaged.xz", b"\xfd7zXZ\0\0\x04nothing");
    std::fs::set_permissions(folder.path("out"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let failing: [&[&str]; 4] = [
        &["missing", "--out", "out"],
        &["outage.ndjson", "missing", "--out", "out"],
        &[
            "outage.ndjson",
            "damaged.xz",
            "--catalogue",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml"),
            "--out",
            "out",
        ],
        &["outage.ndjson", "--out", "out", "--explained", "a.ndjson/explained"],
    ];
    for arguments in failing {
        assert_eq!(
            folder.run(&[&["replay"], arguments].concat()).status.code(),
            Some(1),
            "{arguments:?}"
        );
        assert_eq!(folder.read("out"), OLD, "{arguments:?}");
    }
    symlink("out", folder.path("link")).unwrap();
    done(&folder.run(&["replay", "outage.ndjson", "--out", "link", "--explained", "explained"]));
    let whole = folder.read("out");
    assert!(
        whole.ends_with(b"}\n")
            && String::from_utf8_lossy(&whole).contains("\"provider\":\"alpha\""),
        "something is told"
    );
    assert!(folder.path("link").is_symlink(), "what a link leads to is written, not the link");
    assert_eq!(
        folder.path("out").metadata().unwrap().mode() & 0o777,
        0o640,
        "who might read it still may"
    );
    assert!(!folder.names().iter().any(|name| name.starts_with('.')), "{:?}", folder.names());
    // The same through what is written to as it goes.
    for (line, out) in [
        ("$G replay outage.ndjson --out - >streamed", "streamed"),
        ("$G replay outage.ndjson --out /dev/stdout | cat >streamed", "streamed"),
        ("$G replay outage.ndjson --out /dev/fd/3 3>streamed", "streamed"),
        (
            "$G replay outage.ndjson --out >(cat >streamed; touch done); while [ ! -e done ]; do \
             :; done",
            "streamed",
        ),
        (
            "mkfifo pipe; cat pipe >streamed & $G replay outage.ndjson --out pipe && wait",
            "streamed",
        ),
    ] {
        folder.write(out, OLD);
        done(&folder.shell(line));
        assert!(folder.read(out) == whole, "{line}");
    }
    folder.write("kept", OLD);
    done(&folder.shell("$G replay outage.ndjson --out /dev/stdout >>kept"));
    assert!(folder.read("kept") == [OLD, &whole].concat(), "what was appended to is not replaced");
}

#[test]
fn a_full_disk_leaves_the_old_file_and_no_half_of_the_new_one() {
    let disk = TinyDisk::new(4);
    let folder = Folder::new();
    folder.write("outage.ndjson", &outage());
    let (out, simulated) = (disk.path().join("out"), disk.path().join("r1"));
    std::fs::write(&out, OLD).unwrap();
    std::fs::create_dir(&simulated).unwrap();
    std::fs::write(simulated.join("truth.json"), OLD).unwrap();
    disk.fill_but(4_096);
    let simulate = |folder: &Folder| {
        folder.run(&[
            "simulate",
            "rogers-2022",
            "--crowd",
            "0.05",
            "--history-weeks",
            "0",
            "--out",
            simulated.to_str().unwrap(),
        ])
    };
    let full = simulate(&folder);
    refused(&full, "No space left on device");
    assert_eq!(names_in(&simulated), ["truth.json"]);
    assert_eq!(
        std::fs::read(simulated.join("truth.json")).unwrap(),
        OLD,
        "no file is of another run than the others"
    );
    disk.fill_but(0);
    refused(
        &folder.run(&["replay", "outage.ndjson", "--out", out.to_str().unwrap()]),
        "No space left on device",
    );
    assert_eq!(std::fs::read(&out).unwrap(), OLD);
    assert_eq!(names_in(disk.path()), ["ballast", "out", "r1"]);
    refused(
        &folder.run(&["replay", "outage.ndjson", "--out", "/dev/full"]),
        "No space left on device",
    );
    disk.make_room();
    done(&folder.run(&["replay", "outage.ndjson", "--out", out.to_str().unwrap()]));
    assert!(std::fs::read(&out).unwrap().starts_with(b"{"));
}

#[test]
fn a_signal_leaves_neither_half_a_file_nor_a_temporary_one() {
    for (signal, status) in [
        (rustix::process::Signal::INT, 130),
        (rustix::process::Signal::TERM, 143),
        (rustix::process::Signal::HUP, 129),
    ] {
        let (folder, temporary) = (Folder::new(), tempfile::tempdir().unwrap());
        folder.write("out", OLD);
        // The stream is a pipe that never ends: the output has begun once the history has
        // been played.
        Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap();
        let mut command = folder.command(&[
            "simulate",
            "rogers-2022",
            "--crowd",
            "1",
            "--history-weeks",
            "8",
            "--out",
            ".",
        ]);
        let mut child =
            command.env("TMPDIR", temporary.path()).stderr(Stdio::null()).spawn().unwrap();
        let hidden =
            || folder.names().iter().filter(|name| name.starts_with(".groundswell-")).count();
        assert!(within(DEADLINE, || hidden() == 2), "{:?}", folder.names());
        ends_by(&mut child, signal, status);
        assert_eq!(folder.names(), ["a.ndjson", "b.ndjson", "out", "pipe"]);

        let mut command = folder.command(&[
            "replay",
            "a.ndjson",
            "--out",
            "pipe",
            "--history",
            "b.ndjson",
            "--catalogue",
        ]);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue.toml"));
        let mut child =
            command.env("TMPDIR", temporary.path()).stderr(Stdio::null()).spawn().unwrap();
        // Nobody reads the pipe, so it waits, with what the history left and a copy of
        // that.
        assert!(
            within(DEADLINE, || names_in(temporary.path()).len() == 2),
            "{:?}",
            names_in(temporary.path())
        );
        ends_by(&mut child, signal, status);
        assert_eq!(names_in(temporary.path()), [] as [&str; 0]);
        assert_eq!(folder.read("out"), OLD);
    }
}

#[track_caller]
fn ends_by(child: &mut Child, signal: rustix::process::Signal, status: i32) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
    assert!(within(Duration::from_secs(5), || child.try_wait().unwrap().is_some()));
    assert_eq!(child.wait().unwrap().code(), Some(status));
}

#[test]
fn what_was_to_be_ignored_still_is() {
    let folder = Folder::new();
    let line = "mkfifo pipe; trap '' HUP; $G replay pipe --out out & exec 9>pipe; trap - HUP; \
         kill -HUP $!; cat a.ndjson >&9; exec 9>&-; wait $!";
    done(&folder.shell(line));
    assert!(folder.path("out").is_file());
}

#[test]
fn pipes_are_read_once_and_whole() {
    let folder = Folder::new();
    folder.write("a.ndjson.gz", &gzip(&folder.read("a.ndjson")));
    let rows = [
        "cat a.ndjson | $G replay /dev/stdin --out out",
        "cat a.ndjson | $G replay - --out out",
        "$G replay - --out out <a.ndjson",
        "cat a.ndjson.gz | $G replay /dev/stdin --out out",
        "$G replay <(cat a.ndjson) --out out",
        "$G replay <(cat b.ndjson) --history <(cat a.ndjson) --out out",
        "$G replay b.ndjson --history /dev/stdin --out out < <(cat a.ndjson.gz)",
        "$G replay <(cat a.ndjson) --store store --out out",
        "$G replay <(head -n 10 a.ndjson) <(tail -n 20 a.ndjson) --out out",
        "mkfifo pipe; cat a.ndjson >pipe & $G replay pipe --out out",
        "$G replay <(cat a.ndjson) --catalogue <(cat \"$CATALOGUE\") --reporter-key-file <(echo \
         secret) --out out",
    ];
    for line in rows {
        let output = folder.shell(&format!(
            "CATALOGUE={}/tests/catalogue.toml; {line}",
            env!("CARGO_MANIFEST_DIR")
        ));
        done(&output);
        assert!(
            said(&output).contains("30 reports counted, 0 duplicates"),
            "{line}: {}",
            said(&output)
        );
    }
    let each = folder.shell(
        "$G replay <(cat a.ndjson) b.ndjson --history <(cat a.ndjson) --store parts --out found/",
    );
    done(&each);
    assert_eq!(
        said(&each).matches("history of ").count(),
        2,
        "each stream plays it: {}",
        said(&each)
    );
    assert_eq!(
        said(&each).matches("30 reports counted, 0 duplicates").count(),
        3,
        "{}",
        said(&each)
    );
    for line in [
        "cat a.ndjson | $G replay - --history /dev/stdin --out out",
        "mkfifo two; $G replay two ./two --out out",
    ] {
        refused(&folder.shell(line), "can be read only once");
    }
}

#[test]
fn a_redis_password_out_of_a_pipe_serves_every_stream() {
    let (folder, redis) = (Folder::new(), RedisServer::start(&["--requirepass", "secret"]));
    let secrets = "--reporter-key-file <(echo key) --redis-password-file";
    let line = |password: &str| {
        format!(
            "$G replay a.ndjson b.ndjson --store {} {secrets} <(echo {password}) --out found/",
            redis.url()
        )
    };
    assert_eq!(folder.shell(&line("wrong")).status.code(), Some(1));
    let output = folder.shell(&line("secret"));
    done(&output);
    assert_eq!(names_in(&folder.path("found")), ["a.ndjson", "b.ndjson"], "{}", said(&output));
}

#[test]
fn files_are_read_in_any_form_by_their_content_whatever_their_name() {
    let folder = Folder::new();
    let plain = folder.read("a.ndjson");
    let text = String::from_utf8(plain.clone()).unwrap();
    let utf16 = |bytes: fn(u16) -> [u8; 2]| {
        format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
    };
    let forms = [
        ("marked.ndjson", [b"\xef\xbb\xbf", &plain[..]].concat()),
        ("windows.ndjson", text.replace('\n', "\r\n").into_bytes()),
        ("low.ndjson", utf16(u16::to_le_bytes)),
        ("high.ndjson", utf16(u16::to_be_bytes)),
        ("padded.gz", [gzip(&plain), vec![0; 10_240]].concat()),
        ("members.gz", [gzip(&plain[..1_000]), gzip(&plain[1_000..])].concat()),
        ("packed.zst", zstd::encode_all(&plain[..], 3).unwrap()),
        ("named-otherwise.ndjson.gz", plain.clone()),
        ("blank.ndjson", text.replace('\n', "\n\n \n\0\n").into_bytes()),
    ];
    for (name, content) in &forms {
        folder.write(name, content);
        let output = folder.run(&["replay", name, "--out", "out"]);
        done(&output);
        assert!(
            said(&output).contains("30 reports counted") && said(&output).lines().count() == 1,
            "{name}: {}",
            said(&output)
        );
    }
    folder.write("archive.zip", b"PK\x03\x04and so on");
    refused(
        &folder.run(&["replay", "a.ndjson", "archive.zip", "--out", "new"]),
        "archive.zip is a ZIP archive: give it as text",
    );
    let mut cut = gzip(&plain);
    cut.truncate(cut.len() - 20);
    folder.write("cut.gz", &cut);
    let output = folder.run(&["replay", "cut.gz", "b.ndjson", "--out", "new"]);
    done(&output);
    assert!(said(&output).contains("1 truncated, first at cut.gz:"), "{}", said(&output));
}

#[test]
fn where_nothing_could_be_read_the_status_is_1_and_nothing_is_written() {
    let folder = Folder::new();
    folder.write("out", OLD);
    let wrong = |fields: Value| {
        ndjson(&(0..5).map(|minute| report(minute, fields.clone())).collect::<Vec<_>>())
    };
    let rows: [(&str, Vec<u8>); 10] = [
        ("empty", Vec::new()),
        ("blank", b"\n\r\n  \n\0\0\0".to_vec()),
        ("packed-empty", gzip(b"")),
        ("prose", b"Dear operator,\nthe reports are attached.\n".to_vec()),
        ("array", b"[{\"provider\": \"alpha\"}]\n".to_vec()),
        ("no-time", wrong(json!({"received_at": null}))),
        ("unknown", wrong(json!({"provider": "No Such"}))),
        ("binary", (0..=255).cycle().skip(3).take(4_096).collect()),
        ("cut", gzip(b"{\"provider\": \"alpha\"}\n")[..12].to_vec()),
        ("latin1", b"{\"provider\": \"t\xe9l\xe9com\"}\n".to_vec()),
    ];
    for (name, content) in &rows {
        folder.write(name, content);
        refused(&folder.run(&["replay", name, "--out", "out"]), "nothing could be read");
        refused(
            &folder.run(&["replay", "a.ndjson", name, "--out", "each/"]),
            "nothing could be read",
        );
        assert!(
            folder.path("each/a.ndjson").is_file()
                && !folder.path(&format!("each/{name}.ndjson")).exists(),
            "{name}"
        );
    }
    refused(&folder.run(&["replay", "/dev/null", "--out", "out"]), "nothing could be read");
    refused(&folder.run(&["replay", "missing", "--out", "out"]), "missing: No such file");
    refused(&folder.run(&["replay", ".", "--out", "out"]), "Is a directory");
    refused(
        &folder.run(&["replay", "a.ndjson", "--history", "prose", "--out", "out"]),
        "nothing could be read of the history",
    );
    assert_eq!(folder.read("out"), OLD);
    done(&folder.run(&["replay", "a.ndjson", "--history", "empty", "--out", "out"]));
    folder.write("rest", &[&b"nonsense\n"[..], &reports(0..1)].concat());
    done(&folder.run(&["replay", "rest", "--out", "out"]));
}

#[test]
fn lines_with_only_a_mobile_network_code_need_no_catalogue() {
    let folder = Folder::new();
    let by_code = |code: Value| {
        ndjson(
            &(0..30)
                .map(|minute| report(minute, json!({"provider": null, "plmn": code})))
                .collect::<Vec<_>>(),
        )
    };
    folder.write("known", &by_code(json!("302720")));
    folder.write("unknown", &by_code(json!("302999")));
    folder.write(
        "mixed",
        &[&by_code(json!("302720"))[..], &ndjson(&[report(40, json!({"provider": "rogers"}))])]
            .concat(),
    );
    for (name, counted) in [("known", 30), ("unknown", 30), ("mixed", 31)] {
        let output = folder.run(&["replay", name, "--out", "out"]);
        done(&output);
        assert!(
            said(&output).contains(&format!("{counted} reports counted"))
                && said(&output).lines().count() == 1,
            "{}",
            said(&output)
        );
    }
    let outage: Vec<u8> = String::from_utf8(outage())
        .unwrap()
        .replace("\"provider\":\"alpha\"", "\"plmn\":\"302720\"")
        .into_bytes();
    folder.write("outage", &outage);
    done(&folder.run(&["replay", "outage", "--out", "out"]));
    assert!(
        String::from_utf8(folder.read("out")).unwrap().contains("\"provider\":\"rogers\""),
        "told by its id"
    );
}

#[test]
fn a_backtest_writes_over_nothing_that_it_reads_and_nothing_by_half() {
    let folder = Folder::new();
    let (start, stop) = (NOW, text(instant(NOW).plus_ms(24 * 60 * MINUTE_MS)));
    let stream = |name: &str, file: &str| json!({"scenario": name, "family": "null", "stream": file, "warmup": "history.ndjson", "start": start, "stop": stop, "providers": ["alpha"]});
    let nothing = |name: &str| json!({"scenario": name, "family": "null", "provider": "*", "expect": "silent", "onset": start, "end": stop, "last_report": stop, "cells": []});
    let index =
        json!([stream("x-null-00", "x-null-00.ndjson"), stream("x-null-01", "x-null-01.html")])
            .to_string();
    folder.write("set/index.json", index.as_bytes());
    folder.write(
        "set/truth.json",
        json!([nothing("x-null-00"), nothing("x-null-01")]).to_string().as_bytes(),
    );
    folder.write("set/history.ndjson", &reports(0..30));
    folder.write("set/x-null-00.ndjson", &reports(30..60));
    folder.write("set/x-null-01.html", &reports(30..50));
    symlink("set", folder.path("linked")).unwrap();
    let all = || {
        names_in(&folder.path("set"))
            .into_iter()
            .map(|name| (folder.read(&format!("set/{name}")), name))
            .collect::<Vec<_>>()
    };
    let before = all();
    let rows: [&[&str]; 8] = [
        &["--out", "set"],
        &["--out", "linked/"],
        &["--report", "set"],
        &["--report", "linked"],
        &["--json", "set/index.json"],
        &["--json", "linked/truth.json"],
        &["--json", "set/history.ndjson"],
        &["--alarms", "set", "--json", "set/x-null-00.ndjson"],
    ];
    for arguments in rows {
        refused(
            &folder.run(&[&["backtest", "--set", "set"], arguments].concat()),
            "is the file that is read as",
        );
        assert!(all() == before, "{arguments:?}");
    }
    let within = folder.run(&[
        "backtest",
        "--set",
        "set",
        "--report",
        "report",
        "--json",
        "report/index.html",
    ]);
    refused(&within, "are one file");
    done(&folder.run(&[
        "backtest",
        "--set",
        "set",
        "--report",
        "set/report",
        "--out",
        "found",
        "--json",
        "figures.json",
    ]));
    assert_eq!(
        names_in(&folder.path("set/report")),
        ["index.html", "x-null-00.html", "x-null-01.html"]
    );
    assert_eq!(names_in(&folder.path("found")), ["x-null-00.ndjson", "x-null-01.ndjson"]);
    assert!(serde_json::from_slice::<Value>(&folder.read("figures.json")).is_ok());

    refused(
        &folder.run(&["backtest", "--set", "set", "--alarms", "missing"]),
        "nothing could be read",
    );
    refused(&folder.run(&["backtest", "--set", "missing"]), "No such file");
    folder.write("set/x-null-01.html", b"nonsense\n");
    folder.write("figures.json", OLD);
    let output = folder.run(&["backtest", "--set", "set", "--json", "figures.json"]);
    refused(&output, "nothing could be read");
    assert!(
        said(&output).contains("1 malformed_json, first at set/x-null-01.html:1"),
        "{}",
        said(&output)
    );
    assert_eq!(folder.read("figures.json"), OLD);
    std::fs::remove_file(folder.path("set/x-null-01.html")).unwrap();
    refused(
        &folder.run(&["backtest", "--set", "set", "--json", "figures.json"]),
        "set/x-null-01.html: No such file",
    );
}

#[test]
fn a_backtest_reads_pipes_once_too() {
    let folder = Folder::new();
    let (start, stop) = (NOW, text(instant(NOW).plus_ms(24 * 60 * MINUTE_MS)));
    let stream = json!({"scenario": "x-null-00", "family": "null", "stream": "pipe", "start": start, "stop": stop, "providers": ["alpha"]});
    folder.write("set/index.json", json!([stream]).to_string().as_bytes());
    folder.write("set/truth.json", b"[]");
    let output = folder.shell(
        "mkfifo set/pipe; cat a.ndjson >set/pipe & timeout 60 $L backtest --set set --out found",
    );
    done(&output);
    assert!(folder.path("found/x-null-00.ndjson").is_file(), "{}", said(&output));
}

#[test]
fn a_closed_pipe_is_an_error_and_not_a_panic() {
    let folder = Folder::new();
    folder.write("outage.ndjson", &outage());
    let mut child = folder
        .command(&["replay", "outage.ndjson", "--out", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(
        child.wait().unwrap().code() == Some(1)
            && said.contains("Broken pipe")
            && !said.contains("panicked"),
        "{said}"
    );
}

#[test]
fn standard_input_may_be_a_socket() {
    let folder = Folder::new();
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut command = folder.command(&["replay", "/dev/stdin", "--out", "out"]);
    let child =
        command.stdin(std::os::fd::OwnedFd::from(theirs)).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    ours.write_all(&folder.read("a.ndjson")).unwrap();
    drop(ours);
    let output = child.wait_with_output().unwrap();
    done(&output);
    assert!(said(&output).contains("30 reports counted"), "{}", said(&output));
    assert_eq!(folder.path("out").extension(), None::<&OsStr>);
}
