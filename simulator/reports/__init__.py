"""Events in, bytes out, through the redactor. See README.md in this folder."""
