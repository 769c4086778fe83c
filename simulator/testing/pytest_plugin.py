"""pytest plugin: collects Kestra test suites and gives fixtures to run flows."""
