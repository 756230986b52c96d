"""What a reader must know of the rules behind the numbers, in prose; what is a constant comes from the catalogue."""

from service.core.catalogue.kpi import DEFAULT_THRESHOLD_SECONDS
from service.core.catalogue.measures import (
    DEFAULT_EXPIRY_US,
    EXPIRY_US,
    MEASURE_BY_NAME,
    SHORT_ABANDON_SECONDS,
    WITHIN_DAYS,
)
from service.core.catalogue.quality_measures import DEFAULT_PATIENCE_US, MISROUTED_WITHIN_SECONDS, PATIENCE_US
from service.core.event import DAY_US, HOUR_US, KINDS_OF_INTERACTIONS, SECOND_US, Kind
from service.core.interval import Step
from service.core.levels import DEFAULT_INTERVAL_SECONDS

_KINDS = ", ".join(kind.name.lower() for kind in KINDS_OF_INTERACTIONS if kind is not Kind.RECORDED)
_SPANS = ", ".join(f"`{within}`" for within in WITHIN_DAYS)
_SHORT = f"{SHORT_ABANDON_SECONDS:g} s"


def _span(us: int) -> str:
    return f"{us // DAY_US} d" if us > DAY_US else f"{us // HOUR_US} h"


_PATIENCE = ", ".join(
    (
        f"{DEFAULT_PATIENCE_US // SECOND_US} s",
        *(f"{us // SECOND_US} s by {channel}" for channel, us in PATIENCE_US.items()),
    )
)
_EXPIRIES = ", ".join(f"{channel} {_span(us)}" for channel, us in EXPIRY_US.items())

