"""Any sender of JSON or forms, read by a declared mapping: rules whose expressions (JMESPath) find an event's fields.

A delivery is read as a whole: what cannot be read of it keeps it whole, and is tried again with the rest, which by
then are duplicates.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from service.core.errors import InvalidInput
from service.core.event import WireEvent
from service.core.vocabulary import EVENT_CLASSES, InteractionEvent
from service.vendors.reading.delivery import Delivery, Event, Part, Reading, Unread, unreadable
from service.vendors.reading.expressions import Expression, Field, Finding, Source
from service.vendors.reading.places import Places, converted
from service.vendors.reading.signing import SharedKey, Signature

Given = Expression | Source
_TYPES: Mapping[str, type[WireEvent]] = {
    str(cls.__struct_config__.tag).removeprefix("interaction."): cls for cls in EVENT_CLASSES
}
"""The types of event by their names in rules."""


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An event that a delivery makes, when `when` holds of its body; with `each`, one of each thing that it finds.

    Expressions are of the body; with `each` they are of an object with `item` and `body`. Events of interactions need
    a `subject`.
    """

    type: str
    id: Given
    time: Given
    subject: Given | None = None
    when: Expression | None = None
    each: Expression | None = None
    data: dict[str, Given] = {}


class Mapped(Places, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A mapping: rules, which deliveries say nothing of service, the places, and how the sender signs."""

    rules: Annotated[list[Rule], Meta(min_length=1, max_length=100)]
    ignore: Expression | None = None
    source: Annotated[str, Meta(min_length=1, max_length=256)] = "generic"
    signature: Signature | None = None
    key: SharedKey | None = None


class Generic:
    """Any sender, by its mapping."""

    name = "generic"
    kept_headers: Sequence[str] = ("content-type",)

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Ask for one of the secrets as a bearer key, which is how it is where a mapping says nothing else."""
        SharedKey().verify(delivery, secrets)

    def reader(self, mapping: Any) -> "GenericReader":
        """What reads, and verifies, by a mapping."""
        return GenericReader(converted(mapping, Mapped))

    def answer(self, delivery: Delivery, now_us: int, error: str) -> tuple[bytes, str]:
        """Whatever the service says."""
        return b"", ""


class GenericReader:
    """Reads by a mapping."""

    def __init__(self, mapped: Mapped) -> None:
        if mapped.signature is not None and mapped.key is not None:
            raise InvalidInput("only one of signature and key can be given", field="mapping")
        if mapped.signature is not None:
            mapped.signature.check("mapping.signature")
        self._mapped = mapped
        self._ignore = None if mapped.ignore is None else Finding(mapped.ignore, "mapping.ignore")
        self._rules = [_Rule(rule, mapped, f"mapping.rules[{place}]") for place, rule in enumerate(mapped.rules)]

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Raise NotAuthenticated where none of the secrets has signed the delivery as the mapping says."""
        if self._mapped.signature is not None:
            self._mapped.signature.verify(delivery, secrets, now_us)
        else:
            (self._mapped.key or SharedKey()).verify(delivery, secrets)

    def read(self, delivery: Delivery) -> Reading:
        """The events that the rules find in a delivery."""
        try:
            body = _body(delivery)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return unreadable(delivery, f"the body is not JSON: {error}")
        reading = Reading()
        try:
            if self._ignore is not None and self._ignore.of(body):
                return Reading(ignored=1)
            rules = [rule for rule in self._rules if rule.holds(body)]
            if not rules:
                raise InvalidInput("no rule holds of this body, and ignore does not either", code="unknown_type")
        except InvalidInput as error:
            return Reading(unread=[Unread(error.code, str(error), delivery.body)])
        events: list[Event] = []
        problem = None
        for rule in rules:
            for made in rule.events(body):
                if isinstance(made, InvalidInput):
                    problem = problem or made
                else:
                    events.append(made)
        if events:
            reading.parts.append(Part(events, partial(bytes, delivery.body)))
        if problem is not None:
            reading.unread.append(Unread(problem.code, str(problem), delivery.body))
        reading.ignored = int(not events and problem is None)
        return reading


class _Rule:
    """A rule, with its expressions compiled."""

    def __init__(self, rule: Rule, mapped: Mapped, field: str) -> None:
        self._kind = rule.type.removeprefix("interaction.")
        cls = _TYPES.get(self._kind)
        if cls is None:
            names = ", ".join(sorted(_TYPES))
            raise InvalidInput(f"{rule.type!r} is not known; it must be one of {names}", field=f"{field}.type")
        if rule.subject is None and issubclass(cls, InteractionEvent):
            raise InvalidInput(
                "is missing; it must find the interaction", field=f"{field}.subject", code="missing_field"
            )
        self._type = str(cls.__struct_config__.tag)
        known = next(one.type for one in msgspec.structs.fields(cls) if one.name == "data").__struct_fields__
        for name in rule.data:
            if name not in known:
                raise InvalidInput(
                    f"is no field of {self._kind}; it must be one of {', '.join(sorted(known))}",
                    field=f"{field}.data.{name}",
                )
        self._mapped = mapped
        self._field = field
        self._when = None if rule.when is None else Finding(rule.when, f"{field}.when")
        self._each = None if rule.each is None else Finding(rule.each, f"{field}.each")
        self._data = [Field(name, given, f"{field}.data.{name}") for name, given in rule.data.items()]
        self._needed = [
            Field("id", rule.id, f"{field}.id"),
            Field("time", rule.time, f"{field}.time"),
        ]
        self._subject = None if rule.subject is None else Field("subject", rule.subject, f"{field}.subject")

    def holds(self, body: Any) -> bool:
        """Whether a body is one that the rule is for."""
        return self._when is None or bool(self._when.of(body))

    def events(self, body: Any) -> Iterator[Event | InvalidInput]:
        """The events of a body, and what is wrong with those that it should make."""
        try:
            contexts = [body]
            if self._each is not None:
                items = self._each.of(body)
                if items is not None and not isinstance(items, list):
                    raise InvalidInput("finds no array", field=f"{self._field}.each")
                contexts = [{"item": item, "body": body} for item in items or ()]
        except InvalidInput as error:
            yield error
            return
        for context in contexts:
            try:
                yield self._event(context)
            except InvalidInput as error:
                yield error

    def _event(self, context: Any) -> Event:
        id_, time = (one.needed(context) for one in self._needed)
        data: dict[str, Any] = {}
        for one in self._data:
            found = one.of(context)
            if found is not None:
                self._put(data, one.name, found)
        # Whatever else is made of the same thing has an id of its own; an answer names feedback by the sender's.
        name = str(id_) if self._kind == "feedback.received" else f"{id_}/{self._kind}"
        made = {"id": name, "source": self._mapped.source, "type": self._type, "time": time, "data": data}
        return made if self._subject is None else made | {"subject": self._subject.needed(context)}

    def _put(self, data: dict[str, Any], name: str, found: Any) -> None:
        """Put a field into an event's data: a place as it is mapped, or as it is where none is."""
        mapped = self._mapped
        if name == "site" and mapped.sites:
            data["site"] = mapped.site(found)
        elif name in ("queue", "to_queue") and mapped.queues:
            place = mapped.queue(found)
            data[name] = place.queue
            if name == "queue" and place.site is not None:
                data.setdefault("site", place.site)
        elif name == "channel":
            data["channel"] = mapped.channel(found, str(found))
        elif name != "customer" or mapped.customers:
            data[name] = found


def _body(delivery: Delivery) -> Any:
    """What a delivery says, of JSON or of a form."""
    if delivery.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(delivery.body.decode(), keep_blank_values=True))
    return msgspec.json.decode(delivery.body)


ADAPTER = Generic()
