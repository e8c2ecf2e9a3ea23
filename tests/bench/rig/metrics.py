"""Prometheus text, read."""

import re
import urllib.request
from dataclasses import dataclass

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass
class Sample:
    name: str
    labels: dict[str, str]
    value: float


class Metrics:
    def __init__(self, text: str):
        self.samples = []
        for line in text.splitlines():
            found = _SAMPLE.match(line)
            if found:
                labels = dict(_LABEL.findall(found[2] or ""))
                self.samples.append(Sample(found[1], labels, float(found[3])))

    def select(self, name: str, **labels: str) -> list[Sample]:
        """Names are given without the prefix."""
        return [s for s in self.samples if s.name == f"roundhouse_{name}"
                and all(s.labels.get(k) == v for k, v in labels.items())]

    def sum(self, name: str, **labels: str) -> float:
        return sum(s.value for s in self.select(name, **labels))

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        sums: dict[str, float] = {}
        for sample in self.select(name, **labels):
            key = sample.labels[label]
            sums[key] = sums.get(key, 0.0) + sample.value
        return sums


def scrape(port: int, timeout: float = 5) -> Metrics:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=timeout) as answer:
        return Metrics(answer.read().decode())
