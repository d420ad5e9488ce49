//! Entries of the journal there and back, of this version and others.

use super::*;
use crate::domain::grid::Position;

fn incident() -> Incident {
    let cell = Cell::at(Position::new(43.7, -79.4).unwrap(), Resolution::HOURLY);
    let window = Window { from: Minute(100), to: Minute(110) };
    let evidence = PublishedEvidence {
        zone: Some(Zone { centre: Some(cell), ring: 2 }),
        window,
        late_only: true,
        observed: 9.0,
        expected: Some(0.1),
        dispersion: 0.3,
        score: Some(11.25),
    };
    let brand = Brand {
        provider: "fido".into(),
        episodes: vec![u64::MAX, 1],
        state: State::Recovering,
        detected_at: Timestamp(6_600_000),
        onset: Timestamp(6_000_000),
        resolved_at: None,
        evidence: PublishedEvidence { zone: Some(Zone { centre: None, ring: 2 }), ..evidence },
    };
    let attribution = Attribution {
        provider: "bell".into(),
        verdict: Verdict::Collateral,
        minutes: 60,
        observed: 12.0,
        expected: Some(2.0),
        expected_beside: Some(20.0),
        share: Some(0.05),
        score: Some(0.5),
    };
    Incident {
        id: IncidentId(0xab),
        revision: 3,
        known_at: Timestamp(6_700_000),
        network: "rogers".into(),
        state: State::Recovering,
        detected_at: Timestamp(6_600_000),
        onset: Timestamp(6_000_000),
        resolved_at: Some(Timestamp(6_700_000)),
        ending: Some(Ending::Withdrawn("why".into())),
        everywhere: false,
        cells: cell.disk(9).into_iter().map(|(cell, _)| cell).collect(),
        brands: vec![brand],
        figures: Figures {
            reports: 40,
            expected: Some(1.5),
            symptoms: vec![(Symptom::NoService, 40), (Symptom::NoEmergencyCalls, 3)],
            emergency_since: Some(Timestamp(6_120_000)),
            peak: Some(Peak { at: Timestamp(6_060_000), reports: 9 }),
            area_km2: 12.5,
            users: Some(1e6),
        },
        attributions: vec![attribution],
        cause: Some(Cause { incident: IncidentId(7), provider: "rogers".into() }),
        method: Method { version: "1".into(), parameters: u64::MAX, catalogue: 2 },
        naming: None,
    }
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let endings = [
        None,
        Some(Ending::Ebbed),
        Some(Ending::Merged(IncidentId(9))),
        Some(Ending::Retired),
        Some(Ending::Withdrawn("x".into())),
    ];
    let revisions = endings
        .into_iter()
        .map(|ending| Entry::Revision(Arc::new(Incident { ending, ..incident() })));
    let note = Note {
        incident: IncidentId(1),
        official: true,
        said_at: Timestamp(5),
        known_at: Timestamp(6),
        source: "Rogers".into(),
        text: "<script>\u{2028}é".into(),
    };
    let window = Window { from: Minute(1), to: Minute(9) };
    let void = Void {
        source: Source(3),
        window,
        provider: Some("fido".into()),
        reason: "a broken app".into(),
        known_at: Timestamp(7),
        withdrew: Some(Withdrew { reports: 9, late: 4, beyond: u64::MAX }),
    };
    let older = Void { withdrew: None, ..void.clone() };
    let quiet_day = QuietDay { day: 19_181, highest: [0.0, 1.5, 3.25, 6.8, 0.0, 0.0, 4.0, 5.0] };
    let lesson =
        Lesson { provider: "fido".into(), version: "1".into(), parameters: u64::MAX, quiet_day };
    let voids = [void, older].map(Entry::Void);
    let others = [Entry::Note(note), Entry::Lesson(lesson)];
    for entry in revisions.chain(voids).chain(others) {
        assert_eq!(from_bytes(&to_bytes(&entry)).unwrap(), Some(entry));
    }
}

#[test]
fn a_void_of_before_does_not_say_how_many_reports_it_withdrew() {
    let line = r#"{"kind":"void","source":3,"from":1,"to":9,"provider":null,"reason":"a broken app","known_at":7}"#;
    let entry = from_bytes(line.as_bytes()).unwrap().unwrap();
    assert!(matches!(&entry, Entry::Void(void) if void.withdrew.is_none()), "{entry:?}");
    assert_eq!(String::from_utf8(to_bytes(&entry)).unwrap(), line);
}

