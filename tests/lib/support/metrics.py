"""The metrics that Prometheus reads from an operator, as tests compare them."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class Scrape:
    """One scrape. text: as it came; families: by name, as Prometheus' own client reads them."""

    text: str
    families: Mapping[str, Metric]

    def values(self, name: str, **labels: str) -> list[float]:
        """Those of all series of that name (with _count, _sum, _total) that have these labels, perhaps with others."""
        return [
            sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def sum(self, name: str, **labels: str) -> float:
        return sum(self.values(name, **labels))


def read(text: str) -> Scrape:
    return Scrape(text, {family.name: family for family in text_string_to_metric_families(text)})


def scrape(port: int) -> Scrape:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == http.HTTPStatus.OK
        assert str(answer.getheader("Content-Type")).startswith("text/plain; version=0.0.4")
        return read(answer.read().decode())
    finally:
        connection.close()
