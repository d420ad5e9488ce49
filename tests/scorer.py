"""Scores the incidents of a detector against known outages: an independent program for the rules in docs/lab.md, to hold the laboratory's against.

Slow and plain. Gives the figures that `groundswell-lab backtest --json` writes, of each family and of all; what cannot be computed is None.
"""

import json
from datetime import datetime
from pathlib import Path

import h3

GRAIN = 7
WEEK_S, HOUR_S, LATEST_S, NATURAL_SLACK_S = 604_800, 3_600, 1_200, 1_800
FEWEST_REPORTS = 2
WIDE_RESOLUTION, WIDE_CELLS = 5, 20
CAP_MIN, FALSE_ALARM_MIN = 120, 2
BACKGROUND = ("null", "holiday")


def figures_of(folder, alarms):
    """The figures of all families of a set, and of all together under ALL."""
    streams, truths, rises = (read(Path(folder, f"{name}.json")) for name in ("index", "truth", "real_rises"))
    families = {}
    for stream in streams:
        own = [truth for truth in truths if truth["scenario"] == stream["scenario"]]
        block = stream["scenario"].split("-")[0]
        incidents = incidents_in(Path(alarms, f"{stream['scenario']}.ndjson"))
        judged = judge(own, incidents, [rise for rise in rises if rise["block"] == block])
        judged["weeks"] = (instant(stream["stop"]) - instant(stream["start"])) / WEEK_S
        families.setdefault(stream["family"], []).append(judged)
    figures = {name: family_figures(name, judged) for name, judged in families.items()}
    everything = [one for judged in families.values() for one in judged]
    spam = [figures for name, figures in figures.items() if name.startswith("spam")]
    return figures | {"ALL": all_figures(everything, spam)}


# Incidents


def incidents_in(path):
    """Lines of one name are revisions of one incident; a line without a name is one of its own."""
    incidents = {}
    for number, line in enumerate(path.read_text().split("\n") if path.exists() else []):
        if not line.strip():
            continue
        line = json.loads(line)
        name = line.get("incident_id") or f"#{number}"
        detected, cells = instant(line["detected_at"]), grained(line["cells"])
        known = incidents.setdefault(name, {"provider": line["provider"], "first": cells, "detected": detected, "resolved": None, "onset": None})
        known["detected"] = min(known["detected"], detected)
        known["cells"], known["coarsest"] = cells, min(h3.get_resolution(cell) for cell in line["cells"])
        for field, name_in_line in [("resolved", "resolved_at"), ("onset", "onset_estimate")]:
            if line.get(name_in_line):
                known[field] = instant(line[name_in_line])
    return list(incidents.values())


def grained(cells):
    """The cells of resolution 7 that these are, or lie in, or hold."""
    some = set()
    for cell in cells:
        finer = h3.get_resolution(cell) >= GRAIN
        some |= {h3.cell_to_parent(cell, GRAIN)} if finer else set(h3.cell_to_children(cell, GRAIN))
    return some


def with_neighbours(cells):
    return {near for cell in cells for near in h3.grid_disk(cell, 1)}


# One stream


def judge(truths, incidents, rises):
    """What was found, what must have stayed silent and did not, and what is false."""
    judged = {"outages": 0, "found": [], "quiet": [], "tolerated": 0}
    used = set()
    for truth in truths:
        if truth["expect"] == "detect":
            judged["outages"] += 1
            about = [number for number, incident in enumerate(incidents) if is_about(truth, incident)]
            used.update(about)
            if about:
                judged["found"].append(found(truth, [incidents[number] for number in about]))
        else:
            bad, wide = broke_silence(truth, incidents)
            used.update(wide)
            judged["tolerated"] += len(wide)
            judged["quiet"].append(bad)
    rest = [incident for number, incident in enumerate(incidents) if number not in used]
    areas = [(instant(rise["start"]), instant(rise["end"]) + HOUR_S, with_neighbours(grained([rise["cell"]]))) for rise in rises]
    on_rise = [incident for incident in rest if any(since <= incident["detected"] <= until and incident["first"] & area for since, until, area in areas)]
    return judged | {"rises": len(on_rise), "false": len(rest) - len(on_rise)}


def is_about(truth, incident):
    natural, onset = truth["family"] == "natural", instant(truth["onset"])
    earliest, latest = onset - (NATURAL_SLACK_S if natural else 0), over(truth) + LATEST_S
    in_time = truth["provider"] == incident["provider"] and earliest <= incident["detected"] <= latest
    if not in_time or not (incident["first"] | incident["cells"]) & with_neighbours(truth["cells"]):
        return False
    return natural or received_by(truth, incident["detected"]) >= FEWEST_REPORTS


