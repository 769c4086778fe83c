"""Real servers on loopback that stand in for production. See README.md in this folder."""
