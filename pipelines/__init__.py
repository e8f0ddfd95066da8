"""Transforms of the lake: a DataFrame in, a DataFrame out. Sessions, paths and clocks are passed in."""
