"""Single posts, durable and measured, against pushes to Debian's prometheus-pushgateway, which keeps them in memory."""

from benchmarks.figures import Row, rate, ratio
from benchmarks.process import command, free_port, installed, postgres, service
from benchmarks.singles import CONNECTIONS, ROUNDS, drive, load

_SCRIPT = """
local count = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "text/plain; version=0.0.4"
request = function()
  local line = count % 8
  count = count + 1
  local labels = string.format('{site="bank",queue="q%d",channel="phone"}', line)
  local body = string.format('# TYPE queue_offered_total counter\\nqueue_offered_total%s %d\\n' ..
    '# TYPE queue_answered_total counter\\nqueue_answered_total%s %d\\n', labels, count, labels, count)
  return wrk.format(nil, "/metrics/job/acd/instance/q" .. line, nil, body)
end
"""


def run() -> list[Row]:
    """Rounds of both, in turn: an event to one, the two counters that it would move to the other."""
    ours, theirs = [], []
    program = installed("prometheus-pushgateway", "prometheus-pushgateway")
    port = free_port()
    start = [program, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    with postgres() as url, service(url) as running, command(start, port, "/-/ready"):
        for number in range(ROUNDS):
            theirs.append(load(port, _SCRIPT)[0])
            ours.append(drive(running.port, running.key, f"push-{number}")[0])
    return [
        rate(f"single posts, {CONNECTIONS} connections, posts/s", ours),
        rate("pushes to the Pushgateway, as many connections, pushes/s", theirs),
        ratio("ratio, median of rounds", "singles-by-pushgateway", ours, theirs),
    ]
