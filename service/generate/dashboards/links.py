"""Where values lead: to another dashboard with what is chosen here, or to Frontline itself."""

from service.generate.dashboards.board import UID
from service.generate.dashboards.panels import Link

_TIME = "${__url_time_range}"
_PLACE = "&".join(f"var-{name}=${{__data.fields.{name}}}" for name in ("site", "queue", "channel"))
_HERE = "${site:queryparam}&${channel:queryparam}"

SITE_OF_ROW = Link("Site ${__data.fields.site}", f"/d/{UID['site']}?var-site=${{__data.fields.site}}&{_TIME}")
SITE_OF_SERIES = Link("Site ${__field.labels.site}", f"/d/{UID['site']}?var-site=${{__field.labels.site}}&{_TIME}")
QUEUE_OF_ROW = Link("This queue", f"/d/{UID['site']}?{_PLACE}&{_TIME}")
OBJECTIVES_OF_SITE = Link(
    "Objectives of ${__data.fields.site}", f"/d/{UID['objectives']}?var-site=${{__data.fields.site}}&{_TIME}"
)
OBJECTIVE_OF_ROW = Link(
    "${__data.fields.objective}", f"/d/{UID['objectives']}?var-objective=${{__data.fields.objective}}&{_HERE}&{_TIME}"
)
OBJECTIVES_OF_PLACE = Link("Objectives here", f"/d/{UID['objectives']}?{_HERE}&{_TIME}")
OBJECTIVES_OF_ROW = Link("Objectives here", f"/d/{UID['objectives']}?{_PLACE}&{_TIME}")
OBJECTIVES = Link(
    "Objectives", f"/d/{UID['objectives']}?${{site:queryparam}}&${{queue:queryparam}}&${{channel:queryparam}}&{_TIME}"
)
RELIABILITY = Link(
    "Reliability", f"/d/{UID['reliability']}?${{site:queryparam}}&${{queue:queryparam}}&${{channel:queryparam}}&{_TIME}"
)
PIPELINE = Link("Pipeline", f"/d/{UID['pipeline']}?{_TIME}")
BREACHES = Link(
    "The interactions that were breaches",
    "${frontline_url}/v1/objectives/${__data.fields.objective}/breaches?site=${__data.fields.site}"
    "&queue=${__data.fields.queue}&channel=${__data.fields.channel}&since=${__from:date:iso}&until=${__to:date:iso}",
    is_elsewhere=True,
)
STANDING = Link(
    "How the objective stands, exactly",
    "${frontline_url}/v1/objectives?site=${__data.fields.site}&queue=${__data.fields.queue}"
    "&channel=${__data.fields.channel}",
    is_elsewhere=True,
)
QUALITY = Link("The index, exactly, with its parts", "${frontline_url}/v1/quality", is_elsewhere=True)
RUNBOOK = Link("What to do", "${frontline_url}/runbooks/FrontlineBudgetBurning", is_elsewhere=True)
RESIDUAL_RUNBOOK = Link("What to do", "${frontline_url}/runbooks/FrontlineResidual", is_elsewhere=True)
SILENCE_RUNBOOK = Link("What to do", "${frontline_url}/runbooks/FrontlineSourceSilent", is_elsewhere=True)
