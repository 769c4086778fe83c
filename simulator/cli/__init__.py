"""The command line: parse arguments, one call, an exit code. See README.md in this folder."""
