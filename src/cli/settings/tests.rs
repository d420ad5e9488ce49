//! Which value counts, and what is said of one that cannot be.

use super::{ADMIN_KEY, Environment, Refused, misspelt, resolve};
use crate::cli::{Cli, Commands, listening, parse};
use crate::config::Config;
use crate::config::access::Auth;
use crate::config::ledger::KeysConfig;
use clap::{Arg, ArgAction, Command, CommandFactory};
use std::ffi::OsString;

/// A server's settings, of flags, variables and a file.
fn config(flags: &[&str], variables: &[(&str, &str)], file: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("groundswell.toml");
    std::fs::write(&path, file).unwrap();
    let arguments =
        ["groundswell", "serve", "--config"].into_iter().map(OsString::from).chain([path.into()]);
    let arguments: Vec<OsString> = arguments.chain(flags.iter().map(OsString::from)).collect();
    match parse(&arguments, &Environment::of(variables)) {
        Ok(Cli { command: Commands::Serve(config) }) => Ok(*config),
        Ok(_) => panic!("another command"),
        Err(Refused::ByParser(error)) => Err(error.to_string()),
        Err(Refused::Setting(error)) => Err(format!("{error:#}")),
    }
}

fn refusal(flags: &[&str], variables: &[(&str, &str)], file: &str) -> String {
    config(flags, variables, file).expect_err("it should be refused")
}

#[test]
fn a_flag_wins_over_the_environment_that_over_the_file_and_that_over_the_default() {
    let file = "listen = \"127.0.0.1:9000\"\nlateness-hours = 24\nworkers = 3\nauth = \"open\"\n";
    let variables = [("GROUNDSWELL_LATENESS_HOURS", "36"), ("GROUNDSWELL_WORKERS", "4")];
    let config = config(&["--lateness-hours", "12"], &variables, file).unwrap();
    assert_eq!(
        (config.listen.port, config.lateness.lateness_hours, config.workers, config.access.auth),
        (9000, 12, Some(4), Some(Auth::Open))
    );
    assert_eq!(config.snapshot_log_mib, 128);
}

#[test]
fn an_empty_variable_counts_as_unset_whatever_it_sets() {
    let names = Cli::command()
        .get_subcommands()
        .flat_map(|command| command.get_arguments().cloned().collect::<Vec<_>>())
        .collect::<Vec<_>>();
    let names: Vec<String> = names
        .iter()
        .filter_map(|argument| Some(argument.get_env()?.to_str()?.to_owned()))
        .collect();
    assert!(names.len() > 15, "{names:?}");
    for empty in ["", " ", "\r\n", "\u{feff}", "\t\u{feff}\n"] {
        let variables: Vec<(&str, &str)> =
            names.iter().map(|name| (name.as_str(), empty)).collect();
        let config = config(&[], &variables, "workers = 3").unwrap();
        assert_eq!(
            (
                config.listen.port,
                config.workers,
                config.lateness.lateness_hours,
                config.store.as_str()
            ),
            (8080, Some(3), 48, "groundswell-data")
        );
        assert!(
            config.key.reporter_key.is_none()
                && config.catalogue.is_none()
                && config.redis.redis_password.is_none()
                && config.access.auth.is_none()
        );
        let copy = ["groundswell", "copy", "--from", "a", "--to", "redis://h"].map(OsString::from);
        let Ok(Cli { command: Commands::Copy(copy) }) = parse(&copy, &Environment::of(&variables))
        else {
            panic!("a copy")
        };
        assert_eq!(
            (copy.lateness.lateness_hours, copy.redis.min_replicas, copy.key.is_given()),
            (48, 0, false)
        );
        let replay = ["groundswell", "replay", "a", "--out", "b"].map(OsString::from);
        assert!(parse(&replay, &Environment::of(&variables)).is_ok());
    }
}

#[test]
fn values_are_trimmed_wherever_they_stand() {
    let variables = [
        ("GROUNDSWELL_LISTEN", "\u{feff} 127.0.0.1:9000\r\n"),
        ("GROUNDSWELL_AUTH", "open "),
        ("GROUNDSWELL_REPORTER_KEY", "\tsecret\n"),
        ("GROUNDSWELL_REDIS_PASSWORD", "\u{feff} pass word \r\n"),
    ];
    let config =
        config(&[], &variables, "\u{feff}workers = \" 3 \"\r\ncatalogue = \"mine.toml\\n\"\r\n")
            .unwrap();
    assert_eq!(
        (config.listen.port, config.access.auth, config.workers),
        (9000, Some(Auth::Open), Some(3))
    );
    assert_eq!(config.key.reporter_key.as_deref(), Some("secret"));
    assert_eq!(
        config.redis.redis_password.as_deref(),
        Some(" pass word "),
        "a password may begin and end with a blank"
    );
    assert_eq!(config.catalogue.unwrap(), std::path::Path::new("mine.toml"));
}

