"""The description of the API holds, for whatever it allows and forbids: schemathesis asks, and checks every answer."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote
from zoneinfo import available_timezones

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation

from service.core.event import LABEL
from tests.fuzz.conftest import LONG, Target

EXAMPLES = max(40, LONG // 2_000)
_LINES = "application/x-ndjson"
# What a schema of one field cannot say: what contradicts another field, the clock, or what is registered.
_BEYOND_SCHEMAS = {"contradiction", "future_time", "unknown_country", "unknown_objective", "wrong_mapping"}


def _codes(response: Response) -> set[str]:
    """What an answer says was wrong: with the request, or with each event of a post."""
    body = response.json() if response.content else {}
    refused = body.get("rejected", [body]) if isinstance(body, dict) else []
    return {one.get("code", "") for one in refused}


def _accepts_what_is_right(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    if response.status_code == 422 and (_is_beyond_schemas(response) or _is_past_end(response)):
        return None
    return bool(CHECKS.get_one("positive_data_acceptance")(ctx, response, case))


def _is_beyond_schemas(response: Response) -> bool:
    """Whether nothing is wrong but what no schema says; one takes 3.0 for a whole number, too."""
    body = response.json()
    return all(
        one.get("code", "") in _BEYOND_SCHEMAS or ("expected int" in one["detail"] and "got float" in one["detail"])
        for one in body.get("rejected", [body])
    )


def _is_past_end(response: Response) -> bool:
    body = response.json()
    return bool(body.get("field") == "expires_at" and " is past" in body["detail"])


def _rejects_what_is_wrong(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    fails_no_other = response.status_code == 202 and _codes(response) - {""}
    if fails_no_other or response.status_code == 413:
        return None
    return bool(CHECKS.get_one("negative_data_rejection")(ctx, response, case))


_OWN = {"positive_data_acceptance": _accepts_what_is_right, "negative_data_rejection": _rejects_what_is_wrong}


@st.composite
def _times(draw: st.DrawFn) -> str:
    """Times of RFC 3339, most of them past."""
    last = draw(st.sampled_from([datetime(2026, 1, 1), datetime(2026, 1, 1), datetime(9000, 1, 1)]))  # noqa: DTZ001
    offset = timezone(timedelta(minutes=draw(st.integers(-1439, 1439))))
    text = draw(st.datetimes(datetime(3, 1, 1), last)).replace(tzinfo=offset).isoformat()  # noqa: DTZ001
    return draw(st.sampled_from([text, text, text[:-6] + "Z", text[:-6].lower() + "z"]))


def _as_lines(_: schemathesis.SerializationContext, value: Any) -> Any:
    if isinstance(value, bytes):
        return value
    return b"\n".join(json.dumps(item).encode() for item in (value if isinstance(value, list) else [value]))


def _said_of(target: Target) -> dict[str, Any]:
    """The description. What a schema of a text cannot say, that events stand on its lines, is said as for an array."""
    document = deepcopy(target.app.openapi())
    body = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    body[_LINES]["schema"] = body["application/cloudevents-batch+json"]["schema"]
    return document


def _leaves_out(case: Case) -> bool:
    """Whether a parameter is empty, or a name in a list is, or has spaces: all that is passed over, and no mistake."""
    values: Mapping[str, Any] = case.query or {}
    return any(
        not isinstance(value, str)
        or not value.strip()
        or any(name != name.strip() or not name for name in value.split(","))
        for value in values.values()
    )


def _is_in_another_script(case: Case) -> bool:
    """Whether a list has a name such as žalia: letters of all scripts are, where who asks takes those of ASCII only."""
    names = [name for value in (case.query or {}).values() for name in str(value).split(",")]
    return any(not name.isascii() and re.fullmatch(LABEL, name) for name in names)


@pytest.fixture(scope="module")
def held(target: Target) -> set[int]:
    """The numbers of the keys with which is asked: who took them out of use would ask nothing any more."""
    return {key["id"] for key in target.ask("GET", "/v1/admin/keys", target.as_admin()).body()}


def _ends_one_of(case: Case, held: set[int]) -> bool:
    try:
        return float(unquote(str((case.path_parameters or {}).get("key_id")))) in held
    except ValueError:
        return False


@pytest.fixture(scope="module")
def operations(target: Target) -> list[APIOperation[Any, Any, Any, Any]]:
    load_all_checks()
    schemathesis.openapi.format("date-time", _times())
    schemathesis.openapi.format("iana-time-zone", st.sampled_from(sorted(available_timezones())))
    schemathesis.serializer(_LINES)(_as_lines)
    schema = schemathesis.openapi.from_dict(_said_of(target))
    schema.config.update(base_url=target.url)
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.timeout(0 if LONG else 300)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
def test_every_operation_answers_as_described(
    target: Target, held: set[int], operations: list[APIOperation[Any, Any, Any, Any]], mode: GenerationMode
) -> None:
    checks = [_OWN.get(name) or CHECKS.get_one(name) for name in CHECKS.get_all_names()]
    assert set(_OWN) < set(CHECKS.get_all_names())
    assert {"POST /v1/events", "GET /v1/kpis", "PUT /v1/admin/sites/{site}"} <= {one.label for one in operations}
    failures: dict[str, str] = {}
    for operation in operations:
        seen: Counter[int] = Counter()
        secret = target.key if operation.label == "POST /v1/events" else target.admin_key
        key = {"Authorization": f"Bearer {secret}"}

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=not LONG,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @given(data=st.data())
        def ask(operation: Any, key: dict[str, str], seen: Counter[int], data: st.DataObject) -> None:
            case = data.draw(operation.as_strategy(generation_mode=mode, headers=key))
            assume(mode.is_positive or not (_leaves_out(case) or _is_in_another_script(case)))
            assume(not _ends_one_of(case, held))
            response = case.call_and_validate(headers=key, checks=checks)
            seen[response.status_code] += 1

        try:
            ask(operation, key, seen)
        except FailureGroup as failure:  # every operation is asked before any failure is told
            failures[operation.label] = str(failure)
        except Unsatisfiable:
            assert mode.is_negative  # nothing can be wrong where nothing is asked for
        print(operation.label, dict(seen))
        assert 401 not in seen
    assert not failures, "\n".join(failures.values())