RULES = f"""\
## How numbers come about

**Visits and interactions.** An *interaction* is one customer's matter, from arrival to its end, possibly reopened. In
it the customer may wait in several lines: a caller who is moved from sales to billing makes two *visits*, and each
line answers for its own. Queues are measured in visits, matters in interactions.

**The walk.** The events of an interaction are taken in the order of their own time; those of one moment in the order
{_KINDS}.
- `queued` opens a visit that waits. Who waits in another line is diverted from it; who waits in this one goes on.
- `answered` begins the service of the visit that waits. Where none waits and none is served, it opens a visit of
  unknown wait.
- `abandoned` and `diverted` end the wait. Where there was no visit yet, they open one of unknown wait.
- `completed` ends the service. Who still waits is answered and completed at that moment.
- `held` and `resumed` take time out of the service, into hold, up to its end.
- `reopened`, `transferred`, `escalated`, `corrected`, `recovered`, `informed` and `verified` count on the interaction.
- `recorded` stands for the events that it summarises, at the times that it gives or implies.
- An event for which there is no place is a *conflict*: stored, counted, and changing nothing else.

The walk sees a set of events, so neither their order of arrival, nor duplicates, nor how late they were can show.

**Arrival cohorts.** All that a visit counts for is booked to the minute of its own arrival, all that an interaction
counts for to the minute of its first event. So a call that came at 9:59 and was answered at 10:01 belongs to the hour
from 9, and what was offered in an interval is what became of those who arrived in it:

    {MEASURE_BY_NAME["offered"].formula}

| symbol | visits |
| --- | --- |
| O | offered: all whose site is known |
| A | answered: service began |
| B | abandoned: the customer gave up; Bs: of these, after {_SHORT} at most |
| F | diverted: to voicemail, a callback or another line, by a timeout or an exit |
| X | expired: still waiting, and the interaction silent for {_EXPIRIES}, else {_span(DEFAULT_EXPIRY_US)} |
| W | waiting: none of these |

`A<=T` and `B<=T` are those with a known wait of at most the threshold T, `B>T` and `B<=s` those who gave up after T,
and after s at most.

**Nothing is averaged twice.** Sums, counts and buckets are added up over minutes, queues and sites, and divided once.
A ratio whose denominator is 0 is null: no data is never 100 %. Ratios are 0 to 1, durations are seconds. A day
(`step={Step.DAY.value}`) is the local one of each site.

**Contacts.** A *contact* is an interaction whose customer is known. A customer's contacts about one topic form a
chain by arrival (no topic is a topic of its own), those in stores (channel `pos`) another one, whatever the topic. A
contact repeats if it arrives within {_SPANS} after the arrival of the one before it in its chain.

**Settled and provisional.** Whether a matter was resolved at the first contact is known for good N days after it was
closed by its latest `completed`: until then the customer may come back. Matters closed more than N days ago are
*settled*, younger ones *provisional*; the two are told apart and never blended. Both are of now: time moves a matter
from one to the other, in the interval in which it arrived.

**Promises, feedback, assessments.** Beside interactions these are gathered as stories of their own. A promise is booked
to the minute in which it is due, feedback and assessments to the one in which they came. Of several `promise.made` with
one id the earliest says what was promised, and of several answers the earliest counts. They are where their events say;
a promise or feedback that names no site is where the interaction is that it is about.

**Patience.** Customers wait without being told how things stand for {_PATIENCE}, unless their queue is registered with
a patience of its own. A *long span* is a wait that ended, or the time from arrival to the first completion as resolved,
that took longer.

**The business clock.** `wall` time is what a clock shows; `business` time counts opening hours only, by the site's
time zone, hours and holidays. A site of which no hours are known is always open.

**A live objective.** An objective judges one by one, by the terms in force on the local date of the arrival: what it
covers is an *event*, and a *breach* where the promise was not kept. For a ratio both are what its formula counts of
this one visit, interaction or contact; for a quantile a duration is an event, and a breach above T. Of the service
level who still waits at T is a breach at that moment, whatever becomes of the visit, and stops to be one only where a
late event shows that the wait ended in time. The share kept is 1 - breaches / events, and the budget is
(1 - target) * events.

**Live, backfilled, corrected.** The counters for Prometheus never go down: they take a contribution the first time
that it is made, if its events are recent. Older ones are *backfilled*, later changes are *corrections*, and live +
backfilled + up - down = what `/v1/kpis` adds up.

**Levels.** Whether a resource works and how many serve a queue are told by what they change to, and hold until the next
change. What is made of them is integrated over the interval that is asked about, up to now: of resources over the
opening hours of their site and from the first event on that tells of them, of those who serve over all time. A minute
belongs to the interval if it begins in it. A resource that ever sent a heartbeat is up only while one covers it, for
`interval_seconds` from its time on ({DEFAULT_INTERVAL_SECONDS:g} s unless told), and down from its first heartbeat on
wherever none does; an interval should be two or three times as long as the pause between two of them.

## Where a definition leaves room

- An answer, or an end of the wait, at exactly T is in time. One who gave up after exactly {_SHORT} is a short
  abandon. Without a threshold T is {DEFAULT_THRESHOLD_SECONDS:g} s.
- An answered visit of unknown wait counts in A, and never within T. One who gave up after an unknown wait counts in
  B, and neither within T nor later.
- In a live objective of the service level, a visit that was abandoned or diverted after T stays a breach, whatever
  its formula makes of those who leave earlier.
- A contact is not resolved at the first contact if the customer comes again about the topic: at any time after this
  one arrived, even while it is still open, and up to N days after it was closed; exactly N days is within.
- The latest `completed` that says whether the matter is resolved decides. Where none says so, the matter counts in
  neither `resolved` nor `unresolved`.
- A reopened matter counts as reopened once, and was not resolved at the first contact. The time to resolution ends
  with the first `completed` as resolved; reopening does not restart it.
- A visit in service without a `completed` of its own ends when a later visit of the interaction is answered; until
  then it has no handle time.
- `recovered` puts right the earliest error that is still open; one without an error changes nothing.
- A promise that is kept at its due time is in time. One that is withdrawn after its due time was not kept.
- Who is told how things stand at the first or the last moment of a long span was told in between.
- An answer to a complaint that is told to be earlier than the complaint took no time.
- The agent of a contact is the first who is told to have answered, else the first who is told at all. A visit that a
  colleague takes over, or an interaction with two agents named, was not handled by one.
- A `transferred` after exactly {MISROUTED_WITHIN_SECONDS} s of service is one in the wrong line; hold is no service.
- Of changes at one moment the last in the order of registered source, `source` and `id` is in force. Before any change
  a resource is up, and nobody serves.
- A heartbeat that names no kind is one of the resource of that name, whatever kind its changes tell, and of equipment
  where none does. One that names no resource is of the site, which is a resource by its own name.
- Resources are of a site and of none of its queues and channels; staffing is of a queue and of none of its channels.
  Who is served in a queue of which no staffing is told counts in `occupancy` too, so ask for the queues that tell it.
- Quantiles are interpolated within the buckets, as `histogram_quantile` of Prometheus does; one above the highest
  bound is that bound. Thresholds are held against exact durations.
"""
