"""Shards in, checkpoint out: `shards` and `order` feed `loop`, `export` writes what it learned.

A run is a recipe by name (`recipes`) on one process, or on several under `accelerate launch`, where `mesh`
proves that they are one. Not here yet: a start from other weights than chance, checkpoints in the middle of a
run, and more than one machine.
"""