#[test]
fn what_a_file_says_wrongly_is_refused_with_line_and_name() {
    let rows = [
        (
            "workers = 2\nlisten = \"127.0.0.1:0\"\nlateness-hours = 24\n\nlateness_hours = 12\n",
            "line 5: lateness_hours is the same setting as lateness-hours on line 3",
        ),
        (
            "lateness_hours = 12\nlateness-hours = 12\n",
            "line 2: lateness-hours is the same setting as lateness_hours on line 1",
        ),
        ("workers = 2\nworkers = 3\n", "line 2: duplicate key"),
        (
            "# mine\nlistne = \"127.0.0.1:9000\"\n",
            "line 2: unknown setting \"listne\"; did you mean listen?",
        ),
        ("colour = \"red\"\n", "line 1: unknown setting \"colour\"; `groundswell serve --help`"),
        ("config = \"other.toml\"\n", "line 1: unknown setting \"config\""),
        ("help = true\n", "line 1: unknown setting \"help\""),
        (
            "workers = 1.5\n",
            "line 1: workers must be a string, a whole number, true or false, got float",
        ),
        ("\nworkers = [1]\n", "line 2: workers must be a string"),
        ("[serve]\nworkers = 1\n", "line 1: unknown setting \"serve\""),
        (
            "workers = 513\n",
            "line 1: workers: invalid value '513' for '--workers <N>': 513 is not in 1..=512",
        ),
        ("workers = -1\n", "line 1: workers: invalid value '-1'"),
        (
            "auth = \"opn\"\n",
            "line 1: auth: invalid value 'opn' for '--auth <AUTH>' [possible values: open, keys]",
        ),
        ("store = \"\"\n", "line 1: store must not be empty"),
        ("store = \" \"\n", "line 1: store must not be empty"),
        ("reporter-key = \"a\"\nreporter_key_file = \"b\"\n", "line 1: reporter-key and "),
        ("listen = \"127.0.0.1:0\n", "line 1: "),
    ];
    for (file, expected) in rows {
        for file in [file.to_owned(), format!("\u{feff}{}", file.replace('\n', "\r\n"))] {
            let message = refusal(&[], &[], &file);
            assert!(
                message.contains("groundswell.toml") && message.contains(expected),
                "{file:?}: {message}"
            );
        }
    }
}

#[test]
fn of_a_key_and_its_file_the_one_that_was_said_nearer_by_counts() {
    let (key, file) = (("GROUNDSWELL_REPORTER_KEY", "a"), ("GROUNDSWELL_REPORTER_KEY_FILE", "b"));
    let config_of = |flags: &[&str], variables: &[(&str, &str)], file: &str| {
        config(flags, variables, file).unwrap().key
    };
    let by_flag = config_of(&["--reporter-key-file", "f"], &[key], "reporter-key = \"c\"");
    assert!(by_flag.reporter_key.is_none() && by_flag.reporter_key_file.is_some());
    let by_variable = config_of(&[], &[file], "reporter-key = \"c\"");
    assert!(by_variable.reporter_key.is_none() && by_variable.reporter_key_file.is_some());
    let both = refusal(&[], &[key, file], "");
    assert!(
        both.contains(
            "GROUNDSWELL_REPORTER_KEY and GROUNDSWELL_REPORTER_KEY_FILE cannot both be given"
        ),
        "{both}"
    );
    assert!(
        refusal(&["--reporter-key", "a", "--reporter-key-file", "f"], &[], "")
            .contains("cannot be used with")
    );
}

