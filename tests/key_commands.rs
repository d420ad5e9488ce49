//! `groundswell keys` and `groundswell sources`: on a store, and by way of a server that has
//! it open.

use crate::support::binary::{Binary, groundswell, refused_by};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

/// What every key is like; the public id stands at the same place in all.
const KEY_LENGTH: usize = "gsk_12345678_".len() + 38;

#[test]
fn the_first_key_makes_the_store_and_is_alone_on_the_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("new/store");
    let output = done(on(&store, &["keys", "create", "--name", "operator", "--scopes", "admin"]));
    let key = only_line(&output);
    assert!(key.starts_with("gsk_") && key.len() == KEY_LENGTH, "{key:?}");
    assert!(said(&output).contains(id_of(&key)) && !said(&output).contains(&key[13..]));
    let list = printed(&done(on(&store, &["keys", "list"])));
    let row: Vec<&str> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, [id_of(&key), "operator", "0", "admin", "-", "-", "0"]);
    assert!(!list.contains(&key[13..]));
}

#[test]
fn nothing_is_made_where_there_is_nothing_to_list_or_change() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let commands: [&[&str]; 5] = [
        &["keys", "list"],
        &["keys", "revoke", "a1B2c3D4"],
        &["keys", "rotate", "a1B2c3D4"],
        &["sources", "list"],
        &["sources", "change", "1", "--name", "x"],
    ];
    for arguments in commands {
        let refused = refused_by(&mut on(&store, arguments));
        assert!(said(&refused).contains("is no directory of a store"), "{refused:?}");
    }
    assert!(!store.exists());
}

#[test]
fn what_cannot_be_is_refused_by_its_name_before_anything_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    done(on(&store, &["sources", "create", "--name", "App"]));
    let rows: [(&[&str], &str); 12] = [
        (&["--scopes", "report"], "--source NAME"),
        (&["--scopes", "write"], "it must be report, read, exact, admin"),
        (&["--scopes", "report", "--source", "Other"], "no source is called \"Other\""),
        (&["--scopes", "read", "--expires", "0s"], "--expires"),
        (&["--scopes", "read", "--expires", "90"], "such as 90d"),
        (&["--scopes", "read", "--source", "App", "--new-source", "B"], "cannot be used with"),
        (&["--scopes", "read", "--origins", "https://example.org/map"], "origins"),
        (&["--scopes", "read", "--origins", "https://*.example.org"], "origins"),
        (&["--scopes", "admin", "--origins", "https://example.org"], "scopes"),
        (&["--scopes", "report", "--source", "App", "--per-day", "0"], "reports_per_day"),
        (&["--scopes", "read", "--name", ""], "name"),
        (&["--scopes", "read", "--colour", "red"], "--colour"),
    ];
    for (arguments, expected) in rows {
        let mut all = vec!["keys", "create"];
        if !arguments.contains(&"--name") {
            all.extend(["--name", "key"]);
        }
        all.extend(arguments);
        let refused = refused_by(&mut on(&store, &all));
        assert!(said(&refused).contains(expected), "{arguments:?}: {}", said(&refused));
        assert_eq!(printed(&refused), "");
    }
    assert_eq!(printed(&done(on(&store, &["keys", "list"]))).lines().count(), 1);
}

#[test]
fn a_source_keeps_its_number_whatever_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let create = |name: &str| done(on(&store, &["sources", "create", "--name", name]));
    assert_eq!([only_line(&create("App")), only_line(&create("Map"))], ["1", "2"]);
    let taken = refused_by(&mut on(&store, &["sources", "create", "--name", "app"]));
    assert!(said(&taken).contains("source 1 has that name"), "{taken:?}");
    let contact = ["--contact", "dev@example.org", "--may-open", "false"];
    done(on(&store, &[&["sources", "change", "app", "--name", "The app"], &contact[..]].concat()));
    done(on(&store, &["sources", "change", "2", "--contact", "x@example.org"]));
    done(on(&store, &["sources", "change", "Map", "--contact", ""]));
    let items = listed(on(&store, &["sources", "list", "--json"]));
    let fields = |item: &Value| ["number", "name", "contact", "may_open"].map(|f| item[f].clone());
    assert_eq!(
        fields(&items[0]).to_vec(),
        vec![json!(1), json!("The app"), json!("dev@example.org"), json!(false)]
    );
    assert_eq!(fields(&items[1]).to_vec(), vec![json!(2), json!("Map"), Value::Null, json!(true)]);
    let nothing = refused_by(&mut on(&store, &["sources", "change", "Map"]));
    assert!(said(&nothing).contains("--name, --contact or --may-open"), "{nothing:?}");
}

