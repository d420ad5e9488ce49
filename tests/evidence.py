"""What a zone holds and what is expected of it at one minute, from what was learnt before: the evidence of an incident, computed anew."""

import math
from collections import Counter

import h3

from expectation import PARTS, REST_RANGE, Baseline, Bursts, Spread, clamp, corrected, is_disturbed, part_of, score
from facts import FINEST, HOURLY, rolled_up

# Of src/domain/detect/mod.rs.
REREAD_MINUTES = 6
LENDS_BELOW = 1.0
SPREAD_AFTER_WEEKS = 0.5
MOST_LATE = 0.2
LATE_PRIOR = (1.0, 30.0)
# Of src/domain/detect/places.rs.
RINGS = 3
# Of src/domain/detect/others.rs: of zones of which resolution on, in which windows, by which one others are asked; and where they must be known.
OTHERS_FROM, OTHERS_UP_TO_MINUTES, OTHERS_MINUTES, OTHERS_NEAR = 5, 90, 60, 3
# Of src/domain/detect/spread.rs.
FEW_IN_BURSTS = 10
# Of src/domain/detect/parameters.rs.
DISPERSION = 0.05
DISPERSION_COLD = 0.3
COLD_WEEKS = 0.7
LEAST_EXPECTED = 0.02
LEAST_EXPECTED_LATE = 0.01
DISPERSION_LATE = 0.3
OTHERS_WEIGHT, OTHERS_AT_MOST = 8.0, 1.5
SPOT_BOUND = 2.0
ELSEWHERE_COUNTS = 0.5
GOOD_PART = 0.25
SPOT_ORDER = ("unknown", "middle", "even", "odd")


