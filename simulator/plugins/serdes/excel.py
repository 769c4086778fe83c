"""`excel.ExcelToIon` and `excel.IonToExcel` (serdes.md 6), on openpyxl's streaming modes."""

from __future__ import annotations

import datetime as dt
import json
import warnings
from collections.abc import Iterator
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.serdes.java import DATE_FORMATS, java_text, zone_of
from simulator.plugins.serdes.rows import CHARSET, FROM, OUTPUTS, IonSink, need, read_records, stored

__all__ = ["ExcelToIon", "IonToExcel"]

_MAX_ROWS = 1_048_576
_HEADER = PropertySpec("header", T.BOOLEAN, default=True)


class ExcelToIon:
    """One Ion file for each sheet: `uris` maps a sheet's title to its file. Numbers are doubles."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.excel.ExcelToIon",
        properties=(
            FROM,
            CHARSET,
            PropertySpec("sheetsTitle", T.LIST, item=PropertySpec("item")),
            PropertySpec(
                "valueRender",
                T.ENUM,
                default="UNFORMATTED_VALUE",
                values=("UNFORMATTED_VALUE", "FORMATTED_VALUE", "FORMULA"),
            ),
            PropertySpec(
                "dateTimeRender",
                T.ENUM,
                default="UNFORMATTED_VALUE",
                values=("UNFORMATTED_VALUE", "SERIAL_NUMBER", "FORMATTED_STRING"),
            ),
            _HEADER,
            PropertySpec("skipEmptyRows", T.BOOLEAN, default=False),
            PropertySpec("skipRows", T.INTEGER, default=0),
        ),
        outputs=(
            OutputSpec("uris", T.MAP, item=OutputSpec("uri", T.URI)),
            OutputSpec("size", T.INTEGER, doc="rows of all sheets"),
        ),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        openpyxl = need("openpyxl", "excel")
        wanted = [str(title) for title in ctx.get("sheetsTitle") or []]
        uris: dict[str, str] = {}
        size = 0
        with ctx.open_uri(str(ctx.get("from"))) as source, warnings.catch_warnings():
            # openpyxl warns about styles and extensions that play no part here.
            warnings.simplefilter("ignore")
            try:
                book = openpyxl.load_workbook(
                    source, read_only=True, data_only=ctx.get("valueRender") != "FORMULA"
                )
            except Exception as error:
                raise TaskError(f"Cannot read the workbook: {error}") from None
            try:
                for sheet in book.worksheets:
                    if wanted and sheet.title not in wanted:
                        continue
                    with IonSink(ctx) as sink:
                        sink.write_all(_rows(ctx, sheet))
                    uris[sheet.title] = ctx.put_file(sink.path)
                    size += sink.count
            finally:
                book.close()
        ctx.metric("records", size)
        ctx.metric("sheets", len(uris))
        return TaskResult({"uris": uris, "size": size}, fact=f"{size:,} rows of {len(uris)} sheets")


def _rows(ctx: RunContext, sheet: Any) -> Iterator[Any]:
    render = _CellReader(str(ctx.get("valueRender")), str(ctx.get("dateTimeRender")))
    skip_empty = bool(ctx.get("skipEmptyRows", False))
    skip = int(ctx.get("skipRows", 0) or 0)
    names: list[str] | None = None if ctx.get("header", True) else []
    for cells in sheet.iter_rows():
        values = [render(cell) for cell in cells]
        if names is None:
            names = [
                f"Column{index}" if value in (None, "") else java_text(value)
                for index, value in enumerate(values)
            ]
            continue
        if skip:
            skip -= 1
            continue
        if skip_empty and all(value in (None, "") for value in values):
            continue
        # The reader leaves out empty cells at the end of a row.
        yield dict(zip_longest(names, values[: len(names)])) if names else values


class _CellReader:
    """A cell's value in the way that `valueRender` and `dateTimeRender` ask for."""

    def __init__(self, value_render: str, date_render: str) -> None:
        self._value_render = value_render
        self._date_render = date_render

    def __call__(self, cell: Any) -> Any:
        value = cell.value
        if value is None or isinstance(value, (str, bool)):
            return value
        if isinstance(value, (dt.datetime, dt.date, dt.time, dt.timedelta)):
            return self._date(value, cell.number_format)
        if isinstance(value, (int, float)):
            if self._value_render == "FORMATTED_VALUE":
                return _formatted(float(value), cell.number_format or "General")
            return float(value)
        return str(value)

    def _date(self, value: Any, number_format: str) -> Any:
        if isinstance(value, dt.timedelta) or self._date_render == "SERIAL_NUMBER":
            from openpyxl.utils.datetime import to_excel

            return float(to_excel(value))
        if self._date_render == "FORMATTED_STRING":
            return _formatted_date(value, number_format)
        return value.strftime("%H:%M:%S") if isinstance(value, dt.time) else value.strftime("%Y-%m-%d")


