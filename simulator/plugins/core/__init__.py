"""Task types of this family; listed in simulator.plugins.registry."""
