"""A simulated day of a call centre comes to the same, posted natively or in a vendor's form, as far as that goes."""

from collections.abc import Callable, Sequence

import pytest

from service.core.catalogue.measures import MEASURES, Scope
from service.vendors.amazon_connect import ADAPTER as AMAZON_CONNECT
from service.vendors.genesys_cloud import ADAPTER as GENESYS_CLOUD
from service.vendors.reading.delivery import Adapter, Delivery
from service.vendors.twilio import ADAPTER as TWILIO
from tests.vendors import connect_form, genesys_form, twilio_form
from tests.vendors.call_day import Call, Carried, calls, differences, native, shuffled, simulated, whole_seconds
from tests.vendors.calls import batches, outcome

_OF_THE_MATTER = (
    *(measure.name for measure in MEASURES if measure.scope is Scope.CONTACT),
    "corrected",
    "escalated",
    "recovered",
    "recoveries",
    "recovery",
    "recovery_us",
    "unrecovered",
    "reopened",
    "resolved",
    "unresolved",
    "resolution",
    "resolution_us",
    "resolutions",
    "business_resolution",
    "business_resolution_us",
    "decided",
    "long_matters",
)
"""What a telephone system doesn't know: what the matter was, and what became of it."""

_OF_HOW_SERVICE_WAS_SPENT = ("service_us", "hold_us", "wrap_up_us")


@pytest.fixture(scope="module")
def day() -> list[Call]:
    return calls()


def test_the_day_is_the_simulated_one_but_for_what_became_of_the_matter(day: Sequence[Call]) -> None:
    assert len(day) > 1000
    assert {leg.outcome for call in day for leg in call.legs} == {"answered", "abandoned", "voicemail", "callback"}
    assert any(leg.transferred for call in day for leg in call.legs)
    posted = outcome([native(day, Carried())])
    told = outcome([simulated()])
    assert differences(posted, told, *_OF_THE_MATTER) == []


@pytest.mark.parametrize(
    ("adapter", "mapping", "written", "carried", "cut"),
    [
        pytest.param(TWILIO, twilio_form.MAPPING, twilio_form.forms, twilio_form.CARRIED, list, id="Twilio forms"),
        pytest.param(TWILIO, twilio_form.MAPPING, twilio_form.streams, twilio_form.CARRIED, list, id="Twilio streams"),
        pytest.param(
            AMAZON_CONNECT,
            connect_form.MAPPING,
            connect_form.events,
            connect_form.OF_EVENTS,
            list,
            id="Amazon Connect events",
        ),
        pytest.param(
            AMAZON_CONNECT,
            connect_form.MAPPING,
            connect_form.records,
            connect_form.OF_RECORDS,
            whole_seconds,
            id="Amazon Connect records",
        ),
        pytest.param(
            GENESYS_CLOUD, genesys_form.MAPPING, genesys_form.deliveries, genesys_form.CARRIED, list, id="Genesys Cloud"
        ),
    ],
)
def test_a_day_in_a_vendors_form_comes_to_what_it_comes_to_natively(
    adapter: Adapter,
    mapping: object,
    written: Callable[[list[Call]], list[Delivery]],
    carried: Carried,
    cut: Callable[[list[Call]], list[Call]],
    day: list[Call],
) -> None:
    known = cut(day)
    found = [batch for batch in batches(adapter, mapping, written(known)) if batch]
    assert differences(outcome(shuffled(found)), outcome([native(known, carried)])) == []


def test_what_twilio_does_not_tell_apart_is_in_the_time_that_calls_take_to_handle(day: list[Call]) -> None:
    found = batches(TWILIO, twilio_form.MAPPING, twilio_form.forms(day))
    posted = outcome([native(day, Carried())])
    assert differences(outcome(shuffled(found)), posted, *_OF_HOW_SERVICE_WAS_SPENT) == []
