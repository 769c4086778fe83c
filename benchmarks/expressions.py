"""Speed of expressions: `python -m benchmarks.expressions`. Prints one line per figure, goals beside them.

Also measures what the README of the room argues with: the time that Jinja2's code generator takes for a template.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable

from simulator.dialect import V2
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Scope

SCOPE = Scope(
    variables={
        "outputs": {"fetch": {"uri": "kestra:///company/team/executions/1/tasks/fetch/a.ion", "size": 12}},
        "inputs": {"name": "Ada", "items": list(range(100))},
        "execution": {"id": "2abc", "startDate": "2024-02-29T07:08:09.123Z"},
    }
)
WARM = {
    "{{ outputs.fetch.uri }}": 100_000,
    "s3://bucket/{{ inputs.name }}/{{ execution.id }}.csv": None,
    "{{ inputs.missing ?? 'none' }}": None,
    "{{ inputs.name | upper }}": None,
    "{{ outputs.fetch.size + 1 > 10 ? 'big' : 'small' }}": None,
    "{% for i in inputs.items %}{{ i }},{% endfor %}": None,
    "{{ execution.startDate | date('yyyy-MM-dd') }}": None,
    "plain text": None,
}
FIRST = (
    "{{{{ outputs.fetch.uri ~ '{}' }}}}",
    "s3://bucket/{}/{{{{ inputs.name }}}}/{{{{ execution.id }}}}.csv",
    "{{{{ inputs.missing ?? 'none{}' | upper }}}}",
    "{{% if inputs.name == '{}' %}}a{{% else %}}{{{{ outputs.fetch.size + 1 }}}}{{% endif %}}",
)


def per_second(call: Callable[[], object]) -> float:
    """Calls in a second: the best of five rounds."""
    count, best = 1, 0.0
    while True:
        began = time.perf_counter()
        for _ in range(count):
            call()
        taken = time.perf_counter() - began
        if taken > 0.05:
            break
        count *= 2
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(count):
            call()
        best = max(best, count / (time.perf_counter() - began))
    return best


def first_render(count: int = 2000) -> list[float]:
    """Milliseconds of the first render of templates never seen before."""
    renderer, taken = Renderer(V2), []
    for number in range(count):
        template = FIRST[number % len(FIRST)].format(number)
        began = time.perf_counter()
        renderer.render(template, SCOPE)
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def jinja_first_render(count: int = 200) -> list[float]:
    """The same for Jinja2 with a comparable template."""
    import jinja2

    environment, taken = jinja2.Environment(), []
    for number in range(count):
        template = f"s3://bucket/{number}/{{{{ inputs.name }}}}/{{{{ execution.id }}}}.csv"
        began = time.perf_counter()
        environment.from_string(template).render(**SCOPE.variables)
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def memory_of_many(count: int = 50_000) -> float:
    """Growth of the process in MB over `count` different templates, after the cache is full."""
    renderer = Renderer(V2)
    for number in range(5000):
        renderer.render(f"{{{{ inputs.name ~ 'warm{number}' }}}}", SCOPE)
    before = _peak()
    for number in range(count):
        renderer.render(f"{{{{ inputs.name ~ '{number}' }}}}", SCOPE)
    return _peak() - before


def _peak() -> float:
    factor = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / factor


def main() -> None:
    renderer = Renderer(V2)
    for template, goal in WARM.items():
        rate = per_second(lambda template=template: renderer.render(template, SCOPE))  # type: ignore[misc]
        print(f"{rate:12,.0f}/s  {template}{f'   (goal {goal:,}/s)' if goal else ''}")
    taken = first_render()
    print(
        f"{statistics.median(taken):12.3f} ms first render, median (goal 0.6 ms); p99 {sorted(taken)[-20]:.3f} ms"
    )
    print(f"{memory_of_many():12.1f} MB growth over 50,000 different templates (goal: constant)")
    print(f"{statistics.median(jinja_first_render()):12.3f} ms first render by Jinja2's own compiler, median")


if __name__ == "__main__":
    main()
