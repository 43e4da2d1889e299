"""Figures of one benchmark: taken in turns, kept as medians, shown and written as rows."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One line of results. `ratio`: median over the rounds of value / reference of that round."""

    name: str
    value: float
    unit: str
    reference: str
    reference_value: float
    ratio: float
    bar: str = ""  # in words; "" = no bar in the issue, for information
    met: bool | None = None

    def as_json(self) -> dict[str, str | float]:
        """What results.json holds."""
        kept = ("name", "value", "unit", "reference", "reference_value", "ratio")
        return {key: _short(getattr(self, key)) for key in kept}


@dataclass(slots=True)
class Rounds:
    """What each variant showed, round by round."""

    figures: dict[str, list[float]] = field(default_factory=dict)

    def add(self, variant: str, figure: float) -> None:
        self.figures.setdefault(variant, []).append(figure)

    def median(self, variant: str) -> float:
        return statistics.median(self.figures[variant])

    def ratio(self, ours: str, reference: str) -> float:
        """Median of the ratios pair by pair: the machine's speed drifts, both drift with it."""
        pairs = zip(self.figures[ours], self.figures[reference], strict=True)
        return statistics.median(a / max(b, 1e-9) for a, b in pairs)

    def row(
        self,
        name: str,
        unit: str,
        ours: str,
        reference: str,
        label: str,
        bar: str = "",
        holds: Callable[[Row], bool] | None = None,
    ) -> Row:
        """`label` names the reference for the reader; `holds(row)` says whether the bar is met."""
        value, base = self.median(ours), self.median(reference)
        row = Row(name, value, unit, label, base, self.ratio(ours, reference), bar)
        if holds is None:
            return row
        return Row(name, value, unit, label, base, row.ratio, bar, holds(row))


@dataclass(frozen=True, slots=True)
class Plan:
    """How thorough to be. `quick` only proves that the benchmark works."""

    quick: bool

    @property
    def rounds(self) -> int:
        return 1 if self.quick else ROUNDS

    def pick(self, full: int, quick: int) -> int:
        return quick if self.quick else full


def turns(plan: Plan, variants: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(round from 1, variant): ours, reference, ours, reference ..."""
    for number in range(1, plan.rounds + 1):
        for variant in variants:
            yield number, variant


def tell(text: str) -> None:
    """Progress, at once."""
    print(text, flush=True)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _short(value: str | float) -> str | float:
    return value if isinstance(value, str) else float(f"{value:.4g}")
