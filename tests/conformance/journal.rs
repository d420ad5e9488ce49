//! The journals, and the lease of the first.

use super::*;

pub fn an_appended_entry_is_in_the_next_read_in_order_on_every_node(kind: Kind, name: JournalName) {
    let store = TestStore::with_journal(kind, name);
    let (one, other) = (store.store(), store.another_node());
    let other = other.as_ref().unwrap_or(one);
    assert_eq!(store.tail(other, Position::START), piece(&[], Position::START), "nothing yet");
    let Appended::Yes { end: first } = store.append(one, None, Position::START, &["a", "b"]) else {
        panic!("nobody was quicker")
    };
    assert_eq!(first.length, 2);
    assert_eq!(store.tail(other, Position::START), piece(&["a", "b"], first));
    // An entry is bytes, and may be none.
    let Appended::Yes { end } = store.append(other, None, first, &["", "\0\r\n\u{ff}"]) else {
        panic!("nobody was quicker")
    };
    for node in [one, other] {
        assert_eq!(
            store.tail(node, first),
            piece(&["", "\0\r\n\u{ff}"], end),
            "only what came since"
        );
        assert_eq!(store.tail(node, Position::START), piece(&["a", "b", "", "\0\r\n\u{ff}"], end));
        assert_eq!(store.tail(node, end), piece(&[], end));
    }
}

pub fn an_append_elsewhere_than_at_the_end_changes_nothing(kind: Kind, name: JournalName) {
    let store = TestStore::with_journal(kind, name);
    let node = store.store();
    let Appended::Yes { end: first } = store.append(node, None, Position::START, &["a"]) else {
        panic!("nobody was quicker")
    };
    assert_eq!(
        store.append(node, None, Position::START, &["a"]),
        Appended::Behind,
        "repeated, since its answer was lost"
    );
    let Appended::Yes { end } = store.append(node, None, first, &["b"]) else {
        panic!("nobody was quicker")
    };
    let NodeId(number) = NodeId::random().unwrap();
    let Lease::Held(token) = store.lease(node, NodeId(number), 60_000) else {
        panic!("nobody has it")
    };
    // No token is good for the ledger.
    let tokens = if name == JournalName::Ledger { vec![None] } else { vec![None, Some(token)] };
    for token in tokens {
        for (expected, entries) in
            [(Position::START, &["c"][..]), (first, &["c", "d"]), (first, &["b"]), (first, &[])]
        {
            assert_eq!(
                store.append(node, token, expected, entries),
                Appended::Behind,
                "{expected:?} {entries:?}"
            );
        }
        assert_eq!(
            store.append(node, token, end, &[]),
            Appended::Yes { end },
            "nothing, at the end, is nothing"
        );
    }
    assert_eq!(store.tail(node, Position::START), piece(&["a", "b"], end));
}

pub fn an_append_under_a_token_that_is_not_the_newest_changes_nothing(kind: Kind) {
    let store = TestStore::new(kind);
    let node = store.store();
    let [one, other] = [1, u64::MAX].map(NodeId);
    let Lease::Held(first) = store.lease(node, one, 0) else { panic!("nobody has it") };
    let Appended::Yes { end } = store.append(node, Some(first), Position::START, &["a"]) else {
        panic!("it ended, but nobody took it")
    };
    let Lease::Held(second) = store.lease(node, other, 0) else { panic!("it had ended") };
    assert_eq!((first.number < second.number, second.holder), (true, other));
    assert_eq!(
        store.append(node, Some(first), end, &["b"]),
        Appended::Fenced,
        "though the other's lease has ended"
    );
    assert_eq!(
        store.append(node, Some(first), Position::START, &["b"]),
        Appended::Fenced,
        "and though it is behind"
    );
    let given_twice = Token { holder: one, ..second };
    assert_eq!(
        store.append(node, Some(given_twice), end, &["b"]),
        Appended::Fenced,
        "a number alone is no token"
    );
    assert_eq!(store.tail(node, Position::START), piece(&["a"], end));
    let Appended::Yes { end: last } = store.append(node, Some(second), end, &["c"]) else {
        panic!("it is the newest")
    };
    store.wait(node.release(second)).unwrap();
    assert_eq!(
        store.append(node, Some(second), last, &["d"]),
        Appended::Fenced,
        "it was given back"
    );
    let Appended::Yes { end } = store.append(node, None, last, &["note"]) else {
        panic!("any node may")
    };
    assert_eq!(store.tail(node, Position::START), piece(&["a", "c", "note"], end));
}

