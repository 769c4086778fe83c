"""Pebble as Kestra configures it. See README.md in this folder."""
