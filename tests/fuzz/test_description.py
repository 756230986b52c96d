"""The description of the API holds, for whatever it allows and forbids: schemathesis asks, and checks every answer."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation

from tests.fuzz.conftest import LONG, Target

# What a KPI, a time or an event may be is told in words and in each answer, and everything in an URL is text:
# so a question of the right form may be refused, and one of another form asks for a strange name.
_NOT_SAID_IN_SCHEMAS = {"positive_data_acceptance", "negative_data_rejection"}
EXAMPLES = max(40, LONG // 2_000)


@pytest.mark.timeout(0 if LONG else 300)
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: str(mode.value))
def test_every_operation_answers_as_described(target: Target, mode: schemathesis.GenerationMode) -> None:
    load_all_checks()
    checks = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in _NOT_SAID_IN_SCHEMAS]
    schema = schemathesis.openapi.from_dict(target.app.openapi())
    schema.config.update(base_url=target.url)
    operations: list[APIOperation[Any, Any, Any, Any]] = [found.ok() for found in schema.get_all_operations()]
    assert {"POST /v1/events", "GET /v1/kpis", "PUT /v1/admin/sites/{site}"} <= {one.label for one in operations}
    failures = {}
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=not LONG,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @given(data=st.data())
        def ask(operation: Any, data: st.DataObject) -> None:
            case = data.draw(operation.as_strategy(generation_mode=mode))
            key = target.key if operation.label == "POST /v1/events" else target.admin_key
            case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=checks)

        try:
            ask(operation)
        except FailureGroup as failure:  # every operation is asked before any failure is told
            failures[operation.label] = [str(one) for one in failure.exceptions]
        except Unsatisfiable:
            assert mode.is_negative  # nothing can be wrong where nothing is asked for
    assert failures == {}