class Detector:
    """What was learnt of one provider; how it scatters only of the zones that are asked for, each a centre and a ring."""

    def __init__(self, zones):
        self.baseline = Baseline()
        self.lender = None
        self.late, self.all = 0.0, 0.0
        self.spreads = {zone: Spread() for zone in zones}
        self.shares = {zone: {} for zone in zones}
        self.everywhere = Spread()
        self.bursts, self.place_shares, self.share_lender = Bursts(), {}, None
        self.prior = DISPERSION_COLD
        # Reports expected of everywhere in each minute, by what was known at its end.
        self.expected = {}

    def copy(self, zones):
        """The same for some of the zones."""
        other = Detector(zones)
        other.baseline, other.everywhere, other.expected = self.baseline.copy(), self.everywhere.copy(), dict(self.expected)
        other.late, other.all, other.prior = self.late, self.all, self.prior
        other.spreads = {zone: self.spreads[zone].copy() for zone in zones}
        other.bursts, other.place_shares, other.share_lender = self.bursts.copy(), dict(self.place_shares), self.share_lender
        other.shares = {zone: dict(self.shares[zone]) for zone in zones}
        return other

    def learn(self, hour, facts, live, lender, explained=None):
        """Learns an hour, `live` of which somebody was there, some of it explained by incidents. The lender is as it was before that hour."""
        self.lender = lender if self.baseline.total() < LENDS_BELOW * lender.total() else None
        reports, late = facts.of_hour(hour)
        if not reports and self.baseline.total() == 0:
            return
        self.late += sum(count for cell, count in late.items() if not (explained and explained.holds(cell)))
        self.all += sum(count for cell, count in reports.items() if not (explained and explained.holds(cell)))
        if self.baseline.weeks() > SPREAD_AFTER_WEEKS and live > 0:
            self.learn_spreads(hour, reports, live, facts, explained)
        self.baseline.count(hour, reports, live, self.lender)
        self.baseline.learn(hour, self.baseline.without_explained(hour, reports, live, explained), live)
        self.baseline.refresh(self.lender)
        self.prior = DISPERSION_COLD if self.baseline.weeks() < COLD_WEEKS else DISPERSION
        # Until the next hour is learnt.
        level, first = self.baseline.level(), 60 * hour + 60 + REREAD_MINUTES - 1
        self.expected |= {minute: level * self.baseline.rate(minute) for minute in range(first, first + 60)}
        part = part_of(hour + 1)
        self.place_shares = {cell: self.baseline.share(cell, part, self.lender) for cell in self.baseline.cells[HOURLY]}
        self.share_lender = self.lender
        for centre, ring in self.shares:
            if centre:
                cells = facts.places((centre, ring), first + 60)
                self.shares[centre, ring] = {cell: self.baseline.share(cell, part, self.lender) for cell in cells}

    def learn_spreads(self, hour, reports, live, facts, explained):
        block_ends, whole, expected = hour % 4 == 3, reports.total(), self.baseline.expected_in(hour, live)
        bursts = self.bursts.each()
        # As if there were no places of which reports are explained.
        left = Counter({cell: count for cell, count in reports.items() if not (explained and explained.holds(cell))})
        explained_places = {cell: share for cell, share in self.place_shares.items() if explained and explained.holds(cell)}
        if explained:
            explained_places |= {cell: self.share_of_place(cell, part_of(hour)) for cell in reports if explained.holds(cell) and cell not in explained_places}
        all_explained = 1.0 if explained and explained.everywhere else sum(explained_places.values())
        rest, rest_expected = left.total(), max(1 - all_explained, 0.0) * expected
        # The last step before this.
        known = 60 * hour + 60 + REREAD_MINUTES - 1
        for (centre, ring), spread in self.spreads.items():
            if centre is None or facts.known_since.get(centre, known + 1) > known:
                continue
            cells = facts.places((centre, ring), known)
            count = sum(n for cell, n in left.items() if is_inside(cell, cells))
            shares = self.shares[centre, ring]
            share = sum(shares[cell] for cell in cells if not (explained and explained.holds(cell)))
            share -= sum(own for cell, own in explained_places.items() if is_inside(cell, cells) and not is_held_above(cell, cells, explained))
            spread.learn(count, *corrected(count, max(share, 0.0) * expected, rest, rest_expected), bursts, block_ends)
        self.everywhere.learn(rest, rest_expected, 0.0, bursts, block_ends)
        if whole <= REST_RANGE[1] * expected + 2 * FEW_IN_BURSTS:
            self.learn_bursts(hour, reports, whole, expected)

    def share_of_place(self, cell, part):
        """The share of a place, as far as it was known before the hour."""
        return self.place_shares[cell] if cell in self.place_shares else self.baseline.share(cell, part, self.share_lender)

    def learn_bursts(self, hour, reports, whole, expected):
        counts, around = Counter({cell: count for cell, count in reports.items() if h3.get_resolution(cell) == HOURLY}), Counter()
        for cell, count in counts.items():
            around.update({near: count for near in h3.grid_disk(cell, RINGS)})
        heard_of = self.place_shares.keys() | counts.keys()
        share = lambda cell: self.share_of_place(cell, part_of(hour))
        for cell in heard_of:
            near = heard_of.intersection(h3.grid_disk(cell, RINGS)) if around[cell] > FEW_IN_BURSTS else []
            if not is_disturbed(around[cell], expected * sum(map(share, near)), FEW_IN_BURSTS):
                self.bursts.learn(counts[cell], corrected(counts[cell], share(cell) * expected, whole, expected)[0])

    def evidence(self, zone, minutes, now, late_only, facts, others=()):
        """The figures of a zone in the window of so many minutes before `now`; others are detectors of other providers, each with its facts."""
        seen, exposure = facts.seen(now, minutes), self.exposure(now, minutes)
        if zone[0] is None:
            expected = sum(exposure) + LEAST_EXPECTED
            dispersion = self.everywhere.dispersion(minutes, math.inf, self.prior) + self.bursts.each() / expected
            return self.figures(len(seen), len(seen), expected, dispersion)
        cells = facts.places(zone, now)
        inside = [fact for fact in seen if is_inside(fact.place, cells)]
        expected, unsure = corrected(len(inside), self.expected_of(zone[1], cells, exposure), len(seen), sum(exposure))
        ratio = heard_by(others, zone, minutes, now)
        expected = expected * ratio + LEAST_EXPECTED
        learnt = sum(self.baseline.learnt_of(cell) for cell in cells)
        dispersion = self.spreads[zone].dispersion(minutes, learnt, self.prior) + unsure + self.bursts.each() / expected
        if late_only:
            inside = [fact for fact in inside if fact.late]
            expected = expected * self.share_late() + LEAST_EXPECTED_LATE
            dispersion = max(dispersion, DISPERSION_LATE)
        return self.figures(len(inside), bounded(inside, expected), expected, dispersion, ratio)

    def exposure(self, now, minutes):
        """Reports expected of everywhere in the minutes before `now`, by part of the day."""
        exposure = [0.0] * PARTS
        for minute in range(now - minutes, now):
            exposure[part_of(minute // 60)] += self.expected.get(minute, 0.0)
        return exposure

    def is_cold(self):
        return self.baseline.weeks() < COLD_WEEKS

    def hears(self, zone, now, facts):
        """Reports of a zone in the last hour, and how many are to be expected, by what it hears of the rest of the map."""
        seen, exposure, cells = facts.seen(now, OTHERS_MINUTES), self.exposure(now, OTHERS_MINUTES), facts.places(zone, now)
        count = sum(is_inside(fact.place, cells) for fact in seen)
        return count, corrected(count, self.expected_of(zone[1], cells, exposure), len(seen), sum(exposure))[0]

    def expected_of(self, ring, cells, exposure):
        """Reports expected in cells that the provider was heard of in, and in those around that it was not."""
        unheard = max(1 + 3 * ring * (ring + 1) - len(cells), 0) * self.baseline.unheard_share()
        shares = [sum(self.baseline.share(cell, part, self.lender) for cell in cells) for part in range(PARTS)]
        return sum((share + unheard) * reports for share, reports in zip(shares, exposure))

    def figures(self, counted, observed, expected, dispersion, others=1.0):
        figures = {"counted": counted, "observed": observed, "expected": expected, "dispersion": dispersion, "others": others}
        return figures | {"score": score(observed, expected, dispersion), "bursts": self.bursts.each()}

    def share_late(self):
        return (min(self.late, MOST_LATE * self.all) + LATE_PRIOR[0]) / (self.all + LATE_PRIOR[1])


def heard_by(others, zone, minutes, now):
    """By how much others say that more than usual is to be expected of a zone, where they are asked."""
    if minutes > OTHERS_UP_TO_MINUTES or h3.get_resolution(zone[0]) < OTHERS_FROM:
        return 1.0
    near = h3.grid_disk(rolled_up(zone[0], OTHERS_NEAR), 1)
    is_near = lambda facts: any(facts.known_since.get(cell, now + 1) <= now for cell in near)
    heard = [other.hears(zone, now, facts) for other, facts in others if not other.is_cold() and is_near(facts)]
    counted, expected = (sum(of_each) for of_each in zip(*heard)) if heard else (0, 0.0)
    return clamp((counted + OTHERS_WEIGHT) / (expected + OTHERS_WEIGHT), (1.0, OTHERS_AT_MOST))


def bounded(inside, expected):
    """The reports of a zone, its fullest street corner bounded by what lies elsewhere in it."""
    spots = Counter((fact.cell, fact.spot) for fact in inside if h3.get_resolution(fact.cell) == FINEST)
    corner = fullest_corner(spots)
    elsewhere = max(len(inside) - corner - expected, 0.0)
    return len(inside) - max(corner - SPOT_BOUND - ELSEWHERE_COUNTS * elsewhere, 0.0)


def fullest_corner(spots):
    """The fullest spot, the fullest beside it, and what is too little beside it to be anything but blur."""
    if not spots:
        return 0.0
    most = max(spots.values())
    # Of several as full, the first by cell and spot.
    first = min((place for place, count in spots.items() if count == most), key=lambda place: (place[0], SPOT_ORDER.index(place[1])))
    near = set(h3.grid_disk(first[0], 1))
    beside = [count for place, count in spots.items() if place != first and place[0] in near]
    full = max((count for count in beside if count >= GOOD_PART * most), default=0)
    return most + full + sum(count for count in beside if count < GOOD_PART * most)


def is_held_above(cell, cells, explained):
    """Whether the one of these cells that it lies in is explained as a whole."""
    return explained.holds(rolled_up(cell, h3.get_resolution(cells[0])))


def is_inside(cell, cells):
    """Whether a cell is one of these, all of one resolution, or lies in one."""
    return bool(cells) and rolled_up(cell, h3.get_resolution(cells[0])) in cells
