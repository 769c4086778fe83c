"""One case per rule: what a task, a trigger or an input becomes."""

from __future__ import annotations

import pytest

from tests.migrate.helpers import TASKS, after, hint, migrated, rules, task

CORE = "io.kestra.plugin.core."
HTTP = f"type: {CORE}http.Request\nuri: https://example.org"

TASK_CASES = {
    # name: (rules, before, after)
    "TYPE-A": ("TYPE-A", "type: io.kestra.core.tasks.log.Log  # old", f"type: {CORE}log.Log  # old"),
    "TYPE-A quoted": ("TYPE-A", "type: 'io.kestra.core.tasks.log.Log'", f"type: '{CORE}log.Log'"),
    "TYPE-B": ("TYPE-B", f"type: {CORE}storage.Purge", f"type: {CORE}execution.PurgeExecutions"),
    "TYPE-C": ("TYPE-C", "type: io.kestra.plugin.serdes.csv.CsvReader", "type: io.kestra.plugin.serdes.csv.CsvToIon"),
    "TYPE-C writer": ("TYPE-C", "type: io.kestra.plugin.serdes.json.JsonWriter", "type: io.kestra.plugin.serdes.json.IonToJson"),
    "TYPE-E": ("TYPE-E", "type: io.kestra.plugin.notifications.mail.MailSend", "type: io.kestra.plugin.email.MailSend"),
    "TYPE-E prefix": ("TYPE-E", "type: io.kestra.plugin.langchain4j.Classification", "type: io.kestra.plugin.ai.Classification"),
    "TYPE-F": ("TYPE-F", f"type: {CORE}debug.Echo\nformat: hi  # there\nlevel: WARN", f"type: {CORE}log.Log\nmessage: hi  # there\nlevel: WARN"),
    "two steps": (
        "TYPE-A TYPE-F", "type: io.kestra.core.tasks.debugs.Echo\nformat: hi", f"type: {CORE}log.Log\nmessage: hi",
    ),
    "TYPE-G": (
        "TYPE-G",
        f"type: {CORE}flow.Template\nnamespace: company\ntemplateId: shared\nargs:\n  a: b",
        f"type: {CORE}flow.Subflow\nnamespace: company\nflowId: shared\ninputs:\n  a: b",
    ),
    "dbt": (
        "TYPE-E",
        "type: io.kestra.plugin.dbt.cli.Build\ndbtPath: dbt\ndockerOptions:\n  image: x:1",
        "type: io.kestra.plugin.dbt.cli.DbtCLI\ncommands:\n  - dbt build\ncontainerImage: x:1",
    ),
    "TASK-01": (
        "TASK-01",
        f"type: {CORE}log.Log\nretry: {{type: constant, maxAttempt: 3, interval: PT1S}}",
        f"type: {CORE}log.Log\nretry: {{type: constant, maxAttempts: 3, interval: PT1S}}",
    ),
    "TASK-02": ("TASK-02", f"type: {CORE}flow.Pause\ndelay: PT1S", f"type: {CORE}flow.Pause\npauseDuration: PT1S"),
    "TASK-08": ("TASK-08", f"type: {CORE}execution.Exit\nstate: CANCELED", f"type: {CORE}execution.Exit\nstate: CANCELLED"),
    "TASK-10": (
        "TASK-10",
        f"type: {CORE}kv.PurgeKV\nexpiredOnly: true # mine\nnamespaces: [a]",
        f"type: {CORE}kv.PurgeKV\nbehavior:\n  type: key\n  expiredOnly: true # mine\nnamespaces: [a]",
    ),
    "TASK-11 new options": ("TASK-11", f"{HTTP}\nallowFailed: true", f"{HTTP}\noptions:\n  allowFailed: true"),
    "TASK-11 options": (
        "TASK-11",
        f"{HTTP}\nallowFailed: true\noptions:\n  followRedirects: false",
        f"{HTTP}\noptions:\n  followRedirects: false\n  allowFailed: true",
    ),
    "TASK-12": (
        "TASK-12",
        f"{HTTP}\nsslOptions:\n  insecureTrustAllCertificates: true",
        f"{HTTP}\noptions:\n  ssl:\n    insecureTrustAllCertificates: true",
    ),
    "TASK-13": (
        "TASK-13",
        f"{HTTP}\noptions:\n  basicAuthUser: me\n  basicAuthPassword: \"{{{{ secret('P') }}}}\"",
        f"{HTTP}\noptions:\n  auth:\n    type: BASIC\n    username: me\n    password: \"{{{{ secret('P') }}}}\"",
    ),
    "TASK-14 is D5": (
        "TASK-14",
        f"{HTTP}\noptions:\n  connectTimeout: PT1S\n  # slow\n  readTimeout: PT1M",
        f"{HTTP}\noptions:\n  timeout:\n    connectTimeout: PT1S\n    readIdleTimeout: PT1M\n  # slow",
    ),
    "TASK-14 braces": (
        "TASK-14",
        f"{HTTP}\noptions: {{connectTimeout: PT1S, followRedirects: true}}",
        f"{HTTP}\noptions: {{timeout: {{connectTimeout: PT1S}}, followRedirects: true}}",
    ),
    "TASK-15": (
        "TASK-15",
        f"{HTTP}\noptions:\n  proxyAddress: p\n  proxyPort: 80",
        f"{HTTP}\noptions:\n  proxy:\n    address: p\n    port: 80",
    ),
    "TASK-16": ("TASK-16", f"{HTTP}\noptions:\n  logLevel: DEBUG", f"{HTTP}\noptions:\n  logs: [REQUEST_HEADERS, RESPONSE_HEADERS]"),
    "TASK-16 nothing": ("TASK-16", f"{HTTP}\noptions:\n  logLevel: ERROR\nmethod: GET", f"{HTTP}\nmethod: GET"),
    "TASK-17": (
        "TASK-17",
        f"{HTTP}\noptions:\n  maxContentLength: 10\n  followRedirects: true",
        f"{HTTP}\noptions:\n  followRedirects: true",
    ),
    "TASK-18": (
        "TASK-18",
        "type: io.kestra.plugin.fs.local.Delete\nfrom: /x",
        "type: io.kestra.plugin.fs.local.Delete\nrecursive: true\nfrom: /x",
    ),
    "TASK-21": (
        "TASK-21",
        "type: io.kestra.plugin.jdbc.postgresql.Query\nautocommit: true\nsql: SELECT 1",
        "type: io.kestra.plugin.jdbc.postgresql.Query\nsql: SELECT 1",
    ),
    "TASK-23": (
        "TASK-23",
        "type: io.kestra.plugin.mqtt.Publish\nversion: V5",
        "type: io.kestra.plugin.mqtt.Publish\nmqttVersion: V5",
    ),
    "TASK-25": (
        "TASK-25",
        "type: io.kestra.plugin.jdbc.mysql.Query\nstore: true",
        "type: io.kestra.plugin.jdbc.mysql.Query\nfetchType: STORE",
    ),
    "SCR-01": (
        "SCR-01",
        "type: io.kestra.plugin.scripts.shell.Commands\nrunner: PROCESS\ncommands: [ls]",
        f"type: io.kestra.plugin.scripts.shell.Commands\ntaskRunner:\n  type: {CORE}runner.Process\ncommands: [ls]",
    ),
    "SCR-01 with a task runner": (
        "SCR-01",
        f"type: io.kestra.plugin.scripts.shell.Commands\nrunner: PROCESS\ntaskRunner: {{type: {CORE}runner.Process}}",
        f"type: io.kestra.plugin.scripts.shell.Commands\ntaskRunner: {{type: {CORE}runner.Process}}",
    ),
    "SCR-02": (
        "SCR-02",
        "type: io.kestra.plugin.scripts.shell.Commands\nrunner: DOCKER\ncommands: [ls]",
        "type: io.kestra.plugin.scripts.shell.Commands\ncommands: [ls]",
    ),
    "SCR-03": (
        "SCR-03",
        "type: io.kestra.plugin.scripts.python.Script\ndocker:\n  image: python:3  # pinned\n  dockerHost: tcp://x\nscript: |\n  print(1)",
        "type: io.kestra.plugin.scripts.python.Script\ncontainerImage: python:3  # pinned\ntaskRunner:\n"
        "  type: io.kestra.plugin.scripts.runner.docker.Docker\n  host: tcp://x\nscript: |\n  print(1)",
    ),
    "SCR-04": (
        "SCR-02 SCR-04",
        'type: io.kestra.plugin.scripts.shell.Commands\nrunner: DOCKER\ncommands: ["ls {{ outputDir }}"]',
        'type: io.kestra.plugin.scripts.shell.Commands\noutputDirectory: true\ncommands: ["ls {{ outputDir }}"]',
    ),
    "SCR-05": (
        "SCR-05",
        "type: io.kestra.plugin.scripts.shell.Commands\nwarningOnStdErr: false\ncommands: [ls]",
        "type: io.kestra.plugin.scripts.shell.Commands\ncommands: [ls]",
    ),
    "FLOW-06": (
        "FLOW-06",
        f"type: {CORE}log.Log\nworkerGroup:\n  key: gpu\nmessage: hi",
        f"type: {CORE}log.Log\nworkerSelector:\n  tags:\n    - gpu\n  fallback: WAIT\nmessage: hi",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TASK_CASES)
def test_task(name: str) -> None:
    expected, before, wanted = TASK_CASES[name]
    assert after(task(before)) == task(wanted)
    assert sorted(rules(task(before), rewritten=True)) == sorted(expected.split())
    assert rules(task(before), rewritten=False) == []


OPEN_CASES = {
    "TYPE-D": (f"type: {CORE}log.Fetch", "kestra.logs.Fetch"),
    "TYPE-E": ("type: io.kestra.plugin.notifications.teams.TeamsExecution", "plugins of their own"),
    "TASK-04": (
        f"type: {CORE}flow.Subflow\nnamespace: a\nflowId: b\noutputs:\n  x: y",
        "`outputs` of the called flow",
    ),
    "TASK-16": (f'{HTTP}\noptions:\n  logLevel: "{{{{ inputs.level }}}}"', "plain word"),
    "TASK-20": ("type: io.kestra.plugin.jdbc.sqlite.Query\nsql: SELECT 1; SELECT 2", "Queries task"),
    "SCR-01": ('type: io.kestra.plugin.scripts.shell.Commands\nrunner: "{{ inputs.r }}"', "plain word"),
    "FLOW-06": (f'type: {CORE}log.Log\nworkerGroup: {{key: "GPU big"}}', "no valid tag"),
    "AUTH-01": ("type: io.kestra.plugin.git.SyncFlow", "give it `auth`"),
    "AUTH-02": ("type: io.kestra.plugin.kestra.flows.List", "give it `auth`"),
}


@pytest.mark.parametrize("rule_id", OPEN_CASES)
def test_left_to_a_person(rule_id: str) -> None:
    text, expected = OPEN_CASES[rule_id]
    body = task(text)
    # `runner: "{{ x }}"` is no PROCESS: reported below the rule of ignored runners.
    wanted = "SCR-02" if rule_id == "SCR-01" else rule_id
    assert expected in hint(body, wanted)
    assert after(body) == body


UNTOUCHED = {
    "runIf stays (D8)": f"type: {CORE}log.Log\nrunIf: \"{{{{ true }}}}\"\nmessage: hi",
    "one statement with a semicolon in a text": "type: io.kestra.plugin.jdbc.sqlite.Query\nsql: SELECT ';' -- ; none\n",
    "options of another plugin": "type: io.kestra.plugin.x.Y\noptions:\n  connectTimeout: PT1S",
    "docker of another plugin": "type: io.kestra.plugin.docker.Run\ndocker:\n  image: x",
    "a state of another task": f"type: {CORE}execution.Count2\nstate: CANCELED",
    "text that looks like an expression": f"type: {CORE}log.Log\nmessage: json(x) | json",
    "comments, verbatim, raw": f"type: {CORE}log.Log\nmessage: |\n  {{# json(x) #}}{{% verbatim %}}{{{{ json(x) }}}}{{% endverbatim %}}\n"
    "  {% raw %}{{ a ?? b ~ json(c) }}{% endraw %}",
    "a test, a method, a variable named json": f"type: {CORE}log.Log\nmessage: \"{{{{ x is json }}}} {{{{ y.json(1) }}}} {{{{ json }}}}\"",
    "a text in an expression": f"type: {CORE}log.Log\nmessage: \"{{{{ x | jq('. | json(1)') }}}}\"",
    "a description": f"type: {CORE}log.Log\ndescription: \"{{{{ json(x) }}}}\"\nmessage: hi",
}  # fmt: skip


@pytest.mark.parametrize("name", UNTOUCHED)
def test_untouched(name: str) -> None:
    body = task(UNTOUCHED[name])
    assert after(body) == body
    assert migrated(body).to_do is False


INPUT_CASES = {
    "INP-01": ("- name: a\n    type: STRING", "- id: a\n    type: STRING"),
    "INP-02": ("- id: a\n    type: BOOLEAN", "- id: a\n    type: BOOL"),
    "INP-02 in a list": (
        "- id: a\n    type: ARRAY\n    itemType: BOOLEAN",
        "- id: a\n    type: ARRAY\n    itemType: BOOL",
    ),
    "INP-03": ("- {id: a, type: ENUM, values: [x]}", "- {id: a, type: SELECT, values: [x]}"),
    "INP-04": (
        "- id: a\n    type: MULTISELECT\n    options: [x]",
        "- id: a\n    type: MULTISELECT\n    values: [x]",
    ),
    "INP-05": ("- id: a\n    type: FILE\n    extension: .csv", "- id: a\n    type: FILE"),
    "INP-06": (
        "- id: a\n    required: false\n    type: INT\n    defaults: 1",
        "- id: a\n    type: INT\n    defaults: 1",
    ),
    "INP-06 first": (
        "- required: false\n    id: a\n    type: INT\n    defaults: 1",
        "- id: a\n    type: INT\n    defaults: 1",
    ),
}


@pytest.mark.parametrize("name", INPUT_CASES)
def test_input(name: str) -> None:
    before, wanted = INPUT_CASES[name]
    assert after(f"inputs:\n  {before}\n{TASKS}") == f"inputs:\n  {wanted}\n{TASKS}"
    assert rules(f"inputs:\n  {before}\n{TASKS}", rewritten=True) == [name.split()[0]]


def test_inputs_of_a_pause_and_of_a_form() -> None:
    body = task(f"type: {CORE}flow.Pause\nonResume:\n  - id: ok\n    type: BOOLEAN")
    assert "type: BOOL\n" in after(body)
    form = f"inputs:\n  - id: f\n    type: FORM\n    inputs:\n      - id: x\n        type: ENUM\n        values: [a]\n{TASKS}"
    assert "type: SELECT" in after(form)


def test_inputs_that_a_person_has_to_decide() -> None:
    both = f"inputs:\n  - id: a\n    type: STRING\n    defaults: x\n    prefill: y\n{TASKS}"
    assert rules(both, rewritten=False) == ["INP-07"]
    early = f'inputs:\n  - id: a\n    type: STRING\n    defaults: "{{{{ execution.id }}}}"\n{TASKS}'
    assert rules(early, rewritten=False) == ["INP-08"]


def test_flow_outputs() -> None:
    body = f"{TASKS}outputs:\n  - id: o\n    type: BOOLEAN\n    value: true\n"
    assert after(body) == body.replace("BOOLEAN", "BOOL")
    assert rules(body, rewritten=True) == ["FLOW-09"]


TRIGGER = f"triggers:\n  - id: t\n    type: {CORE}trigger.Schedule\n    cron: '0 * * * *'\n"


def test_missing_inputs_of_a_schedule() -> None:
    body = (
        f"inputs:\n  - id: a\n    type: STRING\n  - id: b\n    type: INT\n    defaults: 1\n{TASKS}{TRIGGER}"
    )
    (finding,) = migrated(body).open
    assert finding.message == "Missing inputs for Schedule Trigger 't', missing inputs: 'a'"
    optional = body.replace("id: a\n    type: STRING", "id: a\n    type: STRING\n    required: false")
    assert "although the input is not required" in hint(optional, "INP-09")
    given = body + "    inputs:\n      a: x\n"
    assert migrated(given).findings == ()


def test_trigger_inputs_as_a_map() -> None:
    body = f"{TASKS}{TRIGGER}    inputs:\n      - name: a\n        value: 'x y'\n"
    assert after(body) == f"{TASKS}{TRIGGER}    inputs:\n      a: 'x y'\n"


def test_trigger_properties() -> None:
    body = f"{TASKS}{TRIGGER}    backfill:\n      start: 2024-01-01T00:00:00Z\n    minLogLevel: INFO\n"
    assert after(body) == f"{TASKS}{TRIGGER}    logLevel: INFO\n"


def test_spelling_of_states() -> None:
    body = f"{TASKS}triggers:\n  - id: t\n    type: {CORE}trigger.Flow\n    states: [FAILED, CANCELED]\n"
    assert "states: [FAILED, CANCELLED]" in after(body)


def test_pause_tasks_move_behind_it() -> None:
    body = """\
    tasks:
      - id: wait
        type: io.kestra.plugin.core.flow.Pause
        tasks:
          # later
          - id: then
            type: io.kestra.plugin.core.log.Log
            message: |
              two
                lines
      - id: last
        type: io.kestra.plugin.core.log.Log
        message: x
    """
    assert after(body) == (
        "tasks:\n"
        "  - id: wait\n"
        "    type: io.kestra.plugin.core.flow.Pause\n"
        "  - id: then\n"
        "    type: io.kestra.plugin.core.log.Log\n"
        "    message: |\n"
        "      two\n"
        "        lines\n"
        "  - id: last\n"
        "    type: io.kestra.plugin.core.log.Log\n"
        "    message: x\n"
    ).replace("  - id: then", "  # later\n  - id: then")


def test_pause_in_a_parallel_stays() -> None:
    inner = f"type: {CORE}flow.Parallel\ntasks:\n  - id: p\n    type: {CORE}flow.Pause\n    tasks:\n      - id: c\n        type: {CORE}log.Log\n        message: x"
    assert "does not wait" in hint(task(inner), "TASK-03")


def test_flow_keys() -> None:
    body = f"listeners:\n  - tasks:\n      - id: l\n        type: {CORE}log.Log\n        message: x\nquotas: []\n{TASKS}"
    assert rules(body, rewritten=False) == ["FLOW-04", "FLOW-11"]
    assert rules(f"checks:\n  - condition: true\n    message: m\n{TASKS}", rewritten=True) == ["FLOW-05"]
    assert rules(f"# [[> shared.yml]]\n{TASKS}", rewritten=False) == ["FLOW-07"]


def test_dashboards() -> None:
    body = "title: x\ncharts:\n  - id: m\n    type: io.kestra.plugin.core.dashboard.chart.Markdown\n    content: hi\n"
    assert "    source: hi\n" in after(body)


def test_state_store() -> None:
    body = (
        f"tasks:\n  - id: get\n    type: {CORE}state.Get\n    name: cursor\n"
        f'  - id: set\n    type: {CORE}state.Set\n    data:\n      n: "{{{{ outputs.get.data.n ?? 0 }}}} {{{{ outputs.get.count }}}}"\n'
    )
    assert after(body) == (
        f"tasks:\n  - id: get\n    type: {CORE}kv.Get\n    key: demo_states_tasks-states_cursor\n"
        f"  - id: set\n    type: {CORE}kv.Put\n    key: demo_states_tasks-states_default\n    value:\n"
        '      n: "{{ outputs.get.value.n ?? 0 }} {{ (outputs.get.value | length) }}"\n'
    )
    stayed = migrated(body, stay_v1=True)
    assert "kv.Set" in stayed.after
    assert "STATE-02" in [finding.rule.id for finding in stayed.open]


def test_stay_1_compatible_reports_what_1_does_not_know() -> None:
    body = task(f"type: {CORE}execution.Exit\nstate: CANCELED\nretry: {{maxAttempt: 1}}")
    stayed = migrated(body, stay_v1=True)
    assert "maxAttempts: 1" in stayed.after and "state: CANCELED\n" in stayed.after
    (finding,) = stayed.open
    assert finding.rule.id == "TASK-08" and "without --stay-1-compatible" in finding.hint


def test_keys_of_labels() -> None:
    body = f"labels:\n  Team: a\n  team-2: b\n  a b: c\n{TASKS}"
    assert rules(body, rewritten=False) == ["FLOW-13", "FLOW-13"]
    assert rules(
        f"labels:\n  - key: 1st\n    value: x\n  - key: été.x\n    value: y\n{TASKS}", rewritten=False
    ) == ["FLOW-13"]