pub fn a_lease_is_one_nodes_until_it_ends_or_is_given_back(kind: Kind) {
    const FOR_MS: i64 = 60_000;
    let store = TestStore::new(kind);
    let (here, there) = (store.store(), store.another_node());
    let there = there.as_ref().unwrap_or(here);
    let ask = |node: u64| {
        let asked = Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on([here, there][node as usize % 2].lease(NodeId(node), FOR_MS));
        if let Lease::Held(token) = asked.unwrap() { Some(token) } else { None }
    };
    let held: Vec<Token> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|node| scope.spawn(move || ask(node))).collect();
        asking.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    let [token] = held[..] else { panic!("one of those who ask at once has it: {held:?}") };
    let (one, other) = (token.holder, NodeId(8));
    let Lease::HeldByOther { for_ms } = store.lease(there, other, FOR_MS) else {
        panic!("another has it")
    };
    assert!(0 < for_ms && for_ms <= FOR_MS, "{for_ms}");
    assert_eq!(store.lease(here, one, FOR_MS), Lease::Held(token), "who renews it keeps its token");
    store.wait(there.release(Token { holder: other, ..token })).unwrap();
    assert!(
        matches!(store.lease(there, other, FOR_MS), Lease::HeldByOther { .. }),
        "nobody gives back what another has"
    );
    store.wait(here.release(token)).unwrap();
    let Lease::Held(second) = store.lease(there, other, FOR_MS) else {
        panic!("it was given back")
    };
    assert!(
        token.number < second.number
            && matches!(store.lease(here, one, FOR_MS), Lease::HeldByOther { .. })
    );
    // Renewed for a moment only, then the holder is silent.
    assert_eq!(store.lease(there, other, 1), Lease::Held(second));
    let mut third = None;
    assert!(within(Duration::from_secs(10), || {
        third = Some(store.lease(here, one, FOR_MS));
        matches!(third, Some(Lease::Held(_)))
    }));
    assert!(matches!(third, Some(Lease::Held(third)) if second.number < third.number));
    assert!(
        matches!(store.lease(there, other, FOR_MS), Lease::HeldByOther { .. }),
        "who was silent does not have it any more"
    );
}

pub fn a_journal_outlives_every_ending_and_is_never_tidied_away(kind: Kind, name: JournalName) {
    let mut store = TestStore::with_journal(kind, name);
    assert!(store.wait(store.store().is_empty()).unwrap());
    let mut end = Position::START;
    for (n, ending) in [Ending::Died, Ending::Closed, Ending::Died].into_iter().enumerate() {
        let Appended::Yes { end: next } =
            store.append(store.store(), None, end, &["of before", &n.to_string()])
        else {
            panic!("{n}")
        };
        store.tidy(now().plus_ms((n as i64 + 1) * 1_000 * 24 * HOUR_MS));
        store.reopen(ending);
        let Tail::Since(read) = store.tail(store.store(), Position::START) else { panic!("{n}") };
        assert_eq!(
            (read.entries.len(), read.end, read.more),
            (2 * (n + 1), next, false),
            "{ending:?}"
        );
        assert_eq!(read.entries[2 * n..], [b"of before".to_vec(), n.to_string().into_bytes()]);
        end = next;
    }
    let StoreSize { journal_entries, ledger_entries, .. } = store.size();
    let expected = if name == JournalName::Ledger { (0, 6) } else { (6, 0) };
    assert_eq!((journal_entries, ledger_entries), expected);
    assert!(!store.wait(store.store().is_empty()).unwrap(), "a journal is not nothing");
}

pub fn a_long_journal_is_read_in_bounded_pieces(kind: Kind, name: JournalName) {
    let store = TestStore::with_journal(kind, name);
    let node = store.store();
    let small: Vec<Vec<u8>> =
        (0..MOST_ENTRIES_READ + 200).map(|n| n.to_string().into_bytes()).collect();
    let large = [1, MOST_ENTRY_BYTES, MOST_BYTES_READ / 2 + 1, MOST_BYTES_READ / 2]
        .map(|bytes| vec![b'x'; bytes]);
    let mut end = Position::START;
    for group in small.chunks(MOST_ENTRIES_APPENDED).chain(large.chunks(1)) {
        let Ok(Appended::Yes { end: next }) = store.wait(node.append(name, None, end, group))
        else {
            panic!("{end:?}")
        };
        end = next;
    }
    let (mut read, mut sizes, mut at, mut more) = (Vec::new(), Vec::new(), Position::START, true);
    while more {
        let Tail::Since(piece) = store.tail(node, at) else { panic!("{at:?}") };
        sizes.push(piece.entries.len());
        assert!(piece.entries.iter().map(Vec::len).sum::<usize>() <= MOST_BYTES_READ);
        read.extend(piece.entries);
        (at, more) = (piece.end, piece.more);
    }
    assert_eq!((sizes, at), (vec![MOST_ENTRIES_READ, 201, 1, 1, 1], end));
    assert!(read == [&small[..], &large].concat(), "in order, whole");
}

