"""What a provider's past leads one to expect, and how surprising a count is: the formulas of docs/detection.md in plain Python.

Written from the formulas, not from the program, so that the two can be compared. Names of constants are the program's.
"""

import math
from collections import Counter, defaultdict, deque

from facts import HOURLY, ancestors
from local_clocks import ahead

# Of src/domain/baseline.rs.
HOURS_OF_WEEK = 168
# Of a week that begins on Thursday, as 1970 did: from Friday to Sunday, both at eight in the evening.
WEEKEND = range(44, 92)
PARTS = 6
WEEKLY_MEMORY = 0.75
SHARED_WEEKS = 1.5
SHAPE_DAYS = 2.0
LEAST_OF_MEAN = 0.05
PART_PRIOR = 150.0
CELL_PRIOR = 0.3
MAP_PRIOR = 100.0
BOUNDS_AFTER_WEEKS = 0.3
LEVEL_HOURS = 24
LEVEL_LEAVES_OUT = 3
LEVEL_PRIOR = 60.0
LEVEL_RANGE = (0.6, 1.6)
KEPT_ABOVE = 0.02
# Of src/domain/steady.rs.
REGIONS = 4
STEADY_DAYS = 5
STEADY_PRIOR = 2.0
# Of src/domain/detect/spread.rs.
DISPERSION_RANGE = (0.005, 0.8)
LONG_MINUTES = 120
LONG_PRIOR = 0.5
MEAN_PRIOR = 8.0
BLOCK_HOURS = 4
BURSTS_BELOW = 0.3
BURSTS_PRIOR = 50.0
# Of src/domain/detect/zone.rs.
REST_RANGE = (0.8, 3.0)
# Of src/domain/detect/score.rs.
POISSON_BELOW = 1e-6
# Of src/domain/detect/parameters.rs.
DISPERSION_WEIGHT = 25.0
BURSTS_USUAL = 0.08
BURSTS_HELD = 4.0
BURSTS_BELIEVED = 0.5
USUAL_WEIGHT = 80.0


