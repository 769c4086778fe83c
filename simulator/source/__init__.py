"""Text to positioned nodes. See README.md in this folder."""
