"""Shards in, checkpoint out. Holds no code yet; `write_shards` makes what it will read."""
