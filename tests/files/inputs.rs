//! Inputs: pipes, sockets, compressed files, files without a readable line.

use super::{Folder, OLD, done, names_in, outage, refused, report, reports, said};
use crate::support::redis::RedisServer;
use crate::support::{gzip, ndjson};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::io::Write;
use std::process::Stdio;

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
