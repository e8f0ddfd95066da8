"""The simulator: run a workflow on an event and see what it would do, without doing it."""