#[test]
fn a_rotated_key_leaves_its_settings_to_another_and_a_revoked_one_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let settings = [
        ["--new-source", "App"],
        ["--scopes", "report,read"],
        ["--origins", "https://example.org,capacitor://localhost"],
        ["--providers", "rogers"],
        ["--per-day", "1000"],
        ["--per-second", "50"],
        ["--reads-per-minute", "60"],
        ["--expires", "90d"],
    ];
    let create = [&["keys", "create", "--name", "release 1", "--test"], settings.as_flattened()];
    let old = only_line(&done(on(&store, &create.concat())));
    let rotated = done(on(&store, &["keys", "rotate", id_of(&old), "--grace", "365d"]));
    let new = only_line(&rotated);
    assert!(new != old && said(&rotated).contains(id_of(&old)), "{rotated:?}");
    let items = listed(on(&store, &["keys", "list", "--json"]));
    let settings_of = |item: &Value| {
        ["name", "source", "scopes", "origins", "providers", "limits", "test"]
            .map(|f| item[f].clone())
    };
    assert_eq!(settings_of(&items[0]), settings_of(&items[1]));
    assert_eq!(items[0]["scopes"], json!(["report", "read"]));
    assert_eq!(
        items[0]["limits"],
        json!({ "reads_per_minute": 60, "reports_per_second": 50, "reports_per_day": 1_000 })
    );
    assert_eq!([&items[0]["id"], &items[1]["id"]], [id_of(&new), id_of(&old)]);
    assert_eq!(items[1]["replaced_by"], id_of(&new));
    for _ in 0..2 {
        done(on(&store, &["keys", "revoke", id_of(&new)]));
    }
    assert!(printed(&done(on(&store, &["keys", "list"]))).contains("revoked 20"));
    let again = refused_by(&mut on(&store, &["keys", "rotate", id_of(&new)]));
    assert!(said(&again).contains("revoked") && printed(&again).is_empty(), "{again:?}");
    let unknown = refused_by(&mut on(&store, &["keys", "revoke", "a1B2c3D4"]));
    assert!(said(&unknown).contains("a1B2c3D4"), "{unknown:?}");
}

#[test]
fn a_directory_in_use_is_changed_by_way_of_its_server() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let admin =
        only_line(&done(on(&store, &["keys", "create", "--name", "admin", "--scopes", "admin"])));
    let server = Binary::start(&store, &["--auth", "keys", "--anonymous", "none"]);
    let refused = refused_by(&mut on(&store, &["keys", "list"]));
    for word in ["--server", "GROUNDSWELL_ADMIN_KEY"] {
        assert!(said(&refused).contains(word), "{refused:?}");
    }
    let url = format!("http://{}", server.address());
    let asked = |arguments: &[&str]| {
        let mut command = groundswell(arguments);
        command.args(["--server", &url]).env("GROUNDSWELL_ADMIN_KEY", format!(" {admin}\n"));
        command
    };
    done(asked(&["sources", "create", "--name", "App"]));
    let created =
        asked(&["keys", "create", "--name", "1", "--source", "app", "--scopes", "report"]);
    let key = only_line(&done(created));
    let new = only_line(&done(asked(&["keys", "rotate", id_of(&key)])));
    done(asked(&["keys", "revoke", id_of(&key)]));
    done(asked(&["sources", "change", "App", "--may-open", "false"]));
    let by_server = ["keys", "sources"].map(|what| listed(asked(&[what, "list", "--json"])));
    let file = dir.path().join("admin.key");
    std::fs::write(&file, &admin).unwrap();
    let by_file = ["--server", &url, "--admin-key-file", file.to_str().unwrap()];
    let mut by_file_command = groundswell(&["keys", "list", "--json"]);
    assert_eq!(listed_by(by_file_command.args(by_file)), by_server[0]);

    let wrong = |name: &str, value: &str| {
        let mut command = groundswell(&["keys", "list", "--server", &url]);
        refused_by(command.env(name, value))
    };
    let none = wrong("GROUNDSWELL_NOTHING", "");
    assert!(said(&none).contains("401") && said(&none).contains("--admin-key-file"), "{none:?}");
    let revoked = wrong("GROUNDSWELL_ADMIN_KEY", &key);
    assert!(said(&revoked).contains("revoked"), "{revoked:?}");
    let other_scope = wrong("GROUNDSWELL_ADMIN_KEY", &new);
    assert!(said(&other_scope).contains("403"), "{other_scope:?}");
    let mistyped = wrong("GROUNDSWELL_ADMIN_KEY", &key[..key.len() - 1]);
    assert!(said(&mistyped).contains("GROUNDSWELL_ADMIN_KEY: not a key"), "{mistyped:?}");
    for output in [none, revoked, other_scope, mistyped] {
        assert!(!said(&output).contains(&key[13..30]) && printed(&output).is_empty(), "{output:?}");
    }

    server.terminate();
    assert!(server.wait().0.success());
    let by_store = ["keys", "sources"].map(|what| listed(on(&store, &[what, "list", "--json"])));
    assert_eq!(without_usage(by_store), without_usage(by_server), "the same, whoever is asked");
}