#[test]
fn what_is_out_of_its_range_is_refused_with_the_range_wherever_it_stands() {
    let ends = [
        ("lateness-hours", 1, 336, "1..=336"),
        ("workers", 1, 512, "1..=512"),
        ("snapshot-log-mib", 1, 65_536, "1..=65536"),
        ("min-replicas", 0, 5, "0..=5"),
    ];
    for (name, least, most, range) in ends {
        let (flag, variable) =
            (format!("--{name}"), format!("GROUNDSWELL_{}", name.replace('-', "_").to_uppercase()));
        for sound in [least, most] {
            assert!(
                config(&[&flag, &sound.to_string()], &[], "").is_ok()
                    && config(&[], &[(&variable, &sound.to_string())], "").is_ok(),
                "{name} {sound}"
            );
        }
        for wrong in [least - 1, most + 1] {
            let text = wrong.to_string();
            let by_flag = refusal(&[&format!("{flag}={text}")], &[], "");
            let by_variable = refusal(&[], &[(&variable, &text)], "");
            let by_file = refusal(&[], &[], &format!("{name} = {text}"));
            assert!(
                [&by_flag, &by_variable, &by_file].iter().all(|message| message.contains(range)),
                "{by_flag} {by_variable} {by_file}"
            );
            assert!(
                by_variable.starts_with(&variable) && by_file.contains("line 1"),
                "{by_variable} {by_file}"
            );
        }
    }
    let rows = [
        ("GROUNDSWELL_LISTEN", ":8080", "expected HOST:PORT"),
        ("GROUNDSWELL_LOG", "debgu", "off, error, warn"),
        ("GROUNDSWELL_REDIS_PREFIX", "a{b}", "1 to 64 letters"),
        ("GROUNDSWELL_AUTH", "closed", "possible values: open"),
    ];
    for (name, value, expected) in rows {
        let message = refusal(&[], &[(name, value)], "");
        assert!(message.starts_with(name) && message.contains(expected), "{message}");
    }
}

#[test]
fn a_blank_flag_is_refused_where_nothing_cannot_be_meant() {
    for flag in [
        "--store",
        "--reporter-key",
        "--redis-password",
        "--log",
        "--listen",
        "--redis-prefix",
        "--workers",
        "--auth",
    ] {
        for blank in ["", " "] {
            refusal(&[&format!("{flag}={blank}")], &[], "");
        }
    }
    refusal(&["--catalogue="], &[], "");
    assert!(
        refusal(&["--store", ""], &[], "")
            .contains("it must be a directory, or the address of a Redis")
    );
}

#[test]
fn a_variable_that_is_nearly_a_setting_is_told_with_the_one_that_may_be_meant() {
    let told = |names: &[&str]| {
        let variables: Vec<(&str, &str)> = names.iter().map(|name| (*name, "x")).collect();
        misspelt(&Cli::command(), &Environment::of(&variables))
    };
    assert_eq!(
        told(&["GROUNDSWELL_LISTNE"]),
        ["the environment sets GROUNDSWELL_LISTNE, which is no setting and has no effect; did \
             you mean GROUNDSWELL_LISTEN?"]
    );
    assert!(told(&["groundswell_store"])[0].ends_with("did you mean GROUNDSWELL_STORE?"));
    assert!(
        told(&["GROUNDSWELL_LATENESS-HOURS"])[0]
            .ends_with("did you mean GROUNDSWELL_LATENESS_HOURS?")
    );
    assert!(told(&["GROUNDSWELL_XYZ"])[0].ends_with("has no effect"));
    let none = [
        "GROUNDSWELL_STORE",
        "GROUNDSWELL_IMAGE",
        "GROUNDSWELL_SHARED",
        "GROUNDSWELL_SERVICE_HOST",
        "GROUNDSWELL_PORT_8080_TCP_ADDR",
        "GROUNDSWELL_PORT",
        "PATH",
    ];
    assert_eq!(told(&none), [] as [&str; 0]);
}

#[test]
fn help_names_the_variables_and_shows_nothing_of_what_they_hold() {
    let arguments = ["groundswell", "serve", "--help"].map(OsString::from);
    let Err(Refused::ByParser(help)) = parse(
        &arguments,
        &Environment::of(&[("GROUNDSWELL_REPORTER_KEY", "hush"), ("GROUNDSWELL_WORKERS", "9999")]),
    ) else {
        panic!("help was asked for")
    };
    let help = help.to_string();
    assert!(
        help.contains("[env: GROUNDSWELL_WORKERS]")
            && help.contains("[env: GROUNDSWELL_REPORTER_KEY]"),
        "{help}"
    );
    assert!(!help.contains("hush") && !help.contains("9999"));
}

#[test]
fn an_address_that_others_reach_needs_auth_said_explicitly() {
    for (listen, auth, sound) in [
        ("127.0.0.1:0", None, true),
        ("[::1]:0", None, true),
        ("localhost:0", None, true),
        ("0.0.0.0:0", None, false),
        ("[::]:0", None, false),
        ("[::ffff:10.0.0.1]:0", None, false),
        ("0.0.0.0:0", Some("open"), true),
    ] {
        let flags: Vec<&str> = ["--listen", listen]
            .into_iter()
            .chain(auth.into_iter().flat_map(|auth| ["--auth", auth]))
            .collect();
        let config = config(&flags, &[], "").unwrap();
        let addresses = listening::addresses(&config.listen).unwrap();
        assert_eq!(config.check(&addresses).is_ok(), sound, "{listen} {auth:?}");
    }
}

