"""What hostile input brought to light once, in its shortest form."""

import pytest

from tests.fuzz.answers import check_problem
from tests.fuzz.conftest import Target
from tests.fuzz.hostile_posts import written
from tests.intake_cases import event, judge


@pytest.mark.parametrize("path", ["/v1/kpis", "/v1/live", "/v1/objectives", "/v1/objectives/phone-80-in-20/breaches"])
@pytest.mark.parametrize("field", ["site", "queue"])
def test_a_nul_in_a_name_asked_for_is_told(target: Target, path: str, field: str) -> None:
    answer = target.ask("GET", path, target.as_admin(), query=f"kpi=offered&{field}=tills,a%00".encode())
    assert answer.status == 422
    assert check_problem(answer)["field"] == field


@pytest.mark.parametrize("path", ["/v1/interactions/vendor/a\x00", "/v1/interactions/\x00/a"])
def test_a_nul_in_a_path_leads_nowhere(target: Target, path: str) -> None:
    answer = target.ask("GET", path, target.as_admin())
    assert answer.status == 404
    check_problem(answer)


def test_a_line_is_an_event_whatever_the_other_lines_are() -> None:
    good = written(event(id="good"))
    for odd in (good.replace(b", ", b",\n"), good + good, good + b" " + good):
        alone, _ = judge(odd, lines=True)
        beside, _ = judge(odd + b"\n{broken", lines=True)
        assert alone == beside == []


@pytest.mark.parametrize("name", ["e\u0301", "a\u203fb"])
def test_what_is_no_letter_to_an_event_is_none_in_the_name_of_a_site(target: Target, name: str) -> None:
    accepted, _ = judge(event(data={"site": name}))
    assert accepted == []
    answer = target.ask("PUT", f"/v1/admin/sites/{name}", target.as_admin(), b"{}")
    assert answer.status == 422
    assert check_problem(answer)["field"] == "site"


def test_a_number_is_no_date(target: Target) -> None:
    answer = target.ask("PUT", "/v1/admin/sites/vilnius-1", target.as_admin(), b'{"from": 86400}')
    assert answer.status == 422
    assert check_problem(answer)["field"] == "from"


@pytest.mark.parametrize("number", ["1_0", "%D9%A1", "inf", "nan", "0x1"])
def test_what_only_python_takes_for_a_number_is_none(target: Target, number: str) -> None:
    query = f"kpi=service_level&threshold={number}".encode()
    answer = target.ask("GET", "/v1/kpis", target.as_admin(), query=query)
    assert answer.status == 422
    assert check_problem(answer)["field"] == "threshold"
