"""When the next text may be written, in exact seconds."""

from kimnode.radio.pace import NEVER, POLL_EVERY_S, SETTLE_S, TEXT_PACING_S, Pace


def test_nothing_before_the_link_is_up_and_after_it_a_moment_to_listen():
    pace = Pace()
    assert pace.write_at == NEVER
    pace.link_up(100.0)
    assert pace.write_at == 100.0 + SETTLE_S
    pace.link_lost()
    assert (pace.write_at, pace.poll_at) == (NEVER, NEVER)


def test_three_seconds_after_the_answer_to_the_packet():
    pace = Pace()
    pace.link_up(0.0)
    pace.written(7, 10.0)
    assert pace.write_at == NEVER
    assert pace.poll_at == 10.0 + POLL_EVERY_S
    pace.heard_about(8, 10.1)
    pace.heard_status(10.2)
    assert pace.write_at == NEVER, "that was about something else, and before our question"
    pace.heard_about(7, 10.4)
    assert pace.write_at == 10.4 + TEXT_PACING_S
    pace.heard_about(7, 11.0)
    assert pace.write_at == 10.4 + TEXT_PACING_S, "the acknowledgement does not start it anew"


def test_without_an_answer_a_poll_shows_that_the_radio_has_read_on():
    pace = Pace()
    pace.link_up(0.0)
    pace.written(7, 10.0)
    pace.polled(12.0)
    assert pace.poll_at == 14.0
    pace.heard_status(12.2)
    assert pace.write_at == 12.2 + TEXT_PACING_S


def test_a_new_connection_does_not_forget_the_radios_clock():
    pace = Pace()
    pace.link_up(0.0)
    pace.written(7, 10.0)
    pace.link_lost()
    pace.link_up(11.0)
    assert pace.write_at == 10.0 + TEXT_PACING_S
    pace.polled(11.5)
    pace.heard_status(11.6)
    assert pace.write_at == 10.0 + TEXT_PACING_S, "nothing is awaited on the new connection"
