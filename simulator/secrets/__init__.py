"""The only room that touches secret values in files. See README.md in this folder."""
