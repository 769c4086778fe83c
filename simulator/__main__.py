"""`python -m simulator` is `simulate`."""

from simulator.cli.main import entry

if __name__ == "__main__":
    entry()
