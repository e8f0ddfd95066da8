"""Contracts: what two packages must agree on lives here, once. No I/O, no heavy libraries."""
