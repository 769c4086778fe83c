"""`io.kestra.plugin.fs.local.*`, `io.kestra.plugin.compress.*` and the described remote file systems.

Listed in simulator.plugins.registry.
"""

from __future__ import annotations

_HERE = "simulator.plugins.fs"
_REMOTE = ("sftp", "ftp", "ftps", "smb")
_REMOTE_TASKS = ("Upload", "Uploads", "Download", "Downloads", "List", "Move", "Delete", "Trigger")

TYPES: dict[str, str] = {
    **{
        f"io.kestra.plugin.fs.local.{name}": f"{_HERE}.local:{name}"
        for name in ("Upload", "Uploads", "Download", "Downloads", "List", "Copy", "Move", "Delete")
    },
    **{
        f"io.kestra.plugin.compress.{name}": f"{_HERE}.compress:{name}"
        for name in ("ArchiveDecompress", "ArchiveCompress", "FileCompress", "FileDecompress")
    },
    **{
        f"io.kestra.plugin.fs.{protocol}.{name}": f"{_HERE}.remote:{protocol.capitalize()}{name}"
        for protocol in _REMOTE
        for name in _REMOTE_TASKS
    },
    "io.kestra.plugin.fs.ssh.Command": f"{_HERE}.remote:SshCommand",
    "io.kestra.plugin.fs.tcp.Send": f"{_HERE}.tcp:Send",
}

ALIASES: dict[str, str] = {
    "io.kestra.plugin.fs.http.Download": "io.kestra.plugin.core.http.Download",
    "io.kestra.plugin.fs.http.Request": "io.kestra.plugin.core.http.Request",
    "io.kestra.plugin.fs.http.Trigger": "io.kestra.plugin.core.http.Trigger",
}
