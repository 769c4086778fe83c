"""What a flow finds when it runs here: settings, side file, mocks, deployed flows, endpoints, run directory. See README.md."""
