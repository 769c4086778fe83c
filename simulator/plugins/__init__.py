"""Task implementations by family. See README.md in this folder."""
