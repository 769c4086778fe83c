"""Internal storage, namespace files, KV, Ion. See README.md in this folder."""
