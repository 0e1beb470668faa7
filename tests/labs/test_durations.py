"""Words of a spec: durations, sizes and patterns, and how many labs at a time. Pure."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vmc_labs.fleet.sizing import LAB_BYTES, parallel
from vmc_labs.spec.durations import parse_duration
from vmc_labs.spec.patterns import expand


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("8h", timedelta(hours=8)),
        ("90m", timedelta(minutes=90)),
        ("1d12h", timedelta(hours=36)),
        (" 2w 1s ", timedelta(weeks=2, seconds=1)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_a_duration_is_what_people_mean(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "8", "h", "8x", "-1h", "1h1h", "0s", "3650d1s", "99999999999w", "8 hours", "1.5h"]
)
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"write it like|not between"):
        parse_duration(text)


@given(st.text(alphabet="0123456789wdhmsx .-", max_size=12))
def test_a_duration_is_read_or_refused_and_never_nothing(text: str) -> None:
    try:
        duration = parse_duration(text)
    except ValueError:
        return
    assert timedelta() < duration <= timedelta(days=3650)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("team", ("team",)),
        ("team-{08..11}", ("team-08", "team-09", "team-10", "team-11")),
        ("{9..11}-a", ("9-a", "10-a", "11-a")),
        ("{1..1}", ("1",)),
        ("{name}", ("{name}",)),
    ],
)
def test_a_pattern_stands_for_names_in_order(pattern: str, names: tuple[str, ...]) -> None:
    assert expand(pattern) == names


@example(0, 1999, 1)
@example(0, 2000, 1)
@given(st.integers(0, 3000), st.integers(0, 2500), st.integers(1, 4))
def test_a_pattern_has_as_many_names_as_it_says_or_is_refused(first: int, last: int, digits: int) -> None:
    pattern = f"team-{{{first:0{digits}}..{last}}}"
    try:
        names = expand(pattern)
    except ValueError:
        assert last < first or last - first >= 2000
        return
    assert len(names) == len(set(names)) == last - first + 1 <= 2000
    assert [int(name.removeprefix("team-")) for name in names] == list(range(first, last + 1))


@pytest.mark.parametrize(
    ("requested", "cores", "free", "width"),
    [
        pytest.param(7, 2, 0, 7, id="what is given counts"),
        pytest.param(None, 2, 100 * LAB_BYTES, 16, id="eight for each core"),
        pytest.param(None, 64, 10**13, 64, id="never more than 64"),
        pytest.param(None, 8, 4 * LAB_BYTES, 3, id="three quarters of the free memory"),
        pytest.param(None, 8, 0, 1, id="one at least"),
    ],
)
def test_how_many_labs_at_a_time(requested: int | None, cores: int, free: int, width: int) -> None:
    assert parallel(requested=requested, cores=cores, free_bytes=free) == width
