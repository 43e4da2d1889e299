"""Limits: a burst passes, a flood does not, a refusal costs nothing, memory is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimnode.errors import Reason, Refused
from kimnode.rules import limits
from kimnode.rules.limits import REPEAT_S, Limits, Rate, Rates

ANI, BUDI = "phone:a1", "phone:b2"


class Phone:
    """Says a new text each time."""

    def __init__(self, under: Limits, author: str = ANI) -> None:
        self.limits, self.author, self.said = under, author, 0

    def say(self, now: float, text: bytes | None = None) -> Refused | None:
        self.said += 1
        try:
            self.limits.check_phone(self.author, text or str(self.said).encode(), now)
        except Refused as refused:
            return refused
        return None

    def passed(self, times) -> int:
        return sum(self.say(now) is None for now in times)


def test_five_at_once_and_then_one_every_three_seconds():
    phone = Phone(Limits())
    assert phone.passed([0.0] * 8) == 5
    assert phone.passed([2.9]) == 0
    assert phone.passed([3.0, 3.0]) == 1
    assert phone.passed([float(t) for t in range(4, 64)]) == 20


def test_a_refusal_says_when_to_come_back_and_costs_nothing():
    phone = Phone(Limits())
    phone.passed([0.0] * 5)
    refused = phone.say(1.0)
    assert refused is not None
    assert refused.reason is Reason.TOO_FAST
    assert refused.retry_after_s == pytest.approx(2.0)
    assert phone.passed([1.1, 1.2, 1.3, 2.0]) == 0
    assert phone.say(1.0 + refused.retry_after_s) is None


def test_a_full_bucket_holds_no_more_than_the_burst():
    phone = Phone(Limits())
    assert phone.passed([1e6] * 10) == 5
    assert phone.passed([2e6] * 10) == 5


def test_one_phone_at_a_hundred_a_second_does_not_hinder_another():
    under = Limits()
    assert Phone(under).passed([i / 100 for i in range(100)]) == 5
    assert Phone(under, BUDI).passed([1.0] * 5) == 5


def test_the_same_text_again_is_refused_for_a_while():
    phone = Phone(Limits())
    assert phone.say(0.0, text=b"same") is None
    refused = phone.say(10.0, text=b"same")
    assert refused is not None
    assert refused.reason is Reason.REPEATED_TEXT
    assert refused.retry_after_s == pytest.approx(REPEAT_S - 10)
    assert phone.say(REPEAT_S, text=b"same") is None


def test_the_same_text_from_another_phone_is_no_repetition():
    under = Limits()
    assert Phone(under).say(0.0, text=b"same") is None
    assert Phone(under, BUDI).say(0.0, text=b"same") is None


def test_four_texts_in_turn_do_not_get_around_the_repetition_rule():
    phone = Phone(Limits())
    texts = [b"a", b"b", b"c", b"d"]
    assert [phone.say(0.0, text=t) for t in texts] == [None] * 4
    reasons = [(r := phone.say(12.0, text=t)) and r.reason for t in texts]
    assert reasons == [Reason.REPEATED_TEXT] * 4


def test_a_text_that_was_refused_may_be_said_again():
    phone = Phone(Limits())
    phone.passed([0.0] * 5)
    refused = phone.say(0.0, text=b"new")
    assert refused is not None
    assert phone.say(3.0, text=b"new") is None


def test_everybody_together_is_limited_too():
    under = Limits(Rates(node=Rate(burst=3, every_s=10)))
    phones = [Phone(under, f"phone:{n}") for n in range(4)]
    results = [phone.say(0.0) for phone in phones]
    assert results[:3] == [None] * 3
    refused = results[3]
    assert refused is not None
    assert refused.reason is Reason.NODE_BUSY
    assert refused.retry_after_s == pytest.approx(10.0)
    assert phones[3].passed([10.0]) == 1


def test_a_busy_node_costs_the_phone_nothing():
    under = Limits(Rates(node=Rate(burst=1, every_s=5), phone=Rate(burst=2, every_s=100)))
    phone = Phone(under)
    assert phone.passed([0.0, 0.0, 0.0, 5.0]) == 2


def test_sixty_phones_at_their_full_rate_are_not_stopped_by_the_node():
    under = Limits()
    phones = [Phone(under, f"phone:{n}") for n in range(60)]
    passed = sum(p.passed([0.0, 0.0]) for p in phones)
    passed += sum(p.passed([t]) for t in (3.0, 6.0, 9.0) for p in phones)
    assert passed == 60 * 5


def test_an_sos_is_stopped_by_no_other_limit():
    under = Limits(Rates(node=Rate(burst=1, every_s=1e6)))
    phone = Phone(under)
    phone.passed([0.0] * 20)
    under.check_sos(ANI, "SOS", 0.0)


def test_calls_for_help_do_not_stop_their_cancellation():
    under = Limits()
    for _ in range(3):
        under.check_sos(ANI, "SOS", 0.0)
    under.check_sos(ANI, "SOS_CANCEL", 0.0)


def test_an_address_is_limited_under_whatever_tokens_and_by_each_rate_of_its_own():
    under, names, alarms = Limits(), Rate(burst=3, every_s=10), Rate(burst=1, every_s=10)
    for _ in range(3):
        under.check_address("10.0.0.7", names, 0.0)
    with pytest.raises(Refused) as refused:
        under.check_address("10.0.0.7", names, 0.0)
    assert refused.value.retry_after_s == pytest.approx(10.0)
    under.check_address("10.0.0.7", alarms, 0.0)
    under.check_address("10.0.0.8", names, 0.0)


def test_an_sos_again_and_again_is_stopped_by_its_own():
    under = Limits()
    for _ in range(3):
        under.check_sos(ANI, "SOS", 0.0)
    with pytest.raises(Refused) as refused:
        under.check_sos(ANI, "SOS", 0.0)
    assert refused.value.reason is Reason.TOO_FAST
    assert refused.value.retry_after_s == pytest.approx(60.0)
    under.check_sos(BUDI, "SOS", 0.0)
    assert Phone(under).say(0.0) is None


def test_invented_radios_cannot_raise_alarms_without_end_and_do_not_hinder_phones():
    under = Limits()
    for number in range(30):
        under.check_radio_sos(f"radio:{number}", 0.0)
    with pytest.raises(Refused) as refused:
        under.check_radio_sos("radio:new", 0.0)
    assert refused.value.reason is Reason.NODE_BUSY
    under.check_sos(ANI, "SOS", 0.0)
    under.check_radio_sos("radio:new", 10.0)


def radio_passed(under: Limits, senders, now: float) -> int:
    passed = 0
    for sender in senders:
        try:
            under.check_radio(sender, now)
        except Refused:
            continue
        passed += 1
    return passed


def test_one_radio_is_limited():
    under = Limits()
    assert radio_passed(under, ["radio:7"] * 120, 0.0) == 100
    assert radio_passed(under, ["radio:7"] * 2, 3.0) == 1


def test_another_gateway_that_speaks_for_a_whole_village_is_never_cut_short():
    under = Limits()
    assert all(radio_passed(under, ["radio:7"], 3.0 * number) for number in range(2000))


def test_invented_node_numbers_do_not_get_around_it():
    under = Limits()
    assert radio_passed(under, range(1000), 0.0) == 120
    assert radio_passed(under, range(1000, 2000), 1.0) == 4
    with pytest.raises(Refused) as refused:
        under.check_radio(1, 1.0)
    assert refused.value.reason is Reason.NODE_BUSY


def test_radios_and_phones_do_not_share_a_limit():
    under = Limits()
    radio_passed(under, range(100), 0.0)
    assert Phone(under).say(0.0) is None


def test_a_clock_set_back_refills_nothing_and_takes_nothing():
    phone = Phone(Limits())
    assert phone.passed([1000.0] * 4) == 4
    assert phone.passed([0.0, 0.0]) == 1
    assert phone.passed([3.0]) == 1


def test_a_clock_set_back_does_not_make_a_repetition():
    phone = Phone(Limits())
    assert phone.say(1000.0, text=b"same") is None
    assert phone.say(0.0, text=b"same") is None


def test_memory_is_bounded_and_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr(limits, "MAX_KEYS", 3)
    under = Limits()
    for sender in (1, 2, 3):
        assert radio_passed(under, [sender] * 30, 0.0) == 30
    radio_passed(under, [1], 0.0)
    radio_passed(under, [4], 0.0)
    assert set(under._talkers) == {3, 1, 4}


def test_the_bound_is_named():
    assert limits.MAX_KEYS == 4096


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.floats(0, 900)), max_size=80))
def test_in_any_history_no_window_holds_more_than_burst_and_refill(history):
    under = Limits()
    phones = [Phone(under, f"phone:{n}") for n in range(4)]
    passed: list[tuple[int, bool, float]] = []
    for who, on_air, now in sorted(history, key=lambda h: h[2]):
        if phones[who].say(now, on_air) is None:
            passed.append((who, on_air, now))
    for who in range(4):
        talk = [now for w, _, now in passed if w == who]
        air = [now for w, on_air, now in passed if w == who and on_air]
        for first in talk:
            assert sum(first <= t <= first + 30 for t in talk) <= 5 + 10 + 1
        for first in air:
            assert sum(first <= t <= first + 120 for t in air) <= 5 + 2 + 1
        assert len(air) <= 6 + 1 + 1