#[test]
fn a_setting_that_is_a_mere_flag_is_yes_or_no_elsewhere() {
    let flag = Arg::new("trust").long("trust").env("GROUNDSWELL_TRUST").action(ArgAction::SetTrue);
    let file = Arg::new("config")
        .long("config")
        .env("GROUNDSWELL_CONFIG")
        .value_parser(clap::value_parser!(std::path::PathBuf));
    let command = Command::new("groundswell").subcommand(Command::new("serve").arg(flag).arg(file));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("groundswell.toml");
    let is_set = |flags: &[&str], variable: &str, text: &str| {
        std::fs::write(&path, text).unwrap();
        let arguments: Vec<OsString> =
            ["groundswell", "serve"].iter().chain(flags).map(OsString::from).collect();
        let environment = Environment::of(&[
            ("GROUNDSWELL_TRUST", variable),
            ("GROUNDSWELL_CONFIG", path.to_str().unwrap()),
        ]);
        match resolve(&command, &arguments, &environment) {
            Ok(matches) => Ok(matches.subcommand().unwrap().1.get_flag("trust")),
            Err(Refused::Setting(error)) => Err(error.to_string()),
            Err(Refused::ByParser(error)) => Err(error.to_string()),
        }
    };
    assert_eq!(
        [
            is_set(&[], "", ""),
            is_set(&[], " Yes ", ""),
            is_set(&[], "1", ""),
            is_set(&[], "off", "")
        ],
        [false, true, true, false].map(Ok)
    );
    assert_eq!(
        [
            is_set(&[], "", "trust = true"),
            is_set(&[], "", "trust = false"),
            is_set(&[], "no", "trust = true")
        ],
        [true, false, false].map(Ok)
    );
    assert_eq!(is_set(&["--trust"], "no", "trust = false"), Ok(true));
    assert_eq!(
        is_set(&[], "maybe", ""),
        Err("GROUNDSWELL_TRUST: expected true or false, got \"maybe\"".into())
    );
    assert!(
        is_set(&[], "", "trust = 2")
            .unwrap_err()
            .contains("line 1: trust: expected true or false, got \"2\"")
    );
}

#[test]
fn a_command_within_a_command_takes_variables_as_others_do() {
    let place = |flags: &[&str], variables: &[(&str, &str)]| {
        let arguments = ["groundswell", "keys", "list"].iter().chain(flags).map(OsString::from);
        match parse(&arguments.collect::<Vec<_>>(), &Environment::of(variables)) {
            Ok(Cli { command: Commands::Keys(KeysConfig::List(list)) }) => Ok(list.place),
            Ok(_) => panic!("another command"),
            Err(Refused::ByParser(error)) => Err(error.to_string()),
            Err(Refused::Setting(error)) => Err(format!("{error:#}")),
        }
    };
    let (store, server) = ("GROUNDSWELL_STORE", "GROUNDSWELL_SERVER");
    assert_eq!(place(&[], &[(store, " "), (server, "")]).unwrap().store, "groundswell-data");
    assert_eq!(place(&["--json"], &[(store, " here\n")]).unwrap().store, "here");
    let url = "https://example.org";
    for place in [place(&[], &[(server, url)]), place(&["--server", url], &[(store, "here")])] {
        assert!(place.unwrap().server.is_some());
    }
    // What is changed must be what is meant.
    let nearer = place(&["--store", "there"], &[(store, "here"), (server, url)]).unwrap();
    assert_eq!((&*nearer.store, nearer.server.is_none()), ("there", true));
    let both = place(&[], &[(store, "here"), (server, url)]).unwrap_err();
    assert!(both.contains("cannot both be given"), "{both}");
    let wrong = place(&[], &[(server, "http://example.org")]).unwrap_err();
    assert!(wrong.starts_with(server) && wrong.contains("expected https://HOST"), "{wrong}");
}

#[test]
fn the_admin_key_is_a_variable_and_no_flag() {
    let environment = Environment::of(&[(ADMIN_KEY, " gsk_\n"), ("GROUNDSWELL_ADMIN_KEYS", "x")]);
    assert_eq!(environment.secret(ADMIN_KEY).as_deref(), Some("gsk_"));
    assert_eq!(Environment::of(&[(ADMIN_KEY, " ")]).secret(ADMIN_KEY), None);
    let told = misspelt(&Cli::command(), &environment);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("did you mean GROUNDSWELL_ADMIN_KEY?"), "{told:?}");
}
