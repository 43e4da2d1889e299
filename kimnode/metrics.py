"""Every Prometheus metric of the node, in one place. README.md lists them; a test compares."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """One registry per node, so that two nodes in one test do not share their counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.accepted = self._counter("accepted", "Records that entered the log", "via", "kind")
        self.repeated = self._counter("repeated", "Records that were already known", "via")
        self.refused = self._counter("refused", "Records that were refused", "via", "reason")
        self.wire_errors = self._counter("wire_errors", "Unreadable input", "source")
        self.packets_sent = self._counter("packets_sent", "Packets written to the radio", "class")
        self.packet_ends = self._counter("packet_ends", "Packets by their last state", "state")
        self.exchange_heard = self._counter(
            "exchange_heard", "Packets of other gateways on port 302", "type"
        )
        self.exchange_said = self._counter(
            "exchange_said", "Packets put in line for port 302", "type"
        )
        self.airtime_ms = self._gauge("airtime_ms", "Own computed airtime of the last hour")
        self.airtime_budget_ms = self._gauge("airtime_budget_ms", "Airtime allowed per hour")
        self.sos_over_budget = self._counter("sos_over_budget", "SOS packets beyond the budget")
        self.outbox_waiting = self._gauge("outbox_waiting", "Packets that wait for the air")
        self.radio_up = self._gauge("radio_up", "1 while the radio answers")
        self.radio_connects = self._counter("radio_connects", "Connections to the radio")
        self.channel_utilisation = self._gauge(
            "channel_utilisation_percent", "Busy share of the channel, as the radio reports it"
        )
        self.phones = self._gauge("phones", "Web sockets open")
        self.open_sos = self._gauge("open_sos", "Alarms that nobody has taken")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"kimnode_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"kimnode_{name}", text, registry=self.registry)
