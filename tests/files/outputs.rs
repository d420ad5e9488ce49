//! Outputs: none replaces what is read, none appears by half.

use super::{Folder, OLD, done, names_in, outage, refused, reports, said};
use crate::support::tiny_disk::TinyDisk;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

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
