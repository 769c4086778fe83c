"""Web addresses in DuckDB's SQL: fetched before the statement runs, for DuckDB would open them itself, past every double.

`read_csv_auto('https://host/a.csv')` reads a copy in the working directory then. An address that the network policy lets
through stays as it is. Buckets (`s3://`...) and addresses that are written to are refused when a double stands there.
"""

from __future__ import annotations

import re
import shutil
import urllib.error
import urllib.request
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from simulator.engine.task import Endpoint, RunContext
from simulator.errors import NetworkRefusedError, TaskError

__all__ = ["localize"]

_ADDRESS = re.compile(r"'((?:https?|s3|gs|gcs|r2|hf|az|abfss?|md)://?[^']*)'", re.IGNORECASE)
_WRITTEN = re.compile(r"\bto\s*$", re.IGNORECASE)
#: The header of an answer for which the HTTP double has no rule; its body is the rule to write.
_UNMATCHED = "X-Simulate-Unmatched"
_SECONDS = 60


def localize(ctx: RunContext, sql: str) -> str:
    """The SQL with local paths for the addresses that the HTTP double answers.

    Raises NetworkRefusedError for what no double can answer, TaskError for a failing answer.
    """
    fetched: dict[str, str] = {}

    def place(match: re.Match[str]) -> str:
        url = match[1]
        kind = "http" if url.lower().startswith("http") else url.partition(":")[0].lower()
        endpoint = ctx.endpoints.resolve(kind, url)
        if endpoint.double is None:
            return match[0]
        if kind != "http" or _WRITTEN.search(sql[: match.start()]):
            raise NetworkRefusedError(
                f"DuckDB would open {url} by itself: a double cannot answer it",
                hint="mock the task, or bring the file in with a task before it and name it in `inputFiles`",
            )
        if url not in fetched:
            fetched[url] = _fetch(ctx, endpoint, url)
        return "'" + fetched[url].replace("'", "''") + "'"

    return _ADDRESS.sub(place, sql)


def _fetch(ctx: RunContext, endpoint: Endpoint, url: str) -> str:
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    address = f"{endpoint.url}/{parts.scheme}/{parts.netloc.rpartition('@')[2]}{parts.path or '/'}{query}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    target = ctx.temp_file(PurePosixPath(parts.path).suffix)
    try:
        with opener.open(address, timeout=_SECONDS) as response, target.open("wb") as sink:
            shutil.copyfileobj(response, sink, 1 << 20)
    except urllib.error.HTTPError as error:
        with error:
            if error.headers.get(_UNMATCHED):
                hint = error.read(1 << 16).decode("utf-8", "replace")
                raise NetworkRefusedError(f"no rule answers GET {url}", hint=hint) from None
        raise TaskError(f"HTTP Error: HTTP GET error on '{url}' (HTTP {error.code})") from None
    except (OSError, ValueError) as error:
        raise TaskError(f"IO Error: {url}: {error}") from None
    return str(target)
