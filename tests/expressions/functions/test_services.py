"""secret, kv, files, logs and http through their scope services. Source: expressions.md 14.1-14.3, secrets.md 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from simulator.errors import ExpressionError, NetworkRefusedError, StorageError
from tests.expressions.filters.harness import BOTH, fails, render

FLOW = {"flow": {"id": "My flow", "namespace": "a.b"}, "execution": {"id": "x1"}}


class Secrets:
    def find(self, key: str, namespace: str | None) -> str:
        values = {
            "PLAIN": "geheim",
            "JSON": '{"s": "v", "n": 42, "f": 1.0, "o": {"k": null}, "l": [1]}',
            "LIST": "[1]",
        }
        if key.upper() not in values:
            raise ExpressionError(f"Cannot find secret for key '{key}'.")
        return values[key.upper()]


class Kv:
    stores = {"a": {"up": 1}, "a.b": {"here": {"k": [1]}}, "other": {"there": "x"}}

    def get(self, namespace: str, key: str) -> Any | None:
        if key == "old":
            raise StorageError("The requested value has expired")
        return self.stores.get(namespace, {}).get(key)


class Files:
    """Answers with what it was asked for."""

    def read(self, uri: str, *, namespace: str | None = None, version: int | None = None) -> bytes:
        if uri == "binary":
            return b"\xe0\x01\x00\xea"
        if "missing" in uri:
            raise StorageError(f"{uri} (File not found)")
        if uri.startswith("file://"):
            raise StorageError(f"The path {uri} is not authorized. Path must be allowed")
        return f"{uri}|{namespace}|{version}".encode()

    def exists(self, uri: str, *, namespace: str | None = None) -> bool:
        return "missing" not in uri

    def size(self, uri: str, *, namespace: str | None = None) -> int:
        return 0 if "empty" in uri else len(self.read(uri, namespace=namespace))

    def namespace_file_uri(self, path: str, namespace: str, version: int | None = None) -> str:
        if version == 9:
            raise StorageError("no such revision")
        return f"kestra:///{namespace.replace('.', '/')}/_files/{path}.v2"


class Http:
    def __init__(self, status: int = 200, kind: str = "application/json", body: bytes = b'{"a": 1}') -> None:
        self.answer = (status, {"Content-Type": kind}, body)
        self.seen: dict[str, Any] = {}

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeout: float | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        if "refused" in url:
            raise NetworkRefusedError("not this machine")
        self.seen = {"method": method, "url": url, "headers": dict(headers), "body": body, "timeout": timeout}
        return self.answer


def secret(template: str, dialect: str = "2") -> str | None:
    return render(template, dialect, variables=FLOW, secrets=Secrets())


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ secret('plain') }}", "geheim"),
        ("{{ secret('JSON', subkey='s') }}", "v"),
        ("{{ secret('JSON', subkey='n') }} {{ secret('JSON', subkey='f') }}", "42 1.0"),
        ("{{ secret('JSON', subkey='o') }} {{ secret('JSON', subkey='l') }}", '{"k":null} [1]'),
        ("{{ secret('PLAIN', subkey='') }}", "geheim"),
    ],
)
def test_secret(template: str, expected: str, dialect: str) -> None:
    assert secret(template, dialect) == expected


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ secret() }}", "The 'secret' function expects an argument 'key'."),
        ("{{ secret('no') }}", "Cannot find secret for key 'no'. ({{ secret('no') }}:1)"),
        ("{{ secret('JSON', subkey='zz') }}", "Cannot find secret sub-key 'zz' in secret 'JSON'."),
        ("{{ secret('LIST', subkey='zz') }}", "Cannot find secret sub-key 'zz' in secret 'LIST'."),
        ("{{ secret('PLAIN', subkey='zz') }}", "Failed to read secret sub-key 'zz' from secret 'PLAIN'."),
        ("{{ secret('JSON', subkey='s', full=true) }}", "cannot be called with both 'subkey' and 'full'"),
        ("{{ secret(1) }}", "ClassCastException"),
        ("{{ secret(null) }}", "NullPointerException"),
    ],
)
def test_secret_errors(template: str, message: str) -> None:
    error = fails(template, variables=FLOW, secrets=Secrets())
    assert message in error.message
    chain: BaseException | None = error
    while chain is not None:
        assert "geheim" not in str(chain)
        chain = chain.__cause__


def test_full_is_of_2_only() -> None:
    assert secret("{{ secret('PLAIN', full=true).value }}") == "geheim"
    assert (
        "The following named argument does not exist: full"
        in fails("{{ secret('PLAIN', full=true) }}", "1", variables=FLOW, secrets=Secrets()).message
    )


@pytest.mark.parametrize("dialect", BOTH)
def test_kv_goes_up_the_namespaces(dialect: str) -> None:
    template = "{{ kv('here') }} {{ kv('up') }} {{ kv('there', namespace='other') }} {{ kv('no', errorOnMissing=false) }}"
    assert render(template, dialect, variables=FLOW, kv=Kv()) == '{"k":[1]} 1 x '


def test_kv_errors() -> None:
    assert (
        "The key 'no' does not exist in the namespace 'a.b'."
        in fails("{{ kv('no') }}", variables=FLOW, kv=Kv()).message
    )
    # A namespace that is named is not searched upwards.
    assert (
        "does not exist in the namespace 'a.b'"
        in fails("{{ kv('up', namespace='a.b') }}", variables=FLOW, kv=Kv()).message
    )
    assert "The requested value has expired" in fails("{{ kv('old') }}", variables=FLOW, kv=Kv()).message
    quiet = "{{ kv('old', errorOnMissing=false) }}"
    assert not render(quiet, "2", variables=FLOW, kv=Kv())
    assert "The requested value has expired" in fails(quiet, "1", variables=FLOW, kv=Kv()).message


def files(template: str, dialect: str = "2", **extra: Any) -> str | None:
    return render(template, dialect, variables={**FLOW, **extra}, files=Files())


def files_fail(template: str, dialect: str = "2", **extra: Any) -> ExpressionError:
    return fails(template, dialect, variables={**FLOW, **extra}, files=Files())


def test_paths_of_namespace_files() -> None:
    assert files("{{ read('x.txt') }}") == "x.txt|a.b|None"
    assert files("{{ read('/x.txt') }}", "2") == "x.txt|a.b|None"
    assert files("{{ read('/x.txt') }}", "1") == "/x.txt|a.b|None"
    assert files("{{ read('x.txt', namespace='o') }} {{ read('x', 'o', 3) }}") == "x.txt|o|None x|o|3"
    assert (
        files("{{ read('nsfile:///d/x%20y') }} {{ read('nsfile://o.p/x') }}") == "d/x y|a.b|None x|o.p|None"
    )
    assert (
        files("{{ fileSize('empty') }} {{ isFileEmpty('empty') }} {{ fileExists('missing') }}")
        == "0 true false"
    )


@pytest.mark.parametrize("dialect", BOTH)
def test_storage_that_may_be_read(dialect: str) -> None:
    own = "kestra:///a/b/my-flow/executions/x1/tasks/t/r/f.ion"
    assert files(f"{{{{ read('{own}') }}}}", dialect) == f"{own}|None|None"
    assert files("{{ read('kestra:///a/b/_files/f') }}", dialect) == "kestra:///a/b/_files/f|None|None"
    other = "kestra:///z/flow/executions/x2/tasks/t/r/f.ion"
    assert files(f"{{{{ read('{other}') }}}}", dialect) == f"{other}|None|None"
    trigger = {"namespace": "z", "flowId": "flow", "executionId": "x2"}
    assert files(f"{{{{ read('{other}') }}}}", dialect, trigger=trigger) == f"{other}|None|None"


def test_storage_that_may_not_be_read() -> None:
    message = "Unable to read the file 'kestra:///z/f' as it is not an execution file"
    assert message in files_fail("{{ read('kestra:///z/f') }}").message
    other = "kestra:///z/flow/executions/x3/tasks/t/r/f.ion"
    trigger = {"namespace": "z", "flowId": "flow", "executionId": "x2"}
    error = files_fail(f"{{{{ read('{other}') }}}}", "1", trigger=trigger)
    assert error.message == f"Unable to read the file '{other}' as it didn't belong to the parent execution"
    assert error.java_type == "IllegalArgumentException"


def test_file_errors() -> None:
    assert (
        "an argument 'path' that is a path to a namespace file or an internal"
        in files_fail("{{ read() }}").message
    )
    assert "that is a path to the internal storage URI." in files_fail("{{ fileSize() }}").message
    assert (
        "Cannot process the URI s3://b/k: scheme not supported."
        in files_fail("{{ read('s3://b/k') }}").message
    )
    assert files_fail("{{ read('s3://b/k') }}", "1").java_type == "IllegalArgumentException"
    assert files_fail("{{ read('file:///etc/x') }}", "1").java_type == "SecurityException"
    assert files_fail("{{ read('file:///etc/x') }}").cause_type == "SecurityException"
    assert "missing (File not found)" in files_fail("{{ read('missing') }}").message
    assert "not using relative '..' path." in files_fail("{{ read('../x') }}").message
    assert (
        "You cannot set a namespace both" in files_fail("{{ read('nsfile://o/x', namespace='p') }}").message
    )
    assert "The 'read' function needs a storage" in fails("{{ read('x') }}", variables=FLOW).message


def test_binary_rows_stay_bytes_in_2() -> None:
    assert files("{{ read('binary') | className }}", "2") == "[B"
    assert files("{{ read('binary') | className }}", "1") == "java.lang.String"


def test_file_uri() -> None:
    assert files("{{ fileURI('/d/x') }}", "1") == "kestra:///a/b/_files/d/x"
    assert files("{{ fileURI('/d/x') }}", "2") == "kestra:///a/b/_files/d/x.v2"
    assert files("{{ fileURI('kestra:///q') }}", "2") == "kestra:///q"
    assert "Path must not contain '../'" in files_fail("{{ fileURI('../x') }}").message
    assert (
        "Revision 9 of file 'x' was not found in namespace 'a.b'."
        in files_fail("{{ fileURI('x', revision=9) }}").message
    )


def test_error_logs() -> None:
    class Logs:
        def error_logs(self) -> list[dict[str, str]]:
            return [{"level": "ERROR", "message": "m"}]

    assert render("{{ errorLogs() | first }}", logs=Logs()) == '{"level":"ERROR","message":"m"}'


def test_http_request_and_answer() -> None:
    http = Http()
    template = (
        "{{ http('http://localhost/p', 'POST', query={'q': 'a b'}, body={'k': [1]}, "
        "headers={'X': ['1', '2'], 'content-type': 'no'}, options={'basicAuthUser': 'u', 'basicAuthPassword': 'p'}).a }}"
    )
    assert render(template, http=http) == "1"
    assert http.seen["method"] == "POST"
    assert http.seen["url"] == "http://localhost/p?q=a+b"
    assert http.seen["body"] == b'{"k":[1]}'
    assert http.seen["headers"] == {
        "X": "1, 2",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Authorization": "Basic dTpw",
    }


def test_http_bodies_by_content_type() -> None:
    http = Http(kind="application/x-yaml", body=b"a: [1]")
    assert (
        render(
            "{{ http('http://localhost', body={'k': [1, [2]]}, contentType='application/yaml').a }}",
            http=http,
        )
        == "[1]"
    )
    assert http.seen["body"] == b"k:\n- 1\n- - 2\n"
    assert not render("{{ http('http://localhost') }}", http=Http(body=b""))


def test_http_errors() -> None:
    message = "Failed to execute HTTP Request, server respond with status 404 : Not Found"
    assert message in fails("{{ http('http://localhost') }}", http=Http(404)).message
    assert (
        "Failed to execute HTTP request "
        in fails("{{ http('http://localhost') }}", http=Http(body=b"text")).message
    )
    assert "The 'http' function expects an argument 'uri'." in fails("{{ http() }}", http=Http()).message
    with pytest.raises(NetworkRefusedError):
        render("{{ http('http://refused') }}", http=Http())