def found(truth, about):
    onset, own, by_cell = instant(truth["onset"]), set(truth["cells"]), truth["reports_by_cell"]
    first = min(about, key=lambda incident: incident["detected"])
    named = set().union(*(incident["cells"] for incident in about))
    ends = [incident["resolved"] for incident in about]
    end = over(truth) if truth["family"] == "metro_late" else instant(truth["end"])
    return {
        "delay": (first["detected"] - onset) / 60,
        "need": received_by(truth, first["detected"]),
        "prec": len(named & own) / len(named),
        "rec": len(named & own) / len(own),
        "wrec": sum(reports for cell, reports in by_cell.items() if cell in named) / max(1, sum(by_cell.values())),
        "resolve": None if None in ends else (max(ends) - end) / 60,
        "onset": None if first["onset"] is None else abs(first["onset"] - onset) / 60,
    }


def broke_silence(truth, incidents):
    """How many incidents should not have been raised, and which were wide enough to be accepted."""
    bad, wide = 0, []
    if truth["family"] in BACKGROUND:
        return bad, wide
    for number, incident in enumerate(incidents):
        whose = truth["provider"] in ("*", incident["provider"])
        if not whose or not instant(truth["onset"]) <= incident["detected"] <= over(truth) + LATEST_S:
            continue
        is_wide = incident["coarsest"] <= WIDE_RESOLUTION or len(incident["cells"]) >= WIDE_CELLS
        if truth["expect"] == "coarse_ok":
            wide += [number] if is_wide else []
            bad += not is_wide
        elif truth["family"] == "spam_hop" or truth["expect"] == "silent" and incident["cells"] & with_neighbours(truth["cells"]):
            bad += 1
    return bad, wide


def over(truth):
    return max(instant(truth["end"]), instant(truth["last_report"]))


def received_by(truth, moment):
    return sum(1 for after in truth["injected_received_s"] if after <= moment - instant(truth["onset"]))


# Many streams


def common_figures(judged):
    outages, hits = sum(one["outages"] for one in judged), [found for one in judged for found in one["found"]]
    weeks, false = sum(one["weeks"] for one in judged), sum(one["false"] for one in judged)
    of = lambda field: [found[field] for found in hits if found[field] is not None]
    return {
        "n": outages, "hit": len(hits), "med": quantile(of("delay"), 0.5), "p90": quantile(of("delay"), 0.9), "need": quantile(of("need"), 0.5),
        "fa_wk": false / weeks, "rise_wk": sum(one["rises"] for one in judged) / weeks, "weeks": weeks,
        "prec": mean(of("prec")), "rec": mean(of("rec")), "wrec": mean(of("wrec")), "resolve": quantile(of("resolve"), 0.5),
        "never": sum(found["resolve"] is None for found in hits),
    }


def family_figures(name, judged):
    figures, quiet = common_figures(judged), [bad for one in judged for bad in one["quiet"]]
    tolerated, silent = sum(one["tolerated"] for one in judged), sum(bad == 0 for bad in quiet)
    coarse = f"; coarse alarms {tolerated}" if tolerated else ""
    note = f"quiet in {silent}/{len(quiet)}; alarms on it {sum(quiet)}{coarse}" if quiet and name not in BACKGROUND else ""
    onsets = [found["onset"] for one in judged for found in one["found"] if found["onset"] is not None]
    figures |= {"rate": figures["hit"] / figures["n"] if figures["n"] else None, "onset": quantile(onsets, 0.5), "note": note}
    return figures | {"quiet": len(quiet), "quiet_ok": silent, "bad": sum(quiet), "fa": sum(one["false"] for one in judged)}


def all_figures(judged, spam):
    figures = common_figures(judged)
    outages, delays = max(1, figures["n"]), [found["delay"] for one in judged for found in one["found"]]
    cost = (sum(min(delay, CAP_MIN) for delay in delays) + CAP_MIN * (figures["n"] - len(delays))) / outages
    figures |= {"rate": figures["hit"] / outages, "cost": cost, "score": cost + FALSE_ALARM_MIN * figures["fa_wk"]}
    return figures | {"spam_quiet": sum(family["quiet_ok"] for family in spam), "spam_n": sum(family["quiet"] for family in spam)}


def quantile(values, share):
    """By linear interpolation between the two values around it."""
    if not values:
        return None
    values, at = sorted(values), share * (len(values) - 1)
    below = values[int(at)]
    return below + (at - int(at)) * (values[min(int(at) + 1, len(values) - 1)] - below)


def mean(values):
    return sum(values) / len(values) if values else None


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def read(path):
    return json.loads(path.read_text()) if path.exists() else []