def _formatted(value: float, number_format: str) -> str:
    """The common number formats; others show the number as it is."""
    pattern = number_format.split(";")[0]
    if pattern == "General":
        return str(int(value)) if value == int(value) else repr(value)
    percent = "%" in pattern
    digits = len(pattern.partition(".")[2].rstrip("%").strip()) if "." in pattern else 0
    comma = "," if "#,##" in pattern or "0,0" in pattern else ""
    number = value * 100 if percent else value
    return f"{number:{comma}.{digits}f}" + ("%" if percent else "")


_DATE_WORDS = {
    "yyyy": "%Y", "yy": "%y", "mmmm": "%B", "mmm": "%b", "mm": "%m", "dd": "%d", "dddd": "%A", "ddd": "%a",
    "hh": "%H", "ss": "%S",
}  # fmt: skip


def _formatted_date(value: Any, number_format: str) -> str:
    import re

    moment = value if isinstance(value, dt.datetime) else None
    if moment is None:
        moment = dt.datetime.combine(value, dt.time()) if isinstance(value, dt.date) else dt.datetime.combine(dt.date(1900, 1, 1), value)  # fmt: skip
    out: list[str] = []
    hours = False
    for word in re.findall(
        r'\[[^\]]*\]|"[^"]*"|\\.|AM/PM|am/pm|y+|m+|d+|h+|s+|.', number_format.split(";")[0]
    ):
        lower = word.lower()
        if word[0] == "[":
            continue
        if word[0] in '"\\':
            out.append(word.strip('"').removeprefix("\\"))
        elif lower in ("m", "mm") and hours:
            out.append(moment.strftime("%M"))
        elif lower in ("m", "d", "h", "s"):
            out.append(str({"m": moment.month, "d": moment.day, "h": moment.hour, "s": moment.second}[lower]))
        elif lower == "am/pm":
            out.append(moment.strftime("%p"))
        else:
            out.append(moment.strftime(_DATE_WORDS[lower]) if lower in _DATE_WORDS else word)
        hours = lower[0] == "h" or (hours and not word.isalpha())
    return "".join(out)


class IonToExcel:
    """One sheet, or one for each entry of a map `sheet title -> uri`."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.excel.IonToExcel",
        properties=(
            PropertySpec(
                "from", T.ANY, required=True, doc="A storage URI, or a map of sheet titles to URIs."
            ),
            CHARSET,
            PropertySpec("sheetsTitle", default="Sheet"),
            _HEADER,
            PropertySpec("styles", T.BOOLEAN, default=True),
            *DATE_FORMATS,
        ),
        outputs=OUTPUTS,
    )

    def run(self, ctx: RunContext) -> TaskResult:
        openpyxl = need("openpyxl", "excel")
        book = openpyxl.Workbook(write_only=True)
        zone = zone_of(ctx)
        styles = bool(ctx.get("styles", True))
        path = ctx.temp_file(".xlsx")
        size = 0
        for title, uri in _sheets(ctx).items():
            sheet = book.create_sheet(title)
            with ctx.open_uri(uri) as source:
                for index, record in enumerate(read_records(ctx, source)):
                    if index == 0 and isinstance(record, dict) and ctx.get("header", True):
                        sheet.append(_header(sheet, list(record), styles))
                    if index >= _MAX_ROWS - 1:
                        raise TaskError(
                            f"Invalid row number ({_MAX_ROWS}) outside allowable range (0..{_MAX_ROWS - 1})"
                        )
                    values = record.values() if isinstance(record, dict) else record
                    sheet.append([_cell(sheet, value, zone) for value in values])
                    size += 1
        book.save(path)
        return stored(ctx, Path(path), size)


def _sheets(ctx: RunContext) -> dict[str, str]:
    value = ctx.get("from")
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            raise TaskError("`from` must be a storage URI or a map of sheet titles to URIs") from None
    if isinstance(value, dict):
        return {str(title): str(uri) for title, uri in value.items()}
    return {str(ctx.get("sheetsTitle", "Sheet")): str(value)}


def _header(sheet: Any, names: list[str], styles: bool) -> list[Any]:
    if not styles:
        return names
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cells = []
    for name in names:
        cell = WriteOnlyCell(sheet, value=name)
        cell.font = Font(bold=True)
        cells.append(cell)
    return cells


def _cell(sheet: Any, value: Any, zone: dt.tzinfo) -> Any:
    if value is None:
        return "null"
    if isinstance(value, bool):
        # The plugin makes a boolean cell and never sets its value.
        return None
    if isinstance(value, str):
        # A leading `=` is text in POI; openpyxl would take it for a formula.
        return (
            f"={value.removeprefix('Formula:').lstrip()}"
            if value.startswith("Formula:")
            else _text(sheet, value)
        )
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 63 else str(value)
    if isinstance(value, (float, Decimal, dt.time)):
        return value.replace(tzinfo=None) if isinstance(value, dt.time) else value
    if isinstance(value, dt.datetime):
        return value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, dt.date):
        return value
    return _text(sheet, java_text(value))


def _text(sheet: Any, value: str) -> Any:
    if not value.startswith("="):
        return value
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type = "s"
    return cell
