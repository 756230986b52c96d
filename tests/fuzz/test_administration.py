"""Whatever is administrated in whatever order, by whichever keys: statuses, lists and the trail are as a model says."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.fuzz.administered import Administered, Key
from tests.fuzz.answers import Answer, check_problem
from tests.fuzz.conftest import LONG, Target
from tests.fuzz.hostile_posts import Headers

EXAMPLES = max(30, LONG // 10_000)
STEPS = 30
_SINCE = st.sampled_from([None, None, "2020-02-29", "2026-12-01"])
_HOURS = st.sampled_from([None, {"mon": ["09:00-18:00"]}, {"sat": ["22:00-02:00", "10:00-12:00"]}])
_MONTHS = st.sampled_from([-1, 1, None])
_PLACES = st.integers(0, 2)
_numbers = itertools.count(1)


class Administration(RuleBasedStateMachine):
    """Several administrators at work, some of whose keys are no good any more. Names are of this run alone."""

    administrators = Bundle("administrators")
    keys = Bundle("keys")
    target: Target

    def __init__(self) -> None:
        super().__init__()
        self.run = next(_numbers)
        self.model = Administered()
        (root,) = [one for one in self._read("keys") if one["role"] == "admin" and one["hint"] == "given"]
        self.root = Key(root["id"], self.target.admin_key, "admin")
        self.first_action = self._read("actions?limit=1")[0]["id"]

    def _name(self, place: int) -> str:
        return f"run-{self.run}-{place}"

    def _ask(self, by: Key, method: str, path: str, body: Any = None) -> Answer:
        headers: Headers = [
            (b"authorization", f"Bearer {by.secret}".encode()),
            (b"content-type", b"application/json"),
        ]
        path, _, query = path.partition("?")
        return self.target.ask(method, path, headers, json.dumps(body).encode(), query.encode())

    def _read(self, what: str) -> Any:
        path, _, query = f"/v1/admin/{what}".partition("?")
        return self.target.ask("GET", path, self.target.as_admin(), query=query.encode()).body()

    def _administrate(self, by: Key, method: str, path: str, body: Any, status: int) -> Answer | None:
        """Ask for something that has a status if the key is good for it; the answer, if it was done."""
        answer = self._ask(by, method, f"/v1/admin/{path}", body)
        status = by.refusal("admin") or status
        assert answer.status == status, (answer, by)
        if status >= 400:
            check_problem(answer)
            return None
        return answer

    def _note(self, by: Key, action: str, target: str) -> None:
        self.model.trail.append((f"key {by.id}", action, target))

    def _made(self, by: Key, shown: dict[str, Any], *, source: str | None = None, replaces: int | None = None) -> Key:
        made = Key(shown["id"], shown["key"], shown["role"], source, replaces, shown["expires_at"] is not None)
        self.model.keys[made.id] = made
        self._note(by, "create key", f"key {made.id}")
        return made

    @initialize(target=administrators)
    def begin(self) -> Any:
        """Two sites, and a source that may post for one of them."""
        for place in (0, 1):
            self.put_site(self.root, place, "UTC", None, None)
        self.create_source(self.root, 0, [0])
        made = self.create_key(self.root, "admin", None)
        return multiple(self.root, made)

    @rule(by=administrators, place=_PLACES, zone=st.sampled_from(["UTC", "Europe/Vilnius"]), since=_SINCE, hours=_HOURS)
    def put_site(self, by: Key, place: int, zone: str, since: str | None, hours: Any) -> None:
        name = self._name(place)
        body = {"time_zone": zone, "from": since, "hours": hours}
        if self._administrate(by, "PUT", f"sites/{name}", body, 200):
            self.model.put_site(name, zone, since, hours)
            self._note(by, "put site", name)

    @rule(
        by=administrators,
        name=st.sampled_from(["other", "a b", "x" * 65]),
        zone=st.sampled_from(["UTC", "Mars/Olympus"]),
    )
    def put_no_site(self, by: Key, name: str, zone: str) -> None:
        self._administrate(by, "PUT", f"sites/{name}", {"time_zone": zone}, 422)

    @rule(target=keys, by=administrators, place=_PLACES, sites=st.lists(st.just("*") | _PLACES, min_size=1, max_size=2))
    def create_source(self, by: Key, place: int, sites: list[Any]) -> Any:
        name = self._name(place)
        allowed = [site if site == "*" else self._name(site) for site in sites]
        is_there = name in self.model.sources
        answer = self._administrate(by, "POST", "sources", {"name": name, "sites": allowed}, 409 if is_there else 201)
        if answer is None:
            return multiple()
        self.model.sources[name] = allowed
        self._note(by, "create source", name)
        # The list tells what the answer leaves out: the number of the key.
        newest = {**self._read("keys")[-1], **answer.body()}
        assert newest["source"] == name
        return self._made(by, newest, source=name)

    @rule(target=keys, by=administrators, place=_PLACES, months=_MONTHS)
    def create_source_key(self, by: Key, place: int, months: int | None) -> Any:
        name = self._name(place)
        status = 422 if months == -1 else 201 if name in self.model.sources else 404
        answer = self._administrate(by, "POST", f"sources/{name}/keys", _ending(months), status)
        return self._made(by, answer.body(), source=name) if answer else multiple()

    @rule(target=keys, by=administrators, months=_MONTHS)
    def create_read_key(self, by: Key, months: int | None) -> Any:
        return self.create_key(by, "read", months)

    @rule(target=administrators, by=administrators, months=_MONTHS)
    def create_admin_key(self, by: Key, months: int | None) -> Any:
        return self.create_key(by, "admin", months)

    def create_key(self, by: Key, role: str, months: int | None) -> Any:
        status = 422 if months == -1 else 201
        answer = self._administrate(by, "POST", "keys", {"role": role, **_ending(months)}, status)
        return self._made(by, answer.body()) if answer else multiple()

    @rule(target=keys, by=administrators, old=keys | administrators, overlap=st.sampled_from([0, 3600]))
    def rotate(self, by: Key, old: Key, overlap: int) -> Any:
        if old is self.root:
            return multiple()
        opened = old.opens
        answer = self._administrate(
            by, "POST", f"keys/{old.id}/rotation", {"overlap_seconds": overlap}, 201 if opened else 404
        )
        if answer is None:
            return multiple()
        old.has_end, old.is_over = True, overlap == 0
        self._note(by, "rotate key", f"key {old.id}")
        return self._made(by, answer.body(), source=old.source, replaces=old.id)

    @rule(by=administrators, key=keys | administrators)
    def revoke(self, by: Key, key: Key) -> None:
        if key is self.root:
            return
        if self._administrate(by, "DELETE", f"keys/{key.id}", None, 404 if key.is_revoked else 204):
            key.is_revoked = True
            self._note(by, "revoke key", f"key {key.id}")

    @rule(by=administrators, number=st.sampled_from([0, 2**31 - 1, 2**31]))
    def change_no_key(self, by: Key, number: int) -> None:
        status = 404 if 0 < number < 2**31 else 422
        self._administrate(by, "DELETE", f"keys/{number}", None, status)
        self._administrate(by, "POST", f"keys/{number}/rotation", {}, status)

    @rule(by=keys, place=_PLACES, customer=_PLACES)
    def post(self, by: Key, place: int, customer: int) -> None:
        site, name = self._name(place), self._name(customer)
        if site not in self.model.sites:
            return
        number = next(_numbers)
        event = {
            "id": str(number),
            "source": "till-1",
            "type": "interaction.queued",
            "time": datetime.now(UTC).isoformat(),
            "subject": f"order-{number}",
            "data": {"site": site, "queue": "tills", "channel": "pos", "customer": name, "topic": "purchase"},
        }
        answer = self._ask(by, "POST", "/v1/events", event)
        refusal = by.refusal("ingest")
        if refusal is None and not self.model.may_post(by, site):
            refusal = 403
        assert answer.status == (refusal or 202), (answer, by)
        if refusal is None:
            assert answer.body()["accepted"] == 1
            self.model.contacts[name] = self.model.contacts.get(name, 0) + 1

    def teardown(self) -> None:
        """In the end each key opens what it is for, and nothing else."""
        for key in self.model.keys.values():
            for path, roles in (("/v1/live", ("read", "admin")), ("/v1/admin/keys", ("admin",))):
                answer = self._ask(key, "GET", path)
                assert answer.status == (key.refusal(*roles) or 200), (answer, key)
            for place in (0, 1):
                self.post(key, place, 0)

    @rule(by=administrators, customer=_PLACES)
    def erase(self, by: Key, customer: int) -> None:
        name = self._name(customer)
        answer = self._administrate(by, "POST", "erasures", {"customer": name}, 200)
        if answer:
            number = self.model.contacts.pop(name, 0)
            assert answer.body() == {"interactions": number, "events": number, "contacts": number}
            self._note(by, "erase customer", "a customer")

    @invariant()
    def lists_agree(self) -> None:
        mine = f"run-{self.run}-"
        sites = {one.pop("site"): one for one in self._read("sites") if one["site"].startswith(mine)}
        assert sites == {name: site.listed for name, site in self.model.sites.items()}
        sources = {one["name"]: one["sites"] for one in self._read("sources") if one["name"].startswith(mine)}
        assert sources == self.model.sources
        keys = {one["id"]: one for one in self._read("keys")}
        for made in self.model.keys.values():
            found = keys[made.id]
            told = {name: found[name] for name in ("id", "role", "source", "replaces")}
            ends = {name: found[name] is not None for name in ("expires_at", "revoked_at")}
            assert {**told, **ends} == made.listed
            assert made.secret not in json.dumps(found)

    @invariant()
    def the_trail_tells_all(self) -> None:
        latest = self._read("actions?limit=1000")
        done = [one for one in reversed(latest) if one["id"] > self.first_action]
        assert [(one["actor"], one["action"], one["target"]) for one in done] == self.model.trail


def _ending(months: int | None) -> dict[str, Any]:
    if months is None:
        return {}
    return {"expires_at": (datetime.now(UTC) + timedelta(days=30 * months)).isoformat()}


@pytest.mark.timeout(0 if LONG else 300)
def test_administration_comes_to_what_a_model_says(target: Target) -> None:
    machine = type("AdministrationOfTarget", (Administration,), {"target": target})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not LONG,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *([Phase.shrink] if LONG else [])],  # a shorter run may take minutes to find
        ),
    )