#[test]
fn on_the_machine_of_a_server_that_is_open_the_first_key_needs_none() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let server = Binary::start(&store, &[]);
    let url = format!("http://{}", server.address());
    let create = ["keys", "create", "--name", "operator", "--scopes", "admin", "--server", &url];
    let key = only_line(&done(groundswell(&create)));
    server.terminate();
    assert!(server.wait().0.success());
    let server = Binary::start(&store, &["--auth", "keys"]);
    let headers = [("Authorization", &*format!("Bearer {key}"))];
    assert_eq!(server.send("GET", "/v1/keys", &headers, b"").status, 200);
}

#[test]
fn a_key_is_sent_to_no_other_machine_in_the_clear_and_is_no_argument() {
    let rows: [(&[&str], &str); 3] = [
        (&["keys", "list", "--server", "http://192.0.2.1:8080"], "over http:// to another machine"),
        (&["keys", "list", "--admin-key", "gsk_"], "--admin-key"),
        (&["keys", "list", "--server", "http://127.0.0.1:1"], "http://127.0.0.1:1 does not answer"),
    ];
    for (arguments, expected) in rows {
        let refused = refused_by(&mut groundswell(arguments));
        assert!(said(&refused).contains(expected), "{arguments:?}: {refused:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let create = on(dir.path(), &["keys", "create", "--name", "a", "--scopes", "admin"]);
    let key = only_line(&done(create));
    let refused = refused_by(&mut on(dir.path(), &["keys", "revoke", &key]));
    assert!(said(&refused).contains("and not the key"), "{refused:?}");
    assert!(!said(&refused).contains(&key[13..]), "{refused:?}");
}

#[test]
fn a_server_with_keys_that_nobody_could_run_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("my store");
    let serve = || {
        let mut command = groundswell(&["serve", "--listen", "127.0.0.1:0", "--auth", "keys"]);
        command.arg("--store").arg(&store);
        command
    };
    let refused = refused_by(&mut serve());
    let command = format!(
        "groundswell keys create --name operator --scopes admin --store '{}'",
        store.display()
    );
    assert!(said(&refused).contains(&command), "{refused:?}");
    assert!(!store.exists(), "nothing is made");

    // The command as it stands, by a shell.
    let program = Path::new(env!("CARGO_BIN_EXE_groundswell")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    let key = only_line(&done_by(shell.args(["-c", &command]).env("PATH", path)));
    drop(Binary::of(&mut serve()));
    done(on(&store, &["keys", "revoke", id_of(&key)]));
    let refused = refused_by(&mut serve());
    assert!(
        said(&refused).contains("groundswell keys create"),
        "a revoked key is none: {refused:?}"
    );
    drop(Binary::start(&store, &[]));
}

/// A command on a store.
fn on(store: &Path, arguments: &[&str]) -> Command {
    let mut command = groundswell(arguments);
    command.arg("--store").arg(store);
    command
}

fn done(mut command: Command) -> Output {
    done_by(&mut command)
}

fn done_by(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn only_line(output: &Output) -> String {
    let printed = printed(output);
    let line = printed.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{printed:?}");
    line.to_owned()
}

fn id_of(key: &str) -> &str {
    &key[4..12]
}

fn listed(mut command: Command) -> Vec<Value> {
    listed_by(&mut command)
}

fn listed_by(command: &mut Command) -> Vec<Value> {
    let list: Value = serde_json::from_str(&printed(&done_by(command))).unwrap();
    list["items"].as_array().unwrap().clone()
}

/// Lists, but for what was used meanwhile.
fn without_usage(mut lists: [Vec<Value>; 2]) -> [Vec<Value>; 2] {
    for key in &mut lists[0] {
        let key = key.as_object_mut().unwrap();
        assert!(key.remove("last_used").is_some() && key.remove("reports_today").is_some());
    }
    lists
}
