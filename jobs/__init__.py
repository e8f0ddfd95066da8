"""Entry points. A job is a table of contents: arguments in, one summary line and an exit code out."""