#[test]
fn the_public_form_is_read_as_it_was_and_says_that_it_is_it() {
    let before = incident().public_of_before();
    let exact = incident().brands[0].evidence;
    let evidence = PublishedEvidence { zone: None, expected: None, score: None, ..exact };
    let unnamed = Incident {
        naming: Some(Naming { is_named: false, rule: Rule::default() }),
        cells: Arc::default(),
        brands: vec![Brand { evidence, ..before.brands[0].clone() }],
        ..before.clone()
    };
    for public in [before, unnamed] {
        let entry = Entry::Revision(Arc::new(public));
        assert_eq!(from_bytes(&to_bytes(&entry)).unwrap(), Some(entry));
    }
}

#[test]
fn an_exact_revision_is_written_as_before_there_were_public_ones() {
    let entry = from_bytes(OF_BEFORE.as_bytes()).unwrap().unwrap();
    let bytes = to_bytes(&entry);
    let line = zstd::bulk::decompress(&bytes, MOST_UNPACKED_BYTES).unwrap();
    assert_eq!(String::from_utf8(line).unwrap(), OF_BEFORE);
}

#[test]
fn cells_are_packed() {
    let bytes = to_bytes(&Entry::Revision(Arc::new(incident())));
    assert!(bytes.len() < 271 * 6, "{} bytes for 271 cells", bytes.len());
}

#[test]
fn what_a_newer_version_added_is_passed_over() {
    assert_eq!(from_bytes(br#"{"kind":"prophecy","of":1}"#).unwrap(), None);
    let note = br#"{"kind":"note","incident":"00000000000000ab","official":false,"said_at":1,"known_at":2,"source":"a","text":"b","mood":"c"}"#;
    assert!(matches!(from_bytes(note).unwrap(), Some(Entry::Note(_))));
}

#[test]
fn a_damaged_lesson_is_refused_by_name() {
    for highest in ["[1,2,3]", "[0,0,0,0,0,0,0,-1]", "[0,0,0,0,0,0,0,1e9]", "[0,0,0,0,0,0,0,0,0]"] {
        let bytes = format!(
            r#"{{"kind":"lesson","provider":"rogers","version":"1","parameters":1,"day":19181,"highest":{highest}}}"#
        );
        let error = from_bytes(bytes.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            error,
            "the lesson of day 19181 for \"rogers\" must hold 8 scores from 0 to 100: that \
             day is learnt from no more",
            "{highest}"
        );
    }
}

#[test]
fn what_is_no_entry_is_refused() {
    for bytes in [&b""[..], b"{", b"\x28\xb5\x2f\xfd", br#"{"kind":"note","incident":"zz"}"#] {
        assert!(from_bytes(bytes).is_err());
    }
}

/// As the version before names were renamed in answers wrote it.
const OF_BEFORE: &str = r#"{"kind":"revision","id":"00000000000000ab","revision":3,"known_at":6700000,"network":"rogers","state":"recovering","detected_at":6600000,"onset":6000000,"resolved_at":6700000,"ending":{"because":"ebbed"},"everywhere":false,"cells":["872a100d6ffffff"],"brands":[{"provider":"fido","episodes":[1],"state":"recovering","detected_at":6600000,"onset":6000000,"resolved_at":null,"evidence":{"centre":"872a100d6ffffff","ring":2,"from":100,"to":110,"late_only":true,"observed":9.0,"expected":0.1,"dispersion":0.3,"score":11.25}}],"figures":{"reports":40,"expected":1.5,"symptoms":[["no_service",40]],"peak":[6060000,9],"area_km2":12.5,"users":1000000.0},"attributions":[{"provider":"bell","verdict":"collateral","minutes":60,"observed":12.0,"expected":2.0,"expected_beside":20.0,"share":0.05,"score":0.5}],"cause":{"incident":"0000000000000007","provider":"rogers"},"method":{"version":"1","parameters":18446744073709551615,"catalogue":2}}"#;

#[test]
fn the_version_before_and_this_one_read_each_others_entries() {
    let entry = from_bytes(OF_BEFORE.as_bytes()).unwrap().unwrap();
    let Entry::Revision(incident) = &entry else { panic!("{entry:?}") };
    assert_eq!((&incident.ending, incident.everywhere), (&Some(Ending::Ebbed), false));
    assert_eq!(incident.attributions[0].expected_beside, Some(20.0));
    assert_eq!(incident.figures.emergency_since, None);
    assert_eq!(
        (incident.brands[0].evidence.zone.unwrap().ring, &*incident.brands[0].episodes),
        (2, &[1][..])
    );
    let written = zstd::bulk::decompress(&to_bytes(&entry), MOST_UNPACKED_BYTES).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), OF_BEFORE);
}
