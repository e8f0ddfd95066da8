"""Conversation events as a stream: sources whose offsets are exact, and micro-batches that are written once.

`files.py` reads folders that recorders append to, `kafka.py` a topic; `micro_batch.py` commits a batch to
bronze and brings silver along, `checkpoint.py` says whose batches those are, `query.py` runs it and stops it,
`watermark.py` says which events are late.
"""
