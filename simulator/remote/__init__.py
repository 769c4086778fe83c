"""A real Kestra server in place of our engine. See README.md in this folder."""
