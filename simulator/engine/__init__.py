"""From a flow to a finished execution. See README.md in this folder."""