pub fn concurrent_appends_lose_and_double_nothing(kind: Kind, name: JournalName) {
    const EACH: usize = 20;
    let store = TestStore::with_journal(kind, name);
    let other = store.another_node();
    let nodes = [store.store(), other.as_ref().unwrap_or(store.store())];
    let append_all = |who: usize| {
        let runtime = Builder::new_current_thread().build().unwrap();
        let node = nodes[who % 2];
        let mut end = Position::START;
        for n in 0..EACH {
            let entries = ["first", "second"].map(|part| format!("{who} {n} {part}").into_bytes());
            loop {
                match runtime.block_on(node.append(name, None, end, &entries)).unwrap() {
                    Appended::Yes { end: next } => break end = next,
                    Appended::Behind => match runtime.block_on(node.journal(name, end)).unwrap() {
                        Tail::Since(piece) => end = piece.end,
                        Tail::Lost => panic!("nothing was lost"),
                    },
                    Appended::Fenced => panic!("no token was given"),
                }
            }
        }
    };
    std::thread::scope(|scope| (0..6).for_each(|who| drop(scope.spawn(move || append_all(who)))));
    let Tail::Since(piece) = store.tail(nodes[0], Position::START) else {
        panic!("it is all there")
    };
    assert_eq!((piece.entries.len(), piece.end.length), (6 * EACH * 2, 6 * EACH as u64 * 2));
    let mut next = [0; 6];
    for pair in piece.entries.as_chunks::<2>().0 {
        let [one, other] = pair.each_ref().map(|entry| String::from_utf8_lossy(entry).into_owned());
        let who: usize = one.split(' ').next().unwrap().parse().unwrap();
        let expected = ["first", "second"].map(|part| format!("{who} {} {part}", next[who]));
        assert_eq!([one, other], expected, "an append is whole, and everybody's are in order");
        next[who] += 1;
    }
    assert_eq!(next, [EACH; 6]);
}

pub fn an_append_beyond_its_bounds_is_refused_whole(kind: Kind, name: JournalName) {
    let store = TestStore::with_journal(kind, name);
    let node = store.store();
    let rows = [
        (
            vec![vec![0]; MOST_ENTRIES_APPENDED + 1],
            "entries of an append must be at most 256, got 257",
        ),
        (
            vec![vec![0], vec![0; MOST_ENTRY_BYTES + 1]],
            "an entry's bytes must be at most 4194304, got 4194305",
        ),
        (
            vec![vec![0; MOST_ENTRY_BYTES]; 3],
            "bytes of an append must be at most 8388608, got 12582912",
        ),
    ];
    for (entries, expected) in rows {
        let error = store.wait(node.append(name, None, Position::START, &entries)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(store.tail(node, Position::START), piece(&[], Position::START));
}

pub fn no_token_is_good_for_the_ledger(kind: Kind) {
    let store = TestStore::with_journal(kind, JournalName::Ledger);
    let node = store.store();
    let Lease::Held(token) = store.lease(node, NodeId(1), 60_000) else { panic!("nobody has it") };
    assert_eq!(store.append(node, Some(token), Position::START, &["a"]), Appended::Fenced);
    assert_eq!(store.tail(node, Position::START), piece(&[], Position::START));
}

pub fn what_is_appended_to_one_journal_is_not_in_the_other(kind: Kind) {
    let mut store = TestStore::new(kind);
    for (journal, entry) in JournalName::ALL.into_iter().zip(["of one", "of the other"]) {
        store.journal = journal;
        let node = store.store();
        assert_eq!(store.tail(node, Position::START), piece(&[], Position::START));
        let Appended::Yes { end } = store.append(node, None, Position::START, &[entry]) else {
            panic!("nobody was quicker")
        };
        assert_eq!(store.tail(node, Position::START), piece(&[entry], end));
    }
    store.journal = JournalName::Incidents;
    let Tail::Since(read) = store.tail(store.store(), Position::START) else { panic!("lost") };
    assert_eq!(read.entries, [b"of one"]);
}
