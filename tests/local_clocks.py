"""By which clock a provider's hours of the week are counted: that of the time zone that most of its reports come from."""

from collections import defaultdict
from datetime import datetime
from functools import lru_cache
from math import cos, radians, sin
from pathlib import Path
from zoneinfo import ZoneInfo

import h3

CITIES = Path(__file__).parents[1] / "src/gazetteer/cities.csv"
HOUR_S = 3_600
# Of src/engine/local_clocks.rs.
OF_ZONES = 3


class LocalClocks:
    """The time zones that providers go by."""

    def __init__(self):
        self.zones = {}

    def copy(self):
        other = LocalClocks()
        other.zones = dict(self.zones)
        return other

    def set(self, provider, baseline, hour):
        """Lets a provider go by the clock it is to go by from that hour on: asked once a day, and until somebody was heard of."""
        if provider in self.zones and hour % 24:
            return
        reports = defaultdict(float)
        for cell in baseline.cells[OF_ZONES]:
            reports[zone_of(cell)] += baseline.learnt_of(cell)
        if reports:
            self.zones[provider] = min(reports, key=lambda zone: (-reports[zone], zone))
            baseline.go_by(self.zones[provider], hour)


def ahead(zone, hour):
    """How many hours the clocks of a time zone are ahead of UTC in an hour."""
    return int(datetime.fromtimestamp(hour * HOUR_S, ZoneInfo(zone)).utcoffset().total_seconds() // HOUR_S)


@lru_cache(maxsize=None)
def zone_of(cell):
    """The time zone of the city that is nearest to the middle of a cell."""
    x, y, z = direction(*h3.cell_to_latlng(cell))
    return max(cities(), key=lambda city: x * city[0][0] + y * city[0][1] + z * city[0][2])[1]


@lru_cache(maxsize=None)
def cities():
    """Where each city is, and its time zone."""
    lines = [line.split(",") for line in CITIES.read_text().splitlines()[1:]]
    return [(direction(float(lat), float(lon)), timezone) for _, _, _, _, lat, lon, _, timezone in lines]


def direction(lat, lon):
    """The point of the unit sphere."""
    lat, lon = radians(lat), radians(lon)
    return cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)