class Baseline:
    """How many reports an undisturbed hour brings, and which share of them each cell."""

    def __init__(self):
        self.zone = None
        self.hours = [0.0] * HOURS_OF_WEEK
        self.reports = [0.0] * HOURS_OF_WEEK
        self.rates = [0.0] * HOURS_OF_WEEK
        # By resolution: cell to reports in each part of the day.
        self.cells = [{} for _ in range(HOURLY + 1)]
        self.parts = [0.0] * PARTS
        self.last = deque(maxlen=LEVEL_HOURS)
        self.day = None
        self.steady = Steady()

    def copy(self):
        other = Baseline()
        for name in ("hours", "reports", "rates", "parts"):
            setattr(other, name, list(getattr(self, name)))
        other.cells = [{cell: list(parts) for cell, parts in cells.items()} for cells in self.cells]
        other.last.extend(self.last)
        other.day, other.zone, other.steady = self.day, self.zone, self.steady.copy()
        return other

    def go_by(self, zone, hour):
        """Counts hours of the week by the clocks of a time zone from that hour on, and takes over what was learnt by those before."""
        before = self.hour_of_week(hour)
        self.zone = zone
        later = (self.hour_of_week(hour) - before) % HOURS_OF_WEEK
        for sums in (self.hours, self.reports, self.rates):
            sums[:] = sums[HOURS_OF_WEEK - later :] + sums[: HOURS_OF_WEEK - later]

    def hour_of_week(self, hour):
        return (hour + (ahead(self.zone, hour) if self.zone else 0)) % HOURS_OF_WEEK

    def learn(self, hour, reports, live):
        """Learns an hour: reports by cell, and the part of it that somebody was there."""
        self.forget(hour // 24)
        if live <= 0:
            return
        part, mean, level = part_of(hour), self.mean_of(hour) * live, self.level()
        known = self.weeks() >= BOUNDS_AFTER_WEEKS
        for cell, count in sorted(reports.items(), key=hierarchical):
            expected = level * mean * self.share(cell, part)
            learnt = expected if known and count > seldom_exceeded(expected, 0.2, 2.0) else count
            self.parts[part] += learnt
            for resolution, ancestor in enumerate(ancestors(cell)):
                self.cells[resolution].setdefault(ancestor, [0.0] * PARTS)[part] += learnt
        self.hours[self.hour_of_week(hour)] += live
        total = sum(reports.values())
        total = level * mean if known and total > seldom_exceeded(level * mean, 0.1, 5.0) else total
        self.reports[self.hour_of_week(hour)] += total
        self.last.append((total, mean))

    def without_explained(self, hour, reports, live, explained):
        """The reports of an hour, but where they are explained what was expected."""
        if not explained:
            return reports
        expected, part = self.expected_in(hour, live), part_of(hour)
        usual = {cell: expected * self.share(cell, part) for cell in self.cells[HOURLY] if explained.holds(cell)}
        return {cell: count for cell, count in reports.items() if not explained.holds(cell)} | usual

    def forget(self, day):
        """Lets what was learnt fade, a day at a time."""
        days = day - (day if self.day is None else self.day)
        self.day = day
        if days <= 0:
            return
        kept = WEEKLY_MEMORY ** (days / 7)
        for sums in (self.hours, self.reports, self.parts):
            sums[:] = [kept * sum_ for sum_ in sums]
        for resolution, cells in enumerate(self.cells):
            faded = {cell: [kept * n for n in parts] for cell, parts in cells.items()}
            self.cells[resolution] = {cell: parts for cell, parts in faded.items() if sum(parts) > KEPT_ABOVE}

    def refresh(self, lender):
        """Makes the rates, in reports a minute, from the hours; with the weekly shape of another provider where one lends it."""
        shape = lender.shape() if lender else [1.0] * HOURS_OF_WEEK
        seen = sum(hours * s for hours, s in zip(self.hours, shape))
        mean = sum(self.reports) / seen if seen > 0 else 0.0
        for h in range(HOURS_OF_WEEK):
            alike = [other for other in range(h % 24, HOURS_OF_WEEK, 24) if (other in WEEKEND) == (h in WEEKEND)]
            hours, reports = sum(self.hours[other] for other in alike), sum(self.reports[other] for other in alike)
            shared = (reports + SHAPE_DAYS * mean * shape[h]) / (hours + SHAPE_DAYS)
            rate = (self.reports[h] + SHARED_WEEKS * shared) / (self.hours[h] + SHARED_WEEKS)
            self.rates[h] = max(rate, LEAST_OF_MEAN * mean) / 60

    def shape(self):
        mean = sum(self.rates) / HOURS_OF_WEEK
        return [rate / mean if mean > 0 else 1.0 for rate in self.rates]

    def weeks(self):
        return sum(self.hours) / HOURS_OF_WEEK

    def total(self):
        """Reports it has learnt from and still holds."""
        return sum(self.parts)

    def mean_of(self, hour):
        before, at, after = (self.rates[(self.hour_of_week(hour) + step) % HOURS_OF_WEEK] for step in (-1, 0, 1))
        return 60 * (before + 6 * at + after) / 8

    def rate(self, minute):
        """Reports expected in a minute, at a level of one: on the lines that join the middles of the hours."""
        into, h = (minute % 60 + 0.5) / 60, self.hour_of_week(minute // 60)
        neighbour = (h - 1 if into < 0.5 else h + 1) % HOURS_OF_WEEK
        weight = abs(into - 0.5)
        return self.rates[h] * (1 - weight) + self.rates[neighbour] * weight

    def level(self):
        """How the last day compares with what was expected of it."""
        counted = list(self.last)[: max(len(self.last) - LEVEL_LEAVES_OUT, 0)]
        reports, expected = sum(total for total, _ in counted), sum(mean for _, mean in counted)
        return clamp((reports + LEVEL_PRIOR) / (expected + LEVEL_PRIOR), LEVEL_RANGE)

    def expected_in(self, hour, live):
        return sum(self.rate(minute) for minute in range(60 * hour, 60 * hour + 60)) * self.level() * live

    def learnt_of(self, cell):
        return sum(self.cells[len(ancestors(cell)) - 1].get(cell, ()))

    def share(self, cell, part, lender=None):
        """The share of the provider's reports that falls to a cell in a part of the day."""
        return self.steady.ratio(cell) * self.share_over_weeks(cell, part, lender)

    def share_over_weeks(self, cell, part, lender=None):
        cells = self.cells[len(ancestors(cell)) - 1]
        parts = cells.get(cell)
        more, of_all = CELL_PRIOR, self.total() + CELL_PRIOR * max(len(cells), 1)
        if lender:
            more += MAP_PRIOR * lender.learnt_of(cell) / lender.total() if lender.total() > 0 else 0.0
            of_all += MAP_PRIOR
        whole_day = min(((sum(parts) if parts else 0.0) + more) / of_all, 1.0)
        return ((parts[part] if parts else 0.0) + PART_PRIOR * whole_day) / (self.parts[part] + PART_PRIOR)

    def count(self, hour, reports, live, lender):
        """Counts all that came in an hour, what an outage explains too: where it is more on each of some days it is usual."""
        expected = self.expected_in(hour, live)
        self.steady.count(hour, reports, expected, lambda cell, of: self.share_over_weeks(cell, part_of(of), lender))

    def unheard_share(self):
        """The share of a cell that nobody was ever heard of in."""
        return CELL_PRIOR / (self.total() + CELL_PRIOR * max(len(self.cells[HOURLY]), 1))


class Steady:
    """Where more has been reported for days than the weeks before had it: ratios by region, and by all coarser cells."""

    def __init__(self):
        self.reports, self.hours, self.days, self.ratios = Counter(), [], deque(maxlen=STEADY_DAYS), {}

    def copy(self):
        other = Steady()
        other.reports, other.hours, other.ratios = self.reports.copy(), list(self.hours), dict(self.ratios)
        other.days.extend(self.days)
        return other

    def count(self, hour, reports, expected, share):
        """Counts an hour in which so many were expected of everywhere; once its day is over, asks for the shares that cells then had."""
        if self.hours and self.hours[-1][0] // 24 != hour // 24:
            counts, ratios = defaultdict(list), {}
            for cell, count in self.reports.items():
                for region in ancestors(cell)[: REGIONS + 1]:
                    counts[region].append(count)
            for region, of_cells in counts.items():
                others = sum(of_cells) - max(of_cells)
                bounded = others + min(max(of_cells), others + STEADY_PRIOR)
                usual = sum(of_hour * share(region, hour) for hour, of_hour in self.hours)
                ratios[region] = (bounded + STEADY_PRIOR) / (usual + STEADY_PRIOR)
            self.days.append({cell: ratio for cell, ratio in ratios.items() if ratio > 1})
            self.reports, self.hours, self.ratios = Counter(), [], {}
            if len(self.days) == STEADY_DAYS:
                always = set.intersection(*map(set, self.days))
                self.ratios = {cell: min(day[cell] for day in self.days) for cell in always}
        self.reports.update(reports)
        self.hours.append((hour, expected))

    def ratio(self, cell):
        of_cell = ancestors(cell)
        return self.ratios.get(of_cell[min(REGIONS, len(of_cell) - 1)], 1.0)


class Explained:
    """Where incidents explain the reports of an hour."""

    def __init__(self, cells, everywhere):
        self.cells, self.everywhere = set(cells), everywhere

    def holds(self, cell):
        return self.everywhere or not self.cells.isdisjoint(ancestors(cell))


class Spread:
    """How much the counts of a zone scatter beyond chance: in hours, and in blocks of four hours."""

    def __init__(self):
        self.hour = [0.0, 0.0]
        self.block = [0.0, 0.0]
        self.open = [0.0, 0.0, 0.0]

    def copy(self):
        other = Spread()
        other.hour, other.block, other.open = list(self.hour), list(self.block), list(self.open)
        return other

    def learn(self, count, mean, unsure, bursts, block_ends):
        count = min(count, mean + 6 * math.sqrt(mean) + 3)
        add_scatter(self.hour, count, mean, unsure, bursts)
        for n, more in enumerate((count, mean, unsure / (2 * BLOCK_HOURS))):
            self.open[n] += more
        if block_ends:
            add_scatter(self.block, *self.open, bursts)
            self.open = [0.0, 0.0, 0.0]

    def dispersion(self, window_minutes, learnt, prior):
        is_long = LONG_MINUTES <= window_minutes
        excess, square = self.block if is_long else self.hour
        prior *= LONG_PRIOR if is_long else 1.0
        scatter = (excess + DISPERSION_WEIGHT * prior) / (square + DISPERSION_WEIGHT)
        return clamp(scatter, DISPERSION_RANGE) + 1 / (learnt + MEAN_PRIOR)


def add_scatter(sums, count, mean, unsure, bursts):
    sums[0] += (count - mean) ** 2 - mean * (1 + bursts) - unsure * mean**2
    sums[1] += mean**2


class Bursts:
    """How many more reports each one brings, of the same event: learnt of hours of cells where little is expected."""

    def __init__(self, excess=0.0, mean=0.0):
        self.excess, self.mean = excess, mean

    def copy(self):
        return Bursts(self.excess, self.mean)

    def learn(self, count, mean):
        if mean <= BURSTS_BELOW:
            held = min(count, BURSTS_HELD)
            self.excess += (held - mean) ** 2 - held
            self.mean += mean

    def each(self):
        return BURSTS_BELIEVED * max(self.excess / (self.mean + BURSTS_PRIOR) - BURSTS_USUAL, 0.0)


def corrected(count, expected, whole, whole_expected):
    """What is expected of a zone where the rest of the map does as it does, and the dispersion of not knowing that better."""
    weight = max(whole_expected - expected, 0.0) + USUAL_WEIGHT
    ratio = clamp((max(whole - count, 0.0) + USUAL_WEIGHT) / weight, REST_RANGE)
    return expected * ratio, 1 / weight


def score(count, mean, dispersion):
    """-log10 of the probability of so many or more: the upper tail of a negative binomial of size 1/dispersion."""
    if count <= mean or count <= 0:
        return 0.0
    size = 1 / max(dispersion, POISSON_BELOW)
    share = mean / (size + mean)
    first = math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1)
    first += count * math.log(share) - size * math.log1p(mean / size)
    tail, term = 0.0, 1.0
    while term > 1e-13 * tail:
        tail += term
        count += 1
        term *= (count - 1 + size) / count * share
    return -(first + math.log(tail)) / math.log(10)


def is_disturbed(count, expected, few):
    """Whether so many reports of many places together are more than an undisturbed hour brings."""
    return count > seldom_exceeded(expected, 0.1, few)


def seldom_exceeded(expected, dispersion, few):
    return expected + 4 * math.sqrt(expected * (1 + dispersion * expected)) + few


def part_of(hour):
    return hour % 24 // 4


def hierarchical(item):
    """Sorts a cell after its descendants, and before what follows them: what is learnt of a cell bounds the next one."""
    index = int(item[0], 16)
    return index >> 21 & (1 << 31) - 1, index >> 52 & 0xF


def clamp(value, bounds):
    return min(max(value, bounds[0]), bounds[1])
